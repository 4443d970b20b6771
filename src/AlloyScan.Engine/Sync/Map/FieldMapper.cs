using System.Globalization;
using System.Text;
using AlloyScan.Engine.Cmdb;
using AlloyScan.Engine.Inventory;

namespace AlloyScan.Engine.Sync.Map;

/// <summary>A service action made ready for use: fields and attributes resolved to positions.</summary>
internal sealed class FieldMapper
{
    private readonly (CmdbField Field, FieldMapping Mapping, int Attribute)[] _mappings;
    private readonly (CmdbField Field, string Value)[] _initial;

    public FieldMapper(ServiceAction action)
    {
        Action = action;
        _initial = [.. action.InitialValues.Select(p => (FieldOf(action, p.Key), p.Value))];
        _mappings = [.. action.Mappings.Select(m => (FieldOf(action, m.Field), m, m.Attribute is null ? -1 : SourceAttributes.IndexOf(m.Attribute)))];
    }

    public ServiceAction Action { get; }

    /// <summary>Values of a CI to be created, in the order of <see cref="CmdbFields.All"/>.</summary>
    public string?[] NewValues(DeviceFacts facts)
    {
        var values = new string?[CmdbFields.All.Count];
        foreach (var (field, value) in _initial)
            values[field.Index] = value;
        foreach (var (field, mapping, attribute) in _mappings)
        {
            if (Value(facts, field, mapping, attribute) is { } value)
                values[field.Index] = value;
        }

        return values;
    }

    /// <summary>What has to change on a CI, by position of the field. A value of <see langword="null"/> empties it.</summary>
    /// <param name="facts">The device.</param>
    /// <param name="current">What the CI holds.</param>
    /// <param name="written">What we last wrote to each field; absent where we never wrote.</param>
    public List<(CmdbField Field, string? Value)> Changes(DeviceFacts facts, string?[] current, Dictionary<string, string?> written)
    {
        var changes = new List<(CmdbField, string?)>();
        foreach (var (field, mapping, attribute) in _mappings)
        {
            var source = Value(facts, field, mapping, attribute);
            var target = current[field.Index];
            if (string.Equals(source, target, StringComparison.Ordinal))
                continue;

            var replace = mapping.Mode switch
            {
                ReplacementMode.Always => source is not null || mapping.AllowEmpty,
                ReplacementMode.WhenTargetEmpty => source is not null && target is null,
                ReplacementMode.UnlessEdited => source is not null && !IsEdited(field, target, written),
                _ => source is not null,
            };
            if (replace)
                changes.Add((field, source));
        }

        return changes;
    }

    /// <summary>A field is edited when it no longer holds what we last wrote, or holds something although we never wrote.</summary>
    private static bool IsEdited(CmdbField field, string? target, Dictionary<string, string?> written) =>
        written.TryGetValue(field.Name, out var last) ? !string.Equals(target, last, StringComparison.Ordinal) : target is not null;

    private static string? Value(DeviceFacts facts, CmdbField field, FieldMapping mapping, int attribute)
    {
        string? value;
        if (mapping.Constant is not null)
            value = mapping.Constant;
        else if (mapping.Template is not null)
            value = Expand(mapping.Template, facts);
        else if (attribute >= 0)
            value = facts.Values[attribute];
        else
            value = Custom(facts, mapping.Attribute);

        if (string.IsNullOrWhiteSpace(value))
            return null;

        // A number that is none is as good as absent; the column could not hold it.
        return field.IsNumber && !long.TryParse(value, NumberStyles.Integer, CultureInfo.InvariantCulture, out _) ? null : value;
    }

    private static string? Custom(DeviceFacts facts, string? attribute) =>
        attribute is not null && attribute.StartsWith(SourceAttributes.CustomPrefix, StringComparison.Ordinal)
            ? facts.Custom?.GetValueOrDefault(attribute[SourceAttributes.CustomPrefix.Length..])
            : null;

    private static string? Expand(string template, DeviceFacts facts)
    {
        var text = new StringBuilder();
        var rest = template.AsSpan();
        var found = false;
        while (!rest.IsEmpty)
        {
            var open = rest.IndexOf('{');
            var close = open < 0 ? -1 : rest[open..].IndexOf('}');
            if (close < 0)
            {
                text.Append(rest);
                break;
            }

            text.Append(rest[..open]);
            var name = rest.Slice(open + 1, close - 1).ToString();
            var index = SourceAttributes.IndexOf(name);
            var value = index >= 0 ? facts.Values[index] : Custom(facts, name);
            found |= value is not null;
            text.Append(value);
            rest = rest[(open + close + 1)..];
        }

        // A template all of whose attributes are absent gives nothing, not its punctuation.
        return found ? text.ToString() : null;
    }

    private static CmdbField FieldOf(ServiceAction action, string name) =>
        CmdbFields.Find(action.Class, name) ?? throw new AlloyScanException(
            ErrorKind.InvalidData, "UnknownField", $"Service action #{action.Id} '{action.Name}' maps to the field '{name}', which {action.Class} does not have.", name);
}
