using AlloyScan.Engine.Site;
using AlloyScan.Engine.Site.Reading;
using Xunit;

namespace AlloyScan.Engine.Tests.Site;

public sealed class ApiProfileTests
{
    [Fact]
    public void The_default_is_the_documented_api()
    {
        ApiProfile profile = ApiProfile.Default;

        Assert.Equal("/api/oauth/token", profile.Paths.Token);
        Assert.Equal("/identity-server/connect/token", profile.Paths.TokenFallback);
        Assert.Equal("/api/v1/devices", profile.Paths.Devices);
        Assert.Equal(("items", "total"), (profile.Envelope.Items, profile.Envelope.Total));
        Assert.Equal((PagingStyle.Offset, 200), (profile.Paging.Style, profile.Paging.PageSize));
        Assert.Equal("hardware.cpu.name", profile.Snapshot["cpuName"]);
        Assert.Equal("serialNumber", profile.Device["serialNumber"]);
        profile.Validate();
    }

    [Fact]
    public void What_is_written_is_read_back()
    {
        ApiProfile profile = ApiProfile.Parse(
            """
            { // a comment is welcome
              "$schema": "x", "scope": "read",
              "paths": { "devices": "/{slug}/api/v2/devices", "tokenFallback": null },
              "envelope": { "items": "data.rows", "total": null },
              "paging": { "style": "PageNumber", "pageSize": 500, "firstPage": 0 },
              "device": { "name": "identity.display\\.name", "assetTag": null },
              "snapshot": { "cpuName": "cpu" }, "adapter": { "name": "a" }, "software": { "version": "v" }, "product": { "id": "p" }, "tag": { "id": "t" }
            }
            """);

        Assert.Equal(profile, ApiProfile.Parse(profile.ToJson()));
        Assert.NotEqual(ApiProfile.Default, profile);
        Assert.Equal(ApiProfile.Default, ApiProfile.Parse(ApiProfile.Default.ToJson()));
        Assert.Equal(ApiProfile.Default, ApiProfile.Parse("{}"));
        Assert.Equal("/{slug}/api/v2/devices", profile.Paths.Devices);
        Assert.Null(profile.Device["assetTag"]);
        Assert.Equal((PagingStyle.PageNumber, 500, 0), (profile.Paging.Style, profile.Paging.PageSize, profile.Paging.FirstPage));
    }

    [Theory]
    [InlineData("", "JSON")]
    [InlineData("[]", "object")]
    [InlineData("{", "JSON")]
    [InlineData("{} {}", "JSON")]
    [InlineData("""{"paths":{},"paths":{}}""", "paths")]
    [InlineData("""{"device":{"name":"a","name":"b"}}""", "name")]
    [InlineData("""{"pths":{}}""", "'pths' is not known. Known are: scope, paths")]
    [InlineData("""{"paths":{"devicez":"/x"}}""", "'paths.devicez' is not known")]
    [InlineData("""{"paths":[]}""", "'paths' must be an object, not a list")]
    [InlineData("""{"paths":null}""", "'paths' must be an object, not null")]
    [InlineData("""{"paths":{"devices":5}}""", "'paths.devices' must be a text, not a number")]
    [InlineData("""{"paths":{"devices":null}}""", "'paths.devices' must be a text, not null")]
    [InlineData("""{"paths":{"devices":""}}""", "'paths.devices'")]
    [InlineData("""{"paths":{"devices":"api/v1/devices"}}""", "'paths.devices'")]
    [InlineData("""{"paths":{"devices":"https://evil.example/devices"}}""", "stays on the site's own host")]
    [InlineData("""{"paths":{"token":"//evil.example/token"}}""", "stays on the site's own host")]
    [InlineData("""{"paths":{"token":"/\\evil.example/token"}}""", "stays on the site's own host")]
    [InlineData("""{"paths":{"tokenFallback":"\\\\evil.example"}}""", "'paths.tokenFallback'")]
    [InlineData("""{"paths":{"device":"/x/../{id}"}}""", "'..'")]
    [InlineData("""{"paths":{"device":"/x/%2e%2e/{id}"}}""", "'..'")]
    [InlineData("""{"paths":{"device":"/x y/{id}"}}""", "spaces")]
    [InlineData("""{"paths":{"device":"/x#{id}"}}""", "'#'")]
    [InlineData("""{"paths":{"device":"/x"}}""", "needs '{id}'")]
    [InlineData("""{"paths":{"devices":"/x/{id}"}}""", "no '{id}'")]
    [InlineData("""{"paths":{"devices":"/x/{site}"}}""", "only '{id}' and '{slug}'")]
    [InlineData("""{"envelope":{"items":null}}""", "'envelope.items'")]
    [InlineData("""{"envelope":{"items":"a..b"}}""", "'envelope.items'")]
    [InlineData("""{"envelope":{"total":"items.count"}}""", "envelope.total")]
    [InlineData("""{"paging":{"style":"cursor"}}""", "offset, pageNumber, nextLink")]
    [InlineData("""{"paging":{"style":"nextLink"},"envelope":{"nextLink":null}}""", "'envelope.nextLink'")]
    [InlineData("""{"paging":{"pageSize":0}}""", "from 1 to 10000")]
    [InlineData("""{"paging":{"pageSize":"200"}}""", "'paging.pageSize' must be a whole number, not a text")]
    [InlineData("""{"paging":{"pageSize":2.5}}""", "'paging.pageSize' must be a whole number")]
    [InlineData("""{"paging":{"pageSize":99999999999999999999}}""", "'paging.pageSize'")]
    [InlineData("""{"paging":{"limitParameter":"a&b"}}""", "'paging.limitParameter'")]
    [InlineData("""{"device":{"nam":"x"}}""", "'device.nam' is not known. Known are: id, name")]
    [InlineData("""{"device":{"name":7}}""", "'device.name' must be a text")]
    [InlineData("""{"device":{"name":""}}""", "'device.name'")]
    [InlineData("""{"device":{"name":".x"}}""", "'device.name'")]
    [InlineData("""{"device":{"id":null}}""", "'device.id' cannot be null")]
    [InlineData("""{"device":{"name":"id"}}""", "'device.name' is 'id', where 'device.id' stands already")]
    [InlineData("""{"device":{"name":"id.x"}}""", "'device.name' is 'id.x', which lies inside 'device.id'")]
    [InlineData("""{"snapshot":{"osName":"network"}}""", "inside")]
    public void A_slip_is_told_with_the_property(string json, string expected)
    {
        AlloyScanException e = Assert.Throws<AlloyScanException>(() => ApiProfile.Parse(json));

        Assert.Equal((ErrorKind.InvalidArgument, "InvalidApiProfile"), (e.Kind, e.ErrorId));
        Assert.Contains(expected, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_profile_put_together_in_code_is_checked_too()
    {
        ApiProfile profile = ApiProfile.Default with { Paths = new ApiPaths { Devices = "https://evil.example" } };

        Assert.Equal("InvalidApiProfile", Assert.Throws<AlloyScanException>(() => new FakeSite().Client(o => o with { Profile = profile })).ErrorId);
        Assert.Throws<AlloyScanException>(() => ApiProfile.Default.Device.With("nam", "x"));
        Assert.Throws<AlloyScanException>(() => ApiProfile.Default.Device.With("name", "a..b"));
    }

    [Fact]
    public async Task The_slug_is_filled_in()
    {
        FakeSite site = new FakeSite().WithTokens().On("/main/api/devices", _ => FakeSite.Json(FakeSite.List([], 0)));
        ApiProfile profile = ApiProfile.Parse("""{"paths":{"devices":"/{slug}/api/devices?v=2"}}""");
        using SiteClient client = site.Client(o => o with { Profile = profile });

        await foreach (DevicePage page in client.ReadDevicePagesAsync(default))
        {
            Assert.Equal(0, page.Total);
        }

        Assert.Equal("?v=2&limit=200&offset=0", site.Requests.Last().Uri.Query);
        AlloyScanException e = Assert.Throws<AlloyScanException>(() => site.Client(o => o with { Profile = profile, SiteUrl = new Uri(FakeSite.Base) }));
        Assert.Equal("InvalidSiteUrl", e.ErrorId);
    }

    /// <summary>The readers index their slots by number; a field moved in one place only would silently swap two values.</summary>
    [Fact]
    public void Numbers_and_names_of_fields_agree()
    {
        Check(typeof(ApiFields.Device), ApiFields.DeviceFields);
        Check(typeof(ApiFields.Tag), ApiFields.TagFields);
        Check(typeof(ApiFields.Snapshot), ApiFields.SnapshotFields);
        Check(typeof(ApiFields.Adapter), ApiFields.AdapterFields);
        Check(typeof(ApiFields.Software), ApiFields.SoftwareFields);
        Check(typeof(ApiFields.Product), ApiFields.ProductFields);
        Assert.Equal(ApiFields.SnapshotFields.Length, ApiFields.SnapshotLocations.Length);

        static void Check(Type numbers, string[] names)
        {
            System.Reflection.FieldInfo[] fields = numbers.GetFields(System.Reflection.BindingFlags.Static | System.Reflection.BindingFlags.NonPublic);
            Assert.Equal(names.Length, fields.Length);
            Assert.All(fields, f => Assert.Equal(f.Name, names[(int)f.GetRawConstantValue()!], ignoreCase: true));
        }
    }

    [Theory]
    [InlineData("http://acme.example", "InsecureSiteUrl")]
    [InlineData("ftp://acme.example", "InvalidSiteUrl")]
    [InlineData("file:///etc/passwd", "InvalidSiteUrl")]
    [InlineData("main", "InvalidSiteUrl")]
    [InlineData("https://user:pa55word@acme.example", "InvalidSiteUrl")]
    public void An_address_that_cannot_be_used_is_refused(string url, string errorId)
    {
        AlloyScanException e = Assert.Throws<AlloyScanException>(() => new FakeSite().Client(o => o with { SiteUrl = new Uri(url, UriKind.RelativeOrAbsolute) }));

        Assert.Equal((ErrorKind.InvalidArgument, errorId), (e.Kind, e.ErrorId));
        Assert.DoesNotContain("pa55word", e.ToString() + e.Target, StringComparison.Ordinal);
    }

    [Fact]
    public void Options_out_of_range_are_refused()
    {
        FakeSite site = new();
        Assert.Equal("InvalidThrottleLimit", Assert.Throws<AlloyScanException>(() => site.Client(o => o with { ThrottleLimit = 0 })).ErrorId);
        Assert.Equal("InvalidThrottleLimit", Assert.Throws<AlloyScanException>(() => site.Client(o => o with { ThrottleLimit = 65 })).ErrorId);
        Assert.Equal("InvalidTimeout", Assert.Throws<AlloyScanException>(() => site.Client(o => o with { Timeout = TimeSpan.Zero })).ErrorId);
        Assert.Equal("InvalidTimeout", Assert.Throws<AlloyScanException>(() => site.Client(o => o with { Timeout = TimeSpan.FromDays(1) })).ErrorId);
        Assert.Equal("InvalidClientId", Assert.Throws<AlloyScanException>(() => site.Client(o => o with { ClientId = " " })).ErrorId);
    }

    [Theory]
    [InlineData("http://localhost:5000/main")]
    [InlineData("http://127.0.0.1:5000")]
    [InlineData("http://[::1]:5000")]
    [InlineData("https://acme.example:8443/a/b/")]
    public void Https_and_loopback_are_welcome(string url)
    {
        using SiteClient client = new FakeSite().Client(o => o with { SiteUrl = new Uri(url) });
        Assert.Equal(new SiteUsage(0, 0), client.Usage);
    }

    [Fact]
    public void Texts_that_come_again_are_one_string()
    {
        StringCache cache = new();
        string[] texts = [.. Enumerable.Range(0, 20_000).Select(i => $"text {i}"), "", "ü", new string('x', 96), new string('x', 97), "a\0b"];
        foreach (string text in texts)
        {
            Assert.Equal(text, cache.Get(System.Text.Encoding.UTF8.GetBytes(text)));
            Assert.Equal(text, cache.Get(System.Text.Encoding.UTF8.GetBytes(text)));
        }

        Assert.Same(cache.Get("Microsoft Corporation"u8), cache.Get("Microsoft Corporation"u8));
        Assert.Equal("\uFFFD", cache.Get([0xFF]));
    }
}
