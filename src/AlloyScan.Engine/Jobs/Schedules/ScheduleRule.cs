using System.Globalization;
using NodaTime;
using NodaTime.TimeZones;

namespace AlloyScan.Engine.Jobs.Schedules;

/// <summary>
/// Computes occurrences. The local times of a schedule, its slots, are computed from the calendar alone; only then does the zone say
/// at which instant a slot is. Nothing is searched through but the few slots that an hour shown twice can hold.
/// </summary>
internal sealed class ScheduleRule
{
    /// <summary>The calendar repeats after 400 years, so that a day which is in none of their months is in none at all.</summary>
    private const int MonthsOfCycle = 4800;

    private const int MonthsOfYear = 12;
    private const int LastYear = 9000;

    // A slot that the clocks skip is at the end of the gap, one that they show twice at its first time. Mapped so, later slots are never earlier.
    private static readonly ZoneLocalMappingResolver s_once = Resolvers.CreateMappingResolver(Resolvers.ReturnEarlier, Resolvers.ReturnStartOfIntervalAfter);

    private readonly Schedule _schedule;
    private readonly DateTimeZone _zone;
    private readonly LocalDate _start;
    private readonly LocalDate _end;
    private readonly int _first;
    private readonly int _last;
    private readonly int _step;

    /// <summary>Takes a schedule that was checked.</summary>
    public ScheduleRule(Schedule schedule)
    {
        _schedule = schedule;
        _zone = TimeZones.Get(schedule.TimeZone);
        _start = ToLocalDate(schedule.StartDate ?? throw new InvalidOperationException("The schedule was not checked."));
        _end = schedule.EndDate is { } end ? ToLocalDate(end) : new LocalDate(LastYear, 12, 31);
        _first = MinuteOf(schedule.At ?? schedule.StartingAt!.Value);
        _last = MinuteOf(schedule.At ?? schedule.EndingAt!.Value);
        _step = schedule.EveryMinutes ?? int.MaxValue;
    }

    public Instant? NextAfter(Instant after)
    {
        if (after.InUtc().Year is var year && year > LastYear)
            return null;

        // Nothing is before the start date in any zone, and old instants are not worth converting.
        var earliest = _start.AtMidnight().PlusDays(-2).InUtc().ToInstant();
        if (after < earliest)
            after = earliest;
        for (var slot = SlotAfter(after.InZone(_zone).LocalDateTime); slot is { } found; slot = SlotAfter(found))
        {
            // In the second of two equal hours, slots of the first are behind us.
            if (At(found) is var instant && instant > after)
                return instant;
        }

        return null;
    }

    /// <summary>The first date with an occurrence; <see langword="null"/> when there is none.</summary>
    public LocalDate? FirstDate() => DateFrom(_start);

    public ScheduleOccurrence Describe(Instant instant)
    {
        var there = instant.InZone(_zone);
        return new ScheduleOccurrence
        {
            Instant = instant.ToDateTimeOffset(),
            LocalTime = there.ToDateTimeOffset(),
            TimeZone = _schedule.TimeZone,
            Note = NoteOn(there),
        };
    }

    private string? NoteOn(ZonedDateTime there)
    {
        var local = there.LocalDateTime;
        if (SlotAfter(local.PlusTicks(-1)) == local)
            return _zone.MapLocal(local).Count == 2 ? "The clocks show this time twice; it is the first." : null;

        // It is at the end of a gap: the last slot before it was skipped.
        var gap = _zone.GetZoneInterval(there.ToInstant());
        if (!gap.HasStart)
            return null;

        // In seconds, since a zone that leaves out a day changes by more than an Offset can hold.
        var skippedFrom = gap.IsoLocalStart.PlusSeconds(_zone.GetUtcOffset(gap.Start - Duration.Epsilon).Seconds - gap.WallOffset.Seconds);
        return SlotAfter(skippedFrom.PlusTicks(-1)) is { } slot
            ? $"Moved from {slot.ToString(slot.Date == local.Date ? "HH:mm" : "yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture)}, which the clocks skip."
            : null;
    }

    private Instant At(LocalDateTime slot) => _zone.ResolveLocal(slot, s_once).ToInstant();

    /// <summary>The first slot later than a local time.</summary>
    private LocalDateTime? SlotAfter(LocalDateTime local)
    {
        if (local.Date >= _start && DateFrom(local.Date) == local.Date && MinuteAfter(local.TimeOfDay) is { } minute)
            return Slot(local.Date, minute);

        return DateFrom(local.Date < _start ? _start : local.Date.PlusDays(1)) is { } date ? Slot(date, _first) : null;
    }

    private static LocalDateTime Slot(LocalDate date, int minute) => date.At(new LocalTime(minute / 60, minute % 60));

    private int? MinuteAfter(LocalTime time)
    {
        var minute = (time.Hour * 60) + time.Minute;
        if (minute < _first)
            return _first;

        // In long: a schedule without an interval has a step beyond any day.
        var next = _first + ((((long)minute - _first) / _step) + 1) * _step;
        return next <= _last ? (int)next : null;
    }

    /// <summary>The first date of the schedule on or after a date, which is not before the start date.</summary>
    private LocalDate? DateFrom(LocalDate date)
    {
        if (date > _end)
            return null;

        var found = _schedule.Occurs switch
        {
            ScheduleOccurs.Daily => DayFrom(date),
            ScheduleOccurs.Weekly => WeekdayFrom(date),
            _ => DayOfMonthFrom(date),
        };
        return found <= _end ? found : null;
    }

    private LocalDate DayFrom(LocalDate date)
    {
        var over = Period.DaysBetween(_start, date) % _schedule.Every;
        return over == 0 ? date : date.PlusDays(_schedule.Every - over);
    }

    private LocalDate WeekdayFrom(LocalDate date)
    {
        // Weeks begin on Monday; the one of the start date is the first.
        var firstMonday = _start.PlusDays(1 - (int)_start.DayOfWeek);
        var week = Period.DaysBetween(firstMonday, date) / 7;
        var over = week % _schedule.Every;
        if (over == 0)
        {
            foreach (var weekday in _schedule.Weekdays)
            {
                if (Iso(weekday) >= date.DayOfWeek)
                    return date.PlusDays(Iso(weekday) - date.DayOfWeek);
            }
        }

        return firstMonday.PlusDays((7 * (week + _schedule.Every - over)) + (int)Iso(_schedule.Weekdays[0]) - 1);
    }

    private LocalDate? DayOfMonthFrom(LocalDate date)
    {
        var month = MonthFrom(IndexOf(date));
        for (var tries = 0; tries <= MonthsOfCycle && month / MonthsOfYear <= LastYear; tries++)
        {
            if (DayIn(month) is { } day && day >= date)
                return day;
            month = MonthFrom(month + 1);
        }

        return null;
    }

    /// <summary>The first month of the schedule on or after a month. Months are counted from the year 0.</summary>
    private int MonthFrom(int month)
    {
        if (_schedule.Occurs == ScheduleOccurs.Monthly && _schedule.Months.Count > 0)
        {
            while (!_schedule.Months.Contains((ScheduleMonth)((month % MonthsOfYear) + 1)))
                month++;
            return month;
        }

        var (anchor, step) = _schedule.Occurs == ScheduleOccurs.Monthly
            ? (IndexOf(_start), _schedule.Every)
            : ((_start.Year * MonthsOfYear) + (int)_schedule.Months[0] - 1, _schedule.Every * MonthsOfYear);
        if (month <= anchor)
            return anchor;
        var over = (month - anchor) % step;
        return over == 0 ? month : month + step - over;
    }

    private LocalDate? DayIn(int month)
    {
        var first = new LocalDate(month / MonthsOfYear, (month % MonthsOfYear) + 1, 1);
        var days = CalendarSystem.Iso.GetDaysInMonth(first.Year, first.Month);
        if (_schedule.Day is { } day)
            return day <= days ? first.PlusDays(day - 1) : null;

        var inFirstWeek = ((int)Iso(_schedule.Weekdays[0]) - (int)first.DayOfWeek + 7) % 7;
        var weeks = _schedule.Week == WeekOfMonth.Last ? (days - 1 - inFirstWeek) / 7 : (int)_schedule.Week!.Value - 1;
        return first.PlusDays(inFirstWeek + (7 * weeks));
    }

    private static int IndexOf(LocalDate date) => (date.Year * MonthsOfYear) + date.Month - 1;

    private static IsoDayOfWeek Iso(DayOfWeek weekday) => weekday == DayOfWeek.Sunday ? IsoDayOfWeek.Sunday : (IsoDayOfWeek)weekday;

    private static int MinuteOf(TimeOnly time) => (time.Hour * 60) + time.Minute;

    private static LocalDate ToLocalDate(DateOnly date) => new(date.Year, date.Month, date.Day);
}
