using System.Collections.ObjectModel;
using System.Globalization;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace AlloyScan.Engine.Cmdb;

/// <summary>The values of custom fields as they stand in a CI's row: one JSON object, by name of the field.</summary>
internal static class CustomValues
{
    /// <summary>Error ID of a column that holds something else.</summary>
    public const string Unreadable = "CustomValuesUnreadable";

    /// <summary>Fills the custom values of a value array. What no field is named after stays in the row and is not read.</summary>
    public static void Read(string json, CmdbField[] fields, string?[] values)
    {
        var members = Parse(json);
        foreach (var field in fields)
        {
            if (members.GetValue(field.Name, StringComparison.OrdinalIgnoreCase) is { } token)
                values[field.Index] = Text(token, field.Type);
        }
    }

    /// <summary>The values of a new CI; <see langword="null"/> when it has none.</summary>
    public static string? Write(CmdbField[] fields, string?[] values)
    {
        JObject? members = null;
        foreach (var field in fields)
        {
            if (values[field.Index] is { } value)
                (members ??= [])[field.Name] = Token(value, field.Type);
        }

        return members?.ToString(Formatting.None);
    }

    /// <summary>The values after a change. What is not changed stays as it is, also where it belongs to no field.</summary>
    public static string? Change(string? json, IEnumerable<(CmdbField Field, string? Value)> changes)
    {
        var members = json is null ? [] : Parse(json);
        foreach (var (field, value) in changes)
        {
            members.Property(field.Name, StringComparison.OrdinalIgnoreCase)?.Remove();
            if (value is not null)
                members[field.Name] = Token(value, field.Type);
        }

        return members.Count == 0 ? null : members.ToString(Formatting.None);
    }

    /// <summary>The values for people and scripts: numbers and booleans as such, the rest as text.</summary>
    public static IReadOnlyDictionary<string, object?> ForPeople(string? json)
    {
        if (json is null)
            return ReadOnlyDictionary<string, object?>.Empty;

        var result = new Dictionary<string, object?>(StringComparer.OrdinalIgnoreCase);
        foreach (var member in Parse(json))
        {
            result[member.Key] = member.Value switch
            {
                JValue { Type: JTokenType.Integer or JTokenType.Float or JTokenType.Boolean or JTokenType.String or JTokenType.Null } value => value.Value,
                { } other => other.ToString(Formatting.None),
                _ => null,
            };
        }

        return result;
    }

    private static JObject Parse(string json)
    {
        try
        {
            using var reader = new JsonTextReader(new StringReader(json)) { DateParseHandling = DateParseHandling.None, FloatParseHandling = FloatParseHandling.Decimal, Culture = CultureInfo.InvariantCulture };
            return JObject.Load(reader);
        }
        catch (JsonException e)
        {
            throw new AlloyScanException(
                ErrorKind.InvalidData, Unreadable, $"The column 'custom' of a CI does not hold a JSON object: {e.Message}",
                json.Length <= 80 ? json : json[..80] + "...", "Correct the column, or empty it.", e);
        }
    }

    private static string? Text(JToken token, FieldType type)
    {
        var text = token switch
        {
            { Type: JTokenType.Null } => null,
            JValue value => Convert.ToString(value.Value, CultureInfo.InvariantCulture),
            _ => token.ToString(Formatting.None),
        };
        // What somebody wrote past us and is none of the type is shown as it is.
        return string.IsNullOrWhiteSpace(text) ? null : FieldValues.Normalise(text, type) ?? text;
    }

    private static JValue Token(string value, FieldType type) => type switch
    {
        FieldType.Number when decimal.TryParse(value, NumberStyles.Number, CultureInfo.InvariantCulture, out var number) =>
            decimal.IsInteger(number) && number is >= long.MinValue and <= long.MaxValue ? new JValue((long)number) : new JValue(number),
        FieldType.Boolean when bool.TryParse(value, out var flag) => new JValue(flag),
        _ => new JValue(value),
    };
}
