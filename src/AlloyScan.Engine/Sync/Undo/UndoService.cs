using System.Data.Common;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Store;

namespace AlloyScan.Engine.Sync.Undo;

/// <summary>Takes runs back.</summary>
public sealed class UndoService
{
    private readonly AlloyStore _store;

    internal UndoService(AlloyStore store) => _store = store;

    /// <summary>The newest run of a job that is not taken back.</summary>
    /// <param name="job">Name of the job; the runs of a removed job are found as well.</param>
    /// <exception cref="AlloyScanException">There is no such job and no run of it (<c>JobNotFound</c>), or no run to take back (<c>NothingToUndo</c>).</exception>
    public SyncRun Newest(string job)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(job);
        using var session = _store.NewSession();
        var id = session.Prepare("""
            SELECT max(id) FROM runs WHERE (lower(job) = lower(@p0) OR job_id IN (SELECT id FROM jobs WHERE lower(name) = lower(@p0))) AND kind <> 'Undo' AND undone_by IS NULL
            """).Set(0, job).Number();
        if (id is not null)
            return _store.Runs.Get(id.Value);

        if (session.Prepare("SELECT 1 FROM runs WHERE lower(job) = lower(@p0)").Set(0, job).Number() is null)
            _store.Jobs.Get(job);
        throw new AlloyScanException(ErrorKind.InvalidArgument, "NothingToUndo", $"The job '{job}' has no run that is not taken back already.", job, "List its runs with Get-AlloyScanSyncRun.");
    }

    /// <summary>Says whether a run can be taken back at all.</summary>
    /// <param name="runId">Number of the run.</param>
    /// <exception cref="AlloyScanException">As <see cref="Undo"/>.</exception>
    public void Check(long runId)
    {
        using var session = _store.NewSession();
        Check(session, runId);
    }

    /// <summary>
    /// Takes a run back: fields that still hold what it wrote, sets of installations that are still as it left them, links, and CIs that it created and
    /// nobody changed since. The rest is left alone and said. The run's job is disabled for its schedule, since it would do the same again.
    /// </summary>
    /// <param name="runId">Number of the run.</param>
    /// <param name="rehearsal">Says what would become of each change and writes nothing.</param>
    /// <param name="changed">Hears what became of each change.</param>
    /// <param name="cancellationToken">Stops within a moment; what was taken back stays so, and the next call goes on from there.</param>
    /// <returns>The run that took it back; one with the number 0 for a rehearsal.</returns>
    /// <exception cref="AlloyScanException">There is no such run (<c>RunNotFound</c>), it is taken back already (<c>RunUndone</c>), is an undo itself (<c>RunIsUndo</c>), changed nothing (<c>NothingToUndo</c>), or another run is going on (<c>JobRunning</c>).</exception>
    public SyncRun Undo(long runId, bool rehearsal, Action<UndoneChange> changed, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(changed);
        using var session = _store.NewStoppableSession(cancellationToken);
        var run = Check(session, runId);
        if (rehearsal)
        {
            var rehearsed = new UndoRunner(session, _store.TimeProvider, run, null, changed);
            rehearsed.Run(0, cancellationToken);
            return new SyncRun { Kind = SyncRunKind.Undo, Undoes = runId, Job = run.Job, Target = run.Target, StartedAt = _store.TimeProvider.GetUtcNow(), Message = rehearsed.Summary };
        }

        var lease = Lease.Acquire(session, run.TargetId, run.Job);
        try
        {
            // Somebody may have taken it back while this one waited for the store.
            run = Check(session, runId);
            var runner = new UndoRunner(session, _store.TimeProvider, run, lease, changed);
            var undoId = Begin(session, run, out var disabled);
            Do(session, runner, lease, undoId, run, disabled, cancellationToken);
            return _store.Runs.Get(undoId) with { DisabledJob = disabled };
        }
        finally
        {
            Release(lease);
        }
    }

    private static UndoneRun Check(StoreSession session, long runId)
    {
        UndoneRun run;
        using (var reader = session.Prepare("SELECT r.job_id, r.job, r.target_id, t.name, r.site_id, r.kind, r.undone_by FROM runs r JOIN targets t ON t.id = r.target_id WHERE r.id = @p0").Set(0, runId).Read())
        {
            if (!reader.Read())
                throw new AlloyScanException(ErrorKind.NotFound, "RunNotFound", $"There is no run {runId} in the store.", runId, "List the runs to see their numbers.");

            run = new UndoneRun(
                runId, reader.Number(0), reader.GetString(1), reader.GetInt64(2), reader.GetString(3), reader.GetInt64(4), Enum.Parse<SyncRunKind>(reader.GetString(5)), reader.Number(6));
        }

        if (run.Kind == SyncRunKind.Undo)
            throw new AlloyScanException(ErrorKind.InvalidArgument, "RunIsUndo", $"Run {runId} took another run back and cannot be taken back itself.", runId, $"Run the job '{run.Job}' again: it does anew what was undone.");
        if (run.UndoneBy is { } by)
            throw new AlloyScanException(ErrorKind.InvalidArgument, "RunUndone", $"Run {runId} was taken back already, by run {by}.", runId, $"What that run left alone is in its journal: Get-AlloyScanSyncChange -RunId {by}.");
        if (session.Prepare("SELECT 1 FROM changes WHERE run_id = @p0 LIMIT 1").Set(0, runId).Number() is null)
        {
            var other = session.Prepare("""
                SELECT max(r.id) FROM runs r WHERE r.job = @p0 AND r.id < @p1 AND r.kind <> 'Undo' AND r.undone_by IS NULL AND EXISTS (SELECT 1 FROM changes c WHERE c.run_id = r.id)
                """).Set(0, run.Job).Set(1, runId).Number();
            throw new AlloyScanException(
                ErrorKind.InvalidArgument, "NothingToUndo", $"Run {runId} of the job '{run.Job}' changed nothing, or its journal is gone.", runId,
                other is null ? "List the runs with Get-AlloyScanSyncRun." : $"The newest run before it that changed something is {other}: Undo-AlloyScanSync -RunId {other}.");
        }

        if (Retention.IsBeforePruned(session, runId))
        {
            throw new AlloyScanException(
                ErrorKind.InvalidArgument, "RunTooOld", $"Run {runId} of the job '{run.Job}' is older than runs whose journal is kept no longer, so it cannot be told what they changed since.", runId,
                "Restore values by hand: Get-AlloyScanSyncChange shows what the run changed. Set-AlloyScanStore -KeepRunDays sets how long journals are kept.");
        }

        return run;
    }

    private long Begin(StoreSession session, UndoneRun run, out bool disabled)
    {
        long id = 0;
        var jobs = 0;
        session.InTransactionDo(() =>
        {
            id = RunRow.Begin(session, _store.TimeProvider, run.TargetId, run.SiteId, run.JobId, run.Job, SyncRunKind.Undo, run.Id);
            // On its schedule the job would do at once what is being undone.
            jobs = session.Execute("UPDATE jobs SET enabled = 0, updated_at = @p1 WHERE id = @p0 AND enabled = 1", run.JobId, _store.TimeProvider.NowMilliseconds());
        });
        disabled = jobs > 0;
        return id;
    }

    private void Do(StoreSession session, UndoRunner runner, Lease lease, long undoId, UndoneRun run, bool disabled, CancellationToken cancellationToken)
    {
        var note = disabled ? $" The job '{run.Job}' is disabled for its schedule until Enable-AlloyScanSyncJob enables it." : string.Empty;
        try
        {
            RunStoppable(session, runner, undoId, cancellationToken);
            session.InTransactionDo(() =>
            {
                if (!lease.Renew())
                    throw new LeaseLostException();

                // A run of which nothing could be taken back is not undone: it can be tried again when what stood in the way is gone.
                if (runner.TookBack)
                    session.Execute("UPDATE runs SET undone_by = @p1 WHERE id = @p0", run.Id, undoId);
                RunRow.EndOther(session, _store.TimeProvider, undoId, runner.LeftAlone ? SyncRunStatus.PartiallySucceeded : SyncRunStatus.Succeeded, runner.Summary + note);
            });
        }
        catch (OperationCanceledException)
        {
            try
            {
                RunRow.EndOther(session, _store.TimeProvider, undoId, SyncRunStatus.Canceled, "Stopped on request. What was taken back stays so; undo the run again to finish." + note);
            }
            catch (Exception e) when (e is AlloyScanException or OperationCanceledException)
            {
                // The store is locked as well: the row stays as running, and the next run says that it died.
            }

            throw;
        }
        catch (LeaseLostException e)
        {
            RunRow.EndOther(session, _store.TimeProvider, undoId, SyncRunStatus.Canceled, e.Message + " Undo the run again to finish." + note);
            throw new AlloyScanException(ErrorKind.ResourceBusy, "JobRunning", $"The undo of run {run.Id} stopped: another run has taken over.", run.Id, "Undo the run again when that one has ended.");
        }
        catch (AlloyScanException e)
        {
            try
            {
                RunRow.EndOther(session, _store.TimeProvider, undoId, SyncRunStatus.Failed, e.MessageWithAdvice + note);
            }
            catch (AlloyScanException)
            {
                // The store is the trouble: the row stays as running, and the next run says that it died.
            }

            throw;
        }
    }

    private static void RunStoppable(StoreSession session, UndoRunner runner, long undoId, CancellationToken cancellationToken)
    {
        try
        {
            runner.Run(undoId, cancellationToken);
        }
        catch (DbException e)
        {
            // Of a reader, which does not translate what goes wrong between its rows.
            throw session.Translate(e);
        }
    }

    internal static void Release(Lease lease)
    {
        try
        {
            lease.Release();
        }
        catch (Exception e) when (e is AlloyScanException or OperationCanceledException)
        {
            // The store is out of reach; the lease expires, or is taken over once this process has ended.
        }
    }
}
