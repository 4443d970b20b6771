using System.Data.Common;
using System.Globalization;
using System.Text;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Store;
using Newtonsoft.Json;
using Newtonsoft.Json.Converters;
using Newtonsoft.Json.Serialization;

namespace AlloyScan.Engine.Sync.Identify;

/// <summary>The rules that recognise an unlinked device as an existing CI, tried in order. The link comes before them, creation after them.</summary>
internal static class IdentificationPolicy
{
    /// <summary>The shipped rules.</summary>
    public static readonly IReadOnlyList<IdentificationRule> Shipped =
    [
        Rule(1, RecordClass.Computer, "Name and serial number match", IdentificationAttribute.Name, IdentificationAttribute.SerialNumber),
        Rule(2, RecordClass.Computer, "Serial number matches", IdentificationAttribute.SerialNumber),
        Rule(3, RecordClass.Computer, "MAC address and name match", IdentificationAttribute.MacAddress, IdentificationAttribute.Name),
        Rule(4, RecordClass.Computer, "BIOS UUID matches", IdentificationAttribute.BiosUuid),
        Rule(1, RecordClass.Hardware, "Serial number matches", IdentificationAttribute.SerialNumber),
        Rule(2, RecordClass.Hardware, "MAC address matches", IdentificationAttribute.MacAddress),
    ];

    private static readonly JsonSerializerSettings s_json = new()
    {
        Culture = CultureInfo.InvariantCulture,
        // A slip of the pen in a name would else leave out what it was to say.
        MissingMemberHandling = MissingMemberHandling.Error,
        ContractResolver = new CamelCasePropertyNamesContractResolver(),
        Converters = [new StringEnumConverter { AllowIntegerValues = false }],
        Formatting = Formatting.None,
    };

    /// <summary>The rules of a store, without the system rules, in the order in which a run tries them.</summary>
    public static IReadOnlyList<IdentificationRule> Load(StoreSession session)
    {
        var result = new List<IdentificationRule>();
        using var reader = session.Prepare("SELECT id, class, position, name, conditions, action FROM identification_rules ORDER BY class, position, id").Read();
        while (reader.Read())
            result.Add(Read(reader));
        return result;
    }

    /// <summary>
    /// Puts the shipped rules into a new store. Part of the schema, so that it happens once: a store from which
    /// somebody removed all rules stays without.
    /// </summary>
    public static string SeedSql()
    {
        var sql = new StringBuilder();
        foreach (var rule in Shipped)
        {
            sql.AppendLine(
                CultureInfo.InvariantCulture,
                $"INSERT INTO identification_rules (class, position, name, conditions, action) VALUES ({(int)rule.Class}, {rule.Position}, '{rule.Name}', '{Stored(rule.Conditions)}', '{rule.Action}');");
        }

        return sql.ToString();
    }

    /// <summary>Replaces the rules of a class, or of all classes. The rules are checked by the caller.</summary>
    public static void Replace(StoreSession session, RecordClass? recordClass, IEnumerable<IdentificationRule> rules)
    {
        session.Execute("DELETE FROM identification_rules WHERE CAST(@p0 AS INTEGER) IS NULL OR class = @p0", (int?)recordClass);
        foreach (var rule in rules)
        {
            if (recordClass is null || rule.Class == recordClass)
                Insert(session, rule);
        }
    }

    public static void Insert(StoreSession session, IdentificationRule rule) => session.Execute(
        "INSERT INTO identification_rules (class, position, name, conditions, action) VALUES (@p0, @p1, @p2, @p3, @p4)",
        (int)rule.Class, rule.Position, rule.Name, Stored(rule.Conditions), rule.Action.ToString());

    public static string Stored(IEnumerable<RuleCondition> conditions) => JsonConvert.SerializeObject(conditions.Select(c => c.ToString()));

    /// <summary>The policy as JSON, to travel with a job.</summary>
    public static string ToJson(IEnumerable<IdentificationRule> rules) => JsonConvert.SerializeObject(
        rules.Where(r => !r.IsSystem).OrderBy(r => r.Class).ThenBy(r => r.Position)
            .Select(r => new PortableRule(r.Class, r.Name, [.. r.Conditions.Select(c => c.ToString())], r.Action)),
        s_json);

    /// <summary>Reads a policy from JSON; positions follow the order in the text. Each rule is checked as if it were saved one by one.</summary>
    /// <exception cref="AlloyScanException">It is no policy (<c>InvalidIdentificationRule</c>), or a rule of it is refused.</exception>
    public static IReadOnlyList<IdentificationRule> FromJson(string json)
    {
        PortableRule?[]? portable;
        try
        {
            portable = JsonConvert.DeserializeObject<PortableRule[]>(json, s_json);
        }
        catch (JsonException e)
        {
            throw new AlloyScanException(ErrorKind.InvalidData, "InvalidIdentificationRule", $"The identification rules cannot be read: {e.Message}", null, "Give the text that an export wrote.", e);
        }

        if (portable?.Contains(null) == true)
            throw new AlloyScanException(ErrorKind.InvalidData, "InvalidIdentificationRule", "The identification rules cannot be read: one of them is null.", null, "Give the text that an export wrote.");

        return CheckAll((portable ?? []).OfType<PortableRule>().Select(r => new IdentificationRule
        {
            Class = r.Class,
            Name = r.Name ?? string.Empty,
            Conditions = [.. (r.Conditions ?? []).Select(RuleCondition.Parse)],
            Action = r.Action,
        }));
    }

    /// <summary>Checks a whole set of rules and numbers them in their order within a class.</summary>
    /// <exception cref="AlloyScanException">As <see cref="Check"/>, or two rules of a class share a name (<c>RuleExists</c>).</exception>
    public static IReadOnlyList<IdentificationRule> CheckAll(IEnumerable<IdentificationRule> rules)
    {
        var result = new List<IdentificationRule>();
        foreach (var rule in rules.Where(r => !r.IsSystem))
        {
            var good = Check(rule);
            if (result.Any(r => r.Class == good.Class && string.Equals(r.Name, good.Name, StringComparison.OrdinalIgnoreCase)))
                throw NameTaken(good);
            result.Add(good with { Position = result.Count(r => r.Class == good.Class) + 1 });
        }

        return [.. result.OrderBy(r => r.Class).ThenBy(r => r.Position)];
    }

    /// <summary>Checks what a rule says and brings it into one form.</summary>
    /// <exception cref="AlloyScanException">It is refused: <c>InvalidIdentificationRule</c>, <c>InvalidRuleCondition</c>, <c>RuleTooBroad</c>, <c>RuleExists</c>.</exception>
    public static IdentificationRule Check(IdentificationRule rule)
    {
        var name = rule.Name.Trim();
        if (name.Length is 0 or > 200)
            throw Invalid(name, name.Length == 0 ? "An identification rule needs a name." : "The name of the identification rule has more than 200 characters.", "Give it a short name that says what it compares.");
        if (IsSystemName(name))
            throw NameTaken(rule with { Name = name });
        if (!Enum.IsDefined(rule.Class))
            throw Invalid(name, $"The rule '{name}' is for no class.", "Say whether it is for Computer or Hardware.");
        if (rule.Action is not (RuleAction.Overwrite or RuleAction.Conflict))
            throw Invalid(name, $"The rule '{name}' has the action '{rule.Action}', which only the system rule '{IdentificationRule.Default}' has.", "Choose Overwrite or Conflict.");

        foreach (var condition in rule.Conditions)
        {
            if (!Enum.IsDefined(condition.Attribute) || !Enum.IsDefined(condition.Operator))
            {
                throw new AlloyScanException(
                    ErrorKind.InvalidArgument, "InvalidRuleCondition", $"The rule '{name}' has the condition '{condition}', which means nothing.", name,
                    "Write an attribute and an operator, as in 'SerialNumber matches'.");
            }
        }

        if (rule.Conditions.GroupBy(c => c.Attribute).FirstOrDefault(g => g.Count() > 1) is { } twice)
        {
            throw Invalid(
                name, $"The rule '{name}' compares {twice.Key} more than once: {string.Join(", ", twice.Select(c => $"'{c}'"))}.", "Keep one condition for each attribute.");
        }

        if (!rule.Conditions.Any(c => c.IsPositive))
        {
            throw new AlloyScanException(
                ErrorKind.InvalidArgument, "RuleTooBroad",
                rule.Conditions.Count == 0
                    ? $"The rule '{name}' has no conditions, so it would fit every CI."
                    : $"The rule '{name}' says only what must differ ({rule.Words}), so it would fit nearly every CI.",
                name, "Add a condition with 'matches' or 'equals', for example 'SerialNumber matches'.");
        }

        return rule with { Name = name, Conditions = [.. rule.Conditions] };
    }

    /// <summary>What is allowed, but worth a second thought.</summary>
    public static IEnumerable<string> Doubts(IdentificationRule rule)
    {
        if (rule.IsSystem)
            yield break;

        var positive = rule.Conditions.Where(c => c.IsPositive).ToList();
        if (positive.All(c => c is { Operator: ComparisonOperator.Equals, Attribute: not IdentificationAttribute.Name }))
        {
            var attributes = string.Join(" and ", positive.Select(c => c.Attribute));
            yield return $"The rule '{rule.Name}' finds CIs by 'equals' on {attributes} only. Two blanks are equal, so every device without a value comes into question for every CI without one. Use 'matches', or add a condition with it.";
        }

        if (rule.Action == RuleAction.Overwrite && positive.All(c => c.Attribute == IdentificationAttribute.Name))
            yield return $"The rule '{rule.Name}' rests on the name alone: another machine that takes an old name would overwrite the CI of the old one. Consider the action Conflict, or a second condition.";

        if (rule.Class == RecordClass.Hardware && positive.Any(c => c is { Attribute: IdentificationAttribute.BiosUuid, Operator: ComparisonOperator.Matches }))
            yield return $"The rule '{rule.Name}' asks for a BIOS UUID, which hardware rarely has: it will seldom or never fit.";
    }

    public static bool IsSystemName(string name) =>
        string.Equals(name, IdentificationRule.EqualId, StringComparison.OrdinalIgnoreCase) || string.Equals(name, IdentificationRule.Default, StringComparison.OrdinalIgnoreCase);

    public static AlloyScanException NameTaken(IdentificationRule rule) => new(
        ErrorKind.AlreadyExists, "RuleExists", $"There is an identification rule named '{rule.Name}' for {rule.Class} already.", rule.Name, "Choose another name, or change that rule.");

    private static AlloyScanException Invalid(string name, string message, string advice) => new(ErrorKind.InvalidArgument, "InvalidIdentificationRule", message, name, advice);

    private static IdentificationRule Read(DbDataReader reader) => new()
    {
        Id = reader.GetInt64(0),
        Class = (RecordClass)reader.GetInt32(1),
        Position = reader.GetInt32(2),
        Name = reader.GetString(3),
        Conditions = [.. JsonConvert.DeserializeObject<string[]>(reader.GetString(4))!.Select(RuleCondition.Parse)],
        Action = Enum.Parse<RuleAction>(reader.GetString(5)),
    };

    private static IdentificationRule Rule(int position, RecordClass recordClass, string name, params IdentificationAttribute[] attributes) => new()
    {
        Class = recordClass,
        Position = position,
        Name = name,
        Conditions = [.. attributes.Select(a => new RuleCondition(a, ComparisonOperator.Matches))],
        Action = RuleAction.Overwrite,
    };

    private sealed record PortableRule(RecordClass Class, string? Name, string[]? Conditions, RuleAction Action);
}
