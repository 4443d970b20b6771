using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Sync;
using AlloyScan.Engine.Sync.Guard;
using AlloyScan.Engine.Sync.Undo;
using static AlloyScan.Engine.Tests.Sync.SyncFixture;

namespace AlloyScan.Engine.Tests.Sync;

/// <summary>What the guard holds back, at its edges, and what becomes of it.</summary>
public sealed class GuardTests
{
    private static Func<SyncJob, SyncJob> Limits(params (GuardKinds Kind, string Limit)[] limits) =>
        job => job with { GuardLimits = limits.ToDictionary(l => l.Kind, l => GuardLimit.Parse(l.Kind, l.Limit)) };

    private static async Task<SyncFixture> WithAsync(int count, Func<SyncJob, SyncJob>? change = null)
    {
        var fixture = new SyncFixture(change);
        Add(fixture, "d", count);
        await fixture.RunWellAsync();
        return fixture;
    }

    private static void Add(SyncFixture fixture, string prefix, int count, string platform = "Windows")
    {
        for (var i = 0; i < count; i++)
            fixture.Source.Add(Device($"{prefix}{i:000}", $"{prefix.ToUpperInvariant()}-{i}", $"SN-{prefix}{i}"), Snapshot($"s-{prefix}{i}", null, platform, ("Editor", "1.0"), ("Browser", "2.0")));
    }

    private static void Rename(SyncFixture fixture, int count)
    {
        for (var i = 0; i < count; i++)
            fixture.Source.Replace($"d{i:000}", d => d with { Name = "RENAMED-" + d.Id });
    }

    private static void Audit(SyncFixture fixture, int count, Func<AuditSnapshot, int, AuditSnapshot> change)
    {
        for (var i = 0; i < count; i++)
            fixture.Source.Audit($"d{i:000}", s => change(s, i));
    }

    private static Task<SyncRun> ApproveAsync(SyncFixture fixture, long plan, params int[] rows) =>
        fixture.RunAsync(selection: new PlanSelection(plan, rows) { Approved = true });

    private static async Task<string> RefusedAsync(Func<Task> work) => (await Assert.ThrowsAsync<AlloyScanException>(work)).ErrorId;

    [Theory]
    // As many as the count, more than the share.
    [InlineData(30, 10, false)]
    // More than the count, as many as the share.
    [InlineData(110, 11, false)]
    [InlineData(110, 12, true)]
    [InlineData(30, 11, true)]
    public async Task Creations_trip_when_count_and_share_are_both_exceeded(int linked, int added, bool blocked)
    {
        using var fixture = await WithAsync(linked);
        Add(fixture, "n", added);

        await fixture.RunAsync(SyncMode.WhatIf);
        Assert.Equal(added, fixture.Heard.Changes.Count(c => c is { Kind: GuardKinds.Creation, Slice: "Computer/Windows" }));
        var run = await fixture.RunAsync();

        Assert.Equal(blocked ? (SyncRunStatus.Blocked, 0, added) : (SyncRunStatus.Succeeded, added, 0), (run.Status, run.Created, run.Held));
        Assert.Equal(blocked, run.PlanId is not null);
        Assert.Equal("0", fixture.Scalar("SELECT count(*) FROM plan_rows WHERE plan_id < 0"));
        if (blocked)
        {
            Assert.Contains($"Creation, Computer/Windows: {added} of {linked} (", run.Message, StringComparison.Ordinal);
            Assert.Contains(", more than 10 and 10 %", run.Message, StringComparison.Ordinal);
            Assert.Equal(linked.ToString(System.Globalization.CultureInfo.InvariantCulture), fixture.Scalar("SELECT count(*) FROM computers"));
        }
    }

    [Fact]
    public async Task A_kind_that_trips_in_one_slice_is_held_in_all_and_other_kinds_go_on()
    {
        using var fixture = await WithAsync(40);
        Add(fixture, "n", 2);
        Add(fixture, "x", 11, "Linux");
        Rename(fixture, 3);

        var run = await fixture.RunAsync();

        Assert.Equal((SyncRunStatus.Blocked, 0, 13, 3), (run.Status, run.Created, run.Held, run.Updated));
        Assert.Contains("Creation, Computer/Linux: 11 of 0, more than 10 and 10 %", run.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("Windows", run.Message!, StringComparison.Ordinal);
        var slices = fixture.Store.Plans.Summary("HQ");
        Assert.Equal(["Creation|Computer/Linux|11|0|True", "Creation|Computer/Windows|2|40|False", "Update|Computer/Windows|3|40|False"], slices.Select(s => $"{s.Kind}|{s.Slice}|{s.Changes}|{s.Of}|{s.Tripped}"));
        Assert.Equal(13, fixture.Store.Plans.Blocked("HQ").Count());

        // What waits is not read again.
        Assert.Equal(SyncRunStatus.Blocked, (await fixture.RunAsync()).Status);
        Assert.All(fixture.Source.Log, call => Assert.Equal("list", call));
    }

    [Fact]
    public async Task Zero_lets_nothing_through_and_absent_is_the_default()
    {
        using var fixture = await WithAsync(200, Limits((GuardKinds.Creation, "0")));
        Assert.Contains("Creation: 0, nothing without approval", fixture.Job.Guard);
        Assert.Contains("Retirement: more than 10 and 10 % (default)", fixture.Job.Guard);
        Add(fixture, "n", 1);

        var run = await fixture.RunAsync();
        Assert.Equal((SyncRunStatus.Blocked, 0), (run.Status, run.Created));
        Assert.Contains("1 of 200 (0.5 %), and the limit 0 lets nothing through without approval", run.Message, StringComparison.Ordinal);

        fixture.Job = fixture.Store.Jobs.Update(fixture.Job with { GuardLimits = new Dictionary<GuardKinds, GuardLimit>() });
        Assert.Equal(1, (await fixture.RunWellAsync()).Created);
    }

    [Theory]
    [InlineData("20, 5 %", 20, 0.05)]
    [InlineData("5 %, 20", 20, 0.05)]
    [InlineData("20", 20, 0.10)]
    [InlineData("12.5 %", 10, 0.125)]
    [InlineData("0", 0, 0)]
    [InlineData("0 %", 0, 0)]
    [InlineData("0, 10 %", 0, 0.10)]
    [InlineData("10 and 10 %", 10, 0.10)]
    public void Limits_are_read_as_people_write_them(string text, int count, double share) =>
        Assert.Equal(new GuardLimit(count, (decimal)share), GuardLimit.Parse(GuardKinds.Retirement, text));

    [Theory]
    [InlineData("")]
    [InlineData("12,5 %")]
    [InlineData("-1")]
    [InlineData("101 %")]
    [InlineData("5, 6")]
    [InlineData("many")]
    public void What_is_no_limit_is_refused(string text) =>
        Assert.Equal("InvalidGuardLimit", Assert.Throws<AlloyScanException>(() => GuardLimit.Parse(GuardKinds.Retirement, text)).ErrorId);

    [Fact]
    public async Task A_first_load_is_not_guarded_however_often_it_is_interrupted()
    {
        using var fixture = new SyncFixture();
        Add(fixture, "d", 60);
        foreach (var calls in new[] { 30, 60 })
        {
            using var stop = new CancellationTokenSource();
            var left = calls;
            fixture.Source.Before = _ =>
            {
                if (Interlocked.Decrement(ref left) == 0)
                    stop.Cancel();
            };
            Assert.Equal(SyncRunStatus.Canceled, (await fixture.RunAsync(token: stop.Token)).Status);
        }

        fixture.Source.Before = null;
        Assert.Equal(SyncRunStatus.PartiallySucceeded, (await fixture.RunAsync(maxApiCalls: 60)).Status);
        var last = await fixture.RunWellAsync();
        Assert.True(last.Created > 10, $"{last.Created} created");
        Assert.Equal("60", fixture.Scalar("SELECT count(*) FROM computers"));

        Add(fixture, "n", 11);
        Assert.Equal(SyncRunStatus.Blocked, (await fixture.RunAsync()).Status);
    }

    [Theory]
    [InlineData(4, false)]
    [InlineData(5, true)]
    public async Task Suspicious_updates_trip_and_harmless_ones_go_on(int renamed, bool blocked)
    {
        using var fixture = await WithAsync(20, Limits((GuardKinds.Update, "3, 20 %")));
        Rename(fixture, renamed);
        for (var i = 10; i < 20; i++)
            fixture.Source.Audit($"d{i:000}", s => s with { Hardware = s.Hardware! with { MemoryBytes = 1024 * (i + 1) } });

        var run = await fixture.RunAsync();

        Assert.Equal(blocked ? (SyncRunStatus.Blocked, 10, renamed) : (SyncRunStatus.Succeeded, 10 + renamed, 0), (run.Status, run.Updated, run.Held));
        Assert.Equal(blocked ? "0" : "4", fixture.Scalar("SELECT count(*) FROM computers WHERE name LIKE 'RENAMED%'"));
        Assert.Equal("10", fixture.Scalar("SELECT count(*) FROM computers WHERE memory_bytes < 100000"));
    }

    [Fact]
    public async Task Fields_that_the_job_names_are_suspicious_as_well()
    {
        using var fixture = await WithAsync(20, job => Limits((GuardKinds.Update, "3, 20 %"))(job) with { GuardedFields = ["MODEL"] });
        Assert.Equal(["model"], fixture.Job.GuardedFields);
        Audit(fixture, 5, (s, i) => s with { Hardware = s.Hardware! with { Model = "Model " + i } });

        Assert.Equal((SyncRunStatus.Blocked, 0), await fixture.RunAsync() is var run ? (run.Status, run.Updated) : default);
        Assert.Equal("FieldNotFound", Assert.Throws<AlloyScanException>(() => fixture.Store.Jobs.Update(fixture.Job with { GuardedFields = ["colour"] })).ErrorId);
    }

    [Fact]
    public async Task One_value_on_many_CIs_is_held_and_other_values_of_the_field_go_on()
    {
        using var fixture = await WithAsync(20, Limits((GuardKinds.Update, "3, 20 %")));
        Audit(fixture, 5, (s, _) => s with { OperatingSystem = s.OperatingSystem! with { Version = "22H2" } });
        for (var i = 5; i < 15; i++)
            fixture.Source.Audit($"d{i:000}", s => s with { OperatingSystem = s.OperatingSystem! with { Version = "Own " + i } });

        var plan = await fixture.RunAsync(SyncMode.SavePlan);
        Assert.Equal(SyncRunStatus.Blocked, plan.Status);
        Assert.Contains("Update, Computer/Windows, os_version = '22H2': 5 of 20 (25 %), more than 3 and 20 %", plan.Message, StringComparison.Ordinal);
        var run = await fixture.RunAsync();

        Assert.Equal((SyncRunStatus.Blocked, 10, 5), (run.Status, run.Updated, run.Held));
        Assert.Equal("0", fixture.Scalar("SELECT count(*) FROM computers WHERE os_version = '22H2'"));
        Assert.All(fixture.Store.Plans.Blocked("HQ"), c => Assert.Equal((GuardKinds.Update, "os_version: 1.0 -> 22H2"), (c.Kind, Assert.Single(c.Fields).ToString())));
        Assert.Equal(5, (await ApproveAsync(fixture, run.PlanId!.Value)).Updated);
        await fixture.RunWellAsync();
        Assert.Empty(fixture.Heard.Changes);
    }

    [Fact]
    public async Task Software_that_goes_is_a_removal_and_another_version_of_it_is_none()
    {
        using var fixture = await WithAsync(20);
        Audit(fixture, 20, (s, _) => s with { Software = [new InstalledSoftware("Editor", "1.1", "Vendor", "2026-01-02", null, null), s.Software![1]] });
        Assert.Equal((20, 20), await fixture.RunWellAsync() is var upgrade ? (upgrade.InstallationsAdded, upgrade.InstallationsRemoved) : default);

        Audit(fixture, 11, (s, _) => s with { Software = [s.Software![1]] });
        var run = await fixture.RunAsync();
        Assert.Equal((SyncRunStatus.Blocked, 0, 11), (run.Status, run.InstallationsRemoved, run.Held));
        Assert.Contains("Removal, Computer/Windows: 11 of 20 (55 %), more than 10 and 10 %", run.Message, StringComparison.Ordinal);
        Assert.Equal("20", fixture.Scalar("SELECT count(*) FROM discovered_installations WHERE name = 'Editor'"));

        Assert.Equal(11, (await ApproveAsync(fixture, run.PlanId!.Value)).InstallationsRemoved);
        Assert.Equal("9", fixture.Scalar("SELECT count(*) FROM discovered_installations WHERE name = 'Editor'"));
        UndoneBooks(fixture);
    }

    [Fact]
    public async Task A_narrower_choice_of_software_is_a_removal_shown_and_held()
    {
        using var fixture = await WithAsync(20);
        fixture.Job = fixture.Store.Jobs.Update(fixture.Job with { ImportSoftware = SoftwarePlatforms.Linux });

        var run = await fixture.RunAsync();
        Assert.Equal((SyncRunStatus.Blocked, 0, 20), (run.Status, run.InstallationsRemoved, run.Held));
        Assert.All(fixture.Store.Plans.Blocked("HQ"), c => Assert.Equal((GuardKinds.Removal, 2), (c.Kind, c.SoftwareRemoved)));

        Assert.Equal(40, (await ApproveAsync(fixture, run.PlanId!.Value)).InstallationsRemoved);
        await fixture.RunWellAsync();
        Assert.Empty(fixture.Heard.Changes);
    }

    [Fact]
    public async Task A_site_that_is_not_to_be_believed_takes_no_software_away_and_updates_all_the_same()
    {
        using var fixture = await WithAsync(12);
        fixture.Source.ClaimedTotal = 13;
        fixture.Source.Audit("d003", s => s with { Software = [new InstalledSoftware("Viewer", "3", "Vendor", "2026-01-02", null, null)], Hardware = s.Hardware! with { MemoryBytes = 5 } });

        var run = await fixture.RunAsync();
        Assert.Equal((SyncRunStatus.PartiallySucceeded, 1, 1, 0), (run.Status, run.Updated, run.InstallationsAdded, run.InstallationsRemoved));
        UndoneBooks(fixture);

        fixture.Source.ClaimedTotal = null;
        Assert.Equal((0, 2), await fixture.RunWellAsync() is var next ? (next.Updated, next.InstallationsRemoved) : default);
        UndoneBooks(fixture);
        await fixture.RunWellAsync();
        Assert.Empty(fixture.Heard.Changes);
    }

    [Fact]
    public async Task An_approval_applies_the_plan_once_without_planning_and_can_be_undone()
    {
        using var fixture = await WithAsync(30);
        Add(fixture, "n", 12);
        var blocked = await fixture.RunAsync();
        var before = fixture.Dump();

        var run = await ApproveAsync(fixture, blocked.PlanId!.Value);

        Assert.Equal((SyncRunStatus.Succeeded, SyncRunKind.Approve, 12, 0), (run.Status, run.Kind, run.Created, run.Skipped));
        Assert.All(fixture.Source.Log, call => Assert.StartsWith("device n", call, StringComparison.Ordinal));
        Assert.Equal(blocked.PlanId, fixture.Store.Runs.Get(run.Id).PlanId);
        Assert.Equal("PlanAlreadyApplied", await RefusedAsync(() => ApproveAsync(fixture, blocked.PlanId.Value)));
        Assert.Empty(fixture.Store.Plans.Blocked("HQ"));
        await fixture.RunWellAsync();
        Assert.Empty(fixture.Heard.Changes);

        fixture.Store.Undo.Undo(run.Id, false, _ => { }, default);
        Assert.Equal(before, fixture.Dump());
        // The setting is as it was: the same is held again.
        Assert.Equal(SyncRunStatus.Blocked, (await fixture.RunAsync()).Status);
    }

    [Fact]
    public async Task Rows_whose_CI_or_device_changed_are_skipped_and_the_rest_goes_on()
    {
        using var fixture = await WithAsync(20, Limits((GuardKinds.Update, "3, 20 %")));
        Rename(fixture, 5);
        var blocked = await fixture.RunAsync();
        fixture.Sql("UPDATE records SET model = 'By hand' WHERE name = 'D-0'");
        fixture.Source.Replace("d001", d => d with { LastSeen = FakeSource.T(40), Name = "AGAIN" });
        fixture.Source.Audit("d002", s => s with { Hardware = s.Hardware! with { MemoryBytes = 1 } });
        fixture.Source.Replace("d003", d => d with { LastSeen = FakeSource.T(40) });

        var run = await ApproveAsync(fixture, blocked.PlanId!.Value);

        Assert.Equal((2, 3), (run.Updated, run.Skipped));
        Assert.Equal("RENAMED-d003|RENAMED-d004", string.Join('|', fixture.Rows("SELECT name FROM computers WHERE name LIKE 'RENAMED%' ORDER BY 1")));
        Assert.Single(fixture.Heard.Warnings, w => w.Contains("its CI has changed", StringComparison.Ordinal));
        Assert.Equal(2, fixture.Heard.Warnings.Count(w => w.Contains("the device has changed", StringComparison.Ordinal)));
        Assert.Contains("2 of 5 changes applied, 3 skipped", run.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Retirements_that_are_held_cost_no_call_and_are_confirmed_by_the_approval()
    {
        using var fixture = await WithAsync(60, job => job with { MissingDevice = MissingDevice.Retire, RetireAfterRuns = 1, RetireAfterDays = 0 });
        var returning = fixture.Source.Devices[3];
        fixture.Source.Devices.RemoveRange(0, 11);
        await fixture.RunWellAsync();
        var blocked = await fixture.RunAsync();
        Assert.Equal((SyncRunStatus.Blocked, 11, 0), (blocked.Status, blocked.Held, blocked.Retired));
        Assert.All(fixture.Source.Log, call => Assert.Equal("list", call));

        fixture.Source.Devices.Add(returning);
        var run = await ApproveAsync(fixture, blocked.PlanId!.Value);

        Assert.Equal((10, 1), (run.Retired, run.Skipped));
        Assert.Equal(11, fixture.Source.LogOf("device d0").Count(c => string.CompareOrdinal(c, "device d011") < 0));
        Assert.Contains(fixture.Heard.Warnings, w => w.Contains("there again", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Deletions_that_are_held_are_made_by_the_approval_if_the_CI_is_still_retired()
    {
        using var fixture = await WithAsync(40, job => job with { RetiredOriginal = RetiredOriginal.Delete });
        fixture.Sql("UPDATE records SET status = 'Retired' WHERE id <= 11");
        var blocked = await fixture.RunAsync();
        Assert.Equal((SyncRunStatus.Blocked, 11), (blocked.Status, blocked.Held));
        Assert.Contains("Deletion, Computer/Windows: 11 of 40 (27.5 %), more than 10 and 10 %", blocked.Message, StringComparison.Ordinal);

        fixture.Sql("UPDATE records SET status = 'In use' WHERE id = 1");
        var run = await ApproveAsync(fixture, blocked.PlanId!.Value);

        Assert.Equal((10, 1), (run.DeletedInAlloyScan, run.Skipped));
        Assert.Equal(10, fixture.Source.Deleted.Count);
        Assert.DoesNotContain("d000", fixture.Source.Deleted);
    }

    [Fact]
    public async Task A_plan_that_was_tampered_with_planned_anew_or_of_other_settings_is_refused()
    {
        using var fixture = await WithAsync(30);
        Add(fixture, "n", 12);
        var first = (await fixture.RunAsync()).PlanId!.Value;
        Assert.Equal("PlanBlocked", await RefusedAsync(() => fixture.RunAsync(selection: new PlanSelection(first, []))));
        Assert.Equal("PlanRowNotFound", await RefusedAsync(() => ApproveAsync(fixture, first, 777)));

        var second = (await fixture.RunAsync()).PlanId!.Value;
        Assert.Equal("PlanOutdated", await RefusedAsync(() => ApproveAsync(fixture, first)));
        fixture.Sql($"UPDATE plan_rows SET facts = replace(facts, 'SN-n3', 'SN-evil') WHERE plan_id = {second}");
        Assert.Equal("PlanChanged", await RefusedAsync(() => ApproveAsync(fixture, second)));
        fixture.Sql($"UPDATE plan_rows SET facts = replace(facts, 'SN-evil', 'SN-n3') WHERE plan_id = {second}; UPDATE plan_rows SET held = 0 WHERE plan_id = {second} AND device_id = 'n000'");
        Assert.Equal("PlanChanged", await RefusedAsync(() => ApproveAsync(fixture, second)));

        var third = (await fixture.RunAsync()).PlanId!.Value;
        var job = fixture.Job;
        fixture.Job = fixture.Store.Jobs.Update(job with { ImportSoftware = SoftwarePlatforms.Linux });
        Assert.Equal("PlanOutdated", await RefusedAsync(() => ApproveAsync(fixture, third)));
        // A limit does not shape what was planned.
        fixture.Job = fixture.Store.Jobs.Update(Limits((GuardKinds.Creation, "1"))(job));
        Assert.Equal(12, (await ApproveAsync(fixture, third)).Created);

        await fixture.RunWellAsync(SyncMode.SavePlan);
        var harmless = long.Parse(fixture.Scalar("SELECT max(id) FROM plans")!, System.Globalization.CultureInfo.InvariantCulture);
        Assert.Equal("PlanNotBlocked", await RefusedAsync(() => ApproveAsync(fixture, harmless)));
        Assert.Equal("PlanNotFound", await RefusedAsync(() => ApproveAsync(fixture, 999)));
        Assert.Equal("0", fixture.Scalar("SELECT count(*) FROM computers WHERE serial_number = 'SN-evil'"));
    }

    [Fact]
    public async Task Some_of_the_held_rows_can_be_approved_and_the_rest_is_planned_anew()
    {
        using var fixture = await WithAsync(30);
        Add(fixture, "n", 12);
        var plan = (await fixture.RunAsync()).PlanId!.Value;
        var rows = fixture.Store.Plans.Blocked("HQ").Take(4).Select(c => c.Row).ToArray();

        Assert.Equal(4, (await ApproveAsync(fixture, plan, rows)).Created);

        Assert.Equal("PlanAlreadyApplied", await RefusedAsync(() => ApproveAsync(fixture, plan)));
        // What is left is few enough now.
        Assert.Equal(8, (await fixture.RunWellAsync()).Created);
    }

    [Fact]
    public async Task Updates_that_are_held_are_not_read_again_until_the_device_moves()
    {
        using var fixture = await WithAsync(40, Limits((GuardKinds.Update, "5"), (GuardKinds.Removal, "5")));
        Rename(fixture, 20);
        Audit(fixture, 20, (s, _) => s with { Software = [.. s.Software!.Take(1)] });
        var first = await fixture.RunAsync();
        Assert.Equal((SyncRunStatus.Blocked, 0), (first.Status, first.Updated));
        Assert.NotEmpty(fixture.Source.LogOf("device"));

        var second = await fixture.RunAsync();
        Assert.Equal((SyncRunStatus.Blocked, first.Held), (second.Status, second.Held));
        Assert.All(fixture.Source.Log, call => Assert.Equal("list", call));

        fixture.Source.Replace("d003", d => d with { Name = "ANOTHER", LastSeen = d.LastSeen!.Value.AddHours(1) });
        var third = await fixture.RunAsync();
        Assert.Equal(["device d003"], fixture.Source.LogOf("device"));
        Assert.Equal(20, (await ApproveAsync(fixture, third.PlanId!.Value)).Updated);
        Assert.Equal("ANOTHER", fixture.Scalar("SELECT name FROM computers WHERE device_id = 'd003'"));
        Assert.Equal("20", fixture.Scalar("SELECT count(*) FROM computers c WHERE (SELECT count(*) FROM discovered_installations i WHERE i.computer_id = c.id) = 1"));

        Assert.Equal((0, 40), ((await fixture.RunWellAsync()) is var run ? run.Updated : -1, run.Unchanged));
        Assert.All(fixture.Source.Log, call => Assert.Equal("list", call));
        Assert.Equal("0", fixture.Scalar("SELECT count(*) FROM waiting_devices"));
    }

    [Fact]
    public async Task A_run_that_the_budget_cut_planned_only_a_part_and_voids_no_plan()
    {
        using var fixture = await WithAsync(60);
        Add(fixture, "n", 12);
        var plan = (await fixture.RunAsync()).PlanId!.Value;
        Audit(fixture, 40, (s, i) => s with { User = new SnapshotUser { Login = $"user{i}" } });

        var cut = await fixture.RunAsync(maxApiCalls: 8);
        Assert.True(cut.StoppedByBudget);

        Assert.Equal(12, (await ApproveAsync(fixture, plan)).Created);
        Assert.Equal((SyncRunStatus.Succeeded, 0), ((await fixture.RunAsync()) is var run ? run.Status : default, run.Created));
    }

    [Fact]
    public async Task An_approval_that_was_stopped_goes_on_where_it_was()
    {
        using var fixture = await WithAsync(30);
        Add(fixture, "n", 400);
        var plan = (await fixture.RunAsync()).PlanId!.Value;
        using var stop = new CancellationTokenSource();
        var stopped = fixture.Store.Sync.ExecuteAsync(
            new SyncRequest { Job = fixture.Job, Source = fixture.Source, Selection = new PlanSelection(plan, []) { Approved = true } }, new Recorder { WhenChanged = _ => stop.Cancel() }, stop.Token);
        var first = await stopped;
        Assert.Equal(SyncRunStatus.Canceled, first.Status);
        Assert.InRange(first.Created, 1, 399);

        var second = await ApproveAsync(fixture, plan);
        Assert.Equal((400 - first.Created, 0), (second.Created, second.Skipped));
        Assert.Equal("PlanAlreadyApplied", await RefusedAsync(() => ApproveAsync(fixture, plan)));
    }

    [Fact]
    public async Task A_selection_of_a_plan_counts_against_the_whole_slice()
    {
        using var fixture = await WithAsync(30);
        Add(fixture, "n", 15);
        var plan = await fixture.RunAsync(SyncMode.SavePlan);
        Assert.Equal(SyncRunStatus.Blocked, plan.Status);
        var rows = fixture.Heard.Changes.ConvertAll(c => c.Row);

        var few = await fixture.RunAsync(selection: new PlanSelection(plan.PlanId!.Value, [.. rows.Take(3)]));
        Assert.Equal((SyncRunStatus.Succeeded, 3), (few.Status, few.Created));

        var many = await fixture.RunAsync(selection: new PlanSelection(plan.PlanId.Value, [.. rows.Skip(3).Take(11)]));
        Assert.Equal((SyncRunStatus.Blocked, 0, 11), (many.Status, many.Created, many.Held));
        Assert.Contains("Creation, Computer/Windows: 11 of 33 (33.3 %), more than 10 and 10 %", many.Message, StringComparison.Ordinal);

        Assert.Equal(11, (await ApproveAsync(fixture, plan.PlanId.Value, [.. rows.Skip(3).Take(11)])).Created);
        Assert.Equal("44", fixture.Scalar("SELECT count(*) FROM computers"));
    }

    [Fact]
    public async Task A_run_that_dies_while_its_changes_are_spooled_leaves_nothing_behind()
    {
        using var fixture = await WithAsync(30);
        Rename(fixture, 9);
        Add(fixture, "n", 9);
        var everything = fixture.Dump();
        using var stop = new CancellationTokenSource();
        fixture.Source.Before = call =>
        {
            if (call != "snapshot s-n8")
                return;
            fixture.Sql("CREATE TABLE left_behind AS SELECT * FROM plan_rows");
            stop.Cancel();
        };
        Assert.Equal(SyncRunStatus.Canceled, (await fixture.RunAsync(token: stop.Token)).Status);
        Assert.Equal("0", fixture.Scalar("SELECT count(*) FROM plan_rows"));
        Assert.Equal(everything, fixture.Dump());

        // A process that is killed cannot clean up behind itself.
        fixture.Source.Before = null;
        Assert.Equal("9", fixture.Scalar("SELECT count(*) FROM left_behind WHERE plan_id = -(SELECT max(id) FROM runs)"));
        fixture.Sql("INSERT INTO plan_rows SELECT * FROM left_behind; DROP TABLE left_behind; UPDATE runs SET status = 'Running', ended_at = NULL WHERE id = (SELECT max(id) FROM runs)");
        Assert.Equal((9, 9), await fixture.RunWellAsync() is var run ? (run.Created, run.Updated) : default);
        Assert.Equal("0", fixture.Scalar("SELECT count(*) FROM plan_rows"));
        await fixture.RunWellAsync();
        Assert.Empty(fixture.Heard.Changes);
    }

    [Fact]
    public async Task A_plan_being_made_elsewhere_leaves_the_spool_of_a_run_alone()
    {
        using var fixture = await WithAsync(30);
        fixture.Sql("INSERT INTO plan_rows (plan_id, row, action, device_id, facts) VALUES (-77, 1, 'Create', 'x', '')");
        await fixture.RunAsync(SyncMode.SavePlan);
        Assert.Equal("1", fixture.Scalar("SELECT count(*) FROM plan_rows WHERE plan_id = -77"));
    }

    [Fact]
    public async Task Limits_and_fields_travel_with_an_exported_job()
    {
        using var fixture = await WithAsync(1, job => Limits((GuardKinds.Creation, "0"), (GuardKinds.Retirement, "20, 5 %"))(job) with { GuardedFields = ["user_name"] });
        var json = fixture.Store.Jobs.Export("HQ");

        var copy = fixture.Store.Jobs.Import(json, new JobImportOptions { Name = "Copy" }).Job;

        Assert.Equal(fixture.Job.Guard, copy.Guard);
        Assert.Equal(["user_name"], copy.GuardedFields);
        Assert.Equal("InvalidGuardLimit", Assert.Throws<AlloyScanException>(() => fixture.Store.Jobs.Import(json.Replace("0.05", "1.5", StringComparison.Ordinal), new JobImportOptions { Name = "Wrong" })).ErrorId);
    }

    private static void UndoneBooks(SyncFixture fixture) => AlloyScan.Engine.Tests.Undo.UndoLawTests.CheckBooks(fixture);
}
