using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Sync.Guard;

namespace AlloyScan.Engine.Sync;

/// <summary>What a run does, or would do, to one CI.</summary>
public enum ChangeAction
{
    /// <summary>A CI is created and linked.</summary>
    Create,

    /// <summary>Fields or installations of a CI change.</summary>
    Update,

    /// <summary>An unlinked device is linked to an existing CI whose fields are right already.</summary>
    Link,

    /// <summary>The device goes to the conflict list.</summary>
    Conflict,

    /// <summary>The link is marked missing.</summary>
    MarkMissing,

    /// <summary>The device is back; its link is live again.</summary>
    Return,

    /// <summary>The CI is gone from the CMDB; its link is closed.</summary>
    CloseLink,

    /// <summary>The CI is retired, because its device has been absent long enough.</summary>
    Retire,

    /// <summary>The device of a CI that was retired for absence is back; the CI has its former status again and is brought up to date.</summary>
    Revive,

    /// <summary>The device is deleted in AlloyScan.</summary>
    DeleteInAlloyScan,
}

/// <summary>One field of one CI, before and after.</summary>
/// <param name="Field">Field name as in the store's views, for example <c>serial_number</c>.</param>
/// <param name="OldValue">Value before; <see langword="null"/> when empty.</param>
/// <param name="NewValue">Value after; <see langword="null"/> when empty.</param>
public sealed record FieldChange(string Field, string? OldValue, string? NewValue)
{
    /// <inheritdoc/>
    public override string ToString() => OldValue is null ? $"{Field} = {NewValue}" : $"{Field}: {OldValue} -> {NewValue ?? "(empty)"}";
}

/// <summary>One row of a plan: what happens to one CI.</summary>
public sealed record SyncChange
{
    /// <summary>Number of the saved plan; <see langword="null"/> for a rehearsal or a real run.</summary>
    public long? PlanId { get; init; }

    /// <summary>Row number within the plan, from 1.</summary>
    public int Row { get; init; }

    /// <summary>Name of the job.</summary>
    public string Job { get; init; } = string.Empty;

    /// <summary>Name of the target.</summary>
    public string Target { get; init; } = string.Empty;

    /// <summary>What happens.</summary>
    public ChangeAction Action { get; init; }

    /// <summary>Class of the CI.</summary>
    public RecordClass Class { get; init; }

    /// <summary>ID of the CI, for example <c>C000001</c>; <see langword="null"/> when it is yet to be created.</summary>
    public string? RecordId { get; init; }

    /// <summary>ID of the device in the site.</summary>
    public string DeviceId { get; init; } = string.Empty;

    /// <summary>Name of the device.</summary>
    public string DeviceName { get; init; } = string.Empty;

    /// <summary>Fields that change.</summary>
    public IReadOnlyList<FieldChange> Fields { get; init; } = [];

    /// <summary>Installations added.</summary>
    public int SoftwareAdded { get; init; }

    /// <summary>Installations removed.</summary>
    public int SoftwareRemoved { get; init; }

    /// <summary>Why: the identification rule, or the reason of a conflict.</summary>
    public string? Reason { get; init; }

    /// <summary>What the guard takes it for; <see cref="GuardKinds.None"/> for what it does not look at. One value on many CIs shows only when all are planned.</summary>
    public GuardKinds Kind { get; init; }

    /// <summary>OS platform of the device.</summary>
    public string? Platform { get; init; }

    /// <summary>Class and platform: the slice of the site in which the guard counts it.</summary>
    public string Slice => new GuardSlice(Class, Platform).ToString();

    /// <summary>Whether it is planned, and written only when the guard has judged it.</summary>
    internal bool IsSpooled { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"{Action} {Class} {RecordId ?? DeviceName}";
}

/// <summary>A row of the journal: one field of one CI as one run changed it.</summary>
public sealed record JournalEntry
{
    /// <summary>Number of the run.</summary>
    public long RunId { get; init; }

    /// <summary>Name of the target.</summary>
    public string Target { get; init; } = string.Empty;

    /// <summary>Class of the CI.</summary>
    public RecordClass Class { get; init; }

    /// <summary>ID of the CI.</summary>
    public string RecordId { get; init; } = string.Empty;

    /// <summary>What was done: <c>Create</c>, <c>Update</c>, <c>InstallationAdded</c>, <c>InstallationRemoved</c>, <c>Link</c>, ...</summary>
    public string Action { get; init; } = string.Empty;

    /// <summary>Field, for an update; <c>software</c> for installations; <c>link</c> for link states.</summary>
    public string? Field { get; init; }

    /// <summary>Value before.</summary>
    public string? OldValue { get; init; }

    /// <summary>Value after.</summary>
    public string? NewValue { get; init; }
}

/// <summary>One device that failed in a run.</summary>
public sealed record SyncError
{
    /// <summary>Number of the run; 0 in a rehearsal.</summary>
    public long RunId { get; init; }

    /// <summary>Device ID, if known.</summary>
    public string? DeviceId { get; init; }

    /// <summary>Device name, if known.</summary>
    public string? DeviceName { get; init; }

    /// <summary>Stage that failed: Read, Identify, Map, Plan, Apply.</summary>
    public string Stage { get; init; } = string.Empty;

    /// <summary>Stable identifier of the kind of error.</summary>
    public string ErrorId { get; init; } = string.Empty;

    /// <summary>What was wrong, naming the field or quoting the site.</summary>
    public string Message { get; init; } = string.Empty;

    /// <summary>Whether the device is parked: runs leave it alone until its row in the site's list changes. Of a device's rows only the newest says so.</summary>
    public bool Parked { get; init; }

    /// <summary>How many runs this device has failed in a row.</summary>
    public int Attempts { get; init; } = 1;

    /// <inheritdoc/>
    public override string ToString() => $"{DeviceName ?? DeviceId}: {Message}";
}
