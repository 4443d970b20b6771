using AlloyScan.Engine.Sync;
using static AlloyScan.Engine.Tests.Sync.SyncFixture;

namespace AlloyScan.Engine.Tests.Sync;

/// <summary>Saved plans and the choice of rows from them.</summary>
public sealed class PlanTests
{
    private static async Task<(SyncFixture Fixture, long Plan, List<SyncChange> Rows)> PlannedAsync()
    {
        var fixture = new SyncFixture();
        for (var i = 0; i < 30; i++)
            fixture.Source.Add(Device($"d{i:00}", "PC-" + i, "SN" + i), Snapshot("s" + i));
        await fixture.RunWellAsync();
        fixture.Source.Replace("d00", d => d with { Name = "RENAMED" });
        fixture.Source.Audit("d01", s => s with { Hardware = s.Hardware! with { MemoryBytes = 1 } });
        fixture.Source.Devices.RemoveAll(d => d.Id == "d02");
        fixture.Source.Add(Device("n1", "NEW-1", "NSN1"), Snapshot("ns1"));
        fixture.Source.Add(Device("n2", "NEW-2", "NSN2"), Snapshot("ns2"));
        var plan = await fixture.RunAsync(SyncMode.SavePlan);
        return (fixture, plan.PlanId!.Value, fixture.Heard.Changes);
    }

    [Fact]
    public async Task Exactly_the_chosen_rows_are_applied()
    {
        var (fixture, plan, rows) = await PlannedAsync();
        using var _ = fixture;
        Assert.Equal(5, rows.Count);

        var run = await fixture.RunAsync(selection: new PlanSelection(plan, [.. rows.Where(r => r.Action == ChangeAction.Create).Select(r => r.Row)]));

        Assert.Equal((SyncRunStatus.Succeeded, 2, 0, 0), (run.Status, run.Created, run.Updated, run.Missing));
        Assert.Equal("32", fixture.Scalar("SELECT count(*) FROM computers"));
        Assert.Equal("PC-0", fixture.Scalar("SELECT name FROM computers WHERE device_id = 'd00'"));

        // Applying them again finds them linked.
        var again = await fixture.RunAsync(selection: new PlanSelection(plan, [.. rows.Where(r => r.Action == ChangeAction.Create).Select(r => r.Row)]));
        Assert.Equal((0, 2), (again.Created, again.Skipped));
        Assert.Equal("32", fixture.Scalar("SELECT count(*) FROM computers"));
    }

    [Fact]
    public async Task A_row_whose_CI_or_device_moved_is_skipped_with_the_reason()
    {
        var (fixture, plan, _) = await PlannedAsync();
        using var __ = fixture;
        fixture.Sql("UPDATE records SET model = 'By hand' WHERE name = 'PC-0'");
        fixture.Source.Replace("d01", d => d with { LastSeen = FakeSource.T(90) });
        fixture.Source.Devices.RemoveAll(d => d.Id == "n1");
        fixture.Source.Add(Device("d02", "PC-2", "SN2"));

        var run = await fixture.RunAsync(selection: new PlanSelection(plan, []));

        Assert.Equal((1, 0, 0, 4), (run.Created, run.Updated, run.Missing, run.Skipped));
        Assert.Contains(fixture.Heard.Warnings, w => w.Contains("its CI has changed", StringComparison.Ordinal));
        Assert.Contains(fixture.Heard.Warnings, w => w.Contains("seen the device again", StringComparison.Ordinal));
        Assert.Contains(fixture.Heard.Warnings, w => w.Contains("gone from the site", StringComparison.Ordinal));
        Assert.Contains(fixture.Heard.Warnings, w => w.Contains("there again", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Plans_of_other_jobs_other_settings_and_none_are_refused()
    {
        var (fixture, plan, _) = await PlannedAsync();
        using var __ = fixture;
        var own = fixture.Job;

        Assert.Equal("PlanNotFound", (await Assert.ThrowsAsync<AlloyScanException>(() => fixture.RunAsync(selection: new PlanSelection(999, [])))).ErrorId);
        Assert.Equal("PlanRowNotFound", (await Assert.ThrowsAsync<AlloyScanException>(() => fixture.RunAsync(selection: new PlanSelection(plan, [777])))).ErrorId);

        fixture.Job = fixture.Store.Jobs.Create(own with { Id = 0, Name = "Other" });
        Assert.Equal("PlanOfOtherJob", (await Assert.ThrowsAsync<AlloyScanException>(() => fixture.RunAsync(selection: new PlanSelection(plan, [])))).ErrorId);

        fixture.Job = fixture.Store.Jobs.Update(own with { ImportSoftware = AlloyScan.Engine.Inventory.SoftwarePlatforms.None });
        Assert.Equal("PlanOutdated", (await Assert.ThrowsAsync<AlloyScanException>(() => fixture.RunAsync(selection: new PlanSelection(plan, [])))).ErrorId);
        Assert.Equal(fixture.Job.Name, fixture.Store.Jobs.OfPlan(plan).Name);
    }
}
