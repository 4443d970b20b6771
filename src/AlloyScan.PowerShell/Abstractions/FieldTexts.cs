using System.Collections;
using System.Globalization;
using System.Management.Automation;
using AlloyScan.Engine;

namespace AlloyScan.PowerShell.Abstractions;

/// <summary>Turns values that users give for fields of a CI into text that does not depend on the culture.</summary>
internal static class FieldTexts
{
    public static string? From(object? value) => Bare(value) switch
    {
        null => null,
        DateTime { TimeOfDay.Ticks: 0 } date => date.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
        DateTime moment => moment.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture),
        DateTimeOffset moment => moment.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture),
        var other => Convert.ToString(other, CultureInfo.InvariantCulture),
    };

    /// <summary>A hashtable of fields and values. A value of <see langword="null"/> or an empty text is <see langword="null"/>.</summary>
    /// <param name="table">The hashtable.</param>
    /// <param name="parameter">The parameter, for the error.</param>
    /// <exception cref="AlloyScanException">A key is blank, or there twice in another case (<c>InvalidFieldTable</c>).</exception>
    public static Dictionary<string, string?> From(IDictionary table, string parameter)
    {
        var result = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
        foreach (DictionaryEntry entry in table)
        {
            var name = (Convert.ToString(entry.Key, CultureInfo.InvariantCulture) ?? string.Empty).Trim();
            var text = From(entry.Value);
            if (name.Length == 0 || !result.TryAdd(name, string.IsNullOrWhiteSpace(text) ? null : text))
            {
                throw new AlloyScanException(
                    ErrorKind.InvalidArgument, "InvalidFieldTable", $"-{parameter} names {(name.Length == 0 ? "a blank field" : $"the field '{name}' twice")}.", name, "Give each field once.");
            }
        }

        return result;
    }

    public static object? Bare(object? value) => value is PSObject { BaseObject: not PSCustomObject } wrapped ? wrapped.BaseObject : value;
}
