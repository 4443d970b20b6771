using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Site;
using AlloyScan.Engine.Sync.Map;

namespace AlloyScan.Engine.Sync;

/// <summary>
/// Stages the devices that failed in earlier runs, each asked for by its ID, in place of the list. What is not asked for is not known, so
/// nothing counts as absent, and a device that shares an identifier waits for a run that reads the whole list.
/// </summary>
internal sealed class ReplayStage(RunScope scope)
{
    /// <summary>Calls that a device takes at most: itself and its snapshot.</summary>
    private const int CallsEach = 2;

    private readonly int _errorsBefore = scope.Context.Counts.Errors;
    private readonly long _failing = scope.Failing.Count(scope.Request.ErrorsOfRun);
    private int _asked;
    private int _gone;
    private bool _cut;

    /// <summary>Whether any device failed.</summary>
    public bool HasWork => _failing > 0;

    /// <summary>Reads and stages the devices.</summary>
    public async Task ReadAsync(CancellationToken cancellationToken)
    {
        // Without the whole list, the newest that the site has seen is what the links know.
        scope.Context.NoteSeen(scope.Session.Prepare("SELECT max(last_seen) FROM links WHERE target_id = @p0 AND site_id = @p1").Set(0, scope.Context.TargetId).Set(1, scope.Context.SiteId).Number());
        StageWaiting();
        var started = scope.Context.TimeProvider.GetTimestamp();
        var staged = 0;
        for (var ids = scope.Failing.Next(string.Empty, scope.Request.ErrorsOfRun); ids.Count > 0 && !_cut; ids = scope.Failing.Next(ids[^1], scope.Request.ErrorsOfRun))
        {
            foreach (var part in ids.Chunk(scope.Window))
            {
                var count = part.Length;
                // Room is left for the snapshots of those that are staged already.
                while (count > 0 && scope.IsOverBudget((count * CallsEach) + staged))
                    count--;
                _cut = count < part.Length;
                staged += await ReadAsync(part[..count], cancellationToken).ConfigureAwait(false);
                scope.Progress("Read", _asked, null);
                if (_cut)
                    break;
            }
        }

        scope.Spend("Read", ref started);
        scope.Context.Counts.DevicesRead = scope.Staging.Distinct;
    }

    /// <summary>Says what the replay did. Call when all is done.</summary>
    public void Conclude()
    {
        if (_cut)
            scope.EndForBudget();
        var again = scope.Context.Counts.Errors - _errorsBefore;
        var waiting = scope.Staging.WaitingCount;
        // A rehearsal forgets nothing.
        var right = scope.Context.Applying ? _failing - scope.Failing.Count(scope.Request.ErrorsOfRun) : _asked - again - _gone - waiting;
        scope.Say($"{_asked} {(_asked == 1 ? "device that had failed was" : "devices that had failed were")} tried again: {right} {(right == 1 ? "is" : "are")} right now, {again} failed again"
            + (waiting == 0 ? string.Empty : $", {waiting} with identifiers that others carry too {(waiting == 1 ? "waits" : "wait")} for a run that reads the whole list")
            + (_gone == 0 ? "." : $", {_gone} {(_gone == 1 ? "is" : "are")} not to be had from the site any more, which a run that reads the whole list looks into."));
    }

    private async Task<int> ReadAsync(string[] ids, CancellationToken cancellationToken)
    {
        var answers = await Task.WhenAll(ids.Select(id => TryReadAsync(id, cancellationToken))).ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
        var found = new List<Device>(ids.Length);
        for (var i = 0; i < ids.Length; i++)
        {
            var (device, failure) = answers[i];
            if (failure is BudgetSpentException)
            {
                // Retries took what was meant for it.
                _cut = true;
                continue;
            }

            _asked++;
            if (failure is not null && scope.IsFatal(failure))
                throw failure;
            if (failure is not null)
            {
                scope.Batch.AddError(ids[i], NameOf(ids[i]), DeviceFailure.Read(failure));
            }
            else if (device is null)
            {
                _gone++;
                scope.Context.Observer.OnVerbose($"The site has no device {ids[i]} any more; a run that reads the whole list looks into that.");
            }
            else
            {
                scope.CallSucceeded();
                scope.Remember(device);
                found.Add(device);
            }
        }

        scope.Session.BeginRead();
        try
        {
            scope.Staging.Add(new DevicePage { Devices = found, Unreadable = [], Offset = 0, ItemCount = found.Count, Total = null });
            scope.Session.Commit();
        }
        catch
        {
            scope.Session.Rollback();
            throw;
        }

        ForgetUnmoved(found);
        return found.Count;
    }

    /// <summary>Forgets the failures of devices that need no work.</summary>
    private void ForgetUnmoved(List<Device> found)
    {
        var right = found.FindAll(d => !scope.Staging.NeedsWork(d.Id));
        if (right.Count > 0 && scope.Context.Applying)
            scope.Write(() => right.ForEach(d => scope.Failing.Succeeded(d.Id)));
    }

    private async Task<(Device? Device, Exception? Failure)> TryReadAsync(string deviceId, CancellationToken cancellationToken)
    {
        try
        {
            return (await scope.Source.ReadDeviceAsync(deviceId, cancellationToken).ConfigureAwait(false), null);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            return (null, e);
        }
    }

    /// <summary>Devices that wait for their decision since a run that stopped carry identifiers too.</summary>
    private void StageWaiting()
    {
        using var reader = scope.Session.Prepare("SELECT device_id, facts FROM waiting_devices WHERE target_id = @p0 AND site_id = @p1").Set(0, scope.Context.TargetId).Set(1, scope.Context.SiteId).Read();
        while (reader.Read())
            scope.Staging.AddIdentifiers(reader.GetString(0), scope.Identification.IdentifiersOf(DeviceFacts.FromJson(reader.GetString(1))));
    }

    private string? NameOf(string deviceId) =>
        scope.Session.Prepare("SELECT e.device_name FROM errors e JOIN runs r ON r.id = e.run_id WHERE e.device_id = @p0 AND r.site_id = @p1 ORDER BY e.id DESC LIMIT 1")
            .Set(0, deviceId).Set(1, scope.Context.SiteId).Text();
}
