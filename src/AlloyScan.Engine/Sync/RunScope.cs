using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Site;
using AlloyScan.Engine.Store;
using AlloyScan.Engine.Sync.Apply;
using AlloyScan.Engine.Sync.Guard;
using AlloyScan.Engine.Sync.Identify;
using AlloyScan.Engine.Sync.Map;
using AlloyScan.Engine.Sync.Plan;

namespace AlloyScan.Engine.Sync;

/// <summary>What the stages of one run work with and report to. One flow uses it at a time.</summary>
internal sealed class RunScope
{
    /// <summary>Failures of the connection in a row after which the site counts as gone.</summary>
    private const int MostFailuresInARow = 10;

    /// <summary>Devices that are remembered at most; what goes beyond is asked for twice.</summary>
    private const int MostRemembered = 5000;

    private readonly SiteUsage _usageBefore;
    private readonly Dictionary<string, double> _stageSeconds = [];
    private readonly List<string> _messages = [];
    private readonly Dictionary<string, Device> _readBefore = new(StringComparer.Ordinal);
    private int _listedReads;
    private int _denied;
    private int _failuresInARow;
    private bool _leftForNextRun;
    private long _lastProgress;
    private double _secondsWithin;

    public RunScope(RunContext context, SyncRequest request, MeteredSource source, CallBudget budget, Lease? lease)
    {
        Context = context;
        Request = request;
        Source = source;
        Budget = budget;
        Lease = lease;
        _usageBefore = source.Usage;
        Staging = new Staging(context, request.Full);
        Failing = new FailingDevices(context, byHand: request.Full || request.ErrorsOnly);
        Identification = new Identification(context);
        Guard = new MassGuard(context);
        Writer = new ChangeWriter(context, Identification, Guard);
        Plans = new PlanStore(Session);
        if (context.Mode == SyncMode.SavePlan && request.Selection is null)
            PlanId = Plans.Begin(context);
        Batch = new Batch(context, Writer, lease, Plans, PlanId, Failing, Staging);
    }

    public RunContext Context { get; }

    public StoreSession Session => Context.Session;

    public SyncRequest Request { get; }

    public MeteredSource Source { get; }

    /// <summary>What the run may spend on calls.</summary>
    public CallBudget Budget { get; }

    public Lease? Lease { get; }

    public Staging Staging { get; }

    public FailingDevices Failing { get; }

    public Identification Identification { get; }

    public MassGuard Guard { get; }

    public ChangeWriter Writer { get; }

    public PlanStore Plans { get; }

    public Batch Batch { get; }

    /// <summary>Number of the plan that is being saved, or that keeps what was held back.</summary>
    public long? PlanId { get; set; }

    /// <summary>Devices that are read ahead at most: more than the governor lets through at once, so that it has work while a batch is written.</summary>
    public int Window => Math.Max(4, Context.Job.ThrottleLimit * 4);

    /// <summary>Whether the device list was read completely.</summary>
    public bool Complete { get; set; }

    /// <summary>Whether all that was asked for was looked at, so that this is no first load any more.</summary>
    public bool ReachedEnd { get; set; }

    /// <summary>Whether something was held back.</summary>
    public bool Blocked { get; set; }

    /// <summary>Whether the budget of calls ended something early.</summary>
    public bool BudgetSpent { get; private set; }

    /// <summary>Whether the budget left something to the next run.</summary>
    public bool WasCut => BudgetSpent || _leftForNextRun;

    /// <summary>Devices done in the present stage.</summary>
    public int Done { get; set; }

    public IReadOnlyDictionary<string, double> StageSeconds => _stageSeconds;

    /// <summary>What has been said of the run, as one text.</summary>
    public string? Message => _messages.Count == 0 ? null : string.Join(" ", _messages);

    /// <summary>What the run has cost so far.</summary>
    public SiteUsage Usage => Source.Usage - _usageBefore;

    /// <summary>Adds a sentence to the run's message.</summary>
    public void Say(string sentence) => _messages.Add(AlloyScanException.Said(sentence));

    /// <summary>A call got its answer: the connection is there.</summary>
    public void CallSucceeded() => _failuresInARow = 0;

    /// <summary>
    /// Whether the site denied so many devices that it lists that its 404 says nothing. One or two may have gone since they were listed.
    /// </summary>
    public bool DeniesListed => Volatile.Read(ref _denied) is > 1 and var denied && denied * 10L > Volatile.Read(ref _listedReads);

    /// <summary>Keeps a device that was asked for in place of its row in the list, so that it is not asked for again.</summary>
    public void Remember(Device device)
    {
        lock (_readBefore)
        {
            if (_readBefore.Count < MostRemembered)
                _readBefore[device.Id] = device;
        }
    }

    /// <summary>Reads a device that the list names.</summary>
    /// <returns>The device; <see langword="null"/> when the site knows it no longer.</returns>
    /// <exception cref="AlloyScanException">It cannot be read.</exception>
    public async Task<Device?> ReadListedAsync(string deviceId, CancellationToken cancellationToken)
    {
        lock (_readBefore)
        {
            if (_readBefore.Remove(deviceId, out var known))
                return known;
        }

        var device = await Source.ReadDeviceAsync(deviceId, cancellationToken).ConfigureAwait(false);
        Interlocked.Increment(ref _listedReads);
        if (device is null)
            Interlocked.Increment(ref _denied);
        return device;
    }

    /// <summary>Whether the site answers for a device that it lists; only then its 404 for another one is believed.</summary>
    /// <param name="listed">The listed device; <see langword="null"/> when there is none.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    public async Task<bool> AnswersForAsync(string? listed, CancellationToken cancellationToken)
    {
        try
        {
            return listed is not null && !DeniesListed && await Source.ReadDeviceAsync(listed, cancellationToken).ConfigureAwait(false) is not null;
        }
        catch (AlloyScanException e) when (!IsFatal(e))
        {
            return false;
        }
    }

    /// <summary>Reads a snapshot that a device names.</summary>
    /// <exception cref="AlloyScanException">It is not there (<c>SnapshotNotFound</c>) or cannot be read.</exception>
    public async Task<AuditSnapshot> ReadSnapshotAsync(string auditId, CancellationToken cancellationToken) =>
        await Source.ReadSnapshotAsync(auditId, cancellationToken).ConfigureAwait(false)
        ?? throw new AlloyScanException(ErrorKind.NotFound, "SnapshotNotFound", $"The site has no audit snapshot {auditId}, although the device names it.", auditId);

    /// <summary>Writes to the store outside a batch, in a transaction that the lease allows.</summary>
    public void Write(Action work) => Session.InTransactionDo(() =>
    {
        if (Lease is not null && !Lease.Renew())
            throw new LeaseLostException();
        work();
    });

    /// <summary>Does what was decided on an unlinked device.</summary>
    public void AddDecision(DeviceFacts facts, Decision decision)
    {
        var version = decision.Record > 0 ? Session.Prepare("SELECT version FROM records WHERE id = @p0").Set(0, decision.Record).Number() : null;
        Batch.Add(
            facts.DeviceId, facts.DisplayName,
            () => Apply(facts, decision),
            facts, decision.Record > 0 ? decision.Record : null, version);
    }

    /// <summary>Plans what was decided on an unlinked device and, in a real run, writes it. Call inside a batch.</summary>
    public SyncChange? Apply(DeviceFacts facts, Decision decision) => decision.Kind switch
    {
        DecisionKind.Create => Writer.Create(facts, decision.Reason),
        DecisionKind.Link => Writer.Link(facts, decision),
        _ => Writer.Conflict(facts, decision.Reason, decision.Candidates ?? [], isDecision: true),
    };

    /// <summary>Whether a failed call means that going on is useless, and not only that one device cannot be read.</summary>
    public bool IsFatal(Exception exception)
    {
        // Whatever went wrong with the device's own data is the device's.
        if (exception is not AlloyScanException e)
            return DeviceFailure.IsOfRun(exception);
        if (DeviceFailure.IsOfRun(e))
            return true;
        if (e.Kind is ErrorKind.Authentication or ErrorKind.LimitsExceeded)
            return true;
        return e.Kind is not (ErrorKind.InvalidData or ErrorKind.NotFound) && ++_failuresInARow > MostFailuresInARow;
    }

    /// <summary>Whether the budget lacks the calls that would come next.</summary>
    /// <param name="next">Those calls, with the ones that are under way.</param>
    public bool IsBudgetSpent(long next)
    {
        if (IsOverBudget(next))
            BudgetSpent = true;
        return BudgetSpent;
    }

    /// <summary>As <see cref="IsBudgetSpent"/>, without ending anything: calls under way may turn out to be counted already.</summary>
    /// <param name="next">The calls.</param>
    public bool IsOverBudget(long next) => Budget.Left is { } left && next > left;

    /// <summary>A request was stopped by the budget: what it was for is left to the next run.</summary>
    public void EndForBudget() => BudgetSpent = true;

    /// <summary>Devices were left to the next run so that others get their turn in this one.</summary>
    public void LeaveForNextRun() => _leftForNextRun = true;

    /// <summary>A forecast with what there is to spend.</summary>
    public CallForecast WithBudgets(CallForecast forecast) => forecast with
    {
        RunBudget = Budget.Limit,
        MonthlyBudget = Context.Meter?.Registration?.MonthlyBudget,
        MonthLeft = Budget.MonthLeft,
        RechargesAt = Context.Meter?.RechargesAt,
    };

    /// <summary>Adds the time since <paramref name="since"/> to a stage and starts anew.</summary>
    public void Spend(string stage, ref long since)
    {
        var now = Context.TimeProvider.GetTimestamp();
        AddSeconds(stage, Context.TimeProvider.GetElapsedTime(since, now).TotalSeconds - _secondsWithin);
        _secondsWithin = 0;
        since = now;
    }

    /// <summary>Adds the time since <paramref name="since"/> to a stage whose work is done in the middle of another one's, and takes it from that.</summary>
    public void SpendWithin(string stage, long since)
    {
        var seconds = Context.TimeProvider.GetElapsedTime(since).TotalSeconds;
        AddSeconds(stage, seconds);
        _secondsWithin += seconds;
    }

    private void AddSeconds(string stage, double seconds) => _stageSeconds[stage] = _stageSeconds.GetValueOrDefault(stage) + seconds;

    public void Progress(string stage, int done, int? total, bool force = false)
    {
        if (!force && Context.TimeProvider.GetElapsedTime(_lastProgress) < TimeSpan.FromMilliseconds(250))
            return;

        _lastProgress = Context.TimeProvider.GetTimestamp();
        Context.Observer.OnProgress(new SyncProgress(stage, done, total));
    }
}
