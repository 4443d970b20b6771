using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Sync;
using static AlloyScan.Engine.Tests.Sync.SyncFixture;

namespace AlloyScan.Engine.Tests.Sync;

/// <summary>Devices that go and come back, CIs that are retired or deleted, sites that cannot be trusted.</summary>
public sealed class LifecycleTests
{
    private static async Task<SyncFixture> WithDevicesAsync(int count, Func<SyncJob, SyncJob>? change = null)
    {
        var fixture = new SyncFixture(change);
        for (var i = 0; i < count; i++)
            fixture.Source.Add(Device($"d{i:00}", $"PC-{i}", $"SN{i}"), Snapshot($"s{i}", null, "Windows", ("Editor", "1")));
        await fixture.RunWellAsync();
        return fixture;
    }

    [Fact]
    public async Task A_device_that_is_gone_is_marked_missing_after_its_404_and_returns()
    {
        using var fixture = await WithDevicesAsync(10);
        var gone = fixture.Source.Devices[3];
        fixture.Source.Devices.Remove(gone);

        var run = await fixture.RunWellAsync();

        Assert.Equal(1, run.Missing);
        Assert.Contains("device d03", fixture.Source.Log);
        Assert.Equal("Missing", fixture.Scalar("SELECT state FROM sync_links WHERE device_id = 'd03'"));
        Assert.NotNull(fixture.Scalar("SELECT missing_since FROM computers WHERE device_id = 'd03'"));
        Assert.Equal(0, (await fixture.RunWellAsync()).Missing);

        fixture.Source.Devices.Add(gone);
        await fixture.RunWellAsync();
        Assert.Equal(ChangeAction.Return, Assert.Single(fixture.Heard.Changes).Action);
        Assert.Equal("Live", fixture.Scalar("SELECT state FROM sync_links WHERE device_id = 'd03'"));
        Assert.Null(fixture.Scalar("SELECT missing_since FROM computers WHERE device_id = 'd03'"));
    }

    [Fact]
    public async Task A_device_that_the_list_skipped_but_that_answers_is_not_missing()
    {
        using var fixture = await WithDevicesAsync(10);
        fixture.Source.Order = devices => devices.Where(d => d.Id != "d03");
        fixture.Source.ClaimedTotal = 9;

        Assert.Equal(0, (await fixture.RunWellAsync()).Missing);
    }

    [Fact]
    public async Task A_404_is_not_believed_when_the_site_stops_answering_for_listed_devices()
    {
        using var fixture = await WithDevicesAsync(10);
        fixture.Source.Devices.RemoveAt(5);
        var probes = 0;
        fixture.Source.Before = call =>
        {
            if (call is "device d00" or "device d09" && ++probes == 2)
                throw new AlloyScanException(ErrorKind.InvalidData, "NotJson", "The answer is HTML.");
        };

        var run = await fixture.RunAsync();

        Assert.Equal(0, run.Missing);
        Assert.Single(fixture.Heard.Warnings);
    }

    [Fact]
    public async Task An_incomplete_list_marks_nothing_missing_and_says_so()
    {
        using var fixture = await WithDevicesAsync(10);
        fixture.Source.Devices.RemoveAt(5);
        fixture.Source.ClaimedTotal = 10;

        var run = await fixture.RunAsync();

        Assert.Equal((SyncRunStatus.PartiallySucceeded, false, 0), (run.Status, run.Complete, run.Missing));
        Assert.Equal(3, fixture.Source.LogOf("list").Count());
        Assert.Contains("could not be read completely", run.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_list_that_knows_less_than_half_of_the_links_is_another_site()
    {
        using var fixture = await WithDevicesAsync(10);
        fixture.Source.Devices.RemoveRange(0, 6);
        for (var i = 0; i < 20; i++)
            fixture.Source.Add(Device("x" + i, "X-" + i), Snapshot("xs" + i));
        var before = fixture.Dump();

        var run = await fixture.RunAsync();

        Assert.Equal((SyncRunStatus.Blocked, 0), (run.Status, run.Created));
        Assert.Contains("another site", run.Message, StringComparison.Ordinal);
        Assert.Equal(before, fixture.Dump());
    }

    [Fact]
    public async Task An_empty_list_changes_nothing()
    {
        using var fixture = await WithDevicesAsync(10);
        fixture.Source.Devices.Clear();
        var before = fixture.Dump();

        Assert.Equal(SyncRunStatus.Blocked, (await fixture.RunAsync()).Status);
        Assert.Equal(before, fixture.Dump());
    }

    [Fact]
    public async Task A_list_that_shrank_by_more_than_a_fifth_removes_nothing_but_still_creates()
    {
        using var fixture = await WithDevicesAsync(20);
        fixture.Source.Devices.RemoveRange(0, 6);
        fixture.Source.Add(Device("new", "NEW", "NEWSN"), Snapshot("sn"));

        var run = await fixture.RunAsync();

        Assert.Equal((SyncRunStatus.Blocked, 1, 0), (run.Status, run.Created, run.Missing));
    }

    [Fact]
    public async Task A_retired_CI_is_left_alone_and_its_device_kept_by_default()
    {
        using var fixture = await WithDevicesAsync(3);
        fixture.Sql("UPDATE records SET status = 'Retired' WHERE id = 1");
        fixture.Source.Replace("d00", d => d with { Name = "RENAMED" });

        var run = await fixture.RunWellAsync();

        Assert.Equal((0, 1, 0), (run.Updated, run.Skipped, run.DeletedInAlloyScan));
        Assert.Equal("PC-0", fixture.Scalar("SELECT name FROM computers WHERE id = 'C000001'"));
        Assert.Equal("2", fixture.Scalar("SELECT installations FROM software_products"));
        Assert.Equal("2", fixture.Scalar("SELECT count(*) FROM discovered_installations"));
        fixture.Sql("UPDATE records SET status = 'In use' WHERE id = 1");
        Assert.Equal("3", fixture.Scalar("SELECT installations FROM software_products"));
    }

    [Fact]
    public async Task The_device_of_a_retired_CI_is_deleted_when_the_job_says_so_and_is_a_conflict_if_it_is_found_again()
    {
        using var fixture = await WithDevicesAsync(3, job => job with { RetiredOriginal = RetiredOriginal.Delete });
        fixture.Sql("UPDATE records SET status = 'Retired' WHERE id = 1");
        var device = fixture.Source.Devices[0];

        await fixture.RunAsync(SyncMode.WhatIf);
        Assert.Equal(ChangeAction.DeleteInAlloyScan, Assert.Single(fixture.Heard.Changes).Action);
        Assert.Empty(fixture.Source.Deleted);

        var run = await fixture.RunWellAsync();
        Assert.Equal((1, "d00"), (run.DeletedInAlloyScan, Assert.Single(fixture.Source.Deleted)));
        Assert.Equal("Closed", fixture.Scalar("SELECT state FROM sync_links WHERE device_id = 'd00'"));
        Assert.Equal("Deleted", fixture.Scalar("SELECT outcome FROM intents"));

        fixture.Source.Devices.Add(device);
        Assert.Equal((0, 1), (await fixture.RunWellAsync()) is var again ? (again.Created, again.Conflicts) : default);
    }

    [Fact]
    public async Task Many_retired_CIs_at_once_delete_nothing()
    {
        using var fixture = await WithDevicesAsync(40, job => job with { RetiredOriginal = RetiredOriginal.Delete });
        fixture.Sql("UPDATE records SET status = 'Retired' WHERE id <= 11");

        var run = await fixture.RunAsync();

        Assert.Equal((SyncRunStatus.Blocked, 0), (run.Status, run.DeletedInAlloyScan));
        Assert.Empty(fixture.Source.Deleted);
    }

    [Fact]
    public async Task A_deletion_whose_run_died_before_its_outcome_is_settled_by_the_next()
    {
        using var fixture = await WithDevicesAsync(10, job => job with { RetiredOriginal = RetiredOriginal.Delete });
        fixture.Sql("UPDATE records SET status = 'Retired' WHERE id = 1; INSERT INTO intents (run_id, action, link, device_id, created_at) VALUES (1, 'DeleteInAlloyScan', 1, 'd00', 0)");
        fixture.Source.Devices.RemoveAt(0);

        var run = await fixture.RunWellAsync();

        Assert.Equal((1, 0), (run.DeletedInAlloyScan, run.Missing));
        Assert.Empty(fixture.Source.LogOf("delete"));
        Assert.Equal("Closed", fixture.Scalar("SELECT state FROM sync_links WHERE device_id = 'd00'"));
    }

    [Fact]
    public async Task A_CI_deleted_from_the_CMDB_closes_its_link_and_is_not_made_anew()
    {
        using var fixture = await WithDevicesAsync(3);
        fixture.Sql("DELETE FROM records WHERE id = 2");

        var run = await fixture.RunWellAsync();

        Assert.Equal((0, 1), (run.Created, run.Conflicts));
        Assert.Equal("RecordDeleted", fixture.Scalar("SELECT state FROM sync_links WHERE device_id = 'd01'"));
        Assert.Equal("Open", fixture.Scalar("SELECT state FROM sync_conflicts WHERE device_id = 'd01'"));
        Assert.Equal((0, 0), (await fixture.RunWellAsync()) is var again ? (again.Created, again.Conflicts) : default);
    }

    [Fact]
    public async Task A_number_of_a_deleted_CI_is_never_given_again()
    {
        using var fixture = await WithDevicesAsync(3);
        fixture.Sql("DELETE FROM records WHERE id = 3; DELETE FROM links WHERE record = 3");
        fixture.Source.Devices.RemoveAt(2);
        fixture.Source.Add(Device("new", "NEW", "NEW1"), Snapshot("ns"));

        await fixture.RunWellAsync();

        Assert.Equal("C000004", fixture.Scalar("SELECT id FROM computers WHERE device_id = 'new'"));
    }

    [Fact]
    public async Task One_bad_device_is_one_error_row_and_the_run_goes_on()
    {
        using var fixture = new SyncFixture();
        for (var i = 0; i < 5; i++)
            fixture.Source.Add(Device("d" + i, "PC-" + i), Snapshot("s" + i));
        fixture.Source.UnreadableInList["d1"] = "The field 'serialNumber' is an object where text was expected.";
        fixture.Source.Snapshots.Remove("s3");

        var run = await fixture.RunAsync();

        Assert.Equal((SyncRunStatus.PartiallySucceeded, true, 5, 3, 2), (run.Status, run.Complete, run.DevicesRead, run.Created, run.Errors));
        Assert.Equal(["d1|Read|UnreadableDevice|1", "d3|Read|SnapshotNotFound|1"], fixture.Rows("SELECT device_id, stage, error_id, attempts FROM sync_errors ORDER BY 1"));

        await fixture.RunAsync();
        Assert.Equal(["d1|2", "d3|2"], fixture.Rows("SELECT device_id, attempts FROM sync_errors WHERE run_id = 2 ORDER BY 1"));

        fixture.Source.UnreadableInList.Clear();
        fixture.Source.Snapshots["s3"] = Snapshot("s3");
        Assert.Equal((2, 0), (await fixture.RunWellAsync()) is var healed ? (healed.Created, healed.Errors) : default);
        Assert.Equal("0", fixture.Scalar("SELECT count(*) FROM failing_devices"));
    }

    [Fact]
    public async Task A_linked_device_that_became_unreadable_is_not_taken_for_gone()
    {
        using var fixture = await WithDevicesAsync(5);
        fixture.Source.UnreadableInList["d01"] = "The field 'name' is an array where text was expected.";

        var run = await fixture.RunAsync();

        Assert.Equal((true, 0, 1), (run.Complete, run.Missing, run.Errors));
    }

    [Fact]
    public async Task A_site_that_fails_in_the_middle_ends_the_run_and_the_next_goes_on()
    {
        using var fixture = new SyncFixture();
        for (var i = 0; i < 900; i++)
            fixture.Source.Add(Device($"d{i:000}", "PC-" + i), Snapshot("s" + i));
        var calls = 0;
        fixture.Source.Before = _ =>
        {
            if (Interlocked.Increment(ref calls) > 900)
                throw new AlloyScanException(ErrorKind.Authentication, "InvalidClient", "The site refuses the client ID or secret.");
        };

        var run = await fixture.RunAsync();
        Assert.Equal((SyncRunStatus.Failed, "InvalidClient", 4), (run.Status, run.ErrorId, run.ExitCode));
        Assert.InRange(int.Parse(fixture.Scalar("SELECT count(*) FROM computers")!, System.Globalization.CultureInfo.InvariantCulture), 100, 450);

        fixture.Source.Before = null;
        Assert.Equal(900, (await fixture.RunWellAsync()).DevicesRead);
        Assert.Equal("900", fixture.Scalar("SELECT count(*) FROM computers"));
    }

    [Fact]
    public async Task A_site_whose_connection_is_gone_is_given_up_after_a_few_devices()
    {
        using var fixture = new SyncFixture();
        for (var i = 0; i < 300; i++)
            fixture.Source.Add(Device($"d{i:000}", "PC-" + i), Snapshot("s" + i));
        fixture.Source.Before = call =>
        {
            if (call.StartsWith("device", StringComparison.Ordinal))
                throw new AlloyScanException(ErrorKind.Connection, "SiteUnreachable", "The site cannot be reached.");
        };

        var run = await fixture.RunAsync();

        Assert.Equal((SyncRunStatus.Failed, "SiteUnreachable"), (run.Status, run.ErrorId));
        Assert.True(fixture.Source.Log.Count < 100, $"{fixture.Source.Log.Count} calls");
    }

    [Fact]
    public async Task A_budget_stops_cleanly_and_later_runs_finish()
    {
        using var fixture = new SyncFixture();
        for (var i = 0; i < 100; i++)
            fixture.Source.Add(Device($"d{i:000}", "PC-" + i), Snapshot("s" + i));
        var created = 0;
        for (var i = 0; i < 6; i++)
        {
            var run = await fixture.RunAsync(maxApiCalls: 60);
            Assert.True(run.ApiCalls <= 60, $"{run.ApiCalls} calls");
            created += run.Created;
            if (run.Status == SyncRunStatus.Succeeded)
                break;

            Assert.Equal(SyncRunStatus.PartiallySucceeded, run.Status);
            Assert.Contains("budget", run.Message, StringComparison.Ordinal);
        }

        Assert.Equal(100, created);
    }

    [Theory]
    [InlineData(1, SyncRunStatus.PartiallySucceeded)]
    [InlineData(2, SyncRunStatus.Succeeded)]
    public async Task A_budget_that_is_just_enough_is_no_reason_to_stop(int calls, SyncRunStatus expected)
    {
        using var fixture = await WithDevicesAsync(60);

        var run = await fixture.RunAsync(maxApiCalls: calls);

        Assert.Equal((expected, (long)calls), (run.Status, run.ApiCalls));
    }
}
