using AlloyScan.Engine.Cmdb;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Site;
using AlloyScan.Engine.Store;
using AlloyScan.Engine.Sync.Apply;
using AlloyScan.Engine.Sync.Guard;
using AlloyScan.Engine.Sync.Identify;
using AlloyScan.Engine.Sync.Map;
using AlloyScan.Engine.Sync.Plan;

namespace AlloyScan.Engine.Sync;

/// <summary>
/// One execution of one job: reads the list, then works on what moved, in an order that does not depend on the order
/// of the list. The caller owns session, source and lease.
/// </summary>
internal sealed class SyncRunner
{
    /// <summary>Passes over the list until it is complete.</summary>
    private const int MostPasses = 3;

    /// <summary>Failures of the connection in a row after which the site counts as gone.</summary>
    private const int MostFailuresInARow = 10;

    /// <summary>A count of deletions in AlloyScan above which the share counts too.</summary>
    private const int GuardCount = 10;

    /// <summary>A share of deletions in AlloyScan above which the run is blocked, when the count is exceeded as well.</summary>
    private const double GuardShare = 0.10;

    private readonly RunContext _context;
    private readonly StoreSession _session;
    private readonly SyncRequest _request;
    private readonly IInventorySource _source;
    private readonly Lease? _lease;
    private readonly Staging _staging;
    private readonly Identification _identification;
    private readonly ChangeWriter _writer;
    private readonly Batch _batch;
    private readonly long? _planId;
    private readonly SiteUsage _usageBefore;
    private readonly DateTimeOffset _startedAt;
    private readonly Dictionary<string, double> _stageSeconds = [];
    private readonly List<string> _messages = [];
    private readonly HashSet<string> _unreadable = new(StringComparer.Ordinal);
    private readonly int _window;
    private int _failuresInARow;
    private int _done;
    private long _lastProgress;
    private bool _complete;
    private bool _blocked;
    private bool _budgetSpent;

    public SyncRunner(RunContext context, SyncRequest request, IInventorySource source, Lease? lease)
    {
        _context = context;
        _session = context.Session;
        _request = request;
        _source = source;
        _lease = lease;
        _usageBefore = source.Usage;
        _startedAt = context.TimeProvider.GetUtcNow();
        _window = Math.Max(4, context.Job.ThrottleLimit * 3);
        _staging = new Staging(context, request.Full);
        _identification = new Identification(context);
        _writer = new ChangeWriter(context, _identification);
        PlanStore? plans = null;
        if (context.Mode == SyncMode.SavePlan)
        {
            plans = new PlanStore(_session);
            _planId = plans.Begin(context);
        }

        _batch = new Batch(context, _writer, lease, plans, _planId ?? 0);
    }

    public async Task<SyncRun> RunAsync(CancellationToken cancellationToken)
    {
        AlloyScanException? failure = null;
        SyncRunStatus status;
        try
        {
            if (_request.Selection is { } selection)
            {
                await ApplySelectionAsync(selection, cancellationToken).ConfigureAwait(false);
                // Nobody asked for more than these rows, so nothing is said of the site as a whole.
                _complete = false;
                status = _blocked ? SyncRunStatus.Blocked : _context.Counts.Errors > 0 ? SyncRunStatus.PartiallySucceeded : SyncRunStatus.Succeeded;
            }
            else
            {
                await RunWholeAsync(cancellationToken).ConfigureAwait(false);
                status = _blocked ? SyncRunStatus.Blocked
                    : !_complete || _budgetSpent || _context.Counts.Errors > 0 ? SyncRunStatus.PartiallySucceeded
                    : SyncRunStatus.Succeeded;
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            status = SyncRunStatus.Canceled;
            _messages.Add("Stopped on request. What was committed stays; the next run goes on from there.");
        }
        catch (LeaseLostException e)
        {
            status = SyncRunStatus.Canceled;
            _messages.Add(e.Message);
        }
        catch (AlloyScanException e)
        {
            status = SyncRunStatus.Failed;
            failure = e;
            _messages.Add(e.MessageWithAdvice);
        }

        return End(status, failure);
    }

    private SyncRun End(SyncRunStatus status, AlloyScanException? failure)
    {
        if (_context.Counts.Errors > 0)
            _messages.Add($"{_context.Counts.Errors} {(_context.Counts.Errors == 1 ? "device" : "devices")} failed; see the run's errors.");
        if (status is SyncRunStatus.Failed or SyncRunStatus.Canceled)
        {
            try
            {
                // Error rows that no batch has written yet; nothing else is pending that may be written now.
                _batch.Abandon();
                _batch.Flush();
            }
            catch (Exception e) when (e is AlloyScanException or LeaseLostException)
            {
                // The first failure is the one to tell.
            }
        }

        var usage = _source.Usage - _usageBefore;
        ref var c = ref _context.Counts;
        var run = new SyncRun
        {
            Id = _context.RunId,
            Job = _context.Job.Name,
            Target = _context.Job.Target,
            Site = _context.Job.Site,
            StartedAt = _startedAt,
            EndedAt = _context.TimeProvider.GetUtcNow(),
            Status = status,
            Message = _messages.Count == 0 ? null : string.Join(" ", _messages),
            ErrorId = failure?.ErrorId,
            Failure = failure,
            PlanId = _planId,
            Complete = _complete,
            DevicesRead = c.DevicesRead,
            Created = c.Created,
            Updated = c.Updated,
            Unchanged = c.Unchanged,
            Conflicts = c.Conflicts,
            Missing = c.Missing,
            Retired = c.Retired,
            DeletedInAlloyScan = c.DeletedInAlloyScan,
            InstallationsAdded = c.InstallationsAdded,
            InstallationsRemoved = c.InstallationsRemoved,
            ProductsAdded = c.ProductsAdded,
            ProductsRemoved = c.ProductsRemoved,
            Skipped = c.Skipped,
            Errors = c.Errors,
            ApiCalls = usage.Calls,
            BytesReceived = usage.BytesReceived,
            StageSeconds = _stageSeconds,
        };

        if (_context.Applying)
        {
            try
            {
                RunRow.End(_context, run);
            }
            catch (AlloyScanException) when (failure is not null)
            {
                // The store is the trouble: the row stays as running, and the next run says that it died.
            }
        }

        Progress("Done", _done, _done, force: true);
        return run;
    }

    private async Task RunWholeAsync(CancellationToken cancellationToken)
    {
        if (_context.Applying)
            await SettleIntentsAsync(cancellationToken).ConfigureAwait(false);
        await StageListAsync(cancellationToken).ConfigureAwait(false);
        _context.Counts.DevicesRead = _staging.Distinct;

        var health = SourceHealth.Judge(_context, _staging.Distinct, _staging.SeenLinks);
        if (health.StopReason is { } stop)
        {
            _blocked = true;
            _messages.Add(stop);
            return;
        }

        if (health.NoRemovalReason is { } reason)
        {
            _blocked = true;
            _messages.Add(reason);
        }

        var removalsAllowed = _complete && health.NoRemovalReason is null;
        await ProcessLinkedAsync(cancellationToken).ConfigureAwait(false);
        ProcessDeletedRecords(cancellationToken);
        if (removalsAllowed)
            await ProcessAbsentAsync(cancellationToken).ConfigureAwait(false);
        if (await ProcessUnlinkedAsync(cancellationToken).ConfigureAwait(false))
            await DecideWaitingAsync(cancellationToken).ConfigureAwait(false);
        if (removalsAllowed)
            await ProcessRetiredAsync(cancellationToken).ConfigureAwait(false);
        _batch.Flush();
        if (_budgetSpent)
            _messages.Add($"The budget of {_request.MaxApiCalls} API calls is spent; the next run goes on from here.");
    }

    // ---- Read: the list ----

    private async Task StageListAsync(CancellationToken cancellationToken)
    {
        for (var pass = 1; pass <= MostPasses && !_complete; pass++)
        {
            int? total = null;
            var steady = true;
            var nameless = 0;
            var started = _context.TimeProvider.GetTimestamp();
            await foreach (var page in _source.ReadDevicePagesAsync(cancellationToken).ConfigureAwait(false))
            {
                Spend("Read", ref started);
                steady &= page.Total is not null && (total is null || total == page.Total);
                total = page.Total;
                _session.BeginRead();
                try
                {
                    _staging.Add(page);
                    foreach (var item in page.Unreadable)
                    {
                        if (item.DeviceId is null)
                            nameless++;
                        else
                            _staging.AddUnreadable(item.DeviceId);
                        if (item.DeviceId is null ? pass == 1 : _unreadable.Add(item.DeviceId))
                            _batch.AddError(item.DeviceId, item.Name, "Read", "UnreadableDevice", item.Reason);
                    }

                    _session.Commit();
                }
                catch
                {
                    _session.Rollback();
                    throw;
                }

                Spend("Compare", ref started);
                Progress("Read", _staging.Distinct, total);
                Heartbeat();
                if (IsBudgetSpent(0))
                    return;
            }

            _complete = steady && total is { } expected && _staging.Distinct + nameless == expected;
            if (!_complete)
                _context.Observer.OnVerbose($"Pass {pass} over the device list: {_staging.Distinct} distinct devices, the site says {total?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "nothing"}.");
        }

        if (!_complete)
            _messages.Add("The device list could not be read completely; nothing was marked missing or deleted.");
    }

    // ---- Linked devices that moved ----

    private async Task ProcessLinkedAsync(CancellationToken cancellationToken)
    {
        var total = _staging.Count(StagedKind.Linked);
        _done = 0;
        await ForEachAsync(
            StagedKind.Linked, total,
            staged =>
            {
                var link = LinkDetails.Get(_session, staged.LinkId);
                return link is null ? null : token => FetchLinkedAsync(staged, link, token);
            },
            cancellationToken).ConfigureAwait(false);
    }

    private async Task<Action> FetchLinkedAsync(StagedDevice staged, LinkDetails link, CancellationToken cancellationToken)
    {
        var list = staged.Device;
        var current = list;
        AuditSnapshot? snapshot = null;
        var kept = DeviceFacts.FromJson(link.Source);
        // Software that is newly wanted was never kept, so its snapshot is read even when nothing moved.
        var wantsSoftware = link.Class == RecordClass.Computer && !link.SoftwareImported && link.Fingerprint != _context.Fingerprint && _context.ImportsSoftware(kept.Platform);
        // A site that gives no lastSeen gives no reason to believe that nothing moved.
        if (_request.Full || list.LastSeen is null || Clock.Milliseconds(list.LastSeen) != link.LastSeen || wantsSoftware)
        {
            var detail = await _source.ReadDeviceAsync(list.Id, cancellationToken).ConfigureAwait(false);
            if (detail is null)
                return () => _context.Observer.OnVerbose($"{list.DisplayName} vanished between the list and the call; the next run looks again.");

            current = detail;
            if (detail.AuditId is not null && (_request.Full || wantsSoftware || detail.AuditId != link.AuditId))
                snapshot = await ReadSnapshotAsync(detail.AuditId, cancellationToken).ConfigureAwait(false);
        }

        var facts = snapshot is not null ? DeviceFacts.FromSite(list, current, snapshot, link.Class) : DeviceFacts.FromKept(list, current, kept, link.Class);
        if (DeviceFacts.ClassOf(current.Type, kept.Platform is not null) is { } now && now != link.Class)
            _context.Observer.OnVerbose($"{list.DisplayName} now has the type '{current.Type}', which is {now}; its CI stays {link.Class}.");
        return () => AddUpdate(facts, link);
    }

    private void AddUpdate(DeviceFacts facts, LinkDetails link)
    {
        var version = _session.Prepare("SELECT version FROM records WHERE id = @p0").Set(0, link.Record).Number();
        _batch.Add(facts.DeviceId, facts.DisplayName, () => _writer.Update(facts, link), facts, link.Record, version);
    }

    private void ProcessDeletedRecords(CancellationToken cancellationToken)
    {
        var after = string.Empty;
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var chunk = _staging.Next(StagedKind.RecordDeleted, after);
            if (chunk.Count == 0)
                break;

            foreach (var staged in chunk)
            {
                after = staged.Device.Id;
                if (LinkDetails.Get(_session, staged.LinkId) is not { } link)
                    continue;

                var facts = DeviceFacts.FromKept(staged.Device, staged.Device, DeviceFacts.FromJson(link.Source), link.Class);
                _batch.Add(facts.DeviceId, facts.DisplayName, () => _writer.CloseForDeletedRecord(facts, link), facts, link.Record);
            }
        }

        _batch.Flush();
    }

    // ---- Devices that are gone ----

    private async Task ProcessAbsentAsync(CancellationToken cancellationToken)
    {
        var absent = new List<long>();
        using (var reader = _session.Prepare("SELECT id FROM links WHERE target_id = @p0 AND site_id = @p1 AND state = 1 ORDER BY last_seen, id")
            .Set(0, _context.TargetId).Set(1, _context.SiteId).Read())
        {
            while (reader.Read())
            {
                if (!_staging.IsSeen(reader.GetInt64(0)))
                    absent.Add(reader.GetInt64(0));
            }
        }

        if (absent.Count == 0)
            return;

        // A tenth of a run's budget goes into confirmations, those unseen for longest first.
        if (_request.MaxApiCalls is { } budget && absent.Count > budget / 10)
            absent.RemoveRange(budget / 10, absent.Count - (budget / 10));

        if (!await DevicePathAnswersAsync(cancellationToken).ConfigureAwait(false))
        {
            _context.Observer.OnWarning("The site did not answer for a device that it lists, so its 404 for others is not believed: nothing is marked missing.");
            return;
        }

        var confirmed = new List<LinkDetails>();
        var started = _context.TimeProvider.GetTimestamp();
        for (var from = 0; from < absent.Count; from += _window)
        {
            var links = absent.Skip(from).Take(_window).Select(id => LinkDetails.Get(_session, id)).OfType<LinkDetails>().ToList();
            var answers = await Task.WhenAll(links.Select(l => IsGoneAsync(l, cancellationToken))).ConfigureAwait(false);
            confirmed.AddRange(links.Where((_, i) => answers[i]));
            Progress("Confirm", Math.Min(from + _window, absent.Count), absent.Count);
        }

        Spend("Confirm", ref started);
        if (confirmed.Count > 0 && !await DevicePathAnswersAsync(cancellationToken).ConfigureAwait(false))
        {
            _context.Observer.OnWarning("The site stopped answering for a device that it lists, so its 404 for others is not believed: nothing is marked missing.");
            return;
        }

        foreach (var link in confirmed)
            _batch.Add(link.DeviceId, link.DeviceName, () => _writer.MarkMissing(link), null, link.Record);
        _batch.Flush();
    }

    private async Task<bool> DevicePathAnswersAsync(CancellationToken cancellationToken)
    {
        try
        {
            return _staging.AnyDeviceId is { } id && await _source.ReadDeviceAsync(id, cancellationToken).ConfigureAwait(false) is not null;
        }
        catch (AlloyScanException e) when (!IsFatal(e))
        {
            return false;
        }
    }

    private async Task<bool> IsGoneAsync(LinkDetails link, CancellationToken cancellationToken)
    {
        try
        {
            return await _source.ReadDeviceAsync(link.DeviceId, cancellationToken).ConfigureAwait(false) is null;
        }
        catch (AlloyScanException e) when (!IsFatal(e))
        {
            _context.Observer.OnVerbose($"The absence of {link.DeviceName} could not be confirmed: {e.Message}");
            return false;
        }
    }

    // ---- Unlinked devices ----

    /// <returns>False when the budget ended the reading before all were staged; then nobody who waits is decided.</returns>
    private async Task<bool> ProcessUnlinkedAsync(CancellationToken cancellationToken)
    {
        var total = _staging.Count(StagedKind.Unlinked);
        _done = 0;
        return await ForEachAsync(StagedKind.Unlinked, total, PrepareUnlinked, cancellationToken).ConfigureAwait(false);
    }

    private Func<CancellationToken, Task<Action>>? PrepareUnlinked(StagedDevice staged)
    {
        using (var reader = _session.Prepare("SELECT state, list_hash, last_seen, facts FROM conflicts WHERE target_id = @p0 AND site_id = @p1 AND device_id = @p2")
            .Set(0, _context.TargetId).Set(1, _context.SiteId).Set(2, staged.Device.Id).Read())
        {
            if (reader.Read())
            {
                if (reader.GetString(0) == "Ignored")
                {
                    _context.Counts.Skipped++;
                    return null;
                }

                if (!_request.Full && staged.Device.LastSeen is not null && reader.GetInt64(1) == staged.ListHash && reader.Number(2) == Clock.Milliseconds(staged.Device.LastSeen))
                {
                    // Unmoved since it became a conflict: judged again from what was kept, without a call.
                    var facts = DeviceFacts.FromJson(reader.GetString(3));
                    return _ => Task.FromResult<Action>(() => StageUnlinked(facts, staged, mayStream: false));
                }
            }
        }

        return token => FetchUnlinkedAsync(staged, token);
    }

    private async Task<Action> FetchUnlinkedAsync(StagedDevice staged, CancellationToken cancellationToken)
    {
        var facts = await ReadFactsAsync(staged.Device, cancellationToken).ConfigureAwait(false);
        return facts is null
            ? () => _context.Observer.OnVerbose($"{staged.Device.DisplayName} vanished between the list and the call; the next run looks again.")
            : () => StageUnlinked(facts, staged, mayStream: true);
    }

    private async Task<DeviceFacts?> ReadFactsAsync(Device list, CancellationToken cancellationToken)
    {
        var detail = await _source.ReadDeviceAsync(list.Id, cancellationToken).ConfigureAwait(false);
        if (detail is null)
            return null;

        var snapshot = detail.AuditId is null ? null : await ReadSnapshotAsync(detail.AuditId, cancellationToken).ConfigureAwait(false);
        return DeviceFacts.FromSite(list, detail, snapshot, null);
    }

    private async Task<AuditSnapshot> ReadSnapshotAsync(string auditId, CancellationToken cancellationToken) =>
        await _source.ReadSnapshotAsync(auditId, cancellationToken).ConfigureAwait(false)
        ?? throw new AlloyScanException(ErrorKind.NotFound, "SnapshotNotFound", $"The site has no audit snapshot {auditId}, although the device names it.", auditId);

    private void StageUnlinked(DeviceFacts facts, StagedDevice staged, bool mayStream)
    {
        if (staged.LinkId != 0)
        {
            _batch.Add(facts.DeviceId, facts.DisplayName, () => _writer.Conflict(facts, "The device was deleted in AlloyScan after its CI was retired, and is there again", []), facts);
            return;
        }

        var identifiers = facts.Identifiers();
        _staging.AddIdentifiers(facts.DeviceId, identifiers);
        if (mayStream && _identification.IsAlone(facts, identifiers))
            _batch.Add(facts.DeviceId, facts.DisplayName, () => _writer.Create(facts, Decision.Create.Reason), facts);
        else
            _staging.Wait(facts);
    }

    /// <summary>
    /// Decides on the devices that share an identifier, in order of device ID. A decision can change what others rest on,
    /// so those that would be conflicts are looked at again until nothing more is created or linked; only then are they
    /// written, with the reason that the next run would find as well.
    /// </summary>
    private async Task DecideWaitingAsync(CancellationToken cancellationToken)
    {
        _batch.Flush();
        var started = _context.TimeProvider.GetTimestamp();
        _context.Observer.OnVerbose($"{_staging.WaitingCount} devices share identifiers with others or with CIs and are judged together.");
        while (await DecidePassAsync(writeConflicts: false, cancellationToken).ConfigureAwait(false))
        {
        }

        await DecidePassAsync(writeConflicts: true, cancellationToken).ConfigureAwait(false);
        Spend("Decide", ref started);
    }

    /// <returns>Whether a CI was created or linked.</returns>
    private async Task<bool> DecidePassAsync(bool writeConflicts, CancellationToken cancellationToken)
    {
        var decided = false;
        var after = string.Empty;
        while (_staging.NextWaiting(after) is { Count: > 0 } chunk)
        {
            foreach (var waiting in chunk)
            {
                cancellationToken.ThrowIfCancellationRequested();
                after = waiting.DeviceId;
                DeviceFacts? facts = waiting;
                var decision = _identification.Decide(facts);
                if (decision.Kind == DecisionKind.Conflict)
                {
                    if (writeConflicts)
                        AddDecision(facts, decision);
                    continue;
                }

                if (!facts.SnapshotRead && facts.AuditId is not null)
                {
                    // Kept from an earlier run without its software; now that it is no conflict any more it is read again.
                    _staging.StopWaiting(facts.DeviceId);
                    facts = await TryReadAgainAsync(facts, cancellationToken).ConfigureAwait(false);
                    if (facts is null)
                        continue;

                    decision = _identification.Decide(facts);
                }

                // Each decision rests on all before it, so each is written before the next is made.
                AddDecision(facts, decision);
                _batch.Flush();
                _staging.StopWaiting(facts.DeviceId);
                decided = true;
            }

            Progress("Decide", _done, null);
        }

        _batch.Flush();
        return decided;
    }

    private async Task<DeviceFacts?> TryReadAgainAsync(DeviceFacts facts, CancellationToken cancellationToken)
    {
        if (_staging.Find(facts.DeviceId) is not { } list)
            return null;

        try
        {
            return await ReadFactsAsync(list, cancellationToken).ConfigureAwait(false);
        }
        catch (AlloyScanException e) when (!IsFatal(e))
        {
            _batch.AddError(facts.DeviceId, facts.DisplayName, "Read", e.ErrorId, e.Message);
            return null;
        }
    }

    private void AddDecision(DeviceFacts facts, Decision decision)
    {
        var version = decision.Record > 0 ? _session.Prepare("SELECT version FROM records WHERE id = @p0").Set(0, decision.Record).Number() : null;
        _batch.Add(
            facts.DeviceId, facts.DisplayName,
            () => decision.Kind switch
            {
                DecisionKind.Create => _writer.Create(facts, decision.Reason),
                DecisionKind.Link => _writer.Link(facts, decision),
                _ => _writer.Conflict(facts, decision.Reason, decision.Candidates ?? []),
            },
            facts, decision.Record > 0 ? decision.Record : null, version);
    }

    // ---- Devices of retired CIs ----

    private async Task ProcessRetiredAsync(CancellationToken cancellationToken)
    {
        _batch.Flush();
        var count = _staging.Count(StagedKind.Retired);
        if (count == 0)
            return;

        var live = _session.Prepare("SELECT count(*) FROM links WHERE target_id = @p0 AND site_id = @p1 AND state = 1").Set(0, _context.TargetId).Set(1, _context.SiteId).Number() ?? 0;
        if (count > GuardCount && count > live * GuardShare)
        {
            _blocked = true;
            _messages.Add($"{count} of {live} linked devices belong to CIs that were retired, more than {GuardCount} and more than {GuardShare:P0}: none was deleted in AlloyScan.");
            return;
        }

        var after = string.Empty;
        while (true)
        {
            var chunk = _staging.Next(StagedKind.Retired, after);
            if (chunk.Count == 0)
                break;

            foreach (var staged in chunk)
            {
                after = staged.Device.Id;
                if (LinkDetails.Get(_session, staged.LinkId) is not { } link)
                    continue;

                if (_context.Applying)
                    await DeleteInAlloyScanAsync(link, cancellationToken).ConfigureAwait(false);
                else
                    _batch.Add(link.DeviceId, link.DeviceName, () => PlanDeletion(link), null, link.Record);
            }
        }

        _batch.Flush();
    }

    private SyncChange PlanDeletion(LinkDetails link)
    {
        _context.Counts.DeletedInAlloyScan++;
        return _writer.LinkChange(ChangeAction.DeleteInAlloyScan, link, "Its CI is retired");
    }

    /// <summary>Deletes one device. The intent is committed before the call, so that a run that dies in between is settled by the next.</summary>
    private async Task DeleteInAlloyScanAsync(LinkDetails link, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        long intent = 0;
        var stillRetired = false;
        _session.InTransactionDo(() =>
        {
            if (_lease is not null && !_lease.Renew())
                throw new LeaseLostException();

            // The status is read again here: somebody may have taken the CI back since the list was read.
            stillRetired = RecordStatus.IsRetired(_session.Prepare("SELECT status FROM records WHERE id = @p0").Set(0, link.Record).Text());
            if (!stillRetired)
                return;

            _session.Execute(
                "INSERT INTO intents (run_id, action, link, device_id, created_at) VALUES (@p0, 'DeleteInAlloyScan', @p1, @p2, @p3)",
                _context.RunId, link.Id, link.DeviceId, _context.TimeProvider.NowMilliseconds());
            intent = _session.Prepare("SELECT last_insert_rowid()").Number()!.Value;
        });
        if (!stillRetired)
        {
            _context.Counts.Skipped++;
            return;
        }

        try
        {
            await _source.DeleteDeviceAsync(link.DeviceId, cancellationToken).ConfigureAwait(false);
        }
        catch (AlloyScanException e)
        {
            _session.Execute("UPDATE intents SET outcome = @p1 WHERE id = @p0", intent, "Failed: " + e.ErrorId);
            _batch.AddError(link.DeviceId, link.DeviceName, "Apply", e.ErrorId, e.Message);
            if (IsFatal(e))
                throw;
            return;
        }

        _batch.Add(link.DeviceId, link.DeviceName, () => CloseDeleted(link, intent), null, link.Record);
        _batch.Flush();
    }

    private SyncChange CloseDeleted(LinkDetails link, long intent)
    {
        _session.Prepare("UPDATE intents SET outcome = 'Deleted' WHERE id = @p0").Set(0, intent).Execute();
        _session.Prepare("UPDATE links SET state = 3, closed_reason = @p1 WHERE id = @p0").Set(0, link.Id).Set(1, ClosedReason.DeletedInAlloyScan).Execute();
        _writer.Journal(link.Class, link.RecordNumber, "DeleteInAlloyScan", "link", link.State.ToString(), LinkState.Closed.ToString());
        _context.Counts.DeletedInAlloyScan++;
        return _writer.LinkChange(ChangeAction.DeleteInAlloyScan, link, "Its CI is retired");
    }

    /// <summary>Settles deletions of a run that died between the call and its outcome: the site knows whether they happened.</summary>
    private async Task SettleIntentsAsync(CancellationToken cancellationToken)
    {
        var open = new List<(long Intent, long Link)>();
        using (var reader = _session.Prepare("SELECT i.id, i.link FROM intents i JOIN links l ON l.id = i.link WHERE i.outcome IS NULL AND l.site_id = @p0").Set(0, _context.SiteId).Read())
        {
            while (reader.Read())
                open.Add((reader.GetInt64(0), reader.GetInt64(1)));
        }

        foreach (var (intent, linkId) in open)
        {
            if (LinkDetails.Get(_session, linkId) is not { } link)
                continue;

            if (await _source.ReadDeviceAsync(link.DeviceId, cancellationToken).ConfigureAwait(false) is null)
                _batch.Add(link.DeviceId, link.DeviceName, () => CloseDeleted(link, intent), null, link.Record);
            else
                _session.Execute("UPDATE intents SET outcome = 'NotDone' WHERE id = @p0", intent);
        }

        _batch.Flush();
    }

    // ---- Rows of a saved plan ----

    private async Task ApplySelectionAsync(PlanSelection selection, CancellationToken cancellationToken)
    {
        var plans = new PlanStore(_session);
        plans.Check(selection, _context);
        var chosen = selection.Rows.Count == 0 ? null : selection.Rows.ToHashSet();

        // All rows of the plan carry identifiers, chosen or not: what two devices share must not depend on the choice.
        var devices = new HashSet<string>(StringComparer.Ordinal);
        foreach (var row in Rows(plans, selection.PlanId))
        {
            if (row.Facts is not null && row.Action is ChangeAction.Create or ChangeAction.Link or ChangeAction.Conflict or ChangeAction.Update)
            {
                if (LinkOf(row.DeviceId) is null)
                    _staging.AddIdentifiers(row.DeviceId, row.Facts!.Identifiers());
            }

            if (chosen is null || chosen.Contains(row.Row))
                devices.Add(row.DeviceId);
        }

        var lastSeen = await ReadLastSeenAsync(devices, cancellationToken).ConfigureAwait(false);
        foreach (var row in Rows(plans, selection.PlanId))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (chosen is not null && !chosen.Contains(row.Row))
                continue;

            if (row.Action == ChangeAction.DeleteInAlloyScan)
            {
                if (LinkOf(row.DeviceId) is { } retired)
                    await DeleteInAlloyScanAsync(retired, cancellationToken).ConfigureAwait(false);
            }
            else
            {
                ApplyRow(row, lastSeen);
                _batch.Flush();
            }

            Progress("Apply", ++_done, devices.Count);
        }

        _context.Counts.DevicesRead = devices.Count;
    }

    private void ApplyRow(PlanRow row, Dictionary<string, long?> lastSeen)
    {
        var listed = lastSeen.TryGetValue(row.DeviceId, out var seen);
        var link = LinkOf(row.DeviceId);
        if (row.Action == ChangeAction.MarkMissing)
        {
            if (listed)
                Skip(row, "the device is there again");
            else if (link is { State: LinkState.Live })
                _batch.Add(row.DeviceId, link.DeviceName, () => _writer.MarkMissing(link), null);
            else
                Skip(row, "its link is not live any more");
            return;
        }

        if (row.Facts is not { } facts)
            return;

        if (!listed)
        {
            Skip(row, "the device is gone from the site");
            return;
        }

        if (seen != row.LastSeen)
        {
            Skip(row, "the site has seen the device again since the plan was made");
            return;
        }

        if (row.Record is { } record && row.RecordVersion is { } version && _session.Prepare("SELECT version FROM records WHERE id = @p0").Set(0, record).Number() != version)
        {
            Skip(row, "its CI has changed since the plan was made");
            return;
        }

        if (link is { State: LinkState.Live or LinkState.Missing })
        {
            if (row.Action == ChangeAction.CloseLink)
            {
                if (_session.Prepare("SELECT 1 FROM records WHERE id = @p0").Set(0, link.Record).Number() is null)
                    _batch.Add(row.DeviceId, facts.DisplayName, () => _writer.CloseForDeletedRecord(facts, link), facts);
                else
                    Skip(row, "its CI is there again");
            }
            else if (row.Record == link.Record)
            {
                _batch.Add(row.DeviceId, facts.DisplayName, () => _writer.Update(facts, link), facts);
            }
            else
            {
                Skip(row, "the device has been linked since the plan was made");
            }

            return;
        }

        var decision = _identification.Decide(facts);
        var expected = row.Action switch
        {
            ChangeAction.Create => DecisionKind.Create,
            ChangeAction.Conflict => DecisionKind.Conflict,
            _ => DecisionKind.Link,
        };
        if (decision.Kind != expected || (expected == DecisionKind.Link && decision.Record != row.Record))
            Skip(row, $"what the device was recognised as has changed since: {decision.Reason}");
        else
            AddDecision(facts, decision);
    }

    private void Skip(PlanRow row, string reason)
    {
        _context.Counts.Skipped++;
        _context.Observer.OnWarning($"Row {row.Row} of the plan ({row.Action} {row.Facts?.DisplayName ?? row.DeviceId}) was skipped: {reason}.");
    }

    private LinkDetails? LinkOf(string deviceId) =>
        _session.Prepare("SELECT id FROM links WHERE target_id = @p0 AND site_id = @p1 AND device_id = @p2 AND state IN (1, 2)")
            .Set(0, _context.TargetId).Set(1, _context.SiteId).Set(2, deviceId).Number() is { } id
            ? LinkDetails.Get(_session, id)
            : null;

    private static IEnumerable<PlanRow> Rows(PlanStore plans, long planId)
    {
        var after = 0;
        while (plans.Next(planId, after) is { Count: > 0 } rows)
        {
            foreach (var row in rows)
                yield return row;
            after = rows[^1].Row;
        }
    }

    /// <summary>Asks the site when it last saw some devices: one by one when they are few, else through the list.</summary>
    private async Task<Dictionary<string, long?>> ReadLastSeenAsync(HashSet<string> devices, CancellationToken cancellationToken)
    {
        const int few = 20;
        var result = new Dictionary<string, long?>(StringComparer.Ordinal);
        if (devices.Count <= few)
        {
            foreach (var id in devices)
            {
                if (await _source.ReadDeviceAsync(id, cancellationToken).ConfigureAwait(false) is { } device)
                    result[id] = Clock.Milliseconds(device.LastSeen);
            }
        }
        else
        {
            await foreach (var page in _source.ReadDevicePagesAsync(cancellationToken).ConfigureAwait(false))
            {
                foreach (var device in page.Devices)
                {
                    if (devices.Contains(device.Id))
                        result[device.Id] = Clock.Milliseconds(device.LastSeen);
                }

                Progress("Read", result.Count, devices.Count);
            }
        }

        return result;
    }

    // ---- Helpers ----

    /// <summary>
    /// Fetches staged devices several at once and takes the answers in order of device ID, so that the outcome does not
    /// depend on who answered first. All work on the store is done here, on one flow.
    /// </summary>
    /// <returns>False when the budget ended it early.</returns>
    private async Task<bool> ForEachAsync(
        StagedKind kind, int total, Func<StagedDevice, Func<CancellationToken, Task<Action>>?> prepare, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var window = new Queue<(StagedDevice Staged, Task<Action> Fetch)>();
        var chunk = new Queue<StagedDevice>();
        var after = string.Empty;
        var ended = false;
        var started = _context.TimeProvider.GetTimestamp();
        try
        {
            while (true)
            {
                while (!ended && window.Count < _window)
                {
                    if (chunk.Count == 0)
                    {
                        foreach (var staged in _staging.Next(kind, after))
                            chunk.Enqueue(staged);
                        if (chunk.Count == 0)
                        {
                            ended = true;
                            break;
                        }
                    }

                    if (IsBudgetSpent(window.Count * 2))
                    {
                        ended = true;
                        break;
                    }

                    var next = chunk.Dequeue();
                    after = next.Device.Id;
                    if (prepare(next) is { } fetch)
                        window.Enqueue((next, Task.Run(() => fetch(stop.Token), stop.Token)));
                    else
                        _done++;
                }

                if (window.Count == 0)
                    break;

                var (device, task) = window.Dequeue();
                Spend("Apply", ref started);
                Action? consume = null;
                try
                {
                    consume = await task.ConfigureAwait(false);
                    _failuresInARow = 0;
                }
                catch (AlloyScanException e) when (!IsFatal(e))
                {
                    _batch.AddError(device.Device.Id, device.Device.DisplayName, "Read", e.ErrorId, e.Message);
                }

                Spend("Read", ref started);
                cancellationToken.ThrowIfCancellationRequested();
                consume?.Invoke();
                Progress(kind == StagedKind.Linked ? "Update" : "Create", ++_done, total);
            }

            _batch.Flush();
            Spend("Apply", ref started);
            return !_budgetSpent;
        }
        finally
        {
            // Whatever is still under way is not wanted any more; its failures are nobody's business.
            await stop.CancelAsync().ConfigureAwait(false);
            foreach (var (_, fetch) in window)
                await fetch.ContinueWith(static t => _ = t.Exception, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default).ConfigureAwait(false);
        }
    }

    /// <summary>Whether a failed call means that going on is useless, and not only that one device cannot be read.</summary>
    private bool IsFatal(AlloyScanException e)
    {
        if (e.Kind is ErrorKind.Authentication or ErrorKind.LimitsExceeded)
            return true;
        return e.Kind is not (ErrorKind.InvalidData or ErrorKind.NotFound) && ++_failuresInARow > MostFailuresInARow;
    }

    private bool IsBudgetSpent(int underWay)
    {
        if (_request.MaxApiCalls is { } budget && (_source.Usage - _usageBefore).Calls + underWay >= budget)
            _budgetSpent = true;
        return _budgetSpent;
    }

    private void Heartbeat()
    {
        if (_lease is not null && _context.TimeProvider.GetElapsedTime(_lease.RenewedAt) > TimeSpan.FromSeconds(10) && !_lease.Renew())
            throw new LeaseLostException();
    }

    /// <summary>Adds the time since <paramref name="since"/> to a stage and starts anew.</summary>
    private void Spend(string stage, ref long since)
    {
        var now = _context.TimeProvider.GetTimestamp();
        _stageSeconds[stage] = _stageSeconds.GetValueOrDefault(stage) + _context.TimeProvider.GetElapsedTime(since, now).TotalSeconds;
        since = now;
    }

    private void Progress(string stage, int done, int? total, bool force = false)
    {
        if (!force && _context.TimeProvider.GetElapsedTime(_lastProgress) < TimeSpan.FromMilliseconds(250))
            return;

        _lastProgress = _context.TimeProvider.GetTimestamp();
        _context.Observer.OnProgress(new SyncProgress(stage, done, total));
    }
}
