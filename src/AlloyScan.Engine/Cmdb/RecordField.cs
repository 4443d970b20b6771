using AlloyScan.Engine.Inventory;

namespace AlloyScan.Engine.Cmdb;

/// <summary>A field that the configuration items of a class have.</summary>
public sealed record RecordField
{
    /// <summary>Class of the CIs.</summary>
    public RecordClass Class { get; init; }

    /// <summary>Name, as mappings and views write it.</summary>
    public string Name { get; init; } = string.Empty;

    /// <summary>What it holds.</summary>
    public FieldType Type { get; init; }

    /// <summary>Whether an administrator defined it.</summary>
    public bool IsCustom { get; init; }

    /// <inheritdoc/>
    public override string ToString() => Name;
}
