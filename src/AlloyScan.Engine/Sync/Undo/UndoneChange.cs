using AlloyScan.Engine.Inventory;

namespace AlloyScan.Engine.Sync.Undo;

/// <summary>What became of one change that was to be taken back.</summary>
public enum UndoOutcome
{
    /// <summary>It is as it was before.</summary>
    Restored,

    /// <summary>The CI that was created is removed.</summary>
    Removed,

    /// <summary>It was left as it is, for the reason given.</summary>
    LeftAlone,
}

/// <summary>One field, set of installations, link or CI that was taken back, would be in a rehearsal, or was left alone.</summary>
public sealed record UndoneChange
{
    /// <summary>Number of the run whose change it is.</summary>
    public long RunId { get; init; }

    /// <summary>Name of the target.</summary>
    public string Target { get; init; } = string.Empty;

    /// <summary>Class of the CI.</summary>
    public RecordClass Class { get; init; }

    /// <summary>ID of the CI.</summary>
    public string RecordId { get; init; } = string.Empty;

    /// <summary>Name of the CI, or its ID when it is gone.</summary>
    public string RecordName { get; init; } = string.Empty;

    /// <summary>Field; <c>software</c> for the set of installations, <c>link</c> for the link; <see langword="null"/> for the CI as a whole.</summary>
    public string? Field { get; init; }

    /// <summary>What became of it.</summary>
    public UndoOutcome Outcome { get; init; }

    /// <summary>Value until now.</summary>
    public string? OldValue { get; init; }

    /// <summary>Value that it has again.</summary>
    public string? NewValue { get; init; }

    /// <summary>Why it was left alone.</summary>
    public string? Reason { get; init; }

    /// <inheritdoc/>
    public override string ToString() => Field is null ? $"{RecordId}: {Outcome}" : $"{RecordId} {Field}: {Outcome}";
}
