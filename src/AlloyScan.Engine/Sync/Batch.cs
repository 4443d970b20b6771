using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Sync.Apply;
using AlloyScan.Engine.Sync.Map;
using AlloyScan.Engine.Sync.Plan;

namespace AlloyScan.Engine.Sync;

/// <summary>The lease went to somebody else; what was committed stays.</summary>
internal sealed class LeaseLostException() : Exception("Another run has taken over.");

/// <summary>
/// Gathers the work on devices and does it in transactions, each with its bookkeeping: changes, links, journal,
/// errors and the run's counts are committed together or not at all.
/// </summary>
internal sealed class Batch
{
    /// <summary>Devices in a transaction: large enough to spread the cost of a commit, small enough to stop within a moment.</summary>
    private const int MostDevices = 250;

    /// <summary>Software rows in a transaction, since they are what takes memory and time.</summary>
    private const int MostSoftware = 25_000;

    /// <summary>Times that a batch is tried that gets in another transaction's way.</summary>
    private const int MostTries = 4;

    private readonly RunContext _context;
    private readonly ChangeWriter _writer;
    private readonly Lease? _lease;
    private readonly PlanStore _plans;
    private readonly long? _planId;
    private readonly List<Item> _items = new(MostDevices);
    private readonly List<(SyncError Row, ListedAs? Listed)> _errors = [];
    private readonly FailingDevices _failing;
    private readonly Staging _staging;
    private long _started;
    private int _software;
    private bool _flushing;
    private bool _undecided;

    public Batch(RunContext context, ChangeWriter writer, Lease? lease, PlanStore plans, long? planId, FailingDevices failing, Staging staging)
    {
        _context = context;
        _writer = writer;
        _lease = lease;
        _plans = plans;
        _planId = planId;
        _failing = failing;
        _staging = staging;
    }

    private readonly record struct Item(string DeviceId, string DeviceName, Func<SyncChange?> Work, DeviceFacts? Facts, Func<long?> Record, long? RecordVersion);

    /// <summary>Adds work; a full or old batch is done at once.</summary>
    /// <param name="deviceId">The device.</param>
    /// <param name="deviceName">Its name.</param>
    /// <param name="work">Plans the change and, in a real run, writes it.</param>
    /// <param name="facts">What a saved plan keeps.</param>
    /// <param name="record">The CI that the plan rests on.</param>
    /// <param name="recordVersion">Version of that CI.</param>
    public void Add(string deviceId, string deviceName, Func<SyncChange?> work, DeviceFacts? facts, long? record = null, long? recordVersion = null) =>
        Add(deviceId, deviceName, work, facts, () => record, recordVersion);

    /// <summary>Adds work that finds out itself which CI it rests on.</summary>
    /// <param name="deviceId">The device.</param>
    /// <param name="deviceName">Its name.</param>
    /// <param name="work">Decides, plans the change and, in a real run, writes it.</param>
    /// <param name="facts">What a saved plan keeps.</param>
    /// <param name="record">The CI that the plan rests on, asked when the work is done.</param>
    /// <param name="recordVersion">Version of that CI; <see langword="null"/> for its present one.</param>
    public void Add(string deviceId, string deviceName, Func<SyncChange?> work, DeviceFacts? facts, Func<long?> record, long? recordVersion = null)
    {
        if (_items.Count == 0)
            _started = _context.TimeProvider.GetTimestamp();
        _items.Add(new Item(deviceId, deviceName, work, facts, record, recordVersion));
        _software += facts?.Software?.Count ?? 0;
        if (_items.Count >= MostDevices || _software >= MostSoftware || _context.TimeProvider.GetElapsedTime(_started) > TimeSpan.FromSeconds(1))
            Flush();
    }

    /// <summary>Records a device that failed. It is written with the next batch. Call outside a transaction.</summary>
    public void AddError(string? deviceId, string? deviceName, DeviceFailure failure) => AddError(deviceId, deviceName, failure.Stage, failure.ErrorId, failure.Message);

    /// <summary>As the other.</summary>
    /// <param name="deviceId">The device, if known.</param>
    /// <param name="deviceName">Its name, if known.</param>
    /// <param name="stage">Stage that failed.</param>
    /// <param name="errorId">Stable identifier of the kind of error.</param>
    /// <param name="message">What was wrong.</param>
    /// <param name="listed">What the list says of the device; <see langword="null"/> for what is staged of it.</param>
    public void AddError(string? deviceId, string? deviceName, string stage, string errorId, string message, ListedAs? listed = null)
    {
        var attempts = deviceId is null ? 1 : _errors.Find(e => e.Row.DeviceId == deviceId).Row?.Attempts ?? _failing.AttemptsNow(deviceId);
        var row = new SyncError
        {
            RunId = _context.RunId, DeviceId = deviceId, DeviceName = deviceName, Stage = stage, ErrorId = errorId, Message = AlloyScanException.Said(message), Attempts = attempts,
            Parked = deviceId is not null && _failing.IsTooMany(attempts),
        };
        if (listed is null && deviceId is not null && _staging.Find(deviceId) is { } staged)
            listed = ListedAs.Of(staged);
        _errors.Add((row, listed));
        _context.Counts.Errors++;
        _context.Observer.OnError(row);
        if (_errors.Count >= MostDevices && !_flushing)
            Flush();
    }

    /// <summary>Says that the work in progress did not come to its device's end yet, so that earlier failures of the device still count.</summary>
    public void LeaveUndecided() => _undecided = true;

    /// <summary>Drops what has been gathered and not done; errors stay.</summary>
    public void Abandon()
    {
        _items.Clear();
        _software = 0;
    }

    /// <summary>Does what has been gathered.</summary>
    /// <exception cref="AlloyScanException">The store failed; nothing of this batch was written.</exception>
    /// <exception cref="LeaseLostException">Another run has taken over; nothing of this batch was written.</exception>
    public void Flush()
    {
        if (_items.Count == 0 && _errors.Count == 0)
            return;

        var items = _items.ToArray();
        Abandon();
        _flushing = true;
        try
        {
            Do(items);
        }
        catch (Exception e) when (items.Length > 1 && !DeviceFailure.IsOfRun(e))
        {
            // One device spoiled the batch: each goes alone, so that only it is lost.
            foreach (var item in items)
                DoAlone(item);
        }
        catch (Exception e) when (items.Length == 1 && !DeviceFailure.IsOfRun(e))
        {
            AddError(items[0].DeviceId, items[0].DeviceName, DeviceFailure.Of(e, _context.Applying ? "Apply" : "Plan"));
        }
        finally
        {
            _flushing = false;
        }
    }

    private void DoAlone(Item item)
    {
        try
        {
            Do([item]);
        }
        catch (Exception e) when (!DeviceFailure.IsOfRun(e))
        {
            AddError(item.DeviceId, item.DeviceName, DeviceFailure.Of(e, _context.Applying ? "Apply" : "Plan"));
        }
    }

    /// <summary>Does a batch, and does it again when the database took it back for another transaction's sake: nothing of it is left then.</summary>
    private void Do(Item[] items)
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                DoOnce(items);
                return;
            }
            catch (AlloyScanException e) when (tries < MostTries && _context.Session.IsWorthAgain(e))
            {
                _context.Observer.OnVerbose($"A batch of {items.Length} devices is done again: {e.Message}");
            }
        }
    }

    private void DoOnce(Item[] items)
    {
        var session = _context.Session;
        var before = _context.Counts;
        var changes = new List<SyncChange>(items.Length);
        var done = new List<string>(items.Length);
        (long, long)? spent = null;
        // A rehearsal writes temporary tables only, for which it takes no lock that others would feel.
        if (_context.Mode == SyncMode.WhatIf)
            session.BeginRead();
        else
            session.Begin();
        try
        {
            if (_lease is not null && !_lease.Renew())
                throw new LeaseLostException();

            foreach (var item in items)
            {
                session.Stop.ThrowIfCancellationRequested();
                _undecided = false;
                var change = item.Work();
                // What is spooled has yet to succeed.
                if (!_undecided && change is not { IsSpooled: true })
                    done.Add(item.DeviceId);
                if (change is not null)
                {
                    if (_planId is not null || change.IsSpooled)
                    {
                        var record = item.Record();
                        var version = item.RecordVersion ?? (record is null || item.Facts is null ? null : session.Prepare("SELECT version FROM records WHERE id = @p0").Set(0, record).Number());
                        _plans.Add(_planId ?? PlanStore.SpoolOf(_context.RunId), change, item.Facts, record, version);
                        change = change with { PlanId = _planId };
                    }

                    if (!change.IsSpooled)
                        changes.Add(change);
                }
            }

            if (_context.Applying)
            {
                _writer.Flush();
                // Failures come first: what was gathered here was gathered after them.
                WriteErrors();
                done.ForEach(_failing.Succeeded);
                RunRow.WriteCounts(_context);
                spent = _context.Meter?.Write(session);
            }

            session.Commit();
            if (spent is { } written)
                _context.Meter!.Written(written);
        }
        catch
        {
            session.Rollback();
            _writer.Reset();
            // Errors were counted when they were added, before this batch began.
            _context.Counts = before;
            throw;
        }

        _errors.Clear();
        foreach (var change in changes)
            _context.Observer.OnChange(change);
    }

    private void WriteErrors()
    {
        foreach (var (row, listed) in _errors)
        {
            _context.Session.Prepare("INSERT INTO errors (run_id, device_id, device_name, stage, error_id, message, attempts) VALUES (@p0, @p1, @p2, @p3, @p4, @p5, @p6)")
                .Set(0, _context.RunId).Set(1, row.DeviceId).Set(2, row.DeviceName).Set(3, row.Stage).Set(4, row.ErrorId).Set(5, row.Message).Set(6, row.Attempts).Execute();
            if (row.DeviceId is not null)
                _failing.Failed(row.DeviceId, row.Attempts, listed);
        }
    }
}
