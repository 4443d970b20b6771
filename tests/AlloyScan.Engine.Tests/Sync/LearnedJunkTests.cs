using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Sync;
using AlloyScan.Engine.Sync.Conflicts;
using static AlloyScan.Engine.Tests.Sync.SyncFixture;

namespace AlloyScan.Engine.Tests.Sync;

/// <summary>Values that turn junk because too many devices carry them, and links that rest on such values.</summary>
public sealed class LearnedJunkTests
{
    private const string Shared = "SHARED-1";

    private static void Add(SyncFixture fixture, string id, string? serial, string? name = null, string? mac = null) =>
        fixture.Source.Add(Device(id, name ?? "PC-" + id, serial, mac), Snapshot("s-" + id));

    private static void AddOthers(SyncFixture fixture)
    {
        for (var i = 0; i < 12; i++)
            Add(fixture, "other" + i, "OSN" + i);
    }

    private static List<string> Learned(SyncFixture fixture) => fixture.Rows("SELECT kind, value, carriers, good_runs FROM learned_junk ORDER BY 1, 2");

    /// <summary>A CI that was linked by its serial number alone, beside others.</summary>
    private static async Task<SyncFixture> WithLinkByRuleAsync()
    {
        var fixture = new SyncFixture();
        Add(fixture, "old", Shared);
        AddOthers(fixture);
        await fixture.RunWellAsync();
        fixture.Sql("DELETE FROM link_values WHERE link = (SELECT id FROM links WHERE device_id = 'old'); DELETE FROM links WHERE device_id = 'old'");
        fixture.Source.Devices.RemoveAll(d => d.Id == "old");
        Add(fixture, "a", Shared, "RENAMED");
        await fixture.RunWellAsync();
        Assert.Equal("Serial number matches", fixture.Scalar("SELECT rule FROM links WHERE device_id = 'a'"));
        Assert.Equal(["2|SHARED-1"], fixture.Rows("SELECT g.kind, g.value FROM link_grounds g JOIN links l ON l.id = g.link WHERE l.device_id = 'a'"));
        return fixture;
    }

    [Fact]
    public async Task A_value_turns_junk_at_once_and_is_good_after_three_complete_runs_with_few_carriers()
    {
        using var fixture = new SyncFixture();
        AddOthers(fixture);
        for (var i = 0; i < 4; i++)
            Add(fixture, "d" + i, Shared);
        var run = await fixture.RunWellAsync();
        Assert.Equal((16, 0), (run.Created, run.Conflicts));
        Assert.Equal(["2|SHARED-1|4|0"], Learned(fixture));

        fixture.Source.Devices.RemoveAll(d => d.Id == "d3");
        await fixture.RunWellAsync();
        Assert.Equal(["2|SHARED-1|3|1"], Learned(fixture));

        // Not complete: it counts for nothing.
        fixture.Source.ClaimedTotal = 99;
        await fixture.RunAsync();
        Assert.Equal(["2|SHARED-1|3|1"], Learned(fixture));
        fixture.Source.ClaimedTotal = null;

        await fixture.RunWellAsync();
        Assert.Equal(["2|SHARED-1|3|2"], Learned(fixture));
        await fixture.RunWellAsync();
        Assert.Empty(Learned(fixture));
    }

    [Fact]
    public async Task Too_many_carriers_again_start_the_count_anew()
    {
        using var fixture = new SyncFixture();
        AddOthers(fixture);
        for (var i = 0; i < 4; i++)
            Add(fixture, "d" + i, Shared);
        await fixture.RunWellAsync();
        fixture.Source.Devices.RemoveAll(d => d.Id == "d3");
        await fixture.RunWellAsync();
        await fixture.RunWellAsync();
        Assert.Equal(["2|SHARED-1|3|2"], Learned(fixture));

        // It is still junk for this device, and with it the carriers are too many.
        Add(fixture, "d4", Shared);
        var run = await fixture.RunWellAsync();

        Assert.Equal((1, 0), (run.Created, run.Conflicts));
        Assert.Equal(["2|SHARED-1|4|0"], Learned(fixture));
    }

    [Fact]
    public async Task In_the_run_in_which_a_value_is_good_again_it_identifies_again()
    {
        using var fixture = new SyncFixture();
        AddOthers(fixture);
        for (var i = 0; i < 4; i++)
            Add(fixture, "d" + i, Shared);
        await fixture.RunWellAsync();
        fixture.Source.Devices.RemoveAll(d => d.Id is "d2" or "d3");
        await fixture.RunWellAsync();
        await fixture.RunWellAsync();

        Add(fixture, "d4", Shared);
        var run = await fixture.RunWellAsync();

        Assert.Equal((0, 1), (run.Created, run.Conflicts));
        Assert.StartsWith("Serial number matches, but on 4 CIs", fixture.Scalar("SELECT reason FROM sync_conflicts"), StringComparison.Ordinal);
        Assert.Empty(Learned(fixture));
    }

    [Fact]
    public async Task The_job_says_how_many_may_carry_a_value_and_names_are_never_junk()
    {
        using var fixture = new SyncFixture(job => job with { MostCarriers = 1 });
        for (var i = 0; i < 6; i++)
            Add(fixture, "d" + i, i < 2 ? Shared : "SN" + i, "SAME");

        var run = await fixture.RunWellAsync();

        Assert.Equal((6, 0), (run.Created, run.Conflicts));
        Assert.Equal(["2|SHARED-1|2|0"], Learned(fixture));
    }

    [Fact]
    public async Task Devices_on_the_conflict_list_carry_as_well()
    {
        using var fixture = new SyncFixture();
        AddOthers(fixture);
        for (var i = 0; i < 3; i++)
            Add(fixture, "d" + i, Shared);
        Assert.Equal(2, (await fixture.RunWellAsync()).Conflicts);
        Assert.Equal("2", fixture.Scalar($"SELECT count(*) FROM conflict_identifiers WHERE value = '{Shared}'"));

        // Two of the three are not listed any more, but nobody has decided on them.
        Add(fixture, "d3", Shared);
        fixture.Source.Devices.RemoveAll(d => d.Id is "d1" or "d2");
        var run = await fixture.RunWellAsync();

        Assert.Equal((1, 0), (run.Created, run.Conflicts));
        Assert.Equal(["2|SHARED-1|4|0"], Learned(fixture));
    }

    [Fact]
    public async Task A_conflict_whose_device_left_the_site_is_put_aside_and_open_again_when_it_returns()
    {
        using var fixture = new SyncFixture();
        AddOthers(fixture);
        for (var i = 0; i < 3; i++)
            Add(fixture, "d" + i, Shared);
        await fixture.RunWellAsync();
        var before = fixture.Rows("SELECT device_id, state, reason, first_seen FROM conflicts ORDER BY device_id");
        var back = fixture.Source.Devices.Single(d => d.Id == "d2");

        fixture.Source.Devices.Remove(back);
        fixture.Source.ClaimedTotal = 999;
        await fixture.RunAsync();
        Assert.Equal(before, fixture.Rows("SELECT device_id, state, reason, first_seen FROM conflicts ORDER BY device_id"));

        fixture.Source.ClaimedTotal = null;
        await fixture.RunWellAsync();
        Assert.Equal(["d1|Open", "d2|Gone"], fixture.Rows("SELECT device_id, state FROM sync_conflicts ORDER BY device_id"));
        Assert.Equal("1", fixture.Scalar($"SELECT count(*) FROM conflict_identifiers WHERE value = '{Shared}'"));
        Assert.Equal(["d1"], fixture.Store.Conflicts.List(new ConflictFilter { State = ConflictState.Open }).Select(c => c.DeviceId));
        var everything = fixture.Rows("SELECT * FROM conflicts");
        await fixture.RunWellAsync();
        Assert.Equal(everything, fixture.Rows("SELECT * FROM conflicts"));

        fixture.Source.Devices.Add(back);
        Assert.Equal(1, (await fixture.RunWellAsync()).Conflicts);
        Assert.Equal(before, fixture.Rows("SELECT device_id, state, reason, first_seen FROM conflicts ORDER BY device_id"));
        Assert.Equal("2", fixture.Scalar($"SELECT count(*) FROM conflict_identifiers WHERE value = '{Shared}'"));
    }

    [Fact]
    public async Task Conflicts_that_were_decided_keep_no_identifiers()
    {
        using var fixture = new SyncFixture();
        for (var i = 0; i < 3; i++)
            Add(fixture, "d" + i, Shared);
        await fixture.RunWellAsync();
        Add(fixture, "d3", Shared);

        var run = await fixture.RunWellAsync();

        Assert.Equal((3, 0), (run.Created, run.Conflicts));
        Assert.Equal("0", fixture.Scalar("SELECT count(*) FROM conflict_identifiers"));
        Assert.Equal(["Created|2"], fixture.Rows("SELECT state, count(*) FROM conflicts GROUP BY state"));
    }

    [Fact]
    public async Task Devices_of_another_site_do_not_count()
    {
        using var fixture = new SyncFixture();
        for (var i = 0; i < 2; i++)
            Add(fixture, "d" + i, Shared + i);
        fixture.Sql($"INSERT INTO sites (id, name, created_at) VALUES (77, 'Far', 0)");
        await fixture.RunWellAsync();
        fixture.Sql($"""
            INSERT INTO conflicts (id, job, target_id, site_id, device_id, class, reason, candidates, state, list_hash, facts, created_at, updated_at)
                SELECT 100 + value, 'x', 1, 77, 'x' || value, 1, '', '', 'Open', 0, '', 0, 0 FROM (SELECT 1 AS value UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5) v;
            INSERT INTO conflict_identifiers SELECT 2, '{Shared}9', id FROM conflicts WHERE id > 100
            """);
        Add(fixture, "e1", Shared + "9");
        Add(fixture, "e2", Shared + "9");

        var run = await fixture.RunWellAsync();

        Assert.Equal((1, 1), (run.Created, run.Conflicts));
        Assert.Empty(Learned(fixture));
    }

    [Fact]
    public async Task An_audit_that_brings_linked_devices_one_value_turns_it_junk()
    {
        using var fixture = new SyncFixture();
        AddOthers(fixture);
        await fixture.RunWellAsync();
        for (var i = 0; i < 5; i++)
            fixture.Source.Replace("other" + i, d => d with { MacAddress = "3C:52:82:AA:AA:AA", LastSeen = FakeSource.T(9) });

        await fixture.RunWellAsync();

        Assert.Equal(["3|3C5282AAAAAA|5|0"], Learned(fixture));
    }

    [Fact]
    public async Task A_link_that_rests_on_junk_stays_and_is_listed_until_the_value_is_good_again()
    {
        using var fixture = await WithLinkByRuleAsync();
        for (var i = 0; i < 3; i++)
            Add(fixture, "b" + i, Shared);

        var rehearsal = await fixture.RunAsync(SyncMode.WhatIf);
        var run = await fixture.RunWellAsync();

        Assert.Equal((3, 1), (run.Created, run.Conflicts));
        Assert.Equal((run.Created, run.Conflicts), (rehearsal.Created, rehearsal.Conflicts));
        Assert.Equal(
            "a|RestsOnJunk|Linked by the rule 'Serial number matches' on the serial number SHARED-1, which 4 devices carry|C000013|Open",
            Assert.Single(fixture.Rows("SELECT device_id, kind, reason, candidates, state FROM conflicts WHERE kind = 'RestsOnJunk'")).Replace("C000001", "C000013", StringComparison.Ordinal));
        Assert.Equal("Live", fixture.Scalar("SELECT state FROM sync_links WHERE device_id = 'a'"));
        Assert.Equal(ConflictKind.RestsOnJunk, fixture.Store.Conflicts.List().Single().Kind);

        // It is said once, and the device counts as linked.
        Assert.Empty((await fixture.RunWellAsync(), fixture.Heard.Changes).Changes);
        await foreach (var check in fixture.Store.Sync.VerifyAsync(new SyncRequest { Job = fixture.Job, Source = fixture.Source }, default))
            Assert.True(check.Verdict == Verdict.Passed || check.Check.StartsWith("Open conflicts", StringComparison.Ordinal) || !check.IsRequired, check.ToString());

        fixture.Source.Devices.RemoveAll(d => d.Id is "b1" or "b2");
        for (var i = 0; i < 3; i++)
            await fixture.RunWellAsync();

        Assert.Equal("0", fixture.Scalar("SELECT count(*) FROM conflicts"));
        Assert.Equal("Live", fixture.Scalar("SELECT state FROM sync_links WHERE device_id = 'a'"));
    }

    [Fact]
    public async Task A_person_who_answered_for_a_value_is_not_asked_again()
    {
        using var fixture = await WithLinkByRuleAsync();
        fixture.Store.JunkIdentifiers.Add(AlloyScan.Engine.Sync.Identify.IdentificationAttribute.SerialNumber, Shared);
        Assert.Equal(1, (await fixture.RunWellAsync()).Conflicts);
        Assert.Contains("which was added to the junk identifiers", fixture.Scalar("SELECT reason FROM conflicts"), StringComparison.Ordinal);
        fixture.Sql("UPDATE conflicts SET state = 'Ignored'");

        var run = await fixture.RunWellAsync();

        Assert.Equal(0, run.Conflicts);
        Assert.Equal("Ignored", fixture.Scalar("SELECT state FROM conflicts"));
    }

    [Fact]
    public async Task A_link_with_other_grounds_does_not_rest_on_junk()
    {
        using var fixture = new SyncFixture();
        Add(fixture, "old", Shared, "PC-1", "3C:52:82:00:00:01");
        AddOthers(fixture);
        await fixture.RunWellAsync();
        fixture.Sql("DELETE FROM link_values WHERE link = (SELECT id FROM links WHERE device_id = 'old'); DELETE FROM links WHERE device_id = 'old'");
        fixture.Source.Devices.RemoveAll(d => d.Id == "old");
        Add(fixture, "a", Shared, "PC-1", "3C:52:82:00:00:01");
        await fixture.RunWellAsync();
        fixture.Store.JunkIdentifiers.Add(AlloyScan.Engine.Sync.Identify.IdentificationAttribute.SerialNumber, Shared);

        Assert.Equal(0, (await fixture.RunWellAsync()).Conflicts);
    }

    [Fact]
    public async Task A_saved_plan_lists_links_that_rest_on_junk()
    {
        using var fixture = await WithLinkByRuleAsync();
        for (var i = 0; i < 3; i++)
            Add(fixture, "b" + i, Shared);
        var plan = await fixture.RunAsync(SyncMode.SavePlan);
        Assert.Equal("0", fixture.Scalar("SELECT count(*) FROM learned_junk"));

        var run = await fixture.RunAsync(selection: new PlanSelection(plan.PlanId!.Value, []));

        Assert.Equal((3, 1), (run.Created, run.Conflicts));
        Assert.Equal("RestsOnJunk", fixture.Scalar("SELECT kind FROM conflicts"));
    }

    [Fact]
    public async Task A_rehearsal_learns_nothing()
    {
        using var fixture = new SyncFixture();
        for (var i = 0; i < 5; i++)
            Add(fixture, "d" + i, Shared);

        var rehearsal = await fixture.RunAsync(SyncMode.WhatIf);

        Assert.Equal((5, 0), (rehearsal.Created, rehearsal.Conflicts));
        Assert.Empty(Learned(fixture));
    }

    [Fact]
    public async Task An_asset_tag_that_many_carry_identifies_none()
    {
        using var fixture = new SyncFixture();
        fixture.Store.IdentificationRules.Create(new AlloyScan.Engine.Sync.Identify.IdentificationRule
        {
            Class = RecordClass.Computer, Name = "Tag", Conditions = [AlloyScan.Engine.Sync.Identify.RuleCondition.Parse("AssetTag matches")],
        });
        for (var i = 0; i < 5; i++)
            fixture.Source.Add(Device("d" + i, "PC-" + i) with { AssetTag = "IT-DEPT" }, Snapshot("s-d" + i));

        var run = await fixture.RunWellAsync();

        Assert.Equal((5, 0), (run.Created, run.Conflicts));
        Assert.Equal(["5|IT-DEPT|5|0"], Learned(fixture));
    }
}
