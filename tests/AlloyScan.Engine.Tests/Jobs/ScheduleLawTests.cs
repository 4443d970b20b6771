using AlloyScan.Engine.Jobs.Schedules;
using FsCheck;
using FsCheck.Fluent;
using NodaTime;
using NodaTime.TimeZones;

namespace AlloyScan.Engine.Tests;

/// <summary>
/// Laws of schedules over all zones and a decade, against a second way of computing them: every minute of every day is asked
/// whether the schedule names it.
/// </summary>
public sealed class ScheduleLawTests
{
    private static readonly LocalDate s_from = new(2020, 1, 1);
    private static readonly LocalDate s_until = new(2030, 12, 31);
    private static readonly string[] s_zones = [.. TzdbDateTimeZoneSource.Default.CanonicalIdMap.Values.Distinct().Order(StringComparer.Ordinal)];

    private static readonly Gen<Schedule> s_schedules =
        from occurs in Gen.Elements(Enum.GetValues<ScheduleOccurs>())
        from zone in Gen.Elements(s_zones)
        from every in Gen.Frequency((3, Gen.Constant(1)), (2, Gen.Choose(1, 9)))
        from weekdays in Gen.NonEmptyListOf(Gen.Elements(Enum.GetValues<DayOfWeek>()))
        from byNumber in Gen.Elements(true, false)
        from day in Gen.Choose(1, 31)
        from week in Gen.Elements(Enum.GetValues<WeekOfMonth>())
        from months in Gen.ListOf(Gen.Elements(Enum.GetValues<ScheduleMonth>()))
        from interval in Gen.Frequency((1, Gen.Constant(0)), (2, Gen.Choose(1, 1439)), (2, Gen.Elements(1, 5, 15, 30, 60)))
        from times in Gen.Two(Gen.Choose(0, 1439))
        from start in Gen.Choose(0, 3600)
        from length in Gen.Frequency((1, Gen.Constant(-1)), (1, Gen.Choose(0, 1500)))
        select Make(occurs, zone, every, weekdays, byNumber, day, week, months, interval, times, start, length);

    private static Schedule Make(
        ScheduleOccurs occurs, string zone, int every, IEnumerable<DayOfWeek> weekdays, bool byNumber, int day, WeekOfMonth week, IEnumerable<ScheduleMonth> months,
        int interval, (int, int) times, int start, int length)
    {
        var ofMonth = occurs is ScheduleOccurs.Monthly or ScheduleOccurs.Yearly;
        var some = months.Distinct().ToList();
        if (occurs == ScheduleOccurs.Yearly)
            some = [some.FirstOrDefault(ScheduleMonth.March)];
        var (first, last) = (Math.Min(times.Item1, times.Item2), Math.Max(times.Item1, times.Item2));
        return new Schedule
        {
            Occurs = occurs,
            TimeZone = zone,
            Every = occurs == ScheduleOccurs.Monthly && some.Count > 0 ? 1 : every,
            Weekdays = occurs == ScheduleOccurs.Weekly ? [.. weekdays] : ofMonth && !byNumber ? [weekdays.First()] : [],
            Day = ofMonth && byNumber ? day : null,
            Week = ofMonth && !byNumber ? week : null,
            Months = ofMonth ? some : [],
            At = interval == 0 ? Time(first) : null,
            EveryMinutes = interval == 0 ? null : interval,
            StartingAt = interval == 0 ? null : Time(first),
            EndingAt = interval == 0 ? null : Time(last),
            StartDate = Date(start),
            EndDate = length < 0 ? null : Date(start + length),
        };

        static TimeOnly Time(int minute) => new(minute / 60, minute % 60);

        static DateOnly Date(int day) => s_from.PlusDays(day).ToDateOnly();
    }

    [Fact]
    public void Occurrences_are_exactly_the_times_that_the_rule_names()
    {
        var windows = Gen.Choose(0, 3900).Zip(Gen.Choose(0, 40));
        Prop.ForAll(Gen.Zip(s_schedules, windows).ToArbitrary(), pair =>
        {
            var (drawn, (day, aroundTransition)) = pair;
            if (Checked(drawn) is not { } schedule)
                return true;

            var zone = DateTimeZoneProviders.Tzdb[schedule.TimeZone];
            var date = s_from.PlusDays(day);
            // Half of the windows lie around a change of the clocks, where there is one.
            if (aroundTransition < 20 && zone.GetZoneInterval(date.AtMidnight().InUtc().ToInstant()) is { HasEnd: true } interval && interval.End.InUtc().Date < s_until)
                date = interval.End.InUtc().Date.PlusDays(-2);
            var (from, until) = (date.AtMidnight().InUtc().ToInstant(), date.PlusDays(schedule.EveryMinutes < 30 ? 5 : 120).AtMidnight().InUtc().ToInstant());

            var expected = Named(schedule, date.PlusDays(-3), until.InUtc().Date.PlusDays(3)).Select(s => Once(zone, s)).Distinct().Where(i => i > from && i <= until).Order().ToList();
            var actual = schedule.After(from.ToDateTimeOffset()).Select(o => Instant.FromDateTimeOffset(o.Instant)).TakeWhile(i => i <= until).ToList();
            Assert.True(expected.SequenceEqual(actual), $"{schedule.ToJson()} from {from}: expected {string.Join(' ', expected.Except(actual).Take(3))}, got {string.Join(' ', actual.Except(expected).Take(3))}");
            return true;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(1500));
    }

    [Fact]
    public void What_comes_next_does_not_depend_on_when_one_asks()
    {
        Prop.ForAll(Gen.Zip(s_schedules, Gen.Choose(0, 5_000_000)).ToArbitrary(), pair =>
        {
            if (Checked(pair.Item1) is not { } schedule)
                return true;

            var asked = s_from.AtMidnight().InUtc().ToInstant().Plus(Duration.FromMinutes(pair.Item2)).ToDateTimeOffset();
            if (schedule.NextAfter(asked) is not { } next)
                return true;

            Assert.True(next > asked);
            Assert.Equal(next, schedule.NextAfter(next.AddTicks(-1)));
            Assert.Equal(next, schedule.NextAfter(asked.AddTicks((next - asked).Ticks / 2)));
            Assert.True((schedule.NextAfter(next) ?? DateTimeOffset.MaxValue) > next);
            return true;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(3000));
    }

    [Fact]
    public void A_schedule_comes_out_of_its_JSON_as_it_went_in()
    {
        Prop.ForAll(s_schedules.ToArbitrary(), drawn =>
        {
            if (Checked(drawn) is not { } schedule)
                return true;

            var read = Schedule.Parse(schedule.ToJson(), TimeProvider.System);
            return read.Equals(schedule) && read.ToString() == schedule.ToString();
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));
    }

    [Fact]
    public void In_every_zone_a_daily_time_runs_once_a_day_for_a_decade()
    {
        var random = new Random(7);
        foreach (var name in s_zones)
        {
            var zone = DateTimeZoneProviders.Tzdb[name];
            var time = new TimeOnly(random.Next(24), random.Next(60));
            var schedule = new Schedule { Occurs = ScheduleOccurs.Daily, At = time, TimeZone = name, StartDate = s_from.ToDateOnly(), EndDate = s_until.ToDateOnly() }.Check(TimeProvider.System);
            var date = s_from;
            foreach (var occurrence in schedule.After(DateTimeOffset.MinValue))
            {
                var slot = date.At(new LocalTime(time.Hour, time.Minute));
                Assert.Equal(Once(zone, slot), Instant.FromDateTimeOffset(occurrence.Instant));
                // The note says it when the clocks show another time than the schedule.
                Assert.Equal(zone.MapLocal(slot).Count == 1, occurrence.Note is null);
                date = date.PlusDays(1);
            }

            Assert.Equal(s_until.PlusDays(1), date);
        }
    }

    [Fact]
    public void In_every_zone_each_quarter_of_an_hour_runs_once_around_every_change_of_the_clocks()
    {
        foreach (var name in s_zones)
        {
            var zone = DateTimeZoneProviders.Tzdb[name];
            var schedule = new Schedule { Occurs = ScheduleOccurs.Daily, EveryMinutes = 15, TimeZone = name, StartDate = s_from.ToDateOnly() }.Check(TimeProvider.System);
            foreach (var change in zone.GetZoneIntervals(s_from.AtMidnight().InUtc().ToInstant(), s_until.AtMidnight().InUtc().ToInstant()).Where(i => i.HasEnd).Select(i => i.End))
            {
                var (from, until) = (change.Minus(Duration.FromHours(5)), change.Plus(Duration.FromHours(5)));
                var expected = Named(schedule, from.InZone(zone).Date.PlusDays(-1), until.InZone(zone).Date.PlusDays(1)).Select(s => Once(zone, s)).Distinct().Where(i => i > from && i <= until).Order();
                Assert.Equal(expected, schedule.After(from.ToDateTimeOffset()).Select(o => Instant.FromDateTimeOffset(o.Instant)).TakeWhile(i => i <= until));
            }
        }
    }

    [Fact]
    public void Any_text_is_a_schedule_or_a_clear_refusal()
    {
        string[] members = ["occurs", "every", "weekdays", "weekday", "day", "week", "months", "at", "everyMinutes", "everyHours", "startingAt", "endingAt", "startDate", "endDate", "timeZone", "x"];
        string[] values = ["\"Daily\"", "\"Weekly\"", "\"Monthly\"", "\"Yearly\"", "1", "0", "-3", "1.5", "1e400", "null", "[]", "[\"Monday\"]", "[null]", "{}", "\"02:00\"", "\"2026-02-30\"", "\"2026-03-01\"", "\"UTC\"", "true", "\"\"", "31", "\"February\"", "\"Last\""];
        var member = Gen.Zip(Gen.Elements(members), Gen.Elements(values)).Select(p => $"\"{p.Item1}\":{p.Item2}");
        var texts = Gen.ListOf(member).Select(m => "{" + string.Join(',', m) + "}");
        var any = Gen.Frequency((4, texts), (1, ArbMap.Default.GeneratorFor<string>()));
        Prop.ForAll(any.ToArbitrary(), text =>
        {
            try
            {
                _ = Schedule.Parse(text ?? string.Empty, TimeProvider.System).NextAfter(DateTimeOffset.UnixEpoch);
            }
            catch (AlloyScanException e)
            {
                Assert.Contains(e.ErrorId, new[] { "NotASchedule", "InvalidSchedule", "ScheduleNeverOccurs", "UnknownScheduleMember", "UnknownTimeZone" });
            }

            return true;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(3000));
    }

    /// <summary>The schedule, or nothing if it has no day in its span.</summary>
    private static Schedule? Checked(Schedule drawn)
    {
        try
        {
            return drawn.Check(TimeProvider.System);
        }
        catch (AlloyScanException e)
        {
            Assert.Equal("ScheduleNeverOccurs", e.ErrorId);
            // It is right to say so, as far as the decade goes.
            Assert.Empty(Named(drawn, LocalDate.FromDateOnly(drawn.StartDate!.Value), drawn.EndDate is { } end ? LocalDate.FromDateOnly(end) : s_until));
            return null;
        }
    }

    private static IEnumerable<LocalDateTime> Named(Schedule schedule, LocalDate from, LocalDate until)
    {
        var (start, end) = (LocalDate.FromDateOnly(schedule.StartDate!.Value), schedule.EndDate is { } e ? LocalDate.FromDateOnly(e) : s_until.PlusYears(50));
        for (var date = LocalDate.Max(from, start); date <= until && date <= end; date = date.PlusDays(1))
        {
            if (!IsNamed(schedule, start, date))
                continue;

            for (var minute = 0; minute < 24 * 60; minute++)
            {
                var named = schedule.EveryMinutes is { } every
                    ? minute >= Minute(schedule.StartingAt) && minute <= Minute(schedule.EndingAt) && (minute - Minute(schedule.StartingAt)) % every == 0
                    : minute == Minute(schedule.At);
                if (named)
                    yield return date.At(new LocalTime(minute / 60, minute % 60));
            }
        }

        static int Minute(TimeOnly? time) => (int)time!.Value.ToTimeSpan().TotalMinutes;
    }

    private static bool IsNamed(Schedule schedule, LocalDate start, LocalDate date)
    {
        var weekday = date.ToDateOnly().DayOfWeek;
        var months = ((date.Year - start.Year) * 12) + date.Month - start.Month;
        return schedule.Occurs switch
        {
            ScheduleOccurs.Daily => Period.DaysBetween(start, date) % schedule.Every == 0,
            ScheduleOccurs.Weekly => schedule.Weekdays.Contains(weekday) && Period.DaysBetween(Monday(start), Monday(date)) / 7 % schedule.Every == 0,
            ScheduleOccurs.Monthly => IsDay(schedule, date, weekday) && (schedule.Months.Count > 0 ? schedule.Months.Contains((ScheduleMonth)date.Month) : months % schedule.Every == 0),
            _ => IsDay(schedule, date, weekday) && date.Month == (int)schedule.Months[0] && (date.Year - start.Year) % schedule.Every == 0,
        };

        static LocalDate Monday(LocalDate day) => day.With(DateAdjusters.PreviousOrSame(IsoDayOfWeek.Monday));
    }

    private static bool IsDay(Schedule schedule, LocalDate date, DayOfWeek weekday) => schedule.Day is { } day
        ? date.Day == day
        : weekday == schedule.Weekdays[0] && (schedule.Week == WeekOfMonth.Last ? date.PlusDays(7).Month != date.Month : (date.Day - 1) / 7 == (int)schedule.Week!.Value - 1);

    /// <summary>When the clocks of a zone first show a time, or a later one if they skip it.</summary>
    private static Instant Once(DateTimeZone zone, LocalDateTime slot)
    {
        var mapping = zone.MapLocal(slot);
        return mapping.Count == 0 ? mapping.LateInterval.Start : mapping.First().ToInstant();
    }
}
