namespace AlloyScan.Engine.Cmdb;

/// <summary>What a field of a CI holds.</summary>
public enum FieldType
{
    /// <summary>Any text.</summary>
    Text,

    /// <summary>A number; with decimals only in custom fields.</summary>
    Number,

    /// <summary>A date, or a moment in UTC.</summary>
    Date,

    /// <summary>True or false.</summary>
    Boolean,
}
