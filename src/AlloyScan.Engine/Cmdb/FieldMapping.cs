namespace AlloyScan.Engine.Cmdb;

/// <summary>When a mapping replaces what a CI's field holds.</summary>
public enum ReplacementMode
{
    /// <summary>Always; an empty source value only if the mapping allows empty.</summary>
    Always,

    /// <summary>Only while the target is empty.</summary>
    WhenTargetEmpty,

    /// <summary>Whenever the source has a value.</summary>
    WhenSourceHasValue,

    /// <summary>Whenever the source has a value and the target still holds what we last wrote.</summary>
    UnlessEdited,
}

/// <summary>One line of a field mapping. Exactly one of attribute, constant and template gives the value.</summary>
public sealed record FieldMapping
{
    /// <summary>The target field, by its name in the views.</summary>
    public string Field { get; init; } = string.Empty;

    /// <summary>A source attribute of the device, for example <c>serialNumber</c>, or <c>custom.NAME</c> for a custom audit field.</summary>
    public string? Attribute { get; init; }

    /// <summary>A fixed value.</summary>
    public string? Constant { get; init; }

    /// <summary>
    /// Text with attributes in braces, for example <c>{name}.{dnsDomain}</c>; <c>{ci.NAME}</c> is another target field as the mapping
    /// leaves it. Braces that are meant as such are doubled. A template one of whose attributes is absent has no value.
    /// </summary>
    public string? Template { get; init; }

    /// <summary>When it replaces; <see langword="null"/> for the default of the field.</summary>
    public ReplacementMode? Mode { get; init; }

    /// <summary>Whether <see cref="ReplacementMode.Always"/> empties the field when the source is empty.</summary>
    public bool AllowEmpty { get; init; }

    /// <summary>Reads a mapping from its short form, <c>FIELD = SOURCE [MODE] [AllowEmpty]</c>.</summary>
    /// <param name="text">The text, for example <c>dns_name = {name}.{dnsDomain} WhenTargetEmpty</c>.</param>
    /// <exception cref="AlloyScanException">It is none (<c>InvalidMapping</c>).</exception>
    public static FieldMapping Parse(string text) => MappingText.Parse(text);

    /// <summary>The short form, which <see cref="Parse"/> reads.</summary>
    public override string ToString() => MappingText.Print(this);
}
