using System.Globalization;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Sync;

namespace AlloyScan.AutomationServer.Output;

/// <summary>Values as people read them, the same on every machine.</summary>
internal static class Words
{
    /// <summary>A number with separators: 39,120.</summary>
    /// <param name="number">The number.</param>
    public static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>A count with its noun: 1 device, 2 devices.</summary>
    /// <param name="number">The number.</param>
    /// <param name="noun">The noun in the singular.</param>
    public static string Count(long number, string noun) => $"{Number(number)} {noun}{(number == 1 ? "" : "s")}";

    /// <summary>A duration: 0.4 s, 12 s, 3 min 05 s.</summary>
    /// <param name="duration">The duration; <see langword="null"/> while it is not known.</param>
    public static string Duration(TimeSpan? duration) => duration switch
    {
        null => "",
        { TotalSeconds: < 10 } d => string.Create(CultureInfo.InvariantCulture, $"{d.TotalSeconds:0.0} s"),
        { TotalSeconds: < 60 } d => string.Create(CultureInfo.InvariantCulture, $"{d.TotalSeconds:0} s"),
        { } d => string.Create(CultureInfo.InvariantCulture, $"{(int)d.TotalMinutes} min {d.Seconds:00} s"),
    };

    /// <summary>A time in UTC, to the second.</summary>
    /// <param name="time">The time; <see langword="null"/> for none.</param>
    public static string Time(DateTimeOffset? time) => time?.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture) ?? "";

    /// <summary>Platforms as the <c>--software</c> option takes them.</summary>
    /// <param name="platforms">The platforms.</param>
    public static string Platforms(SoftwarePlatforms platforms) => platforms switch
    {
        SoftwarePlatforms.All => "all",
        SoftwarePlatforms.None => "none",
        _ => platforms.ToString().Replace(" ", "", StringComparison.Ordinal).ToLowerInvariant(),
    };

    /// <summary>A change in one line without the name of its device: fields with old and new value, then software.</summary>
    /// <param name="change">The change.</param>
    public static string Details(SyncChange change)
    {
        var parts = new List<string>();
        if (change.Action == ChangeAction.Create)
        {
            if (change.Fields.Count > 0)
                parts.Add(Count(change.Fields.Count, "field"));
        }
        else
        {
            parts.AddRange(change.Fields.Select(f => f.ToString()));
        }

        if (change.SoftwareAdded > 0)
            parts.Add($"+{Number(change.SoftwareAdded)} software");

        if (change.SoftwareRemoved > 0)
            parts.Add($"-{Number(change.SoftwareRemoved)} software");

        if (change.Reason is not null && change.Action != ChangeAction.Update)
            parts.Add(change.Reason);

        return string.Join("; ", parts);
    }

    /// <summary>An action in lower-case words: create, mark missing.</summary>
    /// <param name="action">The action.</param>
    public static string Action(ChangeAction action) => action switch
    {
        ChangeAction.MarkMissing => "missing",
        ChangeAction.CloseLink => "close link",
        ChangeAction.DeleteInAlloyScan => "delete in AlloyScan",
        _ => action.ToString().ToLowerInvariant(),
    };
}
