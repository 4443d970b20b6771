using System.Globalization;

namespace AlloyScan.Engine.Jobs.Schedules;

/// <summary>Says a schedule in words.</summary>
internal static class ScheduleWords
{
    public static string Of(Schedule schedule)
    {
        var days = schedule.Occurs switch
        {
            ScheduleOccurs.Daily => Every(schedule.Every, "day"),
            ScheduleOccurs.Weekly => $"{Every(schedule.Every, "week")} on {List(schedule.Weekdays)}",
            ScheduleOccurs.Monthly => $"On {Day(schedule)} of {(schedule.Months.Count > 0 ? List(schedule.Months) : Lower(Every(schedule.Every, "month")))}",
            _ => $"{Every(schedule.Every, "year")} on {Day(schedule)} of {List(schedule.Months)}",
        };
        var times = schedule.EveryMinutes is { } minutes
            ? $"{Lower(minutes % 60 == 0 ? Every(minutes / 60, "hour") : Every(minutes, "minute"))} from {Time(schedule.StartingAt)} to {Time(schedule.EndingAt)}"
            : $"at {Time(schedule.At)}";
        return $"{days}{(schedule.EveryMinutes is null ? " " : ", ")}{times}{Dates(schedule)} ({schedule.TimeZone})";
    }

    // The start date matters where something is counted from it, or where it is one end of a span.
    private static string Dates(Schedule schedule) => schedule switch
    {
        { EndDate: not null } => $", from {Date(schedule.StartDate)} to {Date(schedule.EndDate)}",
        { Every: > 1, StartDate: not null } => $", from {Date(schedule.StartDate)}",
        _ => string.Empty,
    };

    private static string Day(Schedule schedule) => schedule.Day is { } day
        ? string.Create(CultureInfo.InvariantCulture, $"day {day}")
        : $"the {schedule.Week?.ToString().ToLowerInvariant()} {List(schedule.Weekdays)}";

    private static string Every(int number, string noun) => number == 1 ? $"Every {noun}" : string.Create(CultureInfo.InvariantCulture, $"Every {number} {noun}s");

    private static string Lower(string text) => char.ToLowerInvariant(text[0]) + text[1..];

    private static string List<T>(IReadOnlyList<T> items) => items.Count switch
    {
        0 => string.Empty,
        1 => $"{items[0]}",
        _ => $"{string.Join(", ", items.Take(items.Count - 1))} and {items[^1]}",
    };

    private static string Time(TimeOnly? time) => time?.ToString("HH:mm", CultureInfo.InvariantCulture) ?? string.Empty;

    private static string Date(DateOnly? date) => date?.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture) ?? string.Empty;
}
