using AlloyScan.Engine.Sync;
using static AlloyScan.Engine.Tests.Sync.SyncFixture;

namespace AlloyScan.Engine.Tests.Sync;

/// <summary>How unlinked devices are recognised as existing CIs.</summary>
public sealed class IdentificationTests
{
    /// <summary>A CMDB with one hand-made CI (its link removed), and a device to be recognised.</summary>
    private static async Task<SyncFixture> WithUnlinkedCiAsync(string name, string? serial, string? mac, string? uuid, string type = "computer")
    {
        var fixture = new SyncFixture();
        fixture.Source.Add(Device("old", name, serial, mac, type), Snapshot("a-old", uuid));
        await fixture.RunWellAsync();
        fixture.Sql("DELETE FROM links; DELETE FROM link_values; UPDATE records SET asset_tag = 'BY-HAND'");
        fixture.Source.Devices.Clear();
        return fixture;
    }

    [Theory]
    [InlineData("PC-1", "SN1", "Name and serial number match")]
    [InlineData("OTHER", " sn1 ", "Serial number matches")]
    [InlineData("pc-1.corp.example.com", null, "MAC address and name match")]
    [InlineData("OTHER", null, "BIOS UUID matches")]
    public async Task Each_rule_for_computers_recognises_a_CI_without_link(string name, string? serial, string rule)
    {
        using var fixture = await WithUnlinkedCiAsync("PC-1", "SN1", "00:1A:2B:3C:4D:5E", "44454C4C-3500-1034-8057-B4C04F4A3232");
        var mac = rule.StartsWith("MAC", StringComparison.Ordinal) ? "00-1a-2b-3c-4d-5e" : null;
        // The other byte order of the first three groups, in lower case.
        var uuid = rule.StartsWith("BIOS", StringComparison.Ordinal) ? "4c4c4544-0035-3410-8057-b4c04f4a3232" : null;
        fixture.Source.Add(Device("new", name, serial, mac), Snapshot("a-new", uuid));

        var run = await fixture.RunWellAsync();

        Assert.Equal((0, 0), (run.Created, run.Conflicts));
        var change = Assert.Single(fixture.Heard.Changes);
        Assert.Equal(("C000001", rule), (change.RecordId, change.Reason));
        Assert.Equal("new|C000001|Live", Assert.Single(fixture.Rows("SELECT device_id, record_id, state FROM sync_links")));
        // What a person typed is not overwritten by an empty or a new value.
        Assert.Equal("BY-HAND", fixture.Scalar("SELECT asset_tag FROM computers"));
    }

    [Theory]
    [InlineData("SN1", null, "Serial number matches")]
    [InlineData(null, "001A2B3C4D5E", "MAC address matches")]
    public async Task Each_rule_for_hardware_recognises_a_CI_without_link(string? serial, string? mac, string rule)
    {
        using var fixture = await WithUnlinkedCiAsync("PRN-1", "SN1", "00:1A:2B:3C:4D:5E", null, "printer");
        fixture.Source.Add(Device("new", "OTHER", serial, mac, "printer"));

        await fixture.RunWellAsync();

        Assert.Equal(("H000001", rule), (fixture.Heard.Changes.Single().RecordId, fixture.Heard.Changes.Single().Reason));
    }

    [Theory]
    [InlineData("To be filled by O.E.M.")]
    [InlineData("Default string")]
    [InlineData("System Serial Number")]
    [InlineData("0")]
    [InlineData("0000000000")]
    [InlineData("123456789")]
    [InlineData(" ")]
    public async Task A_junk_serial_number_identifies_nothing(string serial)
    {
        using var fixture = new SyncFixture();
        fixture.Source.Add(Device("a", "PC-1", serial), Snapshot("s-a"));
        fixture.Source.Add(Device("b", "PC-2", serial), Snapshot("s-b"));

        var run = await fixture.RunWellAsync();

        Assert.Equal((2, 0), (run.Created, run.Conflicts));
    }

    [Fact]
    public async Task A_serial_number_that_merely_contains_a_junk_text_is_good()
    {
        using var fixture = new SyncFixture();
        fixture.Source.Add(Device("a", "PC-1", "X1.0-DEFAULT STRING-77"), Snapshot("s-a"));
        fixture.Source.Add(Device("b", "PC-2", "X1.0-DEFAULT STRING-77"), Snapshot("s-b"));

        var run = await fixture.RunWellAsync();

        Assert.Equal((1, 1), (run.Created, run.Conflicts));
    }

    [Fact]
    public async Task Of_several_new_devices_of_one_machine_the_first_by_ID_gets_the_CI()
    {
        using var fixture = new SyncFixture();
        fixture.Source.Add(Device("b", "PC-1", "SN1"), Snapshot("s-b"));
        fixture.Source.Add(Device("a", "PC-1", "SN1"), Snapshot("s-a"));

        await fixture.RunWellAsync();

        Assert.Equal("a", fixture.Scalar("SELECT device_id FROM computers"));
        Assert.Equal("b|Name and serial number match on C000001, which belongs to the live device a|C000001|Open", Assert.Single(fixture.Rows("SELECT device_id, reason, candidates, state FROM sync_conflicts")));
    }

    [Fact]
    public async Task A_value_that_more_than_three_devices_carry_identifies_none()
    {
        using var fixture = new SyncFixture();
        for (var i = 0; i < 5; i++)
            fixture.Source.Add(Device("d" + i, "CLONE-" + i), Snapshot("s" + i, "4C4C4544-0035-3410-8057-B4C04F4A3232"));

        var run = await fixture.RunWellAsync();

        Assert.Equal((5, 0), (run.Created, run.Conflicts));
    }

    [Fact]
    public async Task Matching_MAC_and_name_with_different_serial_numbers_is_a_conflict()
    {
        using var fixture = await WithUnlinkedCiAsync("PC-1", "SN1", "00:1A:2B:3C:4D:5E", null);
        fixture.Source.Add(Device("new", "PC-1", "SN2", "00:1A:2B:3C:4D:5E"), Snapshot("a-new"));

        var run = await fixture.RunWellAsync();

        Assert.Equal((0, 1), (run.Created, run.Conflicts));
        Assert.Contains("serial numbers differ", fixture.Scalar("SELECT reason FROM sync_conflicts"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task More_than_one_candidate_is_never_a_guess()
    {
        using var fixture = new SyncFixture();
        fixture.Source.Add(Device("a", "PC-1", "SN1"), Snapshot("s-a"));
        fixture.Source.Add(Device("b", "PC-2", "SN2"), Snapshot("s-b"));
        await fixture.RunWellAsync();
        fixture.Sql("DELETE FROM links; DELETE FROM link_values; UPDATE records SET serial_number = 'SN1'; INSERT INTO record_identifiers SELECT 2, 'SN1', id FROM records WHERE id > 0 ON CONFLICT DO NOTHING");
        fixture.Source.Devices.Clear();
        fixture.Source.Add(Device("new", "PC-9", "SN1"), Snapshot("s-new"));
        fixture.Source.Add(Device("new2", "PC-10", "SN10"), Snapshot("s-new2"));

        var run = await fixture.RunWellAsync();

        Assert.Equal((1, 0, 1), (run.Created, run.Updated, run.Conflicts));
        Assert.Equal("C000001, C000002", fixture.Scalar("SELECT candidates FROM sync_conflicts"));
    }

    [Fact]
    public async Task A_reimaged_machine_gets_its_CI_back_once_the_old_device_is_gone()
    {
        using var fixture = new SyncFixture();
        fixture.Source.Add(Device("old", "PC-1", "SN1"), Snapshot("s-old"));
        for (var i = 0; i < 8; i++)
            fixture.Source.Add(Device("other" + i, "PC-2" + i, "SN2" + i), Snapshot("s-other" + i));
        await fixture.RunWellAsync();

        fixture.Source.Add(Device("new", "PC-NEW", "SN1"), Snapshot("s-new"));
        await fixture.RunWellAsync();
        Assert.Equal("1", fixture.Scalar("SELECT count(*) FROM sync_conflicts WHERE state = 'Open'"));

        fixture.Source.Devices.RemoveAll(d => d.Id == "old");
        var run = await fixture.RunWellAsync();

        Assert.Equal((0, 1, 1), (run.Created, run.Updated, run.Missing));
        Assert.Equal("PC-NEW|new", Assert.Single(fixture.Rows("SELECT name, device_id FROM computers WHERE id = 'C000001'")));
        Assert.Equal(["new|Live", "old|Closed"], fixture.Rows("SELECT device_id, state FROM sync_links WHERE device_id IN ('new', 'old') ORDER BY 1"));
        Assert.Equal("Linked", fixture.Scalar("SELECT state FROM sync_conflicts"));
        Assert.Empty((await fixture.RunWellAsync(), fixture.Heard.Changes).Changes);
    }

    [Fact]
    public async Task A_match_to_a_retired_CI_is_a_conflict()
    {
        using var fixture = await WithUnlinkedCiAsync("PC-1", "SN1", null, null);
        fixture.Sql("UPDATE records SET status = 'Retired'");
        fixture.Source.Add(Device("new", "PC-1", "SN1"), Snapshot("s-new"));

        Assert.Equal(1, (await fixture.RunWellAsync()).Conflicts);
    }

    [Fact]
    public async Task CIs_of_another_site_are_out_of_sight()
    {
        using var fixture = new SyncFixture();
        fixture.Source.Add(Device("a", "PC-1", "SN1"), Snapshot("s-a"));
        await fixture.RunWellAsync();

        fixture.Job = fixture.Store.Jobs.Create(fixture.Job with { Id = 0, Name = "Branch", SiteUrl = new Uri("https://site.example/branch") });
        fixture.Source = new FakeSource();
        fixture.Source.Add(Device("b", "PC-1", "SN1"), Snapshot("s-b"));
        var run = await fixture.RunWellAsync();

        Assert.Equal((1, 0), (run.Created, run.Conflicts));
    }

    [Theory]
    [InlineData("computer", "Computer")]
    [InlineData("vmware-esxi", "Computer")]
    [InlineData("aws-ec2-instance", "Computer")]
    [InlineData("azure-virtual-machine", "Computer")]
    [InlineData("printer", "Hardware")]
    [InlineData("network-device", "Hardware")]
    [InlineData("toaster", "Hardware")]
    public async Task The_type_decides_the_class(string type, string expected)
    {
        using var fixture = new SyncFixture();
        fixture.Source.Add(Device("a", "X", type: type), Snapshot("s-a"));

        await fixture.RunWellAsync();

        Assert.Equal(expected, fixture.Scalar("SELECT class FROM sync_links"));
        Assert.Equal(type == "toaster" ? 1 : 0, fixture.Heard.Warnings.Count);
    }

    [Fact]
    public async Task An_untyped_device_is_what_its_snapshot_says_and_a_cloud_resource_is_skipped()
    {
        using var fixture = new SyncFixture();
        fixture.Source.Add(Device("a", "A") with { Type = null }, Snapshot("s-a"));
        fixture.Source.Add(Device("b", "B") with { Type = null }, Snapshot("s-b") with { OperatingSystem = null, Software = null });
        fixture.Source.Add(Device("c", "bucket", type: "aws-s3-bucket"));

        var run = await fixture.RunWellAsync();

        Assert.Equal(["a|Computer", "b|Hardware"], fixture.Rows("SELECT device_id, class FROM sync_links ORDER BY 1"));
        Assert.Equal(1, run.Skipped);
    }

    [Fact]
    public async Task A_later_change_of_type_keeps_the_CI()
    {
        using var fixture = new SyncFixture();
        fixture.Source.Add(Device("a", "A"), Snapshot("s-a"));
        await fixture.RunWellAsync();

        fixture.Source.Replace("a", d => d with { Type = "printer" });
        var run = await fixture.RunWellAsync();

        Assert.Equal((0, 0), (run.Created, run.Conflicts));
        Assert.Equal("1", fixture.Scalar("SELECT count(*) FROM computers"));
    }
}
