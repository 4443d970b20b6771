using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Sync.Identify;
using AlloyScan.Engine.Sync.Map;
using AlloyScan.Engine.Store;

namespace AlloyScan.Engine.Sync;

/// <summary>Works on devices without a link: recognises them as CIs, creates CIs, or puts them on the conflict list.</summary>
internal sealed class UnlinkedDevices(RunScope scope, DeviceQueue queue)
{
    /// <summary>Reads unlinked devices; creates those that stand alone and lets the others wait.</summary>
    /// <returns>False when the budget ended the reading before all were staged; then nobody who waits is decided.</returns>
    public async Task<bool> ProcessAsync(CancellationToken cancellationToken)
    {
        scope.Staging.SettleTakenOver();
        var total = scope.Staging.Count(StagedKind.Unlinked);
        scope.Done = 0;
        return await queue.ForEachAsync(StagedKind.Unlinked, total, PrepareUnlinked, cancellationToken).ConfigureAwait(false);
    }

    private Func<CancellationToken, Task<Action>>? PrepareUnlinked(StagedDevice staged)
    {
        using (var reader = scope.Session.Prepare("SELECT state, list_hash, last_seen, facts, kind FROM conflicts WHERE target_id = @p0 AND site_id = @p1 AND device_id = @p2")
            .Set(0, scope.Context.TargetId).Set(1, scope.Context.SiteId).Set(2, staged.Device.Id).Read())
        {
            if (reader.Read() && reader.GetString(4) == "Unlinked")
            {
                if (reader.GetString(0) == "Ignored")
                {
                    scope.Context.Counts.Skipped++;
                    return null;
                }

                if (!scope.Request.Full && staged.Device.LastSeen is not null && reader.GetInt64(1) == staged.ListHash && reader.Number(2) == Clock.Milliseconds(staged.Device.LastSeen))
                {
                    // Unmoved since it became a conflict: judged again from what was kept, without a call.
                    var facts = Kept(reader.GetString(3));
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
            ? () => scope.Context.Observer.OnVerbose($"{staged.Device.DisplayName} vanished between the list and the call; the next run looks again.")
            : () => StageUnlinked(facts, staged, mayStream: true);
    }

    private async Task<DeviceFacts?> ReadFactsAsync(Device list, CancellationToken cancellationToken)
    {
        var detail = await scope.Source.ReadDeviceAsync(list.Id, cancellationToken).ConfigureAwait(false);
        if (detail is null)
            return null;

        var snapshot = detail.AuditId is null ? null : await scope.ReadSnapshotAsync(detail.AuditId, cancellationToken).ConfigureAwait(false);
        return DeviceFacts.FromSite(list, detail, snapshot, null, scope.Context.MeaningOf(detail.Type));
    }

    /// <summary>Facts of an earlier run, with the class that the device's type has now.</summary>
    private DeviceFacts Kept(string json)
    {
        var facts = DeviceFacts.FromJson(json);
        if (!string.IsNullOrWhiteSpace(facts.Type) && DeviceFacts.ClassOf(scope.Context.MeaningOf(facts.Type), facts.Platform is not null) is { } recordClass)
            facts.Class = recordClass;
        return facts;
    }

    private void StageUnlinked(DeviceFacts facts, StagedDevice staged, bool mayStream)
    {
        if (staged.LinkId != 0)
        {
            scope.Batch.Add(facts.DeviceId, facts.DisplayName, () => scope.Writer.Conflict(facts, "The device was deleted in AlloyScan after its CI was retired, and is there again", []), facts);
            return;
        }

        // Staging writes temporary tables, which is cheap inside the transaction of a batch and dear outside.
        scope.Batch.Add(facts.DeviceId, facts.DisplayName, () => CreateOrWait(facts, staged.Device, mayStream), facts);
    }

    private SyncChange? CreateOrWait(DeviceFacts facts, Device list, bool mayStream)
    {
        var identifiers = scope.Identification.IdentifiersOf(facts);
        scope.Staging.RemoveIdentifiers(facts.DeviceId, DeviceFacts.ListIdentifiers(list).Except(identifiers));
        scope.Staging.AddIdentifiers(facts.DeviceId, identifiers);
        if (mayStream && scope.Identification.IsAlone(facts, identifiers))
            return scope.Writer.Create(facts, Decision.Create.Reason);

        scope.Staging.Wait(facts);
        return null;
    }

    /// <summary>
    /// Decides on the devices that share an identifier, in order of device ID. A decision can change what others rest on,
    /// so those that would be conflicts are looked at again until nothing more is created or linked; only then are they
    /// written, with the reason that the next run would find as well.
    /// </summary>
    public async Task DecideWaitingAsync(CancellationToken cancellationToken)
    {
        scope.Batch.Flush();
        var started = scope.Context.TimeProvider.GetTimestamp();
        scope.Identification.Junk.Judge(scope.Complete, scope.Write);
        scope.Context.Observer.OnVerbose($"{scope.Staging.WaitingCount} devices share identifiers with others or with CIs and are judged together.");
        // Fresh devices first: of two devices of one machine the fresh one gets the CI, whatever their IDs.
        foreach (var stale in new[] { false, true })
        {
            while (await DecidePassAsync(stale, writeConflicts: false, cancellationToken).ConfigureAwait(false))
            {
            }
        }

        foreach (var stale in new[] { false, true })
            await DecidePassAsync(stale, writeConflicts: true, cancellationToken).ConfigureAwait(false);
        scope.Spend("Decide", ref started);
    }

    /// <returns>Whether a CI was created or linked.</returns>
    private async Task<bool> DecidePassAsync(bool stale, bool writeConflicts, CancellationToken cancellationToken)
    {
        var decided = false;
        var after = string.Empty;
        while (scope.Staging.NextWaiting(stale, after) is { Count: > 0 } chunk)
        {
            foreach (var waiting in chunk)
            {
                cancellationToken.ThrowIfCancellationRequested();
                after = waiting.DeviceId;
                DeviceFacts? facts = waiting;
                var decision = scope.Identification.Decide(facts);
                if (decision.Kind == DecisionKind.Conflict)
                {
                    if (writeConflicts)
                        scope.AddDecision(facts, decision);
                    continue;
                }

                if (!facts.SnapshotRead && facts.AuditId is not null)
                {
                    // Kept from an earlier run without its software; now that it is no conflict any more it is read again.
                    scope.Staging.StopWaiting(facts.DeviceId);
                    facts = await TryReadAgainAsync(facts, cancellationToken).ConfigureAwait(false);
                    if (facts is null)
                        continue;

                    decision = scope.Identification.Decide(facts);
                }

                // Each decision rests on all before it, so each is written before the next is made.
                scope.AddDecision(facts, decision);
                scope.Batch.Flush();
                scope.Staging.StopWaiting(facts.DeviceId);
                if (stale)
                    scope.Identification.NoteSettled(facts.DeviceId);
                decided = true;
            }

            scope.Progress("Decide", scope.Done, null);
        }

        scope.Batch.Flush();
        return decided;
    }

    private async Task<DeviceFacts?> TryReadAgainAsync(DeviceFacts facts, CancellationToken cancellationToken)
    {
        if (scope.Staging.Find(facts.DeviceId) is not { } list)
            return null;

        try
        {
            return await ReadFactsAsync(list, cancellationToken).ConfigureAwait(false);
        }
        catch (AlloyScanException e) when (!scope.IsFatal(e))
        {
            scope.Batch.AddError(facts.DeviceId, facts.DisplayName, "Read", e.ErrorId, e.Message);
            return null;
        }
    }
}
