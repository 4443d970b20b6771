using AlloyScan.Engine.Cmdb;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Store;
using AlloyScan.Engine.Sync.Guard;
using AlloyScan.Engine.Sync.Map;

namespace AlloyScan.Engine.Sync;

/// <summary>
/// Works on linked devices that the list does not name any more: marks their links missing and, for jobs that want it,
/// retires their CIs later. Both believe in an absence only after the site has confirmed it for the very device.
/// </summary>
internal sealed class AbsentDevices(RunScope scope, Forecaster forecaster)
{
    /// <summary>Links that were missing before this run and still are, and whose count of runs matters yet.</summary>
    private readonly List<long> _stillMissing = [];

    /// <summary>Links whose CI is due to be retired.</summary>
    private readonly List<(long? LastSeen, long Id)> _due = [];

    private readonly List<long> _retiredByUs = [];
    private int _confirmations;

    /// <summary>Confirms absences one by one and marks the links.</summary>
    public async Task MarkMissingAsync(CancellationToken cancellationToken)
    {
        var unseen = FindUnseen();
        foreach (var link in await ConfirmAsync(unseen, "marked missing", retiring: false, cancellationToken).ConfigureAwait(false))
            scope.Batch.Add(link.DeviceId, link.DeviceName, () => scope.Writer.MarkMissing(link), null, link.Record);
        scope.Batch.Flush();
    }

    /// <summary>
    /// Counts the CIs that are due to be retired, before any absence is confirmed, so that a mass absence costs no calls. Comes after all
    /// unlinked devices are decided: one of them may be the same machine and take the CI over.
    /// </summary>
    public void CountDue()
    {
        _due.RemoveAll(d => !IsInUse(d.Id));
        foreach (var (_, id) in _due)
        {
            if (LinkDetails.Get(scope.Session, id) is { } link)
                scope.Guard.Count(GuardKinds.Retirement, new GuardSlice(link.Class, DeviceFacts.FromJson(link.Source).Platform), []);
        }
    }

    /// <summary>Plans the retirements that are held back. Their absences are confirmed when somebody approves them.</summary>
    public void Hold()
    {
        foreach (var (_, id) in _due)
        {
            if (LinkDetails.Get(scope.Session, id) is { } link)
                scope.Batch.Add(link.DeviceId, link.DeviceName, () => scope.Writer.Retire(link), null, link.Record, VersionOf(link));
        }
    }

    /// <summary>Retires the CIs that are due.</summary>
    public async Task RetireAsync(CancellationToken cancellationToken)
    {
        foreach (var link in await ConfirmAsync(_due, "retired", retiring: true, cancellationToken).ConfigureAwait(false))
            scope.Batch.Add(link.DeviceId, link.DeviceName, () => scope.Writer.Retire(link), null, link.Record, VersionOf(link));

        scope.Batch.Flush();
    }

    /// <summary>
    /// Counts this run for the links that were missing before it and still are, up to the number that the job asks for. Comes
    /// last, so that a run that is stopped and started over counts once.
    /// </summary>
    public void CountRun()
    {
        // Somebody may have given a CI that we had retired another status: it is theirs until the device returns.
        var takenBack = _retiredByUs.FindAll(IsInUse);
        if (!scope.Context.Applying || (_stillMissing.Count == 0 && takenBack.Count == 0))
            return;

        scope.Write(() =>
        {
            var count = scope.Session.Prepare("UPDATE links SET missing_runs = missing_runs + 1 WHERE id = @p0 AND state = 2");
            foreach (var id in _stillMissing)
                count.Set(0, id).Execute();
            foreach (var id in takenBack)
                CmdbRepository.TakeBack(scope.Session, scope.Session.Prepare("SELECT record FROM links WHERE id = @p0").Set(0, id).Number() ?? 0);
        });
    }

    /// <summary>
    /// Puts aside the questions about devices that are not in the list any more: nobody can answer them, and what such devices
    /// carried counts no longer. The row stays, since it knows whose company the device was seen in.
    /// </summary>
    public void CloseConflicts()
    {
        if (!scope.Context.Applying)
            return;

        var gone = new List<long>();
        using (var reader = scope.Session.Prepare("""
            SELECT c.id FROM conflicts c WHERE c.target_id = @p0 AND c.site_id = @p1 AND c.state = 'Open' AND c.kind = 'Unlinked'
                AND NOT EXISTS (SELECT 1 FROM temp.staged s WHERE s.device_id = c.device_id)
                AND NOT EXISTS (SELECT 1 FROM links l WHERE l.target_id = c.target_id AND l.site_id = c.site_id AND l.device_id = c.device_id AND l.state IN (1, 2))
            """).Set(0, scope.Context.TargetId).Set(1, scope.Context.SiteId).Read())
        {
            while (reader.Read())
                gone.Add(reader.GetInt64(0));
        }

        if (gone.Count == 0)
            return;

        scope.Write(() =>
        {
            foreach (var id in gone)
            {
                scope.Session.Prepare("UPDATE conflicts SET state = 'Gone', updated_at = @p1 WHERE id = @p0").Set(0, id).Set(1, scope.Context.TimeProvider.NowMilliseconds()).Execute();
                scope.Session.Prepare("DELETE FROM conflict_identifiers WHERE conflict = @p0").Set(0, id).Execute();
            }
        });
        scope.Context.Observer.OnVerbose($"{gone.Count} open conflicts are about devices that are gone from the site; they are put aside until the devices return.");
    }

    private List<(long? LastSeen, long Id)> FindUnseen()
    {
        var unseen = new List<(long? LastSeen, long Id)>();
        var job = scope.Context.Job;
        var since = scope.Context.TimeProvider.NowMilliseconds() - (long)TimeSpan.FromDays(job.RetireAfterDays).TotalMilliseconds;
        // Sorted here and not there: as a rule nearly all links are seen and only the few others are of interest.
        using (var reader = scope.Session.Prepare("""
            SELECT id, last_seen, state, missing_since, missing_runs, retired_at, taken_back FROM links WHERE target_id = @p0 AND site_id = @p1 AND state IN (1, 2)
            """).Set(0, scope.Context.TargetId).Set(1, scope.Context.SiteId).Read())
        {
            while (reader.Read())
            {
                var id = reader.GetInt64(0);
                if (scope.Staging.IsSeen(id))
                    continue;

                if (reader.GetInt32(2) == (int)LinkState.Live)
                {
                    unseen.Add((reader.Number(1), id));
                    continue;
                }

                var runs = reader.GetInt32(4) + 1;
                if (runs <= job.RetireAfterRuns)
                    _stillMissing.Add(id);
                if (!reader.IsDBNull(5))
                    _retiredByUs.Add(id);
                else if (job.MissingDevice == MissingDevice.Retire && runs >= job.RetireAfterRuns && reader.Number(3) <= since && reader.GetInt32(6) == 0)
                    _due.Add((reader.Number(1), id));
            }
        }

        _due.Sort();
        unseen.Sort();
        return unseen;
    }

    private long? VersionOf(LinkDetails link) => scope.Session.Prepare("SELECT version FROM records WHERE id = @p0").Set(0, link.Record).Number();

    /// <summary>Whether the CI is there, nobody has retired it, and no other device has got it or is to get it.</summary>
    private bool IsInUse(long link)
    {
        using var reader = scope.Session.Prepare("SELECT r.status, r.id, l.state FROM links l JOIN records r ON r.id = l.record WHERE l.id = @p0").Set(0, link).Read();
        return reader.Read() && !RecordStatus.IsRetired(reader.Text(0)) && reader.GetInt32(2) == (int)LinkState.Missing && !scope.Identification.Index.IsPlannedLink(reader.GetInt64(1));
    }

    /// <summary>Asks the site for each device whether it is really gone, those unseen for longest first.</summary>
    private async Task<List<LinkDetails>> ConfirmAsync(List<(long? LastSeen, long Id)> absent, string what, bool retiring, CancellationToken cancellationToken)
    {
        var most = forecaster.ConfirmationsAllowed(_confirmations, retiring);
        if (most < absent.Count)
            scope.LeaveForNextRun();
        var ids = absent.Take((int)Math.Min(most, int.MaxValue)).Select(a => a.Id).ToList();
        if (ids.Count == 0)
            return [];

        _confirmations += ids.Count;
        forecaster.NoteConfirmations(ids.Count + 2);
        return await new AbsenceProof(scope).ConfirmAsync(ids, scope.Staging.FirstDeviceId, scope.Staging.LastDeviceId, what, cancellationToken).ConfigureAwait(false);
    }
}
