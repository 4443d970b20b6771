using System.Collections;
using System.Globalization;
using System.Management.Automation;
using AlloyScan.Engine;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Sync.Identify;

namespace AlloyScan.PowerShell.Abstractions;

/// <summary>Reads whole rules as users give them: rules that came out of a cmdlet or of JSON, hashtables, or text such as <c>Computer: Name matches, SerialNumber matches</c>.</summary>
internal static class RuleSets
{
    public static IReadOnlyList<IdentificationRule> From(IEnumerable<object?> rules) => [.. rules.Select(From)];

    /// <exception cref="AlloyScanException">It is no rule (<c>InvalidIdentificationRule</c>, <c>InvalidRuleCondition</c>).</exception>
    private static IdentificationRule From(object? rule) => RuleConditions.Bare(rule) switch
    {
        IdentificationRule ready => ready,
        string text => Parse(text),
        IDictionary table => Build(key => RuleConditions.Entry(table, key)),
        { } other => Build(key => RuleConditions.Bare(PSObject.AsPSObject(other).Properties[key]?.Value)),
        null => throw Unreadable(null),
    };

    private static IdentificationRule Parse(string text)
    {
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        if (colon <= 0)
            throw Unreadable(text);

        var conditions = RuleConditions.From(text[(colon + 1)..].Split([",", " and "], StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));
        return new IdentificationRule { Class = ClassOf(text[..colon].Trim(), text), Name = Words(conditions), Conditions = conditions };
    }

    private static IdentificationRule Build(Func<string, object?> read)
    {
        var given = read("Conditions") ?? read("Condition");
        var conditions = RuleConditions.From(given switch
        {
            null => [],
            string or IDictionary => [given],
            IEnumerable several => several.Cast<object?>(),
            _ => [given],
        });
        var name = Convert.ToString(read("Name"), CultureInfo.InvariantCulture);
        return new IdentificationRule
        {
            Class = ClassOf(read("Class"), name),
            Name = string.IsNullOrWhiteSpace(name) ? Words(conditions) : name,
            Conditions = conditions,
            Action = read("Action") is { } action ? Enumeration<RuleAction>(action, name, "Say Overwrite or Conflict.") : RuleAction.Overwrite,
            IsSystem = read("IsSystem") is true,
        };
    }

    private static string Words(IEnumerable<RuleCondition> conditions) => string.Join(", ", conditions);

    private static RecordClass ClassOf(object? value, string? rule) =>
        value is null ? throw Unreadable(rule) : Enumeration<RecordClass>(value, rule, "Say whether it is for Computer or Hardware.");

    private static T Enumeration<T>(object value, string? rule, string advice)
        where T : struct, Enum =>
        // JSON writes enums as numbers.
        Enum.TryParse<T>(Convert.ToString(value, CultureInfo.InvariantCulture), ignoreCase: true, out var known) && Enum.IsDefined(known)
            ? known
            : throw new AlloyScanException(ErrorKind.InvalidArgument, "InvalidIdentificationRule", $"'{value}' says nothing that a rule knows.", rule ?? value, advice);

    private static AlloyScanException Unreadable(string? rule) => new(
        ErrorKind.InvalidArgument, "InvalidIdentificationRule", rule is null ? "A rule is empty or names no class." : $"'{rule}' is no rule.", rule,
        "Give rules of Get-AlloyScanIdentificationRule, hashtables with Class, Name and Condition, or text such as 'Computer: Name matches, SerialNumber matches'.");
}
