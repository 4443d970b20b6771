using AlloyScan.Engine.Store;
using AlloyScan.Engine.Sync.Map;

namespace AlloyScan.Engine.Sync.Plan;

/// <summary>A row of a saved plan, as it is applied.</summary>
internal sealed record PlanRow(int Row, ChangeAction Action, string DeviceId, long? Record, long? RecordVersion, long? LastSeen, DeviceFacts? Facts);

/// <summary>Saves plans and reads them back.</summary>
internal sealed class PlanStore(StoreSession session)
{
    /// <summary>Plans of a job that are kept; older ones go when a new one is made.</summary>
    private const int KeptPlans = 10;

    /// <summary>How long a plan is kept.</summary>
    private static readonly TimeSpan s_keptFor = TimeSpan.FromDays(30);

    public long Begin(RunContext context)
    {
        var now = context.TimeProvider.NowMilliseconds();
        long id = 0;
        session.InTransactionDo(() =>
        {
            id = session.Insert(
                "INSERT INTO plans (job_id, job, target_id, site_id, created_at, fingerprint) VALUES (@p0, @p1, @p2, @p3, @p4, @p5) RETURNING id",
                context.Job.Id, context.Job.Name, context.TargetId, context.SiteId, now, context.PlanFingerprint);
            session.Execute(
                """
                DELETE FROM plans WHERE created_at < @p0 OR (job_id = @p1 AND id NOT IN (SELECT id FROM plans WHERE job_id = @p1 ORDER BY id DESC LIMIT @p2));
                DELETE FROM plan_rows WHERE plan_id NOT IN (SELECT id FROM plans);
                """,
                now - (long)s_keptFor.TotalMilliseconds, context.Job.Id, KeptPlans);
        });
        return id;
    }

    public void Add(long planId, SyncChange change, DeviceFacts? facts, long? record, long? recordVersion) =>
        session.Prepare("INSERT INTO plan_rows (plan_id, row, action, device_id, record, record_version, last_seen, facts) VALUES (@p0, @p1, @p2, @p3, @p4, @p5, @p6, @p7)")
            .Set(0, planId).Set(1, change.Row).Set(2, change.Action.ToString()).Set(3, change.DeviceId).Set(4, record).Set(5, recordVersion)
            .Set(6, facts?.LastSeen).Set(7, facts?.ToJson() ?? string.Empty).Execute();

    /// <summary>Checks that a plan exists, belongs to the job and was made with the job's present settings.</summary>
    /// <param name="selection">The plan and its rows.</param>
    /// <param name="context">The run.</param>
    /// <param name="settled">Whether all that shapes links is known; before the site's software catalog was read it may not be.</param>
    /// <exception cref="AlloyScanException">It does not (<c>PlanNotFound</c>, <c>PlanOfOtherJob</c>, <c>PlanOutdated</c>), or has no such row (<c>PlanRowNotFound</c>).</exception>
    public void Check(PlanSelection selection, RunContext context, bool settled)
    {
        using (var reader = session.Prepare("SELECT job_id, job, fingerprint FROM plans WHERE id = @p0").Set(0, selection.PlanId).Read())
        {
            if (!reader.Read())
                throw new AlloyScanException(ErrorKind.NotFound, "PlanNotFound", $"There is no saved plan {selection.PlanId}.", selection.PlanId, "Make a new one with Get-AlloyScanSyncPlan.");
            if (reader.GetInt64(0) != context.Job.Id)
            {
                throw new AlloyScanException(
                    ErrorKind.InvalidArgument, "PlanOfOtherJob", $"Plan {selection.PlanId} is of the job '{reader.GetString(1)}', not of '{context.Job.Name}'.", selection.PlanId);
            }

            if (settled && reader.GetInt64(2) != context.PlanFingerprint)
            {
                throw new AlloyScanException(
                    ErrorKind.InvalidArgument, "PlanOutdated", $"The settings of the job '{context.Job.Name}' have changed since plan {selection.PlanId} was made.", selection.PlanId,
                    "Make a new plan.");
            }
        }

        foreach (var row in selection.Rows)
        {
            if (session.Prepare("SELECT 1 FROM plan_rows WHERE plan_id = @p0 AND row = @p1").Set(0, selection.PlanId).Set(1, row).Number() is null)
                throw new AlloyScanException(ErrorKind.NotFound, "PlanRowNotFound", $"Plan {selection.PlanId} has no row {row}.", row, "Pipe rows as Get-AlloyScanSyncPlan gave them.");
        }
    }

    /// <summary>The next rows of a plan after a given one, chosen or not.</summary>
    public List<PlanRow> Next(long planId, int after)
    {
        var rows = new List<PlanRow>();
        using var reader = session.Prepare("SELECT row, action, device_id, record, record_version, last_seen, facts FROM plan_rows WHERE plan_id = @p0 AND row > @p1 ORDER BY row LIMIT 100")
            .Set(0, planId).Set(1, after).Read();
        while (reader.Read())
        {
            var facts = reader.GetString(6);
            rows.Add(new PlanRow(
                reader.GetInt32(0), Enum.Parse<ChangeAction>(reader.GetString(1)), reader.GetString(2), reader.Number(3), reader.Number(4), reader.Number(5),
                facts.Length == 0 ? null : DeviceFacts.FromJson(facts)));
        }

        return rows;
    }
}
