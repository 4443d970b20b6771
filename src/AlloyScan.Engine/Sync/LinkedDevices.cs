using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Sync.Map;
using AlloyScan.Engine.Store;

namespace AlloyScan.Engine.Sync;

/// <summary>Works on devices that have a link.</summary>
internal sealed class LinkedDevices(RunScope scope, DeviceQueue queue)
{
    /// <summary>Devices that a warning names.</summary>
    private const int MostNamed = 5;

    private readonly List<string> _otherClassNames = [];
    private int _otherClass;
    private bool _hasKept;

    /// <summary>Brings the CIs of linked devices that moved up to date.</summary>
    /// <param name="most">Most calls for it.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>False when the budget ended it before all were done.</returns>
    public Task<bool> ProcessAsync(long most, CancellationToken cancellationToken) => ProcessAsync(StagedKind.Linked, most, cancellationToken);

    /// <summary>Does the same for stale devices that moved, when those are decided on that may get their CIs.</summary>
    public async Task ProcessStaleAsync(CancellationToken cancellationToken)
    {
        await ProcessAsync(StagedKind.StaleLinked, long.MaxValue, cancellationToken).ConfigureAwait(false);
        WarnOfOtherClass();
    }

    private async Task<bool> ProcessAsync(StagedKind kind, long most, CancellationToken cancellationToken)
    {
        var total = scope.Staging.Count(kind);
        scope.Done = 0;
        _hasKept = scope.Staging.HasKept;
        return await queue.ForEachAsync(kind, total, Prepare, cancellationToken, most).ConfigureAwait(false);
    }

    private Fetch? Prepare(StagedDevice staged)
    {
        if (LinkDetails.Get(scope.Session, staged.LinkId) is not { } link)
            return null;

        if (link.State is not (LinkState.Live or LinkState.Missing) || scope.Identification.Index.IsPlannedLink(link.Record))
        {
            // Its CI went to another device a moment ago.
            scope.Context.Counts.Skipped++;
            return null;
        }

        // What the guard held back of it was read by an earlier run, and the device has not moved since.
        if (Kept(staged, link) is { } facts)
            return Fetch.Free(() => AddUpdate(facts, link));

        return new Fetch(token => FetchLinkedAsync(staged, link, token), Moved(staged.Device, link) || MayWantSoftware(link) ? 2 : 0);
    }

    private DeviceFacts? Kept(StagedDevice staged, LinkDetails link) =>
        _hasKept && !ReadsAgain(link) && !MayWantSoftware(link) && scope.Staging.KeptFacts(staged) is { } json && DeviceFacts.FromJson(json) is { } facts && facts.Class == link.Class ? facts : null;

    /// <summary>Whether the device is read again, whatever its software.</summary>
    // What the CI holds is not what was read last, after an undo for example: read again, whatever moved.
    // A site that gives no lastSeen gives no reason to believe that nothing moved.
    private bool Moved(Device list, LinkDetails link) => ReadsAgain(link) || list.LastSeen is null || Clock.Milliseconds(list.LastSeen) != link.LastSeen;

    private bool ReadsAgain(LinkDetails link) => scope.Request.Full || link.Fingerprint == 0;

    /// <summary>Whether software may be wanted now that was never kept, as far as that shows without the kept values.</summary>
    private bool MayWantSoftware(LinkDetails link) =>
        link.Class == RecordClass.Computer && link.Fingerprint != scope.Context.Fingerprint && scope.Context.Job.ImportSoftware != SoftwarePlatforms.None
        && (!link.SoftwareImported || scope.Context.SoftwareGroups.TracksAnyOf(link.Excluded));

    private async Task<Action> FetchLinkedAsync(StagedDevice staged, LinkDetails link, CancellationToken cancellationToken)
    {
        var list = staged.Device;
        var current = list;
        AuditSnapshot? snapshot = null;
        var kept = DeviceFacts.FromJson(link.Source);
        // Software that is newly wanted was never kept, so its snapshot is read even when nothing moved.
        var wantsSoftware = MayWantSoftware(link) && scope.Context.ImportsSoftware(kept.Platform);
        if (Moved(list, link) || wantsSoftware)
        {
            var detail = await scope.ReadListedAsync(list.Id, cancellationToken).ConfigureAwait(false);
            if (detail is null)
                return () => scope.Context.Observer.OnVerbose($"{list.DisplayName} vanished between the list and the call; the next run looks again.");

            current = detail;
            if (detail.AuditId is not null && (ReadsAgain(link) || wantsSoftware || detail.AuditId != link.AuditId))
                snapshot = await scope.ReadSnapshotAsync(detail.AuditId, cancellationToken).ConfigureAwait(false);
        }

        var facts = snapshot is not null ? DeviceFacts.FromSite(list, current, snapshot, link.Class) : DeviceFacts.FromKept(list, current, kept, link.Class);
        var otherClass = DeviceFacts.ClassOf(scope.Context.MeaningOf(current.Type), kept.Platform is not null) is { } now && now != link.Class && !string.IsNullOrWhiteSpace(current.Type);
        return () =>
        {
            if (otherClass)
                NoteOtherClass(list.DisplayName, current.Type!, link.Class);
            AddUpdate(facts, link);
        };
    }

    private void NoteOtherClass(string name, string type, RecordClass recordClass)
    {
        scope.Context.Observer.OnVerbose($"{name} now has the type '{type}'; its CI stays {recordClass}.");
        _otherClass++;
        if (_otherClass <= MostNamed)
            _otherClassNames.Add($"{name} ('{type}', {recordClass})");
    }

    /// <summary>Says which devices have a type of another class now. The class was decided when the link was made.</summary>
    private void WarnOfOtherClass()
    {
        if (_otherClass > 0)
        {
            scope.Context.Observer.OnWarning(
                $"{_otherClass} linked {(_otherClass == 1 ? "device has a type" : "devices have types")} of another class than the CI, which stays as it is: {string.Join(", ", _otherClassNames)}{(_otherClass > MostNamed ? ", ..." : string.Empty)}.");
        }
    }

    private void AddUpdate(DeviceFacts facts, LinkDetails link)
    {
        var version = scope.Session.Prepare("SELECT version FROM records WHERE id = @p0").Set(0, link.Record).Number();
        scope.Batch.Add(facts.DeviceId, facts.DisplayName, () => scope.Writer.Update(facts, link), facts, link.Record, version);
    }

    /// <summary>Closes the links of CIs that are gone from the CMDB, or creates the CIs anew for jobs that want it.</summary>
    /// <returns>False when the budget ended it before all were done.</returns>
    public async Task<bool> ProcessDeletedAsync(CancellationToken cancellationToken)
    {
        if (scope.Context.Job.DeletedRecord == DeletedRecord.Recreate)
            return await queue.ForEachAsync(StagedKind.RecordDeleted, scope.Staging.Count(StagedKind.RecordDeleted), PrepareRecreation, cancellationToken).ConfigureAwait(false);

        CloseDeleted(cancellationToken);
        return true;
    }

    private Fetch? PrepareRecreation(StagedDevice staged)
    {
        if (LinkDetails.Get(scope.Session, staged.LinkId) is not { } link)
            return null;

        if (scope.Session.Prepare("SELECT 1 FROM conflicts WHERE target_id = @p0 AND site_id = @p1 AND device_id = @p2 AND kind = 'Unlinked' AND state = 'Ignored'")
            .Set(0, scope.Context.TargetId).Set(1, scope.Context.SiteId).Set(2, link.DeviceId).Number() is not null)
        {
            scope.Context.Counts.Skipped++;
            return null;
        }

        return new Fetch(token => FetchRecreationAsync(staged.Device, link, token));
    }

    private async Task<Action> FetchRecreationAsync(Device list, LinkDetails link, CancellationToken cancellationToken)
    {
        // Software is not kept, so device and snapshot are read again.
        var detail = await scope.ReadListedAsync(list.Id, cancellationToken).ConfigureAwait(false);
        if (detail is null)
            return () => scope.Context.Observer.OnVerbose($"{list.DisplayName} vanished between the list and the call; the next run looks again.");

        var snapshot = detail.AuditId is null ? null : await scope.ReadSnapshotAsync(detail.AuditId, cancellationToken).ConfigureAwait(false);
        var facts = DeviceFacts.FromSite(list, detail, snapshot, link.Class);
        return () => scope.Batch.Add(facts.DeviceId, facts.DisplayName, () => scope.Writer.Recreate(facts, link), facts);
    }

    private void CloseDeleted(CancellationToken cancellationToken)
    {
        StagedDevice? after = null;
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var chunk = scope.Staging.Next(StagedKind.RecordDeleted, after);
            if (chunk.Count == 0)
                break;

            foreach (var staged in chunk)
            {
                after = staged;
                if (LinkDetails.Get(scope.Session, staged.LinkId) is not { } link)
                    continue;

                var facts = DeviceFacts.FromKept(staged.Device, staged.Device, DeviceFacts.FromJson(link.Source), link.Class);
                scope.Batch.Add(facts.DeviceId, facts.DisplayName, () => scope.Writer.CloseForDeletedRecord(facts, link), facts, link.Record);
            }
        }

        scope.Batch.Flush();
    }
}
