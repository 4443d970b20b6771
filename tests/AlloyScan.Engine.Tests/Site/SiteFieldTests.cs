using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Site;
using Xunit;

namespace AlloyScan.Engine.Tests.Site;

/// <summary>What the readers make of single fields.</summary>
public sealed class SiteFieldTests
{
    private static async Task<DevicePage> PageAsync(string items, ApiProfile? profile = null)
    {
        FakeSite site = new FakeSite().WithTokens().On("/api/v1/devices", _ => FakeSite.Json($$"""{"items":[{{items}}],"total":1}"""));
        using SiteClient client = site.Client(o => o with { Profile = profile ?? ApiProfile.Default });
        await using IAsyncEnumerator<DevicePage> pages = client.ReadDevicePagesAsync(default).GetAsyncEnumerator();
        Assert.True(await pages.MoveNextAsync());
        return pages.Current;
    }

    private static async Task<AuditSnapshot> SnapshotAsync(string json)
    {
        FakeSite site = new FakeSite().WithTokens().On("/api/v1/snapshots/a1", _ => FakeSite.Json(json));
        using SiteClient client = site.Client();
        return (await client.ReadSnapshotAsync("a1", default))!;
    }

    [Fact]
    public async Task Only_the_id_is_needed()
    {
        Device device = Assert.Single((await PageAsync("""{"id":"d1"}""")).Devices);

        Assert.Equal("d1", device.DisplayName);
        Assert.Null(device.LastSeen);
        Assert.Empty(device.Tags);
    }

    [Fact]
    public async Task Unknown_fields_of_any_shape_are_passed_over()
    {
        Device device = Assert.Single((await PageAsync(
            """{"a":{"id":"no","b":[{"id":"no"}]},"id":"d1","c":[[],{},"x",1,-2.5e10,true,null],"d":"2026-01-01T00:00:00Z","name":"PC"}""")).Devices);

        Assert.Equal(("d1", "PC"), (device.Id, device.Name));
    }

    [Fact]
    public async Task The_details_of_a_single_device_are_read()
    {
        Device device = Assert.Single((await PageAsync(
            """{"id":"d1","auditId":"a1","auditDate":"2026-04-23T12:30:00Z","auditSource":"Agent","osPlatform":"Windows","tags":[{"id":"t1","name":"Blue"},"Red",{"name":"Green"}]}""")).Devices);

        Assert.Equal(("a1", "Agent", "Windows"), (device.AuditId, device.AuditSource, device.OsPlatform));
        Assert.Equal(new DateTimeOffset(2026, 4, 23, 12, 30, 0, TimeSpan.Zero), device.AuditDate);
        Assert.Equal([new DeviceTag("t1", "Blue"), new DeviceTag("Red", "Red"), new DeviceTag("Green", "Green")], device.Tags);
    }

    [Theory]
    [InlineData("42", "42")]
    [InlineData("1.10", "1.10")]
    [InlineData("-7", "-7")]
    [InlineData("12345678901234567890123", "12345678901234567890123")]
    [InlineData("true", "true")]
    [InlineData("null", null)]
    [InlineData("\"\"", "")]
    [InlineData("\"Gr\\u00fcn \\ud83d\\ude00\"", "Grün 😀")]
    public async Task A_single_value_of_another_kind_becomes_text(string json, string? expected)
    {
        Assert.Equal(expected, Assert.Single((await PageAsync($$"""{"id":"d1","serialNumber":{{json}}}""")).Devices).SerialNumber);
    }

    [Theory]
    [InlineData("2026-04-23T12:34:56Z", "2026-04-23T12:34:56.0000000Z")]
    [InlineData("2026-04-23T12:34:56.789Z", "2026-04-23T12:34:56.7890000Z")]
    [InlineData("2026-04-23T12:34:56.123456789Z", "2026-04-23T12:34:56.1234568Z")]
    [InlineData("2026-04-23T14:34:56+02:00", "2026-04-23T12:34:56.0000000Z")]
    [InlineData("2026-04-23T12:34:56", "2026-04-23T12:34:56.0000000Z")]
    [InlineData("2026-04-23 12:34:56", "2026-04-23T12:34:56.0000000Z")]
    [InlineData("2026-04-23T12:34Z", "2026-04-23T12:34:00.0000000Z")]
    [InlineData("2026-04-23", "2026-04-23T00:00:00.0000000Z")]
    [InlineData("2024-02-29T00:00:00Z", "2024-02-29T00:00:00.0000000Z")]
    public async Task Iso_times_are_read_as_utc(string text, string expected)
    {
        Device device = Assert.Single((await PageAsync($$"""{"id":"d1","lastSeen":"{{text}}"}""")).Devices);

        Assert.Equal(expected, device.LastSeen!.Value.UtcDateTime.ToString("O"));
        Assert.Equal(TimeSpan.Zero, device.LastSeen.Value.Offset);
    }

    [Theory]
    [InlineData("\"yesterday\"")]
    [InlineData("\"23.04.2026\"")]
    [InlineData("\"04/05/2026\"")]
    [InlineData("\"12:30\"")]
    [InlineData("\"2026-02-30T00:00:00Z\"")]
    [InlineData("\"2026-13-01T00:00:00Z\"")]
    [InlineData("\"2026-04-23T25:00:00Z\"")]
    [InlineData("1776947696")]
    [InlineData("true")]
    [InlineData("{}")]
    [InlineData("[\"2026-04-23T12:34:56Z\"]")]
    public async Task A_date_that_is_no_date_costs_the_device_and_not_the_page(string json)
    {
        DevicePage page = await PageAsync($$"""{"id":"d1"},{"id":"d2","lastSeen":{{json}},"name":"PC2"},{"id":"d3"}""");

        Assert.Equal(["d1", "d3"], page.Devices.Select(d => d.Id));
        Assert.Equal(3, page.ItemCount);
        UnreadableDevice unreadable = Assert.Single(page.Unreadable);
        Assert.Equal(("d2", "PC2"), (unreadable.DeviceId, unreadable.Name));
        Assert.Contains("lastSeen", unreadable.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"name":"PC"}""", null, "PC", "'id' is missing")]
    [InlineData("""{"id":"","name":"PC"}""", null, "PC", "'id' is missing")]
    [InlineData("""{"id":null}""", null, null, "'id' is missing")]
    [InlineData("""{"id":["d1"]}""", null, null, "'id' holds a list")]
    [InlineData("""{"id":"d1","name":{"first":"x"}}""", "d1", null, "'name' holds an object")]
    [InlineData("""{"id":"d1","tags":"x"}""", "d1", null, "'tags' holds a text")]
    [InlineData("""{"id":"d1","tags":[[1]]}""", "d1", null, "'tags' holds a list")]
    [InlineData("""{"id":"d1","tags":[{"id":{}}]}""", "d1", null, "'id' holds an object")]
    [InlineData("null", null, null, "The device is null")]
    [InlineData("[{\"id\":\"x\"}]", null, null, "The device is a list")]
    [InlineData("\"d1\"", null, null, "The device is a text")]
    public async Task An_item_of_a_wrong_shape_is_unreadable(string item, string? id, string? name, string reason)
    {
        DevicePage page = await PageAsync($$"""{{item}},{"id":"good"}""");

        UnreadableDevice unreadable = Assert.Single(page.Unreadable);
        Assert.Equal((id, name), (unreadable.DeviceId, unreadable.Name));
        Assert.Contains(reason, unreadable.Reason, StringComparison.Ordinal);
        Assert.Equal("good", Assert.Single(page.Devices).Id);
    }

    [Fact]
    public async Task Unreadable_devices_are_reported_to_whoever_streams()
    {
        FakeSite site = new FakeSite().WithTokens().On("/api/v1/devices", _ => FakeSite.Json("""{"items":[{"name":"PC"},{"id":"d2"}],"total":2}"""));
        using SiteClient client = site.Client();
        List<UnreadableDevice> unreadable = [];
        List<Device> devices = [];

        await foreach (Device device in client.ReadDevicesAsync(null, unreadable.Add, default))
        {
            devices.Add(device);
        }

        Assert.Equal("d2", Assert.Single(devices).Id);
        Assert.Equal("PC", Assert.Single(unreadable).Name);
    }

    [Fact]
    public async Task A_single_device_that_cannot_be_understood_is_an_error_that_names_it()
    {
        FakeSite site = new FakeSite().WithTokens().On("/api/v1/devices/d1", _ => FakeSite.Json("""{"id":"d1","auditDate":"never"}"""));
        using SiteClient client = site.Client();

        SiteException e = await Assert.ThrowsAsync<SiteException>(() => client.ReadDeviceAsync("d1", default));

        Assert.Equal((ErrorKind.InvalidData, "UnreadableDevice", "d1"), (e.Kind, e.ErrorId, e.Target));
        Assert.Contains("auditDate", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Locations_of_a_profile_are_followed()
    {
        ApiProfile profile = ApiProfile.Parse("""{"device":{"id":"uuid","name":"identity.names.display","lastSeen":"times.seen","serialNumber":null,"type":"identity.kind"},"tag":{"name":"label"}}""");

        Device device = Assert.Single((await PageAsync(
            """{"uuid":"d9","id":"no","name":"no","serialNumber":"no","identity":{"names":{"display":"PC9","other":1},"kind":"printer"},"times":{"seen":"2026-04-23T12:34:56Z"},"tags":[{"id":"t","label":"L"}]}""",
            profile)).Devices);

        Assert.Equal(("d9", "PC9", "printer", (string?)null), (device.Id, device.Name, device.Type, device.SerialNumber));
        Assert.NotNull(device.LastSeen);
        Assert.Equal(new DeviceTag("t", "L"), Assert.Single(device.Tags));
    }

    [Fact]
    public async Task An_object_on_the_way_may_be_null_but_not_a_text()
    {
        ApiProfile profile = ApiProfile.Parse("""{"device":{"name":"identity.name"}}""");

        Assert.Null(Assert.Single((await PageAsync("""{"id":"d1","identity":null}""", profile)).Devices).Name);
        Assert.Contains("'identity' holds a text", Assert.Single((await PageAsync("""{"id":"d1","identity":"x"}""", profile)).Unreadable).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Parts_of_a_snapshot_that_hold_nothing_are_absent()
    {
        AuditSnapshot snapshot = await SnapshotAsync("""{"id":"a1","hardware":{},"operatingSystem":{"name":null},"network":null,"user":{"x":1}}""");

        Assert.Null(snapshot.Hardware);
        Assert.Null(snapshot.OperatingSystem);
        Assert.Null(snapshot.Network);
        Assert.Null(snapshot.User);
        Assert.Null(snapshot.Software);
        Assert.Empty(snapshot.Custom);
    }

    [Theory]
    [InlineData("""{"id":"a1"}""", true)]
    [InlineData("""{"id":"a1","software":null}""", true)]
    [InlineData("""{"id":"a1","software":[]}""", false)]
    public async Task Absent_software_is_not_an_empty_list(string json, bool absent)
    {
        Assert.Equal(absent, (await SnapshotAsync(json)).Software is null);
    }

    [Theory]
    [InlineData("\"cpu\":{\"cores\":\"8\"}", 8)]
    [InlineData("\"cpu\":{\"cores\":8.0}", 8)]
    [InlineData("\"cpu\":{\"cores\":\"\"}", null)]
    [InlineData("\"cpu\":{\"cores\":null}", null)]
    [InlineData("\"cpu\":null", null)]
    public async Task Numbers_are_read_as_they_come(string cpu, int? cores)
    {
        Assert.Equal(cores, (await SnapshotAsync($$$"""{"id":"a1","hardware":{"model":"X",{{{cpu}}}}}""")).Hardware!.CpuCores);
    }

    [Theory]
    [InlineData("""{"hardware":{"model":"X"}}""", "'id' is missing")]
    [InlineData("""{"id":"a1","hardware":"none"}""", "'hardware' holds a text")]
    [InlineData("""{"id":"a1","hardware":{"cpu":{"cores":"many"}}}""", "'hardware.cpu.cores' is 'many'")]
    [InlineData("""{"id":"a1","hardware":{"memoryBytes":1.5}}""", "'hardware.memoryBytes' is '1.5'")]
    [InlineData("""{"id":"a1","software":{}}""", "'software' holds an object")]
    [InlineData("""{"id":"a1","software":["7-Zip"]}""", "'software' holds a text")]
    [InlineData("""{"id":"a1","software":[{"name":"ok"},{"name":["x"]}]}""", "'software', row 2")]
    [InlineData("""{"id":"a1","network":{"adapters":[{"virtual":"maybe"}]}}""", "'virtual' is 'maybe'")]
    [InlineData("""{"id":"a1","network":{"adapters":[{"ipAddresses":[{}]}]}}""", "'ipAddresses' holds an object")]
    [InlineData("""{"id":"a1","auditDate":"x"}""", "'auditDate' is 'x'")]
    [InlineData("[]", "is a list and not an object")]
    public async Task A_snapshot_of_a_wrong_shape_is_an_error_that_names_the_field(string json, string reason)
    {
        SiteException e = await Assert.ThrowsAsync<SiteException>(() => SnapshotAsync(json));

        Assert.Equal((ErrorKind.InvalidData, "UnreadableSnapshot"), (e.Kind, e.ErrorId));
        Assert.Contains(reason, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Adapters_bear_small_differences()
    {
        AuditSnapshot snapshot = await SnapshotAsync(
            """{"id":"a1","network":{"adapters":[{"ipAddresses":"10.0.0.1","virtual":1},{"ipAddresses":null,"virtual":"False"},{"ipAddresses":["",null,"x"]}]}}""");

        Assert.Equal([["10.0.0.1"], [], ["x"]], snapshot.Network!.Adapters.Select(a => a.IpAddresses.ToArray()));
        Assert.Equal([true, false, false], snapshot.Network.Adapters.Select(a => a.Virtual));
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData(".")]
    [InlineData("..")]
    public async Task What_is_no_id_never_becomes_a_path(string id)
    {
        FakeSite site = new FakeSite().WithTokens();
        using SiteClient client = site.Client();

        Assert.Equal("InvalidId", (await Assert.ThrowsAsync<AlloyScanException>(() => client.ReadDeviceAsync(id, default))).ErrorId);
        Assert.Equal("InvalidId", (await Assert.ThrowsAsync<AlloyScanException>(() => client.DeleteDeviceAsync(id, default))).ErrorId);
        Assert.Empty(site.Requests);
    }

    [Theory]
    [InlineData("a/b", "/api/v1/devices/a%2Fb")]
    [InlineData("../x", "/api/v1/devices/..%2Fx")]
    [InlineData("a?b#c%d", "/api/v1/devices/a%3Fb%23c%25d")]
    [InlineData("ü{id}", "/api/v1/devices/%C3%BC%7Bid%7D")]
    public async Task An_id_stays_one_segment_of_the_path(string id, string path)
    {
        FakeSite site = new FakeSite().WithTokens();
        using SiteClient client = site.Client();

        await client.ReadDeviceAsync(id, default);

        Assert.Equal(path, site.Requests.Last().Uri.AbsolutePath);
        Assert.Empty(site.Requests.Last().Uri.Query);
    }
}
