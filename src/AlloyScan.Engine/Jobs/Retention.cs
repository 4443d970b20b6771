using AlloyScan.Engine.Store;
using AlloyScan.Engine.Sync;

namespace AlloyScan.Engine.Jobs;

/// <summary>
/// How long a store keeps its history. Links, decisions and the values written last are no history and stay, as do a job's newest runs and those that
/// later runs are measured by.
/// </summary>
public sealed class Retention
{
    /// <summary>Days for which runs, changes and errors are kept unless somebody says otherwise.</summary>
    public const int DefaultRunDays = 400;

    /// <summary>Days for which plans are kept unless somebody says otherwise.</summary>
    public const int DefaultPlanDays = 30;

    /// <summary>Most days that can be asked for: a hundred years.</summary>
    public const int MostDays = 36_500;

    /// <summary>Runs of a job that are kept whatever their age.</summary>
    private const int NewestRuns = 10;

    /// <summary>Runs that one run takes away: a history that was never pruned goes over many runs, and none of them has to wait for it.</summary>
    private const int RunsAtOnce = 20;

    private readonly AlloyStore _store;

    internal Retention(AlloyStore store) => _store = store;

    /// <summary>What the store is, holds and keeps.</summary>
    public StoreInfo Describe()
    {
        using var session = _store.NewSession();
        var (runDays, planDays) = Days(session);
        return new StoreInfo
        {
            Location = _store.Location.ToString(),
            Kind = _store.Location.IsPostgres ? StoreKind.PostgreSQL : StoreKind.SQLite,
            Version = SqliteSchema.Migrations.Count,
            SizeBytes = session.SizeBytes,
            Jobs = Count("jobs"),
            Computers = Count("computers"),
            Hardware = Count("hardware"),
            Runs = Count("runs"),
            OldestRunAt = Clock.Time(session.Prepare("SELECT min(started_at) FROM runs").Number()),
            KeepRunDays = runDays,
            KeepPlanDays = planDays,
        };

        long Count(string table) => session.Prepare($"SELECT count(*) FROM {table}").Number() ?? 0;
    }

    /// <summary>Sets how long history is kept. What is older goes with the next runs, a few runs at a time.</summary>
    /// <param name="runDays">Days for runs, changes and errors; <see langword="null"/> to leave it.</param>
    /// <param name="planDays">Days for plans; <see langword="null"/> to leave it.</param>
    /// <exception cref="AlloyScanException">Not a number of days from 1 to <see cref="MostDays"/> (<c>InvalidRetention</c>).</exception>
    public void Set(int? runDays, int? planDays)
    {
        Check(runDays, "Runs");
        Check(planDays, "Plans");
        using var session = _store.NewSession();
        session.InTransactionDo(() =>
        {
            var (runs, plans) = Days(session);
            session.Execute(
                "INSERT INTO retention (id, run_days, plan_days) VALUES (1, @p0, @p1) ON CONFLICT (id) DO UPDATE SET run_days = excluded.run_days, plan_days = excluded.plan_days",
                runDays ?? runs, planDays ?? plans);
        });
    }

    /// <summary>Days for which runs and plans are kept.</summary>
    internal static (int Runs, int Plans) Days(StoreSession session)
    {
        using var reader = session.Prepare("SELECT run_days, plan_days FROM retention WHERE id = 1").Read();
        return reader.Read() ? (reader.GetInt32(0), reader.GetInt32(1)) : (DefaultRunDays, DefaultPlanDays);
    }

    /// <summary>Whether the journal of runs after one may be gone, so that nobody can tell who touched a CI since.</summary>
    internal static bool IsBeforePruned(StoreSession session, long runId) =>
        session.Prepare("SELECT 1 FROM retention WHERE id = 1 AND pruned_run > @p0").Set(0, runId).Number() is not null;

    /// <summary>Takes away the oldest runs that are kept no longer. Call when a run has ended and its lease is still held.</summary>
    /// <returns>How many runs went.</returns>
    internal static int Prune(RunContext context, Lease lease)
    {
        var session = context.Session;
        var pruned = 0;
        foreach (var run in Outdated(context))
        {
            session.InTransactionDo(() =>
            {
                if (!lease.Renew())
                    throw new LeaseLostException();

                session.Prepare("DELETE FROM changes WHERE run_id = @p0").Set(0, run).Execute();
                session.Prepare("DELETE FROM errors WHERE run_id = @p0").Set(0, run).Execute();
                session.Prepare("DELETE FROM intents WHERE run_id = @p0 AND outcome IS NOT NULL").Set(0, run).Execute();
                session.Prepare("DELETE FROM runs WHERE id = @p0").Set(0, run).Execute();
                session.Execute(
                    "INSERT INTO retention (id, run_days, plan_days, pruned_run) VALUES (1, @p0, @p1, @p2) ON CONFLICT (id) DO UPDATE SET pruned_run = CASE WHEN retention.pruned_run < excluded.pruned_run THEN excluded.pruned_run ELSE retention.pruned_run END",
                    DefaultRunDays, DefaultPlanDays, run);
            });
            pruned++;
        }

        return pruned;
    }

    /// <summary>
    /// The oldest runs that nothing needs any more. The newest that reached its end tells a job's later runs that theirs is no first load, which the guard rests on, and
    /// the newest complete one how many devices a site had.
    /// </summary>
    private static List<long> Outdated(RunContext context)
    {
        var result = new List<long>();
        using var reader = context.Session.Prepare($"""
            SELECT r.id FROM runs r
            WHERE r.target_id = @p0 AND r.started_at < @p1 AND r.status <> 'Running'
                AND r.id < coalesce((SELECT n.id FROM runs n WHERE n.job = r.job ORDER BY n.id DESC LIMIT 1 OFFSET {NewestRuns - 1}), 0)
                AND r.id <> coalesce(CASE WHEN r.job_id IS NULL
                    THEN (SELECT b.id FROM runs b WHERE b.job = r.job AND b.job_id IS NULL AND b.site_id = r.site_id AND b.kind = 'Sync' AND b.reached_end = 1 ORDER BY b.id DESC LIMIT 1)
                    ELSE (SELECT b.id FROM runs b WHERE b.job_id = r.job_id AND b.site_id = r.site_id AND b.kind = 'Sync' AND b.reached_end = 1 ORDER BY b.id DESC LIMIT 1) END, 0)
                AND r.id <> coalesce((SELECT c.id FROM runs c WHERE c.target_id = r.target_id AND c.site_id = r.site_id AND c.kind = 'Sync' AND c.complete = 1 ORDER BY c.id DESC LIMIT 1), 0)
            ORDER BY r.started_at, r.id LIMIT {RunsAtOnce}
            """).Set(0, context.TargetId).Set(1, context.TimeProvider.NowMilliseconds() - Milliseconds(Days(context.Session).Runs)).Read();
        while (reader.Read())
            result.Add(reader.GetInt64(0));
        return result;
    }

    /// <summary>A number of days in milliseconds.</summary>
    internal static long Milliseconds(int days) => (long)TimeSpan.FromDays(days).TotalMilliseconds;

    private static void Check(int? days, string what)
    {
        if (days is < 1 or > MostDays)
            throw new AlloyScanException(ErrorKind.InvalidArgument, "InvalidRetention", $"{what} cannot be kept for {days} days.", days, $"Give a number of days from 1 to {MostDays}.");
    }
}
