using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Sync;
using AlloyScan.Engine.Sync.Identify;
using static AlloyScan.Engine.Tests.Sync.SyncFixture;

namespace AlloyScan.Engine.Tests.Sync;

/// <summary>What a run decides on unlinked devices: operators, scope, stale devices, separations, type map.</summary>
public sealed class DecisionTests
{
    private static void OnlyRule(SyncFixture fixture, string name, RuleAction action, params string[] conditions)
    {
        foreach (var rule in fixture.Store.IdentificationRules.List().Where(r => !r.IsSystem))
            fixture.Store.IdentificationRules.Remove(rule.Class, rule.Name);
        fixture.Store.IdentificationRules.Create(new IdentificationRule { Class = RecordClass.Computer, Name = name, Action = action, Conditions = [.. conditions.Select(RuleCondition.Parse)] });
    }

    /// <summary>Rules that run 8 more devices beside, so that no guard sees a mass change.</summary>
    private static void AddOthers(FakeSource source, int days = 0)
    {
        for (var i = 0; i < 8; i++)
            source.Add(Device("other" + i, "OTHER-" + i, "OSN" + i) with { LastSeen = FakeSource.T(24 * days) }, Snapshot("s-other" + i));
    }

    /// <summary>One CI without a link, made of a device, and one device to be recognised.</summary>
    private static async Task<string> DecideAsync(string[] conditions, Device recordOf, Device device, string? recordUuid = null, string? deviceUuid = null, RuleAction action = RuleAction.Overwrite)
    {
        using var fixture = new SyncFixture();
        fixture.Source.Add(recordOf with { Id = "old" }, Snapshot("audit-old", recordUuid));
        await fixture.RunWellAsync();
        fixture.Sql("DELETE FROM links; DELETE FROM link_values");
        fixture.Source.Devices.Clear();
        OnlyRule(fixture, "Mine", action, conditions);
        fixture.Source.Add(device with { Id = "new" }, Snapshot("audit-new", deviceUuid));

        var rehearsal = await fixture.RunAsync(SyncMode.WhatIf);
        var run = await fixture.RunWellAsync();

        Assert.Equal((run.Created, run.Updated, run.Unchanged, run.Conflicts), (rehearsal.Created, rehearsal.Updated, rehearsal.Unchanged, rehearsal.Conflicts));
        return run.Created == 1 ? "Create" : run.Conflicts == 1 ? "Conflict" : fixture.Scalar("SELECT record_id FROM sync_links WHERE device_id = 'new'") == "C000001" ? "Link" : "?";
    }

    [Theory]
    // Serial number of the CI, serial number of the device, operator, what comes out.
    [InlineData("SN1", "sn1 ", "matches", "Link")]
    [InlineData("SN1", "SN2", "matches", "Create")]
    [InlineData(null, null, "matches", "Create")]
    [InlineData("SN1", null, "matches", "Create")]
    [InlineData("SN1", "SN1", "equals", "Link")]
    [InlineData(null, null, "equals", "Link")]
    [InlineData("Default string", "To be filled by O.E.M.", "equals", "Link")]
    [InlineData("SN1", null, "equals", "Create")]
    [InlineData(null, "SN1", "equals", "Create")]
    [InlineData("SN1", "SN2", "equals", "Create")]
    public async Task Positive_operators_on_one_attribute(string? record, string? device, string comparison, string expected) =>
        Assert.Equal(expected, await DecideAsync(["SerialNumber " + comparison], Device("", "PC-1", record), Device("", "PC-2", device)));

    [Theory]
    [InlineData("T1", "T1", "does not equal", "Create")]
    [InlineData(null, null, "does not equal", "Create")]
    [InlineData("T1", null, "does not equal", "Link")]
    [InlineData(null, "T1", "does not equal", "Link")]
    [InlineData("T1", "T2", "does not equal", "Link")]
    [InlineData("T1", "T1", "does not match", "Create")]
    [InlineData(null, null, "does not match", "Link")]
    [InlineData("T1", null, "does not match", "Link")]
    [InlineData("T1", "T2", "does not match", "Link")]
    public async Task Negative_operators_beside_a_name(string? record, string? device, string comparison, string expected) =>
        Assert.Equal(expected, await DecideAsync(["Name matches", "AssetTag " + comparison], Device("", "PC-1") with { AssetTag = record }, Device("", "pc-1.corp.example") with { AssetTag = device }));

    [Fact]
    public async Task Blank_on_both_sides_agrees_together_with_what_is_not()
    {
        Assert.Equal("Link", await DecideAsync(["SerialNumber equals", "AssetTag equals", "Name matches"], Device("", "PC-1"), Device("", "PC-1")));
        Assert.Equal("Create", await DecideAsync(["SerialNumber equals", "AssetTag equals"], Device("", "PC-1") with { AssetTag = "TAG-9" }, Device("", "PC-2")));
        Assert.Equal("Link", await DecideAsync(["SerialNumber equals", "AssetTag does not equal"], Device("", "PC-1") with { AssetTag = "TAG-9" }, Device("", "PC-2")));
    }

    [Fact]
    public async Task Any_shared_adapter_is_a_match_and_a_weak_one_only_beside_something_else()
    {
        const string dock = "02:00:00:00:00:07";
        Assert.Equal("Link", await DecideAsync(["MacAddress matches"], Device("", "PC-1", mac: "3C:52:82:00:00:01"), Device("", "PC-2", mac: "3c5282000001")));
        Assert.Equal("Create", await DecideAsync(["MacAddress matches"], Device("", "PC-1", mac: dock), Device("", "PC-2", mac: dock)));
        Assert.Equal("Create", await DecideAsync(["MacAddress matches", "SerialNumber equals"], Device("", "PC-1", mac: dock), Device("", "PC-2", mac: dock)));
        Assert.Equal("Create", await DecideAsync(["MacAddress matches", "AssetTag does not match"], Device("", "PC-1", mac: dock), Device("", "PC-2", mac: dock)));
        Assert.Equal("Link", await DecideAsync(["MacAddress matches", "Name matches"], Device("", "PC-1", mac: dock), Device("", "PC-1", mac: dock)));
    }

    [Fact]
    public async Task A_rule_with_the_action_Conflict_asks_a_person()
    {
        Assert.Equal("Conflict", await DecideAsync(["Name matches"], Device("", "PC-1"), Device("", "PC-1"), action: RuleAction.Conflict));
    }

    [Fact]
    public async Task Good_serial_numbers_that_differ_are_a_contradiction_under_every_rule()
    {
        const string uuid = "4C4C4544-0035-3410-8057-B4C04F4A3232";
        Assert.Equal("Conflict", await DecideAsync(["BiosUuid matches"], Device("", "PC-1", "SN1"), Device("", "PC-2", "SN2"), uuid, uuid));
        Assert.Equal("Link", await DecideAsync(["BiosUuid matches"], Device("", "PC-1", "SN1"), Device("", "PC-2", "Default string"), uuid, uuid));
    }

    [Fact]
    public async Task A_rule_can_compare_audits()
    {
        using var fixture = new SyncFixture();
        OnlyRule(fixture, "Same audit", RuleAction.Overwrite, "AuditId matches");
        fixture.Source.Add(Device("a", "PC-1"), Snapshot("audit-1"));
        AddOthers(fixture.Source);
        await fixture.RunWellAsync();
        fixture.Source.Devices.RemoveAll(d => d.Id == "a");
        await fixture.RunWellAsync();

        fixture.Source.Add(Device("b", "PC-2"), Snapshot("audit-1"));
        var run = await fixture.RunWellAsync();

        // The former device is missing, but an audit is no serial number or UUID: a person decides.
        Assert.Equal((0, 1), (run.Created, run.Conflicts));
        Assert.Contains("Same audit on C000001, which belongs to the missing device a", fixture.Scalar("SELECT reason FROM sync_conflicts"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Blank_rules_over_many_devices_never_guess()
    {
        using var fixture = new SyncFixture();
        for (var i = 0; i < 30; i++)
            fixture.Source.Add(Device($"d{i:00}", "PC-" + i), Snapshot("s" + i));
        await fixture.RunWellAsync();
        fixture.Sql("DELETE FROM links; DELETE FROM link_values");
        OnlyRule(fixture, "No tag", RuleAction.Overwrite, "AssetTag equals");
        fixture.Source.Devices.Clear();
        for (var i = 0; i < 30; i++)
            fixture.Source.Add(Device($"e{i:00}", "NEW-" + i), Snapshot("t" + i));

        var run = await fixture.RunWellAsync();

        Assert.Equal((0, 0, 30), (run.Created, run.Updated, run.Conflicts));
        Assert.Contains("on 30 CIs: C000001, C000002", fixture.Scalar("SELECT reason FROM sync_conflicts LIMIT 1"), StringComparison.Ordinal);
    }

    // ---- Scope ----

    private static async Task<SyncFixture> WithOtherSiteAsync(bool named)
    {
        var fixture = new SyncFixture();
        fixture.Source.Add(Device("a", "PC-1", "SN1"), Snapshot("s-a"));
        for (var i = 0; i < 12; i++)
            fixture.Source.Add(Device("other" + i, "OTHER-" + i, "OSN" + i), Snapshot("s-other" + i));
        await fixture.RunWellAsync();
        fixture.Job = fixture.Store.Jobs.Create(fixture.Job with
        {
            Id = 0, Name = "Branch", SiteUrl = new Uri("https://site.example/branch"), IdentificationSites = named ? [fixture.Job.Site] : [],
        });
        fixture.Source = new FakeSource();
        fixture.Source.Add(Device("b", "PC-1", "SN1"), Snapshot("s-b"));
        return fixture;
    }

    [Fact]
    public async Task A_match_to_a_CI_that_lives_in_another_site_is_a_conflict_that_names_the_site()
    {
        using var fixture = await WithOtherSiteAsync(named: true);

        var run = await fixture.RunWellAsync();

        Assert.Equal((0, 1), (run.Created, run.Conflicts));
        Assert.Equal(
            $"Name and serial number match on C000001, which belongs to the live device a of the site '{fixture.Scalar("SELECT name FROM sites ORDER BY id LIMIT 1")}'",
            fixture.Scalar("SELECT reason FROM sync_conflicts"));
    }

    [Fact]
    public async Task A_machine_that_moved_to_another_named_site_takes_its_CI_along()
    {
        using var fixture = await WithOtherSiteAsync(named: true);
        fixture.Sql("UPDATE links SET state = 2, missing_since = 0 WHERE device_id = 'a'");

        var run = await fixture.RunWellAsync();

        Assert.Equal((0, 0), (run.Created, run.Conflicts));
        Assert.Equal(["a|Closed", "b|Live"], fixture.Rows("SELECT device_id, state FROM sync_links WHERE record_id = 'C000001' ORDER BY 1"));
    }

    [Fact]
    public async Task CIs_of_sites_that_are_not_named_are_out_of_sight()
    {
        using var fixture = await WithOtherSiteAsync(named: false);

        var run = await fixture.RunWellAsync();

        Assert.Equal((1, 0), (run.Created, run.Conflicts));
    }

    // ---- Re-imaged and stale machines ----

    private static async Task<SyncFixture> WithReimagedAsync(int oldSeenDay, int newestDay, string? newSerial = "SN1", string newName = "PC-NEW")
    {
        var fixture = new SyncFixture();
        fixture.Source.Add(Device("old", "PC-1", "SN1", "3C:52:82:00:00:01") with { LastSeen = FakeSource.T(24 * oldSeenDay) }, Snapshot("s-old"));
        AddOthers(fixture.Source, newestDay);
        await fixture.RunWellAsync();
        fixture.Source.Add(Device("new", newName, newSerial, "3C:52:82:00:00:01") with { LastSeen = FakeSource.T(24 * newestDay) }, Snapshot("s-new"));
        return fixture;
    }

    [Fact]
    public async Task A_stale_device_gives_its_CI_to_the_new_device_of_the_machine_and_is_passed_over_from_then_on()
    {
        using var fixture = await WithReimagedAsync(0, 40);

        var rehearsal = await fixture.RunAsync(SyncMode.WhatIf);
        var planned = Assert.Single(fixture.Heard.Changes);
        var run = await fixture.RunWellAsync();

        Assert.Equal((0, 1, 0), (run.Created, run.Updated, run.Conflicts));
        Assert.Equal((rehearsal.Updated, planned.RecordId, planned.Reason), (1, "C000009", "Serial number matches; the CI's former device old is stale"));
        Assert.Equal(["new|Live", "old|Closed"], fixture.Rows("SELECT device_id, state FROM sync_links WHERE record_id = 'C000009' ORDER BY 1"));
        Assert.Equal("TakenOver", fixture.Scalar("SELECT closed_reason FROM links WHERE device_id = 'old'"));
        Assert.Equal("PC-NEW", fixture.Scalar("SELECT name FROM computers WHERE id = 'C000009'"));

        var second = await fixture.RunWellAsync();
        Assert.Equal((0, 0, 0, 1), (second.Created, second.Updated, second.Conflicts, second.Skipped));
        Assert.Empty(fixture.Heard.Changes);
        Assert.All(fixture.Source.Log, call => Assert.Equal("list", call));

        await foreach (var check in fixture.Store.Sync.VerifyAsync(new SyncRequest { Job = fixture.Job, Source = fixture.Source }, default))
            Assert.True(check.Verdict == Verdict.Passed || !check.Check.StartsWith("Devices linked", StringComparison.Ordinal), check.ToString());

        // Seen again freshly, it claims to be the machine as well.
        fixture.Source.Replace("old", d => d with { LastSeen = FakeSource.T(24 * 41) });
        var third = await fixture.RunWellAsync();
        Assert.Equal((0, 0, 1), (third.Created, third.Updated, third.Conflicts));
        Assert.Contains("belongs to the live device new", fixture.Scalar("SELECT reason FROM sync_conflicts WHERE device_id = 'old'"), StringComparison.Ordinal);
        Assert.Empty((await fixture.RunWellAsync(), fixture.Heard.Changes).Changes);
    }

    [Fact]
    public async Task While_both_live_it_is_a_conflict_and_never_a_flip_flop()
    {
        using var fixture = await WithReimagedAsync(20, 40);
        Assert.Equal(1, (await fixture.RunWellAsync()).Conflicts);
        for (var day = 41; day < 45; day++)
        {
            fixture.Source.Replace("old", d => d with { LastSeen = FakeSource.T(24 * day) });
            fixture.Source.Replace("new", d => d with { LastSeen = FakeSource.T((24 * day) + 1) });
            await fixture.RunWellAsync();
            Assert.Equal("old", fixture.Scalar("SELECT device_id FROM computers WHERE id = 'C000001'"));
            Assert.Equal("1", fixture.Scalar("SELECT count(*) FROM sync_conflicts WHERE state = 'Open'"));
        }
    }

    [Fact]
    public async Task A_stale_device_keeps_its_CI_against_a_match_by_name_and_address_alone()
    {
        using var fixture = await WithReimagedAsync(0, 40, newSerial: null, newName: "PC-1");

        var run = await fixture.RunWellAsync();

        Assert.Equal((0, 0, 1), (run.Created, run.Updated, run.Conflicts));
        Assert.Contains("belongs to the stale device old", fixture.Scalar("SELECT reason FROM sync_conflicts"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_device_without_a_time_is_never_stale()
    {
        using var fixture = await WithReimagedAsync(0, 40);
        fixture.Source.Replace("old", d => d with { LastSeen = null });

        Assert.Equal(1, (await fixture.RunWellAsync()).Conflicts);
    }

    [Fact]
    public async Task A_stale_device_that_is_seen_again_in_the_same_run_keeps_its_CI()
    {
        using var fixture = await WithReimagedAsync(0, 40);
        fixture.Source.Replace("old", d => d with { LastSeen = FakeSource.T(24 * 40) });

        var rehearsal = await fixture.RunAsync(SyncMode.WhatIf);
        var run = await fixture.RunWellAsync();

        Assert.Equal((1, 1), (rehearsal.Conflicts, run.Conflicts));
    }

    [Theory]
    [InlineData("a", "b")]
    [InlineData("b", "a")]
    public async Task Of_a_stale_and_a_fresh_new_device_of_one_machine_the_fresh_one_gets_the_CI(string stale, string fresh)
    {
        using var fixture = new SyncFixture();
        AddOthers(fixture.Source, 40);
        // Nothing in the list says that they are one machine; the UUID does, which the snapshots bring.
        fixture.Source.Add(Device(stale, "PC-1") with { LastSeen = FakeSource.T(0) }, Snapshot("s-stale", "4C4C4544-0035-3410-8057-B4C04F4A3232"));
        fixture.Source.Add(Device(fresh, "PC-2") with { LastSeen = FakeSource.T(24 * 40) }, Snapshot("s-fresh", "4C4C4544-0035-3410-8057-B4C04F4A3232"));

        var run = await fixture.RunWellAsync();

        Assert.Equal((9, 1), (run.Created, run.Conflicts));
        Assert.Equal(fresh, fixture.Scalar("SELECT device_id FROM computers WHERE bios_uuid IS NOT NULL"));
        Assert.Empty((await fixture.RunWellAsync(), fixture.Heard.Changes).Changes);
    }

    // ---- Separations ----

    [Fact]
    public async Task A_separated_pair_is_never_brought_together_again()
    {
        using var fixture = new SyncFixture();
        fixture.Source.Add(Device("a", "PC-1", "SN1"), Snapshot("s-a"));
        AddOthers(fixture.Source);
        await fixture.RunWellAsync();
        fixture.Sql("""
            INSERT INTO separations (target_id, site_id, device_id, record, created_at) SELECT target_id, site_id, device_id, record, 0 FROM links WHERE device_id = 'a';
            DELETE FROM link_values WHERE link = (SELECT id FROM links WHERE device_id = 'a'); DELETE FROM links WHERE device_id = 'a'
            """);

        var run = await fixture.RunWellAsync();

        Assert.Equal((1, 0), (run.Created, run.Conflicts));
        Assert.Equal("C000010", fixture.Scalar("SELECT record_id FROM sync_links WHERE device_id = 'a'"));
    }

    // ---- Classes ----

    [Fact]
    public async Task A_job_maps_types_for_new_links_only_and_old_links_are_not_planned_anew()
    {
        using var fixture = new SyncFixture();
        fixture.Source.Add(Device("a", "A", type: "toaster"), Snapshot("s-a"));
        await fixture.RunWellAsync();
        fixture.Job = fixture.Job with { TypeMap = new Dictionary<string, RecordClass> { ["Toaster"] = RecordClass.Computer, ["printer"] = RecordClass.Computer, ["aws-s3-bucket"] = RecordClass.Hardware } };
        Assert.Empty((await fixture.RunWellAsync(), fixture.Heard.Changes).Changes);
        Assert.All(fixture.Source.Log, call => Assert.Equal("list", call));

        fixture.Source.Add(Device("b", "B", type: "TOASTER"), Snapshot("s-b"));
        fixture.Source.Add(Device("c", "C", type: "printer"), Snapshot("s-c"));
        fixture.Source.Add(Device("d", "D", type: "aws-s3-bucket"), Snapshot("s-d"));
        var run = await fixture.RunWellAsync();

        Assert.Equal(["a|Hardware", "b|Computer", "c|Computer", "d|Hardware"], fixture.Rows("SELECT device_id, class FROM sync_links ORDER BY 1"));
        Assert.Equal((0, 0), (run.Skipped, fixture.Heard.Warnings.Count));
    }

    [Fact]
    public async Task An_untyped_device_waits_while_its_snapshot_cannot_be_read()
    {
        using var fixture = new SyncFixture();
        fixture.Source.Add(Device("a", "A") with { Type = null, AuditId = "gone" });

        var first = await fixture.RunAsync();
        Assert.Equal((SyncRunStatus.PartiallySucceeded, 0, 1), (first.Status, first.Created, first.Errors));
        fixture.Source.Snapshots["gone"] = Snapshot("gone");
        await fixture.RunWellAsync();

        Assert.Equal("Computer", fixture.Scalar("SELECT class FROM sync_links"));
    }

    [Fact]
    public async Task A_type_of_another_class_is_reported_once_a_run_with_some_names()
    {
        using var fixture = new SyncFixture();
        for (var i = 0; i < 8; i++)
            fixture.Source.Add(Device("d" + i, "PC-" + i), Snapshot("s" + i));
        await fixture.RunWellAsync();
        for (var i = 0; i < 7; i++)
            fixture.Source.Replace("d" + i, d => d with { Type = "printer" });

        await fixture.RunWellAsync();

        var warning = Assert.Single(fixture.Heard.Warnings);
        Assert.StartsWith("7 linked devices have types of another class than the CI", warning, StringComparison.Ordinal);
        Assert.Contains("PC-4", warning, StringComparison.Ordinal);
        Assert.DoesNotContain("PC-5", warning, StringComparison.Ordinal);
    }
}
