using System.Collections;
using System.Globalization;
using System.Management.Automation;
using AlloyScan.Engine;
using AlloyScan.Engine.Cmdb;

namespace AlloyScan.PowerShell.Abstractions;

/// <summary>Reads mappings as users give them: text, hashtables, or objects of an action that came out of a cmdlet or of JSON.</summary>
internal static class FieldMappings
{
    private static readonly string[] s_keys =
        [nameof(FieldMapping.Field), nameof(FieldMapping.Attribute), nameof(FieldMapping.Constant), nameof(FieldMapping.Template), nameof(FieldMapping.Mode), nameof(FieldMapping.AllowEmpty)];

    public static FieldMapping[] From(IEnumerable<object?> mappings) => [.. mappings.Select(From)];

    /// <exception cref="AlloyScanException">It is no mapping (<c>InvalidMapping</c>).</exception>
    private static FieldMapping From(object? mapping) => FieldTexts.Bare(mapping) switch
    {
        FieldMapping ready => ready,
        string text => FieldMapping.Parse(text),
        IDictionary table => FromParts(table.Cast<DictionaryEntry>().Select(entry => (Convert.ToString(entry.Key, CultureInfo.InvariantCulture) ?? string.Empty, entry.Value)), mapping, strict: true),
        PSObject other when other.Properties["Field"] is not null => FromParts(other.Properties.Select(property => (property.Name, (object?)property.Value)), mapping, strict: false),
        _ => throw Invalid(mapping, "is neither text nor a hashtable nor a mapping", "See about_AlloyScan_Mapping."),
    };

    private static FieldMapping FromParts(IEnumerable<(string Key, object? Value)> parts, object? mapping, bool strict)
    {
        var values = new Dictionary<string, object?>(StringComparer.OrdinalIgnoreCase);
        foreach (var (key, value) in parts)
        {
            if (s_keys.Contains(key.Trim(), StringComparer.OrdinalIgnoreCase))
                values[key.Trim()] = FieldTexts.Bare(value);
            else if (strict)
                throw Invalid(mapping, $"has the key '{key}'", $"The keys are {string.Join(", ", s_keys)}.");
        }

        return new FieldMapping
        {
            Field = Text(nameof(FieldMapping.Field)) ?? string.Empty,
            Attribute = Text(nameof(FieldMapping.Attribute)),
            Constant = Text(nameof(FieldMapping.Constant)),
            Template = Text(nameof(FieldMapping.Template)),
            Mode = Mode(values.GetValueOrDefault(nameof(FieldMapping.Mode)), mapping),
            AllowEmpty = LanguagePrimitives.IsTrue(values.GetValueOrDefault(nameof(FieldMapping.AllowEmpty))),
        };

        string? Text(string key) => FieldTexts.From(values.GetValueOrDefault(key)) is { Length: > 0 } text ? text : null;
    }

    private static ReplacementMode? Mode(object? value, object? mapping) => value switch
    {
        null or "" => null,
        ReplacementMode mode => mode,
        // JSON writes enums as numbers.
        int or long => (ReplacementMode)Convert.ToInt32(value, CultureInfo.InvariantCulture),
        var word when Enum.TryParse<ReplacementMode>(Convert.ToString(word, CultureInfo.InvariantCulture), ignoreCase: true, out var mode) && Enum.IsDefined(mode) => mode,
        var word => throw Invalid(mapping, $"has the mode '{word}'", $"The modes are {string.Join(", ", Enum.GetNames<ReplacementMode>())}."),
    };

    private static AlloyScanException Invalid(object? mapping, string problem, string advice) => new(
        ErrorKind.InvalidArgument, "InvalidMapping", $"The mapping '{Describe(mapping)}' {problem}.", mapping, advice);

    private static string Describe(object? mapping) => FieldTexts.Bare(mapping) switch
    {
        IDictionary table => $"@{{ {string.Join("; ", table.Cast<DictionaryEntry>().Select(entry => $"{entry.Key} = {entry.Value}"))} }}",
        var other => Convert.ToString(other, CultureInfo.InvariantCulture) ?? string.Empty,
    };
}
