using AlloyScan.Engine.Cmdb;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Sync;
using static AlloyScan.Engine.Tests.Sync.SyncFixture;

namespace AlloyScan.Engine.Tests.Sync;

/// <summary>Tracked software groups, platform choice, and lists that say the same in another way.</summary>
public sealed class SoftwareTests
{
    private const string Installed = "SELECT computer_id, name, version FROM discovered_installations ORDER BY 1, 2, 3";

    /// <summary>Three computers: all have an editor, the second a game, the third a scanner.</summary>
    private static SyncFixture Office()
    {
        var fixture = new SyncFixture();
        fixture.Source.Add(Device("d0", "PC-0", "SN0"), Snapshot("s0", null, "Windows", ("Editor", "1")));
        fixture.Source.Add(Device("d1", "PC-1", "SN1"), Snapshot("s1", null, "Windows", ("Editor", "1"), ("Game", "2")));
        fixture.Source.Add(Device("d2", "PC-2", "SN2"), Snapshot("s2", null, "Linux", ("Editor", "1"), ("Scanner", "3")));
        fixture.Source.Classify("game ", "2", "Forbidden");
        fixture.Source.Classify("SCANNER", "3", "Required");
        return fixture;
    }

    private static void Track(SyncFixture fixture, string group, bool tracked) => fixture.Store.SoftwareGroups.Set("site.example/hq", [group], tracked);

    private static IEnumerable<string> Calls(SyncFixture fixture) => fixture.Source.Log.Where(l => l != "list").Order(StringComparer.Ordinal);

    [Fact]
    public async Task With_all_groups_tracked_the_catalog_is_not_read()
    {
        using var fixture = Office();
        await fixture.RunWellAsync();

        Assert.Empty(fixture.Source.LogOf("software"));
        Assert.Equal(5, fixture.Rows(Installed).Count);
        Assert.All(fixture.Store.SoftwareGroups.List(), c => Assert.True(c.Tracked));
    }

    [Fact]
    public async Task Narrowing_removes_what_is_not_tracked_without_reading_a_snapshot_and_widening_reads_only_what_it_needs()
    {
        using var fixture = Office();
        await fixture.RunWellAsync();
        Track(fixture, "Forbidden", false);

        await fixture.RunAsync(SyncMode.WhatIf);
        var planned = Assert.Single(fixture.Heard.Changes);
        Assert.Equal(("d1", 0, 1), (planned.DeviceId, planned.SoftwareAdded, planned.SoftwareRemoved));
        Assert.Equal(5, fixture.Rows(Installed).Count);

        var narrowed = await fixture.RunWellAsync();
        Assert.Equal((0, 1, 1, 0), (narrowed.InstallationsAdded, narrowed.InstallationsRemoved, narrowed.ProductsRemoved, narrowed.Updated));
        Assert.Equal(["software Forbidden", "software Required"], Calls(fixture));
        Assert.Equal(["C000001|Editor|1", "C000002|Editor|1", "C000003|Editor|1", "C000003|Scanner|3"], fixture.Rows(Installed));
        Assert.Equal(["Editor|Regular", "Scanner|Required"], fixture.Rows("SELECT name, software_group FROM software_products ORDER BY 1"));

        var calm = await fixture.RunWellAsync();
        Assert.Equal((3, 0), (calm.Unchanged, calm.InstallationsRemoved));
        Assert.Empty(fixture.Heard.Changes);

        Track(fixture, "Forbidden", true);
        var widened = await fixture.RunWellAsync();
        Assert.Equal((1, 0), (widened.InstallationsAdded, widened.InstallationsRemoved));
        Assert.Equal(["device d1", "snapshot s1"], Calls(fixture));
        Assert.Equal(5, fixture.Rows(Installed).Count);
    }

    [Fact]
    public async Task A_product_that_the_site_regroups_is_planned_again()
    {
        using var fixture = Office();
        Track(fixture, "Forbidden", false);
        await fixture.RunWellAsync();
        Assert.DoesNotContain("C000002|Game|2", fixture.Rows(Installed));

        fixture.Source.Classify("game ", "2", "Regular");
        await fixture.RunWellAsync();
        Assert.Equal(["device d1", "snapshot s1", "software Forbidden", "software Required"], Calls(fixture));
        Assert.Contains("C000002|Game|2", fixture.Rows(Installed));

        fixture.Source.Classify("Editor", "1", "Forbidden");
        var run = await fixture.RunWellAsync();
        Assert.Equal(3, run.InstallationsRemoved);
        Assert.Equal(["software Forbidden", "software Required"], Calls(fixture));
        Assert.Equal(["C000002|Game|2", "C000003|Scanner|3"], fixture.Rows(Installed));
    }

    [Fact]
    public async Task Without_the_regular_group_only_classified_products_are_imported()
    {
        using var fixture = Office();
        Track(fixture, "Regular", false);
        await fixture.RunWellAsync();
        Assert.Equal(["C000002|Game|2", "C000003|Scanner|3"], fixture.Rows(Installed));

        // A product that comes into the catalog as a regular one changes nothing that is imported, so nothing is planned again.
        fixture.Source.Classify("Another", "9", "Regular");
        await fixture.RunWellAsync();
        Assert.Equal(["software Forbidden", "software Required"], Calls(fixture));

        fixture.Source.Classify("Editor", "1", "Required");
        Assert.Equal(3, (await fixture.RunWellAsync()).InstallationsAdded);
    }

    [Fact]
    public async Task A_catalog_without_any_tracked_product_removes_nothing()
    {
        using var fixture = Office();
        Track(fixture, "Regular", false);
        await fixture.RunWellAsync();
        fixture.Source.Catalog.Clear();
        var before = fixture.Dump();

        var run = await fixture.RunAsync();

        Assert.Equal((SyncRunStatus.Failed, "SoftwareCatalogEmpty"), (run.Status, run.ErrorId));
        Assert.Equal(before, fixture.Dump());
    }

    [Fact]
    public async Task A_catalog_that_cannot_be_read_ends_the_run_and_changes_nothing()
    {
        using var fixture = Office();
        await fixture.RunWellAsync();
        Track(fixture, "Forbidden", false);
        fixture.Source.Before = call =>
        {
            if (call.StartsWith("software", StringComparison.Ordinal))
                throw new AlloyScanException(ErrorKind.PermissionDenied, "Forbidden", "The registration may not read the catalog.");
        };
        var before = fixture.Dump();

        Assert.Equal(SyncRunStatus.Failed, (await fixture.RunAsync()).Status);
        Assert.Equal(before, fixture.Dump());
    }

    [Fact]
    public async Task A_saved_plan_is_outdated_when_the_site_regroups_a_product()
    {
        using var fixture = Office();
        Track(fixture, "Forbidden", false);
        var first = await fixture.RunAsync(SyncMode.SavePlan);
        Assert.Equal(3, (await fixture.RunAsync(selection: new PlanSelection(first.PlanId!.Value, []))).Created);
        Assert.Equal(["C000001|Editor|1", "C000002|Editor|1", "C000003|Editor|1", "C000003|Scanner|3"], fixture.Rows(Installed));

        fixture.Source.Classify("Editor", "1", "Forbidden");
        var second = await fixture.RunAsync(SyncMode.SavePlan);
        fixture.Source.Classify("Editor", "1", "Regular");
        var run = await fixture.RunAsync(selection: new PlanSelection(second.PlanId!.Value, []));
        Assert.Equal((SyncRunStatus.Failed, "PlanOutdated"), (run.Status, run.ErrorId));
    }

    [Fact]
    public void The_last_tracked_group_of_a_site_stays()
    {
        using var fixture = Office();
        Track(fixture, "Forbidden", false);
        Track(fixture, "required", false);
        Assert.Equal("NoSoftwareGroupLeft", Assert.Throws<AlloyScanException>(() => Track(fixture, "Regular", false)).ErrorId);
        Assert.Equal("SoftwareGroupNotFound", Assert.Throws<AlloyScanException>(() => Track(fixture, "Bought", false)).ErrorId);
        Assert.Equal("SiteNotFound", Assert.Throws<AlloyScanException>(() => fixture.Store.SoftwareGroups.Set("nowhere", ["Regular"], false)).ErrorId);
        Assert.Equal(["Required", "Forbidden"], fixture.Store.SoftwareGroups.List().Where(c => !c.Tracked).Select(c => c.SoftwareGroup));
    }

    [Fact]
    public async Task A_platform_that_is_chosen_again_has_its_software_read_again()
    {
        using var fixture = Office();
        await fixture.RunWellAsync();
        fixture.Job = fixture.Store.Jobs.Update(fixture.Job with { ImportSoftware = SoftwarePlatforms.Linux });

        await fixture.RunAsync(SyncMode.WhatIf);
        Assert.Equal([1, 2], fixture.Heard.Changes.Select(c => c.SoftwareRemoved));
        Assert.Equal(3, (await fixture.RunWellAsync()).InstallationsRemoved);
        Assert.Empty(Calls(fixture));
        Assert.Empty((await fixture.RunAsync(SyncMode.WhatIf)) is var calm ? fixture.Heard.Changes : []);

        fixture.Job = fixture.Store.Jobs.Update(fixture.Job with { ImportSoftware = SoftwarePlatforms.All });
        Assert.Equal(3, (await fixture.RunWellAsync()).InstallationsAdded);
        Assert.Equal(["device d0", "device d1", "snapshot s0", "snapshot s1"], Calls(fixture));
    }

    [Fact]
    public async Task With_no_import_nothing_is_touched_and_what_was_missed_is_read_later()
    {
        using var fixture = Office();
        await fixture.RunWellAsync();
        fixture.Job = fixture.Store.Jobs.Update(fixture.Job with { ImportSoftware = SoftwarePlatforms.None });
        fixture.Source.Audit("d0", s => s with { Software = [new InstalledSoftware("Other", "1", "V", null, null, null)] });
        Assert.Equal((0, 0), (await fixture.RunWellAsync()) is var none ? (none.InstallationsAdded, none.InstallationsRemoved) : default);

        fixture.Job = fixture.Store.Jobs.Update(fixture.Job with { ImportSoftware = SoftwarePlatforms.All });
        Assert.Equal((1, 1), (await fixture.RunWellAsync()) is var all ? (all.InstallationsAdded, all.InstallationsRemoved) : default);
        Assert.Equal(["device d0", "snapshot s0+"], Calls(fixture));
    }

    [Fact]
    public async Task An_empty_list_is_believed_when_a_second_audit_says_the_same_and_narrowing_does_not_wait_for_it()
    {
        using var fixture = Office();
        await fixture.RunWellAsync();
        fixture.Source.Audit("d1", s => s with { Software = [] });
        Assert.Equal(0, (await fixture.RunWellAsync()).InstallationsRemoved);
        Assert.Equal(0, (await fixture.RunAsync(full: true)).InstallationsRemoved);

        Track(fixture, "Forbidden", false);
        Assert.Equal(1, (await fixture.RunAsync(full: true)).InstallationsRemoved);
        fixture.Source.Audit("d1", s => s);
        Assert.Equal(1, (await fixture.RunWellAsync()).InstallationsRemoved);
        Assert.DoesNotContain(fixture.Rows(Installed), r => r.StartsWith("C000002", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Rows_without_a_name_are_left_out_and_counted()
    {
        using var fixture = new SyncFixture();
        fixture.Source.Add(Device("d0", "PC-0"), Snapshot("s0", null, "Windows", ("Editor", "1"), (" ", "1"), (null!, "2")));

        var run = await fixture.RunWellAsync();

        Assert.Equal((1, 2), (run.InstallationsAdded, run.NamelessSoftware));
        Assert.Equal(2, fixture.Store.Runs.Get(run.Id).NamelessSoftware);
    }

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 40)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task The_same_software_said_in_another_way_changes_nothing(int seed)
    {
        using var fixture = new SyncFixture();
        var random = new Random(seed);
        string[] names = ["Editor", "Mail  Client", "straße", "Viewer", "Agent"];
        var software = Enumerable.Range(0, 12).Select(_ => new InstalledSoftware(
            names[random.Next(names.Length)], random.Next(3) == 0 ? null : "1." + random.Next(2), random.Next(2) == 0 ? "Vendor" : null,
            random.Next(3) == 0 ? null : $"2026-01-0{random.Next(1, 4)}", random.Next(2) == 0 ? "KEY-" + random.Next(3) : null, random.Next(2) == 0 ? "S-" + random.Next(3) : null)).ToList();
        fixture.Source.Add(Device("d0", "PC-0"), Snapshot("s0") with { Software = software });
        await fixture.RunWellAsync();
        var before = fixture.Rows("SELECT * FROM installations ORDER BY record, product").Concat(fixture.Rows("SELECT * FROM products ORDER BY id")).ToList();

        for (var i = 0; i < 5; i++)
        {
            fixture.Source.Audit("d0", s => s with { Software = [.. software.Concat(Twice()).OrderBy(_ => random.Next()).Select(Otherwise)] });
            var run = await fixture.RunWellAsync();
            Assert.Equal((0, 0, 0, 0), (run.InstallationsAdded, run.InstallationsRemoved, run.ProductsAdded, run.ProductsRemoved));
            Assert.Empty(fixture.Heard.Changes);
            Assert.Equal(before, fixture.Rows("SELECT * FROM installations ORDER BY record, product").Concat(fixture.Rows("SELECT * FROM products ORDER BY id")));
            Assert.Empty(fixture.Rows($"SELECT * FROM changes WHERE run_id = {run.Id}"));
        }

        IEnumerable<InstalledSoftware> Twice() => software.Where(_ => random.Next(2) == 0).ToList();

        InstalledSoftware Otherwise(InstalledSoftware s) => s with
        {
            Name = Respell(s.Name), Version = s.Version is null && random.Next(2) == 0 ? " " : Respell(s.Version), Publisher = Respell(s.Publisher),
            InstallDate = s.InstallDate is null ? null : s.InstallDate + " ", InstallKey = s.InstallKey ?? "",
        };

        string? Respell(string? text)
        {
            if (text is null)
                return null;

            text = random.Next(3) switch { 0 => text.ToUpperInvariant(), 1 => text.ToLowerInvariant(), _ => text };
            return (random.Next(2) == 0 ? " " : "") + text.Replace(" ", random.Next(2) == 0 ? " \t " : " ", StringComparison.Ordinal) + (random.Next(2) == 0 ? "  " : "");
        }
    }

    [Fact]
    public void What_is_left_out_is_remembered_in_order_and_once()
    {
        Assert.Equal("00000001000000FF", SoftwareGroups.Pack([255u, 1u, 255u]));
        Assert.Equal([1u, 255u], SoftwareGroups.Unpack("00000001000000FF"));
        Assert.Null(SoftwareGroups.Pack([]));
    }
}
