using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Sync.Identify;
using AlloyScan.Engine.Sync.Plan;
using AlloyScan.Engine.Store;

namespace AlloyScan.Engine.Sync;

/// <summary>Applies rows of a saved plan.</summary>
internal sealed class PlanApplication(RunScope scope, RetiredDevices retiredDevices)
{
    /// <summary>Applies the chosen rows; a row whose CI or device moved is skipped and said.</summary>
    public async Task ApplyAsync(PlanSelection selection, CancellationToken cancellationToken)
    {
        var plans = new PlanStore(scope.Session);
        plans.Check(selection, scope.Context, settled: true);
        var chosen = selection.Rows.Count == 0 ? null : selection.Rows.ToHashSet();

        // All rows of the plan carry identifiers, chosen or not: what two devices share must not depend on the choice.
        var devices = new HashSet<string>(StringComparer.Ordinal);
        foreach (var row in Rows(plans, selection.PlanId))
        {
            if (row.Facts is not null && row.Action is ChangeAction.Create or ChangeAction.Link or ChangeAction.Conflict or ChangeAction.Update)
            {
                if (LinkOf(row.DeviceId) is null)
                    scope.Staging.AddIdentifiers(row.DeviceId, scope.Identification.IdentifiersOf(row.Facts!));
            }

            scope.Context.NoteSeen(row.LastSeen);

            if (chosen is null || chosen.Contains(row.Row))
                devices.Add(row.DeviceId);
        }

        // Without the whole list, the newest that the site has seen is what links and plan know.
        scope.Context.NoteSeen(scope.Session.Prepare("SELECT max(last_seen) FROM links WHERE target_id = @p0 AND site_id = @p1").Set(0, scope.Context.TargetId).Set(1, scope.Context.SiteId).Number());
        scope.Identification.Junk.Judge(complete: false, scope.Write);
        // A plan tells of a part of the site only: the next run counts all.
        scope.Write(scope.Identification.Junk.Begin);
        var lastSeen = await ReadLastSeenAsync(devices, cancellationToken).ConfigureAwait(false);
        foreach (var row in Rows(plans, selection.PlanId))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (chosen is not null && !chosen.Contains(row.Row))
                continue;

            if (row.Action == ChangeAction.DeleteInAlloyScan)
            {
                if (LinkOf(row.DeviceId) is { } retired)
                    await retiredDevices.DeleteAsync(retired, cancellationToken).ConfigureAwait(false);
            }
            else
            {
                ApplyRow(row, lastSeen);
                scope.Batch.Flush();
            }

            scope.Progress("Apply", ++scope.Done, devices.Count);
        }

        scope.Context.Counts.DevicesRead = devices.Count;
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
                scope.Batch.Add(row.DeviceId, link.DeviceName, () => scope.Writer.MarkMissing(link), null);
            else
                Skip(row, "its link is not live any more");
            return;
        }

        if (row.Action == ChangeAction.Retire)
        {
            if (listed)
                Skip(row, "the device is there again");
            else if (IsChanged(row))
                Skip(row, "its CI has changed since the plan was made");
            else if (link is { State: LinkState.Missing })
                scope.Batch.Add(row.DeviceId, link.DeviceName, () => scope.Writer.Retire(link), null);
            else
                Skip(row, "its link is not missing any more");
            return;
        }

        if (row.Action == ChangeAction.Conflict && row.Facts is null)
        {
            if (link is not { State: LinkState.Live } || !new DoubtfulLinks(scope).TryProcess(link))
                Skip(row, "its link does not rest on junk any more");
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

        if (IsChanged(row))
        {
            Skip(row, "its CI has changed since the plan was made");
            return;
        }

        if (row.Action == ChangeAction.Create && scope.Context.Job.DeletedRecord == DeletedRecord.Recreate && LinkOfDeletedRecord(row.DeviceId) is { } former)
        {
            scope.Batch.Add(row.DeviceId, facts.DisplayName, () => scope.Writer.Recreate(facts, former), facts);
            return;
        }

        if (link is { State: LinkState.Live or LinkState.Missing })
        {
            if (row.Action == ChangeAction.CloseLink)
            {
                if (scope.Session.Prepare("SELECT 1 FROM records WHERE id = @p0").Set(0, link.Record).Number() is null)
                    scope.Batch.Add(row.DeviceId, facts.DisplayName, () => scope.Writer.CloseForDeletedRecord(facts, link), facts);
                else
                    Skip(row, "its CI is there again");
            }
            else if (row.Record == link.Record)
            {
                scope.Batch.Add(row.DeviceId, facts.DisplayName, () => scope.Writer.Update(facts, link), facts);
            }
            else
            {
                Skip(row, "the device has been linked since the plan was made");
            }

            return;
        }

        var decision = scope.Identification.Decide(facts);
        var expected = row.Action switch
        {
            ChangeAction.Create => DecisionKind.Create,
            ChangeAction.Conflict => DecisionKind.Conflict,
            _ => DecisionKind.Link,
        };
        if (decision.Kind != expected || (expected == DecisionKind.Link && decision.Record != row.Record))
            Skip(row, $"what the device was recognised as has changed since: {decision.Reason}");
        else
            scope.AddDecision(facts, decision);
    }

    private bool IsChanged(PlanRow row) =>
        row.Record is { } record && row.RecordVersion is { } version && scope.Session.Prepare("SELECT version FROM records WHERE id = @p0").Set(0, record).Number() != version;

    private void Skip(PlanRow row, string reason)
    {
        scope.Context.Counts.Skipped++;
        scope.Context.Observer.OnWarning($"Row {row.Row} of the plan ({row.Action} {row.Facts?.DisplayName ?? row.DeviceId}) was skipped: {reason}.");
    }

    private LinkDetails? LinkOf(string deviceId) =>
        scope.Session.Prepare("SELECT id FROM links WHERE target_id = @p0 AND site_id = @p1 AND device_id = @p2 AND state IN (1, 2)")
            .Set(0, scope.Context.TargetId).Set(1, scope.Context.SiteId).Set(2, deviceId).Number() is { } id
            ? LinkDetails.Get(scope.Session, id)
            : null;

    private LinkDetails? LinkOfDeletedRecord(string deviceId) =>
        scope.Session.Prepare("""
            SELECT id FROM links l WHERE target_id = @p0 AND site_id = @p1 AND device_id = @p2 AND state IN (1, 2, 4) AND NOT EXISTS (SELECT 1 FROM records r WHERE r.id = l.record)
            """).Set(0, scope.Context.TargetId).Set(1, scope.Context.SiteId).Set(2, deviceId).Number() is { } id
            ? LinkDetails.Get(scope.Session, id)
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
                if (await scope.Source.ReadDeviceAsync(id, cancellationToken).ConfigureAwait(false) is { } device)
                    result[id] = Clock.Milliseconds(device.LastSeen);
            }
        }
        else
        {
            await foreach (var page in scope.Source.ReadDevicePagesAsync(cancellationToken).ConfigureAwait(false))
            {
                foreach (var device in page.Devices)
                {
                    if (devices.Contains(device.Id))
                        result[device.Id] = Clock.Milliseconds(device.LastSeen);
                }

                scope.Progress("Read", result.Count, devices.Count);
            }
        }

        return result;
    }
}
