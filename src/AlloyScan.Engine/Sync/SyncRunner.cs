using System.Data.Common;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Site;
using AlloyScan.Engine.Sync.Guard;

namespace AlloyScan.Engine.Sync;

/// <summary>
/// One execution of one job: reads the list, then works on what moved, in an order that does not depend on the order
/// of the list. The caller owns session, source and lease.
/// </summary>
internal sealed class SyncRunner
{
    /// <summary>What a run says that a person stopped.</summary>
    public const string Stopped = "Stopped on request. What was committed stays; the next run goes on from there.";

    private readonly RunContext _context;
    private readonly SyncRequest _request;
    private readonly RunScope _scope;
    private readonly Forecaster _forecaster;
    private readonly DateTimeOffset _startedAt;

    public SyncRunner(RunContext context, SyncRequest request, MeteredSource source, CallBudget budget, Lease? lease)
    {
        _context = context;
        _request = request;
        _startedAt = context.TimeProvider.GetUtcNow();
        _scope = new RunScope(context, request, source, budget, lease);
        _forecaster = new Forecaster(_scope);
    }

    public async Task<SyncRun> RunAsync(CancellationToken cancellationToken)
    {
        AlloyScanException? failure = null;
        SyncRunStatus status;
        try
        {
            if (_request.ErrorsOnly && _scope.Failing.Count(_request.ErrorsOfRun) == 0)
            {
                _scope.Say("No device of the site is failing, so there was nothing to try again.");
                status = SyncRunStatus.Succeeded;
            }
            else if (!await new CatalogStage(_scope).ReadAsync(cancellationToken).ConfigureAwait(false))
            {
                SayBudgetSpent();
                status = SyncRunStatus.PartiallySucceeded;
            }
            else if (_request.Selection is { } selection)
            {
                await new PlanApplication(_scope, new RetiredDevices(_scope)).ApplyAsync(selection, cancellationToken).ConfigureAwait(false);
                // Nobody asked for more than these rows, so nothing is said of the site as a whole.
                _scope.Complete = false;
                status = _scope.Blocked ? SyncRunStatus.Blocked : _context.Counts.Errors > 0 ? SyncRunStatus.PartiallySucceeded : SyncRunStatus.Succeeded;
            }
            else if (_request.ErrorsOnly)
            {
                await ReplayAsync(new ReplayStage(_scope), cancellationToken).ConfigureAwait(false);
                status = _scope.Blocked ? SyncRunStatus.Blocked
                    : _scope.WasCut || _context.Counts.Errors > 0 ? SyncRunStatus.PartiallySucceeded
                    : SyncRunStatus.Succeeded;
            }
            else
            {
                await RunWholeAsync(cancellationToken).ConfigureAwait(false);
                status = _scope.Blocked ? SyncRunStatus.Blocked
                    : !_scope.Complete || _scope.WasCut || _context.Counts.Errors > 0 ? SyncRunStatus.PartiallySucceeded
                    : SyncRunStatus.Succeeded;
            }
        }
        catch (Exception e) when (cancellationToken.IsCancellationRequested && (e is DbException store ? _context.Session.Translate(store) : e) is OperationCanceledException)
        {
            status = SyncRunStatus.Canceled;
            _scope.Say(Stopped);
        }
        catch (LeaseLostException e)
        {
            status = SyncRunStatus.Canceled;
            _scope.Say(e.Message);
        }
        catch (BudgetSpentException)
        {
            _scope.EndForBudget();
            SayBudgetSpent();
            (status, failure) = Commit(cancellationToken);
        }
        catch (AlloyScanException e)
        {
            status = SyncRunStatus.Failed;
            failure = e;
            _scope.Say(e.MessageWithAdvice);
        }
        catch (DbException e) when (_context.Session.Translate(e) is AlloyScanException ours)
        {
            status = SyncRunStatus.Failed;
            failure = ours;
            _scope.Say(ours.MessageWithAdvice);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // Nothing of ours says what this is; the run has to end in words all the same.
            status = SyncRunStatus.Failed;
            failure = new AlloyScanException(ErrorKind.Unspecified, "UnexpectedFailure", $"The run failed in a way that was not foreseen: {e.Message}", _context.Job.Name, "What was committed stays, and the next run goes on from there.", e);
            _scope.Say(failure.MessageWithAdvice);
        }

        return End(status, failure);
    }

    /// <summary>Does what was gathered when the budget ended the run: those devices are whole.</summary>
    private (SyncRunStatus Status, AlloyScanException? Failure) Commit(CancellationToken cancellationToken)
    {
        try
        {
            _scope.Batch.Flush();
            if (_scope.Guard.Phase == GuardPhase.Planning)
            {
                var guard = new GuardStage(_scope);
                guard.Judge();
                guard.Settle(isWhole: false);
                if (_context.Applying)
                    guard.Apply(cancellationToken);
            }

            return (_scope.Blocked ? SyncRunStatus.Blocked : SyncRunStatus.PartiallySucceeded, null);
        }
        catch (Exception e) when (e is LeaseLostException || (e is OperationCanceledException && cancellationToken.IsCancellationRequested))
        {
            _scope.Say(e is LeaseLostException ? e.Message : Stopped);
            return (SyncRunStatus.Canceled, null);
        }
        catch (AlloyScanException e)
        {
            _scope.Say(e.MessageWithAdvice);
            return (SyncRunStatus.Failed, e);
        }
    }

    private SyncRun End(SyncRunStatus status, AlloyScanException? failure)
    {
        if (_context.Counts.Errors > 0)
            _scope.Say($"{_context.Counts.Errors} {(_context.Counts.Errors == 1 ? "device" : "devices")} failed; see the run's errors.");
        if (_context.Counts.Parked > 0)
            _scope.Say($"{_context.Counts.Parked} {(_context.Counts.Parked == 1 ? "device is" : "devices are")} parked after {_context.Job.ParkAfter} or more failed runs in a row, and left alone until the site says something new of {(_context.Counts.Parked == 1 ? "it" : "them")}: Get-AlloyScanSyncError -Parked shows which, Invoke-AlloyScanSync -ErrorsOnly tries again.");
        foreach (var sentence in _context.UnfitValues())
            _context.Observer.OnWarning(sentence);
        if (status is SyncRunStatus.Failed or SyncRunStatus.Canceled)
        {
            try
            {
                // Error rows that no batch has written yet; nothing else is pending that may be written now.
                _scope.Batch.Abandon();
                _scope.Batch.Flush();
                if (_context.Applying)
                    _scope.Write(() => _scope.Plans.DropSpool(_context.TargetId, _context.RunId));
            }
            catch (Exception e) when (e is AlloyScanException or LeaseLostException or OperationCanceledException)
            {
                // The first failure is the one to tell.
            }
        }

        if (_scope.Writer.Unsettled.Warning is { } warning)
            _context.Observer.OnWarning(warning);
        var usage = _scope.Usage;
        ref var c = ref _context.Counts;
        var run = new SyncRun
        {
            Id = _context.RunId,
            Kind = _request.Kind,
            Job = _context.Job.Name,
            Target = _context.Job.Target,
            Site = _context.Job.Site,
            StartedAt = _startedAt,
            EndedAt = Later(_startedAt, _context.TimeProvider.GetUtcNow()),
            Status = status,
            Message = _scope.Message,
            ErrorId = failure?.ErrorId,
            Failure = failure,
            PlanId = _scope.PlanId,
            StoppedByBudget = _scope.WasCut,
            Forecast = _context.Applying ? _forecaster.Forecast : status == SyncRunStatus.Failed ? null : _forecaster.Counted(),
            Complete = _scope.Complete,
            DevicesRead = c.DevicesRead,
            Created = c.Created,
            Updated = c.Updated,
            Unchanged = c.Unchanged,
            Conflicts = c.Conflicts,
            Missing = c.Missing,
            Retired = c.Retired,
            DeletedInAlloyScan = c.DeletedInAlloyScan,
            InstallationsAdded = c.InstallationsAdded,
            InstallationsRemoved = c.InstallationsRemoved,
            ProductsAdded = c.ProductsAdded,
            ProductsRemoved = c.ProductsRemoved,
            NamelessSoftware = c.NamelessSoftware,
            Unsettled = c.Unsettled,
            Skipped = c.Skipped,
            Parked = c.Parked,
            Held = c.Held,
            Errors = c.Errors,
            ApiCalls = usage.Calls,
            BytesReceived = usage.BytesReceived,
            StageSeconds = _scope.StageSeconds,
        };

        if (_context.Applying)
        {
            try
            {
                WriteEnd(run);
            }
            catch (Exception e) when (e is OperationCanceledException or LeaseLostException || (e is AlloyScanException && status is SyncRunStatus.Failed or SyncRunStatus.Canceled))
            {
                // The store is the trouble: the row stays as running, and the next run says that it died.
            }
            catch (AlloyScanException e)
            {
                run = run with { Status = SyncRunStatus.Failed, ErrorId = e.ErrorId, Failure = e, Message = $"{run.Message} All was done, but the end of the run could not be written: {e.MessageWithAdvice}".TrimStart() };
            }
        }

        _scope.Progress("Done", _scope.Done, _scope.Done, force: true);
        return run;
    }

    private void WriteEnd(SyncRun run)
    {
        try
        {
            if (!_context.Session.IsLost)
            {
                RunRow.End(_context, run, _scope.ReachedEnd);
                return;
            }
        }
        catch (AlloyScanException) when (_context.Session.IsLost)
        {
            // Lost over it: written again, which changes nothing if it was written.
        }

        RunRow.EndElsewhere(_context, run, _scope.ReachedEnd, _scope.Lease);
    }

    /// <summary>A clock that was set back in between ends no run before it began.</summary>
    private static DateTimeOffset Later(DateTimeOffset one, DateTimeOffset other) => one > other ? one : other;

    private async Task RunWholeAsync(CancellationToken cancellationToken)
    {
        var queue = new DeviceQueue(_scope);
        var linked = new LinkedDevices(_scope, queue);
        var unlinked = new UnlinkedDevices(_scope, queue);
        var retired = new RetiredDevices(_scope);
        if (_context.Applying)
            _scope.Write(_scope.Identification.Junk.Begin);

        var listed = await new ListStage(_scope).ReadAsync(cancellationToken).ConfigureAwait(false);
        _context.Counts.DevicesRead = _scope.Staging.Distinct;
        if (!listed)
            return;

        // Every device that this run works on has come by the list.
        _context.MayHaveFormerLinks = _scope.Staging.AnyFormerLink;
        _scope.Guard.CountLinks();
        var health = SourceHealth.Judge(_context, _scope.Staging.Distinct, _scope.Staging.SeenLinks, _scope.Guard.LiveLinks);
        if (health.StopReason is { } stop)
        {
            _scope.Blocked = true;
            _scope.Say(stop);
            return;
        }

        if (health.NoRemovalReason is { } reason)
        {
            _scope.Blocked = true;
            _scope.Say(reason);
        }

        if (_context.Applying)
            await retired.SettleIntentsAsync(cancellationToken).ConfigureAwait(false);

        var removalsAllowed = _context.RemovalsAllowed = _scope.Complete && health.NoRemovalReason is null;
        if (removalsAllowed && !SyncJobs.HasProfilePassed(_context.Session, _context.SiteId, _context.Job.ApiProfile))
        {
            removalsAllowed = false;
            _context.Observer.OnWarning(
                $"The API profile of the job '{_context.Job.Name}' has not been tested with this site, so nothing is marked missing, retired or deleted. Test-AlloyScanApiProfile '{_context.Job.Name}' tests it.");
        }

        _scope.Guard.Phase = GuardPhase.Planning;
        _scope.Staging.SettleStale();
        _scope.Staging.SettleOrder();
        _forecaster.Foresee(removalsAllowed);
        var upToDate = await linked.ProcessAsync(_forecaster.LinkedShare, cancellationToken).ConfigureAwait(false);
        upToDate &= await linked.ProcessDeletedAsync(cancellationToken).ConfigureAwait(false);
        var absent = new AbsentDevices(_scope, _forecaster);
        if (removalsAllowed)
            await absent.MarkMissingAsync(cancellationToken).ConfigureAwait(false);
        // What is decided together rests on the CIs of linked devices, which have to be up to date for it.
        var allDecided = await unlinked.ProcessAsync(cancellationToken).ConfigureAwait(false) && upToDate
            && await unlinked.DecideWaitingAsync(cancellationToken).ConfigureAwait(false);
        if (allDecided)
            await linked.ProcessStaleAsync(cancellationToken).ConfigureAwait(false);
        var guard = Settle(absent, retired, removalsAllowed, allDecided);
        if (_context.Applying)
            guard.Apply(cancellationToken);
        if (removalsAllowed && allDecided && !guard.Held.HasFlag(GuardKinds.Retirement))
            await absent.RetireAsync(cancellationToken).ConfigureAwait(false);
        if (removalsAllowed && !guard.Held.HasFlag(GuardKinds.Deletion))
            await retired.ProcessAsync(cancellationToken).ConfigureAwait(false);
        _scope.ReachedEnd = HasSeenSite();
        _scope.Batch.Flush();
        if (removalsAllowed)
        {
            absent.CountRun();
            // They counted as carriers in this run's decisions, as in those of a run that was stopped before it decided.
            if (allDecided && !_scope.WasCut)
                absent.CloseConflicts();
        }

        if (_scope.Complete && allDecided && !_scope.WasCut)
            _scope.Failing.Settle(_scope.Staging, _scope.Write);

        if (_context.Counts.NamelessSoftware > 0)
            _context.Observer.OnVerbose($"{_context.Counts.NamelessSoftware} rows of software have no name and were left out.");
        if (_scope.WasCut)
            SayBudgetSpent();
    }

    /// <summary>Works on devices that failed before, by the same rules as a whole run, as far as they allow it without the list.</summary>
    private async Task ReplayAsync(ReplayStage replay, CancellationToken cancellationToken)
    {
        var queue = new DeviceQueue(_scope);
        var linked = new LinkedDevices(_scope, queue);
        var unlinked = new UnlinkedDevices(_scope, queue);
        // A replay tells of a part of the site only: the next run counts all.
        if (_context.Applying)
            _scope.Write(_scope.Identification.Junk.Begin);
        await replay.ReadAsync(cancellationToken).ConfigureAwait(false);
        _scope.Guard.CountLinks();
        _scope.Guard.Phase = GuardPhase.Planning;
        _scope.Staging.SettleStale();
        _scope.Staging.SettleOrder();
        await linked.ProcessAsync(long.MaxValue, cancellationToken).ConfigureAwait(false);
        await linked.ProcessDeletedAsync(cancellationToken).ConfigureAwait(false);
        await unlinked.ProcessAsync(cancellationToken).ConfigureAwait(false);
        await linked.ProcessStaleAsync(cancellationToken).ConfigureAwait(false);
        var guard = new GuardStage(_scope);
        guard.Judge();
        guard.Settle(isWhole: false);
        if (_context.Applying)
            guard.Apply(cancellationToken);
        replay.Conclude();
        if (_scope.WasCut)
            SayBudgetSpent();
    }

    /// <summary>
    /// Whether what was read is the site, so that what comes later is no first load: a list with devices, complete or as long as the last one,
    /// of which no more devices failed than the guard lets through at once.
    /// </summary>
    private bool HasSeenSite()
    {
        var devices = _context.Counts.DevicesRead;
        if (devices == 0 || GuardLimit.DefaultOf(GuardKinds.Creation).IsExceeded(_context.Counts.Errors, devices))
            return false;

        // A site that never says where its list ends would be a first load for ever.
        return _scope.Complete || _context.Session.Prepare("""
            SELECT 1 FROM runs WHERE job = @p0 AND site_id = @p1 AND kind = 'Sync' AND status IN ('PartiallySucceeded', 'Blocked') AND devices_read * 10 >= @p2 * 9 AND id <> @p3 LIMIT 1
            """).Set(0, _context.Job.Name).Set(1, _context.SiteId).Set(2, devices).Set(3, _context.RunId).Number() is not null;
    }

    /// <summary>Has the guard judge all that is planned, with what is due to be retired and deleted, and keeps what it holds back.</summary>
    private GuardStage Settle(AbsentDevices absent, RetiredDevices retired, bool removalsAllowed, bool allDecided)
    {
        if (removalsAllowed)
        {
            _scope.Batch.Flush();
            if (allDecided)
                absent.CountDue();
            retired.CountDue();
        }

        var guard = new GuardStage(_scope);
        guard.Judge();
        if (removalsAllowed && allDecided && guard.Held.HasFlag(GuardKinds.Retirement))
            absent.Hold();
        if (removalsAllowed && guard.Held.HasFlag(GuardKinds.Deletion))
            retired.Hold();
        guard.Settle(isWhole: !_scope.WasCut);
        return guard;
    }

    private void SayBudgetSpent() => _scope.Say(_scope.Budget.Refusal().MessageWithAdvice);
}
