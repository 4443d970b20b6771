using System.Data.Common;
using AlloyScan.Engine.Store;

namespace AlloyScan.Engine.Jobs.Schedules;

/// <summary>
/// The schedules of the jobs of a store, for the hosts that run them. The jobs table is the only truth: which occurrence is next follows
/// from the schedule and from the time up to which it is settled, and whoever holds the claim on a job runs it.
/// </summary>
public sealed class JobSchedules
{
    /// <summary>A settled time further ahead than this is no overlap of clocks: a clock was wrong when it was written.</summary>
    private static readonly TimeSpan s_farAhead = TimeSpan.FromHours(25);

    private readonly AlloyStore _store;

    internal JobSchedules(AlloyStore store) => _store = store;

    /// <summary>The jobs that have a schedule, disabled ones too, in order of name.</summary>
    public IReadOnlyList<ScheduledJob> List()
    {
        using var session = _store.NewSession();
        using var reader = session.Prepare($"""
            SELECT j.id, j.name, t.name, j.enabled, j.schedule, j.schedule_settled, c.host, c.process_id, c.process_started, {session.DatabaseNow} - c.heartbeat_at
            FROM jobs j JOIN targets t ON t.id = j.target_id LEFT JOIN schedule_claims c ON c.job_id = j.id WHERE j.schedule IS NOT NULL ORDER BY j.name
            """).Read();
        var result = new List<ScheduledJob>();
        while (reader.Read())
        {
            var stored = reader.GetString(4);
            var (schedule, problem) = Read(stored);
            result.Add(new ScheduledJob
            {
                Id = reader.GetInt64(0), Name = reader.GetString(1), Target = reader.GetString(2), Enabled = reader.GetInt32(3) != 0,
                Schedule = schedule, Problem = problem, Stored = stored, SettledUntil = Clock.Time(reader.GetInt64(5))!.Value,
                IsClaimed = !reader.IsDBNull(6) && !IsFree(reader, 6),
            });
        }

        return result;
    }

    /// <summary>
    /// Takes a job on, so that no other host runs it: for as long as the claim is renewed, or until it is settled or given back.
    /// </summary>
    /// <param name="job">The job as listed.</param>
    /// <returns>The claim; <see langword="null"/> when the job was changed or settled since it was listed, or somebody else has it.</returns>
    public ScheduleClaim? Claim(ScheduledJob job)
    {
        ArgumentNullException.ThrowIfNull(job);
        using var session = _store.NewSession();
        long? number = null;
        session.InTransactionDo(() => number = Claim(session, job));
        return number is { } mine ? new ScheduleClaim(_store, job.Id, mine) : null;
    }

    /// <summary>
    /// Brings a settled time back that lies so far in the future that the clock must have been wrong when it was written. Until
    /// then the job would wait.
    /// </summary>
    /// <param name="job">The job as listed.</param>
    /// <returns>Whether there was anything to correct.</returns>
    public bool CorrectClock(ScheduledJob job)
    {
        ArgumentNullException.ThrowIfNull(job);
        var now = _store.TimeProvider.GetUtcNow();
        if (job.SettledUntil <= now + s_farAhead)
            return false;

        using var session = _store.NewSession();
        return session.Prepare("UPDATE jobs SET schedule_settled = @p0 WHERE id = @p1 AND schedule_settled = @p2")
            .Set(0, now.ToUnixTimeMilliseconds()).Set(1, job.Id).Set(2, job.SettledUntil.ToUnixTimeMilliseconds()).Execute() == 1;
    }

    private static long? Claim(StoreSession session, ScheduledJob job)
    {
        if (session.Prepare("SELECT 1 FROM jobs WHERE id = @p0 AND enabled = 1 AND schedule_settled = @p1 AND schedule = @p2")
            .Set(0, job.Id).Set(1, job.SettledUntil.ToUnixTimeMilliseconds()).Set(2, job.Stored).Number() is null)
        {
            return null;
        }

        long number = 0;
        using (var reader = session.Prepare($"SELECT number, host, process_id, process_started, {session.DatabaseNow} - heartbeat_at FROM schedule_claims WHERE job_id = @p0").Set(0, job.Id).Read())
        {
            if (reader.Read())
            {
                number = reader.GetInt64(0);
                if (!IsFree(reader, 1))
                    return null;
            }
        }

        var (process, started) = Lease.Self();
        session.Prepare($"""
            INSERT INTO schedule_claims (job_id, number, host, process_id, process_started, heartbeat_at) VALUES (@p0, @p1, @p2, @p3, @p4, {session.DatabaseNow})
            ON CONFLICT (job_id) DO UPDATE SET number = excluded.number, host = excluded.host, process_id = excluded.process_id, process_started = excluded.process_started,
                heartbeat_at = excluded.heartbeat_at
            """).Set(0, job.Id).Set(1, ++number).Set(2, Environment.MachineName).Set(3, process).Set(4, started).Execute();
        return number;
    }

    /// <summary>Whether a claim was given back or its holder is dead: host, process, its start and the age of its last sign of life, from a column on.</summary>
    private static bool IsFree(DbDataReader reader, int column) =>
        reader.GetInt64(column + 1) == 0
        || TimeSpan.FromMilliseconds(reader.GetInt64(column + 3)) > Lease.Expiry
        || (reader.GetString(column) == Environment.MachineName && !Lease.IsAlive(reader.GetInt32(column + 1), reader.GetInt64(column + 2)));

    private (Schedule? Schedule, string? Problem) Read(string stored)
    {
        try
        {
            return (Schedule.Parse(stored, _store.TimeProvider), null);
        }
        catch (AlloyScanException e)
        {
            return (null, e.MessageWithAdvice);
        }
    }
}
