using System.Collections;
using System.Globalization;
using AlloyScan.Engine;
using AlloyScan.Engine.Sync.Guard;

namespace AlloyScan.PowerShell.Abstractions;

/// <summary>Reads the guard's limits as users give them: a hashtable by kind, each limit as a number, as text, or as a hashtable of Count and Share.</summary>
internal static class GuardLimitTable
{
    /// <summary>The limits that a table names. A kind whose value is $null has the default, as one that is absent.</summary>
    /// <exception cref="AlloyScanException">A kind or limit is none (<c>InvalidGuardLimit</c>).</exception>
    public static Dictionary<GuardKinds, GuardLimit> From(IDictionary table)
    {
        var result = new Dictionary<GuardKinds, GuardLimit>();
        foreach (DictionaryEntry entry in table)
        {
            var name = Convert.ToString(entry.Key, CultureInfo.InvariantCulture)!.Trim();
            var kind = GuardLimit.Kinds.FirstOrDefault(k => string.Equals(k.ToString(), name, StringComparison.OrdinalIgnoreCase));
            if (kind == GuardKinds.None)
                throw Invalid($"The guard knows no kind of change '{name}'.", name, $"The kinds are {string.Join(", ", GuardLimit.Kinds)}.");
            if (FieldTexts.Bare(entry.Value) is { } value)
                result[kind] = From(kind, value);
        }

        return result;
    }

    private static GuardLimit From(GuardKinds kind, object value) => value switch
    {
        GuardLimit limit => limit,
        IDictionary parts => FromParts(kind, parts.Cast<DictionaryEntry>().Select(e => (Convert.ToString(e.Key, CultureInfo.InvariantCulture) ?? string.Empty, FieldTexts.Bare(e.Value)))),
        _ => GuardLimit.Parse(kind, Convert.ToString(value, CultureInfo.InvariantCulture)!),
    };

    private static GuardLimit FromParts(GuardKinds kind, IEnumerable<(string Key, object? Value)> parts)
    {
        int? count = null;
        decimal? share = null;
        foreach (var (key, value) in parts)
        {
            var text = Convert.ToString(value, CultureInfo.InvariantCulture)!.Trim();
            if (string.Equals(key.Trim(), nameof(GuardLimit.Count), StringComparison.OrdinalIgnoreCase))
                count = GuardLimit.Parse(kind, text).Count;
            else if (!string.Equals(key.Trim(), nameof(GuardLimit.Share), StringComparison.OrdinalIgnoreCase))
                throw Invalid($"The guard's limit for {kind} has the key '{key}'.", key, "The keys are Count and Share.");
            else if (text.EndsWith('%') || text == "0")
                share = GuardLimit.Parse(kind, text).Share;
            else
                throw Invalid($"The guard's limit for {kind} has the share '{text}'.", text, "Give a share in percent, as in '5 %': a bare number could be percent or a fraction.");
        }

        return GuardLimit.Of(kind, count, share);
    }

    private static AlloyScanException Invalid(string message, string target, string advice) => new(ErrorKind.InvalidArgument, "InvalidGuardLimit", message, target, advice);
}
