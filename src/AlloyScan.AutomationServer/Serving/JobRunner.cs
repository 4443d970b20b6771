using System.Collections.Concurrent;
using AlloyScan.Engine;
using AlloyScan.Engine.Jobs.Schedules;
using AlloyScan.Engine.Store;
using AlloyScan.Engine.Sync;
using Microsoft.Extensions.Logging;

namespace AlloyScan.AutomationServer.Serving;

/// <summary>
/// Runs due jobs: never one twice at a time, those of one target in turn, and no more at once than allowed. Whatever goes wrong with one job
/// stays with that job.
/// </summary>
internal sealed class JobRunner(AlloyStore store, ServeSettings settings, ServeMetrics metrics, TimeProvider timeProvider, ILogger<JobRunner> logger) : IDisposable
{
    /// <summary>From this delay on a run is said to catch up.</summary>
    private static readonly TimeSpan s_late = TimeSpan.FromMinutes(1);

    /// <summary>How long a claim can be kept for a store that is out of reach: shorter than it takes to expire.</summary>
    private static readonly TimeSpan s_givingBack = TimeSpan.FromSeconds(90);

    private readonly ConcurrentDictionary<long, Task> _running = new();
    private readonly ConcurrentDictionary<long, DateTimeOffset> _paused = new();
    private readonly ConcurrentDictionary<long, DateTimeOffset> _onceMore = new();
    private readonly ConcurrentDictionary<string, SemaphoreSlim> _targets = new(StringComparer.OrdinalIgnoreCase);
    private readonly SemaphoreSlim _slots = new(settings.MaxConcurrent);
    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _gate = new();

    /// <summary>Whether a job is running, waits for its turn, or is left alone for a while because the store failed.</summary>
    /// <param name="jobId">The job.</param>
    public bool IsBusy(long jobId) => _running.ContainsKey(jobId) || (_paused.TryGetValue(jobId, out var until) && timeProvider.GetUtcNow() < until);

    /// <summary>Begins to run a job that is due, if it still is.</summary>
    /// <param name="jobId">The job.</param>
    public void Begin(long jobId)
    {
        lock (_gate)
        {
            if (_stopping.IsCancellationRequested || _running.ContainsKey(jobId))
                return;

            // Stored before it starts, so that its end takes out what is there.
            var start = new TaskCompletionSource();
            _running[jobId] = RunAndForgetAsync(jobId, start.Task);
            start.SetResult();
        }
    }

    /// <summary>Cancels what runs and waits until it has ended, for as long as the settings allow.</summary>
    public async Task StopAsync()
    {
        Task[] running;
        lock (_gate)
        {
            _stopping.Cancel();
            running = [.. _running.Values];
        }

        try
        {
            await Task.WhenAll(running).WaitAsync(settings.StopPatience, timeProvider);
        }
        catch (TimeoutException)
        {
            logger.StoppedWithRuns(_running.Count, settings.StopPatience.TotalSeconds);
        }
    }

    public void Dispose()
    {
        _stopping.Dispose();
        _slots.Dispose();
        foreach (var target in _targets.Values)
            target.Dispose();
    }

    private async Task RunAndForgetAsync(long jobId, Task start)
    {
        await start;
        await Task.Yield();
        try
        {
            _paused.TryRemove(jobId, out _);
            await RunAsync(jobId, _stopping.Token);
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
        }
        catch (Exception e)
        {
            // As an exception of ours, whose text has no secret in it.
            var failure = e as AlloyScanException ?? new AlloyScanException(ErrorKind.Unspecified, "Unexpected", $"{e.Message} ({e.GetType().Name})", innerException: e);
            logger.ServingFailed(failure.ErrorId, failure.MessageWithAdvice);
            _paused[jobId] = timeProvider.GetUtcNow() + settings.FailurePause;
        }
        finally
        {
            _running.TryRemove(jobId, out _);
        }
    }

    private async Task RunAsync(long jobId, CancellationToken cancellationToken)
    {
        if (Due(jobId) is not { } first)
            return;

        var target = _targets.GetOrAdd(first.Target, _ => new SemaphoreSlim(1));
        await target.WaitAsync(cancellationToken);
        try
        {
            await _slots.WaitAsync(cancellationToken);
            try
            {
                // Much can have happened while it waited for its turn.
                if (Due(jobId) is { } job && store.Schedules.Claim(job) is { } claim)
                    await RunClaimedAsync(job, claim, cancellationToken);
            }
            finally
            {
                _slots.Release();
            }
        }
        finally
        {
            target.Release();
        }
    }

    private ScheduledJob? Due(long jobId) =>
        store.Schedules.List().FirstOrDefault(j => j.Id == jobId) is { Due: { } due } job && due <= timeProvider.GetUtcNow() ? job : null;

    private async Task RunClaimedAsync(ScheduledJob job, ScheduleClaim claim, CancellationToken cancellationToken)
    {
        using var lost = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var ended = new CancellationTokenSource();
        var heartbeat = KeepAsync(job, claim, lost, ended.Token);
        var settles = true;
        try
        {
            var due = job.Due!.Value;
            if (timeProvider.GetUtcNow() - due > s_late)
                logger.CatchingUp(job.Name, due);
            else
                logger.Starting(job.Name, due);
            metrics.Begin(job.Name);
            settles = await ExecuteAsync(job, lost.Token);
        }
        catch (OperationCanceledException) when (lost.IsCancellationRequested)
        {
            logger.StoppedEarly(job.Name);
            settles = false;
        }
        catch (AlloyScanException)
        {
            // The store was out of reach before the run began: what is due stays due.
            settles = false;
            throw;
        }
        finally
        {
            metrics.End(job.Name);
            await ended.CancelAsync();
            await heartbeat;
            await GiveBackAsync(claim, settles, timeProvider.GetUtcNow());
        }
    }

    /// <summary>Settles or releases a claim. While the store is out of reach it is tried again: a claim that stays keeps all hosts from the job until it expires.</summary>
    private async Task GiveBackAsync(ScheduleClaim claim, bool settles, DateTimeOffset until)
    {
        for (var patience = timeProvider.GetTimestamp(); ;)
        {
            try
            {
                // Occurrences that passed while the job ran or waited are covered by this run.
                if (settles)
                    claim.Settle(until);
                else
                    claim.Release();
                return;
            }
            catch (AlloyScanException e) when (e.Kind is ErrorKind.ResourceUnavailable or ErrorKind.ResourceBusy or ErrorKind.Timeout && !_stopping.IsCancellationRequested && timeProvider.GetElapsedTime(patience) < s_givingBack)
            {
                await Task.Delay(settings.LeasePause, timeProvider, CancellationToken.None);
            }
        }
    }

    /// <summary>Runs the job once, as soon as nobody else writes its CMDB.</summary>
    /// <returns>Whether the occurrence is done with; a run that was stopped with the server, or broke off with the store, is done again.</returns>
    private async Task<bool> ExecuteAsync(ScheduledJob scheduled, CancellationToken cancellationToken)
    {
        var said = false;
        while (true)
        {
            var started = timeProvider.GetTimestamp();
            try
            {
                var job = store.Jobs.Get(scheduled.Name);
                if (!job.Enabled)
                    return true;

                var run = await store.Sync.ExecuteAsync(new SyncRequest { Job = job, Mode = SyncMode.Apply }, new LogObserver(job.Name, logger), cancellationToken);
                metrics.Record(run);
                logger.Ended(run.Status == SyncRunStatus.Succeeded ? LogLevel.Information : run.Status == SyncRunStatus.Failed ? LogLevel.Error : LogLevel.Warning, run);
                if (run is { Status: SyncRunStatus.Failed, ErrorId: "StoreUnavailable" or "StoreTimeout" or "StoreOutcomeUnknown" or "StoreConnectionsExhausted" } && TryOnceMore(scheduled))
                {
                    logger.OnceMore(job.Name);
                    return false;
                }

                return run.Status != SyncRunStatus.Canceled || !cancellationToken.IsCancellationRequested;
            }
            catch (AlloyScanException e) when (e.ErrorId == "JobRunning")
            {
                if (!said)
                    logger.Waiting(scheduled.Name, e.Message);
                said = true;
                await Task.Delay(settings.LeasePause, timeProvider, cancellationToken);
            }
            catch (AlloyScanException e) when (e.Kind is not (ErrorKind.ResourceUnavailable or ErrorKind.ResourceBusy))
            {
                // It cannot begin: no secret, a wrong setting. The next occurrence tries again.
                metrics.RecordFailure(scheduled.Name, timeProvider.GetElapsedTime(started));
                logger.NotStarted(scheduled.Name, e.ErrorId, e.MessageWithAdvice);
                return true;
            }
        }
    }

    /// <summary>
    /// Whether an occurrence whose run broke off with the store is to be run again. Once: a store that breaks each run is for a person to look at, who
    /// is told of each.
    /// </summary>
    private bool TryOnceMore(ScheduledJob job)
    {
        var due = job.Due!.Value;
        if (_onceMore.TryGetValue(job.Id, out var last) && last == due)
            return false;

        _onceMore[job.Id] = due;
        return true;
    }

    /// <summary>Renews the claim until the run has ended; when it is lost, the run is stopped.</summary>
    private async Task KeepAsync(ScheduledJob job, ScheduleClaim claim, CancellationTokenSource lost, CancellationToken ended)
    {
        while (!ended.IsCancellationRequested)
        {
            try
            {
                await Task.Delay(ScheduleClaim.Heartbeat, timeProvider, ended);
                if (claim.Renew())
                    continue;

                logger.ClaimLost(job.Name);
                await lost.CancelAsync();
                return;
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (AlloyScanException)
            {
                // The store is out of reach for a moment; the next heartbeat tries again, and the run has its own lease.
            }
        }
    }

    /// <summary>What a run says goes to the log.</summary>
    private sealed class LogObserver(string job, ILogger logger) : ISyncObserver
    {
        public void OnProgress(SyncProgress progress)
        {
        }

        public void OnChange(SyncChange change)
        {
        }

        public void OnError(SyncError error) => logger.DeviceFailed(job, error.Stage, error.ToString());

        public void OnWarning(string message) => logger.RunWarned(job, message);

        public void OnVerbose(string message) => logger.RunSaid(job, message);
    }
}
