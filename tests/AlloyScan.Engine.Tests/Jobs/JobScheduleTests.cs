using AlloyScan.Engine.Jobs.Schedules;
using AlloyScan.Engine.Tests.Sync;

namespace AlloyScan.Engine.Tests;

/// <summary>Which job is due, and who may run it.</summary>
public sealed class JobScheduleTests
{
    private static readonly DateTimeOffset s_noon = new(2026, 3, 10, 12, 0, 0, TimeSpan.Zero);

    private static SyncFixture Scheduled(SetClock clock) =>
        new(job => job with { Schedule = Schedule.Parse("""{"occurs":"Daily","everyHours":1,"timeZone":"UTC"}""", clock) }, clock);

    private static ScheduledJob Job(SyncFixture fixture) => Assert.Single(fixture.Store.Schedules.List());

    [Fact]
    public void A_new_schedule_has_missed_nothing_and_a_run_settles_what_passed_meanwhile()
    {
        var clock = new SetClock { Now = s_noon.AddMinutes(10) };
        using var fixture = Scheduled(clock);
        Assert.Equal(s_noon.AddHours(1), Job(fixture).Due);

        // Down for half a day: many were missed, one is due.
        clock.Now = s_noon.AddHours(12.5);
        Assert.Equal(s_noon.AddHours(1), Job(fixture).Due);
        fixture.Store.Schedules.Claim(Job(fixture))!.Settle(clock.Now);
        Assert.Equal(s_noon.AddHours(13), Job(fixture).Due);
    }

    [Fact]
    public void Switching_a_job_on_and_another_schedule_begin_anew_and_other_settings_do_not()
    {
        var clock = new SetClock { Now = s_noon };
        using var fixture = Scheduled(clock);
        clock.Now = s_noon.AddHours(5.5);
        fixture.Store.Jobs.Update(fixture.Job with { StaleAfterDays = 31 });
        Assert.Equal(s_noon.AddHours(1), Job(fixture).Due);

        fixture.Store.Jobs.Update(fixture.Job with { Enabled = false });
        Assert.Null(Job(fixture).Due);
        fixture.Store.Jobs.Update(fixture.Job);
        Assert.Equal(s_noon.AddHours(6), Job(fixture).Due);

        clock.Now = s_noon.AddHours(8.5);
        fixture.Store.Jobs.Update(fixture.Job.WithSchedule(fixture.Job.Schedule! with { EveryMinutes = 120 }));
        Assert.Equal(s_noon.AddHours(10), Job(fixture).Due);
    }

    [Fact]
    public void A_clock_that_goes_back_runs_nothing_twice_and_one_that_was_far_ahead_is_corrected()
    {
        var clock = new SetClock { Now = s_noon };
        using var fixture = Scheduled(clock);
        clock.Now = s_noon.AddHours(3);
        fixture.Store.Schedules.Claim(Job(fixture))!.Settle(clock.Now);
        clock.Now = s_noon;
        Assert.True(Job(fixture).Due > clock.Now.AddHours(3));
        Assert.False(fixture.Store.Schedules.CorrectClock(Job(fixture)));

        // A year ahead by mistake: without a correction the job would wait for a year.
        clock.Now = s_noon.AddYears(1);
        fixture.Store.Schedules.Claim(Job(fixture))!.Settle(clock.Now);
        clock.Now = s_noon;
        Assert.True(fixture.Store.Schedules.CorrectClock(Job(fixture)));
        Assert.Equal(s_noon.AddHours(1), Job(fixture).Due);
    }

    [Fact]
    public void One_host_has_a_job_until_it_settles_it_or_dies()
    {
        var clock = new SetClock { Now = s_noon };
        using var fixture = Scheduled(clock);
        var schedules = fixture.Store.Schedules;
        var listed = Job(fixture);
        var claim = schedules.Claim(listed);
        Assert.NotNull(claim);
        Assert.Null(schedules.Claim(listed));
        Assert.True(claim.Renew());

        // A host that is silent for more than two minutes by the database's clock is taken for dead, and loses.
        fixture.Sql("UPDATE schedule_claims SET host = 'elsewhere', heartbeat_at = heartbeat_at - 60000");
        Assert.Null(schedules.Claim(listed));
        fixture.Sql("UPDATE schedule_claims SET heartbeat_at = heartbeat_at - 90000");
        var taken = schedules.Claim(listed);
        Assert.NotNull(taken);
        Assert.False(claim.Renew());
        claim.Settle(s_noon.AddDays(1));
        Assert.Equal(listed.SettledUntil, Job(fixture).SettledUntil);

        // A process of this host that is gone gives way at once.
        fixture.Sql($"UPDATE schedule_claims SET host = '{Environment.MachineName}', process_id = 2147483000");
        var third = schedules.Claim(listed);
        Assert.NotNull(third);
        third.Settle(s_noon.AddHours(1));
        // What was listed before is not what is due now.
        Assert.Null(schedules.Claim(listed));
        Assert.NotNull(schedules.Claim(Job(fixture)));
    }

    [Fact]
    public void A_job_that_was_changed_since_it_was_listed_is_not_claimed()
    {
        var clock = new SetClock { Now = s_noon };
        using var fixture = Scheduled(clock);
        var listed = Job(fixture);
        fixture.Store.Jobs.Update(fixture.Job with { Enabled = false });
        Assert.Null(fixture.Store.Schedules.Claim(listed));
        fixture.Store.Jobs.Remove("HQ");
        Assert.Null(fixture.Store.Schedules.Claim(listed));
        Assert.Equal("0", fixture.Scalar("SELECT count(*) FROM schedule_claims"));
    }

    private sealed class SetClock : TimeProvider
    {
        public DateTimeOffset Now { get; set; }

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
