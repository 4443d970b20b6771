using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Sync;
using AlloyScan.Engine.Tests.Sync;
using static AlloyScan.Engine.Tests.Sync.SyncFixture;

namespace AlloyScan.Engine.Tests;

/// <summary>What goes from the history, and what stays whatever its age.</summary>
public sealed class RetentionTests : IDisposable
{
    private const long Day = 24L * 60 * 60 * 1000;

    private readonly SyncFixture _fixture = new();

    public RetentionTests()
    {
        for (var i = 0; i < 12; i++)
            _fixture.Source.Add(Device($"d{i:00}", $"PC-{i}", $"SN-{i}"), Snapshot($"s-{i}", null, "Windows", ("Editor", "1.0")));
    }

    public void Dispose() => _fixture.Dispose();

    private List<long> Runs => [.. _fixture.Store.Runs.List("HQ").Select(r => r.Id).Order()];

    private void Age(long days, string which) => _fixture.Sql($"UPDATE runs SET started_at = started_at - {days * Day}, ended_at = ended_at - {days * Day} WHERE {which}");

    private async Task RunAsync(int times)
    {
        for (var i = 0; i < times; i++)
            await _fixture.RunWellAsync();
    }

    [Fact]
    public async Task Runs_go_when_they_are_too_old_with_their_changes_and_errors()
    {
        _fixture.Source.Add(Device("bad", "BAD", "SN-BAD") with { AuditId = "not-there" });
        await _fixture.RunAsync();
        _fixture.Source.Devices.RemoveAll(d => d.Id == "bad");
        await RunAsync(11);
        Assert.Equal("12", _fixture.Scalar("SELECT count(*) FROM changes WHERE run_id = 1 AND action = 'Create'"));
        Assert.Equal("1", _fixture.Scalar("SELECT count(*) FROM errors WHERE run_id = 1"));
        var before = _fixture.Dump();

        Age(399, "id <= 3");
        await _fixture.RunWellAsync();
        Assert.Contains(1, Runs);

        Age(2, "id <= 3");
        var last = (await _fixture.RunWellAsync()).Id;

        Assert.Equal(Enumerable.Range(4, (int)last - 3).Select(i => (long)i), Runs);
        Assert.Equal("0|0", _fixture.Scalar("SELECT (SELECT count(*) FROM changes WHERE run_id <= 3) || '|' || (SELECT count(*) FROM errors WHERE run_id <= 3)"));
        // CIs, links and what they rest on are no history: the next run still has nothing to do.
        Assert.Equal(before, _fixture.Dump());
        Assert.Equal((0, 0), ((await _fixture.RunWellAsync()) is var run ? run.Created : -1, run.Updated));
    }

    [Fact]
    public async Task A_jobs_newest_ten_runs_stay()
    {
        await RunAsync(14);
        Age(2000, "id > 0");

        await _fixture.RunWellAsync();

        Assert.Equal([6, 7, 8, 9, 10, 11, 12, 13, 14, 15], Runs);
    }

    [Fact]
    public async Task What_later_runs_are_measured_by_stays_however_old()
    {
        await _fixture.RunWellAsync();
        Age(2000, "id = 1");
        _fixture.Source.ClaimedTotal = 500;
        for (var i = 0; i < 15; i++)
            Assert.False((await _fixture.RunAsync()).Complete);
        Assert.Contains(1, Runs);

        // It is no first load therefore, and the guard is on.
        _fixture.Source.ClaimedTotal = null;
        for (var i = 0; i < 30; i++)
            _fixture.Source.Add(Device($"n{i:00}", $"NEW-{i}", $"SNN-{i}"), Snapshot($"sn-{i}"));
        Assert.Equal(SyncRunStatus.Blocked, (await _fixture.RunAsync()).Status);
    }

    [Fact]
    public async Task Many_old_runs_go_over_several_runs()
    {
        await RunAsync(40);
        Age(2000, "id <= 35");
        var counts = new List<int>();
        for (var i = 0; i < 3; i++)
        {
            await _fixture.RunWellAsync();
            counts.Add(Runs.Count);
        }

        // Of 41 the oldest 20, then what is left but for the newest ten.
        Assert.Equal([21, 10, 10], counts);
    }

    [Fact]
    public async Task A_rehearsal_and_a_run_that_failed_take_nothing_away()
    {
        await RunAsync(12);
        Age(2000, "id <= 2");
        await _fixture.RunAsync(SyncMode.WhatIf);
        _fixture.Source.Before = _ => throw new AlloyScanException(ErrorKind.Connection, "SiteUnreachable", "down");
        Assert.Equal(SyncRunStatus.Failed, (await _fixture.RunAsync()).Status);
        Assert.Contains(1, Runs);
    }

    [Fact]
    public async Task A_run_older_than_what_is_gone_is_not_taken_back()
    {
        await _fixture.RunWellAsync();
        // Another job of the same CMDB, whose runs are newer and go first.
        var other = _fixture.Store.Jobs.Create(_fixture.Job with { Id = 0, Name = "Other" });
        for (var i = 0; i < 11; i++)
            await _fixture.Store.Sync.ExecuteAsync(new SyncRequest { Job = other, Source = _fixture.Source }, SilentObserver.Instance, default);
        Age(2000, "job = 'Other' AND id < 4");
        await _fixture.Store.Sync.ExecuteAsync(new SyncRequest { Job = other, Source = _fixture.Source }, SilentObserver.Instance, default);

        Assert.Equal("RunTooOld", Assert.Throws<AlloyScanException>(() => _fixture.Store.Undo.Undo(1, rehearsal: true, _ => { }, default)).ErrorId);
    }

    [Fact]
    public async Task The_days_can_be_set_and_are_shown()
    {
        await RunAsync(12);
        Age(100, "id <= 2");
        var shown = _fixture.Store.Retention.Describe();
        Assert.Equal((400, 30, 1, 12, 12), (shown.KeepRunDays, shown.KeepPlanDays, shown.Jobs, shown.Computers, shown.Runs));
        Assert.True(shown.SizeBytes > 10_000);
        Assert.True(shown.OldestRunAt < DateTimeOffset.UtcNow.AddDays(-99));

        _fixture.Store.Retention.Set(90, null);
        _fixture.Store.Retention.Set(null, 7);
        Assert.Equal((90, 7), (_fixture.Store.Retention.Describe() is var now ? now.KeepRunDays : 0, now.KeepPlanDays));
        await _fixture.RunWellAsync();
        Assert.Equal(3, Runs[0]);

        await _fixture.RunWellAsync(SyncMode.SavePlan);
        _fixture.Sql($"UPDATE plans SET created_at = created_at - {8 * Day}");
        await _fixture.RunWellAsync(SyncMode.SavePlan);
        Assert.Equal("1", _fixture.Scalar("SELECT count(*) FROM plans"));

        foreach (var days in new[] { 0, -1, 36_501 })
        {
            Assert.Equal("InvalidRetention", Assert.Throws<AlloyScanException>(() => _fixture.Store.Retention.Set(days, null)).ErrorId);
            Assert.Equal("InvalidRetention", Assert.Throws<AlloyScanException>(() => _fixture.Store.Retention.Set(null, days)).ErrorId);
        }
    }
}
