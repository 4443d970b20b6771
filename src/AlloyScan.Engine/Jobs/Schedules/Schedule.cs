using NodaTime;

namespace AlloyScan.Engine.Jobs.Schedules;

/// <summary>
/// When a job runs: days, times of the day, first and last date, all in the local time of a named zone. Each local time of the
/// schedule occurs once: at the first instant at which the clocks show it or, where they skip it, a later time.
/// </summary>
public sealed record Schedule
{
    /// <summary>Most days, weeks, months or years between occurrences.</summary>
    public const int MostEvery = 1000;

    private ScheduleRule? _rule;

    // All but the rule, which a copy with other settings has to make anew.
    private Schedule(Schedule original)
    {
        Occurs = original.Occurs;
        Every = original.Every;
        Weekdays = original.Weekdays;
        Day = original.Day;
        Week = original.Week;
        Months = original.Months;
        At = original.At;
        EveryMinutes = original.EveryMinutes;
        StartingAt = original.StartingAt;
        EndingAt = original.EndingAt;
        StartDate = original.StartDate;
        EndDate = original.EndDate;
        TimeZone = original.TimeZone;
    }

    /// <summary>Makes a schedule; nothing is checked before <see cref="Check"/>.</summary>
    public Schedule()
    {
    }

    /// <summary>On which days it occurs.</summary>
    public required ScheduleOccurs Occurs { get; init; }

    /// <summary>Every how many days, weeks, months or years, from <see cref="StartDate"/> on.</summary>
    public int Every { get; init; } = 1;

    /// <summary>Weekdays of a weekly schedule; with <see cref="Week"/> the one weekday of a monthly or yearly one.</summary>
    public IReadOnlyList<DayOfWeek> Weekdays { get; init; } = [];

    /// <summary>Day of the month, for a monthly or yearly schedule. Months that are too short are left out.</summary>
    public int? Day { get; init; }

    /// <summary>Which of the month's weekdays, for a monthly or yearly schedule without <see cref="Day"/>.</summary>
    public WeekOfMonth? Week { get; init; }

    /// <summary>Months of a monthly schedule, empty for all; the one month of a yearly schedule.</summary>
    public IReadOnlyList<ScheduleMonth> Months { get; init; } = [];

    /// <summary>Time of the day at which it occurs once; <see langword="null"/> when it occurs every so many minutes.</summary>
    public TimeOnly? At { get; init; }

    /// <summary>Minutes between the times of a day; <see langword="null"/> when it occurs once a day.</summary>
    public int? EveryMinutes { get; init; }

    /// <summary>First time of the day, with <see cref="EveryMinutes"/>.</summary>
    public TimeOnly? StartingAt { get; init; }

    /// <summary>Time of the day after which nothing starts, with <see cref="EveryMinutes"/>.</summary>
    public TimeOnly? EndingAt { get; init; }

    /// <summary>First date; <see langword="null"/> becomes the current one when the schedule is checked.</summary>
    public DateOnly? StartDate { get; init; }

    /// <summary>Last date; <see langword="null"/> for none.</summary>
    public DateOnly? EndDate { get; init; }

    /// <summary>Zone whose clocks count, by its name in the tz database or in Windows; empty for that of this machine.</summary>
    public string TimeZone { get; init; } = string.Empty;

    private ScheduleRule Rule => _rule ??= new ScheduleRule(this);

    /// <summary>Checks the schedule and brings it into one form: zone by its tz name, start date filled in, weekdays and months in order.</summary>
    /// <param name="timeProvider">Clock that tells the current date, for a schedule without a start date.</param>
    /// <exception cref="AlloyScanException">It contradicts itself (<c>InvalidSchedule</c>), its zone does not exist (<c>UnknownTimeZone</c>) or it has no occurrence at all (<c>ScheduleNeverOccurs</c>).</exception>
    public Schedule Check(TimeProvider timeProvider) => ScheduleCheck.Checked(this, timeProvider);

    /// <summary>Refuses a schedule that has come to its end. One that a job has may have ended; one that a person gives it is to occur.</summary>
    /// <param name="timeProvider">The clock.</param>
    /// <returns>The schedule.</returns>
    /// <exception cref="AlloyScanException">It does not occur any more (<c>ScheduleNeverOccurs</c>).</exception>
    public Schedule CheckAhead(TimeProvider timeProvider)
    {
        ArgumentNullException.ThrowIfNull(timeProvider);
        return NextAfter(timeProvider.GetUtcNow()) is not null ? this : throw ScheduleCheck.Ended(this);
    }

    /// <summary>Reads a schedule from JSON and checks it.</summary>
    /// <param name="json">The JSON.</param>
    /// <param name="timeProvider">As in <see cref="Check"/>.</param>
    /// <exception cref="AlloyScanException">As <see cref="Check"/>, and it is no JSON object (<c>NotASchedule</c>) or holds a member that does not exist (<c>UnknownScheduleMember</c>).</exception>
    public static Schedule Parse(string json, TimeProvider timeProvider) => ScheduleJson.Parse(json).Check(timeProvider);

    /// <summary>Writes the schedule as JSON that <see cref="Parse"/> reads.</summary>
    public string ToJson() => ScheduleJson.Write(this);

    /// <summary>The first occurrence after an instant.</summary>
    /// <param name="instant">The instant.</param>
    /// <returns>The occurrence, UTC; <see langword="null"/> when there is none any more.</returns>
    public DateTimeOffset? NextAfter(DateTimeOffset instant) => Rule.NextAfter(Instant.FromDateTimeOffset(instant))?.ToDateTimeOffset();

    /// <summary>The occurrences after an instant, one after the other as they are asked for.</summary>
    /// <param name="instant">The instant.</param>
    public IEnumerable<ScheduleOccurrence> After(DateTimeOffset instant)
    {
        for (var next = Rule.NextAfter(Instant.FromDateTimeOffset(instant)); next is { } found; next = Rule.NextAfter(found))
            yield return Rule.Describe(found);
    }

    /// <summary>The schedule in words.</summary>
    public override string ToString() => ScheduleWords.Of(this);

    /// <summary>Whether two schedules are the same.</summary>
    /// <param name="other">The other one.</param>
    public bool Equals(Schedule? other) => other is not null && ToJson() == other.ToJson();

    /// <inheritdoc/>
    public override int GetHashCode() => ToJson().GetHashCode(StringComparison.Ordinal);
}
