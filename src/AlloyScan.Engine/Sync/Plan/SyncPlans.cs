using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Store;
using AlloyScan.Engine.Sync.Guard;

namespace AlloyScan.Engine.Sync.Plan;

/// <summary>What plans hold for approval, and how they stand beside the guard's limits.</summary>
public sealed class SyncPlans
{
    private readonly AlloyStore _store;

    internal SyncPlans(AlloyStore store) => _store = store;

    /// <summary>The changes that wait for approval in the newest plan of a job; none when nothing waits.</summary>
    /// <param name="job">Name of the job.</param>
    /// <exception cref="AlloyScanException">There is no such job (<c>JobNotFound</c>).</exception>
    public IEnumerable<SyncChange> Blocked(string job)
    {
        var id = _store.Jobs.Get(job).Id;
        using var session = _store.NewSession();
        if (Newest(session, id, "AND p.state IN ('Saved', 'Blocked')") is not { } plan)
            yield break;

        string name, target;
        using (var reader = session.Prepare("SELECT p.job, t.name FROM plans p JOIN targets t ON t.id = p.target_id WHERE p.id = @p0").Set(0, plan).Read())
        {
            if (!reader.Read())
                yield break;
            (name, target) = (reader.GetString(0), reader.GetString(1));
        }

        foreach (var row in new PlanStore(session).Rows(plan, PlanRows.Waiting, withFacts: false))
        {
            yield return new SyncChange
            {
                PlanId = plan,
                Row = row.Row,
                Job = name,
                Target = target,
                Action = row.Action,
                Class = row.Slice.Class,
                RecordId = row.Shown.RecordId,
                DeviceId = row.DeviceId,
                DeviceName = row.Shown.DeviceName ?? row.DeviceId,
                Fields = row.Shown.Changes,
                SoftwareAdded = row.Shown.SoftwareAdded,
                SoftwareRemoved = row.Shown.SoftwareRemoved,
                Reason = row.Shown.Reason,
                Kind = row.Kinds,
                Platform = row.Slice.Platform,
            };
        }
    }

    /// <summary>What the newest plan of a job has of each guarded kind in each slice of the site; nothing when no plan is in force.</summary>
    /// <param name="job">Name of the job.</param>
    /// <exception cref="AlloyScanException">There is no such job (<c>JobNotFound</c>).</exception>
    public IReadOnlyList<SyncPlanSlice> Summary(string job)
    {
        var known = _store.Jobs.Get(job);
        using var session = _store.NewSession();
        var result = new List<SyncPlanSlice>();
        var plan = session.Prepare("SELECT max(id) FROM plans WHERE job_id = @p0 AND state IN ('Saved', 'Blocked')").Set(0, known.Id).Number() ?? 0;
        using var reader = session.Prepare("SELECT kind, class, platform, field, value, changes, base, most_changes, most_share, tripped FROM plan_slices WHERE plan_id = @p0 ORDER BY position").Set(0, plan).Read();
        while (reader.Read())
        {
            result.Add(new SyncPlanSlice
            {
                Plan = plan,
                Job = known.Name,
                Kind = (GuardKinds)reader.GetInt32(0),
                Class = (RecordClass)reader.GetInt32(1),
                Platform = reader.Text(2),
                Field = reader.Text(3),
                Value = reader.Text(4),
                Changes = reader.GetInt64(5),
                Of = reader.GetInt64(6),
                Limit = new GuardLimit(reader.GetInt32(7), reader.GetInt64(8) / 1_000_000m),
                Tripped = reader.GetInt32(9) != 0,
            });
        }

        return result;
    }

    /// <summary>The newest plan of a job that holds or held something back, whatever has become of it since.</summary>
    /// <param name="job">Name of the job.</param>
    /// <exception cref="AlloyScanException">There is no such job (<c>JobNotFound</c>), or no such plan (<c>NothingToApprove</c>).</exception>
    public long NewestBlocked(string job)
    {
        var known = _store.Jobs.Get(job);
        using var session = _store.NewSession();
        return Newest(session, known.Id, string.Empty) ?? throw new AlloyScanException(
            ErrorKind.NotFound, "NothingToApprove", $"The guard of the job '{known.Name}' holds nothing back.", known.Name, "Invoke-AlloyScanSync says when it does.");
    }

    /// <summary>What an approval of a plan would apply. Nothing is changed.</summary>
    /// <param name="job">The job of the plan.</param>
    /// <param name="selection">The plan and its rows.</param>
    /// <returns>How many changes.</returns>
    /// <exception cref="AlloyScanException">The plan cannot be approved, as an execution says it.</exception>
    public int CountApproved(SyncJob job, PlanSelection selection)
    {
        ArgumentNullException.ThrowIfNull(job);
        ArgumentNullException.ThrowIfNull(selection);
        using var session = _store.NewSession();
        var checkedJob = SyncJobs.Check(session, job);
        var site = Sites.Find(session, checkedJob.SiteUrl, checkedJob.ClientId)?.Id ?? -1;
        var context = new RunContext(session, checkedJob, site, SyncMode.WhatIf, SilentObserver.Instance, _store.TimeProvider);
        var plans = new PlanStore(session);
        plans.Check(selection with { Approved = true }, context, settled: !context.SoftwareGroups.IsFiltering);
        var chosen = selection.Rows.ToHashSet();
        return plans.Rows(selection.PlanId, PlanRows.Waiting, withFacts: false).Count(r => chosen.Count == 0 || chosen.Contains(r.Row));
    }

    private static long? Newest(StoreSession session, long jobId, string condition) =>
        session.Prepare($"SELECT max(p.id) FROM plans p WHERE p.job_id = @p0 {condition} AND EXISTS (SELECT 1 FROM plan_rows r WHERE r.plan_id = p.id AND r.held = 1)").Set(0, jobId).Number();
}
