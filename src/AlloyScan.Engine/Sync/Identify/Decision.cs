using AlloyScan.Engine.Inventory;

namespace AlloyScan.Engine.Sync.Identify;

/// <summary>What identification says of an unlinked device.</summary>
internal enum DecisionKind
{
    Create,
    Link,
    Conflict,
}

/// <summary>The decision on one unlinked device.</summary>
/// <param name="Kind">What to do.</param>
/// <param name="Reason">The rule that fitted, or why it is a conflict.</param>
/// <param name="Record">The CI to link.</param>
/// <param name="Candidates">All CIs that came into question, for a conflict.</param>
/// <param name="CloseLink">Link of a device that gives its CI up.</param>
internal sealed record Decision(DecisionKind Kind, string Reason, long Record = 0, IReadOnlyList<long>? Candidates = null, long CloseLink = 0)
{
    public static readonly Decision Create = new(DecisionKind.Create, "No rule matched");

    /// <summary>Name of the rule that makes the link; <see langword="null"/> when no rule or a person does.</summary>
    public string? Rule { get; init; }

    /// <summary>The identifiers that device and CI share, on which the link rests.</summary>
    public IReadOnlyList<Identifier> Grounds { get; init; } = [];
}
