using AlloyScan.Engine.Cmdb;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Tests.Sync;

namespace AlloyScan.Engine.Tests;

public sealed class CmdbRepositoryTests
{
    private static async Task<SyncFixture> FilledAsync()
    {
        var fixture = new SyncFixture();
        fixture.Source.Add(SyncFixture.Device("a", "NYC-LT-1", "SN[1]"), SyncFixture.Snapshot("s-a", null, "Windows", ("Editor", "1"), ("Browser", "2")));
        fixture.Source.Add(SyncFixture.Device("b", "LON-LT-2", "SN2"), SyncFixture.Snapshot("s-b", null, "Linux", ("Editor", "1")));
        fixture.Source.Add(SyncFixture.Device("c", "PRN-1", "P1", type: "printer"));
        await fixture.RunWellAsync();
        return fixture;
    }

    [Fact]
    public async Task Filters_know_wildcards_and_ignore_case()
    {
        using var fixture = await FilledAsync();
        var cmdb = fixture.Store.Cmdb;
        Assert.Equal("C000001", Assert.Single(cmdb.Computers(new RecordFilter { Name = "nyc-*" })).Id);
        Assert.Equal("C000001", Assert.Single(cmdb.Computers(new RecordFilter { Name = "c000001" })).Id);
        Assert.Equal("C000001", Assert.Single(cmdb.Computers(new RecordFilter { SerialNumber = "sn[1]" })).Id);
        Assert.Equal("C000002", Assert.Single(cmdb.Computers(new RecordFilter { Id = "c000002" })).Id);
        Assert.Equal("H000001", Assert.Single(cmdb.Hardware(new RecordFilter { DeviceId = "c" })).Id);
        Assert.Empty(cmdb.Computers(new RecordFilter { Status = "retired" }));
        Assert.Equal(2, cmdb.Installations(computerId: "c000001").Count());
        Assert.Equal(2, cmdb.Installations(name: "edit*").Count());
        Assert.Empty(cmdb.Installations(computerId: "nonsense"));
        Assert.Equal(2, Assert.Single(cmdb.Products("editor")).Installations);
    }

    [Fact]
    public async Task An_edit_is_checked_and_names_what_is_wrong()
    {
        using var fixture = await FilledAsync();
        var cmdb = fixture.Store.Cmdb;
        Assert.Equal("Retired", cmdb.Update(RecordClass.Computer, "C000001", new Dictionary<string, string?> { ["status"] = "Retired", ["memory_bytes"] = "1024" }).Status);
        Assert.Equal("Editor", Assert.Single(cmdb.Installations()).Name);
        Assert.Equal("RecordNotFound", Error("C000099", "name", "x"));
        Assert.Equal("RecordNotFound", Error("H000001", "name", "x"));
        Assert.Equal("UnknownField", Error("C000001", "color", "x"));
        Assert.Equal("InvalidFieldValue", Error("C000001", "memory_bytes", "much"));

        string Error(string id, string field, string value) =>
            Assert.Throws<AlloyScanException>(() => cmdb.Update(RecordClass.Computer, id, new Dictionary<string, string?> { [field] = value })).ErrorId;
    }

    [Fact]
    public async Task A_name_typed_by_hand_identifies_the_CI()
    {
        using var fixture = await FilledAsync();
        fixture.Store.Cmdb.Update(RecordClass.Computer, "C000002", new Dictionary<string, string?> { ["serial_number"] = "TYPED" });
        Assert.Equal("1", fixture.Scalar("SELECT count(*) FROM record_identifiers WHERE kind = 2 AND value = 'TYPED'"));
    }
}
