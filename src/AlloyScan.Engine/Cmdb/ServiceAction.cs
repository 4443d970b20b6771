using System.Globalization;
using AlloyScan.Engine.Inventory;

namespace AlloyScan.Engine.Cmdb;

/// <summary>Whether a service action makes CIs or changes them.</summary>
public enum ServiceActionKind
{
    /// <summary>For devices that have no CI yet.</summary>
    Create,

    /// <summary>For devices that have one.</summary>
    Update,
}

/// <summary>What is done to a new or existing CI: initial values and field mapping.</summary>
public sealed record ServiceAction
{
    /// <summary>Number. The defaults have 2943 to 2946, own ones 10001 and up; 0 for one that is not saved.</summary>
    public int Id { get; init; }

    /// <summary>Name, unique without case.</summary>
    public string Name { get; init; } = string.Empty;

    /// <summary>Class of the CIs.</summary>
    public RecordClass Class { get; init; }

    /// <summary>Whether it makes CIs or changes them.</summary>
    public ServiceActionKind Kind { get; init; }

    /// <summary>Whether it is one of the four that each store has.</summary>
    public bool IsDefault { get; init; }

    /// <summary>Whether it is a default that differs from how it was delivered.</summary>
    public bool IsEdited { get; init; }

    /// <summary>Values of a new CI by field, which a mapping with a value overrides. None in an update action.</summary>
    public IReadOnlyDictionary<string, string> InitialValues { get; init; } = new Dictionary<string, string>();

    /// <summary>The field mapping. Its order does not matter.</summary>
    public IReadOnlyList<FieldMapping> Mappings { get; init; } = [];

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"#{Id} {Name}");
}
