using System.Diagnostics.CodeAnalysis;
using AlloyScan.Engine.Inventory;

namespace AlloyScan.Engine.Sync.Identify;

/// <summary>What rules compare. The numbers are those of the identifiers in the store.</summary>
[SuppressMessage("Naming", "CA1711", Justification = "An attribute of devices and CIs is what it names.")]
public enum IdentificationAttribute
{
    /// <summary>Name, without domain and case.</summary>
    Name = 1,

    /// <summary>Serial number, without case and surplus space.</summary>
    SerialNumber = 2,

    /// <summary>MAC address of any adapter. One that is virtual, shared, multicast or locally administered never matches alone.</summary>
    MacAddress = 3,

    /// <summary>SMBIOS UUID, in either byte order.</summary>
    BiosUuid = 4,

    /// <summary>Asset tag, without case and surplus space.</summary>
    AssetTag = 5,

    /// <summary>ID of the last audit.</summary>
    AuditId = 7,
}

/// <summary>How a condition compares the device's value with the CI's. Junk counts as blank.</summary>
public enum ComparisonOperator
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
public enum RuleAction
{
    /// <summary>The CI takes the device's data.</summary>
    Overwrite,

    /// <summary>The device goes to the conflict list.</summary>
    Conflict,

    /// <summary>A new CI is made. Only the system rule at the end does this.</summary>
    Create,
}

/// <summary>A rule that recognises an unlinked device as an existing CI. It fits when all its conditions hold.</summary>
public sealed record IdentificationRule
{
    /// <summary>Name of the system rule that comes first: the device's link.</summary>
    public const string EqualId = "Equal ID";

    /// <summary>Name of the system rule that comes last: create.</summary>
    public const string Default = "Default";

    /// <summary>Number in the store; 0 for a new rule and for system rules.</summary>
    public long Id { get; init; }

    /// <summary>Class of the CIs that it recognises.</summary>
    public RecordClass Class { get; init; }

    /// <summary>Place in the order in which the rules of a class are tried, from 1. The system rules stand at 0 and at the end.</summary>
    public int Position { get; init; }

    /// <summary>Name, unique in its class.</summary>
    public string Name { get; init; } = string.Empty;

    /// <summary>Conditions, joined by AND.</summary>
    public IReadOnlyList<RuleCondition> Conditions { get; init; } = [];

    /// <summary>What it does with the CI that it finds.</summary>
    public RuleAction Action { get; init; }

    /// <summary>Whether it is one of the two that cannot be changed, moved or removed.</summary>
    public bool IsSystem { get; init; }

    /// <summary>The conditions in words.</summary>
    internal string Words => string.Join(" and ", Conditions);

    /// <inheritdoc/>
    public override string ToString() => $"{Class}: {Name}";
}
