using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Sync;
using static AlloyScan.Engine.Tests.Sync.SyncFixture;

namespace AlloyScan.Engine.Tests.Sync;

/// <summary>CIs retired for absence, revived, taken back, retired by others, deleted and made anew.</summary>
public sealed class RetirementTests
{
    private static SyncJob Retiring(SyncJob job) => job with { MissingDevice = MissingDevice.Retire };

    private static async Task<SyncFixture> WithDevicesAsync(int count, Func<SyncJob, SyncJob>? change = null)
    {
        var fixture = new SyncFixture(change ?? Retiring);
        for (var i = 0; i < count; i++)
            fixture.Source.Add(Device($"d{i:00}", $"PC-{i}", $"SN{i}"), Snapshot($"s{i}", null, "Windows", ("Editor", "1")));
        await fixture.RunWellAsync();
        return fixture;
    }

    private static void DaysPass(SyncFixture fixture, int days) =>
        fixture.Sql($"UPDATE links SET missing_since = missing_since - {days} * CAST(86400000 AS BIGINT)");

    /// <summary>Takes a device away and runs until its CI is retired.</summary>
    private static async Task<Device> RetireAsync(SyncFixture fixture, int index)
    {
        var device = fixture.Source.Devices[index];
        fixture.Source.Devices.RemoveAt(index);
        await fixture.RunWellAsync();
        await fixture.RunWellAsync();
        DaysPass(fixture, 7);
        Assert.Equal(1, (await fixture.RunWellAsync()).Retired);
        return device;
    }

    private static string? Status(SyncFixture fixture, string id) => fixture.Scalar($"SELECT status FROM computers WHERE id = '{id}'");

    [Fact]
    public async Task A_CI_is_retired_only_after_enough_complete_runs_and_enough_days()
    {
        using var fixture = await WithDevicesAsync(10);
        fixture.Source.Devices.RemoveAt(3);
        Assert.Equal((1, 0), (await fixture.RunWellAsync()) is var first ? (first.Missing, first.Retired) : default);
        DaysPass(fixture, 30);
        Assert.Equal(0, (await fixture.RunWellAsync()).Retired);

        fixture.Source.ClaimedTotal = 10;
        Assert.False((await fixture.RunAsync()).Complete);
        Assert.Equal("2", fixture.Scalar("SELECT missing_runs FROM links WHERE device_id = 'd03'"));
        fixture.Source.ClaimedTotal = null;

        fixture.Sql("UPDATE links SET missing_since = missing_since + 25 * CAST(86400000 AS BIGINT) WHERE missing_since IS NOT NULL");
        Assert.Equal(0, (await fixture.RunWellAsync()).Retired);
        DaysPass(fixture, 3);

        await fixture.RunAsync(SyncMode.WhatIf);
        var planned = Assert.Single(fixture.Heard.Changes);
        Assert.Equal((ChangeAction.Retire, "C000004", "status: Auto-Added -> Retired"), (planned.Action, planned.RecordId, planned.Fields[0].ToString()));
        Assert.Equal("Auto-Added", Status(fixture, "C000004"));

        var run = await fixture.RunWellAsync();
        Assert.Equal((1, 0, 0), (run.Retired, run.Updated, run.Missing));
        Assert.Equal("Retired", Status(fixture, "C000004"));
        Assert.Equal(["Retire|status|Auto-Added|Retired"], fixture.Rows($"SELECT action, field, old_value, new_value FROM sync_changes WHERE run_id = {run.Id}"));
        Assert.Equal(["1|Auto-Added|2"], fixture.Rows("SELECT retired_at IS NOT NULL, retired_from, state FROM links WHERE device_id = 'd03'"));
        Assert.Equal("9", fixture.Scalar("SELECT count(*) FROM discovered_installations"));
        Assert.Equal("9", fixture.Scalar("SELECT installations FROM software_products"));

        var calm = await fixture.RunWellAsync();
        Assert.Equal(0, calm.Retired);
        Assert.Equal(["list"], fixture.Source.Log);
    }

    [Fact]
    public async Task A_job_that_keeps_missing_devices_retires_nothing()
    {
        using var fixture = await WithDevicesAsync(10, job => job);
        fixture.Source.Devices.RemoveAt(3);
        for (var i = 0; i < 5; i++)
            await fixture.RunWellAsync();
        DaysPass(fixture, 100);

        Assert.Equal(0, (await fixture.RunWellAsync()).Retired);
        var before = fixture.Rows("SELECT * FROM links");
        await fixture.RunWellAsync();
        Assert.Equal(before, fixture.Rows("SELECT * FROM links"));
    }

    [Fact]
    public async Task An_absence_is_confirmed_again_before_a_CI_is_retired()
    {
        using var fixture = await WithDevicesAsync(10);
        var gone = fixture.Source.Devices[3];
        fixture.Source.Devices.RemoveAt(3);
        await fixture.RunWellAsync();
        await fixture.RunWellAsync();
        DaysPass(fixture, 7);

        // It is there again, but the list has skipped it.
        fixture.Source.Devices.Insert(3, gone);
        fixture.Source.Order = devices => devices.Where(d => d.Id != "d03");
        fixture.Source.ClaimedTotal = 9;
        Assert.Equal(0, (await fixture.RunWellAsync()).Retired);

        // The device path fails after the absences were asked.
        fixture.Source.Devices.RemoveAt(3);
        var probes = 0;
        fixture.Source.Before = call =>
        {
            if (call is "device d00" or "device d09" && ++probes == 2)
                throw new AlloyScanException(ErrorKind.InvalidData, "NotJson", "The answer is HTML.");
        };
        Assert.Equal(0, (await fixture.RunWellAsync()).Retired);
        Assert.Contains(fixture.Heard.Warnings, w => w.Contains("nothing is retired", StringComparison.Ordinal));

        fixture.Source.Before = null;
        Assert.Equal(1, (await fixture.RunWellAsync()).Retired);
    }

    [Fact]
    public async Task Confirmations_take_a_tenth_of_the_budget_and_the_rest_waits()
    {
        using var fixture = await WithDevicesAsync(60);
        fixture.Source.Devices.RemoveRange(0, 5);
        for (var i = 0; i < 3; i++)
            await fixture.RunWellAsync();
        DaysPass(fixture, 7);

        Assert.Equal(3, (await fixture.RunAsync(maxApiCalls: 30)).Retired);
        Assert.Equal(2, (await fixture.RunAsync(maxApiCalls: 30)).Retired);
    }

    [Fact]
    public async Task Too_many_retirements_at_once_are_held_back_without_a_call()
    {
        using var fixture = await WithDevicesAsync(60);
        fixture.Source.Devices.RemoveRange(0, 11);
        for (var i = 0; i < 3; i++)
            await fixture.RunWellAsync();
        DaysPass(fixture, 7);

        var run = await fixture.RunAsync();

        Assert.Equal((SyncRunStatus.Blocked, 0), (run.Status, run.Retired));
        Assert.Contains("Retirement, Computer/Windows: 11 of 49 (22.4 %), more than 10 and 10 %", run.Message, StringComparison.Ordinal);
        Assert.All(fixture.Source.Log, call => Assert.Equal("list", call));
        Assert.Equal("0", fixture.Scalar("SELECT count(*) FROM computers WHERE status = 'Retired'"));
    }

    [Fact]
    public async Task A_device_that_returns_revives_its_CI_and_brings_it_up_to_date()
    {
        using var fixture = await WithDevicesAsync(10);
        fixture.Sql("UPDATE records SET status = 'In Use' WHERE id = 4");
        await fixture.RunWellAsync();
        var device = await RetireAsync(fixture, 3);

        fixture.Source.Devices.Add(device with { Name = "RENAMED", LastSeen = FakeSource.T(9) });
        await fixture.RunAsync(SyncMode.WhatIf);
        var planned = fixture.Heard.Changes;
        var run = await fixture.RunWellAsync();

        var change = Assert.Single(fixture.Heard.Changes);
        Assert.Equal((ChangeAction.Revive, 1), (change.Action, run.Updated));
        Assert.Equal(planned.Single().Fields.Select(f => f.ToString()), change.Fields.Select(f => f.ToString()));
        Assert.Equal(["RENAMED|In Use"], fixture.Rows("SELECT name, status FROM computers WHERE id = 'C000004'"));
        Assert.Equal(["Live|1|-|0"], fixture.Rows("SELECT 'Live', state, retired_at, missing_runs FROM links WHERE device_id = 'd03'"));
        Assert.Contains("Revive|status|Retired|In Use", fixture.Rows($"SELECT action, field, old_value, new_value FROM sync_changes WHERE run_id = {run.Id}"));
        Assert.Equal("10", fixture.Scalar("SELECT installations FROM software_products"));
        Assert.Equal(0, (await fixture.RunWellAsync()).Updated);
    }

    [Fact]
    public async Task The_device_of_a_CI_that_we_retired_is_never_deleted()
    {
        using var fixture = await WithDevicesAsync(10, job => Retiring(job) with { RetiredOriginal = RetiredOriginal.Delete });
        var device = await RetireAsync(fixture, 3);

        fixture.Source.Devices.Add(device);
        var run = await fixture.RunWellAsync();

        Assert.Equal((0, ChangeAction.Revive), (run.DeletedInAlloyScan, Assert.Single(fixture.Heard.Changes).Action));
        Assert.Empty(fixture.Source.Deleted);
    }

    [Fact]
    public async Task A_deletion_looks_again_who_retired_the_CI()
    {
        using var fixture = await WithDevicesAsync(10, job => job with { RetiredOriginal = RetiredOriginal.Delete });
        fixture.Sql("UPDATE records SET status = 'Retired' WHERE id IN (1, 2, 3)");
        fixture.Source.Before = call =>
        {
            // While the first is deleted, somebody takes the second back and the third is marked as ours.
            if (call == "delete d00")
                fixture.Sql("UPDATE records SET status = 'In Use' WHERE id = 2; UPDATE links SET retired_at = 1, retired_from = '' WHERE record = 3");
        };

        Assert.Equal(1, (await fixture.RunWellAsync()).DeletedInAlloyScan);
        Assert.Equal(["d00"], fixture.Source.Deleted);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_CI_that_somebody_takes_back_is_theirs_until_its_device_returns(bool byCmdlet)
    {
        using var fixture = await WithDevicesAsync(10);
        var device = await RetireAsync(fixture, 3);
        if (byCmdlet)
            fixture.Store.Cmdb.Update(RecordClass.Computer, "C000004", new Dictionary<string, string?> { ["status"] = "In Storage" });
        else
            fixture.Sql("UPDATE records SET status = 'In Storage' WHERE id = 4");

        for (var i = 0; i < 4; i++)
        {
            DaysPass(fixture, 10);
            Assert.Equal(0, (await fixture.RunWellAsync()).Retired);
        }

        Assert.Equal("In Storage", Status(fixture, "C000004"));

        // Retired by a person now: not revived with its device, and its device not ours to keep.
        fixture.Sql("UPDATE records SET status = 'Retired' WHERE id = 4");
        fixture.Source.Devices.Insert(3, device);
        Assert.Equal(1, (await fixture.RunWellAsync()).Skipped);
        Assert.Equal("Retired", Status(fixture, "C000004"));

        // Back for good, it counts anew when it goes again.
        fixture.Sql("UPDATE records SET status = 'In Storage' WHERE id = 4");
        await fixture.RunWellAsync();
        await RetireAsync(fixture, 3);
    }

    [Fact]
    public async Task A_machine_that_comes_back_under_a_new_ID_takes_its_CI_over_before_it_is_retired()
    {
        using var fixture = await WithDevicesAsync(10);
        fixture.Source.Devices.RemoveAt(3);
        await fixture.RunWellAsync();
        await fixture.RunWellAsync();
        DaysPass(fixture, 7);
        fixture.Source.Add(Device("new", "PC-3", "SN3"), Snapshot("snew"));

        await fixture.RunAsync(SyncMode.WhatIf);
        Assert.DoesNotContain(fixture.Heard.Changes, c => c.Action == ChangeAction.Retire);
        Assert.Equal(0, (await fixture.RunWellAsync()).Retired);
        Assert.Equal("C000004", fixture.Scalar("SELECT record_id FROM sync_links WHERE device_id = 'new'"));
    }

    [Fact]
    public async Task A_saved_plan_retires_and_skips_what_returned_or_was_edited()
    {
        using var fixture = await WithDevicesAsync(40);
        var back = fixture.Source.Devices[1];
        fixture.Source.Devices.RemoveRange(0, 3);
        await fixture.RunWellAsync();
        await fixture.RunWellAsync();
        DaysPass(fixture, 7);
        var plan = await fixture.RunAsync(SyncMode.SavePlan);
        Assert.Equal(3, fixture.Heard.Changes.Count(c => c.Action == ChangeAction.Retire));
        fixture.Source.Devices.Add(back);
        fixture.Sql("UPDATE records SET asset_tag = 'A-1' WHERE id = 3");

        var run = await fixture.RunAsync(selection: new PlanSelection(plan.PlanId!.Value, []));

        Assert.Equal((1, 2), (run.Retired, run.Skipped));
        Assert.Equal(["C000001"], fixture.Rows("SELECT id FROM computers WHERE status = 'Retired'"));
    }

    [Fact]
    public async Task A_retired_CI_is_read_only_unless_the_edit_takes_it_back()
    {
        using var fixture = await WithDevicesAsync(3);
        fixture.Sql("UPDATE records SET status = 'Retired' WHERE id = 1");

        var refused = Assert.Throws<AlloyScanException>(() => fixture.Store.Cmdb.Update(RecordClass.Computer, "C000001", new Dictionary<string, string?> { ["asset_tag"] = "A-1" }));
        Assert.Equal("RecordRetired", refused.ErrorId);
        Assert.Throws<AlloyScanException>(() => fixture.Store.Cmdb.Update(RecordClass.Computer, "C000001", new Dictionary<string, string?> { ["asset_tag"] = "A-1", ["status"] = "RETIRED" }));

        fixture.Store.Cmdb.Update(RecordClass.Computer, "C000001", new Dictionary<string, string?> { ["asset_tag"] = "A-1", ["status"] = "In Use" });
        Assert.Equal(["A-1|In Use"], fixture.Rows("SELECT asset_tag, status FROM computers WHERE id = 'C000001'"));
    }

    [Fact]
    public async Task A_deleted_CI_is_made_anew_with_its_software_when_the_job_says_so()
    {
        using var fixture = await WithDevicesAsync(3, job => job with { DeletedRecord = DeletedRecord.Recreate });
        fixture.Source.Audit("d01", s => s with { Software = [new InstalledSoftware("Only Here", "1", "Vendor", null, null, null)] });
        await fixture.RunWellAsync();
        fixture.Sql("DELETE FROM records WHERE id = 2");

        await fixture.RunAsync(SyncMode.WhatIf);
        var planned = Assert.Single(fixture.Heard.Changes);
        Assert.Equal((ChangeAction.Create, "Its CI C000002 was deleted from the CMDB"), (planned.Action, planned.Reason));

        var run = await fixture.RunWellAsync();
        Assert.Equal((1, 0), (run.Created, run.Conflicts));
        Assert.Equal(["d01|C000004|Live"], fixture.Rows("SELECT device_id, record_id, state FROM sync_links WHERE device_id = 'd01'"));
        Assert.Equal(["C000004|Only Here"], fixture.Rows("SELECT computer_id, name FROM discovered_installations WHERE name = 'Only Here'"));
        Assert.Equal(fixture.Scalar("SELECT count(*) FROM installations"), fixture.Scalar("SELECT sum(uses) FROM products"));
        Assert.Equal((0, 0), (await fixture.RunWellAsync()) is var again ? (again.Created, again.Conflicts) : default);
    }

    [Fact]
    public async Task A_plan_that_makes_a_deleted_CI_anew_can_be_applied()
    {
        using var fixture = await WithDevicesAsync(3, job => job with { DeletedRecord = DeletedRecord.Recreate });
        fixture.Sql("DELETE FROM records WHERE id = 2");
        var plan = await fixture.RunAsync(SyncMode.SavePlan);

        var run = await fixture.RunAsync(selection: new PlanSelection(plan.PlanId!.Value, []));

        Assert.Equal((1, 0), (run.Created, run.Skipped));
        Assert.Equal("C000004", fixture.Scalar("SELECT record_id FROM sync_links WHERE device_id = 'd01'"));
    }

    [Fact]
    public async Task A_conflict_about_a_deleted_CI_is_solved_by_the_option_but_not_when_a_person_ignored_it()
    {
        using var fixture = await WithDevicesAsync(4, job => job);
        fixture.Sql("DELETE FROM records WHERE id IN (2, 3)");
        Assert.Equal(2, (await fixture.RunWellAsync()).Conflicts);
        Assert.Equal("2", fixture.Scalar("SELECT installations FROM software_products"));
        fixture.Sql("UPDATE conflicts SET state = 'Ignored' WHERE device_id = 'd02'");
        fixture.Job = fixture.Store.Jobs.Update(fixture.Job with { DeletedRecord = DeletedRecord.Recreate });

        Assert.Equal((1, 1), (await fixture.RunWellAsync()) is var run ? (run.Created, run.Skipped) : default);
        Assert.Equal("Created", fixture.Scalar("SELECT state FROM sync_conflicts WHERE device_id = 'd01'"));
    }

    [Fact]
    public async Task A_product_leaves_the_catalog_with_the_last_CI_that_somebody_deleted()
    {
        using var fixture = await WithDevicesAsync(3, job => job);
        fixture.Source.Audit("d01", s => s with { Software = [new InstalledSoftware("Only Here", "1", "Vendor", null, null, null)] });
        await fixture.RunWellAsync();
        fixture.Sql("UPDATE records SET status = 'Retired' WHERE id = 2");
        Assert.Equal("0", fixture.Scalar("SELECT installations FROM software_products WHERE name = 'Only Here'"));
        fixture.Sql("DELETE FROM records WHERE id = 2");

        await fixture.RunWellAsync();

        Assert.Equal(["Editor|2"], fixture.Rows("SELECT name, installations FROM software_products"));
    }

    [Fact]
    public async Task The_key_of_a_deleted_CI_is_not_given_to_another_while_a_link_names_it()
    {
        using var fixture = await WithDevicesAsync(3, job => job);
        var away = fixture.Source.Devices[2];
        fixture.Source.Devices.RemoveAt(2);
        fixture.Source.ClaimedTotal = 3;
        fixture.Sql("DELETE FROM records WHERE id = 3");
        fixture.Source.Add(Device("new", "NEW", "NEW1"), Snapshot("ns"));
        await fixture.RunAsync();
        fixture.Source.ClaimedTotal = null;
        fixture.Source.Devices.Add(away);

        await fixture.RunWellAsync();

        Assert.Equal("RecordDeleted", fixture.Scalar("SELECT state FROM sync_links WHERE device_id = 'd02'"));
        Assert.Equal("NEW", fixture.Scalar("SELECT name FROM computers WHERE device_id = 'new'"));
    }

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 12)];

    /// <summary>Devices come and go, people take CIs back, retire and delete them; whatever happens, what was retired is told apart by who did it.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task Over_days_of_coming_and_going_a_rehearsal_shows_what_the_run_does(int seed)
    {
        using var fixture = new SyncFixture(job => Retiring(job) with { RetireAfterRuns = 1, RetireAfterDays = 0, DeletedRecord = DeletedRecord.Recreate, RetiredOriginal = RetiredOriginal.Keep });
        var fleet = new RandomFleet(seed);
        fleet.Fill(fixture.Source, 60);
        var random = new Random(seed);
        var away = new List<Device>();
        for (var day = 0; day < 8; day++)
        {
            await fixture.RunAsync(SyncMode.WhatIf);
            var planned = fixture.Heard.Changes.Select(Describe).Order(StringComparer.Ordinal).ToList();
            var run = await fixture.RunAsync();
            Assert.Equal(planned, fixture.Heard.Changes.Select(Describe).Order(StringComparer.Ordinal));
            Assert.Equal(run.Retired, fixture.Heard.Changes.Count(c => c.Action == ChangeAction.Retire));

            // Whoever is live is not retired by us, and what we retired is missing and retired.
            Assert.Empty(fixture.Rows("SELECT id FROM links WHERE state = 1 AND (retired_at IS NOT NULL OR missing_runs <> 0 OR missing_since IS NOT NULL)"));
            Assert.Empty(fixture.Rows("SELECT l.id FROM links l JOIN records r ON r.id = l.record WHERE l.retired_at IS NOT NULL AND (l.state <> 2 OR r.status <> 'Retired')"));
            Assert.Equal(fixture.Scalar("SELECT count(*) FROM installations"), fixture.Scalar("SELECT coalesce(sum(uses), 0) FROM products"));
            Assert.Equal(
                fixture.Scalar("SELECT count(*) FROM discovered_installations"), fixture.Scalar("SELECT coalesce(sum(installations), 0) FROM software_products"));

            foreach (var device in fixture.Source.Devices.Where(_ => random.Next(12) == 0).ToList())
            {
                fixture.Source.Devices.Remove(device);
                away.Add(device);
            }

            foreach (var device in away.Where(_ => random.Next(3) == 0).ToList())
            {
                away.Remove(device);
                fixture.Source.Devices.Add(device);
            }

            fixture.Sql($"UPDATE records SET status = 'In Use' WHERE id % 9 = {random.Next(9)} AND id NOT IN (SELECT record FROM links WHERE retired_at IS NOT NULL)");
            fixture.Sql($"UPDATE records SET status = 'Retired' WHERE id = {random.Next(1, 40)}; DELETE FROM records WHERE id = {random.Next(1, 40)}");
        }

        static string Describe(SyncChange c) => $"{c.Action} {c.Class} {c.DeviceId} +{c.SoftwareAdded} -{c.SoftwareRemoved} {string.Join(';', c.Fields)}";
    }

    [Fact]
    public async Task A_retirement_and_a_revival_can_be_undone()
    {
        using var fixture = await WithDevicesAsync(10);
        var before = fixture.Rows("SELECT id, status FROM computers ORDER BY id");
        await RetireAsync(fixture, 3);
        Undo();
        Assert.Equal(before, fixture.Rows("SELECT id, status FROM computers ORDER BY id"));
        Assert.Equal(["2|0"], fixture.Rows("SELECT state, retired_at IS NOT NULL FROM links WHERE device_id = 'd03'"));

        var device = await RetireAsync(fixture, 4);
        fixture.Source.Devices.Add(device);
        await fixture.RunWellAsync();
        Assert.Equal("Auto-Added", Status(fixture, "C000006"));
        Undo();
        Assert.Equal(["Retired|2|1"], fixture.Rows("SELECT r.status, l.state, l.retired_at IS NOT NULL FROM links l JOIN records r ON r.id = l.record WHERE device_id = 'd05'"));

        // The device is still there, so the next run revives the CI again.
        await fixture.RunWellAsync();
        Assert.Equal("Auto-Added", Status(fixture, "C000006"));

        void Undo() => fixture.Store.Undo.Undo(fixture.Store.Runs.List().First().Id, rehearsal: false, _ => { }, default);
    }
}
