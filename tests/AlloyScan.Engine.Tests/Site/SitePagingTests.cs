using System.Net;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Site;
using Xunit;

namespace AlloyScan.Engine.Tests.Site;

public sealed class SitePagingTests
{
    private const string Devices = "/api/v1/devices";

    private static string[] Items(int count) => [.. Enumerable.Range(1, count).Select(FakeSite.DeviceJson)];

    private static async Task<List<DevicePage>> PagesAsync(SiteClient client)
    {
        List<DevicePage> pages = [];
        await foreach (DevicePage page in client.ReadDevicePagesAsync(default))
        {
            pages.Add(page);
        }

        return pages;
    }

    [Fact]
    public async Task An_empty_site_is_one_empty_page()
    {
        FakeSite site = new FakeSite().WithTokens().WithList(Devices, []);
        using SiteClient client = site.Client();

        DevicePage page = Assert.Single(await PagesAsync(client));

        Assert.Equal((0, 0, 0), (page.Offset, page.ItemCount, page.Total));
        Assert.Equal(1, site.Count(Devices));
    }

    [Fact]
    public async Task An_empty_page_ends_the_pass_before_the_total()
    {
        FakeSite site = new FakeSite().WithTokens().WithList(Devices, Items(3), maxPage: 2, total: _ => 10);
        using SiteClient client = site.Client();

        List<DevicePage> pages = await PagesAsync(client);

        Assert.Equal([2, 1, 0], pages.Select(p => p.ItemCount));
        Assert.All(pages, p => Assert.Equal(10, p.Total));
    }

    [Fact]
    public async Task Without_a_total_the_list_ends_with_an_empty_page()
    {
        FakeSite site = new FakeSite().WithTokens().WithList(Devices, Items(5), maxPage: 2, total: _ => null);
        using SiteClient client = site.Client();

        List<DevicePage> pages = await PagesAsync(client);

        Assert.Equal([2, 2, 1, 0], pages.Select(p => p.ItemCount));
        Assert.All(pages, p => Assert.Null(p.Total));
    }

    [Theory]
    [InlineData("\"12\"", 12)]
    [InlineData("12.0", null)]
    [InlineData("-1", null)]
    [InlineData("99999999999", null)]
    [InlineData("\"many\"", null)]
    [InlineData("null", null)]
    [InlineData("[1]", null)]
    public async Task A_total_that_is_no_count_is_no_total(string total, int? expected)
    {
        FakeSite site = new FakeSite().WithTokens().OnEach(
            Devices,
            _ => FakeSite.Json($$"""{"total":{{total}},"items":[{{FakeSite.DeviceJson(1)}}]}"""),
            _ => FakeSite.Json("""{"items":[]}"""));
        using SiteClient client = site.Client();

        Assert.Equal(expected, (await PagesAsync(client))[0].Total);
    }

    [Fact]
    public async Task A_shifting_list_is_handed_on_as_it_comes()
    {
        // A device is inserted in front while the list is read: the last of the first page comes again.
        List<string> items = [.. Items(4)];
        int calls = 0;
        FakeSite site = new FakeSite().WithTokens().On(Devices, r =>
        {
            if (++calls == 2)
            {
                items.Insert(0, FakeSite.DeviceJson(99));
            }

            return FakeSite.Json(FakeSite.List(items.Skip(r.Number("offset", 0)).Take(2), items.Count));
        });
        using SiteClient client = site.Client();

        List<DevicePage> pages = await PagesAsync(client);

        Assert.Equal(["d1", "d2", "d2", "d3", "d4"], pages.SelectMany(p => p.Devices).Select(d => d.Id));
        Assert.Equal([4, 5, 5], pages.Select(p => p.Total!.Value));
    }

    [Fact]
    public async Task A_site_that_gives_the_same_page_forever_is_found_out()
    {
        FakeSite site = new FakeSite().WithTokens().On(Devices, _ => FakeSite.Json(FakeSite.List(Items(2), 1000)));
        using SiteClient client = site.Client();

        AlloyScanException e = await Assert.ThrowsAsync<AlloyScanException>(() => PagesAsync(client));

        Assert.Equal((ErrorKind.InvalidData, "EndlessList"), (e.Kind, e.ErrorId));
        Assert.InRange(site.Count(Devices), 3, 4);
    }

    [Fact]
    public async Task Pages_by_number()
    {
        string[] items = Items(5);
        FakeSite site = new FakeSite().WithTokens().On(Devices, r =>
            FakeSite.Json(FakeSite.List(items.Skip((r.Number("p", -1) - 1) * 2).Take(r.Number("size", -1)), 5)));
        using SiteClient client = site.Client(o => o with
        {
            Profile = ApiProfile.Parse("""{"paging":{"style":"pageNumber","pageParameter":"p","limitParameter":"size","pageSize":2}}"""),
        });

        List<DevicePage> pages = await PagesAsync(client);

        Assert.Equal(["d1", "d2", "d3", "d4", "d5"], pages.SelectMany(p => p.Devices).Select(d => d.Id));
        Assert.Equal(["1", "2", "3"], site.Requests.Where(r => r.Path == Devices).Select(r => r.Query("p")));
        Assert.All(site.Requests, r => Assert.Null(r.Query("offset")));
    }

    [Theory]
    [InlineData("/api/v1/devices?cursor=2")]
    [InlineData("?cursor=2")]
    [InlineData("https://acme.alloyservice.example/api/v1/devices?cursor=2")]
    public async Task Pages_by_link(string link)
    {
        FakeSite site = new FakeSite().WithTokens().On(Devices, r => FakeSite.Json(
            r.Query("cursor") is null
                ? $$$"""{"items":[{{{FakeSite.DeviceJson(1)}}}],"links":{"next":"{{{link}}}"}}"""
                : $$$"""{"items":[{{{FakeSite.DeviceJson(2)}}}],"links":{"next":null}}"""));
        using SiteClient client = site.Client(o => o with
        {
            Profile = ApiProfile.Parse("""{"paging":{"style":"nextLink"},"envelope":{"nextLink":"links.next","total":null}}"""),
        });

        Assert.Equal(["d1", "d2"], (await PagesAsync(client)).SelectMany(p => p.Devices).Select(d => d.Id));
        Assert.Equal(3, site.Requests.Count);
    }

    [Theory]
    [InlineData("https://evil.example/api/v1/devices?cursor=2", "NextLinkLeavesSite")]
    [InlineData("http://acme.alloyservice.example/api/v1/devices?cursor=2", "NextLinkLeavesSite")]
    [InlineData("//evil.example/x", "NextLinkLeavesSite")]
    [InlineData("https://", "InvalidNextLink")]
    public async Task A_link_off_the_host_is_refused(string link, string errorId)
    {
        FakeSite site = new FakeSite().WithTokens().On(Devices, _ => FakeSite.Json($$"""{"items":[{{FakeSite.DeviceJson(1)}}],"next":"{{link}}"}"""));
        using SiteClient client = site.Client(o => o with { Profile = ApiProfile.Parse("""{"paging":{"style":"nextLink"}}""") });

        AlloyScanException e = await Assert.ThrowsAsync<AlloyScanException>(() => PagesAsync(client));

        Assert.Equal((ErrorKind.InvalidData, errorId), (e.Kind, e.ErrorId));
        Assert.Equal(2, site.Requests.Count);
    }

    [Fact]
    public async Task Links_in_a_circle_are_found_out()
    {
        FakeSite site = new FakeSite().WithTokens().On(Devices, r => FakeSite.Json(
            $$"""{"items":[{{FakeSite.DeviceJson(r.Number("c", 0))}}],"next":"?c={{(r.Number("c", 0) % 3) + 1}}"}"""));
        using SiteClient client = site.Client(o => o with { Profile = ApiProfile.Parse("""{"paging":{"style":"nextLink"}}""") });

        Assert.Equal("EndlessList", (await Assert.ThrowsAsync<AlloyScanException>(() => PagesAsync(client))).ErrorId);
    }

    [Fact]
    public async Task The_next_page_is_asked_for_while_the_consumer_works_and_no_more_than_one()
    {
        FakeSite site = new FakeSite().WithTokens().WithList(Devices, Items(10), maxPage: 2);
        using SiteClient client = site.Client();

        await using IAsyncEnumerator<DevicePage> pages = client.ReadDevicePagesAsync(default).GetAsyncEnumerator();
        Assert.True(await pages.MoveNextAsync());
        await site.ReachedAsync(Devices, 2);

        Assert.Equal(2, site.Count(Devices));
    }

    [Fact]
    public async Task Whoever_takes_a_few_devices_pays_for_one_page()
    {
        FakeSite site = new FakeSite().WithTokens().WithList(Devices, Items(50), maxPage: 10);
        using SiteClient client = site.Client();

        List<Device> taken = [];
        await foreach (Device device in client.ReadDevicesAsync(null, null, default))
        {
            taken.Add(device);
            if (taken.Count == 3)
            {
                break;
            }
        }

        Assert.Equal(1, site.Count(Devices));
    }

    [Fact]
    public async Task A_consumer_that_stops_calls_off_the_page_ahead()
    {
        TaskCompletionSource calledOff = new();
        FakeSite site = new FakeSite().WithTokens().OnAsync(Devices, async (r, token) =>
        {
            if (r.Number("offset", 0) > 0)
            {
                await Task.Delay(Timeout.Infinite, token).ContinueWith(_ => calledOff.SetResult(), default, TaskContinuationOptions.None, TaskScheduler.Default);
                token.ThrowIfCancellationRequested();
            }

            return FakeSite.Json(FakeSite.List(Items(1), 2));
        });
        using SiteClient client = site.Client();

        await foreach (DevicePage page in client.ReadDevicePagesAsync(default))
        {
            await site.ReachedAsync(Devices, 2);
            break;
        }

        await calledOff.Task.WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task Devices_are_filtered_by_the_site()
    {
        FakeSite site = new FakeSite().WithTokens().WithList(Devices, Items(1));
        using SiteClient client = site.Client();

        await foreach (Device device in client.ReadDevicesAsync(new DeviceQuery { Type = "computer", Tag = "R&D", Search = "a b=c" }, null, default))
        {
            Assert.Equal("d1", device.Id);
        }

        SeenRequest list = site.Requests.Last();
        Assert.Equal(("computer", "R&D", "a b=c"), (list.Query("type"), list.Query("tag"), list.Query("q")));
    }

    [Fact]
    public async Task The_software_catalog_is_read_in_pages()
    {
        FakeSite site = new FakeSite().WithTokens().WithList(
            "/api/v1/software",
            [
                """{"id":"p1","name":"7-Zip","version":"24.08","publisher":"Igor Pavlov","softwareGroup":"Regular","installations":12}""",
                """{"id":"p2","name":"Tor","publisher":null,"softwareGroup":"Forbidden"}""",
            ],
            maxPage: 1);
        using SiteClient client = site.Client();

        List<CatalogProduct> products = [];
        await foreach (CatalogProduct product in client.ReadSoftwareAsync(new SoftwareQuery { SoftwareGroup = "Forbidden", GroupByName = true, Search = "t" }, default))
        {
            products.Add(product);
        }

        Assert.Equal(
            [
                new CatalogProduct { Id = "p1", Name = "7-Zip", Version = "24.08", Publisher = "Igor Pavlov", SoftwareGroup = "Regular", Installations = 12 },
                new CatalogProduct { Id = "p2", Name = "Tor", SoftwareGroup = "Forbidden" },
            ],
            products);
        SeenRequest list = site.Requests.Last();
        Assert.Equal(("Forbidden", "name", "t"), (list.Query("softwareGroup"), list.Query("groupBy"), list.Query("q")));
    }

    [Fact]
    public async Task A_list_that_is_a_bare_array_can_be_read_by_profile()
    {
        FakeSite site = new FakeSite().WithTokens().On(Devices, r => FakeSite.Json(r.Query("offset") == "0" ? $"[{FakeSite.DeviceJson(1)}]" : "[]"));
        using SiteClient client = site.Client(o => o with { Profile = ApiProfile.Parse("""{"envelope":{"items":"","total":null}}""") });

        Assert.Equal(["d1"], (await PagesAsync(client)).SelectMany(p => p.Devices).Select(d => d.Id));
    }

    [Theory]
    [InlineData("""{"devices":[]}""")]
    [InlineData("""{"items":null}""")]
    [InlineData("""{"items":{}}""")]
    [InlineData("""{"items":"x"}""")]
    [InlineData("[]")]
    public async Task An_answer_without_the_list_is_never_an_empty_site(string body)
    {
        FakeSite site = new FakeSite().WithTokens().On(Devices, _ => FakeSite.Json(body));
        using SiteClient client = site.Client();

        SiteException e = await Assert.ThrowsAsync<SiteException>(() => PagesAsync(client));

        Assert.Equal((ErrorKind.InvalidData, "UnexpectedAnswer"), (e.Kind, e.ErrorId));
        Assert.Contains("items", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_escaped_dot_is_part_of_a_name()
    {
        FakeSite site = new FakeSite().WithTokens().On(Devices, _ => FakeSite.Json($$"""{"value":[{{FakeSite.DeviceJson(1)}}],"@odata.count":1}"""));
        using SiteClient client = site.Client(o => o with { Profile = ApiProfile.Parse("""{"envelope":{"items":"value","total":"@odata\\.count"}}""") });

        Assert.Equal(1, Assert.Single(await PagesAsync(client)).Total);
    }

    [Fact]
    public async Task A_failing_page_in_the_middle_fails_the_pass()
    {
        FakeSite site = new FakeSite().WithTokens().On(Devices, r => r.Query("offset") == "0"
            ? FakeSite.Json(FakeSite.List(Items(2), 4))
            : FakeSite.Status((int)HttpStatusCode.Forbidden));
        using SiteClient client = site.Client();

        Assert.Equal("PermissionDenied", (await Assert.ThrowsAsync<SiteException>(() => PagesAsync(client))).ErrorId);
    }
}
