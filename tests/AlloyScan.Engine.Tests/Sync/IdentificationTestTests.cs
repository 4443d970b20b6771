using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Sync;
using AlloyScan.Engine.Sync.Identify;
using static AlloyScan.Engine.Tests.Sync.SyncFixture;

namespace AlloyScan.Engine.Tests.Sync;

/// <summary>How the identification of a device is explained, and how other rules are rehearsed.</summary>
public sealed class IdentificationTestTests
{
    private static async Task<IReadOnlyList<IdentificationStep>> ExplainAsync(SyncFixture fixture, string device)
    {
        fixture.Source.Log.Clear();
        return await fixture.Store.Sync.ExplainAsync(new SyncRequest { Job = fixture.Job, Source = fixture.Source }, device, CancellationToken.None);
    }

    private static List<IdentificationDifference> Rehearse(SyncFixture fixture, params IdentificationRule[] rules) =>
        [.. fixture.Store.Sync.RehearseRules(fixture.Job, rules, CancellationToken.None)];

    private static IdentificationRule Rule(string name, params string[] conditions) =>
        new() { Class = RecordClass.Computer, Name = name, Conditions = [.. conditions.Select(RuleCondition.Parse)] };

    private static IdentificationRule[] Edited(SyncFixture fixture, Func<List<IdentificationRule>, IEnumerable<IdentificationRule>> edit) =>
        [.. edit([.. fixture.Store.IdentificationRules.List(RecordClass.Computer).Where(r => !r.IsSystem)])];

    private static string Line(IdentificationStep step) => $"{step.Position} {step.Rule} [{step.RecordId}] {step.Result}{(step.Decides ? "!" : string.Empty)}: {step.Reason}";

    [Fact]
    public async Task A_device_that_nobody_knows_is_read_from_the_site_and_explained_rule_by_rule()
    {
        using var fixture = new SyncFixture();
        fixture.Source.Add(Device("a", "PC-1", "SN1", "00:1A:2B:3C:4D:5E"), Snapshot("s-a"));
        fixture.Source.Add(Device("x", "PRN-1", "SN9", type: "printer"));
        await fixture.RunWellAsync();
        fixture.Source.Add(Device("b", "PC-1", "Default string", "00:50:56:C0:00:08"), Snapshot("s-b"));
        var before = fixture.Everything();

        var steps = await ExplainAsync(fixture, "b");

        Assert.Equal(before, fixture.Everything());
        Assert.Equal(2, fixture.Source.Log.Count);
        Assert.Equal(
            [
                "0 Equal ID [] PassedOver: The device has no link",
                "1 Name and serial number match [] PassedOver: The device has no SerialNumber that counts: 'Default string' is on the shipped list of junk",
                "2 Serial number matches [] PassedOver: The device has no SerialNumber that counts: 'Default string' is on the shipped list of junk",
                "3 MAC address and name match [] PassedOver: No CI in scope has MacAddress 00:50:56:C0:00:08 and Name PC-1",
                "4 BIOS UUID matches [] PassedOver: The device has no BiosUuid",
                "5 Default [] Create!: No rule fitted: a new CI is made",
            ],
            steps.Select(Line));
    }

    [Fact]
    public async Task What_was_compared_and_what_failed_is_told_for_each_CI()
    {
        using var fixture = new SyncFixture();
        fixture.Source.Add(Device("a", "PC-1", "SN1"), Snapshot("s-a", "4C4C4544-0035-3410-8057-B4C04F4A3232"));
        await fixture.RunWellAsync();
        fixture.Source.Add(Device("b", "PC-2", " sn1 "), Snapshot("s-b"));

        var steps = await ExplainAsync(fixture, "b");

        Assert.Equal("1 Name and serial number match [C000001] PassedOver: not 'Name matches': device PC-2, CI PC-1", Line(steps[1]));
        Assert.Equal(["Name matches: device PC-2, CI PC-1: does not hold", "SerialNumber matches: device SN1, CI SN1: holds"], steps[1].Conditions.Select(c => c.ToString()));
        Assert.Equal("2 Serial number matches [C000001] Conflict!: Serial number matches on C000001, which belongs to the live device a", Line(steps[2]));
        Assert.All(steps.Skip(3), s => Assert.Equal(StepResult.NotTried, s.Result));
    }

    [Fact]
    public async Task A_linked_device_stays_and_the_rules_alone_are_shown_beside()
    {
        using var fixture = new SyncFixture();
        fixture.Source.Add(Device("a", "PC-1", "SN1"), Snapshot("s-a"));
        await fixture.RunWellAsync();

        var steps = await ExplainAsync(fixture, "pc-1");

        Assert.Empty(fixture.Source.Log);
        Assert.Equal((StepResult.Linked, true, "C000001", "a"), (steps[0].Result, steps[0].Decides, steps[0].RecordId, steps[0].DeviceId));
        Assert.Equal("1 Name and serial number match [C000001] Link: Name and serial number match", Line(steps[1]));
        Assert.Single(steps, s => s.Decides);
    }

    [Fact]
    public async Task CIs_of_another_class_or_site_are_named_as_out_of_scope()
    {
        using var fixture = new SyncFixture();
        fixture.Source.Add(Device("p", "PRN-1", "SN1", type: "printer"));
        fixture.Source.Add(Device("q", "PC-7", "SN7"), Snapshot("s-q"));
        await fixture.RunWellAsync();
        fixture.Sql("INSERT INTO sites (id, name, created_at) VALUES (99, 'B', 0); UPDATE links SET site_id = 99 WHERE device_id = 'q'");
        fixture.Source.Add(Device("b", "PC-2", "SN1"), Snapshot("s-b"));
        fixture.Source.Add(Device("c", "PC-7", "SN7"), Snapshot("s-c"));

        Assert.Contains("2 Serial number matches [H000001] PassedOver: Has it, but is Hardware, and the device is Computer", (await ExplainAsync(fixture, "b")).Select(Line));
        Assert.Contains("2 Serial number matches [C000001] PassedOver: Has it, but belongs to the site 'B', which the job does not look at", (await ExplainAsync(fixture, "c")).Select(Line));
    }

    [Fact]
    public async Task Own_and_learned_junk_separations_and_decisions_are_told()
    {
        using var fixture = new SyncFixture();
        for (var i = 0; i < 5; i++)
            fixture.Source.Add(Device("d" + i, "CLONE-" + i), Snapshot("s" + i, "4C4C4544-0035-3410-8057-B4C04F4A3232"));
        fixture.Source.Add(Device("a", "PC-1", "SN1"), Snapshot("s-a"));
        fixture.Source.Add(Device("b", "PC-2", "SN1"), Snapshot("s-b"));
        await fixture.RunWellAsync();
        fixture.Store.JunkIdentifiers.Add(IdentificationAttribute.SerialNumber, "POOL");
        fixture.Source.Add(Device("new", "CLONE-9", "pool"), Snapshot("s-new", "4C4C4544-0035-3410-8057-B4C04F4A3232"));

        var steps = await ExplainAsync(fixture, "new");
        Assert.Equal("2 Serial number matches [] PassedOver: The device has no SerialNumber that counts: 'POOL' is junk, which was added to the junk identifiers", Line(steps[2]));
        Assert.Contains("is junk, which 6 devices carry", steps[4].Reason, StringComparison.Ordinal);

        fixture.Sql("INSERT INTO separations (target_id, site_id, device_id, record, created_at) SELECT 1, site_id, 'b', record, 0 FROM links WHERE device_id = 'a'");
        Assert.Contains((await ExplainAsync(fixture, "b")).Select(Line), l => l.EndsWith("A person separated this device from this CI", StringComparison.Ordinal));
        fixture.Sql("UPDATE conflicts SET state = 'Ignored' WHERE device_id = 'b'");
        Assert.Equal((StepResult.LeftAlone, true), ((await ExplainAsync(fixture, "b"))[0].Result, (await ExplainAsync(fixture, "b"))[0].Decides));
    }

    [Fact]
    public async Task A_device_that_is_nowhere_or_ambiguous_is_an_error()
    {
        using var fixture = new SyncFixture();
        fixture.Source.Add(Device("a", "PC-1", "SN1"), Snapshot("s-a"));
        fixture.Source.Add(Device("b", "PC-1", "SN2"), Snapshot("s-b"));
        await fixture.RunWellAsync();

        Assert.Equal("DeviceNotFound", (await Assert.ThrowsAsync<AlloyScanException>(() => ExplainAsync(fixture, "nobody"))).ErrorId);
        Assert.Equal("DeviceAmbiguous", (await Assert.ThrowsAsync<AlloyScanException>(() => ExplainAsync(fixture, "pc-1"))).ErrorId);
    }

    [Fact]
    public async Task Rules_on_the_name_alone_merge_machines_of_one_name()
    {
        using var fixture = new SyncFixture();
        fixture.Source.Add(Device("a", "PC-1", "SN1"), Snapshot("s-a"));
        fixture.Source.Add(Device("b", "PC-1", "SN2"), Snapshot("s-b"));
        fixture.Source.Add(Device("c", "PC-3", "SN3"), Snapshot("s-c"));
        await fixture.RunWellAsync();
        var before = fixture.Everything();

        var differences = Rehearse(fixture, Edited(fixture, rules => rules.Prepend(Rule("Name matches", "Name matches"))));

        Assert.Equal(before, fixture.Everything());
        Assert.Equal(
            ["Merge a C000001 C000002 Name matches", "Merge b C000002 C000001 Name matches"],
            differences.Select(d => $"{d.Kind} {d.DeviceId} {d.RecordId} {d.OtherRecordId} {d.Rule}").Order());
    }

    [Fact]
    public async Task A_link_whose_rule_goes_is_split_and_one_that_another_rule_carries_is_not()
    {
        using var fixture = new SyncFixture();
        fixture.Source.Add(Device("old1", "PC-1", "SN1"), Snapshot("s-1"));
        fixture.Source.Add(Device("old2", "PC-2", "SN2"), Snapshot("s-2"));
        await fixture.RunWellAsync();
        fixture.Sql("DELETE FROM links; DELETE FROM link_values");
        fixture.Source.Devices.Clear();
        fixture.Source.Add(Device("new1", "RENAMED", "SN1"), Snapshot("n-1"));
        fixture.Source.Add(Device("new2", "PC-2", "SN2"), Snapshot("n-2"));
        await fixture.RunWellAsync();

        var differences = Rehearse(fixture, Edited(fixture, rules => rules.Where(r => r.Name != "Serial number matches")));

        Assert.Equal("Split new1 C000001 Serial number matches", Assert.Single(differences.Select(d => $"{d.Kind} {d.DeviceId} {d.RecordId} {d.Rule}")));
        Assert.Empty(Rehearse(fixture, Edited(fixture, rules => rules)));
        Assert.Empty(Rehearse(fixture));
    }

    [Fact]
    public async Task A_device_that_other_rules_take_for_a_free_CI_would_move()
    {
        using var fixture = new SyncFixture();
        fixture.Source.Add(Device("byhand", "PC-1", "SN9"), Snapshot("s-0"));
        await fixture.RunWellAsync();
        fixture.Sql("DELETE FROM links; DELETE FROM link_values");
        fixture.Source.Devices.Clear();
        fixture.Source.Add(Device("a", "PC-1"), Snapshot("s-a"));
        await fixture.RunWellAsync();
        fixture.Sql("UPDATE records SET name = 'OTHER' WHERE id = 2; DELETE FROM record_identifiers WHERE record = 2 AND kind = 1");

        var difference = Assert.Single(Rehearse(fixture, Edited(fixture, rules => rules.Prepend(Rule("Name matches", "Name matches")))));

        Assert.Equal("Move C000002 C000001", $"{difference.Kind} {difference.RecordId} {difference.OtherRecordId}");
    }

    private static readonly IEnumerable<int> s_seeds = Enumerable.Range(1, 12);

    /// <summary>Whatever the fleet, what is explained is what the next run does.</summary>
    [Fact]
    public async Task An_explanation_agrees_with_the_run()
    {
        var seen = new HashSet<StepResult>();
        foreach (var seed in s_seeds)
        {
            using var fixture = new SyncFixture();
            if (seed % 3 == 0)
            {
                using var session = fixture.Store.NewSession();
                session.InTransactionDo(() => IdentificationPolicy.Replace(session, RecordClass.Computer, IdentificationPolicy.CheckAll(RandomRules(new Random(seed)))));
            }

            var fleet = new RandomFleet(seed);
            fleet.Fill(fixture.Source, 30);
            await fixture.RunAsync();
            string[] serials = ["SN-A", "SN-B", "SN-E"];
            for (var day = 0; day < 6; day++)
            {
                // In turn a device that the store does not know, and a change of what counts as blank. What is explained is right as long as nothing else moves.
                var known = fixture.Source.Devices.Select(d => d.Id).ToHashSet();
                if (day % 2 == 0)
                {
                    Free(fixture);
                    fleet.Fill(fixture.Source, 1);
                }
                else
                {
                    fixture.Store.JunkIdentifiers.Add(IdentificationAttribute.SerialNumber, serials[day / 2]);
                }

                var ids = day % 2 == 0
                    ? fixture.Source.Devices.Select(d => d.Id).Where(d => !known.Contains(d)).ToList()
                    : [.. fixture.Rows("SELECT device_id FROM conflicts WHERE state = 'Open' AND kind = 'Unlinked'"), .. fixture.Rows("SELECT device_id FROM links WHERE state = 1 LIMIT 5")];
                var said = new Dictionary<string, IdentificationStep>();
                foreach (var id in ids)
                    said.Add(id, Assert.Single(await ExplainAsync(fixture, id), s => s.Decides));

                var linksBefore = fixture.Rows("SELECT device_id, record_id FROM sync_links WHERE state = 'Live'").ToHashSet();
                await fixture.RunAsync();
                foreach (var (id, step) in said)
                {
                    seen.Add(step.Result);
                    var link = fixture.Scalar($"SELECT record_id FROM sync_links WHERE device_id = '{id}' AND state = 'Live'");
                    var created = fixture.Heard.Changes.Any(c => c.DeviceId == id && c.Action == ChangeAction.Create);
                    var conflict = fixture.Scalar($"SELECT state FROM sync_conflicts WHERE device_id = '{id}'") == "Open";
                    var happened = link is null ? (conflict ? StepResult.Conflict : StepResult.LeftAlone)
                        : created ? StepResult.Create
                        : linksBefore.Contains($"{id}|{link}") ? StepResult.Linked : StepResult.Link;
                    Assert.True(step.Result == happened && (link is null || created || step.RecordId == link), $"Seed {seed}, day {day}, {id}: said {step}, was {happened} {link}");
                }
            }
        }

        // A law that never meets a case says nothing about it.
        Assert.Superset(new HashSet<StepResult> { StepResult.Linked, StepResult.Link, StepResult.Create, StepResult.Conflict, StepResult.LeftAlone }, seen);
    }

    /// <summary>CIs lose their devices, which are gone from the site, as CIs that people made by hand never had one.</summary>
    private static void Free(SyncFixture fixture, int count = 2)
    {
        foreach (var id in fixture.Rows($"SELECT l.device_id FROM links l JOIN records r ON r.id = l.record WHERE l.state = 1 AND (upper(r.serial_number) LIKE 'SN-%' OR {count} > 2) ORDER BY l.id DESC LIMIT {count}"))
        {
            fixture.Source.Devices.RemoveAll(d => d.Id == id);
            fixture.Sql($"DELETE FROM link_values WHERE link = (SELECT id FROM links WHERE device_id = '{id}'); DELETE FROM links WHERE device_id = '{id}'");
        }
    }

    /// <summary>What a rehearsal says of devices without a link is what a run with those rules then does.</summary>
    [Fact]
    public async Task A_rehearsal_of_rules_agrees_with_the_run_that_follows()
    {
        var seen = new HashSet<DifferenceKind>();
        foreach (var seed in s_seeds)
        {
            var random = new Random(seed);
            using var fixture = new SyncFixture();
            var fleet = new RandomFleet(seed);
            fleet.Fill(fixture.Source, 40);
            await fixture.RunAsync();
            await fixture.RunAsync();
            Free(fixture, 12);
            Assert.Empty(Rehearse(fixture, [.. fixture.Store.IdentificationRules.List()]));

            var edited = RandomRules(random);
            var before = fixture.Everything();
            var differences = Rehearse(fixture, edited);
            Assert.Equal(before, fixture.Everything());
            seen.UnionWith(differences.Select(d => d.Kind));
            var said = differences.Where(d => d.RecordId is null).ToDictionary(d => d.DeviceId);
            var open = fixture.Rows("SELECT device_id FROM conflicts WHERE state = 'Open' AND kind = 'Unlinked'");
            var former = new Dictionary<string, DecisionKind>();
            using (var bench = new IdentificationBench(fixture.Store, fixture.Job))
            {
                bench.StageAll(CancellationToken.None);
                bench.DecideAll((facts, decision) => former.Add(facts.DeviceId, decision.Kind), null, CancellationToken.None);
            }

            using (var session = fixture.Store.NewSession())
                session.InTransactionDo(() => IdentificationPolicy.Replace(session, RecordClass.Computer, IdentificationPolicy.CheckAll(edited)));
            await fixture.RunAsync();

            foreach (var id in open)
            {
                var link = fixture.Scalar($"SELECT record_id FROM sync_links WHERE device_id = '{id}' AND state = 'Live'");
                var created = fixture.Heard.Changes.Any(c => c.DeviceId == id && c.Action == ChangeAction.Create);
                // Where nothing is said, the edited rules do what the stored ones would have done.
                var expected = said.TryGetValue(id, out var difference) ? difference.Kind : Enum.Parse<DifferenceKind>(former[id].ToString());
                var actual = created ? DifferenceKind.Create : link is not null ? DifferenceKind.Link : DifferenceKind.Conflict;
                Assert.True(expected == actual && (difference?.Kind != DifferenceKind.Link || difference.OtherRecordId == link), $"Seed {seed}, {id}: said {difference?.ToString() ?? "nothing"}, was {actual} {link}");
            }
        }

        Assert.Superset(new HashSet<DifferenceKind> { DifferenceKind.Merge, DifferenceKind.Link, DifferenceKind.Create, DifferenceKind.Conflict }, seen);
    }

    private static IdentificationRule[] RandomRules(Random random)
    {
        var attributes = Enum.GetValues<IdentificationAttribute>();
        var rules = new List<IdentificationRule>();
        var count = random.Next(1, 5);
        for (var i = 0; i < count; i++)
        {
            var chosen = attributes.OrderBy(_ => random.Next()).Take(random.Next(1, 4)).ToList();
            var conditions = chosen.Select((a, n) => new RuleCondition(a, n == 0 ? (random.Next(3) == 0 ? ComparisonOperator.Equals : ComparisonOperator.Matches) : (ComparisonOperator)random.Next(4))).ToList();
            rules.Add(new IdentificationRule { Class = RecordClass.Computer, Name = "R" + i, Conditions = conditions, Action = random.Next(4) == 0 ? RuleAction.Conflict : RuleAction.Overwrite });
        }

        return [.. rules];
    }
}
