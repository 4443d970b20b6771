using AlloyScan.Engine.Inventory;

namespace AlloyScan.Engine.Sync.Identify;

/// <summary>How a condition compares the device's value with the CI's.</summary>
internal enum ComparisonOperator
{
    /// <summary>Equal; two blanks are equal.</summary>
    Equals,

    /// <summary>Not equal.</summary>
    DoesNotEqual,

    /// <summary>Equal and not blank.</summary>
    Matches,

    /// <summary>Different, or one of them blank.</summary>
    DoesNotMatch,
}

/// <summary>What a rule that fits does.</summary>
internal enum RuleAction
{
    /// <summary>The CI takes the device's data.</summary>
    Overwrite,

    /// <summary>The device goes to the conflict list.</summary>
    Conflict,
}

/// <summary>One condition of a rule.</summary>
internal sealed record RuleCondition(IdentifierKind Attribute, ComparisonOperator Operator);

/// <summary>A rule: all its conditions must hold.</summary>
internal sealed record IdentificationRule(int Order, RecordClass Class, string Name, IReadOnlyList<RuleCondition> Conditions, RuleAction Action)
{
    /// <summary>Whether a serial number or BIOS UUID has to match, which is enough to move a CI to another device.</summary>
    public bool IsStrong => Conditions.Any(c => c is { Operator: ComparisonOperator.Matches, Attribute: IdentifierKind.SerialNumber or IdentifierKind.BiosUuid });
}

/// <summary>The rules that recognise an unlinked device as an existing CI, tried in order. The link comes before them, creation after them.</summary>
internal static class IdentificationPolicy
{
    /// <summary>The shipped rules.</summary>
    public static readonly IReadOnlyList<IdentificationRule> Default =
    [
        Rule(1, RecordClass.Computer, "Name and serial number match", IdentifierKind.Name, IdentifierKind.SerialNumber),
        Rule(2, RecordClass.Computer, "Serial number matches", IdentifierKind.SerialNumber),
        Rule(3, RecordClass.Computer, "MAC address and name match", IdentifierKind.MacAddress, IdentifierKind.Name),
        Rule(4, RecordClass.Computer, "BIOS UUID matches", IdentifierKind.BiosUuid),
        Rule(1, RecordClass.Hardware, "Serial number matches", IdentifierKind.SerialNumber),
        Rule(2, RecordClass.Hardware, "MAC address matches", IdentifierKind.MacAddress),
    ];

    private static IdentificationRule Rule(int order, RecordClass recordClass, string name, params IdentifierKind[] attributes) =>
        new(order, recordClass, name, [.. attributes.Select(a => new RuleCondition(a, ComparisonOperator.Matches))], RuleAction.Overwrite);
}
