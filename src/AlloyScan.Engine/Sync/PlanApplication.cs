using AlloyScan.Engine.Store;
using AlloyScan.Engine.Sync.Guard;
using AlloyScan.Engine.Sync.Map;
using AlloyScan.Engine.Sync.Plan;

namespace AlloyScan.Engine.Sync;

/// <summary>Applies rows of a saved plan: those that were chosen, as far as the guard lets them, or those that it held back and a person approved.</summary>
internal sealed class PlanApplication(RunScope scope, RetiredDevices retiredDevices)
{
    /// <summary>Devices that are asked for one by one; for more the list costs less.</summary>
    private const int Few = 20;

    /// <summary>Applies the chosen rows; a row whose CI or device moved is skipped and said.</summary>
    public async Task ApplyAsync(PlanSelection selection, CancellationToken cancellationToken)
    {
        scope.Plans.Check(selection, scope.Context, settled: true);
        var which = selection.Approved ? PlanRows.Waiting : PlanRows.All;
        var chosen = selection.Rows.Count == 0 ? null : selection.Rows.ToHashSet();
        var held = selection.Approved ? [] : Guard(selection.PlanId, chosen);
        if (selection.Approved)
            scope.PlanId = selection.PlanId;

        var present = new HashSet<string>(StringComparer.Ordinal);
        var absent = new HashSet<string>(StringComparer.Ordinal);
        foreach (var row in Chosen())
            (row.Action is ChangeAction.MarkMissing or ChangeAction.Retire ? absent : present).Add(row.DeviceId);
        Identify(selection.PlanId);
        var seen = await ReadSeenAsync(present, cancellationToken).ConfigureAwait(false);
        if (selection.Approved)
            await LookCloserAsync(Chosen(), seen, cancellationToken).ConfigureAwait(false);
        var gone = await ConfirmAsync(absent, seen, cancellationToken).ConfigureAwait(false);
        var rows = new PlannedRows(scope, Tell);
        foreach (var row in Chosen())
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (row.Action == ChangeAction.DeleteInAlloyScan)
            {
                await DeleteAsync(row, rows, cancellationToken).ConfigureAwait(false);
                if (selection.Approved)
                    scope.Write(() => scope.Plans.SetDone(selection.PlanId, row.Row));
            }
            else
            {
                var problem = absent.Contains(row.DeviceId) ? gone.Contains(row.DeviceId) ? null : "the device is there again, or the site does not confirm that it is gone" : Problem(row, seen, selection.Approved);
                scope.Batch.Add(row.DeviceId, row.Shown.DeviceName ?? row.DeviceId, () => Apply(row, problem), row.Facts);
            }

            scope.Progress("Apply", ++scope.Done, present.Count + absent.Count);
        }

        scope.Batch.Flush();
        scope.Context.Counts.DevicesRead = present.Count;
        if (selection.Approved)
        {
            scope.Write(() => scope.Plans.SetApproved(selection.PlanId, scope.Context.RunId));
            scope.Say($"Plan {selection.PlanId} was approved: {scope.Done - scope.Context.Counts.Skipped} of {scope.Done} changes applied{(scope.Context.Counts.Skipped == 0 ? string.Empty : $", {scope.Context.Counts.Skipped} skipped, because their CIs or devices have changed since")}.");
        }

        IEnumerable<PlanRow> Chosen() => scope.Plans.Rows(selection.PlanId, which).Where(r => (chosen is null || chosen.Contains(r.Row)) && !held.Contains(r.Row));

        SyncChange? Apply(PlanRow row, string? problem)
        {
            if (selection.Approved)
            {
                scope.Plans.SetDone(selection.PlanId, row.Row);
                scope.Staging.DropKept(row.DeviceId);
            }

            return problem is null ? rows.Apply(row) : rows.Skip(row, problem);
        }
    }

    /// <summary>Counts the selection against the whole slices, and keeps in the plan what is too much.</summary>
    /// <returns>The rows that are held back.</returns>
    private HashSet<int> Guard(long planId, HashSet<int>? chosen)
    {
        scope.Guard.CountLinks();
        scope.Session.BeginRead();
        try
        {
            foreach (var row in scope.Plans.Rows(planId, withFacts: false).Where(r => chosen is null || chosen.Contains(r.Row)))
                scope.Guard.Count(KindsOf(row), row.Slice, row.Shown.RecordId is null || row.Action == ChangeAction.Retire ? [] : row.Shown.Changes);
            scope.Session.Commit();
        }
        catch
        {
            scope.Session.Rollback();
            throw;
        }

        var findings = scope.Guard.Judge();
        var held = new HashSet<int>();
        if (findings.Held == GuardKinds.None)
            return held;

        if (scope.Context.Applying)
        {
            scope.Write(() =>
            {
                held.UnionWith(scope.Plans.Hold(planId, findings, KindsOf, chosen));
                scope.Plans.Seal(planId, findings);
            });
            scope.PlanId = planId;
        }

        scope.Context.Counts.Held = held.Count;
        GuardStage.Say(scope, findings, held.Count, scope.Context.Applying ? planId : null);
        return held;

        // Whether creations are guarded depends on what has happened since the plan was made.
        GuardKinds KindsOf(PlanRow row) => row.Action == ChangeAction.Create ? scope.Guard.OfCreation : row.Kinds;
    }

    /// <summary>All rows of the plan carry identifiers, chosen or not: what two devices share must not depend on the choice.</summary>
    private void Identify(long planId)
    {
        foreach (var row in scope.Plans.Rows(planId))
        {
            if (row.Facts is not null && row.Action is ChangeAction.Create or ChangeAction.Link or ChangeAction.Conflict or ChangeAction.Update && !HasLink(row.DeviceId))
                scope.Staging.AddIdentifiers(row.DeviceId, scope.Identification.IdentifiersOf(row.Facts!));
            scope.Context.NoteSeen(row.LastSeen);
        }

        // Without the whole list, the newest that the site has seen is what links and plan know.
        scope.Context.NoteSeen(scope.Session.Prepare("SELECT max(last_seen) FROM links WHERE target_id = @p0 AND site_id = @p1").Set(0, scope.Context.TargetId).Set(1, scope.Context.SiteId).Number());
        scope.Identification.Junk.Judge(complete: false, scope.Write);
        // A plan tells of a part of the site only: the next run counts all.
        if (scope.Context.Applying)
            scope.Write(scope.Identification.Junk.Begin);
    }

    private static string? Problem(PlanRow row, Dictionary<string, SeenDevice> seen, bool approved)
    {
        if (row.Facts is not { } facts)
            return null;
        if (!seen.TryGetValue(row.DeviceId, out var device))
            return "the device is gone from the site";
        if (device.LastSeen == row.LastSeen)
            return null;

        // Between plan and approval a night may pass: that a device was seen again changes nothing if it says the same.
        if (!approved)
            return "the site has seen the device again since the plan was made";
        return device.ListHash == facts.ListHash && device.HasDetail && device.AuditId == facts.AuditId ? null : "the device has changed since the plan was made";
    }

    private async Task DeleteAsync(PlanRow row, PlannedRows rows, CancellationToken cancellationToken)
    {
        scope.Batch.Flush();
        if (rows.LinkOf(row.DeviceId) is not { } link || link.Record != row.Record)
            rows.Skip(row, "its link is not what it was");
        else if (rows.IsChanged(row))
            rows.Skip(row, "its CI has changed since the plan was made");
        else
            await retiredDevices.DeleteAsync(link, cancellationToken).ConfigureAwait(false);
    }

    private void Tell(PlanRow row, string reason) =>
        scope.Context.Observer.OnWarning($"Row {row.Row} of the plan ({row.Action} {row.Shown.DeviceName ?? row.DeviceId}) was skipped: {reason}.");

    private bool HasLink(string deviceId) =>
        scope.Session.Prepare("SELECT 1 FROM links WHERE target_id = @p0 AND site_id = @p1 AND device_id = @p2 AND state IN (1, 2)")
            .Set(0, scope.Context.TargetId).Set(1, scope.Context.SiteId).Set(2, deviceId).Number() is not null;

    /// <summary>What the site says of a device now.</summary>
    private readonly record struct SeenDevice(long? LastSeen, long ListHash, string? AuditId, bool HasDetail);

    /// <summary>Asks the site when it last saw some devices: one by one when they are few, else through the list.</summary>
    private async Task<Dictionary<string, SeenDevice>> ReadSeenAsync(HashSet<string> devices, CancellationToken cancellationToken)
    {
        var result = new Dictionary<string, SeenDevice>(StringComparer.Ordinal);
        if (devices.Count <= Few)
        {
            await ReadDetailsAsync([.. devices], result, cancellationToken).ConfigureAwait(false);
            return result;
        }

        await foreach (var page in scope.Source.ReadDevicePagesAsync(cancellationToken).ConfigureAwait(false))
        {
            foreach (var device in page.Devices)
            {
                if (devices.Contains(device.Id))
                    result[device.Id] = new SeenDevice(Clock.Milliseconds(device.LastSeen), DeviceFacts.HashList(device), null, false);
            }

            scope.Progress("Read", result.Count, devices.Count);
        }

        return result;
    }

    /// <summary>Asks for the audit of those devices that were seen again and that the list says the same of: it says nothing of audits.</summary>
    private Task LookCloserAsync(IEnumerable<PlanRow> rows, Dictionary<string, SeenDevice> seen, CancellationToken cancellationToken)
    {
        var moved = rows.Where(r => r.Facts is { } facts && seen.TryGetValue(r.DeviceId, out var device) && !device.HasDetail && device.LastSeen != r.LastSeen && device.ListHash == facts.ListHash)
            .Select(r => r.DeviceId).ToList();
        return ReadDetailsAsync(moved, seen, cancellationToken);
    }

    private async Task ReadDetailsAsync(List<string> devices, Dictionary<string, SeenDevice> result, CancellationToken cancellationToken)
    {
        foreach (var some in devices.Chunk(scope.Window))
        {
            var answers = await Task.WhenAll(some.Select(id => scope.Source.ReadDeviceAsync(id, cancellationToken))).ConfigureAwait(false);
            for (var i = 0; i < some.Length; i++)
            {
                if (answers[i] is { } device)
                    result[some[i]] = new SeenDevice(Clock.Milliseconds(device.LastSeen), DeviceFacts.HashList(device), device.AuditId, true);
            }

            scope.Progress("Read", result.Count, devices.Count);
        }
    }

    /// <summary>The devices that the site confirms to be gone.</summary>
    private async Task<HashSet<string>> ConfirmAsync(HashSet<string> devices, Dictionary<string, SeenDevice> seen, CancellationToken cancellationToken)
    {
        var ids = new List<long>();
        foreach (var device in devices)
        {
            if (scope.Session.Prepare("SELECT id FROM links WHERE target_id = @p0 AND site_id = @p1 AND device_id = @p2").Set(0, scope.Context.TargetId).Set(1, scope.Context.SiteId).Set(2, device).Number() is { } id)
                ids.Add(id);
        }

        if (ids.Count == 0)
            return [];

        // Somebody who was seen a moment ago, else the device that was seen last.
        var present = seen.Keys.Take(2).ToList();
        using (var reader = scope.Session.Prepare("SELECT device_id FROM links WHERE target_id = @p0 AND site_id = @p1 AND state = 1 ORDER BY last_seen DESC LIMIT 20")
            .Set(0, scope.Context.TargetId).Set(1, scope.Context.SiteId).Read())
        {
            while (reader.Read() && present.Count < 2)
            {
                if (!devices.Contains(reader.GetString(0)))
                    present.Add(reader.GetString(0));
            }
        }

        var gone = await new AbsenceProof(scope).ConfirmAsync(ids, present.FirstOrDefault(), present.LastOrDefault(), "marked missing or retired", cancellationToken).ConfigureAwait(false);
        return gone.Select(l => l.DeviceId).ToHashSet(StringComparer.Ordinal);
    }
}
