using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Sync;
using AlloyScan.Engine.Sync.Conflicts;
using AlloyScan.Engine.Sync.Links;
using AlloyScan.Engine.Sync.Map;
using AlloyScan.Engine.Sync.Undo;
using AlloyScan.Engine.Tests.Sync;

namespace AlloyScan.Engine.Tests.Undo;

/// <summary>Laws of taking runs back, over many random fleets. A failure names its seed.</summary>
public sealed class UndoLawTests
{
    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 15)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task An_undo_restores_the_former_state_and_a_rehearsal_says_so_before(int seed)
    {
        using var fixture = new SyncFixture();
        var fleet = new RandomFleet(seed);
        fleet.Fill(fixture.Source, 30);
        for (var day = 0; day < 5; day++)
        {
            var before = Former(fixture);
            var run = await fixture.RunAsync();
            if (!Changed(fixture, run.Id))
                continue;

            var untouched = fixture.Everything();
            var rehearsed = Undo(fixture, run.Id, rehearsal: true).Outcomes;
            Assert.Equal(untouched, fixture.Everything());

            var (undo, outcomes) = Undo(fixture, run.Id);
            Assert.Equal(before, Former(fixture));
            Assert.All(outcomes, o => Assert.True(o.Outcome != UndoOutcome.LeftAlone, $"{o} {o.Reason}"));
            Assert.Equal(rehearsed, outcomes);
            Assert.Equal((SyncRunStatus.Succeeded, SyncRunKind.Undo, run.Id), (undo.Status, undo.Kind, undo.Undoes));
            CheckBooks(fixture);

            // Run again, it does what was undone, and then has nothing left to do.
            await fixture.RunAsync();
            CheckBooks(fixture);
            await fixture.RunAsync();
            Assert.Empty(fixture.Heard.Changes);
            fleet.Mutate(fixture.Source);
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task Runs_undone_one_after_the_other_lead_back_to_nothing(int seed)
    {
        using var fixture = new SyncFixture();
        var empty = Former(fixture);
        var fleet = new RandomFleet(seed);
        fleet.Fill(fixture.Source, 30);
        var states = new Stack<(long Run, List<string> Before)>();
        for (var day = 0; day < 6; day++)
        {
            var before = Former(fixture);
            var run = await fixture.RunAsync();
            if (Changed(fixture, run.Id))
                states.Push((run.Id, before));
            fleet.Mutate(fixture.Source);
        }

        while (states.TryPop(out var state))
        {
            var (_, outcomes) = Undo(fixture, state.Run);
            Assert.All(outcomes, o => Assert.True(o.Outcome != UndoOutcome.LeftAlone, $"{o} {o.Reason}"));
            Assert.Equal(state.Before, Former(fixture));
            CheckBooks(fixture);
        }

        Assert.Equal(empty, Former(fixture));
        Assert.Equal(("0", "0", "0", "0"), (fixture.Scalar("SELECT count(*) FROM records"), fixture.Scalar("SELECT count(*) FROM links"), fixture.Scalar("SELECT count(*) FROM products"), fixture.Scalar("SELECT count(*) FROM record_identifiers")));
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task An_undo_leaves_what_people_edited_since(int seed)
    {
        using var fixture = new SyncFixture();
        var fleet = new RandomFleet(seed);
        fleet.Fill(fixture.Source, 30);
        var run = await fixture.RunAsync();
        for (var day = 0; day < 2; day++)
        {
            fleet.Mutate(fixture.Source);
            run = await fixture.RunAsync();
        }

        if (!Changed(fixture, run.Id))
            return;

        // Every third CI that the run touched is edited: one field that the run wrote, or another one.
        var edited = new Dictionary<string, string>();
        foreach (var row in fixture.Rows($"SELECT DISTINCT record_id, class FROM sync_changes WHERE run_id = {run.Id} AND action IN ('Update', 'Create') ORDER BY 1").Where((_, i) => i % 3 == 0))
        {
            var (id, table) = (row.Split('|')[0], row.EndsWith("Computer", StringComparison.Ordinal) ? "Computer" : "Hardware");
            if (fixture.Scalar($"SELECT count(*) FROM {(table == "Computer" ? "computers" : "hardware")} WHERE id = '{id}'") != "1")
                continue;

            var field = fixture.Scalar($"SELECT field FROM sync_changes WHERE run_id = {run.Id} AND record_id = '{id}' AND action = 'Update' AND field <> 'memory_bytes' ORDER BY field") ?? "model";
            var value = "Edited " + id;
            fixture.Store.Cmdb.Update(Enum.Parse<Engine.Inventory.RecordClass>(table), id, new Dictionary<string, string?> { [field] = value });
            edited.Add($"{(table == "Computer" ? "computers" : "hardware")}|{id}|{field}", value);
        }

        var (_, outcomes) = Undo(fixture, run.Id);

        foreach (var (key, value) in edited)
        {
            var parts = key.Split('|');
            Assert.Equal(value, fixture.Scalar($"SELECT {parts[2]} FROM {parts[0]} WHERE id = '{parts[1]}'"));
        }

        Assert.Equal(outcomes.Where(o => o.Outcome == UndoOutcome.LeftAlone).Select(o => o.RecordId).Distinct().Count(), edited.Keys.Count(k => outcomes.Exists(o => o.RecordId == k.Split('|')[1] && o.Outcome == UndoOutcome.LeftAlone)));
        CheckBooks(fixture);
    }

    [Fact]
    public async Task Retirements_and_revivals_are_taken_back_as_well()
    {
        var actions = new HashSet<string>();
        for (var seed = 1; seed <= 12; seed++)
            actions.UnionWith(await RetireAndReviveAsync(seed));
        Assert.Superset(new HashSet<string> { "Create", "Update", "MarkMissing", "Return", "Retire", "Revive" }, actions);
    }

    /// <returns>What the runs did.</returns>
    private static async Task<HashSet<string>> RetireAndReviveAsync(int seed)
    {
        using var fixture = new SyncFixture(j => j with { MissingDevice = MissingDevice.Retire, RetireAfterRuns = 1, RetireAfterDays = 0 });
        var fleet = new RandomFleet(seed);
        fleet.Fill(fixture.Source, 40);
        var random = new Random(seed);
        var away = new List<Device>();
        var actions = new HashSet<string>();
        for (var day = 0; day < 7; day++)
        {
            var before = Former(fixture);
            var run = await fixture.RunAsync();
            actions.UnionWith(fixture.Rows($"SELECT DISTINCT action FROM sync_changes WHERE run_id = {run.Id}"));
            if (Changed(fixture, run.Id))
            {
                var (_, outcomes) = Undo(fixture, run.Id);
                Assert.All(outcomes, o => Assert.True(o.Outcome != UndoOutcome.LeftAlone, $"{o} {o.Reason}"));
                Assert.Equal(before, Former(fixture));
                CheckBooks(fixture);
                await fixture.RunAsync();
                CheckBooks(fixture);
            }

            // Some change, some go, and some of those that went come back.
            fleet.Mutate(fixture.Source);
            foreach (var device in away.Where(_ => random.Next(2) == 0).ToList())
            {
                away.Remove(device);
                fixture.Source.Devices.Add(device with { LastSeen = device.LastSeen?.AddDays(1) });
            }

            foreach (var device in fixture.Source.Devices.Where(_ => random.Next(16) == 0).ToList())
            {
                away.Add(device);
                fixture.Source.Devices.Remove(device);
            }
        }

        return actions;
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task Decisions_and_splits_converge_and_lead_back_to_nothing(int seed)
    {
        using var fixture = new SyncFixture();
        var fleet = new RandomFleet(seed);
        fleet.Fill(fixture.Source, 40);
        await fixture.RunAsync();
        fleet.Mutate(fixture.Source);
        await fixture.RunAsync();
        var random = new Random(seed);
        foreach (var conflict in fixture.Store.Conflicts.List(new ConflictFilter { State = ConflictState.Open, Kind = ConflictKind.Unlinked }).ToList())
        {
            try
            {
                if (conflict.Candidates.Count > 0 && random.Next(2) == 0)
                    fixture.Store.Conflicts.Resolve(conflict.Id, ConflictResolution.Link, conflict.Candidates[random.Next(conflict.Candidates.Count)]);
                else
                    fixture.Store.Conflicts.Resolve(conflict.Id, random.Next(3) == 0 ? ConflictResolution.Ignore : ConflictResolution.Create);
            }
            catch (AlloyScanException e) when (e.ErrorId == "RecordLinked")
            {
                fixture.Store.Conflicts.Resolve(conflict.Id, ConflictResolution.Create);
            }

            CheckBooks(fixture);
        }

        await fixture.RunAsync();
        CheckBooks(fixture);
        await fixture.RunAsync();
        Assert.Empty(fixture.Heard.Changes);

        foreach (var link in fixture.Store.Links.List(new LinkFilter { State = LinkState.Live }).Where(l => l.Rule is not null).ToList())
        {
            fixture.Store.Links.Split(link.DeviceId);
            CheckBooks(fixture);
        }

        await fixture.RunAsync();
        Assert.Empty(fixture.Heard.Changes);

        foreach (var run in fixture.Store.Runs.List().ToList().Where(r => Changed(fixture, r.Id)))
        {
            var (_, outcomes) = Undo(fixture, run.Id);
            Assert.All(outcomes, o => Assert.True(o.Outcome != UndoOutcome.LeftAlone, $"{run.Kind} {o} {o.Reason}"));
            CheckBooks(fixture);
        }

        Assert.Equal(("0", "0", "0"), (fixture.Scalar("SELECT count(*) FROM records"), fixture.Scalar("SELECT count(*) FROM links"), fixture.Scalar("SELECT count(*) FROM products")));
    }

    private static (SyncRun Run, List<UndoneChange> Outcomes) Undo(SyncFixture fixture, long runId, bool rehearsal = false)
    {
        var outcomes = new List<UndoneChange>();
        return (fixture.Store.Undo.Undo(runId, rehearsal, outcomes.Add, default), outcomes);
    }

    private static bool Changed(SyncFixture fixture, long runId) => fixture.Scalar($"SELECT 1 FROM changes WHERE run_id = {runId} LIMIT 1") is not null;

    /// <summary>What an undo restores, as the views show it: CIs, installations, catalog and links. Identifiers of CIs follow the device without a change of the CI; the books say what they have to be.</summary>
    internal static List<string> Former(SyncFixture fixture) =>
    [
        .. fixture.Rows("SELECT 'C', id, name, dns_name, serial_number, asset_tag, mac_address, ip_address, manufacturer, model, bios_uuid, os_platform, os_name, os_version, cpu, memory_bytes, user_name, status, site, device_id, missing_since IS NULL, created_at, custom FROM computers ORDER BY id"),
        .. fixture.Rows("SELECT 'H', id, name, type, dns_name, serial_number, asset_tag, mac_address, ip_address, manufacturer, model, status, site, device_id, missing_since IS NULL, created_at, custom FROM hardware ORDER BY id"),
        .. fixture.Rows("SELECT 'I', computer_id, name, version, publisher, install_date, install_key, serial_number FROM discovered_installations ORDER BY 2, 3, 4, 5"),
        .. fixture.Rows("SELECT 'P', name, version, publisher, software_group, installations FROM software_products ORDER BY 2, 3, 4"),
        .. fixture.Rows("SELECT 'L', device_id, class, record_id, state FROM sync_links ORDER BY device_id"),
    ];

    /// <summary>What has to agree with each other in any store.</summary>
    internal static void CheckBooks(SyncFixture fixture)
    {
        Assert.Empty(fixture.Rows("SELECT record, count(*) FROM links WHERE state IN (1, 2) GROUP BY record HAVING count(*) > 1"));
        Assert.Equal(fixture.Scalar("SELECT count(*) FROM installations"), fixture.Scalar("SELECT coalesce(sum(uses), 0) FROM products"));
        Assert.Equal("0", fixture.Scalar("SELECT count(*) FROM products WHERE uses <= 0 OR hidden_uses < 0 OR hidden_uses > uses"));
        Assert.Empty(fixture.Rows("SELECT p.name FROM products p WHERE p.hidden_uses <> (SELECT count(*) FROM installations i JOIN records r ON r.id = i.record WHERE i.product = p.id AND lower(r.status) = 'retired')"));
        Assert.Empty(fixture.Rows("SELECT l.device_id, l.software_count, count(i.product) FROM links l LEFT JOIN installations i ON i.record = l.record WHERE l.state IN (1, 2) GROUP BY l.id HAVING l.software_count <> count(i.product)"));
        Assert.Empty(fixture.Rows("SELECT i.kind, i.value FROM record_identifiers i LEFT JOIN records r ON r.id = i.record WHERE r.id IS NULL"));
        foreach (var row in fixture.Rows("SELECT v.source, l.record FROM link_values v JOIN links l ON l.id = v.link JOIN records r ON r.id = l.record WHERE l.state = 1"))
        {
            var (source, record) = (row[..row.LastIndexOf('|')], row[(row.LastIndexOf('|') + 1)..]);
            var has = fixture.Rows($"SELECT kind, value FROM record_identifiers WHERE record = {record}");
            Assert.Subset(has.ToHashSet(), DeviceFacts.FromJson(source).Identifiers().Select(i => $"{(int)i.Kind}|{i.Value}").ToHashSet());
        }

        Assert.Empty(fixture.Rows("SELECT v.link FROM link_values v LEFT JOIN links l ON l.id = v.link WHERE l.id IS NULL"));
    }
}
