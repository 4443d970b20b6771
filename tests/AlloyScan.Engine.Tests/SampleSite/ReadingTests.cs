using System.Globalization;
using System.Net;
using System.Text.Json;
using AlloyScan.SampleSite;
using Xunit;

namespace AlloyScan.Engine.Tests.SampleSite;

public sealed class ReadingTests
{
    [Fact]
    public async Task Pages_put_together_are_the_fleet()
    {
        await using var site = await TestSite.StartAsync(new SampleSiteOptions { Devices = 700, Day = 20 });
        var rows = await AllAsync(site, "api/v1/devices", 200);
        var truth = site.Fleet.Devices(20).ToList();

        Assert.Equal(truth.Select(d => d.Id), rows.Select(r => r.GetProperty("id").GetGuid()));
        foreach (var (device, row) in truth.Zip(rows))
        {
            Assert.Equal(device.Name, row.GetProperty("name").GetString());
            Assert.Equal(device.DnsName, row.GetProperty("dnsName").GetString());
            Assert.Equal(device.MacAddress, row.GetProperty("macAddress").GetString());
            Assert.Equal(device.IPAddress, row.GetProperty("ipAddress").GetString());
            Assert.Equal(device.SerialNumber, row.GetProperty("serialNumber").GetString());
            Assert.Equal(device.AssetTag, row.GetProperty("assetTag").GetString());
            Assert.Equal(device.Type, row.TryGetProperty("type", out var type) ? type.GetString() : null);
            Assert.Equal(device.LastSeen, Time(row, "lastSeen"));
            Assert.All(row.GetProperty("tags").EnumerateArray(), tag => Assert.NotEqual("", tag.GetProperty("name").GetString()));
        }
    }

    [Fact]
    public async Task The_page_size_has_a_default_and_a_limit()
    {
        await using var site = await TestSite.StartAsync(new SampleSiteOptions { Devices = 120, MaxPageSize = 70 });

        Assert.Equal(50, Count(await site.GetAsync("api/v1/devices")));
        Assert.Equal(70, Count(await site.GetAsync("api/v1/devices?limit=500")));
        Assert.Equal(20, Count(await site.GetAsync("api/v1/devices?limit=50&offset=100")));
        var beyond = await site.GetAsync("api/v1/devices?offset=120");
        Assert.Equal(0, Count(beyond));
        Assert.Equal(120, beyond.GetProperty("total").GetInt32());
    }

    [Theory]
    [InlineData("limit=0")]
    [InlineData("limit=-5")]
    [InlineData("limit=many")]
    [InlineData("offset=-1")]
    [InlineData("offset=1.5")]
    public async Task A_page_that_makes_no_sense_is_refused(string query)
    {
        await using var site = await TestSite.StartAsync();

        using var reply = await site.Http.GetAsync("api/v1/devices?" + query);

        Assert.Equal("invalid_request", await TestSite.ErrorAsync(reply, HttpStatusCode.BadRequest));
    }

    [Fact]
    public async Task Devices_can_be_filtered_by_type_tag_and_text()
    {
        await using var site = await TestSite.StartAsync(new SampleSiteOptions { Devices = 400 });
        var truth = site.Fleet.Devices(0).ToList();
        var tag = (await site.GetAsync("api/v1/tags?q=vip")).GetProperty("items")[0];

        var printers = await AllAsync(site, "api/v1/devices?type=printer", 5);
        var byName = await site.GetAsync("api/v1/devices?limit=200&tag=vip");
        var byId = await site.GetAsync("api/v1/devices?limit=200&tag=" + tag.GetProperty("id").GetString());
        var serial = truth.First(d => d.Type == "printer").SerialNumber;
        var found = await site.GetAsync("api/v1/devices?q=" + serial.ToLowerInvariant());

        Assert.Equal(truth.Where(d => d.Type == "printer").Select(d => d.Id), printers.Select(p => p.GetProperty("id").GetGuid()));
        Assert.Equal(tag.GetProperty("usage").GetInt32(), Count(byName));
        Assert.Equal(byName.GetRawText(), byId.GetRawText());
        Assert.Equal(serial, Assert.Single(found.GetProperty("items").EnumerateArray()).GetProperty("serialNumber").GetString());
        Assert.Equal(0, Count(await site.GetAsync("api/v1/devices?tag=nobody")));
    }

    [Fact]
    public async Task A_device_names_its_audit_and_platform()
    {
        await using var site = await TestSite.StartAsync(new SampleSiteOptions { Devices = 60, Day = 3 });

        foreach (var device in site.Fleet.Devices(3))
        {
            var row = await site.GetAsync($"api/v1/devices/{device.Id}");

            Assert.Equal(device.AuditId, row.GetProperty("auditId").GetGuid());
            Assert.Equal(device.AuditDate, Time(row, "auditDate"));
            Assert.Contains(row.GetProperty("auditSource").GetString(), (string[])["Service", "Agent", "Import", "Manual"]);
            Assert.Equal(device.Platform, row.TryGetProperty("osPlatform", out var platform) ? platform.GetString() : null);
        }
    }

    [Fact]
    public async Task A_snapshot_holds_what_the_fleet_says()
    {
        await using var site = await TestSite.StartAsync(new SampleSiteOptions { Devices = 150, Day = 2, JunkRate = 0.2 });

        foreach (var device in site.Fleet.Devices(2))
        {
            var snapshot = await site.GetAsync($"api/v1/snapshots/{device.AuditId}");

            var hardware = snapshot.GetProperty("hardware");
            Assert.Equal(device.Id, snapshot.GetProperty("deviceId").GetGuid());
            Assert.Equal(device.SerialNumber, hardware.GetProperty("serialNumber").GetString());
            Assert.Equal(device.BiosUuid, Text(hardware, "biosUuid"));
            Assert.Equal(device.UserLogin, snapshot.TryGetProperty("user", out var user) ? user.GetProperty("login").GetString() : null);
            Assert.Equal(device.Class == SampleDeviceClass.Computer, snapshot.TryGetProperty("operatingSystem", out var system));
            if (device.Class == SampleDeviceClass.Computer)
            {
                Assert.Equal(device.Platform, Text(system, "platform"));
                Assert.Equal(device.OperatingSystem, $"{Text(system, "name")} {Text(system, "version")} {Text(system, "build")}");
                Assert.Equal(device.MemoryBytes, hardware.GetProperty("memoryBytes").GetInt64());
                Assert.True(hardware.GetProperty("cpu").GetProperty("cores").GetInt32() > 0);
            }

            var addresses = snapshot.GetProperty("network").GetProperty("adapters").EnumerateArray().Select(a => Plain(Text(a, "macAddress")!)).ToList();
            Assert.Contains(Plain(device.MacAddress), addresses);
            Assert.Equal(device.Platform is not null, snapshot.TryGetProperty("software", out var software));
            if (device.Platform is null)
                continue;

            var rows = software.EnumerateArray().Select(r => new SampleSoftware(Text(r, "name")!, Text(r, "version")!, Text(r, "publisher")!,
                DateOnly.Parse(Text(r, "installDate")!, CultureInfo.InvariantCulture), Text(r, "installKey"), Text(r, "serialNumber")));
            Assert.Equal(site.Fleet.Software(device.Index, 2), rows);
        }

        static string Plain(string mac) => mac.Replace(":", "", StringComparison.Ordinal).Replace("-", "", StringComparison.Ordinal).ToUpperInvariant();
    }

    [Fact]
    public async Task A_device_lists_its_snapshots_newest_first_and_all_can_be_read()
    {
        await using var site = await TestSite.StartAsync(new SampleSiteOptions { Devices = 40, Day = 200, SoftwarePerComputer = 5 });
        var device = site.Fleet.Devices(200).First(d => d.ChangedOn > 50);

        var list = await site.GetAsync($"api/v1/devices/{device.Id}/snapshots");

        var items = list.GetProperty("items").EnumerateArray().ToList();
        Assert.True(items.Count > 1);
        Assert.Equal(items.Count, list.GetProperty("total").GetInt32());
        Assert.Equal(device.AuditId, items[0].GetProperty("id").GetGuid());
        Assert.Equal(items.OrderByDescending(i => Time(i, "auditDate")).Select(i => Text(i, "id")), items.Select(i => Text(i, "id")));
        foreach (var item in items)
            Assert.Equal(Text(item, "auditDate"), Text(await site.GetAsync($"api/v1/snapshots/{Text(item, "id")}"), "auditDate"));

        var oldest = Time(items[^1], "auditDate");
        var bounded = await site.GetAsync($"api/v1/devices/{device.Id}/snapshots?to={oldest:yyyy-MM-ddTHH:mm:ssZ}");
        Assert.Equal(1, bounded.GetProperty("total").GetInt32());
    }

    [Fact]
    public async Task A_snapshot_of_the_future_or_of_a_quiet_day_is_not_found()
    {
        await using var site = await TestSite.StartAsync(new SampleSiteOptions { Devices = 60, SoftwarePerComputer = 5 });
        var changed = site.Fleet.Indexes(3).First(i => site.Fleet.Describe(i, 3).ChangedOn > 0);
        var future = site.Fleet.Describe(changed, 3).AuditId;

        using var early = await site.Http.GetAsync($"api/v1/snapshots/{future}");
        site.State.Day = 3;
        await site.GetAsync($"api/v1/snapshots/{future}");
        using var quiet = await site.Http.GetAsync($"api/v1/snapshots/{site.Fleet.Ids.Encode(IdKind.Snapshot, changed, site.Fleet.Describe(changed, 3).ChangedOn - 1)}");

        await TestSite.ErrorAsync(early, HttpStatusCode.NotFound);
        if (site.Fleet.Describe(changed, 3).ChangedOn > 1)
            await TestSite.ErrorAsync(quiet, HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task The_catalog_counts_what_the_computers_have()
    {
        await using var site = await TestSite.StartAsync(new SampleSiteOptions { Devices = 100, SoftwarePerComputer = 20 });
        var truth = site.Fleet.Indexes(0).SelectMany(i => site.Fleet.Software(i, 0).Where(r => r.Name.Length > 0)
            .DistinctBy(r => (r.Name.Replace(" ", "", StringComparison.Ordinal).ToUpperInvariant(), r.Version, r.Publisher))).ToList();

        var products = await AllAsync(site, "api/v1/software", 200);
        var names = await AllAsync(site, "api/v1/software?groupBy=name", 200);
        var required = await AllAsync(site, "api/v1/software?softwareGroup=Required", 200);

        Assert.Equal(truth.Count, products.Sum(p => p.GetProperty("installations").GetInt32()));
        Assert.Equal(truth.Count, names.Sum(p => p.GetProperty("installations").GetInt32()));
        Assert.All(products, p => Assert.True(p.TryGetProperty("version", out _)));
        Assert.All(names, p => Assert.False(p.TryGetProperty("version", out _)));
        Assert.Equal(names.Count, names.Select(n => Text(n, "name")).Distinct().Count());
        Assert.All(required, p => Assert.Equal("Required", Text(p, "softwareGroup")));
        Assert.NotEmpty(required);

        var name = names.MaxBy(n => n.GetProperty("installations").GetInt32());
        var one = await site.GetAsync($"api/v1/software/{Text(name, "id")}");
        Assert.Equal(name.GetProperty("installations").GetInt32(), one.GetProperty("versions").EnumerateArray().Sum(v => v.GetProperty("installations").GetInt32()));
    }

    [Fact]
    public async Task Tags_and_segments_are_listed_with_counts()
    {
        await using var site = await TestSite.StartAsync();

        var tags = await site.GetAsync("api/v1/tags");
        var segments = await site.GetAsync("api/v1/segments");
        var segment = segments.GetProperty("items")[0];
        var one = await site.GetAsync($"api/v1/segments/{Text(segment, "id")}");

        Assert.All(tags.GetProperty("items").EnumerateArray(), t => Assert.NotEqual("", Text(t, "color")));
        Assert.Equal(120, segments.GetProperty("items").EnumerateArray().Sum(s => s.GetProperty("deviceCount").GetInt32()));
        Assert.Equal("address-list", Text(one, "type"));
        Assert.Equal(1, (await site.GetAsync($"api/v1/segments?auditServiceId={Text(segment, "auditServiceId")}")).GetProperty("total").GetInt32());
        using var scan = await site.SendAsync(HttpMethod.Post, $"api/v1/segments/{Text(segment, "id")}/scan");
        Assert.Equal(HttpStatusCode.Accepted, scan.StatusCode);
    }

    [Theory]
    [InlineData("api/v1/nothing")]
    [InlineData("api/v2/devices")]
    [InlineData("hq/api/v1/devices")]
    [InlineData("api/v1/devices/00000000-0000-4000-8000-000000000000")]
    [InlineData("api/v1/devices/no-uuid")]
    [InlineData("api/v1/snapshots/00000000-0000-4000-8000-000000000000")]
    [InlineData("api/v1/software/00000000-0000-4000-8000-000000000000")]
    [InlineData("api/v1/tags/00000000-0000-4000-8000-000000000000")]
    [InlineData("api/v1/segments/00000000-0000-4000-8000-000000000000")]
    public async Task What_is_not_there_is_not_found_in_the_sites_error_form(string path)
    {
        await using var site = await TestSite.StartAsync(new SampleSiteOptions { Devices = 5, Slug = "hq" });

        using var reply = await site.Http.GetAsync(path);

        Assert.Equal("not_found", await TestSite.ErrorAsync(reply, HttpStatusCode.NotFound));
    }

    [Fact]
    public async Task Unknown_fields_stand_beside_the_known_ones()
    {
        await using var site = await TestSite.StartAsync(new SampleSiteOptions { Devices = 5, UnknownFields = true });
        var device = site.Fleet.Devices(0).First(d => d.SoftwareRows > 0);

        var page = await site.GetAsync("api/v1/devices");
        var snapshot = await site.GetAsync($"api/v1/snapshots/{device.AuditId}");

        Assert.True(page.TryGetProperty("_etag", out _));
        Assert.True(page.GetProperty("items")[0].TryGetProperty("x-internal", out _));
        Assert.True(snapshot.GetProperty("software")[0].TryGetProperty("architecture", out _));
    }

    private static async Task<List<JsonElement>> AllAsync(TestSite site, string path, int limit)
    {
        var all = new List<JsonElement>();
        while (true)
        {
            var page = await site.GetAsync($"{path}{(path.Contains('?', StringComparison.Ordinal) ? '&' : '?')}limit={limit}&offset={all.Count}");
            all.AddRange(page.GetProperty("items").EnumerateArray());
            if (all.Count >= page.GetProperty("total").GetInt32())
                return all;
        }
    }

    private static int Count(JsonElement page) => page.GetProperty("items").GetArrayLength();

    private static string? Text(JsonElement element, string name) => element.TryGetProperty(name, out var value) ? value.GetString() : null;

    private static DateTime Time(JsonElement element, string name)
    {
        var text = Text(element, name)!;
        Assert.EndsWith("Z", text, StringComparison.Ordinal);
        return DateTime.Parse(text, CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal);
    }
}
