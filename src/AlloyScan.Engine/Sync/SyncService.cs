using AlloyScan.Engine.Credentials;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Site;
using AlloyScan.Engine.Store;
using AlloyScan.Engine.Sync.Identify;
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
    /// <exception cref="AlloyScanException">The run cannot start: another run holds the lease (<c>JobRunning</c>), a secret is missing (<c>SecretNotFound</c>), the plan is unknown, outdated or of another job (<c>PlanNotFound</c>, <c>PlanOutdated</c>, <c>PlanOfOtherJob</c>, <c>PlanRowNotFound</c>) or cannot be approved (<c>PlanAlreadyApplied</c>, <c>PlanNotBlocked</c>, <c>PlanRowNotHeld</c>, <c>PlanChanged</c>) or not without approval (<c>PlanBlocked</c>), or a setting is wrong.</exception>
    public async Task<SyncRun> ExecuteAsync(SyncRequest request, ISyncObserver observer, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(observer);
        if (request.Mode == SyncMode.SavePlan && request.Job.Id == 0)
            throw new AlloyScanException(ErrorKind.InvalidArgument, "JobNotSaved", "A plan can be saved for a saved job only.", request.Job.Name, "Save the job first, or rehearse with -WhatIf.");
        if (request.MaxApiCalls is < 1)
            throw new AlloyScanException(ErrorKind.InvalidArgument, "InvalidBudget", $"A budget of {request.MaxApiCalls} API calls allows nothing.", request.MaxApiCalls, "Give 1 or more, or leave it out for no limit.");

        if (request.ErrorsOnly && (request.Full || request.Selection is not null || request.Mode == SyncMode.SavePlan))
            throw new AlloyScanException(ErrorKind.InvalidArgument, "InvalidRequest", "Failed devices are tried again in a run of their own: not with a full read, not with a saved plan, and not as one.", request.Job.Name, "Leave the other out, or run twice.");

        var listener = new SerialObserver(observer);
        using var session = _store.NewStoppableSession(cancellationToken);
        var job = SyncJobs.Check(session, request.Job);
        if (job.Name.Length == 0)
            job = job with { Name = SyncJob.DefaultName };

        // Real runs of saved jobs are told; whoever rehearses or tries out is looking on anyway.
        var told = request.Mode == SyncMode.Apply && job.Id != 0;
        SyncRun run;
        try
        {
            run = await ExecuteAsync(session, job, request, listener, cancellationToken).ConfigureAwait(false);
        }
        catch (AlloyScanException e) when (told && e.Kind is not (ErrorKind.InvalidArgument or ErrorKind.NotFound or ErrorKind.ResourceBusy))
        {
            var now = _store.TimeProvider.GetUtcNow();
            var failed = new SyncRun
            {
                Job = job.Name, Target = job.Target, Site = job.Site, StartedAt = now, EndedAt = now, Status = SyncRunStatus.Failed, ErrorId = e.ErrorId, Message = $"The run could not begin. {e.MessageWithAdvice}",
            };
            await _store.Notifications.TellAsync(failed, job.Id, listener, cancellationToken).ConfigureAwait(false);
            throw;
        }

        if (told)
            await _store.Notifications.TellAsync(run, job.Id, listener, cancellationToken).ConfigureAwait(false);
        return run;
    }

    private async Task<SyncRun> ExecuteAsync(StoreSession session, SyncJob job, SyncRequest request, SerialObserver listener, CancellationToken cancellationToken)
    {
        using var budget = new CallBudget(request.MaxApiCalls);
        Lease? lease = null;
        var ownClient = request.Source is null ? NewClient(job, request, listener, budget, token => ProveHeld(lease, token)) : null;
        try
        {
            var applying = request.Mode == SyncMode.Apply;
            lease = applying ? Lease.Acquire(session, RunContext.BuiltInTarget, job.Name) : null;
            try
            {
                var site = SiteOf(session, job, make: request.Mode != SyncMode.WhatIf);
                var context = new RunContext(session, job with { Site = site.Name }, site.Id, request.Mode, listener, _store.TimeProvider);
                context.Meter = Meter(site.Id, job, budget, hasBatches: applying, cancellationToken);
                if (context.Meter?.Registration?.Warning is { } warning)
                    listener.OnWarning(warning);
                var plans = new PlanStore(session);
                if (request.Selection is { } selection)
                    plans.Check(selection, context, settled: !context.SoftwareGroups.IsFiltering);
                if (applying)
                {
                    plans.DropSpool(context.TargetId);
                    RunRow.Begin(context, request.Kind);
                }

                var run = await NewRunner(context, request, new MeteredSource(request.Source ?? ownClient!, budget), budget, lease).RunAsync(cancellationToken).ConfigureAwait(false);
                if (lease is not null && run.Status is not (SyncRunStatus.Failed or SyncRunStatus.Canceled))
                    Prune(context, lease);
                return run;
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

    /// <summary>Takes away history that is kept no longer. The run is done; whatever happens here leaves it as it is.</summary>
    private static void Prune(RunContext context, Lease lease)
    {
        try
        {
            if (Retention.Prune(context, lease) is > 0 and var pruned)
                context.Observer.OnVerbose($"{pruned} {(pruned == 1 ? "run that was" : "runs that were")} older than the store keeps {(pruned == 1 ? "is" : "are")} gone from the history.");
        }
        catch (Exception e) when (e is AlloyScanException or LeaseLostException or OperationCanceledException or System.Data.Common.DbException)
        {
            var reason = e is System.Data.Common.DbException ofStore ? context.Session.Translate(ofStore) : e;
            context.Observer.OnVerbose($"History that is kept no longer was not taken away; the next run tries again: {reason.Message}");
        }
    }

    /// <summary>Counts what is spent at a site that the store knows, in its registration's month.</summary>
    private RegistrationMeter? Meter(long siteId, SyncJob job, CallBudget budget, bool hasBatches, CancellationToken stop)
    {
        var meter = siteId > 0 ? new RegistrationMeter(_store, siteId, job.ClientId, hasBatches, stop: stop) : null;
        budget.Meter = meter;
        return meter;
    }

    /// <summary>Before a request that writes in the site: between the last look at the lease and now the request may have waited for long.</summary>
    private static void ProveHeld(Lease? lease, CancellationToken cancellationToken)
    {
        if (lease is not null && !lease.RenewBeside(cancellationToken))
            throw new LeaseLostException();
    }

    /// <summary>Makes the runner, which looks at much of the store already; a run that ends before it began has its end written too.</summary>
    private SyncRunner NewRunner(RunContext context, SyncRequest request, MeteredSource source, CallBudget budget, Lease? lease)
    {
        try
        {
            return new SyncRunner(context, request, source, budget, lease);
        }
        catch (Exception e) when (context.RunId != 0)
        {
            var failure = e is System.Data.Common.DbException ofStore ? context.Session.Translate(ofStore) : e;
            var (status, message) = failure is OperationCanceledException
                ? (SyncRunStatus.Canceled, SyncRunner.Stopped)
                : (SyncRunStatus.Failed, failure is AlloyScanException ours ? ours.MessageWithAdvice : failure.Message);
            try
            {
                RunRow.EndOther(context.Session, _store.TimeProvider, context.RunId, status, message);
            }
            catch (Exception again) when (again is AlloyScanException or OperationCanceledException)
            {
                // The store is the trouble: the row stays as running, and the next run says that it died.
            }

            if (ReferenceEquals(failure, e))
                throw;
            throw failure;
        }
    }

    /// <summary>Compares site and CMDB, a row a check.</summary>
    /// <param name="request">The job; only its job, source and transport are used.</param>
    /// <param name="cancellationToken">Stops the comparison.</param>
    public async IAsyncEnumerable<VerificationCheck> VerifyAsync(SyncRequest request, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        using var session = _store.NewStoppableSession(cancellationToken);
        var job = SyncJobs.Check(session, request.Job);
        using var budget = new CallBudget(limit: null);
        var ownClient = request.Source is null ? NewClient(job, request, new SerialObserver(SilentObserver.Instance), budget) : null;
        try
        {
            var site = SiteOf(session, job, make: false);
            Meter(site.Id, job, budget, hasBatches: false, cancellationToken);
            var context = new RunContext(session, job with { Site = site.Name }, site.Id, SyncMode.WhatIf, SilentObserver.Instance, _store.TimeProvider);
            await foreach (var check in new Verifier(context, request.Source ?? ownClient!).RunAsync(cancellationToken).ConfigureAwait(false))
                yield return check with { Job = job.Name };
        }
        finally
        {
            ownClient?.Dispose();
        }
    }

    /// <summary>
    /// Explains how a device is identified: rule by rule, what was compared and what came of it, as the next run does if nothing else moves.
    /// What the store keeps of the device is enough; the site is asked, in a call or two, for a device that it does not know. Writes nothing.
    /// </summary>
    /// <param name="request">The job; only its job, source and transport are used.</param>
    /// <param name="device">ID of the device, or its name if the store knows one device of that name.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="AlloyScanException">There is no such device (<c>DeviceNotFound</c>), several have that name (<c>DeviceAmbiguous</c>), or the site cannot be read.</exception>
    public async Task<IReadOnlyList<IdentificationStep>> ExplainAsync(SyncRequest request, string device, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentException.ThrowIfNullOrWhiteSpace(device);
        SiteClient? ownClient = null;
        using var budget = _store.AppRegistrations.Budget(request.Job.SiteUrl, request.Job.ClientId);
        try
        {
            using var explainer = new Explainer(_store, request.Job);
            return await explainer.ExplainAsync(device.Trim(), () => request.Source ?? (ownClient = NewClient(request.Job, request, new SerialObserver(SilentObserver.Instance), budget)), cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            ownClient?.Dispose();
        }
    }

    /// <summary>
    /// Lists what other identification rules would do differently from those of the store, over all linked devices and open conflicts of a job's
    /// site: merges, splits and moves of links, and links and creations for devices without one. Works from what the store keeps, without the
    /// site, and writes nothing.
    /// </summary>
    /// <param name="job">The job.</param>
    /// <param name="rules">The rules. A class of which none is given, not even a system rule, keeps those of the store.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="AlloyScanException">A rule is refused, as when it is saved.</exception>
    public IEnumerable<IdentificationDifference> RehearseRules(SyncJob job, IReadOnlyList<IdentificationRule> rules, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(job);
        ArgumentNullException.ThrowIfNull(rules);
        var given = rules.Select(r => r.Class).Distinct().ToList();
        var stored = _store.IdentificationRules.List().Where(r => !given.Contains(r.Class));
        var all = IdentificationPolicy.CheckAll(rules.Concat(stored));
        return Rehearse(job, all, cancellationToken);
    }

    private IEnumerable<IdentificationDifference> Rehearse(SyncJob job, IReadOnlyList<IdentificationRule> rules, CancellationToken cancellationToken)
    {
        using var rehearsal = new Rehearsal(_store, job, rules);
        foreach (var difference in rehearsal.Run(cancellationToken))
            yield return difference;
    }

    private SiteClient NewClient(SyncJob job, SyncRequest request, ISyncObserver observer, CallBudget budget, Action<CancellationToken>? beforeWrite = null) => new(new SiteConnectionOptions
    {
        SiteUrl = job.SiteUrl,
        ClientId = job.ClientId,
        ClientSecret = job.ResolveSecret(),
        Profile = job.ApiProfile is null ? ApiProfile.Default : ApiProfile.Parse(job.ApiProfile),
        ThrottleLimit = job.ThrottleLimit,
        TimeProvider = _store.TimeProvider,
        Transport = request.Transport,
        Budget = budget,
        BeforeWrite = beforeWrite,
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
        catch (Exception e) when (e is AlloyScanException or OperationCanceledException)
        {
            // The store is out of reach; the lease expires, or is taken over once this process has ended.
        }
    }

    /// <summary>Lets one call through at a time, since the site client speaks from several threads, and nothing that a person should not see.</summary>
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
                inner.OnWarning(AlloyScanException.Said(message));
        }

        public void OnVerbose(string message)
        {
            lock (_gate)
                inner.OnVerbose(AlloyScanException.Said(message));
        }
    }
}
