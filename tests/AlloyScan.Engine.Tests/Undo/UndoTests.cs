using AlloyScan.Engine.Cmdb;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Sync;
using AlloyScan.Engine.Sync.Undo;
using AlloyScan.Engine.Tests.Sync;

namespace AlloyScan.Engine.Tests.Undo;

public sealed class UndoTests : IDisposable
{
    private readonly SyncFixture _f = new();

    public void Dispose() => _f.Dispose();

    [Fact]
    public async Task A_run_that_created_CIs_removes_those_that_nobody_changed()
    {
        Fill();
        var run = await _f.RunWellAsync();
        _f.Store.Cmdb.Update(RecordClass.Computer, "C000002", new Dictionary<string, string?> { ["asset_tag"] = "MINE" });

        var (undo, outcomes) = Undo(run.Id);

        Assert.Equal(["C000002|MINE|d2"], _f.Rows("SELECT id, asset_tag, device_id FROM computers"));
        Assert.Equal([("C000001", UndoOutcome.Removed, null), ("C000002", UndoOutcome.LeftAlone, "The CI was created by the run, and somebody changed it since.")],
            outcomes.OrderBy(o => o.RecordId).Select(o => (o.RecordId, o.Outcome, o.Reason)));
        Assert.Equal(SyncRunStatus.PartiallySucceeded, undo.Status);
        Assert.Equal($"Run {run.Id} was taken back: 0 CIs restored, 1 CI removed, 1 change left alone. The job 'HQ' is disabled for its schedule until Enable-AlloyScanSyncJob enables it.", undo.Message);
        UndoLawTests.CheckBooks(_f);
    }

    [Fact]
    public async Task Only_fields_that_still_hold_what_the_run_wrote_are_restored()
    {
        Fill();
        await _f.RunWellAsync();
        _f.Source.Replace("d1", d => d with { Name = "NEW-1", IpAddress = "10.0.0.9", LastSeen = FakeSource.T(5) });
        var run = await _f.RunWellAsync();
        _f.Store.Cmdb.Update(RecordClass.Computer, "C000001", new Dictionary<string, string?> { ["name"] = "TYPED" });

        var (_, outcomes) = Undo(run.Id);

        Assert.Equal("TYPED|10.0.0.1", _f.Rows("SELECT name, ip_address FROM computers WHERE id = 'C000001'").Single());
        Assert.Equal(
            ["ip_address Restored 10.0.0.9 10.0.0.1 ", "name LeftAlone   It holds 'TYPED' now, not 'NEW-1' as the run left it."],
            outcomes.Select(o => $"{o.Field} {o.Outcome} {o.OldValue} {o.NewValue} {o.Reason}").Order());
    }

    [Fact]
    public async Task A_restored_value_counts_as_edited()
    {
        _f.Source.Add(SyncFixture.Device("d1", "PC-1", "SN-1") with { AssetTag = "OLD" }, SyncFixture.Snapshot("a1"));
        await _f.RunWellAsync();
        _f.Source.Replace("d1", d => d with { AssetTag = "NEW", Name = "PC-2" });
        var run = await _f.RunWellAsync();
        Undo(run.Id);

        await _f.RunWellAsync();

        // The name is measured and follows the site again; the tag is kept as a person's would be.
        Assert.Equal("PC-2|OLD", _f.Rows("SELECT name, asset_tag FROM computers").Single());
    }

    [Fact]
    public async Task Installations_come_back_with_their_keys_which_no_view_shows()
    {
        Fill();
        _f.Source.Audit("d1", s => s with { Software = [new InstalledSoftware("Editor", "1.0", "Vendor", "2026-01-01", "KEY-SECRET-1", "LICENCE-1")] });
        await _f.RunWellAsync();
        var before = UndoLawTests.Former(_f);
        _f.Source.Audit("d1", s => s with { Software = [new InstalledSoftware("Viewer", "2.0", "Vendor", null, "KEY-SECRET-2", "LICENCE-2")] });
        var run = await _f.RunWellAsync();

        Assert.DoesNotContain(_f.Rows("SELECT * FROM sync_changes"), r => r.Contains("KEY-SECRET", StringComparison.Ordinal) || r.Contains("LICENCE", StringComparison.Ordinal));
        var (undo, outcomes) = Undo(run.Id);

        Assert.Equal(before, UndoLawTests.Former(_f));
        Assert.Equal(("software", "1 installation", "1 installation"), (outcomes.Single().Field, outcomes.Single().OldValue, outcomes.Single().NewValue));
        Assert.Equal((1, 1, 1), (undo.Updated, undo.InstallationsAdded, undo.InstallationsRemoved));
        Assert.DoesNotContain(_f.Rows("SELECT * FROM sync_changes"), r => r.Contains("KEY-SECRET", StringComparison.Ordinal) || r.Contains("LICENCE", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_was_undone_is_done_again_by_the_next_run_software_included()
    {
        Fill();
        await _f.RunWellAsync();
        _f.Source.Audit("d1", s => s with { Software = [new InstalledSoftware("Viewer", "2.0", "Vendor", null, null, null)] });
        var run = await _f.RunWellAsync();
        var after = UndoLawTests.Former(_f);
        Undo(run.Id);
        Assert.NotEqual(after, UndoLawTests.Former(_f));

        await _f.RunWellAsync();

        Assert.Equal(after, UndoLawTests.Former(_f));
        Assert.Equal(["list", "device d1", "snapshot a1+"], _f.Source.Log);
    }

    [Fact]
    public async Task A_set_of_installations_that_is_not_as_the_run_left_it_is_left_alone()
    {
        Fill();
        await _f.RunWellAsync();
        _f.Source.Audit("d1", s => s with { Software = [new InstalledSoftware("Viewer", "2.0", "Vendor", null, null, null)] });
        var run = await _f.RunWellAsync();
        _f.Sql("UPDATE installations SET install_date = '2025-05-05' WHERE record = 1");

        var (_, outcomes) = Undo(run.Id);

        Assert.Equal(("software", UndoOutcome.LeftAlone), (outcomes.Single().Field, outcomes.Single().Outcome));
        Assert.Equal("Viewer", _f.Scalar("SELECT string_agg(name, ',') FROM discovered_installations WHERE computer_id = 'C000001'"));
    }

    [Fact]
    public async Task An_older_run_is_undone_only_where_no_later_one_touched_the_CI()
    {
        Fill();
        await _f.RunWellAsync();
        _f.Source.Replace("d1", d => d with { Name = "NEW-1" });
        _f.Source.Replace("d2", d => d with { Name = "NEW-2" });
        var older = await _f.RunWellAsync();
        _f.Source.Replace("d2", d => d with { IpAddress = "10.9.9.9" });
        var newer = await _f.RunWellAsync();

        var (_, outcomes) = Undo(older.Id);

        Assert.Equal(["PC-1", "NEW-2"], _f.Rows("SELECT name FROM computers ORDER BY id"));
        Assert.Equal([("C000001", UndoOutcome.Restored, null), ("C000002", UndoOutcome.LeftAlone, $"Run {newer.Id} changed it later; take that back first.")],
            outcomes.OrderBy(o => o.RecordId).Select(o => (o.RecordId, o.Outcome, o.Reason)));
    }

    [Fact]
    public async Task A_run_of_which_nothing_can_be_taken_back_stays_to_be_undone()
    {
        Fill();
        await _f.RunWellAsync();
        _f.Source.Replace("d1", d => d with { Name = "NEW-1" });
        var older = await _f.RunWellAsync();
        _f.Source.Replace("d1", d => d with { Name = "NEWER" });
        var newer = await _f.RunWellAsync();

        Assert.All(Undo(older.Id).Outcomes, o => Assert.Equal(UndoOutcome.LeftAlone, o.Outcome));
        Undo(newer.Id);
        Undo(older.Id);

        Assert.Equal("PC-1", _f.Scalar("SELECT name FROM computers WHERE id = 'C000001'"));
    }

    [Fact]
    public async Task A_takeover_is_taken_back_with_the_former_link()
    {
        _f.Source.Add(SyncFixture.Device("old", "PC-1", "SN-1"), SyncFixture.Snapshot("a1", software: ("Editor", "1.0")));
        for (var i = 10; i < 20; i++)
            _f.Source.Add(SyncFixture.Device($"d{i}", $"PC-{i}", $"SN-{i}"), SyncFixture.Snapshot($"a{i}"));
        await _f.RunWellAsync();
        _f.Source.Devices.RemoveAll(d => d.Id == "old");
        await _f.RunAsync();
        var before = UndoLawTests.Former(_f);
        _f.Source.Add(SyncFixture.Device("new", "PC-1", "SN-1"), SyncFixture.Snapshot("a2", software: ("Viewer", "2.0")));
        var run = await _f.RunWellAsync();
        Assert.Equal("old|Closed,new|Live", string.Join(',', _f.Rows("SELECT device_id, state FROM sync_links WHERE device_id IN ('old', 'new') ORDER BY device_id DESC")));

        var (_, outcomes) = Undo(run.Id);

        Assert.Equal(before, UndoLawTests.Former(_f));
        Assert.Equal(["Closed (TakenOver) Missing", "Live "], outcomes.Where(o => o.Field == "link").Select(o => $"{o.OldValue} {o.NewValue}").Order());
        UndoLawTests.CheckBooks(_f);
    }

    [Fact]
    public async Task Conflicts_that_the_run_resolved_are_open_again()
    {
        _f.Source.Add(SyncFixture.Device("d1", "PC-1", "SN-1"), SyncFixture.Snapshot("a1"));
        _f.Source.Add(SyncFixture.Device("d2", "PC-1", "SN-1"), SyncFixture.Snapshot("a2"));
        await _f.RunAsync();
        Assert.Equal("d2|Open", _f.Rows("SELECT device_id, state FROM sync_conflicts").Single());
        _f.Source.Replace("d2", d => d with { Name = "PC-2", SerialNumber = "SN-2", LastSeen = FakeSource.T(9) });
        var run = await _f.RunWellAsync();
        Assert.Equal("d2|Created", _f.Rows("SELECT device_id, state FROM sync_conflicts").Single());

        Undo(run.Id);

        Assert.Equal("d2|Open", _f.Rows("SELECT device_id, state FROM sync_conflicts").Single());
    }

    [Fact]
    public async Task A_deletion_in_AlloyScan_is_reported_as_not_to_be_undone()
    {
        using var f = new SyncFixture(j => j with { RetiredOriginal = RetiredOriginal.Delete });
        f.Source.Add(SyncFixture.Device("d1", "PC-1", "SN-1"), SyncFixture.Snapshot("a1"));
        f.Source.Add(SyncFixture.Device("d2", "PC-2", "SN-2"), SyncFixture.Snapshot("a2"));
        await f.RunWellAsync();
        f.Store.Cmdb.Update(RecordClass.Computer, "C000001", new Dictionary<string, string?> { ["status"] = "Retired" });
        var run = await f.RunWellAsync();
        Assert.Equal(["d1"], f.Source.Deleted);

        var outcomes = new List<UndoneChange>();
        var undo = f.Store.Undo.Undo(run.Id, false, outcomes.Add, default);

        Assert.Equal("The device was deleted in AlloyScan, which cannot be taken back.", outcomes.Single().Reason);
        Assert.Null(f.Store.Runs.Get(run.Id).UndoneBy);
        Assert.Equal(SyncRunStatus.PartiallySucceeded, undo.Status);
    }

    [Fact]
    public async Task The_job_is_disabled_and_other_readers_of_runs_see_syncs_only()
    {
        Fill();
        _f.Job = _f.Store.Jobs.Update(_f.Job with { Enabled = true });
        await _f.RunWellAsync();
        _f.Source.Replace("d1", d => d with { Name = "NEW-1" });
        var run = await _f.RunWellAsync();

        var (undo, _) = Undo(run.Id);

        var job = _f.Store.Jobs.Get("HQ");
        Assert.False(job.Enabled);
        Assert.Equal(run.Status.ToString(), job.LastRunStatus);
        Assert.Equal((SyncRunKind.Undo, false, (long?)run.Id), (undo.Kind, undo.Complete, undo.Undoes));
        Assert.Equal(undo.Id, _f.Store.Runs.Get(run.Id).UndoneBy);
        Assert.Equal("0", _f.Scalar($"SELECT reached_end FROM runs WHERE id = {undo.Id}"));
    }

    [Fact]
    public async Task What_cannot_be_undone_is_refused_by_id()
    {
        Fill();
        Assert.Equal("NothingToUndo", IdOf(() => _f.Store.Undo.Newest("HQ")));
        Assert.Equal("JobNotFound", IdOf(() => _f.Store.Undo.Newest("None")));
        var run = await _f.RunWellAsync();
        var idle = await _f.RunWellAsync();
        Assert.Equal("RunNotFound", IdOf(() => Undo(99)));
        Assert.Equal(idle.Id, _f.Store.Undo.Newest("hq").Id);
        var nothing = Assert.Throws<AlloyScanException>(() => { Undo(idle.Id); });
        Assert.Equal(("NothingToUndo", $"The newest run before it that changed something is {run.Id}: Undo-AlloyScanSync -RunId {run.Id}."), (nothing.ErrorId, nothing.Advice));
        using (var session = _f.Store.NewSession())
        {
            var lease = Lease.Acquire(session, 1, "HQ");
            Assert.Equal("JobRunning", IdOf(() => Undo(run.Id)));
            lease.Release();
        }

        var (undo, _) = Undo(run.Id);
        Assert.Equal("RunUndone", IdOf(() => Undo(run.Id)));
        Assert.Equal("RunIsUndo", IdOf(() => Undo(undo.Id)));
    }

    [Fact]
    public async Task An_undo_that_was_stopped_is_finished_by_the_next()
    {
        for (var i = 0; i < 600; i++)
            _f.Source.Add(SyncFixture.Device($"d{i:000}", $"PC-{i}", $"SN-{i}"), SyncFixture.Snapshot($"a{i}"));
        var run = await _f.RunWellAsync();
        _f.Store.Cmdb.Update(RecordClass.Computer, "C000600", new Dictionary<string, string?> { ["name"] = "Mine" });
        using var stop = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => { _f.Store.Undo.Undo(run.Id, false, _ => stop.Cancel(), stop.Token); });
        var left = int.Parse(_f.Scalar("SELECT count(*) FROM records")!, System.Globalization.CultureInfo.InvariantCulture);
        Assert.InRange(left, 2, 599);
        Assert.Null(_f.Store.Runs.Get(run.Id).UndoneBy);
        // As if the process had died: the row still says that it runs.
        _f.Sql("UPDATE runs SET status = 'Running', ended_at = NULL WHERE kind = 'Undo'");

        var (_, outcomes) = Undo(run.Id);

        Assert.Equal(left - 1, outcomes.Count);
        Assert.All(outcomes, o => Assert.Equal(UndoOutcome.Removed, o.Outcome));
        Assert.Equal("1", _f.Scalar("SELECT count(*) FROM records"));
        Assert.NotNull(_f.Store.Runs.Get(run.Id).UndoneBy);
        Assert.Equal(["Failed", "PartiallySucceeded"], _f.Rows("SELECT CASE id WHEN (SELECT max(id) FROM runs) THEN 'PartiallySucceeded' ELSE status END FROM runs WHERE kind = 'Undo' ORDER BY id"));
        UndoLawTests.CheckBooks(_f);
    }

    [Fact]
    public async Task A_custom_field_is_taken_back_like_any_other()
    {
        _f.Store.Fields.Create(RecordClass.Computer, "cost_center", FieldType.Number);
        foreach (var action in _f.Store.ServiceActions.List().Where(a => a.Class == RecordClass.Computer).ToList())
            _f.Store.ServiceActions.Update(action with { Mappings = [.. action.Mappings, FieldMapping.Parse("cost_center = custom.Cost")] });
        _f.Source.Add(SyncFixture.Device("d1", "PC-1", "SN-1"), SyncFixture.Snapshot("a1") with { Custom = new Dictionary<string, string?> { ["Cost"] = "100" } });
        await _f.RunWellAsync();
        var before = UndoLawTests.Former(_f);
        Assert.Contains("100", _f.Scalar("SELECT custom FROM computers"), StringComparison.Ordinal);
        _f.Source.Audit("d1", s => s with { Custom = new Dictionary<string, string?> { ["Cost"] = "200" } });
        var run = await _f.RunWellAsync();
        Assert.Contains("200", _f.Scalar("SELECT custom FROM computers"), StringComparison.Ordinal);

        var (_, outcomes) = Undo(run.Id);

        Assert.Equal(("cost_center", "200", "100"), (outcomes.Single().Field, outcomes.Single().OldValue, outcomes.Single().NewValue));
        Assert.Equal(before, UndoLawTests.Former(_f));
    }

    [Fact]
    public async Task A_journal_of_an_older_version_is_taken_back_as_far_as_it_goes()
    {
        Fill();
        await _f.RunWellAsync();
        _f.Source.Replace("d1", d => d with { Name = "NEW-1" });
        _f.Source.Audit("d2", s => s with { Software = [] });
        _f.Source.Audit("d2", s => s with { Software = [new InstalledSoftware("Viewer", "2.0", "Vendor", null, null, null)] });
        var run = await _f.RunWellAsync();
        _f.Sql("UPDATE changes SET link = NULL, detail = NULL");

        var (_, outcomes) = Undo(run.Id);

        Assert.Equal(["name Restored", "software LeftAlone"], outcomes.Select(o => $"{o.Field} {o.Outcome}").Order());
        Assert.Equal("PC-1", _f.Scalar("SELECT name FROM computers WHERE id = 'C000001'"));
    }

    [Fact]
    public async Task Numbers_and_keys_of_removed_CIs_are_not_given_again()
    {
        Fill();
        var run = await _f.RunWellAsync();
        Undo(run.Id);
        await _f.RunWellAsync();
        Assert.Equal(["C000003", "C000004"], _f.Rows("SELECT id FROM computers ORDER BY id"));
    }

    private void Fill()
    {
        _f.Source.Add(SyncFixture.Device("d1", "PC-1", "SN-1"), SyncFixture.Snapshot("a1", software: ("Editor", "1.0")));
        _f.Source.Add(SyncFixture.Device("d2", "PC-2", "SN-2"), SyncFixture.Snapshot("a2", software: [("Editor", "1.0"), ("Browser", "7")]));
    }

    private (SyncRun Run, List<UndoneChange> Outcomes) Undo(long runId)
    {
        var outcomes = new List<UndoneChange>();
        return (_f.Store.Undo.Undo(runId, false, outcomes.Add, default), outcomes);
    }

    private static string IdOf(Func<object> work) => Assert.Throws<AlloyScanException>(() => { work(); }).ErrorId;
}
