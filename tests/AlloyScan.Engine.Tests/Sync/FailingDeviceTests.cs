using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Sync;

namespace AlloyScan.Engine.Tests.Sync;

/// <summary>Devices that fail: their error rows, when they are parked, and how they are tried again.</summary>
public sealed class FailingDeviceTests
{
    private static SyncFixture WithDevices(int count, Func<Engine.Jobs.SyncJob, Engine.Jobs.SyncJob>? change = null)
    {
        var fixture = new SyncFixture(change);
        for (var i = 0; i < count; i++)
            fixture.Source.Add(SyncFixture.Device($"d{i:00}", $"PC-{i:00}", $"SERIAL-{i:00}"), SyncFixture.Snapshot($"a{i:00}", software: ("Editor", "1")));
        return fixture;
    }

    /// <summary>The site cannot give some snapshots.</summary>
    private static void Break(SyncFixture fixture, params string[] devices) => fixture.Source.Before = call =>
    {
        if (devices.Any(d => call.StartsWith("snapshot a" + d[1..], StringComparison.Ordinal)))
            throw new AlloyScanException(ErrorKind.InvalidData, "UnreadableAnswer", "The snapshot is not JSON.");
    };

    [Fact]
    public async Task A_device_that_fails_is_an_error_row_that_counts_its_runs()
    {
        using var fixture = WithDevices(5);
        Break(fixture, "d02");
        var first = await fixture.RunAsync();
        var second = await fixture.RunAsync();
        fixture.Source.Before = null;
        var third = await fixture.RunAsync();

        Assert.Equal((SyncRunStatus.PartiallySucceeded, SyncRunStatus.PartiallySucceeded, SyncRunStatus.Succeeded), (first.Status, second.Status, third.Status));
        Assert.Equal(["1|d02|PC-02|Read|UnreadableAnswer|The snapshot is not JSON.|1", "2|d02|PC-02|Read|UnreadableAnswer|The snapshot is not JSON.|2"], fixture.Rows("SELECT * FROM sync_errors"));
        Assert.Equal(1, third.Created);
        Assert.Equal("0", fixture.Scalar("SELECT count(*) FROM failing_devices"));
    }

    [Fact]
    public async Task A_device_that_failed_too_often_is_parked_until_it_changes_and_costs_no_calls()
    {
        using var fixture = WithDevices(5, job => job with { ParkAfter = 3 });
        Break(fixture, "d02");
        for (var i = 0; i < 3; i++)
            Assert.Equal(1, (await fixture.RunAsync()).Errors);
        var parked = await fixture.RunAsync();

        Assert.Equal((SyncRunStatus.Succeeded, 0, 1), (parked.Status, parked.Errors, parked.Parked));
        Assert.Contains("1 device is parked after 3 or more failed runs in a row", parked.Message, StringComparison.Ordinal);
        Assert.All(fixture.Source.Log, call => Assert.Equal("list", call));
        Assert.Equal((1, false, true), (fixture.Store.Runs.Get(parked.Id).Parked, fixture.Store.Runs.Errors(2).Single().Parked, fixture.Store.Runs.Errors(3).Single().Parked));
        Assert.Equal(3, Assert.Single(fixture.Store.Runs.Errors(parkedOnly: true)).Attempts);

        fixture.Source.Replace("d02", d => d with { LastSeen = d.LastSeen!.Value.AddHours(1) });
        var moved = await fixture.RunAsync();
        Assert.Equal((1, 0), (moved.Errors, moved.Parked));
        Assert.Equal(4, fixture.Heard.Errors.Single().Attempts);
        Assert.Equal(1, (await fixture.RunAsync()).Parked);

        fixture.Source.Replace("d02", d => d with { Name = "PC-02-NEW" });
        fixture.Source.Before = null;
        var right = await fixture.RunAsync();
        Assert.Equal((SyncRunStatus.Succeeded, 1, 0), (right.Status, right.Created, right.Parked));
        Assert.Empty(fixture.Store.Runs.Errors(parkedOnly: true));
    }

    [Fact]
    public async Task With_0_nothing_is_parked()
    {
        using var fixture = WithDevices(3, job => job with { ParkAfter = 0 });
        Break(fixture, "d02");
        for (var i = 0; i < 7; i++)
            Assert.Equal((1, 0), await fixture.RunAsync() is var run ? (run.Errors, run.Parked) : default);
        Assert.Empty(fixture.Store.Runs.Errors(parkedOnly: true));
    }

    [Fact]
    public async Task A_linked_device_is_parked_too_and_is_never_taken_for_absent()
    {
        using var fixture = WithDevices(4, job => job with { ParkAfter = 1, MissingDevice = Engine.Jobs.MissingDevice.Retire, RetireAfterRuns = 1, RetireAfterDays = 0 });
        await fixture.RunWellAsync();
        fixture.Source.Audit("d01", s => s with { Software = [] });
        Break(fixture, "d01");
        Assert.Equal(1, (await fixture.RunAsync()).Errors);
        for (var i = 0; i < 3; i++)
            Assert.Equal((SyncRunStatus.Succeeded, 1, 0, 0), await fixture.RunAsync() is var run ? (run.Status, run.Parked, run.Missing, run.Retired) : default);
        Assert.Equal("4", fixture.Scalar("SELECT count(*) FROM sync_links WHERE state = 'Live'"));
    }

    [Fact]
    public async Task A_row_of_the_list_that_cannot_be_understood_is_parked_until_it_can()
    {
        using var fixture = WithDevices(4, job => job with { ParkAfter = 2 });
        fixture.Source.UnreadableInList["d03"] = "The name is a number.";
        Assert.Equal(1, (await fixture.RunAsync()).Errors);
        Assert.Equal(1, (await fixture.RunAsync()).Errors);
        var parked = await fixture.RunAsync();
        Assert.Equal((SyncRunStatus.Succeeded, 0, 1, true), (parked.Status, parked.Errors, parked.Parked, parked.Complete));

        fixture.Source.UnreadableInList.Clear();
        Assert.Equal((0, 1), await fixture.RunAsync() is var run ? (run.Parked, run.Created) : default);
    }

    [Fact]
    public async Task A_full_run_tries_parked_devices_by_hand()
    {
        using var fixture = WithDevices(3, job => job with { ParkAfter = 1 });
        Break(fixture, "d02");
        await fixture.RunAsync();
        Assert.Equal(1, (await fixture.RunAsync()).Parked);
        Assert.Equal((1, 0), await fixture.RunAsync(full: true) is var again ? (again.Errors, again.Parked) : default);
        fixture.Source.Before = null;
        Assert.Equal((0, 1), await fixture.RunAsync(full: true) is var run ? (run.Errors, run.Created) : default);
    }

    [Fact]
    public async Task A_replay_reads_only_what_failed_and_ends_as_a_whole_run_would()
    {
        using var fixture = WithDevices(60, job => job with { ParkAfter = 1 });
        await fixture.RunWellAsync();
        foreach (var id in new[] { "d07", "d11", "d40" })
            fixture.Source.Audit(id, s => s with { Hardware = s.Hardware! with { Model = "Other" } });
        fixture.Source.Add(SyncFixture.Device("new", "PC-NEW", "SERIAL-NEW"), SyncFixture.Snapshot("anew", software: ("Editor", "1")));
        Break(fixture, "d07", "d11", "d40", "dnew");
        fixture.Source.Before += call =>
        {
            if (call == "device new")
                throw new AlloyScanException(ErrorKind.InvalidData, "UnreadableAnswer", "The device is not JSON.");
        };
        Assert.Equal(4, (await fixture.RunAsync()).Errors);
        fixture.Source.Before = null;

        var replay = await fixture.RunAsync(errorsOnly: true);

        Assert.Equal((SyncRunKind.Replay, SyncRunStatus.Succeeded, false, 4, 1, 3), (replay.Kind, replay.Status, replay.Complete, replay.DevicesRead, replay.Created, replay.Updated));
        Assert.Equal("4 devices that had failed were tried again: 4 are right now, 0 failed again.", replay.Message);
        Assert.Equal(8, fixture.Source.Log.Count);
        Assert.DoesNotContain("list", fixture.Source.Log);
        var after = await fixture.RunWellAsync();
        Assert.Equal((0, 0, 0), (after.Created, after.Updated, after.InstallationsAdded));
        Assert.All(fixture.Source.Log, call => Assert.Equal("list", call));
        Assert.Equal("3", fixture.Scalar("SELECT count(*) FROM computers WHERE model = 'Other'"));
    }

    [Fact]
    public async Task A_replay_takes_nothing_for_absent_and_believes_no_404()
    {
        using var fixture = WithDevices(10, job => job with { MissingDevice = Engine.Jobs.MissingDevice.Retire, RetireAfterRuns = 1, RetireAfterDays = 0, RetiredOriginal = Engine.Jobs.RetiredOriginal.Delete });
        await fixture.RunWellAsync();
        fixture.Source.Audit("d01", s => s with { Software = [] });
        fixture.Source.Audit("d02", s => s with { Software = [] });
        Break(fixture, "d01", "d02");
        await fixture.RunAsync();
        fixture.Source.Before = null;
        fixture.Source.Devices.RemoveAll(d => d.Id is "d01" or "d05");
        fixture.Sql("UPDATE records SET status = 'Retired' WHERE name = 'PC-02'");

        var replay = await fixture.RunAsync(errorsOnly: true);

        Assert.Equal((SyncRunStatus.Succeeded, 0, 0, 0), (replay.Status, replay.Missing, replay.Retired, replay.DeletedInAlloyScan));
        Assert.Contains("1 is not to be had from the site any more", replay.Message, StringComparison.Ordinal);
        Assert.Empty(fixture.Source.Deleted);
        Assert.Equal("10", fixture.Scalar("SELECT count(*) FROM sync_links WHERE state = 'Live'"));
        Assert.Equal(["d01"], fixture.Rows("SELECT device_id FROM failing_devices"));

        var whole = await fixture.RunAsync();
        Assert.Equal(2, whole.Missing);
        Assert.Equal("0", fixture.Scalar("SELECT count(*) FROM failing_devices"));
    }

    [Fact]
    public async Task A_device_that_shares_an_identifier_waits_for_a_whole_run_and_is_not_read_again()
    {
        using var fixture = WithDevices(3);
        await fixture.RunWellAsync();
        // The twin of a linked device: a conflict, which needs the whole list to be judged.
        fixture.Source.Add(SyncFixture.Device("twin", "PC-01", "SERIAL-01"), SyncFixture.Snapshot("atwin"));
        fixture.Source.Before = call =>
        {
            if (call == "device twin")
                throw new AlloyScanException(ErrorKind.InvalidData, "UnreadableAnswer", "The device is not JSON.");
        };
        await fixture.RunAsync();
        fixture.Source.Before = null;

        var replay = await fixture.RunAsync(errorsOnly: true);
        Assert.Equal((0, 0), (replay.Created, replay.Conflicts));
        Assert.Contains("1 with identifiers that others carry too waits for a run that reads the whole list", replay.Message, StringComparison.Ordinal);

        var whole = await fixture.RunAsync();
        Assert.Equal((0, 1), (whole.Created, whole.Conflicts));
        Assert.All(fixture.Source.Log, call => Assert.Equal("list", call));
        Assert.Equal("0", fixture.Scalar("SELECT count(*) FROM failing_devices"));
    }

    [Fact]
    public async Task A_replay_can_be_of_one_run_rehearsed_and_cut_short_by_its_budget()
    {
        using var fixture = WithDevices(30);
        Break(fixture, "d01", "d02", "d03");
        var first = await fixture.RunAsync();
        Break(fixture, "d01", "d02", "d03", "d04");
        fixture.Source.Audit("d04", s => s);
        var second = await fixture.RunAsync();
        fixture.Source.Before = null;

        Assert.Equal(4, (await fixture.RunAsync(SyncMode.WhatIf, errorsOnly: true)).DevicesRead);
        Assert.Equal("4", fixture.Scalar("SELECT count(*) FROM failing_devices"));

        var cut = await fixture.RunAsync(errorsOnly: true, maxApiCalls: 5);
        Assert.Equal((SyncRunStatus.PartiallySucceeded, 2), (cut.Status, cut.Created));
        Assert.InRange(fixture.Source.Log.Count, 4, 5);

        var ofFirst = await fixture.RunAsync(errorsOnly: true, errorsOfRun: first.Id);
        Assert.Equal((SyncRunStatus.Succeeded, 1), (ofFirst.Status, ofFirst.DevicesRead));
        Assert.Equal(["d04"], fixture.Rows("SELECT device_id FROM failing_devices"));
        Assert.Equal(1, (await fixture.RunAsync(errorsOnly: true, errorsOfRun: second.Id)).DevicesRead);

        var nothing = await fixture.RunAsync(errorsOnly: true);
        Assert.Equal((SyncRunStatus.Succeeded, "No device of the site is failing, so there was nothing to try again."), (nothing.Status, nothing.Message));
        Assert.Empty(fixture.Source.Log);
    }

    [Fact]
    public async Task A_device_that_fails_again_in_a_replay_counts_on()
    {
        using var fixture = WithDevices(3);
        Break(fixture, "d01");
        await fixture.RunAsync();
        var replay = await fixture.RunAsync(errorsOnly: true);
        Assert.Equal((SyncRunStatus.PartiallySucceeded, 1), (replay.Status, replay.Errors));
        Assert.Equal((2, "PC-01"), (fixture.Heard.Errors[0].Attempts, fixture.Heard.Errors[0].DeviceName));
    }

    [Fact]
    public async Task A_replay_is_no_last_run_of_the_job_and_no_first_load()
    {
        using var fixture = WithDevices(3);
        Break(fixture, "d01");
        await fixture.RunAsync(maxApiCalls: 6);
        fixture.Source.Before = null;
        await fixture.RunAsync(errorsOnly: true);
        Assert.Equal("PartiallySucceeded", fixture.Store.Jobs.Get("HQ").LastRunStatus);
        Assert.Equal("0", fixture.Scalar("SELECT reached_end FROM runs ORDER BY id DESC LIMIT 1"));
    }

    [Fact]
    public async Task Devices_that_leave_the_site_fail_no_more()
    {
        using var fixture = WithDevices(4);
        Break(fixture, "d01");
        await fixture.RunAsync();
        fixture.Source.Devices.RemoveAll(d => d.Id == "d01");
        await fixture.RunAsync();
        Assert.Equal("0", fixture.Scalar("SELECT count(*) FROM failing_devices"));
    }

    [Fact]
    public async Task An_undo_leaves_what_fails_as_it_is()
    {
        using var fixture = WithDevices(4, job => job with { ParkAfter = 2 });
        Break(fixture, "d01");
        await fixture.RunAsync();
        await fixture.RunAsync();
        fixture.Store.Undo.Undo(1, rehearsal: false, _ => { }, default);
        Assert.Equal(["d01|2|2"], fixture.Rows("SELECT device_id, attempts, run_id FROM failing_devices"));
        var run = await fixture.RunAsync();
        Assert.Equal((3, 1), (run.Created, run.Parked));
    }
}
