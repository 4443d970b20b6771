using AlloyScan.Engine.Inventory;

namespace AlloyScan.Engine.Sync.Identify;

/// <summary>How a decision came about. <see cref="Identification.Decide"/> fills it while it decides, so that what is explained is what a run does.</summary>
internal sealed class DecisionTrace
{
    /// <summary>What the device carries, in the form in which it is compared, and what of it counts as blank.</summary>
    public List<TracedIdentifier> Identifiers { get; } = [];

    /// <summary>The rules in the order in which they were tried. Those after the one that fitted were not.</summary>
    public List<TracedRule> Rules { get; } = [];

    /// <summary>What came out.</summary>
    public Decision? Decision { get; set; }
}

/// <summary>One identifier of the device.</summary>
/// <param name="Identifier">Kind and value.</param>
/// <param name="Junk">Why it counts as blank; <see langword="null"/> when it counts.</param>
internal sealed record TracedIdentifier(Identifier Identifier, string? Junk);

/// <summary>A rule that was tried.</summary>
internal sealed class TracedRule(IdentificationRule rule)
{
    public IdentificationRule Rule { get; } = rule;

    /// <summary>Whether it decided.</summary>
    public bool Fitted { get; set; }

    /// <summary>Why it was passed over, or what came of it.</summary>
    public string Outcome { get; set; } = string.Empty;

    /// <summary>The CIs that it looked at.</summary>
    public List<TracedCandidate> Candidates { get; } = [];
}

/// <summary>A CI that a rule looked at.</summary>
/// <param name="Record">Key of the CI; below zero for one that a rehearsal would create.</param>
/// <param name="RecordId">Its ID, or the device that it would be created for.</param>
internal sealed record TracedCandidate(long Record, string RecordId)
{
    /// <summary>Whether all conditions hold and nothing keeps device and CI apart.</summary>
    public bool Fits { get; set; }

    /// <summary>Why it was passed over.</summary>
    public string? PassedOver { get; set; }

    /// <summary>Each condition with both sides.</summary>
    public List<TracedCondition> Conditions { get; } = [];
}

/// <summary>One condition on one CI.</summary>
/// <param name="Condition">The condition.</param>
/// <param name="DeviceValues">The device's good values; empty when blank.</param>
/// <param name="RecordValues">The CI's good values; empty when blank.</param>
/// <param name="Held">Whether it holds.</param>
internal sealed record TracedCondition(RuleCondition Condition, IReadOnlyList<string> DeviceValues, IReadOnlyList<string> RecordValues, bool Held);
