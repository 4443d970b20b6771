using System.Collections;
using System.Globalization;
using System.Management.Automation;
using AlloyScan.Engine.Sync.Identify;

namespace AlloyScan.PowerShell.Abstractions;

/// <summary>Reads the conditions of a rule as users give them: text, hashtables, or objects of a rule that came out of a cmdlet or of JSON.</summary>
internal static class RuleConditions
{
    public static RuleCondition[] From(IEnumerable<object?> conditions) => [.. conditions.Select(From)];

    /// <exception cref="Engine.AlloyScanException">It is no condition (<c>InvalidRuleCondition</c>).</exception>
    private static RuleCondition From(object? condition) => Bare(condition) switch
    {
        RuleCondition ready => ready,
        string text => RuleCondition.Parse(text),
        IDictionary table => RuleCondition.Parse(Word<IdentificationAttribute>(Entry(table, "Attribute")), Word<ComparisonOperator>(Entry(table, "Operator"))),
        _ when PSObject.AsPSObject(condition ?? string.Empty) is { } other && other.Properties["Attribute"] is { } attribute =>
            RuleCondition.Parse(Word<IdentificationAttribute>(attribute.Value), Word<ComparisonOperator>(other.Properties["Operator"]?.Value)),
        var unknown => RuleCondition.Parse(Convert.ToString(unknown, CultureInfo.InvariantCulture) ?? string.Empty),
    };

    public static object? Bare(object? value) => value is PSObject { BaseObject: not PSCustomObject } wrapped ? wrapped.BaseObject : value;

    /// <summary>An entry of a hashtable, whose keys people write in any case.</summary>
    public static object? Entry(IDictionary table, string key)
    {
        foreach (DictionaryEntry entry in table)
        {
            if (string.Equals(Convert.ToString(entry.Key, CultureInfo.InvariantCulture), key, StringComparison.OrdinalIgnoreCase))
                return Bare(entry.Value);
        }

        return null;
    }

    /// <summary>JSON writes enums as numbers.</summary>
    private static string? Word<TEnum>(object? value)
        where TEnum : struct, Enum => Bare(value) switch
        {
            null => null,
            int or long => Enum.ToObject(typeof(TEnum), Bare(value)!).ToString(),
            var word => Convert.ToString(word, CultureInfo.InvariantCulture),
        };
}
