using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Site;
using AlloyScan.Engine.Store;
using AlloyScan.Engine.Sync.Plan;
using AlloyScan.Engine.Sync.Verify;

namespace AlloyScan.Engine.Sync;

/// <summary>Runs jobs: plans, applies, verifies. Plan and apply are one engine.</summary>
public sealed class SyncService
{
    private readonly AlloyStore _store;

    internal SyncService(AlloyStore store) => _store = store;

    /// <summary>
    /// Executes a job in the asked mode and returns the run's record; changes, errors, warnings and progress go to the observer.
    /// Ends as <see cref="SyncRunStatus.Failed"/> when the site or the store fails in the middle, as
    /// <see cref="SyncRunStatus.Canceled"/> when <paramref name="cancellationToken"/> is cancelled.
    /// </summary>
    /// <param name="request">What to execute.</param>
    /// <param name="observer">Listens.</param>
    /// <param name="cancellationToken">Stops within a second; what was committed stays.</param>
    /// <exception cref="AlloyScanException">The run cannot start: another run holds the lease (<c>JobRunning</c>), a secret is missing (<c>SecretNotFound</c>), the plan is unknown, outdated or of another job (<c>PlanNotFound</c>, <c>PlanOutdated</c>, <c>PlanOfOtherJob</c>, <c>PlanRowNotFound</c>), or a setting is wrong.</exception>
    public async Task<SyncRun> ExecuteAsync(SyncRequest request, ISyncObserver observer, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(observer);
        if (request.Mode == SyncMode.SavePlan && request.Job.Id == 0)
            throw new AlloyScanException(ErrorKind.InvalidArgument, "JobNotSaved", "A plan can be saved for a saved job only.", request.Job.Name, "Save the job first, or rehearse with -WhatIf.");
        if (request.MaxApiCalls is < 1)
            throw new AlloyScanException(ErrorKind.InvalidArgument, "InvalidBudget", $"A budget of {request.MaxApiCalls} API calls allows nothing.", request.MaxApiCalls, "Give 1 or more, or leave it out for no limit.");

        var listener = new SerialObserver(observer);
        using var session = _store.NewSession();
        var job = SyncJobs.Check(session, request.Job);
        if (job.Name.Length == 0)
            job = job with { Name = SyncJob.DefaultName };

        var ownClient = request.Source is null ? NewClient(job, request, listener) : null;
        try
        {
            var applying = request.Mode == SyncMode.Apply;
            var lease = applying ? Lease.Acquire(session, RunContext.BuiltInTarget, job.Name, _store.TimeProvider) : null;
            try
            {
                var site = SiteOf(session, job, make: request.Mode != SyncMode.WhatIf);
                var context = new RunContext(session, job with { Site = site.Name }, site.Id, request.Mode, listener, _store.TimeProvider);
                if (request.Selection is { } selection)
                    new PlanStore(session).Check(selection, context, settled: !context.SoftwareGroups.IsFiltering);
                if (applying)
                    RunRow.Begin(context);
                return await new SyncRunner(context, request, request.Source ?? ownClient!, lease).RunAsync(cancellationToken).ConfigureAwait(false);
            }
            finally
            {
                Release(lease);
            }
        }
        finally
        {
            ownClient?.Dispose();
        }
    }

    /// <summary>Compares site and CMDB, a row a check.</summary>
    /// <param name="request">The job; only its job, source and transport are used.</param>
    /// <param name="cancellationToken">Stops the comparison.</param>
    public async IAsyncEnumerable<VerificationCheck> VerifyAsync(SyncRequest request, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        using var session = _store.NewSession();
        var job = SyncJobs.Check(session, request.Job);
        var ownClient = request.Source is null ? NewClient(job, request, new SerialObserver(SilentObserver.Instance)) : null;
        try
        {
            var site = SiteOf(session, job, make: false);
            var context = new RunContext(session, job with { Site = site.Name }, site.Id, SyncMode.WhatIf, SilentObserver.Instance, _store.TimeProvider);
            await foreach (var check in new Verifier(context, request.Source ?? ownClient!).RunAsync(cancellationToken).ConfigureAwait(false))
                yield return check with { Job = job.Name };
        }
        finally
        {
            ownClient?.Dispose();
        }
    }

    private SiteClient NewClient(SyncJob job, SyncRequest request, ISyncObserver observer) => new(new SiteConnectionOptions
    {
        SiteUrl = job.SiteUrl,
        ClientId = job.ClientId,
        ClientSecret = job.ClientSecret.Resolve(),
        Profile = job.ApiProfile is null ? ApiProfile.Default : ApiProfile.Parse(job.ApiProfile),
        ThrottleLimit = job.ThrottleLimit,
        TimeProvider = _store.TimeProvider,
        Transport = request.Transport,
        Trace = observer.OnVerbose,
    });

    private (long Id, string Name) SiteOf(StoreSession session, SyncJob job, bool make)
    {
        if (Sites.Find(session, job.SiteUrl, job.ClientId) is { } known)
            return known;
        if (!make)
            return (-1, job.SiteUrl.Host);

        (long, string) site = default;
        session.InTransactionDo(() => site = Sites.FindOrAdd(session, job.SiteUrl, job.ClientId, _store.TimeProvider));
        return site;
    }

    private static void Release(Lease? lease)
    {
        try
        {
            lease?.Release();
        }
        catch (AlloyScanException)
        {
            // The store is out of reach; the lease expires, or is taken over once this process has ended.
        }
    }

    /// <summary>Lets one call through at a time: the site client speaks from several threads.</summary>
    private sealed class SerialObserver(ISyncObserver inner) : ISyncObserver
    {
        private readonly object _gate = new();

        public void OnProgress(SyncProgress progress)
        {
            lock (_gate)
                inner.OnProgress(progress);
        }

        public void OnChange(SyncChange change)
        {
            lock (_gate)
                inner.OnChange(change);
        }

        public void OnError(SyncError error)
        {
            lock (_gate)
                inner.OnError(error);
        }

        public void OnWarning(string message)
        {
            lock (_gate)
                inner.OnWarning(message);
        }

        public void OnVerbose(string message)
        {
            lock (_gate)
                inner.OnVerbose(message);
        }
    }
}
