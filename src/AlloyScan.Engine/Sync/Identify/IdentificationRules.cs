using System.Text.RegularExpressions;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Store;

namespace AlloyScan.Engine.Sync.Identify;

/// <summary>The identification rules of a store. They hold for all its jobs, each class for itself.</summary>
public sealed class IdentificationRules
{
    private readonly AlloyStore _store;

    internal IdentificationRules(AlloyStore store) => _store = store;

    /// <summary>What is allowed, but worth a second thought; one sentence or two each.</summary>
    /// <param name="rule">The rule.</param>
    public static IReadOnlyList<string> Doubts(IdentificationRule rule)
    {
        ArgumentNullException.ThrowIfNull(rule);
        return [.. IdentificationPolicy.Doubts(rule)];
    }

    /// <summary>Rules by class and in the order in which they are tried, with the system rules first and last.</summary>
    /// <param name="recordClass">Class; <see langword="null"/> for both.</param>
    /// <param name="namePattern">A name, or a pattern with <c>*</c> and <c>?</c>; <see langword="null"/> for all.</param>
    public IReadOnlyList<IdentificationRule> List(RecordClass? recordClass = null, string? namePattern = null)
    {
        using var session = _store.NewSession();
        return [.. List(session, recordClass).Where(r => Fits(r.Name, namePattern))];
    }

    /// <summary>One rule.</summary>
    /// <param name="recordClass">Its class; <see langword="null"/> when the name alone tells it.</param>
    /// <param name="name">Its name, without case.</param>
    /// <exception cref="AlloyScanException">There is none (<c>RuleNotFound</c>), the message lists those there are; or both classes have one (<c>RuleAmbiguous</c>).</exception>
    public IdentificationRule Get(RecordClass? recordClass, string name)
    {
        using var session = _store.NewSession();
        return Get(session, recordClass, name);
    }

    /// <summary>Saves a new rule.</summary>
    /// <param name="rule">The rule; its position does not count.</param>
    /// <param name="position">Where it is to stand, from 1; <see langword="null"/> for the last place before <c>Default</c>.</param>
    /// <returns>The rule as saved.</returns>
    /// <exception cref="AlloyScanException">It is refused: <c>RuleTooBroad</c>, <c>RuleExists</c>, <c>InvalidIdentificationRule</c>, <c>InvalidRuleCondition</c>, <c>InvalidRulePosition</c>.</exception>
    public IdentificationRule Create(IdentificationRule rule, int? position = null)
    {
        ArgumentNullException.ThrowIfNull(rule);
        var good = IdentificationPolicy.Check(rule);
        using var session = _store.NewSession();
        session.InTransactionDo(() =>
        {
            var rules = Own(session, good.Class);
            if (rules.Any(r => IsNamed(r, good.Name)))
                throw IdentificationPolicy.NameTaken(good);
            rules.Insert(Place(good, position ?? rules.Count + 1, rules.Count + 1), good);
            IdentificationPolicy.Insert(session, good with { Position = rules.Count });
            Renumber(session, good.Class, rules);
        });
        return Get(session, good.Class, good.Name);
    }

    /// <summary>Saves a changed rule, found by <see cref="IdentificationRule.Id"/>: conditions, action, name, and position, which moves it.</summary>
    /// <param name="rule">The rule. Its class cannot change.</param>
    /// <returns>The rule as saved.</returns>
    /// <exception cref="AlloyScanException">As <see cref="Create"/>, and <c>RuleIsSystem</c>, <c>RuleNotFound</c>.</exception>
    public IdentificationRule Update(IdentificationRule rule)
    {
        ArgumentNullException.ThrowIfNull(rule);
        if (rule.IsSystem)
            throw IsSystem(rule, "changed or moved");

        var good = IdentificationPolicy.Check(rule);
        using var session = _store.NewSession();
        session.InTransactionDo(() =>
        {
            var rules = Own(session, good.Class);
            var before = rules.Find(r => r.Id == good.Id) ?? throw NotFound(good.Class, good.Name, rules);
            if (rules.Any(r => r.Id != good.Id && IsNamed(r, good.Name)))
                throw IdentificationPolicy.NameTaken(good);
            rules.Remove(before);
            rules.Insert(Place(good, good.Position, rules.Count + 1), good);
            session.Execute(
                "UPDATE identification_rules SET name = @p0, conditions = @p1, action = @p2 WHERE id = @p3",
                good.Name, IdentificationPolicy.Stored(good.Conditions), good.Action.ToString(), good.Id);
            Renumber(session, good.Class, rules);
        });
        return Get(session, good.Class, good.Name);
    }

    /// <summary>Removes a rule. Links that it made stay.</summary>
    /// <param name="recordClass">Its class.</param>
    /// <param name="name">Its name.</param>
    /// <exception cref="AlloyScanException">There is none (<c>RuleNotFound</c>), or it is a system rule (<c>RuleIsSystem</c>).</exception>
    public void Remove(RecordClass recordClass, string name)
    {
        using var session = _store.NewSession();
        session.InTransactionDo(() =>
        {
            var rule = Get(session, recordClass, name);
            if (rule.IsSystem)
                throw IsSystem(rule, "removed");

            session.Execute("DELETE FROM identification_rules WHERE id = @p0", rule.Id);
            Renumber(session, recordClass, Own(session, recordClass));
        });
    }

    /// <summary>Puts the shipped rules in place of those of a class.</summary>
    /// <param name="recordClass">Class; <see langword="null"/> for both.</param>
    /// <returns>The rules as they are then.</returns>
    public IReadOnlyList<IdentificationRule> Reset(RecordClass? recordClass = null)
    {
        using var session = _store.NewSession();
        session.InTransactionDo(() => IdentificationPolicy.Replace(session, recordClass, IdentificationPolicy.Shipped));
        return [.. List(session, recordClass)];
    }

    /// <summary>With the system rules around those of each class.</summary>
    internal static IEnumerable<IdentificationRule> WithSystemRules(IReadOnlyList<IdentificationRule> rules, RecordClass? recordClass)
    {
        foreach (var one in Enum.GetValues<RecordClass>())
        {
            if (recordClass is not null && recordClass != one)
                continue;

            yield return new IdentificationRule { Class = one, Position = 0, Name = IdentificationRule.EqualId, Action = RuleAction.Overwrite, IsSystem = true };
            var count = 0;
            foreach (var rule in rules.Where(r => r.Class == one))
                yield return rule with { Position = ++count };
            yield return new IdentificationRule { Class = one, Position = count + 1, Name = IdentificationRule.Default, Action = RuleAction.Create, IsSystem = true };
        }
    }

    private static IEnumerable<IdentificationRule> List(StoreSession session, RecordClass? recordClass) => WithSystemRules(IdentificationPolicy.Load(session), recordClass);

    private static List<IdentificationRule> Own(StoreSession session, RecordClass recordClass) => [.. IdentificationPolicy.Load(session).Where(r => r.Class == recordClass)];

    private static IdentificationRule Get(StoreSession session, RecordClass? recordClass, string name)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        var rules = List(session, recordClass).ToList();
        var named = rules.FindAll(r => IsNamed(r, name));
        return named.Count switch
        {
            1 => named[0],
            0 => throw NotFound(recordClass, name, rules),
            _ => throw new AlloyScanException(
                ErrorKind.InvalidArgument, "RuleAmbiguous", $"Both classes have an identification rule named '{named[0].Name}'.", name, "Say which is meant: Computer or Hardware."),
        };
    }

    private static int Place(IdentificationRule rule, int position, int last) => position >= 1 && position <= last
        ? position - 1
        : throw new AlloyScanException(
            ErrorKind.InvalidArgument, "InvalidRulePosition", $"The rule '{rule.Name}' cannot stand at position {position}.", rule.Name,
            last == 1 ? $"Its only place is 1, between '{IdentificationRule.EqualId}' and '{IdentificationRule.Default}'." : $"Positions go from 1 to {last}, between '{IdentificationRule.EqualId}' and '{IdentificationRule.Default}'.");

    private static void Renumber(StoreSession session, RecordClass recordClass, List<IdentificationRule> rules)
    {
        var position = 0;
        foreach (var rule in rules)
            session.Execute("UPDATE identification_rules SET position = @p0 WHERE class = @p1 AND name = @p2", ++position, (int)recordClass, rule.Name);
    }

    private static bool IsNamed(IdentificationRule rule, string name) => string.Equals(rule.Name, name.Trim(), StringComparison.OrdinalIgnoreCase);

    private static bool Fits(string name, string? pattern) => string.IsNullOrEmpty(pattern)
        || Regex.IsMatch(name, $"^{Regex.Escape(pattern).Replace("\\*", ".*", StringComparison.Ordinal).Replace("\\?", ".", StringComparison.Ordinal)}$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant);

    private static AlloyScanException IsSystem(IdentificationRule rule, string what) => new(
        ErrorKind.InvalidArgument, "RuleIsSystem", $"The rule '{rule.Name}' for {rule.Class} is a system rule and cannot be {what}.", rule.Name,
        "Rules between the two system rules can.");

    private static AlloyScanException NotFound(RecordClass? recordClass, string name, IEnumerable<IdentificationRule> rules) => new(
        ErrorKind.NotFound, "RuleNotFound", $"There is no identification rule named '{name}'{(recordClass is null ? string.Empty : $" for {recordClass}")}.", name,
        $"The rules are: {string.Join(", ", rules.Select(r => $"'{r.Name}'").Distinct())}.");
}
