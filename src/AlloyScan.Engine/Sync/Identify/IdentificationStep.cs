using AlloyScan.Engine.Inventory;

namespace AlloyScan.Engine.Sync.Identify;

/// <summary>What one step of an identification came to.</summary>
public enum StepResult
{
    /// <summary>The device has a link and stays with its CI.</summary>
    Linked,

    /// <summary>The device is linked to the CI.</summary>
    Link,

    /// <summary>A CI is made for the device.</summary>
    Create,

    /// <summary>The device goes to the list of conflicts.</summary>
    Conflict,

    /// <summary>Nothing is done with the device.</summary>
    LeftAlone,

    /// <summary>The rule does not fit, or not this CI.</summary>
    PassedOver,

    /// <summary>A step before has decided.</summary>
    NotTried,
}

/// <summary>One condition of a rule, with what stands on both sides after normalising.</summary>
/// <param name="Condition">The condition.</param>
/// <param name="DeviceValues">The device's values that count; none when it is blank there.</param>
/// <param name="RecordValues">The CI's values that count; none when it is blank there.</param>
/// <param name="Held">Whether it holds.</param>
public sealed record ComparedCondition(RuleCondition Condition, IReadOnlyList<string> DeviceValues, IReadOnlyList<string> RecordValues, bool Held)
{
    /// <summary>Condition, both sides and verdict in one line.</summary>
    public override string ToString() => $"{Condition}: device {Words(DeviceValues)}, CI {Words(RecordValues)}: {(Held ? "holds" : "does not hold")}";

    internal static string Words(IReadOnlyList<string> values) =>
        values.Count == 0 ? "(blank)" : string.Join(", ", values.Take(4)) + (values.Count > 4 ? $" and {values.Count - 4} more" : string.Empty);
}

/// <summary>One step of the identification of a device: a rule, and where it looked at CIs, one of them.</summary>
public sealed record IdentificationStep
{
    /// <summary>Name of the job.</summary>
    public string Job { get; init; } = string.Empty;

    /// <summary>ID of the device.</summary>
    public string DeviceId { get; init; } = string.Empty;

    /// <summary>Name of the device.</summary>
    public string DeviceName { get; init; } = string.Empty;

    /// <summary>Class of the device.</summary>
    public RecordClass Class { get; init; }

    /// <summary>Place of the rule in the order.</summary>
    public int Position { get; init; }

    /// <summary>Name of the rule.</summary>
    public string Rule { get; init; } = string.Empty;

    /// <summary>The CI that was compared; <see langword="null"/> when the rule found none to compare.</summary>
    public string? RecordId { get; init; }

    /// <summary>What it came to.</summary>
    public StepResult Result { get; init; }

    /// <summary>Whether this is what the next run does. For a device with a link only <c>Equal ID</c> decides; the other steps show what the rules alone would say.</summary>
    public bool Decides { get; init; }

    /// <summary>Why.</summary>
    public string Reason { get; init; } = string.Empty;

    /// <summary>The conditions as compared with the CI; none where no CI was compared.</summary>
    public IReadOnlyList<ComparedCondition> Conditions { get; init; } = [];

    /// <inheritdoc/>
    public override string ToString() => $"{Rule}: {Result}: {Reason}";
}

/// <summary>What other rules would do.</summary>
public enum DifferenceKind
{
    /// <summary>The device's CI and that of another device would come together.</summary>
    Merge,

    /// <summary>The rule that linked device and CI would not do so any more.</summary>
    Split,

    /// <summary>The device would be recognised as another CI.</summary>
    Move,

    /// <summary>A device without a link would be linked to a CI.</summary>
    Link,

    /// <summary>A CI would be made for a device without a link.</summary>
    Create,

    /// <summary>A device without a link would become or stay a conflict, about other CIs.</summary>
    Conflict,
}

/// <summary>One thing that other identification rules would do differently.</summary>
public sealed record IdentificationDifference
{
    /// <summary>Name of the job.</summary>
    public string Job { get; init; } = string.Empty;

    /// <summary>What would happen.</summary>
    public DifferenceKind Kind { get; init; }

    /// <summary>ID of the device.</summary>
    public string DeviceId { get; init; } = string.Empty;

    /// <summary>Name of the device.</summary>
    public string DeviceName { get; init; } = string.Empty;

    /// <summary>Class of the device.</summary>
    public RecordClass Class { get; init; }

    /// <summary>CI that it is linked to; <see langword="null"/> when it has none.</summary>
    public string? RecordId { get; init; }

    /// <summary>The other CI; <see langword="null"/> when there is none.</summary>
    public string? OtherRecordId { get; init; }

    /// <summary>The rule that does it, or no longer does.</summary>
    public string? Rule { get; init; }

    /// <summary>Why.</summary>
    public string Reason { get; init; } = string.Empty;

    /// <inheritdoc/>
    public override string ToString() => $"{Kind}: {DeviceName}: {Reason}";
}
