using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Store;
using Newtonsoft.Json;

namespace AlloyScan.Engine.Sync;

/// <summary>The row that a real run keeps of itself.</summary>
internal static class RunRow
{
    /// <summary>Ends runs whose process died, and starts a new one.</summary>
    public static void Begin(RunContext context, SyncRunKind kind = SyncRunKind.Sync) =>
        context.Session.InTransactionDo(() => context.RunId = Begin(
            context.Session, context.TimeProvider, context.TargetId, context.SiteId, context.Job.Id == 0 ? null : context.Job.Id, context.Job.Name, kind));

    /// <summary>As the other, for work that no job's settings shape. Call inside a transaction.</summary>
    /// <returns>Number of the run.</returns>
    public static long Begin(StoreSession session, TimeProvider timeProvider, long targetId, long siteId, long? jobId, string job, SyncRunKind kind, long? undoes = null)
    {
        var now = timeProvider.NowMilliseconds();
        // The lease is ours, so whoever is still written down as running is dead.
        session.Execute(
            "UPDATE runs SET status = 'Failed', ended_at = CASE WHEN started_at > @p1 THEN started_at ELSE @p1 END, message = 'The process that ran it ended without a word; the next run went on from its last batch.' WHERE target_id = @p0 AND status = 'Running'",
            targetId, now);
        return session.Insert(
            "INSERT INTO runs (job_id, job, target_id, site_id, started_at, status, kind, undoes) VALUES (@p0, @p1, @p2, @p3, @p4, 'Running', @p5, @p6) RETURNING id",
            jobId, job, targetId, siteId, now, kind.ToString(), undoes);
    }

    /// <summary>Writes the counts so far, inside the transaction of a batch.</summary>
    public static void WriteCounts(RunContext context) => WriteCounts(context, context.Session);

    private static void WriteCounts(RunContext context, StoreSession session)
    {
        ref var c = ref context.Counts;
        session.Prepare("""
            UPDATE runs SET devices_read = @p1, created = @p2, updated = @p3, unchanged = @p4, conflicts = @p5, missing = @p6, retired = @p7, deleted_in_alloyscan = @p8,
                installations_added = @p9, installations_removed = @p10, products_added = @p11, products_removed = @p12, skipped = @p13, errors = @p14, nameless_software = @p15, unsettled = @p16, parked = @p17, held = @p18 WHERE id = @p0
            """)
            .Set(0, context.RunId).Set(1, c.DevicesRead).Set(2, c.Created).Set(3, c.Updated).Set(4, c.Unchanged).Set(5, c.Conflicts).Set(6, c.Missing).Set(7, c.Retired)
            .Set(8, c.DeletedInAlloyScan).Set(9, c.InstallationsAdded).Set(10, c.InstallationsRemoved).Set(11, c.ProductsAdded).Set(12, c.ProductsRemoved)
            .Set(13, c.Skipped).Set(14, c.Errors).Set(15, c.NamelessSoftware).Set(16, c.Unsettled).Set(17, c.Parked).Set(18, c.Held).Post();
    }

    /// <summary>Ends the run.</summary>
    /// <param name="context">The run's context.</param>
    /// <param name="run">Its record.</param>
    /// <param name="reachedEnd">Whether it looked at all of the site that it could read.</param>
    public static void End(RunContext context, SyncRun run, bool reachedEnd) => context.Session.InTransactionDo(() => End(context, context.Session, run, reachedEnd));

    /// <summary>Ends a run whose connection is lost, by another one.</summary>
    /// <param name="context">The run's context.</param>
    /// <param name="run">Its record.</param>
    /// <param name="reachedEnd">Whether it looked at all of the site that it could read.</param>
    /// <param name="lease">Proof that nobody else has taken over and ended it.</param>
    /// <exception cref="AlloyScanException">The store is out of reach.</exception>
    /// <exception cref="LeaseLostException">Another run has taken over.</exception>
    public static void EndElsewhere(RunContext context, SyncRun run, bool reachedEnd, Lease? lease)
    {
        using var session = context.Session.ForkPatiently();
        session.InTransactionDo(() =>
        {
            if (lease is not null && !lease.RenewBy(session))
                throw new LeaseLostException();

            End(context, session, run, reachedEnd);
            // Rows that no batch has written are lost with the connection; their devices are tried again.
            session.Execute("UPDATE runs SET errors = (SELECT count(*) FROM errors WHERE run_id = @p0) WHERE id = @p0", context.RunId);
        });
    }

    private static void End(RunContext context, StoreSession session, SyncRun run, bool reachedEnd)
    {
        WriteCounts(context, session);
        session.Execute(
            "UPDATE runs SET ended_at = @p1, status = @p2, message = @p3, complete = @p4, reached_end = @p5, api_calls = @p6, bytes_received = @p7, stage_seconds = @p8 WHERE id = @p0",
            context.RunId, Clock.Milliseconds(run.EndedAt), run.Status.ToString(), run.Message, run.Complete ? 1 : 0,
            reachedEnd && run is { StoppedByBudget: false, Status: SyncRunStatus.Succeeded or SyncRunStatus.PartiallySucceeded or SyncRunStatus.Blocked } ? 1 : 0,
            run.ApiCalls, run.BytesReceived, JsonConvert.SerializeObject(run.StageSeconds));
    }

    /// <summary>Ends work that read no site.</summary>
    public static void EndOther(StoreSession session, TimeProvider timeProvider, long runId, SyncRunStatus status, string message) =>
        session.Execute("UPDATE runs SET ended_at = CASE WHEN started_at > @p1 THEN started_at ELSE @p1 END, status = @p2, message = @p3 WHERE id = @p0", runId, timeProvider.NowMilliseconds(), status.ToString(), message);

    /// <summary>Does work that reads no site in one transaction, with the counts of its run, and ends the run.</summary>
    /// <exception cref="AlloyScanException">Another run has taken over (<c>JobRunning</c>), or the store failed; nothing was written.</exception>
    public static void Do(RunContext context, Lease lease, string message, Action work)
    {
        try
        {
            context.Session.InTransactionDo(() =>
            {
                if (!lease.Renew())
                    throw new AlloyScanException(ErrorKind.ResourceBusy, "JobRunning", "Another run has taken over.", context.Job.Name, "Try again when it has ended.");

                work();
                WriteCounts(context);
                EndOther(context.Session, context.TimeProvider, context.RunId, SyncRunStatus.Succeeded, message);
            });
        }
        catch (AlloyScanException e)
        {
            try
            {
                EndOther(context.Session, context.TimeProvider, context.RunId, SyncRunStatus.Failed, e.MessageWithAdvice);
            }
            catch (AlloyScanException)
            {
                // The store is the trouble: the row stays as running, and the next run says that it died.
            }

            throw;
        }
    }
}
