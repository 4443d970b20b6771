namespace AlloyScan.Engine.Sync;

/// <summary>How a run ended.</summary>
public enum SyncRunStatus
{
    /// <summary>Not ended yet, or its process died and no later run has looked at it.</summary>
    Running,

    /// <summary>All was done.</summary>
    Succeeded,

    /// <summary>Some devices failed or the list could not be read completely; the rest was done.</summary>
    PartiallySucceeded,

    /// <summary>A guard held changes back.</summary>
    Blocked,

    /// <summary>The run could not go on.</summary>
    Failed,

    /// <summary>Stopped by a person or by the loss of its lease; what was done stays.</summary>
    Canceled,
}

/// <summary>What sort of work a run did.</summary>
public enum SyncRunKind
{
    /// <summary>An execution of a job.</summary>
    Sync,

    /// <summary>Another run was taken back.</summary>
    Undo,

    /// <summary>A person decided a conflict.</summary>
    Resolve,

    /// <summary>A person undid a wrong merge.</summary>
    Split,

    /// <summary>Devices that had failed were read again, and no others.</summary>
    Replay,

    /// <summary>A person approved what a guard had held back.</summary>
    Approve,
}

/// <summary>The record of one execution of a job, or of a decision that changed the CMDB in its name. Counts are of configuration items unless they say otherwise.</summary>
public sealed record SyncRun
{
    /// <summary>Number of the run in its store; 0 for a rehearsal.</summary>
    public long Id { get; init; }

    /// <summary>What sort of work it did.</summary>
    public SyncRunKind Kind { get; init; }

    /// <summary>Number of the run that this one took back; <see langword="null"/> when it is no undo.</summary>
    public long? Undoes { get; init; }

    /// <summary>Number of the run that took this one back; <see langword="null"/> when none did.</summary>
    public long? UndoneBy { get; init; }

    /// <summary>Name of the job.</summary>
    public string Job { get; init; } = string.Empty;

    /// <summary>Name of the target.</summary>
    public string Target { get; init; } = string.Empty;

    /// <summary>Name of the site.</summary>
    public string Site { get; init; } = string.Empty;

    /// <summary>Start, UTC.</summary>
    public DateTimeOffset StartedAt { get; init; }

    /// <summary>End, UTC; <see langword="null"/> while running.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>How it ended.</summary>
    public SyncRunStatus Status { get; init; }

    /// <summary>Why it ended so, in words; <see langword="null"/> when there is nothing to say.</summary>
    public string? Message { get; init; }

    /// <summary>Stable identifier of the failure that ended the run; <see langword="null"/> for a run that did not fail, and for runs read back from the store.</summary>
    public string? ErrorId { get; init; }

    /// <summary>The failure that ended the run, with its kind and advice; only on the object that the execution returns.</summary>
    public AlloyScanException? Failure { get; init; }

    /// <summary>Whether an undo disabled the job for its schedule; only on the object that the undo returns.</summary>
    public bool DisabledJob { get; init; }

    /// <summary>Number of the plan that was saved, keeps what was held back, or was approved; <see langword="null"/> when there is none.</summary>
    public long? PlanId { get; init; }

    /// <summary>The calls that were foreseen when the list was staged, or, for a rehearsal, the calls of a real run; only on the object that the execution returns.</summary>
    public CallForecast? Forecast { get; init; }

    /// <summary>Whether a budget left something to the next run; only on the object that the execution returns.</summary>
    public bool StoppedByBudget { get; init; }

    /// <summary>Whether the device list was read completely.</summary>
    public bool Complete { get; init; }

    /// <summary>Distinct devices read from the list.</summary>
    public int DevicesRead { get; init; }

    /// <summary>CIs created.</summary>
    public int Created { get; init; }

    /// <summary>CIs of which a field changed.</summary>
    public int Updated { get; init; }

    /// <summary>Linked CIs that were right already. A CI whose software alone changed counts here.</summary>
    public int Unchanged { get; init; }

    /// <summary>Devices put on the conflict list by this run.</summary>
    public int Conflicts { get; init; }

    /// <summary>Links newly marked missing.</summary>
    public int Missing { get; init; }

    /// <summary>CIs retired for absence.</summary>
    public int Retired { get; init; }

    /// <summary>Devices deleted in AlloyScan because their CI was retired.</summary>
    public int DeletedInAlloyScan { get; init; }

    /// <summary>Installations added.</summary>
    public int InstallationsAdded { get; init; }

    /// <summary>Installations removed.</summary>
    public int InstallationsRemoved { get; init; }

    /// <summary>Software products that appeared in the catalog.</summary>
    public int ProductsAdded { get; init; }

    /// <summary>Software products that left the catalog with their last installation.</summary>
    public int ProductsRemoved { get; init; }

    /// <summary>Rows of software without a name, which were left out.</summary>
    public int NamelessSoftware { get; init; }

    /// <summary>Fields that do not hold what was written to them, or that go back and forth from run to run.</summary>
    public int Unsettled { get; init; }

    /// <summary>Devices that failed too many runs in a row and have not changed since, and so were left alone.</summary>
    public int Parked { get; init; }

    /// <summary>Devices skipped on purpose: cloud resources other than instances, retired CIs, rows of a plan that moved.</summary>
    public int Skipped { get; init; }

    /// <summary>Changes that the guard held back; they wait for approval in the plan of the run.</summary>
    public int Held { get; init; }

    /// <summary>Devices that failed; see the run's error rows.</summary>
    public int Errors { get; init; }

    /// <summary>HTTP requests sent to the site, token requests and retries included.</summary>
    public long ApiCalls { get; init; }

    /// <summary>Bytes of response bodies read.</summary>
    public long BytesReceived { get; init; }

    /// <summary>Seconds spent in each stage, by the stage's name. Stages overlap, so the sum can exceed the whole.</summary>
    public IReadOnlyDictionary<string, double> StageSeconds { get; init; } = new Dictionary<string, double>();

    /// <summary>Time from start to end; <see langword="null"/> while running.</summary>
    public TimeSpan? Duration => EndedAt - StartedAt;

    /// <summary>Exit code of <c>alloyscan</c> for this run: 0 done, 2 partial, 3 blocked, 4 failed, 5 canceled.</summary>
    public int ExitCode => Status switch
    {
        SyncRunStatus.Succeeded => 0,
        SyncRunStatus.PartiallySucceeded => 2,
        SyncRunStatus.Blocked => 3,
        SyncRunStatus.Canceled => 5,
        _ => 4,
    };

    /// <inheritdoc/>
    public override string ToString() => $"Run {Id} of '{Job}': {Status}";
}
