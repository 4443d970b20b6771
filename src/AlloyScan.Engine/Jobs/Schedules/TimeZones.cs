using NodaTime;
using NodaTime.TimeZones;

namespace AlloyScan.Engine.Jobs.Schedules;

/// <summary>Zones by name. The tz database is loaded with the first question.</summary>
public static class TimeZones
{
    private const int MostNearNames = 5;

    private static readonly Lazy<Dictionary<string, string>> s_names = new(() =>
    {
        var source = TzdbDateTimeZoneSource.Default;
        var names = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var (windows, id) in source.WindowsMapping.PrimaryMapping)
            names[windows] = id;
        // A name that both have means the tz one.
        foreach (var id in source.GetIds())
            names[id] = id;
        return names;
    });

    /// <summary>Names of the tz database, in order.</summary>
    public static IReadOnlyList<string> Names { get => [.. TzdbDateTimeZoneSource.Default.GetIds().Order(StringComparer.Ordinal)]; }

    /// <summary>The tz name of a zone.</summary>
    /// <param name="name">Its name in the tz database or in Windows, without case; empty for the zone of this machine.</param>
    /// <exception cref="AlloyScanException">There is no such zone, or that of this machine has no name (<c>UnknownTimeZone</c>).</exception>
    public static string Find(string? name)
    {
        if (string.IsNullOrWhiteSpace(name))
            return Local();
        if (s_names.Value.TryGetValue(name.Trim(), out var id))
            return id;

        var near = Near(name.Trim());
        throw new AlloyScanException(
            ErrorKind.InvalidArgument, "UnknownTimeZone", $"There is no time zone '{Shown(name)}'.", name,
            near.Count == 0 ? "Give a name such as 'Europe/Vienna', 'America/New_York', 'UTC' or 'Pacific Standard Time'." : $"Did you mean {string.Join(", ", near.Select(n => $"'{n}'"))}?");
    }

    internal static DateTimeZone Get(string name) => DateTimeZoneProviders.Tzdb[Find(name)];

    private static string Local()
    {
        try
        {
            return DateTimeZoneProviders.Tzdb.GetSystemDefault().Id;
        }
        catch (DateTimeZoneNotFoundException e)
        {
            throw new AlloyScanException(ErrorKind.InvalidArgument, "UnknownTimeZone", "The time zone of this machine has no name.", null, "Name the zone of the schedule, such as 'Europe/Vienna'.", e);
        }
    }

    /// <summary>Zones whose name, or whose city, is written much like a text.</summary>
    private static List<string> Near(string name)
    {
        if (name.Length > 60)
            return [];

        var wanted = Plain(name);
        var wantedCity = Plain(name[(name.LastIndexOf('/') + 1)..]);
        return
        [
            .. s_names.Value.Keys
                .Select(known => (Name: known, Distance: Distance(known)))
                .Where(n => n.Distance < int.MaxValue)
                .OrderBy(n => n.Distance).ThenBy(n => n.Name, StringComparer.Ordinal)
                .Take(MostNearNames).Select(n => n.Name),
        ];

        // A short name is near to few others: one letter in three may differ.
        int Distance(string known)
        {
            var whole = Plain(known);
            if (wanted.Length >= 3 && whole.Contains(wanted, StringComparison.Ordinal))
                return 1;

            var ofWhole = Edits(whole, wanted);
            var ofCity = Edits(Plain(known[(known.LastIndexOf('/') + 1)..]), wantedCity);
            return Math.Min(ofWhole <= Math.Max(2, wanted.Length / 3) ? ofWhole : int.MaxValue, ofCity <= wantedCity.Length / 3 ? ofCity : int.MaxValue);
        }
    }

    private static string Plain(string name) => name.Replace(' ', '_').ToUpperInvariant();

    private static string Shown(string name) => name.Length <= 60 ? name : name[..60] + "...";

    /// <summary>Letters to add, remove or change to make one text of another.</summary>
    private static int Edits(string one, string other)
    {
        var row = Enumerable.Range(0, other.Length + 1).ToArray();
        for (var i = 1; i <= one.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= other.Length; j++)
            {
                var changed = diagonal + (one[i - 1] == other[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(changed, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[other.Length];
    }
}
