using AlloyScan.Engine.Credentials;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Jobs.Schedules;
using AlloyScan.Engine.Site;
using AlloyScan.Engine.Sync.Guard;

namespace AlloyScan.Engine.Jobs;

/// <summary>What happens in AlloyScan to the device of a CI that somebody retired.</summary>
public enum RetiredOriginal
{
    /// <summary>The device stays in AlloyScan.</summary>
    Keep,

    /// <summary>The device is deleted in AlloyScan at the next run. Guarded, and cannot be undone.</summary>
    Delete,
}

/// <summary>What happens to the CI of a device that is gone from the site.</summary>
public enum MissingDevice
{
    /// <summary>Its link is marked missing; the CI stays as it is.</summary>
    Keep,

    /// <summary>The CI is retired after the device was absent from enough complete runs for enough days, and revived when the device returns.</summary>
    Retire,
}

/// <summary>What happens when a linked CI is gone from the CMDB.</summary>
public enum DeletedRecord
{
    /// <summary>The device goes to the conflict list; nothing is created until a person says so.</summary>
    Ask,

    /// <summary>The CI is created anew.</summary>
    Recreate,
}

/// <summary>One configured synchronisation of a site into a CMDB.</summary>
public sealed record SyncJob
{
    /// <summary>First part of the default name.</summary>
    public const string DefaultName = "AlloyScan Synchronization";

    /// <summary>Number in the store; 0 for a job that is not saved.</summary>
    public long Id { get; init; }

    /// <summary>Name, unique without case. Empty when a new job is to get the default name.</summary>
    public string Name { get; init; } = string.Empty;

    /// <summary>Whether the job runs on its schedule. A disabled job still runs by force.</summary>
    public bool Enabled { get; init; } = true;

    /// <summary>The site's address.</summary>
    public required Uri SiteUrl { get; init; }

    /// <summary>Name of the site record that the job's links belong to; set by the store.</summary>
    public string Site { get; init; } = string.Empty;

    /// <summary>Client ID of the app registration.</summary>
    public required string ClientId { get; init; }

    /// <summary>Where the client secret is. Never the secret itself in readable form.</summary>
    public required SecretReference ClientSecret { get; init; }

    /// <summary>Name of the app registration of the store that client ID and secret come from; <see langword="null"/> when the job has a secret of its own.</summary>
    public string? AppRegistration { get; init; }

    /// <summary>Service action for new computers.</summary>
    public int NewComputerAction { get; init; } = 2943;

    /// <summary>Service action for existing computers.</summary>
    public int ExistingComputerAction { get; init; } = 2944;

    /// <summary>Service action for new hardware.</summary>
    public int NewHardwareAction { get; init; } = 2945;

    /// <summary>Service action for existing hardware.</summary>
    public int ExistingHardwareAction { get; init; } = 2946;

    /// <summary>Platforms whose software is imported.</summary>
    public SoftwarePlatforms ImportSoftware { get; init; } = SoftwarePlatforms.All;

    /// <summary>What happens to the device of a CI that somebody retired.</summary>
    public RetiredOriginal RetiredOriginal { get; init; }

    /// <summary>What happens to the CI of a device that is gone from the site.</summary>
    public MissingDevice MissingDevice { get; init; }

    /// <summary>Complete runs that a device must have been absent from before its CI is retired.</summary>
    public int RetireAfterRuns { get; init; } = 3;

    /// <summary>Days that a device must have been missing before its CI is retired.</summary>
    public int RetireAfterDays { get; init; } = 7;

    /// <summary>What happens when a linked CI is gone from the CMDB.</summary>
    public DeletedRecord DeletedRecord { get; init; }

    /// <summary>Days behind the newest <c>lastSeen</c> of the site after which a device is stale: its CI may go to a new device on a serial-number or UUID match.</summary>
    public int StaleAfterDays { get; init; } = 30;

    /// <summary>Most devices of the site that may carry an identifier; one that more carry is junk.</summary>
    public int MostCarriers { get; init; } = 3;

    /// <summary>Runs in a row that a device may fail before it is parked: left alone until its row in the list changes. 0 never parks any.</summary>
    public int ParkAfter { get; init; } = 5;

    /// <summary>Names of further sites whose CIs the identification rules see, next to those of the job's own site and those of none.</summary>
    public IReadOnlyList<string> IdentificationSites { get; init; } = [];

    /// <summary>Class of devices by their type in AlloyScan, without case, where it is to differ from the built-in classes.</summary>
    public IReadOnlyDictionary<string, RecordClass> TypeMap { get; init; } = new Dictionary<string, RecordClass>();

    /// <summary>
    /// Limits of the guard by kind of change. A kind that is not here has the default limit; two zeros let nothing of a kind through without approval.
    /// They do not shape a change, only whether it waits, so no fingerprint holds them: a plan stays right when they are changed.
    /// </summary>
    public IReadOnlyDictionary<GuardKinds, GuardLimit> GuardLimits { get; init; } = new Dictionary<GuardKinds, GuardLimit>();

    /// <summary>Further fields, as in the store's views, whose updates are suspicious to the guard.</summary>
    public IReadOnlyList<string> GuardedFields { get; init; } = [];

    /// <summary>The limits that hold, kind by kind, in words.</summary>
    public IReadOnlyList<string> Guard => GuardLimit.Kinds
        .Select(kind => !GuardLimits.TryGetValue(kind, out var limit) ? $"{kind}: more than {GuardLimit.DefaultOf(kind)} (default)"
            : limit.IsZero ? $"{kind}: 0, nothing without approval"
            : $"{kind}: more than {limit}")
        .ToList();

    /// <summary>Most requests at once.</summary>
    public int ThrottleLimit { get; init; } = SiteConnectionOptions.DefaultThrottleLimit;

    /// <summary>Overrides of the API profile as JSON; <see langword="null"/> for the documented API.</summary>
    public string? ApiProfile { get; init; }

    /// <summary>Where the job writes.</summary>
    public string Target { get; init; } = "Built-in";

    /// <summary>When the Automation Server runs the job, if it is enabled; <see langword="null"/> for a job that runs by force only.</summary>
    public Schedule? Schedule { get; init; }

    /// <summary>Why the stored schedule cannot be used; <see langword="null"/> when there is nothing wrong with it.</summary>
    public string? ScheduleProblem { get; init; }

    /// <summary>The next time the schedule occurs, UTC, as seen when the job was read; <see langword="null"/> for a disabled job, and when there is none any more.</summary>
    public DateTimeOffset? NextRunAt { get; init; }

    /// <summary>A stored schedule that cannot be used, kept as it is until somebody sets another.</summary>
    internal string? UnusableSchedule { get; init; }

    /// <summary>When the job was made, UTC.</summary>
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>When the job was last changed, UTC.</summary>
    public DateTimeOffset UpdatedAt { get; init; }

    /// <summary>Status of the newest run; <see langword="null"/> before the first.</summary>
    public string? LastRunStatus { get; init; }

    /// <summary>Start of the newest run, UTC; <see langword="null"/> before the first.</summary>
    public DateTimeOffset? LastRunAt { get; init; }

    /// <summary>The job with another schedule, or with none.</summary>
    /// <param name="schedule">The schedule.</param>
    public SyncJob WithSchedule(Schedule? schedule) => this with { Schedule = schedule, ScheduleProblem = null, UnusableSchedule = null };

    /// <summary>Why the Automation Server cannot run the job on its schedule, as far as that is known before; <see langword="null"/> when nothing is in the way.</summary>
    public string? UnattendedProblem => Schedule is null || !Enabled || ClientSecret.Kind != SecretKind.Vault ? null
        : $"The job '{Name}' has a schedule, and its client secret is the {ClientSecret}, which PowerShell alone can open: the Automation Server (alloyscan) cannot run it. Keep the secret in a file or an environment variable with "
            + $"{(AppRegistration is null ? "Set-AlloyScanSyncJob" : $"Set-AlloyScanAppRegistration '{AppRegistration}'")}, or run the job with Invoke-AlloyScanSync from a scheduled script.";

    /// <summary>Fetches the client secret.</summary>
    /// <exception cref="AlloyScanException">This account cannot have it here (<c>SecretNotFound</c>, <c>SecretProtectionFailed</c>, <c>VaultNeedsPowerShell</c>); the message says which secret, and whose it is.</exception>
    public Secret ResolveSecret() => ClientSecret.Resolve(SecretFailure);

    /// <summary>The failure to have the client secret, told as one of this job.</summary>
    /// <param name="cause">What was wrong with the secret.</param>
    public AlloyScanException SecretFailure(AlloyScanException cause)
    {
        ArgumentNullException.ThrowIfNull(cause);
        return AppRegistration is null
            ? SecretReference.Failure(cause, $"the job '{Name}'", ClientId, Name, "Set-AlloyScanSyncJob")
            : SecretReference.Failure(cause, $"the app registration '{AppRegistration}', which the job '{Name}' uses,", ClientId, Name, "Set-AlloyScanAppRegistration");
    }

    /// <inheritdoc/>
    public override string ToString() => Name;
}
