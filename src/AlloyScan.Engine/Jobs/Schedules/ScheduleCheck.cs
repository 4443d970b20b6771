using NodaTime;

namespace AlloyScan.Engine.Jobs.Schedules;

/// <summary>Refuses schedules that contradict themselves or never occur, when they are made and not when they should run.</summary>
internal static class ScheduleCheck
{
    private static readonly TimeOnly s_lastMinute = new(23, 59);
    private static readonly DateOnly s_firstDate = new(1970, 1, 1);
    private static readonly DateOnly s_lastDate = new(9000, 12, 31);

    public static Schedule Checked(Schedule schedule, TimeProvider timeProvider)
    {
        if (!Enum.IsDefined(schedule.Occurs))
            throw Invalid($"has the kind {schedule.Occurs}, which does not exist", "Use Daily, Weekly, Monthly or Yearly.");
        if (schedule.Every is < 1 or > Schedule.MostEvery)
            throw Invalid(FormattableString.Invariant($"occurs every {schedule.Every} {Unit(schedule)}s"), FormattableString.Invariant($"Give a number from 1 to {Schedule.MostEvery}."));

        CheckDays(schedule);
        schedule = WithTimes(schedule);
        var zone = TimeZones.Find(schedule.TimeZone);
        var start = schedule.StartDate ?? Today(zone, timeProvider);
        if (start < s_firstDate || start > s_lastDate || schedule.EndDate > s_lastDate)
            throw Invalid(FormattableString.Invariant($"has a date that is not between {s_firstDate:yyyy-MM-dd} and {s_lastDate:yyyy-MM-dd}"), "Correct the date.");
        if (schedule.EndDate < start)
            throw Invalid(FormattableString.Invariant($"ends on {schedule.EndDate:yyyy-MM-dd}, before it starts on {start:yyyy-MM-dd}"), "Give an end date that is not before the start date, or none.");

        var whole = schedule with
        {
            Weekdays = [.. schedule.Weekdays.Distinct().OrderBy(d => ((int)d + 6) % 7)],
            Months = [.. schedule.Months.Distinct().Order()],
            TimeZone = zone,
            StartDate = start,
        };
        CheckOccurs(whole);
        return whole;
    }

    private static void CheckDays(Schedule schedule)
    {
        if (schedule.Weekdays.Any(d => !Enum.IsDefined(d)) || schedule.Months.Any(m => !Enum.IsDefined(m)) || schedule.Week is { } week && !Enum.IsDefined(week))
            throw Invalid("names a weekday, a month or a week that does not exist", "Weekdays go from Sunday (0) to Saturday (6), months from January (1) to December (12), weeks from First to Fourth, and Last.");

        var ofMonth = schedule.Occurs is ScheduleOccurs.Monthly or ScheduleOccurs.Yearly;
        if (!ofMonth && (schedule.Day is not null || schedule.Week is not null || schedule.Months.Count > 0))
            throw Invalid($"is {Word(schedule)} and has a day, week or month, which only monthly and yearly schedules have", "Take it out, or make the schedule monthly or yearly.");
        if (schedule.Occurs == ScheduleOccurs.Daily && schedule.Weekdays.Count > 0)
            throw Invalid("is daily and names weekdays", "Make it weekly, or take the weekdays out.");
        if (schedule.Occurs == ScheduleOccurs.Weekly && schedule.Weekdays.Count == 0)
            throw Never("is weekly and names no weekday", "Name one or more, such as Monday.");
        if (!ofMonth)
            return;

        if (schedule.Day is null == schedule.Week is null)
            throw Invalid($"is {Word(schedule)} and has {(schedule.Day is null ? "no day" : "two")}", "Give the number of the day, or the week (First, Second, Third, Fourth, Last) with a weekday.");
        if (schedule.Day is < 1 or > 31)
            throw Invalid(FormattableString.Invariant($"has the day {schedule.Day}, which no month has"), "Give a day from 1 to 31.");
        if (schedule.Day is not null && schedule.Weekdays.Count > 0)
            throw Invalid("names both a day of the month and a weekday", "Take one out, or use the week with the weekday.");
        if (schedule.Week is not null && schedule.Weekdays.Distinct().Count() != 1)
            throw Invalid($"has the week {schedule.Week} and {(schedule.Weekdays.Count == 0 ? "no weekday" : "several weekdays")}", "Name one weekday.");
        if (schedule.Occurs == ScheduleOccurs.Monthly && schedule.Every > 1 && schedule.Months.Count > 0)
            throw Invalid(FormattableString.Invariant($"names months and occurs every {schedule.Every} months"), "Give one of the two.");
        if (schedule.Occurs == ScheduleOccurs.Yearly && schedule.Months.Distinct().Count() != 1)
            throw Invalid($"is yearly and names {(schedule.Months.Count == 0 ? "no month" : "several months")}", "Name one month; for several make it monthly.");
    }

    private static Schedule WithTimes(Schedule schedule)
    {
        foreach (var time in new[] { schedule.At, schedule.StartingAt, schedule.EndingAt })
        {
            if (time is { } given && given.Ticks % TimeSpan.TicksPerMinute != 0)
                throw Invalid(FormattableString.Invariant($"has the time {given:HH:mm:ss}, which is no whole minute"), "Give hours and minutes.");
        }

        if (schedule.EveryMinutes is not { } minutes)
        {
            if (schedule.StartingAt is not null || schedule.EndingAt is not null)
                throw Invalid("has a time to start or end at and no interval", "Say every how many minutes or hours it occurs between them, or give the one time at which it occurs.");
            return schedule.At is null
                ? throw Invalid("has no time", "Give the time at which it occurs, or every how many minutes or hours.")
                : schedule;
        }

        if (schedule.At is not null)
            throw Invalid("occurs both once and every so many minutes", "Give one of the two.");
        if (minutes is < 1 or >= 24 * 60)
            throw Invalid(FormattableString.Invariant($"occurs every {minutes} minutes"), "Give an interval from 1 minute to less than 24 hours.");
        var (start, end) = (schedule.StartingAt ?? TimeOnly.MinValue, schedule.EndingAt ?? s_lastMinute);
        if (end < start)
            throw Invalid(FormattableString.Invariant($"ends at {end:HH:mm}, before it starts at {start:HH:mm}"), "A day's times lie between midnight and midnight; for a span over midnight make two jobs.");
        return schedule with { StartingAt = start, EndingAt = end };
    }

    private static void CheckOccurs(Schedule schedule)
    {
        if (new ScheduleRule(schedule).FirstDate() is not null)
            return;

        if (schedule.EndDate is not null && new ScheduleRule(schedule with { EndDate = null }).FirstDate() is { } first)
        {
            throw Never(
                FormattableString.Invariant($"has no day between {schedule.StartDate:yyyy-MM-dd} and {schedule.EndDate:yyyy-MM-dd}; its first would be {first.ToDateOnly():yyyy-MM-dd}"),
                "Give a later end date, or another day.");
        }

        throw Never(
            FormattableString.Invariant($"is for day {schedule.Day}{(schedule.Months.Count > 0 ? $" of {string.Join(", ", schedule.Months)}" : "")}, which none of its months has"),
            "Give a day that the months have, such as the last weekday, or other months.");
    }

    private static DateOnly Today(string zone, TimeProvider timeProvider) =>
        Instant.FromDateTimeOffset(timeProvider.GetUtcNow()).InZone(TimeZones.Get(zone)).Date.ToDateOnly();

    private static string Word(Schedule schedule) => schedule.Occurs.ToString().ToLowerInvariant();

    private static string Unit(Schedule schedule) => schedule.Occurs switch
    {
        ScheduleOccurs.Daily => "day",
        ScheduleOccurs.Weekly => "week",
        ScheduleOccurs.Monthly => "month",
        _ => "year",
    };

    private static AlloyScanException Invalid(string problem, string advice) => new(ErrorKind.InvalidArgument, "InvalidSchedule", $"The schedule {problem}.", null, advice);

    public static AlloyScanException Ended(Schedule schedule) => Never(
        FormattableString.Invariant($"has no time left until its end on {schedule.EndDate:yyyy-MM-dd}"), "Give a later end date, or none.");

    private static AlloyScanException Never(string problem, string advice) => new(ErrorKind.InvalidArgument, "ScheduleNeverOccurs", $"The schedule never occurs: it {problem}.", null, advice);
}
