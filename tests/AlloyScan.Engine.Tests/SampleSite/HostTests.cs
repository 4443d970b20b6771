using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text.Json;
using AlloyScan.SampleSite;
using Xunit;

namespace AlloyScan.Engine.Tests.SampleSite;

public sealed class HostTests
{
    [Fact]
    public async Task The_site_listens_on_loopback_only()
    {
        await using var site = await TestSite.StartAsync(new SampleSiteOptions { Devices = 1 });

        Assert.Equal("127.0.0.1", site.Host.BaseUrl.Host);
        var others = System.Net.NetworkInformation.IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpListeners().Where(l => l.Port == site.Host.BaseUrl.Port);
        Assert.All(others, listener => Assert.Equal(IPAddress.Loopback, listener.Address));
    }

    [Fact]
    public async Task The_environment_cannot_open_the_site_to_the_network()
    {
        var before = Environment.GetEnvironmentVariable("ASPNETCORE_URLS");
        Environment.SetEnvironmentVariable("ASPNETCORE_URLS", "http://0.0.0.0:0");
        try
        {
            await using var site = await TestSite.StartAsync(new SampleSiteOptions { Devices = 1 });
            Assert.Equal("127.0.0.1", site.Host.BaseUrl.Host);
        }
        finally
        {
            Environment.SetEnvironmentVariable("ASPNETCORE_URLS", before);
        }
    }

    [Fact]
    public async Task A_stopped_site_frees_its_port()
    {
        var site = await TestSite.StartAsync(new SampleSiteOptions { Devices = 1 });
        var port = site.Host.BaseUrl.Port;
        await site.DisposeAsync();

        using var client = new TcpClient();
        await Assert.ThrowsAsync<SocketException>(() => client.ConnectAsync(IPAddress.Loopback, port));
        await using var again = await TestSite.StartAsync(new SampleSiteOptions { Devices = 1, Port = port });
        Assert.Equal(port, again.Host.BaseUrl.Port);
    }

    [Fact]
    public async Task A_slug_is_part_of_the_sites_URL_and_of_no_API_path()
    {
        await using var site = await TestSite.StartAsync(new SampleSiteOptions { Devices = 1, Slug = "hq" });

        Assert.Equal("/hq", site.Host.SiteUrl.AbsolutePath);
        Assert.Equal("/", site.Host.BaseUrl.AbsolutePath);
        using var page = await site.Http.GetAsync("hq");
        Assert.Equal("text/html", page.Content.Headers.ContentType?.MediaType);
    }

    [Fact]
    public async Task Moving_the_day_moves_the_list_and_back_again_gives_the_same()
    {
        await using var site = await TestSite.StartAsync(new SampleSiteOptions { Devices = 200 });
        var before = (await site.GetAsync("api/v1/devices?limit=200")).GetRawText();

        site.State.Day = 9;
        var after = (await site.GetAsync("api/v1/devices?limit=200")).GetRawText();
        site.State.Day = 0;

        Assert.NotEqual(before, after);
        Assert.Equal(before, (await site.GetAsync("api/v1/devices?limit=200")).GetRawText());
    }

    [Fact]
    public async Task A_sick_list_leaves_out_devices_that_still_answer_and_hidden_ones_do_not()
    {
        await using var site = await TestSite.StartAsync(new SampleSiteOptions { Devices = 100 });

        site.State.ListedShare = 0.3;
        Assert.Equal(30, (await site.GetAsync("api/v1/devices")).GetProperty("total").GetInt32());
        await site.GetAsync($"api/v1/devices/{site.Fleet.DeviceId(99)}");
        site.State.ListedShare = 1;
        site.State.Hide([3, 4, 99]);
        Assert.Equal(97, (await site.GetAsync("api/v1/devices")).GetProperty("total").GetInt32());
        using var hidden = await site.Http.GetAsync($"api/v1/devices/{site.Fleet.DeviceId(99)}");
        await TestSite.ErrorAsync(hidden, HttpStatusCode.NotFound);
        site.State.ShowHidden();
        Assert.Equal(100, site.State.Count);
    }

    [Fact]
    public async Task Requests_are_counted_by_route_and_status()
    {
        await using var site = await TestSite.StartAsync(new SampleSiteOptions { Devices = 5 });
        await site.GetAsync($"api/v1/devices/{site.Fleet.DeviceId(1)}");
        await site.GetAsync($"api/v1/devices/{site.Fleet.DeviceId(2)}");
        using var missing = await site.Http.GetAsync($"api/v1/devices/{Guid.NewGuid()}");

        // The counter is moved after the answer is on its way.
        Assert.True(SpinWait.SpinUntil(() => site.State.Log.Requests == 4, TimeSpan.FromSeconds(5)));
        Assert.Equal(3, site.State.Log.CountOf("GET /api/v1/devices/{id}"));
        Assert.Contains(new SampleSiteCalls("GET /api/v1/devices/{id}", 404, 1), site.State.Log.Calls);
        Assert.Equal(1, site.State.Log.CountOf("POST /api/oauth/token"));
        site.State.Log.Reset();
        Assert.Equal(0, site.State.Log.Requests);
    }

    [Fact]
    public async Task The_access_log_names_requests_and_holds_no_secret()
    {
        var path = Path.Combine(Path.GetTempPath(), $"sample-site-{Guid.NewGuid():N}.log");
        try
        {
            string secret, token;
            await using (var site = await TestSite.StartAsync(new SampleSiteOptions { Devices = 5, AccessLogPath = path }))
            {
                secret = site.Host.ClientSecret;
                token = site.Http.DefaultRequestHeaders.Authorization!.Parameter!;
                await site.GetAsync($"api/v1/devices?limit=2&offset=1&q={secret}&access_token={token}");
                Assert.True(SpinWait.SpinUntil(() => site.State.Log.Requests == 2, TimeSpan.FromSeconds(5)));
            }

            var lines = await File.ReadAllLinesAsync(path);
            Assert.Equal(2, lines.Length);
            Assert.Contains(" POST /api/oauth/token 200 ", lines[0], StringComparison.Ordinal);
            Assert.Contains(" GET /api/v1/devices?limit=2&offset=1 200 ", lines[1], StringComparison.Ordinal);
            Assert.All(lines, line => Assert.False(line.Contains(secret, StringComparison.Ordinal) || line.Contains(token, StringComparison.Ordinal)));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Above_the_rate_limit_the_site_answers_429_until_the_second_is_over(bool retryAfter)
    {
        var clock = new HandClock();
        await using var site = await TestSite.StartAsync(new SampleSiteOptions { Devices = 5, RateLimitPerSecond = 3, RetryAfter = retryAfter, Clock = clock });
        await site.GetAsync("api/v1/devices");
        await site.GetAsync("api/v1/devices");

        using var over = await site.Http.GetAsync("api/v1/devices");

        Assert.Equal("rate_limited", await TestSite.ErrorAsync(over, HttpStatusCode.TooManyRequests));
        Assert.Equal(retryAfter ? TimeSpan.FromSeconds(1) : null, over.Headers.RetryAfter?.Delta);
        clock.Advance(TimeSpan.FromSeconds(1));
        await site.GetAsync("api/v1/devices");
    }

    [Fact]
    public async Task Bodies_can_be_chunked_or_compressed()
    {
        await using var plain = await TestSite.StartAsync(new SampleSiteOptions { Devices = 300 });
        await using var chunked = await TestSite.StartAsync(new SampleSiteOptions { Devices = 300, Chunked = true });
        await using var zipped = await TestSite.StartAsync(new SampleSiteOptions { Devices = 300, Gzip = true });
        zipped.Http.DefaultRequestHeaders.AcceptEncoding.Add(new StringWithQualityHeaderValue("gzip"));
        const string Page = "api/v1/devices?limit=200";
        var expected = await plain.Http.GetStringAsync(Page);

        using var inOne = await plain.Http.GetAsync(Page, HttpCompletionOption.ResponseHeadersRead);
        using var inChunks = await chunked.Http.GetAsync(Page, HttpCompletionOption.ResponseHeadersRead);
        using var inGzip = await zipped.Http.GetAsync(Page, HttpCompletionOption.ResponseHeadersRead);
        await using var unzipped = new GZipStream(await inGzip.Content.ReadAsStreamAsync(), CompressionMode.Decompress);
        using var reader = new StreamReader(unzipped);

        Assert.Null(inOne.Headers.TransferEncodingChunked);
        Assert.Equal(expected.Length, inOne.Content.Headers.ContentLength);
        Assert.True(inChunks.Headers.TransferEncodingChunked);
        Assert.Equal(expected, await inChunks.Content.ReadAsStringAsync());
        Assert.Equal("gzip", Assert.Single(inGzip.Content.Headers.ContentEncoding));
        Assert.Equal(expected, await reader.ReadToEndAsync());
    }

    [Fact]
    public async Task A_site_can_be_controlled_over_HTTP_with_its_own_token()
    {
        await using var site = await TestSite.StartAsync(new SampleSiteOptions { Devices = 200 });
        using var stranger = new HttpClient { BaseAddress = site.Host.BaseUrl };

        using var refused = await stranger.PostAsync("_sample/day", new StringContent("""{"day":2}"""));
        Assert.Equal(0, site.State.Day);
        using var moved = await site.SendAsync(HttpMethod.Post, "_sample/day", """{"day":2}""");
        using var wrong = await site.SendAsync(HttpMethod.Post, "_sample/day", """{"day":-2}""");
        var log = await site.GetAsync("_sample/log");
        using var revoked = await site.SendAsync(HttpMethod.Post, "_sample/revoke-tokens");
        using var after = await site.Http.GetAsync("_sample/log");

        await TestSite.ErrorAsync(refused, HttpStatusCode.Unauthorized);
        Assert.Equal(2, (await TestSite.JsonAsync(moved)).GetProperty("day").GetInt32());
        Assert.Equal(2, site.State.Day);
        await TestSite.ErrorAsync(wrong, HttpStatusCode.BadRequest);
        Assert.True(log.GetProperty("requests").GetInt64() >= 3);
        Assert.Equal(HttpStatusCode.NoContent, revoked.StatusCode);
        await TestSite.ErrorAsync(after, HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task A_path_that_takes_no_such_verb_says_so()
    {
        await using var site = await TestSite.StartAsync(new SampleSiteOptions { Devices = 1 });

        using var reply = await site.SendAsync(HttpMethod.Post, "api/v1/devices", "{}");

        Assert.Equal("method_not_allowed", await TestSite.ErrorAsync(reply, HttpStatusCode.MethodNotAllowed));
    }

    [Fact]
    public async Task Options_out_of_range_are_refused_by_name()
    {
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>("Devices", () => SampleSiteHost.StartAsync(new SampleSiteOptions { Devices = -1 }));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>("JunkRate", () => SampleSiteHost.StartAsync(new SampleSiteOptions { JunkRate = 2 }));
        await Assert.ThrowsAsync<ArgumentException>("Slug", () => SampleSiteHost.StartAsync(new SampleSiteOptions { Slug = "HQ/1" }));
        await Assert.ThrowsAsync<ArgumentException>("TokenPath", () => SampleSiteHost.StartAsync(new SampleSiteOptions { TokenPath = "token" }));
    }

    [Fact]
    public async Task A_million_devices_are_served_page_by_page()
    {
        await using var site = await TestSite.StartAsync(new SampleSiteOptions { Devices = 1_000_000, Day = 3 });

        var last = await site.GetAsync($"api/v1/devices?limit=200&offset={site.Fleet.Count(3) - 5}");

        Assert.Equal(5, last.GetProperty("items").GetArrayLength());
        Assert.Equal(site.Fleet.Born(3) - 1, Index(last.GetProperty("items")[4]));

        int Index(JsonElement row) => site.Fleet.TryGetIndex(row.GetProperty("id").GetGuid(), out var index) ? index : -1;
    }
}
