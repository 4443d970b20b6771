using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Site;
using AlloyScan.Engine.Sync.Identify;
using AlloyScan.Engine.Sync.Map;
using AlloyScan.Engine.Store;

namespace AlloyScan.Engine.Sync;

/// <summary>Works on devices without a link: recognises them as CIs, creates CIs, or puts them on the conflict list.</summary>
internal sealed class UnlinkedDevices(RunScope scope, DeviceQueue queue)
{
    private readonly List<DeviceFacts> _next = [];
    private bool _hasConflicts;
    private bool _hasKept;
    private bool _stopped;

    /// <summary>Reads unlinked devices; creates those that stand alone and lets the others wait.</summary>
    /// <returns>False when the budget ended the reading before all were staged; then nobody who waits is decided.</returns>
    public async Task<bool> ProcessAsync(CancellationToken cancellationToken)
    {
        scope.Staging.SettleTakenOver();
        _hasKept = scope.Staging.HasKept;
        _hasConflicts = scope.Session.Prepare("SELECT 1 FROM conflicts WHERE target_id = @p0 AND site_id = @p1 LIMIT 1").Set(0, scope.Context.TargetId).Set(1, scope.Context.SiteId).Number() is not null;
        var total = scope.Staging.Count(StagedKind.Unlinked);
        scope.Done = 0;
        return await queue.ForEachAsync(StagedKind.Unlinked, total, PrepareUnlinked, cancellationToken).ConfigureAwait(false);
    }

    private Fetch? PrepareUnlinked(StagedDevice staged)
    {
        using (var reader = !_hasConflicts ? null : scope.Session.Prepare("SELECT state, list_hash, last_seen, facts, kind FROM conflicts WHERE target_id = @p0 AND site_id = @p1 AND device_id = @p2")
            .Set(0, scope.Context.TargetId).Set(1, scope.Context.SiteId).Set(2, staged.Device.Id).Read())
        {
            if (reader is not null && reader.Read() && reader.GetString(4) == "Unlinked")
            {
                if (reader.GetString(0) == "Ignored")
                {
                    scope.Context.Counts.Skipped++;
                    // Nobody asks for it any more, so it fails no more.
                    if (scope.Failing.IsFailing(staged.Device.Id))
                        scope.Batch.Add(staged.Device.Id, staged.Device.DisplayName, () => null, null);
                    return null;
                }

                if (!scope.Request.Full && staged.Device.LastSeen is not null && reader.GetInt64(1) == staged.ListHash && reader.Number(2) == Clock.Milliseconds(staged.Device.LastSeen))
                {
                    // Unmoved since it became a conflict: judged again from what was kept, without a call.
                    var facts = Kept(scope.Context, reader.GetString(3));
                    return Fetch.Free(() => StageUnlinked(facts, staged, FactsSource.Conflict));
                }
            }
        }

        if (_hasKept && !scope.Request.Full && scope.Staging.KeptFacts(staged) is { } json)
        {
            var facts = Kept(scope.Context, json);
            return Fetch.Free(() => StageUnlinked(facts, staged, FactsSource.EarlierRun));
        }

        return new Fetch(token => FetchUnlinkedAsync(staged, token));
    }

    private async Task<Action> FetchUnlinkedAsync(StagedDevice staged, CancellationToken cancellationToken)
    {
        var facts = await ReadFactsAsync(staged.Device, cancellationToken).ConfigureAwait(false);
        return facts is null
            ? () => scope.Context.Observer.OnVerbose($"{staged.Device.DisplayName} vanished between the list and the call; the next run looks again.")
            : () => StageUnlinked(facts, staged, FactsSource.Site);
    }

    private async Task<DeviceFacts?> ReadFactsAsync(Device list, CancellationToken cancellationToken)
    {
        var detail = await scope.ReadListedAsync(list.Id, cancellationToken).ConfigureAwait(false);
        if (detail is null)
            return null;

        var snapshot = detail.AuditId is null ? null : await scope.ReadSnapshotAsync(detail.AuditId, cancellationToken).ConfigureAwait(false);
        return DeviceFacts.FromSite(list, detail, snapshot, null, scope.Context.MeaningOf(detail.Type));
    }

    /// <summary>Facts of an earlier run, with the class that the device's type has now.</summary>
    internal static DeviceFacts Kept(RunContext context, string json)
    {
        var facts = DeviceFacts.FromJson(json);
        if (!string.IsNullOrWhiteSpace(facts.Type) && DeviceFacts.ClassOf(context.MeaningOf(facts.Type), facts.Platform is not null) is { } recordClass)
            facts.Class = recordClass;
        return facts;
    }

    private void StageUnlinked(DeviceFacts facts, StagedDevice staged, FactsSource from)
    {
        if (staged.LinkId != 0)
        {
            scope.Batch.Add(facts.DeviceId, facts.DisplayName, () => scope.Writer.Conflict(facts, "The device was deleted in AlloyScan after its CI was retired, and is there again", []), facts);
            return;
        }

        // Staging writes temporary tables, which is cheap inside the transaction of a batch and dear outside.
        // Behind a device that the budget left out nobody is created: that one may turn out to be the same machine, and comes first.
        var first = !queue.HasGap;
        if (first && from != FactsSource.Conflict && scope.Session.IsRemote)
            _next.Add(facts);
        scope.Batch.Add(facts.DeviceId, facts.DisplayName, () => CreateOrWait(facts, staged.Device, from, first), facts);
    }

    private SyncChange? CreateOrWait(DeviceFacts facts, Device list, FactsSource from, bool first)
    {
        var started = scope.Context.TimeProvider.GetTimestamp();
        var alone = StageException.In("Identify", () =>
        {
            // The devices of this batch are asked after together, before the first of them is staged.
            if (_next.Count > 0)
                scope.Identification.Foresee(_next);
            _next.Clear();
            var identifiers = scope.Identification.IdentifiersOf(facts);
            scope.Staging.RemoveIdentifiers(facts.DeviceId, DeviceFacts.ListIdentifiers(list).Except(identifiers));
            scope.Staging.AddIdentifiers(facts.DeviceId, identifiers);
            scope.Identification.NoteStaged(facts.DeviceId, identifiers);
            return first && from != FactsSource.Conflict && scope.Identification.IsAlone(facts, identifiers);
        });
        scope.SpendWithin("Identify", started);
        if (alone)
        {
            DropKept(facts);
            return scope.Writer.Create(facts, Decision.Create.Reason);
        }

        scope.Staging.Wait(facts, from);
        scope.Batch.LeaveUndecided();
        return null;
    }

    private void DropKept(DeviceFacts facts)
    {
        if (_hasKept && scope.Context.Applying)
            scope.Staging.DropKept(facts.DeviceId);
    }

    /// <summary>
    /// Decides on the devices that share an identifier, in order of device ID. A decision can change what others rest on,
    /// so those that would be conflicts are looked at again until nothing more is created or linked; only then are they
    /// written, with the reason that the next run would find as well.
    /// </summary>
    /// <returns>False when the budget ended it before all were decided; those left stay waiting.</returns>
    public async Task<bool> DecideWaitingAsync(CancellationToken cancellationToken)
    {
        scope.Batch.Flush();
        var started = scope.Context.TimeProvider.GetTimestamp();
        scope.Identification.Junk.Judge(scope.Complete, scope.Write);
        new DoubtfulLinks(scope).Process();
        scope.Spend("Identify", ref started);
        _hasKept = scope.Staging.HasKept;
        scope.Context.Observer.OnVerbose($"{scope.Staging.WaitingCount} devices share identifiers with others or with CIs and are judged together.");
        // Fresh devices first: of two devices of one machine the fresh one gets the CI, whatever their IDs.
        foreach (var stale in new[] { false, true })
        {
            var left = long.MaxValue;
            while (scope.Staging.WaitingCount is var waiting && waiting < left)
            {
                left = waiting;
                await DecidePassAsync(stale, writeConflicts: false, cancellationToken).ConfigureAwait(false);
            }
        }

        foreach (var stale in new[] { false, true })
            await DecidePassAsync(stale, writeConflicts: true, cancellationToken).ConfigureAwait(false);
        // What is left was decided in another way, or failed.
        if (!_stopped && scope.Complete && scope.Context.Applying && scope.Staging.HasKept)
            scope.Write(scope.Staging.DropAllKept);
        scope.Spend("Decide", ref started);
        return !_stopped;
    }

    private async Task DecidePassAsync(bool stale, bool writeConflicts, CancellationToken cancellationToken)
    {
        var after = string.Empty;
        while (!_stopped && scope.Staging.NextWaiting(stale, after) is { Count: > 0 } chunk)
        {
            foreach (var waiting in chunk)
            {
                cancellationToken.ThrowIfCancellationRequested();
                after = waiting.DeviceId;
                DeviceFacts? facts = waiting;
                if (!facts.SnapshotRead && facts.AuditId is not null)
                {
                    // Kept with its conflict, without its software: read again once it is no conflict any more.
                    scope.Batch.Flush();
                    if (scope.Identification.Decide(facts).Kind != DecisionKind.Conflict)
                    {
                        if (scope.IsBudgetSpent(2))
                        {
                            _stopped = true;
                            break;
                        }

                        scope.Staging.StopWaiting(facts.DeviceId);
                        facts = await TryReadAgainAsync(facts, cancellationToken).ConfigureAwait(false);
                        if (_stopped)
                            break;
                        if (facts is null)
                            continue;
                        Add(facts, stale, writeConflict: true);
                        continue;
                    }
                }

                Add(facts, stale, writeConflicts);
            }

            scope.Progress("Decide", scope.Done, null);
        }

        scope.Batch.Flush();
    }

    /// <summary>Each decision rests on all before it, so it is made in the batch that writes them.</summary>
    private void Add(DeviceFacts facts, bool stale, bool writeConflict)
    {
        long? record = null;
        scope.Batch.Add(facts.DeviceId, facts.DisplayName, Decide, facts, () => record);

        SyncChange? Decide()
        {
            var started = scope.Context.TimeProvider.GetTimestamp();
            var decision = StageException.In("Identify", () => scope.Identification.Decide(facts));
            scope.SpendWithin("Identify", started);
            if (decision.Kind == DecisionKind.Conflict && !writeConflict)
            {
                scope.Batch.LeaveUndecided();
                return null;
            }

            record = decision.Record > 0 ? decision.Record : null;
            DropKept(facts);
            if (decision.Kind != DecisionKind.Conflict)
            {
                scope.Staging.StopWaiting(facts.DeviceId);
                if (stale)
                    scope.Identification.NoteSettled(facts.DeviceId);
            }

            return scope.Apply(facts, decision);
        }
    }

    private async Task<DeviceFacts?> TryReadAgainAsync(DeviceFacts facts, CancellationToken cancellationToken)
    {
        if (scope.Staging.Find(facts.DeviceId) is not { } list)
            return null;

        if (scope.Failing.IsParked(list.Id, ListedAs.Of(list)))
        {
            scope.Context.Counts.Parked++;
            return null;
        }

        try
        {
            return await ReadFactsAsync(list, cancellationToken).ConfigureAwait(false);
        }
        catch (BudgetSpentException)
        {
            scope.EndForBudget();
            _stopped = true;
            return null;
        }
        catch (Exception e) when (!scope.IsFatal(e))
        {
            scope.Batch.AddError(facts.DeviceId, facts.DisplayName, DeviceFailure.Read(e));
            return null;
        }
    }
}
