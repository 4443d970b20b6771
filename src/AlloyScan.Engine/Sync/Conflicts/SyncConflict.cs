using AlloyScan.Engine.Inventory;

namespace AlloyScan.Engine.Sync.Conflicts;

/// <summary>What sort of question a conflict asks.</summary>
public enum ConflictKind
{
    /// <summary>The device has no CI, and no rule could say for certain which it is.</summary>
    Unlinked,

    /// <summary>The device is linked, by a rule on a value that turned out to identify nothing.</summary>
    RestsOnJunk,
}

/// <summary>Where a conflict stands.</summary>
public enum ConflictState
{
    /// <summary>Nobody has decided.</summary>
    Open,

    /// <summary>The device was linked to a CI.</summary>
    Linked,

    /// <summary>A CI was created for the device.</summary>
    Created,

    /// <summary>The device is left alone.</summary>
    Ignored,

    /// <summary>The device left the site before anybody decided. It is open again when the device returns.</summary>
    Gone,
}

/// <summary>A device about which a person has to decide.</summary>
public sealed record SyncConflict
{
    /// <summary>Number of the conflict.</summary>
    public long Id { get; init; }

    /// <summary>Name of the job that found it.</summary>
    public string Job { get; init; } = string.Empty;

    /// <summary>Name of the target.</summary>
    public string Target { get; init; } = string.Empty;

    /// <summary>Name of the site.</summary>
    public string Site { get; init; } = string.Empty;

    /// <summary>ID of the device in the site.</summary>
    public string DeviceId { get; init; } = string.Empty;

    /// <summary>Name of the device.</summary>
    public string DeviceName { get; init; } = string.Empty;

    /// <summary>Class that a CI of the device has.</summary>
    public RecordClass Class { get; init; }

    /// <summary>What sort of question it asks.</summary>
    public ConflictKind Kind { get; init; }

    /// <summary>Why nothing was decided.</summary>
    public string Reason { get; init; } = string.Empty;

    /// <summary>IDs of the CIs that come into question.</summary>
    public IReadOnlyList<string> Candidates { get; init; } = [];

    /// <summary>Where it stands.</summary>
    public ConflictState State { get; init; }

    /// <summary>When it was found first, UTC.</summary>
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it changed last, UTC.</summary>
    public DateTimeOffset UpdatedAt { get; init; }

    /// <summary>When it was decided, UTC; <see langword="null"/> while it is open.</summary>
    public DateTimeOffset? ResolvedAt { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"Conflict {Id}: {DeviceName}: {Reason}";
}

/// <summary>Which conflicts are asked for. What is not given does not limit.</summary>
public sealed record ConflictFilter
{
    /// <summary>Number of one conflict.</summary>
    public long? Id { get; init; }

    /// <summary>Name of a job.</summary>
    public string? Job { get; init; }

    /// <summary>Name of a site, or a pattern.</summary>
    public string? Site { get; init; }

    /// <summary>Device: its ID, or a pattern of its name.</summary>
    public string? Device { get; init; }

    /// <summary>Class.</summary>
    public RecordClass? Class { get; init; }

    /// <summary>Kind.</summary>
    public ConflictKind? Kind { get; init; }

    /// <summary>State; <see langword="null"/> for all.</summary>
    public ConflictState? State { get; init; }
}
