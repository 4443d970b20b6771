using System.Globalization;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Jobs.Schedules;
using AlloyScan.Engine.Tests.Sync;
using Newtonsoft.Json.Linq;

namespace AlloyScan.Engine.Tests;

/// <summary>Schedules by example; <see cref="ScheduleLawTests"/> has the laws.</summary>
public sealed class ScheduleTests
{
    private static readonly StoppedClock s_clock = new(new DateTimeOffset(2026, 3, 10, 12, 0, 0, TimeSpan.Zero));

    private static Schedule Parse(string json) => Schedule.Parse(json.Replace('\'', '"'), s_clock);

    private static string ErrorOf(string json) => Assert.Throws<AlloyScanException>(() => Parse(json)).ErrorId;

    /// <summary>The first local times from a date on.</summary>
    private static string[] Next(string json, string from, int count)
    {
        var start = new DateTimeOffset(DateTime.Parse(from, CultureInfo.InvariantCulture), TimeSpan.Zero);
        return [.. Parse(json).After(start).Take(count).Select(o => o.LocalTime.ToString("ddd MM-dd HH:mm", CultureInfo.InvariantCulture))];
    }

    [Theory]
    [InlineData("{'occurs':'Daily','at':'02:30','timeZone':'Europe/Vienna'}", "Tue 03-10 02:30|Wed 03-11 02:30")]
    [InlineData("{'occurs':'Daily','every':3,'at':'00:00','startDate':'2026-03-09','timeZone':'UTC'}", "Thu 03-12 00:00|Sun 03-15 00:00")]
    [InlineData("{'occurs':'Daily','everyHours':5,'startingAt':'06:00','endingAt':'18:00','timeZone':'UTC'}", "Tue 03-10 06:00|Tue 03-10 11:00|Tue 03-10 16:00|Wed 03-11 06:00")]
    [InlineData("{'occurs':'Weekly','weekdays':['Friday','Monday'],'at':'22:00','timeZone':'UTC'}", "Fri 03-13 22:00|Mon 03-16 22:00|Fri 03-20 22:00")]
    // The week of the start date counts from its Monday: Thursday the 5th begins week 1, so that the 9th to 15th is left out.
    [InlineData("{'occurs':'Weekly','every':2,'weekdays':['Sunday','Tuesday'],'at':'01:00','startDate':'2026-03-05','timeZone':'UTC'}", "Tue 03-17 01:00|Sun 03-22 01:00|Tue 03-31 01:00")]
    [InlineData("{'occurs':'Monthly','day':31,'at':'00:00','timeZone':'UTC'}", "Tue 03-31 00:00|Sun 05-31 00:00|Fri 07-31 00:00")]
    [InlineData("{'occurs':'Monthly','every':3,'day':1,'at':'00:00','startDate':'2026-01-15','timeZone':'UTC'}", "Wed 04-01 00:00|Wed 07-01 00:00")]
    [InlineData("{'occurs':'Monthly','week':'Second','weekday':'Tuesday','at':'18:00','timeZone':'UTC'}", "Tue 03-10 18:00|Tue 04-14 18:00")]
    [InlineData("{'occurs':'Monthly','week':'Last','weekday':'Friday','months':['June',12],'at':'18:00','timeZone':'UTC'}", "Fri 06-26 18:00|Fri 12-25 18:00")]
    [InlineData("{'occurs':'Yearly','day':29,'months':['February'],'at':'00:00','timeZone':'UTC'}", "Tue 02-29 00:00|Sun 02-29 00:00")]
    [InlineData("{'occurs':'Yearly','every':2,'week':'First','weekday':'Sunday','month':'October','at':'00:00','startDate':'2026-11-01','timeZone':'UTC'}", "Sun 10-01 00:00|Sun 10-06 00:00")]
    public void Occurrences_are_those_of_the_calendar(string json, string expected) =>
        Assert.Equal(expected.Split('|'), Next(json.Contains("startDate", StringComparison.Ordinal) ? json : json.Replace("{", "{'startDate':'2026-01-01',", StringComparison.Ordinal), "2026-03-10", expected.Split('|').Length));

    [Fact]
    public void A_time_that_the_clocks_skip_runs_once_at_the_end_of_the_gap()
    {
        // Vienna goes from 02:00 to 03:00 on 29 March 2026.
        var once = Parse("{'occurs':'Daily','at':'02:30','timeZone':'Europe/Vienna'}").After(Utc("2026-03-28T12:00")).Take(2).ToList();
        Assert.Equal([Utc("2026-03-29T01:00"), Utc("2026-03-30T00:30")], once.Select(o => o.Instant));
        Assert.Equal("Moved from 02:30, which the clocks skip.", once[0].Note);
        Assert.Null(once[1].Note);

        var often = Parse("{'occurs':'Daily','everyMinutes':20,'timeZone':'Europe/Vienna'}").After(Utc("2026-03-29T00:39")).Take(3).ToList();
        Assert.Equal([Utc("2026-03-29T00:40"), Utc("2026-03-29T01:00"), Utc("2026-03-29T01:20")], often.Select(o => o.Instant));
        // 03:00 is a time of its own; the skipped ones fall together with it.
        Assert.Null(often[1].Note);
    }

    [Fact]
    public void A_time_that_the_clocks_show_twice_runs_at_the_first()
    {
        // Vienna goes from 03:00 back to 02:00 on 25 October 2026.
        var once = Parse("{'occurs':'Daily','at':'02:30','timeZone':'Europe/Vienna'}").After(Utc("2026-10-24T12:00")).Take(2).ToList();
        Assert.Equal([Utc("2026-10-25T00:30"), Utc("2026-10-26T01:30")], once.Select(o => o.Instant));
        Assert.Equal("The clocks show this time twice; it is the first.", once[0].Note);

        // Asked in the second of the two hours, the next is after it.
        Assert.Equal(Utc("2026-10-25T02:00"), Parse("{'occurs':'Daily','everyMinutes':20,'timeZone':'Europe/Vienna'}").NextAfter(Utc("2026-10-25T01:05")));
    }

    [Fact]
    public void A_day_that_a_zone_leaves_out_runs_once_at_its_end()
    {
        // Samoa had no 30 December 2011.
        var days = Parse("{'occurs':'Daily','at':'09:00','startDate':'2011-12-01','timeZone':'Pacific/Apia'}").After(Utc("2011-12-29T00:00")).Take(3).ToList();
        Assert.Equal(["29 09:00", "31 00:00", "31 09:00"], days.Select(o => o.LocalTime.ToString("dd HH:mm", CultureInfo.InvariantCulture)));
        Assert.Equal([null, "Moved from 2011-12-30 09:00, which the clocks skip.", null], days.Select(o => o.Note));
    }

    [Fact]
    public void Nothing_is_before_the_start_date_or_after_the_end_date()
    {
        var schedule = Parse("{'occurs':'Daily','at':'23:30','startDate':'2026-04-01','endDate':'2026-04-02','timeZone':'Pacific/Auckland'}");
        Assert.Equal(["04-01 23:30", "04-02 23:30"], schedule.After(DateTimeOffset.MinValue).Select(o => o.LocalTime.ToString("MM-dd HH:mm", CultureInfo.InvariantCulture)));
        Assert.Null(schedule.NextAfter(Utc("2026-04-03T00:00")));
        Assert.Null(schedule.NextAfter(DateTimeOffset.MaxValue));
    }

    [Theory]
    [InlineData("{'occurs':'Yearly','day':31,'months':['February'],'at':'00:00'}", "ScheduleNeverOccurs")]
    [InlineData("{'occurs':'Monthly','day':31,'months':['February','April',6,9,11],'at':'00:00'}", "ScheduleNeverOccurs")]
    // Odd years are no leap years.
    [InlineData("{'occurs':'Yearly','every':2,'day':29,'months':['February'],'at':'00:00','startDate':'2027-01-01'}", "ScheduleNeverOccurs")]
    [InlineData("{'occurs':'Monthly','every':24,'day':29,'at':'00:00','startDate':'2027-02-01'}", "ScheduleNeverOccurs")]
    [InlineData("{'occurs':'Weekly','at':'00:00'}", "ScheduleNeverOccurs")]
    [InlineData("{'occurs':'Weekly','weekdays':[],'at':'00:00'}", "ScheduleNeverOccurs")]
    [InlineData("{'occurs':'Weekly','weekdays':['Sunday'],'at':'00:00','startDate':'2026-03-09','endDate':'2026-03-14'}", "ScheduleNeverOccurs")]
    [InlineData("{'occurs':'Daily','at':'00:00','startDate':'2026-03-09','endDate':'2026-03-08'}", "InvalidSchedule")]
    [InlineData("{'occurs':'Daily'}", "InvalidSchedule")]
    [InlineData("{'occurs':'Daily','at':'00:00','everyMinutes':5}", "InvalidSchedule")]
    [InlineData("{'occurs':'Daily','at':'00:00','endingAt':'05:00'}", "InvalidSchedule")]
    [InlineData("{'occurs':'Daily','at':'00:00','weekdays':'Monday'}", "InvalidSchedule")]
    [InlineData("{'occurs':'Daily','at':'00:00:30'}", "InvalidSchedule")]
    [InlineData("{'occurs':'Daily','at':'25:00'}", "InvalidSchedule")]
    [InlineData("{'occurs':'Daily','at':'00:00','every':0}", "InvalidSchedule")]
    [InlineData("{'occurs':'Daily','at':'00:00','every':1.5}", "InvalidSchedule")]
    [InlineData("{'occurs':'Daily','at':'00:00','every':99999999999999999999}", "InvalidSchedule")]
    [InlineData("{'occurs':'Daily','everyMinutes':0}", "InvalidSchedule")]
    [InlineData("{'occurs':'Daily','everyMinutes':1440}", "InvalidSchedule")]
    [InlineData("{'occurs':'Daily','everyHours':24}", "InvalidSchedule")]
    [InlineData("{'occurs':'Daily','everyHours':1,'startingAt':'18:00','endingAt':'06:00'}", "InvalidSchedule")]
    [InlineData("{'occurs':'Monthly','at':'00:00'}", "InvalidSchedule")]
    [InlineData("{'occurs':'Monthly','day':0,'at':'00:00'}", "InvalidSchedule")]
    [InlineData("{'occurs':'Monthly','day':32,'at':'00:00'}", "InvalidSchedule")]
    [InlineData("{'occurs':'Monthly','day':1,'week':'First','weekday':'Monday','at':'00:00'}", "InvalidSchedule")]
    [InlineData("{'occurs':'Monthly','week':'First','at':'00:00'}", "InvalidSchedule")]
    [InlineData("{'occurs':'Monthly','week':'First','weekdays':['Monday','Tuesday'],'at':'00:00'}", "InvalidSchedule")]
    [InlineData("{'occurs':'Monthly','week':'Fifth','weekday':'Monday','at':'00:00'}", "InvalidSchedule")]
    [InlineData("{'occurs':'Monthly','day':1,'months':[1],'every':2,'at':'00:00'}", "InvalidSchedule")]
    [InlineData("{'occurs':'Monthly','day':1,'months':[13],'at':'00:00'}", "InvalidSchedule")]
    [InlineData("{'occurs':'Yearly','day':1,'at':'00:00'}", "InvalidSchedule")]
    [InlineData("{'occurs':'Yearly','day':1,'months':[1,7],'at':'00:00'}", "InvalidSchedule")]
    [InlineData("{'occurs':'Hourly','at':'00:00'}", "InvalidSchedule")]
    [InlineData("{'occurs':0,'at':'00:00'}", "InvalidSchedule")]
    [InlineData("{'occurs':'Daily','at':'00:00','startDate':'0001-01-01'}", "InvalidSchedule")]
    [InlineData("{'occurs':'Daily','at':'00:00','startDate':'9999-12-31'}", "InvalidSchedule")]
    [InlineData("{'occurs':'Daily','at':'00:00','startDate':'tomorrow'}", "InvalidSchedule")]
    [InlineData("{'occurs':'Daily','at':'00:00','timeZone':'Middle/Earth'}", "UnknownTimeZone")]
    [InlineData("{'occurs':'Daily','at':'00:00','cron':'* * * * *'}", "UnknownScheduleMember")]
    [InlineData("{'occurs':'Daily','at':'00:00','at':'01:00'}", "NotASchedule")]
    [InlineData("{'occurs':'Weekly','weekday':'Monday','weekdays':['Monday'],'at':'01:00'}", "NotASchedule")]
    [InlineData("{'at':'00:00'}", "NotASchedule")]
    [InlineData("[]", "NotASchedule")]
    [InlineData("", "NotASchedule")]
    [InlineData("{'occurs':'Daily','at':'00:00'} {}", "NotASchedule")]
    [InlineData("{'occurs':{'a':{'b':{'c':{'d':{'e':{'f':{'g':{}}}}}}}}}", "NotASchedule")]
    public void What_can_never_run_or_contradicts_itself_is_refused(string json, string errorId) => Assert.Equal(errorId, ErrorOf(json));

    [Theory]
    [InlineData("Europe/Viena", "Europe/Vienna")]
    [InlineData("vienna", "Europe/Vienna")]
    [InlineData("New York", "America/New_York")]
    [InlineData("Pacific Standart Time", "Pacific Standard Time")]
    [InlineData("Europe/Wien", "Europe/Vienna")]
    public void An_unknown_zone_is_answered_with_near_names(string zone, string near)
    {
        var error = Assert.Throws<AlloyScanException>(() => TimeZones.Find(zone));
        Assert.Equal("UnknownTimeZone", error.ErrorId);
        Assert.Contains($"'{near}'", error.Advice, StringComparison.Ordinal);
        // A short name is not near to every other short one.
        Assert.DoesNotContain("Asia/", error.Advice!, StringComparison.Ordinal);
    }

    [Fact]
    public void Zones_are_found_without_case_and_by_their_names_in_Windows()
    {
        Assert.Equal("Europe/Vienna", TimeZones.Find("europe/vienna"));
        Assert.Equal("America/Los_Angeles", TimeZones.Find("pacific standard time"));
        Assert.Equal("UTC", TimeZones.Find("utc"));
        Assert.Equal(TimeZones.Find(string.Empty), Parse("{'occurs':'Daily','at':'00:00'}").TimeZone);
    }

    [Theory]
    [InlineData("{'occurs':'Daily','at':'02:30'}", "Every day at 02:30 (UTC)")]
    [InlineData("{'occurs':'Daily','every':3,'everyMinutes':90,'startingAt':'08:00','startDate':'2026-03-09'}", "Every 3 days, every 90 minutes from 08:00 to 23:59, from 2026-03-09 (UTC)")]
    [InlineData("{'occurs':'Weekly','weekdays':['Sunday','Monday','Friday'],'everyHours':1}", "Every week on Monday, Friday and Sunday, every hour from 00:00 to 23:59 (UTC)")]
    [InlineData("{'occurs':'Monthly','week':'Last','weekday':'Friday','every':2,'at':'22:00','startDate':'2026-01-01'}", "On the last Friday of every 2 months at 22:00, from 2026-01-01 (UTC)")]
    [InlineData("{'occurs':'Monthly','day':15,'months':['July','January'],'at':'22:00','startDate':'2026-01-01','endDate':'2027-01-01'}", "On day 15 of January and July at 22:00, from 2026-01-01 to 2027-01-01 (UTC)")]
    [InlineData("{'occurs':'Yearly','day':1,'month':4,'at':'06:00'}", "Every year on day 1 of April at 06:00 (UTC)")]
    public void A_schedule_reads_as_a_sentence(string json, string words)
    {
        var schedule = Parse(json.Replace("{", "{'timeZone':'UTC',", StringComparison.Ordinal));
        Assert.Equal(words, schedule.ToString());
        Assert.Equal(schedule, Schedule.Parse(schedule.ToJson(), s_clock));
    }

    [Fact]
    public void A_copy_with_other_settings_computes_by_them()
    {
        var schedule = Parse("{'occurs':'Daily','at':'02:00','timeZone':'UTC'}");
        Assert.Equal(2, schedule.NextAfter(s_clock.GetUtcNow())!.Value.Hour);
        Assert.Equal(5, (schedule with { At = new TimeOnly(5, 0) }).NextAfter(s_clock.GetUtcNow())!.Value.Hour);
    }

    [Fact]
    public void A_job_keeps_its_schedule_and_says_when_it_runs_next()
    {
        using var fixture = new SyncFixture(clock: s_clock);
        var job = fixture.Store.Jobs.Update(fixture.Job.WithSchedule(Parse("{'occurs':'Daily','at':'02:30','timeZone':'Europe/Vienna'}")));
        Assert.Equal(Utc("2026-03-11T01:30"), job.NextRunAt);
        Assert.Equal(new DateOnly(2026, 3, 10), job.Schedule!.StartDate);
        Assert.Equal(job.Schedule, fixture.Store.Jobs.Get("HQ").Schedule);
        Assert.Equal(job.NextRunAt, Assert.Single(fixture.Store.Jobs.List()).NextRunAt);

        Assert.Null(fixture.Store.Jobs.Update(job with { Enabled = false }).NextRunAt);
        Assert.Null(fixture.Store.Jobs.Update(job.WithSchedule(null)).Schedule);
        Assert.Null(fixture.Scalar("SELECT schedule FROM jobs"));
    }

    [Fact]
    public void A_schedule_that_can_never_run_is_refused_when_the_job_is_saved()
    {
        using var fixture = new SyncFixture(clock: s_clock);
        var never = new Schedule { Occurs = ScheduleOccurs.Weekly, At = new TimeOnly(1, 0), TimeZone = "UTC" };
        Assert.Equal("ScheduleNeverOccurs", Assert.Throws<AlloyScanException>(() => fixture.Store.Jobs.Update(fixture.Job.WithSchedule(never))).ErrorId);
        Assert.Null(fixture.Store.Jobs.Get("HQ").Schedule);
    }

    [Theory]
    [InlineData("UTC", "Nowhere/At_All", "UnknownTimeZone")]
    [InlineData("\"at\"", "\"whenever\"", "UnknownScheduleMember")]
    [InlineData("02:30", "half past two", "InvalidSchedule")]
    public void An_exported_job_with_a_bad_schedule_is_not_imported(string text, string replacement, string errorId)
    {
        using var fixture = new SyncFixture(clock: s_clock);
        fixture.Store.Jobs.Update(fixture.Job.WithSchedule(Parse("{'occurs':'Daily','at':'02:30','timeZone':'UTC'}")));
        var json = fixture.Store.Jobs.Export("HQ").Replace(text, replacement, StringComparison.Ordinal);
        Assert.Equal(errorId, Assert.Throws<AlloyScanException>(() => fixture.Store.Jobs.Import(json, new JobImportOptions { Name = "Other" })).ErrorId);
        Assert.Single(fixture.Store.Jobs.List());
    }

    [Fact]
    public void A_stored_schedule_that_cannot_be_used_is_said_and_kept_and_leaves_the_job_usable()
    {
        using var fixture = new SyncFixture(clock: s_clock);
        const string text = """{"occurs":"Daily","at":"02:00","timeZone":"Atlantis/Poseidonis"}""";
        fixture.Sql($"UPDATE jobs SET schedule = '{text}'");
        var job = Assert.Single(fixture.Store.Jobs.List());
        Assert.Null(job.Schedule);
        Assert.Contains("Atlantis", job.ScheduleProblem, StringComparison.Ordinal);

        fixture.Store.Jobs.Update(job with { StaleAfterDays = 31 });
        Assert.Equal(text, fixture.Scalar("SELECT schedule FROM jobs"));
        Assert.Null(fixture.Store.Jobs.Update(job.WithSchedule(null)).ScheduleProblem);
    }

    private static DateTimeOffset Utc(string text) => DateTimeOffset.Parse(text + ":00Z", CultureInfo.InvariantCulture);

    private sealed class StoppedClock(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}
