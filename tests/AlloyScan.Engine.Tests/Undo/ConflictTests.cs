using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Sync;
using AlloyScan.Engine.Sync.Conflicts;
using AlloyScan.Engine.Sync.Guard;
using AlloyScan.Engine.Sync.Links;
using AlloyScan.Engine.Sync.Undo;
using AlloyScan.Engine.Tests.Sync;

namespace AlloyScan.Engine.Tests.Undo;

public sealed class ConflictTests : IDisposable
{
    // Machines are added by the dozen here after the first load, which is not what these tests are about.
    private readonly SyncFixture _f = new(job => job with { GuardLimits = new Dictionary<GuardKinds, GuardLimit> { [GuardKinds.Creation] = new(1000, 1) } });

    public void Dispose() => _f.Dispose();

    [Fact]
    public async Task The_list_tells_device_reason_and_candidates()
    {
        await TwinsAsync();

        var conflict = _f.Store.Conflicts.List(new ConflictFilter { State = ConflictState.Open, Job = "hq", Device = "pc-*" }).Single();

        Assert.Equal(("d2", "PC-1", RecordClass.Computer, ConflictKind.Unlinked, "HQ"), (conflict.DeviceId, conflict.DeviceName, conflict.Class, conflict.Kind, conflict.Job));
        Assert.Equal(["C000009"], conflict.Candidates);
        Assert.Contains("which belongs to the live device d1", conflict.Reason, StringComparison.Ordinal);
        Assert.Empty(_f.Store.Conflicts.List(new ConflictFilter { State = ConflictState.Ignored }));
        Assert.Empty(_f.Store.Conflicts.List(new ConflictFilter { Class = RecordClass.Hardware }));
    }

    [Fact]
    public async Task A_created_CI_is_complete_after_one_more_run_which_reads_only_what_is_lacking()
    {
        await TwinsAsync();

        var conflict = Resolve(ConflictResolution.Create);

        Assert.Equal(ConflictState.Created, conflict.State);
        Assert.NotNull(conflict.ResolvedAt);
        Assert.Equal("C000010|PC-1|SN-1|d2", _f.Rows("SELECT id, name, serial_number, device_id FROM computers WHERE device_id = 'd2'").Single());
        var run = _f.Store.Runs.List().First();
        Assert.Equal((SyncRunKind.Resolve, SyncRunStatus.Succeeded, 1, false), (run.Kind, run.Status, run.Created, run.Complete));

        var next = await _f.RunWellAsync();
        Assert.Equal((0, 0, 1), (next.Created, next.Conflicts, next.InstallationsAdded));
        Assert.Equal(["list", "device d2", "snapshot a2"], _f.Source.Log);
        await _f.RunWellAsync();
        Assert.Equal(["list"], _f.Source.Log);
        Assert.Empty(_f.Heard.Changes);
        UndoLawTests.CheckBooks(_f);
    }

    [Fact]
    public async Task A_link_brings_the_CI_up_to_date_at_once()
    {
        await TwinsAsync();
        var other = await ThirdAsync();

        Resolve(ConflictResolution.Link, other);

        Assert.Equal($"{other}|PC-1|SN-1|d2|Mary Miller", _f.Rows($"SELECT id, name, serial_number, device_id, user_name FROM computers WHERE id = '{other}'").Single());
        Assert.Equal("d2|Linked", _f.Rows("SELECT device_id, state FROM sync_conflicts").Single());
        await _f.RunWellAsync();
        Assert.Equal("Viewer", _f.Scalar($"SELECT string_agg(name, ',') FROM discovered_installations WHERE computer_id = '{other}'"));
        await _f.RunWellAsync();
        Assert.Equal(["list"], _f.Source.Log);
        UndoLawTests.CheckBooks(_f);
    }

    [Fact]
    public async Task An_ignored_device_stays_ignored_until_it_is_opened_again()
    {
        await TwinsAsync();
        Resolve(ConflictResolution.Ignore);
        _f.Source.Replace("d2", d => d with { LastSeen = FakeSource.T(50), Name = "OTHER", SerialNumber = "OTHER" });
        await _f.RunWellAsync();
        Assert.Equal("d2|Ignored", _f.Rows("SELECT device_id, state FROM sync_conflicts").Single());
        Assert.Equal("9", _f.Scalar("SELECT count(*) FROM computers"));

        Assert.Equal(ConflictState.Open, Resolve(ConflictResolution.Reopen).State);
        await _f.RunWellAsync();

        Assert.Equal("10", _f.Scalar("SELECT count(*) FROM computers"));
        Assert.Equal("d2|Created", _f.Rows("SELECT device_id, state FROM sync_conflicts").Single());
    }

    [Fact]
    public async Task A_CI_of_a_missing_device_may_be_taken_and_of_a_live_one_not()
    {
        await TwinsAsync();
        Assert.Equal("RecordLinked", IdOf(() => Resolve(ConflictResolution.Link, "C000009")));
        _f.Sql("UPDATE links SET state = 2, missing_since = 1 WHERE device_id = 'd1'");

        Resolve(ConflictResolution.Link, "C000009");

        Assert.Equal("d1|Closed,d2|Live", string.Join(',', _f.Rows("SELECT device_id, state FROM sync_links WHERE device_id LIKE 'd%' ORDER BY device_id")));
        Assert.Equal("TakenOver", _f.Scalar("SELECT closed_reason FROM links WHERE device_id = 'd1'"));
    }

    [Fact]
    public async Task A_person_overrules_a_separation()
    {
        await TwinsAsync();
        var other = await ThirdAsync();
        _f.Sql($"INSERT INTO separations VALUES (1, 1, 'd2', (SELECT id FROM records WHERE number = {int.Parse(other[1..], System.Globalization.CultureInfo.InvariantCulture)}), 0)");
        var warnings = new List<string>();

        _f.Store.Conflicts.Resolve(Conflict().Id, ConflictResolution.Link, other, warnings.Add);

        Assert.Contains("had been separated", Assert.Single(warnings), StringComparison.Ordinal);
        Assert.Equal("0", _f.Scalar("SELECT count(*) FROM separations"));
        var run = _f.Store.Undo.Newest("HQ");
        _f.Store.Undo.Undo(run.Id, false, _ => { }, default);
        Assert.Equal("1", _f.Scalar("SELECT count(*) FROM separations WHERE device_id = 'd2'"));
        Assert.Equal("d2|Open", _f.Rows("SELECT device_id, state FROM sync_conflicts").Single());
    }

    [Theory]
    [InlineData(ConflictResolution.Create)]
    [InlineData(ConflictResolution.Link)]
    public async Task A_decision_can_be_taken_back(ConflictResolution resolution)
    {
        await TwinsAsync();
        var other = await ThirdAsync();
        var before = UndoLawTests.Former(_f);
        Resolve(resolution, other);
        Assert.NotEqual(before, UndoLawTests.Former(_f));

        var undone = _f.Store.Undo.Newest("HQ");
        Assert.Equal(SyncRunKind.Resolve, undone.Kind);
        _f.Store.Undo.Undo(undone.Id, false, _ => { }, default);

        Assert.Equal(before, UndoLawTests.Former(_f));
        Assert.Equal("d2|Open", _f.Rows("SELECT device_id, state FROM sync_conflicts").Single());
        Assert.NotEqual("0", _f.Scalar("SELECT count(*) FROM conflict_identifiers"));
        UndoLawTests.CheckBooks(_f);
    }

    [Fact]
    public async Task What_cannot_be_decided_is_refused_by_id_and_leaves_no_run()
    {
        await TwinsAsync();
        _f.Source.Add(SyncFixture.Device("p1", "PRN", "SN-P", type: "printer"));
        await _f.RunWellAsync();
        var runs = _f.Scalar("SELECT count(*) FROM runs");
        Assert.Equal("ConflictNotFound", IdOf(() => _f.Store.Conflicts.Resolve(99, ConflictResolution.Create)));
        Assert.Equal("RecordNotFound", IdOf(() => Resolve(ConflictResolution.Link, "C000099")));
        Assert.Equal("RecordNotFound", IdOf(() => Resolve(ConflictResolution.Link, "nonsense")));
        Assert.Equal("WrongClass", IdOf(() => Resolve(ConflictResolution.Link, "H000001")));
        _f.Store.Cmdb.Update(RecordClass.Computer, "C000001", new Dictionary<string, string?> { ["status"] = "Retired" });
        Assert.Equal("RecordRetired", IdOf(() => Resolve(ConflictResolution.Link, "C000001")));
        Assert.Equal("ConflictNotOpen", IdOf(() => Resolve(ConflictResolution.Reopen)));
        using (var session = _f.Store.NewSession())
        {
            var lease = Lease.Acquire(session, 1, "HQ");
            Assert.Equal("JobRunning", IdOf(() => Resolve(ConflictResolution.Create)));
            lease.Release();
        }

        Resolve(ConflictResolution.Ignore);
        Assert.Equal("ConflictNotOpen", IdOf(() => Resolve(ConflictResolution.Create)));
        Resolve(ConflictResolution.Reopen);
        Assert.Equal(runs, _f.Scalar("SELECT count(*) FROM runs"));
        _f.Store.Jobs.Remove("HQ");
        Assert.Equal("JobNotFound", IdOf(() => Resolve(ConflictResolution.Create)));
    }

    [Fact]
    public async Task A_link_that_rests_on_junk_is_confirmed_or_split()
    {
        await MergedAsync();
        var id = AddJunkConflict("new");
        Assert.Equal("RecordLinked", IdOf(() => _f.Store.Conflicts.Resolve(id, ConflictResolution.Link, "C000002")));
        Assert.Equal(ConflictState.Linked, _f.Store.Conflicts.Resolve(id, ConflictResolution.Link, "c000001").State);
        _f.Sql("UPDATE conflicts SET state = 'Open', resolved_at = NULL");

        var conflict = _f.Store.Conflicts.Resolve(id, ConflictResolution.Create);

        Assert.Equal(ConflictState.Created, conflict.State);
        Assert.NotEqual("C000001", _f.Scalar("SELECT record_id FROM sync_links WHERE device_id = 'new'"));
    }

    [Fact]
    public async Task A_split_gives_the_CI_back_what_it_held_and_the_device_its_own_and_keeps_them_apart()
    {
        var before = await MergedAsync();
        var merged = _f.Rows("SELECT name, user_name, device_id FROM computers WHERE id = 'C000001'").Single();
        Assert.Equal("PC-1|Mary Miller|new", merged);
        var warnings = new List<string>();

        var link = _f.Store.Links.Split("new", null, warnings.Add);

        Assert.Empty(warnings);
        Assert.Equal((LinkState.Live, "PC-1", null), (link.State, link.DeviceName, link.Rule));
        Assert.Equal(before.Where(Is("C000001")), UndoLawTests.Former(_f).Where(Is("C000001")));
        Assert.Equal("PC-1|SN-1|new|Viewer", _f.Rows($"SELECT c.name, c.serial_number, c.device_id, i.name FROM computers c JOIN discovered_installations i ON i.computer_id = c.id WHERE c.id = '{link.RecordId}'").Single());
        Assert.Equal("old|Missing|C000001", _f.Rows("SELECT device_id, state, record_id FROM sync_links WHERE device_id = 'old'").Single());
        Assert.Equal("1", _f.Scalar("SELECT count(*) FROM separations WHERE device_id = 'new'"));
        var run = _f.Store.Runs.List().First();
        Assert.Equal((SyncRunKind.Split, SyncRunStatus.Succeeded, 1), (run.Kind, run.Status, run.Created));
        UndoLawTests.CheckBooks(_f);

        await _f.RunWellAsync();
        Assert.Empty(_f.Heard.Changes);
        Assert.DoesNotContain(_f.Source.Log, l => l.Contains("new", StringComparison.Ordinal));
        _f.Source.Audit("new", s => s with { Software = [] });
        await _f.RunWellAsync();
        Assert.Equal(link.RecordId, _f.Scalar("SELECT record_id FROM sync_links WHERE device_id = 'new'"));
    }

    [Fact]
    public async Task A_split_can_be_taken_back()
    {
        await MergedAsync();
        var before = UndoLawTests.Former(_f);
        _f.Store.Links.Split("new");
        var outcomes = new List<UndoneChange>();

        _f.Store.Undo.Undo(_f.Store.Undo.Newest("HQ").Id, false, outcomes.Add, default);

        Assert.Equal(before, UndoLawTests.Former(_f));
        Assert.All(outcomes, o => Assert.True(o.Outcome != UndoOutcome.LeftAlone, o.Reason));
        Assert.Equal("0", _f.Scalar("SELECT count(*) FROM separations"));
        UndoLawTests.CheckBooks(_f);
    }

    [Fact]
    public async Task A_split_leaves_what_people_edited_since()
    {
        await MergedAsync();
        _f.Store.Cmdb.Update(RecordClass.Computer, "C000001", new Dictionary<string, string?> { ["name"] = "TYPED" });
        var warnings = new List<string>();

        _f.Store.Links.Split("new", null, warnings.Add);

        Assert.Equal("TYPED|OLD-MODEL", _f.Rows("SELECT name, model FROM computers WHERE id = 'C000001'").Single());
        Assert.Contains("C000001: name was left as it is.", Assert.Single(warnings), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_split_without_the_journal_says_so()
    {
        await MergedAsync();
        _f.Sql("DELETE FROM changes");
        var warnings = new List<string>();

        var link = _f.Store.Links.Split("new", null, warnings.Add);

        Assert.Contains("The journal does not reach back", Assert.Single(warnings), StringComparison.Ordinal);
        Assert.NotEqual("C000001", link.RecordId);
        Assert.Equal("PC-1", _f.Scalar("SELECT name FROM computers WHERE id = 'C000001'"));
    }

    [Fact]
    public async Task What_cannot_be_split_is_refused_by_id()
    {
        await TwinsAsync();
        Assert.Equal("NothingToSplit", IdOf(() => _f.Store.Links.Split("d1")));
        Assert.Equal("LinkNotFound", IdOf(() => _f.Store.Links.Split("d2")));
        Assert.Equal("LinkNotFound", IdOf(() => _f.Store.Links.Split("d1", "elsewhere")));
        await MergedAsync();
        _f.Store.Jobs.Remove("HQ");
        Assert.Equal("JobNotFound", IdOf(() => _f.Store.Links.Split("new")));
    }

    [Fact]
    public async Task Links_are_listed_by_device_CI_and_state()
    {
        await MergedAsync();
        var closed = _f.Store.Links.List(new LinkFilter { State = LinkState.Closed }).Single();
        Assert.Equal(("old", "TakenOver", "C000001"), (closed.DeviceId, closed.ClosedReason, closed.RecordId));
        var live = _f.Store.Links.List(new LinkFilter { RecordId = "c000001", State = LinkState.Live, Site = "*hq*", Class = RecordClass.Computer }).Single();
        Assert.Equal(("new", "PC-1"), (live.DeviceId, live.DeviceName));
        Assert.NotNull(live.Rule);
        Assert.Equal("old", _f.Store.Links.List(new LinkFilter { DeviceId = "old" }).Single().DeviceId);
    }

    /// <summary>Two live devices of one serial number: the second is a conflict.</summary>
    private async Task TwinsAsync()
    {
        _f.Source.Add(SyncFixture.Device("d1", "PC-1", "SN-1"), SyncFixture.Snapshot("a1", software: ("Editor", "1.0")));
        _f.Source.Add(SyncFixture.Device("d2", "PC-1", "SN-1"), SyncFixture.Snapshot("a2", software: ("Viewer", "2.0")));
        for (var i = 10; i < 18; i++)
            _f.Source.Add(SyncFixture.Device($"x{i}", $"FILLER-{i}", $"SN-X{i}"), SyncFixture.Snapshot($"ax{i}"));
        await _f.RunAsync();
        Assert.Equal("d2", Conflict().DeviceId);
    }

    /// <summary>A CI without a device, as it is left after its site forgot it.</summary>
    private async Task<string> ThirdAsync()
    {
        _f.Source.Add(SyncFixture.Device("d3", "PC-3", "SN-3"), SyncFixture.Snapshot("a3"));
        await _f.RunWellAsync();
        _f.Source.Devices.RemoveAll(d => d.Id == "d3");
        var id = _f.Scalar("SELECT record_id FROM sync_links WHERE device_id = 'd3'")!;
        _f.Sql("DELETE FROM link_values WHERE link IN (SELECT id FROM links WHERE device_id = 'd3'); DELETE FROM links WHERE device_id = 'd3'");
        return id;
    }

    /// <summary>A device that takes over the CI of one that is gone. Returns the state before.</summary>
    private async Task<List<string>> MergedAsync()
    {
        for (var i = 10; i < 20; i++)
            _f.Source.Add(SyncFixture.Device($"y{i}", $"OTHER-{i}", $"SN-Y{i}"), SyncFixture.Snapshot($"ay{i}"));
        _f.Source.Devices.RemoveAll(d => d.Id is "d1" or "d2");
        _f.Sql("DELETE FROM conflicts");
        var snapshot = SyncFixture.Snapshot("old-a", software: [("Editor", "1.0"), ("Browser", "7")]);
        _f.Source.Add(SyncFixture.Device("old", "OLD", "SN-1"), snapshot with { Hardware = snapshot.Hardware! with { Model = "OLD-MODEL" } });
        if (_f.Scalar("SELECT count(*) FROM computers") != "0")
            _f.Sql("DELETE FROM links; DELETE FROM link_values; DELETE FROM records; DELETE FROM products; UPDATE targets SET next_computer = 1");
        await _f.RunAsync();
        Assert.Equal("OLD", _f.Scalar("SELECT name FROM computers WHERE serial_number = 'SN-1'"));
        _f.Source.Devices.RemoveAll(d => d.Id == "old");
        await _f.RunAsync();
        Assert.Equal("Missing", _f.Scalar("SELECT state FROM sync_links WHERE device_id = 'old'"));
        var before = UndoLawTests.Former(_f);
        _f.Source.Add(SyncFixture.Device("new", "PC-1", "SN-1"), SyncFixture.Snapshot("new-a", software: ("Viewer", "2.0")));
        await _f.RunAsync();
        Assert.Equal("Live", _f.Scalar("SELECT state FROM sync_links WHERE device_id = 'new'"));
        return before;
    }

    private long AddJunkConflict(string device)
    {
        _f.Sql($"""
            INSERT INTO conflicts (job, target_id, site_id, device_id, device_name, class, reason, candidates, state, kind, list_hash, last_seen, facts, created_at, updated_at)
            SELECT 'HQ', 1, l.site_id, l.device_id, 'PC-1', 1, 'Rests on junk', 'C000001', 'Open', 'RestsOnJunk', l.list_hash, l.last_seen, v.source, 0, 0
            FROM links l JOIN link_values v ON v.link = l.id WHERE l.device_id = '{device}'
            """);
        return Conflict().Id;
    }

    private SyncConflict Conflict() => _f.Store.Conflicts.List().Single();

    private SyncConflict Resolve(ConflictResolution resolution, string? record = null) => _f.Store.Conflicts.Resolve(Conflict().Id, resolution, record);

    private static Func<string, bool> Is(string record) => row => row[0] is 'C' or 'I' && row.Contains(record, StringComparison.Ordinal);

    private static string IdOf(Func<object> work) => Assert.Throws<AlloyScanException>(() => { work(); }).ErrorId;
}
