using AlloyScan.Engine.Store;

namespace AlloyScan.Engine.Jobs.Schedules;

/// <summary>The right to run a job for what its schedule has due. A claim that is not renewed for two minutes is free to take.</summary>
public sealed class ScheduleClaim
{
    /// <summary>How often a claim is to be renewed.</summary>
    public static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(30);

    private readonly AlloyStore _store;
    private readonly long _jobId;
    private readonly long _number;

    internal ScheduleClaim(AlloyStore store, long jobId, long number)
    {
        _store = store;
        _jobId = jobId;
        _number = number;
    }

    /// <summary>Says that the holder lives.</summary>
    /// <returns>Whether the claim is still its own.</returns>
    public bool Renew()
    {
        using var session = _store.NewSession();
        return session.Prepare($"UPDATE schedule_claims SET heartbeat_at = {session.DatabaseNow} WHERE job_id = @p0 AND number = @p1").Set(0, _jobId).Set(1, _number).Execute() == 1;
    }

    /// <summary>Marks everything that the schedule has up to a time as settled, and gives the claim back.</summary>
    /// <param name="until">The time; a later one that is stored already stays.</param>
    public void Settle(DateTimeOffset until)
    {
        using var session = _store.NewSession();
        session.InTransactionDo(() =>
        {
            // The loser of a claim has nothing to say.
            if (Release(session))
                session.Prepare("UPDATE jobs SET schedule_settled = @p0 WHERE id = @p1 AND schedule_settled < @p0").Set(0, until.ToUnixTimeMilliseconds()).Set(1, _jobId).Execute();
        });
    }

    /// <summary>Gives the claim back; what is due stays due.</summary>
    public void Release()
    {
        using var session = _store.NewSession();
        Release(session);
    }

    private bool Release(StoreSession session) =>
        session.Prepare("UPDATE schedule_claims SET process_id = 0, heartbeat_at = 0 WHERE job_id = @p0 AND number = @p1").Set(0, _jobId).Set(1, _number).Execute() == 1;
}
