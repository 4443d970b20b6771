using System.Globalization;
using System.Management.Automation;
using AlloyScan.Engine;
using AlloyScan.Engine.Jobs.Schedules;
using AlloyScan.PowerShell.Abstractions;
using AlloyScan.PowerShell.Completion;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Makes a schedule for sync jobs: an object, which changes nothing until a job gets it.</summary>
[Cmdlet(VerbsCommon.New, "AlloyScanSchedule", DefaultParameterSetName = nameof(ScheduleOccurs.Daily))]
[OutputType(typeof(Schedule))]
public sealed class NewAlloyScanScheduleCommand : AsyncCmdlet
{
    private static readonly string[] s_timeFormats = ["H:mm", "HH:mm", "H:mm:ss", "HH:mm:ss", "h:mm tt", "h:mmtt", "h tt", "htt"];

    /// <summary>Occurs every day, or every so many days.</summary>
    [Parameter(Mandatory = true, ParameterSetName = nameof(ScheduleOccurs.Daily))]
    public SwitchParameter Daily { get; set; }

    /// <summary>Occurs on weekdays of every week, or of every so many weeks. Weeks begin on Monday.</summary>
    [Parameter(Mandatory = true, ParameterSetName = nameof(ScheduleOccurs.Weekly))]
    public SwitchParameter Weekly { get; set; }

    /// <summary>Occurs on one day of every month, of named months, or of every so many months.</summary>
    [Parameter(Mandatory = true, ParameterSetName = nameof(ScheduleOccurs.Monthly))]
    public SwitchParameter Monthly { get; set; }

    /// <summary>Occurs on one day of one month, every year or every so many years.</summary>
    [Parameter(Mandatory = true, ParameterSetName = nameof(ScheduleOccurs.Yearly))]
    public SwitchParameter Yearly { get; set; }

    /// <summary>Every how many days, weeks, months or years, counted from the start date. Without it every one.</summary>
    [Parameter]
    public int Every { get; set; } = 1;

    /// <summary>Weekdays of a weekly schedule; the one weekday that -Week speaks of.</summary>
    [Parameter(ParameterSetName = nameof(ScheduleOccurs.Weekly))]
    [Parameter(ParameterSetName = nameof(ScheduleOccurs.Monthly))]
    [Parameter(ParameterSetName = nameof(ScheduleOccurs.Yearly))]
    [AllowEmptyCollection]
    public DayOfWeek[] Weekday { get; set; } = [];

    /// <summary>Number of the day in the month. Months that are too short are left out.</summary>
    [Parameter(ParameterSetName = nameof(ScheduleOccurs.Monthly))]
    [Parameter(ParameterSetName = nameof(ScheduleOccurs.Yearly))]
    public int? Day { get; set; }

    /// <summary>Which of the weekdays of the month: First, Second, Third, Fourth or Last. Needs -Weekday.</summary>
    [Parameter(ParameterSetName = nameof(ScheduleOccurs.Monthly))]
    [Parameter(ParameterSetName = nameof(ScheduleOccurs.Yearly))]
    public WeekOfMonth? Week { get; set; }

    /// <summary>Months by name or number: those of a monthly schedule, or the one of a yearly schedule.</summary>
    [Parameter(ParameterSetName = nameof(ScheduleOccurs.Monthly))]
    [Parameter(ParameterSetName = nameof(ScheduleOccurs.Yearly))]
    [AllowEmptyCollection]
    public ScheduleMonth[] Month { get; set; } = [];

    /// <summary>Time of the day at which it occurs once, such as 02:30 or 2:30 PM.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? At { get; set; }

    /// <summary>Minutes between two times of a day, from 1 to 1439.</summary>
    [Parameter]
    public int? EveryMinutes { get; set; }

    /// <summary>Hours between two times of a day, from 1 to 23.</summary>
    [Parameter]
    public int? EveryHours { get; set; }

    /// <summary>First time of the day, with -EveryMinutes or -EveryHours. Without it 00:00.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? StartingAt { get; set; }

    /// <summary>Time of the day after which nothing starts, with -EveryMinutes or -EveryHours. Without it 23:59.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? EndingAt { get; set; }

    /// <summary>First date. Without it today.</summary>
    [Parameter]
    public DateTime? StartDate { get; set; }

    /// <summary>Last date. Without it there is none.</summary>
    [Parameter]
    public DateTime? EndDate { get; set; }

    /// <summary>Time zone whose clocks count, by its tz name, such as Europe/Vienna, or its Windows name. Without it the zone of this machine.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(TimeZoneCompleter))]
    [ValidateNotNullOrEmpty]
    public string? TimeZone { get; set; }

    /// <inheritdoc/>
    protected override Task ProcessAsync(CancellationToken cancellationToken)
    {
        Emit(new Schedule
        {
            Occurs = Enum.Parse<ScheduleOccurs>(ParameterSetName),
            Every = Every,
            Weekdays = Weekday,
            Day = Day,
            Week = Week,
            Months = Month,
            At = Time(At, nameof(At)),
            EveryMinutes = Minutes(),
            StartingAt = Time(StartingAt, nameof(StartingAt)),
            EndingAt = Time(EndingAt, nameof(EndingAt)),
            StartDate = StartDate is { } start ? DateOnly.FromDateTime(start) : null,
            EndDate = EndDate is { } end ? DateOnly.FromDateTime(end) : null,
            TimeZone = TimeZone ?? string.Empty,
        }.Check(TimeProvider.System).CheckAhead(TimeProvider.System));
        if (Day > 28)
            Warn($"Months without a day {Day} are left out. The last day of every month is not a choice; -Week Last with -Weekday names the last of a weekday.");
        return Task.CompletedTask;
    }

    private int? Minutes()
    {
        if (EveryHours is not { } hours)
            return EveryMinutes;
        if (EveryMinutes is not null)
            throw new AlloyScanException(ErrorKind.InvalidArgument, "InvalidSchedule", "The schedule has both -EveryMinutes and -EveryHours.", null, "Give one of the two.");
        return hours is > 0 and < 24
            ? hours * 60
            : throw new AlloyScanException(ErrorKind.InvalidArgument, "InvalidSchedule", $"The schedule occurs every {hours} hours.", hours, "Give an interval from 1 to 23 hours.");
    }

    private static TimeOnly? Time(string? text, string parameter)
    {
        if (text is null)
            return null;
        return TimeOnly.TryParseExact(text.Trim(), s_timeFormats, CultureInfo.InvariantCulture, DateTimeStyles.None, out var time)
            ? time
            : throw new AlloyScanException(ErrorKind.InvalidArgument, "InvalidSchedule", $"'{text}' of -{parameter} is not a time of the day.", text, "Give it as 02:30 or 2:30 PM.");
    }
}
