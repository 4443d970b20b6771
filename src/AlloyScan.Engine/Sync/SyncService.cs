namespace AlloyScan.Engine.Sync;

/// <summary>Runs jobs: plans, applies, verifies. Plan and apply are one engine.</summary>
public sealed class SyncService
{
    internal SyncService()
    {
    }

    /// <summary>
    /// Executes a job in the asked mode and returns the run's record; changes, errors, warnings and progress go to the observer.
    /// Ends as <see cref="SyncRunStatus.Failed"/> when the site or the store fails in the middle, as
    /// <see cref="SyncRunStatus.Canceled"/> when <paramref name="cancellationToken"/> is cancelled.
    /// </summary>
    /// <param name="request">What to execute.</param>
    /// <param name="observer">Listens.</param>
    /// <param name="cancellationToken">Stops within a second; what was committed stays.</param>
    /// <exception cref="AlloyScanException">The run cannot start: another run holds the lease (<c>JobRunning</c>), a secret is missing (<c>SecretNotFound</c>), the plan is unknown (<c>PlanNotFound</c>).</exception>
    public Task<SyncRun> ExecuteAsync(SyncRequest request, ISyncObserver observer, CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <summary>Compares site and CMDB, a row a check.</summary>
    /// <param name="request">The job; only its job, source and transport are used.</param>
    /// <param name="cancellationToken">Stops the comparison.</param>
    public IAsyncEnumerable<VerificationCheck> VerifyAsync(SyncRequest request, CancellationToken cancellationToken) => throw new NotSupportedException();
}
