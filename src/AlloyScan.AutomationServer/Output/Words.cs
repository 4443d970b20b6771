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
    /// <param name="mostFields">Most fields to spell out.</param>
    public static string Details(SyncChange change, int mostFields = int.MaxValue)
    {
        var parts = new List<string>();
        if (change.Action == ChangeAction.Create)
        {
            if (change.Fields.Count > 0)
                parts.Add(Count(change.Fields.Count, "field"));
        }
        else
        {
            parts.AddRange(change.Fields.Take(mostFields).Select(f => f.ToString()));
            if (change.Fields.Count > mostFields)
                parts.Add(Count(change.Fields.Count - mostFields, "more field"));
        }

        if (change.SoftwareAdded > 0 || change.SoftwareRemoved > 0)
            parts.Add($"software {SetChange(change.SoftwareAdded, change.SoftwareRemoved)}");

        if (change.Reason is not null && change.Action is not (ChangeAction.Create or ChangeAction.Update))
            parts.Add(change.Reason);

        return string.Join("; ", parts);
    }

    /// <summary>What came to a set and what went: +5 -3.</summary>
    /// <param name="added">Number added.</param>
    /// <param name="removed">Number removed.</param>
    public static string SetChange(long added, long removed) => (added, removed) switch
    {
        (0, 0) => "0",
        (_, 0) => $"+{Number(added)}",
        (0, _) => $"-{Number(removed)}",
        _ => $"+{Number(added)} -{Number(removed)}",
    };

    /// <summary>How a run ended, in words.</summary>
    /// <param name="status">The status.</param>
    public static string Status(SyncRunStatus status) => status == SyncRunStatus.PartiallySucceeded ? "Partially succeeded" : status.ToString();

    /// <summary>How a run ended, how long it took and what it cost.</summary>
    /// <param name="run">The run.</param>
    public static string Outcome(SyncRun run) => $"{Status(run.Status)} in {Duration(run.Duration)}, with {Count(run.ApiCalls, "API call")}.";

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
