using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Site;
using Xunit;

namespace AlloyScan.Engine.Tests.Site;

public sealed class SiteClientReadingTests
{
    private const string Devices = "/api/v1/devices";

    [Fact]
    public async Task Pages_are_read_until_the_total_is_covered_and_the_offset_moves_by_what_came()
    {
        FakeSite site = new FakeSite().WithTokens().WithList(Devices, [.. Enumerable.Range(1, 7).Select(FakeSite.DeviceJson)], maxPage: 3);
        using SiteClient client = site.Client();

        List<DevicePage> pages = [];
        await foreach (DevicePage page in client.ReadDevicePagesAsync(default))
        {
            pages.Add(page);
        }

        Assert.Equal([0, 3, 6], pages.Select(p => p.Offset));
        Assert.Equal([3, 3, 1], pages.Select(p => p.ItemCount));
        Assert.All(pages, p => Assert.Equal(7, p.Total));
        Assert.Equal(["d1", "d2", "d3", "d4", "d5", "d6", "d7"], pages.SelectMany(p => p.Devices).Select(d => d.Id));
        Assert.Equal(["0", "3", "6"], site.Requests.Where(r => r.Path == Devices).Select(r => r.Query("offset")));
        Assert.All(site.Requests.Where(r => r.Path == Devices), r => Assert.Equal("200", r.Query("limit")));
        Assert.Equal(4, client.Usage.Calls);
    }

    [Fact]
    public async Task A_snapshot_is_read_whole()
    {
        FakeSite site = new FakeSite().WithTokens().On("/api/v1/snapshots/a1", _ => FakeSite.Json(SnapshotJson));
        using SiteClient client = site.Client();

        AuditSnapshot snapshot = (await client.ReadSnapshotAsync("a1", default))!;

        Assert.Equal(("a1", "d1", "Agent"), (snapshot.Id, snapshot.DeviceId, snapshot.Source));
        Assert.Equal(new DateTimeOffset(2026, 4, 23, 12, 30, 0, TimeSpan.Zero), snapshot.AuditDate);
        Assert.Equal(
            new SnapshotHardware
            {
                Manufacturer = "Dell Inc.", Model = "Latitude 7440", SerialNumber = "ABC123", BiosUuid = "4c4c4544-0042-3510-8052-b4c04f4d3332",
                Chassis = "Notebook", CpuName = "Intel Core i7", CpuCores = 10, MemoryBytes = 17179869184,
            },
            snapshot.Hardware);
        Assert.Equal(
            new SnapshotOperatingSystem { Platform = "Windows", Name = "Windows 11 Pro", Version = "10.0.22631", Build = "22631", InstallDate = "2025-01-01" },
            snapshot.OperatingSystem);
        Assert.Equal(("pc1", "corp.example"), (snapshot.Network!.HostName, snapshot.Network.Domain));
        SnapshotAdapter adapter = Assert.Single(snapshot.Network.Adapters);
        Assert.Equal(("Ethernet", "00:11:22:33:44:55", true), (adapter.Name, adapter.MacAddress, adapter.Virtual));
        Assert.Equal(["10.0.0.1", "fe80::1"], adapter.IpAddresses);
        Assert.Equal(new SnapshotUser { Login = @"CORP\mmiller", DisplayName = "Mia Miller", Email = "mia@corp.example", Department = "IT" }, snapshot.User);
        Assert.Equal(
            [new InstalledSoftware("7-Zip", "24.08", "Igor Pavlov", "2025-02-03", null, null), new InstalledSoftware("Office", "16", "Microsoft", null, "KEY", "SN")],
            snapshot.Software!);
        Assert.Equal("B2", snapshot.Custom["Room"]);
        Assert.Equal("""{"a":[1]}""", snapshot.Custom["Nested"]);
    }

    internal const string SnapshotJson =
        """
        {"id":"a1","deviceId":"d1","auditDate":"2026-04-23T12:30:00Z","source":"Agent","unknown":{"deep":[1,2,{"x":null}]},
        "hardware":{"manufacturer":"Dell Inc.","model":"Latitude 7440","serialNumber":"ABC123","biosUuid":"4c4c4544-0042-3510-8052-b4c04f4d3332",
        "chassis":"Notebook","cpu":{"name":"Intel Core i7","cores":10},"memoryBytes":17179869184},
        "operatingSystem":{"platform":"Windows","name":"Windows 11 Pro","version":"10.0.22631","build":22631,"installDate":"2025-01-01"},
        "network":{"hostName":"pc1","domain":"corp.example","adapters":[{"name":"Ethernet","macAddress":"00:11:22:33:44:55","ipAddresses":["10.0.0.1","fe80::1"],"virtual":true}]},
        "user":{"login":"CORP\\mmiller","displayName":"Mia Miller","email":"mia@corp.example","department":"IT"},
        "software":[{"name":"7-Zip","version":24.08,"publisher":"Igor Pavlov","installDate":"2025-02-03"},
        {"name":"Office","version":"16","publisher":"Microsoft","installDate":null,"installKey":"KEY","serialNumber":"SN","extra":1e300}],
        "custom":{"Room":"B2","Nested":{"a":[1]}}}
        """;
}
