using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Sync;
using static AlloyScan.Engine.Tests.Sync.SyncFixture;

namespace AlloyScan.Engine.Tests.Sync;

/// <summary>What happens to fields and software of CIs that exist.</summary>
public sealed class MappingTests
{
    [Fact]
    public async Task A_new_computer_has_all_that_list_and_snapshot_say()
    {
        using var fixture = new SyncFixture();
        fixture.Source.Add(
            Device("a", "PC-1", "SN1", "00:1A:2B:3C:4D:5E") with { DnsName = "pc-1.example", AssetTag = "T1" },
            Snapshot("s-a", "4C4C4544-0035-3410-8057-B4C04F4A3232", "Windows", ("Editor", "1.0")));

        await fixture.RunWellAsync();

        Assert.Equal(
            "C000001|PC-1|pc-1.example|SN1|T1|00:1A:2B:3C:4D:5E|10.0.0.1|Dell Inc.|Latitude 5440|4C4C4544-0035-3410-8057-B4C04F4A3232|Windows|OS|1.0|Intel Core i7|17179869184|Mary Miller|Auto-Added|Built-in|site.example/hq|a|s-a|2026-01-05T00:00:00Z|2026-01-05T01:00:00Z|-",
            Assert.Single(fixture.Rows("SELECT id, name, dns_name, serial_number, asset_tag, mac_address, ip_address, manufacturer, model, bios_uuid, os_platform, os_name, os_version, cpu, memory_bytes, user_name, status, target, site, device_id, audit_id, audited_at, last_seen, missing_since FROM computers")));
        Assert.Equal("C000001|Editor|1.0|Vendor|2026-01-01|Built-in", Assert.Single(fixture.Rows("SELECT computer_id, name, version, publisher, install_date, target FROM discovered_installations")));
        Assert.Equal("Editor|1.0|Vendor|1", Assert.Single(fixture.Rows("SELECT name, version, publisher, installations FROM software_products")));
        Assert.Equal("Create|C000001|-|-|PC-1", Assert.Single(fixture.Rows("SELECT action, record_id, field, old_value, new_value FROM sync_changes")));
    }

    [Theory]
    [InlineData(null, null, "10.0.0.9", null, "10.0.0.9")]
    [InlineData(" ", "host.example", "10.0.0.9", "SN", "host.example")]
    [InlineData(null, null, null, "SN", "SN")]
    [InlineData(null, null, null, null, "a")]
    public async Task A_device_without_name_is_called_by_what_it_has(string? name, string? dns, string? ip, string? serial, string expected)
    {
        using var fixture = new SyncFixture();
        fixture.Source.Add(new Device { Id = "a", Name = name, DnsName = dns, IpAddress = ip, SerialNumber = serial });

        await fixture.RunWellAsync();

        Assert.Equal(expected, fixture.Scalar("SELECT name FROM hardware"));
    }

    [Fact]
    public async Task Measured_fields_follow_the_audit_and_edited_ones_stay()
    {
        using var fixture = new SyncFixture();
        fixture.Source.Add(Device("a", "PC-1") with { AssetTag = "T1" }, Snapshot("s-a"));
        await fixture.RunWellAsync();
        fixture.Store.Cmdb.Update(RecordClass.Computer, "C000001", new Dictionary<string, string?> { ["name"] = "Typed", ["asset_tag"] = "Typed tag", ["status"] = "In use" });

        fixture.Source.Replace("a", d => d with { AssetTag = "T2" });
        fixture.Source.Audit("a", s => s with { User = s.User! with { DisplayName = "New User" } });
        var run = await fixture.RunWellAsync();

        Assert.Equal("PC-1|Typed tag|New User|In use", Assert.Single(fixture.Rows("SELECT name, asset_tag, user_name, status FROM computers")));
        Assert.Equal(1, run.Updated);
        Assert.Equal(["name|Typed|PC-1", "user_name|Mary Miller|New User"], fixture.Rows("SELECT field, old_value, new_value FROM sync_changes WHERE run_id = 2 ORDER BY field"));
    }

    [Fact]
    public async Task A_CI_that_was_changed_in_the_CMDB_is_noticed_without_a_call_for_details()
    {
        using var fixture = new SyncFixture();
        fixture.Source.Add(Device("a", "PC-1"), Snapshot("s-a"));
        await fixture.RunWellAsync();
        // By SQL, past our own commands.
        fixture.Sql("UPDATE records SET model = 'Wrong'");

        var run = await fixture.RunWellAsync();

        Assert.Equal(1, run.Updated);
        Assert.Equal("Latitude 5440", fixture.Scalar("SELECT model FROM computers"));
        Assert.Equal("list", Assert.Single(fixture.Source.Log));
        Assert.Equal(0, (await fixture.RunWellAsync()).Updated);
    }

    [Fact]
    public async Task An_absent_value_blanks_nothing()
    {
        using var fixture = new SyncFixture();
        fixture.Source.Add(Device("a", "PC-1", "SN1") with { AssetTag = "T1" }, Snapshot("s-a"));
        await fixture.RunWellAsync();

        fixture.Source.Replace("a", d => d with { AssetTag = null, SerialNumber = " ", IpAddress = "" });
        fixture.Source.Audit("a", s => s with { Hardware = null, User = null });
        await fixture.RunWellAsync();

        Assert.Equal("SN1|T1|10.0.0.1|Dell Inc.|Mary Miller", Assert.Single(fixture.Rows("SELECT serial_number, asset_tag, ip_address, manufacturer, user_name FROM computers")));
    }

    [Fact]
    public async Task A_list_field_that_changed_alone_costs_no_further_call()
    {
        using var fixture = new SyncFixture();
        fixture.Source.Add(Device("a", "PC-1"), Snapshot("s-a"));
        await fixture.RunWellAsync();

        fixture.Source.Replace("a", d => d with { Name = "PC-2" });
        var run = await fixture.RunWellAsync();

        Assert.Equal(("PC-2", 1, 1L), (fixture.Scalar("SELECT name FROM computers"), run.Updated, run.ApiCalls));
    }

    [Fact]
    public async Task A_device_that_was_seen_again_without_a_new_audit_costs_one_call()
    {
        using var fixture = new SyncFixture();
        fixture.Source.Add(Device("a", "PC-1"), Snapshot("s-a"));
        await fixture.RunWellAsync();
        var updatedAt = fixture.Scalar("SELECT updated_at FROM records");

        fixture.Source.Replace("a", d => d with { LastSeen = FakeSource.T(9) });
        var run = await fixture.RunWellAsync();

        Assert.Equal(["list", "device a"], fixture.Source.Log);
        Assert.Equal((0, 1), (run.Updated, run.Unchanged));
        Assert.Equal("2026-01-05T09:00:00Z", fixture.Scalar("SELECT last_seen FROM computers"));
        Assert.Equal(updatedAt, fixture.Scalar("SELECT updated_at FROM records"));
        Assert.Equal("0", fixture.Scalar("SELECT count(*) FROM sync_changes WHERE run_id = 2"));
    }

    [Fact]
    public async Task Software_is_replaced_as_a_set()
    {
        using var fixture = new SyncFixture();
        fixture.Source.Add(Device("a", "PC-1"), Snapshot("s-a", null, "Windows", ("Editor", "1.0"), ("Browser", "9"), ("browser ", "9"), ("", "1")));
        fixture.Source.Add(Device("b", "PC-2"), Snapshot("s-b", null, "Windows", ("Editor", "1.0")));
        var first = await fixture.RunWellAsync();
        Assert.Equal((3, 2), (first.InstallationsAdded, first.ProductsAdded));

        fixture.Source.Audit("a", s => s with { Software = [new("EDITOR", "1.0", "vendor", "2026-01-01", null, null), new("Mail", "3", "Vendor", null, "KEY", "SER")] });
        var run = await fixture.RunWellAsync();

        Assert.Equal((1, 1, 1, 1, 0), (run.InstallationsAdded, run.InstallationsRemoved, run.ProductsAdded, run.ProductsRemoved, run.Updated));
        Assert.Equal(["C000001|Editor", "C000001|Mail", "C000002|Editor"], fixture.Rows("SELECT computer_id, name FROM discovered_installations ORDER BY 1, 2"));
        Assert.Equal(["Editor|2", "Mail|1"], fixture.Rows("SELECT name, installations FROM software_products ORDER BY 1"));
        Assert.Equal(["InstallationAdded|-|Mail 3", "InstallationRemoved|Browser 9|-"], fixture.Rows("SELECT action, old_value, new_value FROM sync_changes WHERE run_id = 2 ORDER BY 1"));
    }

    [Fact]
    public async Task Software_in_another_order_or_case_changes_nothing()
    {
        using var fixture = new SyncFixture();
        fixture.Source.Add(Device("a", "PC-1"), Snapshot("s-a", null, "Windows", ("Editor", "1.0"), ("Browser", "9")));
        await fixture.RunWellAsync();

        fixture.Source.Audit("a", s => s with { Software = [new(" BROWSER", "9", "VENDOR", "2026-01-01", null, null), new("editor", "1.0", "vendor ", "2026-01-01", null, null)] });
        var run = await fixture.RunWellAsync();

        Assert.Empty(fixture.Heard.Changes);
        Assert.Equal((0, 0, 1), (run.InstallationsAdded, run.InstallationsRemoved, run.Unchanged));
    }

    [Fact]
    public async Task Absent_software_leaves_the_installations_and_an_empty_list_needs_a_second_audit()
    {
        using var fixture = new SyncFixture();
        fixture.Source.Add(Device("a", "PC-1"), Snapshot("s-a", null, "Windows", ("Editor", "1.0")));
        await fixture.RunWellAsync();

        fixture.Source.Audit("a", s => s with { Software = null });
        await fixture.RunWellAsync();
        Assert.Equal("1", fixture.Scalar("SELECT count(*) FROM discovered_installations"));

        fixture.Source.Audit("a", s => s with { Software = [] });
        await fixture.RunWellAsync();
        Assert.Equal("1", fixture.Scalar("SELECT count(*) FROM discovered_installations"));

        fixture.Source.Audit("a", s => s with { Software = [] });
        var run = await fixture.RunWellAsync();
        Assert.Equal(("0", 1), (fixture.Scalar("SELECT count(*) FROM discovered_installations"), run.InstallationsRemoved));
        Assert.Equal("0", fixture.Scalar("SELECT count(*) FROM software_products"));
    }

    [Fact]
    public async Task The_platform_choice_decides_whose_software_is_imported()
    {
        using var fixture = new SyncFixture(job => job with { ImportSoftware = SoftwarePlatforms.Linux });
        fixture.Source.Add(Device("a", "PC-1"), Snapshot("s-a", null, "Windows", ("Editor", "1.0")));
        fixture.Source.Add(Device("b", "PC-2"), Snapshot("s-b", null, "Linux", ("Shell", "5")));
        await fixture.RunWellAsync();
        Assert.Equal("Shell", Assert.Single(fixture.Rows("SELECT name FROM discovered_installations")));

        // Widened: the snapshots that were not kept are read, though nothing moved.
        fixture.Job = fixture.Store.Jobs.Update(fixture.Job with { ImportSoftware = SoftwarePlatforms.All });
        var wider = await fixture.RunWellAsync();
        Assert.Equal((1, 0), (wider.InstallationsAdded, wider.Updated));
        Assert.Equal(["device a", "list", "snapshot s-a"], fixture.Source.Log.Order());

        // Narrowed: what it excludes goes, without a call.
        fixture.Job = fixture.Store.Jobs.Update(fixture.Job with { ImportSoftware = SoftwarePlatforms.Windows });
        Assert.Equal(1, (await fixture.RunWellAsync()).InstallationsRemoved);
        Assert.Equal("Editor", Assert.Single(fixture.Rows("SELECT name FROM discovered_installations")));
        Assert.Equal("list", Assert.Single(fixture.Source.Log));

        // None: nothing is touched.
        fixture.Job = fixture.Store.Jobs.Update(fixture.Job with { ImportSoftware = SoftwarePlatforms.None });
        Assert.Equal(0, (await fixture.RunWellAsync()).InstallationsRemoved);
        Assert.Equal("1", fixture.Scalar("SELECT count(*) FROM discovered_installations"));
    }

    [Fact]
    public async Task Full_reads_every_device_and_snapshot_and_still_writes_nothing_when_all_is_right()
    {
        using var fixture = new SyncFixture();
        new RandomFleet(5).Fill(fixture.Source, 20);
        await fixture.RunWellAsync();
        var before = fixture.Dump();

        var run = await fixture.RunAsync(full: true);

        Assert.Equal(before, fixture.Dump());
        Assert.Equal(0, run.Updated + run.Created + run.InstallationsAdded + run.InstallationsRemoved);
        Assert.Equal(fixture.Source.Devices.Count(d => d.AuditId is not null && d.Type != "aws-s3-bucket"), fixture.Source.LogOf("snapshot").Count());
    }

    [Theory]
    [InlineData("name's \"quote\"; DROP TABLE records; --")]
    [InlineData("\u0645\u0631\u062D\u0628\u0627 \U0001F600")]
    [InlineData("tab\tand\u0001control")]
    public async Task Names_of_any_kind_are_kept_as_they_are(string name)
    {
        using var fixture = new SyncFixture();
        fixture.Source.Add(Device("a", name, new string('x', 10_000)), Snapshot("s-a", null, "Windows", (name, name)));

        await fixture.RunWellAsync();

        Assert.Equal(name.Trim(), fixture.Store.Cmdb.Computers().Single().Name);
        Assert.Equal(name.Trim(), fixture.Store.Cmdb.Installations().Single().Name);
        Assert.Equal(0, (await fixture.RunWellAsync()).Updated);
    }
}
