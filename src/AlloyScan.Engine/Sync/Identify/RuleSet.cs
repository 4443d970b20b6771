using AlloyScan.Engine.Inventory;

namespace AlloyScan.Engine.Sync.Identify;

/// <summary>The rules that one run tries, with what they need to be looked up.</summary>
internal sealed class RuleSet
{
    private readonly IReadOnlyList<IdentificationRule> _computers;
    private readonly IReadOnlyList<IdentificationRule> _hardware;

    /// <param name="rules">Rules in order; system rules are left out.</param>
    public RuleSet(IEnumerable<IdentificationRule> rules)
    {
        var own = rules.Where(r => !r.IsSystem).ToList();
        _computers = [.. own.Where(r => r.Class == RecordClass.Computer)];
        _hardware = [.. own.Where(r => r.Class == RecordClass.Hardware)];
        UsesAuditId = own.Exists(r => r.Conditions.Any(c => c.Attribute == IdentificationAttribute.AuditId));
    }

    /// <summary>Whether a rule compares audit IDs, which stand on links and not among the identifiers of CIs.</summary>
    public bool UsesAuditId { get; }

    public IReadOnlyList<IdentificationRule> Of(RecordClass recordClass) => recordClass == RecordClass.Computer ? _computers : _hardware;

    /// <summary>Whether a rule would still fit if device and CI shared only these identifiers.</summary>
    /// <param name="recordClass">Class of the CI.</param>
    /// <param name="madeBy">The rule that made the link; where it compares what was not shared, both sides were blank or different, as it asks.</param>
    /// <param name="shared">What is shared.</param>
    public bool AnyFits(RecordClass recordClass, string? madeBy, IReadOnlyCollection<Identifier> shared) =>
        Of(recordClass).Any(r => Fits(r, string.Equals(r.Name, madeBy, StringComparison.OrdinalIgnoreCase), shared));

    private static bool Fits(IdentificationRule rule, bool madeIt, IReadOnlyCollection<Identifier> shared)
    {
        var identifies = false;
        foreach (var condition in rule.Conditions)
        {
            if (!condition.IsPositive)
                continue;

            var kind = (IdentifierKind)condition.Attribute;
            if (shared.Any(s => s.Kind == kind))
                identifies = true;
            else if (!(kind == IdentifierKind.MacAddress && shared.Any(s => s.Kind == IdentifierKind.WeakMacAddress)) && !(madeIt && condition.Operator == ComparisonOperator.Equals))
                return false;
        }

        // A weak address supports, and two blanks agree, but neither identifies alone.
        return identifies;
    }
}
