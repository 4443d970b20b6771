using System.Globalization;
using System.Text;

namespace AlloyScan.Engine.Cmdb;

/// <summary>
/// The forms of values. Values travel as text, each in the one form of its type, so that comparing texts compares values
/// and no field flaps because one side writes a number or a date differently.
/// </summary>
internal static class FieldValues
{
    private const string DateForm = "yyyy-MM-dd";
    private const string MomentForm = "yyyy-MM-dd'T'HH:mm:ss'Z'";

    private static readonly string[] s_moments =
    [
        "yyyy-MM-dd'T'HH:mmK", "yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK", "yyyy-MM-dd HH:mmK", "yyyy-MM-dd HH:mm:ssK", "yyyy-MM-dd HH:mm:ss.FFFFFFFK",
    ];

    /// <summary>A value in the one form of its type.</summary>
    /// <param name="value">The value.</param>
    /// <param name="type">The type.</param>
    /// <param name="whole">Whether a number must be whole.</param>
    /// <returns>The value, or <see langword="null"/> when it is blank or none of that type.</returns>
    public static string? Normalise(string value, FieldType type, bool whole = false) => type switch
    {
        FieldType.Number => whole ? Whole(value) : Number(value),
        FieldType.Date => Date(value),
        FieldType.Boolean => Boolean(value),
        _ => Text(value),
    };

    /// <summary>What a value of a type has to look like, for people.</summary>
    public static string Describe(FieldType type, bool whole = false) => type switch
    {
        FieldType.Number => whole ? "a whole number" : "a number, such as 42 or 1.5",
        FieldType.Date => "a date, such as 2026-01-31 or 2026-01-31T08:00:00Z",
        FieldType.Boolean => "true or false",
        _ => "a text",
    };

    /// <summary>
    /// Text without blanks around it. Control characters stay; NUL and broken surrogates go, since no database gives them back as they
    /// were, and the field would differ from its source for ever.
    /// </summary>
    private static string? Text(string value)
    {
        value = value.Trim();
        if (value.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF') >= 0 || value.Contains('\0', StringComparison.Ordinal))
        {
            var text = new StringBuilder(value.Length);
            foreach (var rune in value.EnumerateRunes())
            {
                if (rune.Value != 0)
                    text.Append(rune.ToString());
            }

            value = text.ToString().Trim();
        }

        return value.Length == 0 ? null : value;
    }

    private static string? Whole(string value)
    {
        if (!long.TryParse(value, NumberStyles.Integer, CultureInfo.InvariantCulture, out var number))
            return null;

        // Most come in their one form already.
        return value[0] is >= '1' and <= '9' && char.IsAsciiDigit(value[^1]) ? value : number.ToString(CultureInfo.InvariantCulture);
    }

    private static string? Number(string value)
    {
        const NumberStyles styles = NumberStyles.Integer | NumberStyles.AllowDecimalPoint;
        if (!decimal.TryParse(value, styles, CultureInfo.InvariantCulture, out var number))
            return null;

        return number == 0 ? "0" : number.ToString("0.############################", CultureInfo.InvariantCulture);
    }

    private static string? Date(string value)
    {
        value = value.Trim();
        if (DateOnly.TryParseExact(value, [DateForm, "yyyyMMdd"], CultureInfo.InvariantCulture, DateTimeStyles.None, out var date))
            return date.ToString(DateForm, CultureInfo.InvariantCulture);

        const DateTimeStyles styles = DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal;
        return DateTimeOffset.TryParseExact(value, s_moments, CultureInfo.InvariantCulture, styles, out var moment)
            ? moment.ToString(MomentForm, CultureInfo.InvariantCulture)
            : null;
    }

    private static string? Boolean(string value) => value.Trim().ToLowerInvariant() switch
    {
        "true" or "yes" or "on" or "1" => "true",
        "false" or "no" or "off" or "0" => "false",
        _ => null,
    };
}
