using AlloyScan.Engine.Sync;
using static AlloyScan.Engine.Tests.Sync.SyncFixture;

namespace AlloyScan.Engine.Tests.Sync;

/// <summary>Devices that wait for a decision survive the run that read them.</summary>
public sealed class WaitingDeviceTests
{
    private const string Uuid = "4C4C4544-0035-3410-8057-B4C04F4A3232";

    /// <summary>Devices that all share a name and a MAC address with another one, so that all of them wait.</summary>
    private static SyncFixture WithPairs(int pairs)
    {
        var fixture = new SyncFixture();
        for (var i = 0; i < pairs; i++)
        {
            fixture.Source.Add(Device($"a{i:000}", "PC-" + i, mac: $"3C:52:82:00:00:{i:X2}"), Snapshot($"s-a{i}", software: ("Editor", "1.0")));
            fixture.Source.Add(Device($"b{i:000}", "PC-" + i, mac: $"3C:52:82:00:00:{i:X2}"), Snapshot($"s-b{i}"));
        }

        return fixture;
    }

    [Fact]
    public async Task A_budget_smaller_than_the_devices_that_wait_gets_there_over_runs_and_reads_nothing_twice()
    {
        using var fixture = WithPairs(10);
        using var whole = WithPairs(10);
        await whole.RunWellAsync();
        var calls = new List<string>();
        var runs = 0;
        SyncRun run;
        do
        {
            runs++;
            run = await fixture.RunAsync(maxApiCalls: 9);
            Assert.True(run.ApiCalls <= 9);
            calls.AddRange(fixture.Source.Log.Where(c => c != "list"));
        }
        while (run.Status != SyncRunStatus.Succeeded && runs < 20);

        Assert.Equal(SyncRunStatus.Succeeded, run.Status);
        Assert.Equal(5, runs);
        Assert.Equal(40, calls.Count);
        Assert.Equal(40, calls.Distinct().Count());
        Assert.Equal(whole.Dump(), fixture.Dump());
        Assert.Equal("0", fixture.Scalar("SELECT count(*) FROM waiting_devices"));
    }

    [Fact]
    public async Task A_killed_run_leaves_its_waiting_devices_and_a_moved_one_is_read_again()
    {
        using var fixture = WithPairs(150);
        using var stop = new CancellationTokenSource();
        fixture.Source.Before = call =>
        {
            if (call == "snapshot s-b145")
                stop.Cancel();
        };
        var run = await fixture.RunAsync(token: stop.Token);
        Assert.Equal(SyncRunStatus.Canceled, run.Status);
        fixture.Source.Before = null;
        fixture.Sql("DELETE FROM waiting_devices WHERE device_id > 'a002'");
        Assert.Equal("3", fixture.Scalar("SELECT count(*) FROM waiting_devices"));
        fixture.Source.Replace("a001", d => d with { LastSeen = FakeSource.T(9) });

        await fixture.RunWellAsync();

        Assert.DoesNotContain("device a000", fixture.Source.Log);
        Assert.Contains("device a001", fixture.Source.Log);
        Assert.DoesNotContain("device a002", fixture.Source.Log);
        Assert.Equal(300, fixture.Store.Conflicts.List().Count() + fixture.Store.Cmdb.Computers().Count());
        // What was kept of a000 had its software with it.
        Assert.Equal("1", fixture.Scalar("SELECT count(*) FROM links WHERE device_id = 'a000' AND software_count = 1"));
        Assert.Equal("0", fixture.Scalar("SELECT count(*) FROM waiting_devices"));
    }

    [Fact]
    public async Task A_device_that_goes_before_it_is_decided_leaves_nothing_behind()
    {
        using var fixture = WithPairs(10);
        Assert.Equal(SyncRunStatus.PartiallySucceeded, (await fixture.RunAsync(maxApiCalls: 5)).Status);
        Assert.NotEqual("0", fixture.Scalar("SELECT count(*) FROM waiting_devices"));
        fixture.Source.Devices.RemoveAll(d => d.Id is "a000" or "b000");

        await fixture.RunWellAsync();

        Assert.Equal("0", fixture.Scalar("SELECT count(*) FROM waiting_devices"));
    }

    [Fact]
    public async Task The_budget_holds_when_conflicts_that_are_none_any_more_are_read_again()
    {
        using var fixture = new SyncFixture();
        for (var i = 0; i < 3; i++)
            fixture.Source.Add(Device("d" + i, "CLONE-" + i), Snapshot("s" + i, Uuid));
        Assert.Equal(2, (await fixture.RunWellAsync()).Conflicts);
        fixture.Source.Add(Device("d3", "CLONE-3"), Snapshot("s3", Uuid));

        var first = await fixture.RunAsync(maxApiCalls: 5);
        Assert.Equal((SyncRunStatus.PartiallySucceeded, 5L, 1), (first.Status, first.ApiCalls, first.Created));
        var second = await fixture.RunAsync(maxApiCalls: 5);

        Assert.Equal((SyncRunStatus.Succeeded, 2), (second.Status, second.Created));
        Assert.Equal("4", fixture.Scalar("SELECT count(*) FROM computers"));
    }

    [Fact]
    public async Task A_rehearsal_keeps_nothing()
    {
        using var fixture = WithPairs(3);
        await fixture.RunAsync(SyncMode.WhatIf);
        Assert.Equal("0", fixture.Scalar("SELECT count(*) FROM waiting_devices"));
    }
}
