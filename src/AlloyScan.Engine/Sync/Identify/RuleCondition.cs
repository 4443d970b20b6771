using System.Text;

namespace AlloyScan.Engine.Sync.Identify;

/// <summary>One condition of a rule.</summary>
/// <param name="Attribute">What is compared.</param>
/// <param name="Operator">How.</param>
public sealed record RuleCondition(IdentificationAttribute Attribute, ComparisonOperator Operator)
{
    // Words without blanks and case, with the short forms that people type.
    private static readonly Dictionary<string, IdentificationAttribute> s_attributes = new(StringComparer.OrdinalIgnoreCase)
    {
        ["Name"] = IdentificationAttribute.Name, ["ComputerName"] = IdentificationAttribute.Name,
        ["SerialNumber"] = IdentificationAttribute.SerialNumber, ["Serial"] = IdentificationAttribute.SerialNumber, ["SerialNum"] = IdentificationAttribute.SerialNumber,
        ["MacAddress"] = IdentificationAttribute.MacAddress, ["Mac"] = IdentificationAttribute.MacAddress,
        ["BiosUuid"] = IdentificationAttribute.BiosUuid, ["Uuid"] = IdentificationAttribute.BiosUuid,
        ["AssetTag"] = IdentificationAttribute.AssetTag,
        ["AuditId"] = IdentificationAttribute.AuditId,
    };

    private static readonly Dictionary<string, ComparisonOperator> s_operators = new(StringComparer.OrdinalIgnoreCase)
    {
        ["Equals"] = ComparisonOperator.Equals,
        ["DoesNotEqual"] = ComparisonOperator.DoesNotEqual, ["NotEquals"] = ComparisonOperator.DoesNotEqual,
        ["Matches"] = ComparisonOperator.Matches,
        ["DoesNotMatch"] = ComparisonOperator.DoesNotMatch, ["NotMatches"] = ComparisonOperator.DoesNotMatch,
    };

    /// <summary>Whether it says that both sides agree, and so can find a CI.</summary>
    internal bool IsPositive => Operator is ComparisonOperator.Equals or ComparisonOperator.Matches;

    /// <summary>Reads a condition such as <c>SerialNumber matches</c> or <c>MAC address does not match</c>.</summary>
    /// <param name="text">Attribute and operator, with or without blanks, in any case.</param>
    /// <returns>The condition.</returns>
    /// <exception cref="AlloyScanException">No such attribute or operator (<c>InvalidRuleCondition</c>).</exception>
    public static RuleCondition Parse(string text)
    {
        var packed = Pack(text);
        // The longest attribute first, so that "SerialNumber" is not read as "Serial".
        foreach (var (word, attribute) in s_attributes.OrderByDescending(a => a.Key.Length))
        {
            if (packed.StartsWith(word, StringComparison.OrdinalIgnoreCase))
                return new RuleCondition(attribute, ParseOperator(packed[word.Length..], text));
        }

        throw UnknownAttribute(text, text);
    }

    /// <summary>Makes a condition from its two halves in words.</summary>
    /// <param name="attribute">Name of the attribute.</param>
    /// <param name="comparison">Name of the operator.</param>
    /// <returns>The condition.</returns>
    /// <exception cref="AlloyScanException">No such attribute or operator (<c>InvalidRuleCondition</c>).</exception>
    public static RuleCondition Parse(string? attribute, string? comparison)
    {
        var condition = $"{attribute} {comparison}".Trim();
        if (!s_attributes.TryGetValue(Pack(attribute), out var known))
            throw UnknownAttribute(attribute, condition);
        return new RuleCondition(known, ParseOperator(Pack(comparison), condition));
    }

    /// <summary>The condition in the words in which it is read.</summary>
    public override string ToString() => $"{Attribute} {Words(Operator)}";

    internal static string Words(ComparisonOperator comparison) => comparison switch
    {
        ComparisonOperator.Equals => "equals",
        ComparisonOperator.DoesNotEqual => "does not equal",
        ComparisonOperator.Matches => "matches",
        _ => "does not match",
    };

    private static ComparisonOperator ParseOperator(string packed, string condition) => s_operators.TryGetValue(packed, out var comparison)
        ? comparison
        : throw new AlloyScanException(
            ErrorKind.InvalidArgument, "InvalidRuleCondition",
            packed.Length == 0 ? $"The condition '{condition}' has no operator." : $"The condition '{condition}' has an operator that is not known.", condition,
            $"The operators are: {string.Join(", ", Enum.GetValues<ComparisonOperator>().Select(o => $"'{Words(o)}'"))}.");

    private static AlloyScanException UnknownAttribute(string? text, string condition) => new(
        ErrorKind.InvalidArgument, "InvalidRuleCondition",
        string.IsNullOrWhiteSpace(text) ? "A condition names no attribute." : $"'{text}' names no attribute that rules compare.", condition,
        $"Write an attribute and an operator, as in 'SerialNumber matches'. The attributes are: {string.Join(", ", Enum.GetNames<IdentificationAttribute>())}.");

    private static string Pack(string? text)
    {
        var packed = new StringBuilder();
        foreach (var c in text ?? string.Empty)
        {
            if (char.IsLetterOrDigit(c))
                packed.Append(c);
        }

        return packed.ToString();
    }
}
