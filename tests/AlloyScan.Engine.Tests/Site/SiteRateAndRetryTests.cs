using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Authentication;
using AlloyScan.Engine.Site;
using Xunit;

namespace AlloyScan.Engine.Tests.Site;

public sealed class SiteRateAndRetryTests
{
    private const string DevicePath = "/api/v1/devices/d1";

    private static readonly TimeSpan s_second = TimeSpan.FromSeconds(1);

    private static FakeSite Site(params Func<SeenRequest, HttpResponseMessage>[] answers) => new FakeSite().WithTokens().OnEach(DevicePath, answers);

    private static HttpResponseMessage Device(SeenRequest request) => FakeSite.DeviceOf(request);

    private static Func<SeenRequest, HttpResponseMessage> Limited(RetryConditionHeaderValue? after = null, int status = 429) => _ =>
    {
        HttpResponseMessage response = FakeSite.Status(status, """{"error":"rate_limited","message":"API workload limit exceeded"}""");
        response.Headers.RetryAfter = after;
        return response;
    };

    [Fact]
    public async Task Retry_after_in_seconds_is_obeyed()
    {
        FakeSite site = Site(Limited(new RetryConditionHeaderValue(TimeSpan.FromSeconds(7))), Device);
        using SiteClient client = site.Client();

        Assert.NotNull(await client.ReadDeviceAsync("d1", default));

        Assert.Equal([TimeSpan.FromSeconds(7)], site.Time.Waits);
        Assert.Equal(3, client.Usage.Calls);
        Assert.Contains(site.Traces, t => t.Contains("429", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Retry_after_as_a_date_is_obeyed()
    {
        FakeSite site = new();
        site.WithTokens().OnEach(DevicePath, Limited(new RetryConditionHeaderValue(site.Time.GetUtcNow().AddSeconds(20))), Device);
        using SiteClient client = site.Client();

        Assert.NotNull(await client.ReadDeviceAsync("d1", default));

        Assert.Equal([TimeSpan.FromSeconds(20)], site.Time.Waits);
    }

    [Fact]
    public async Task Without_retry_after_the_waits_double_from_one_second()
    {
        FakeSite site = Site(Limited(), Limited(), Limited(), Device);
        using SiteClient client = site.Client();

        Assert.NotNull(await client.ReadDeviceAsync("d1", default));

        Assert.Equal([s_second, 2 * s_second, 4 * s_second], site.Time.Waits);
    }

    [Fact]
    public async Task Jitter_lengthens_a_wait_by_at_most_half()
    {
        FakeSite site = Site(Limited(), Device);
        using SiteClient client = site.Client(o => o with { Randomizer = () => 0.5 });

        await client.ReadDeviceAsync("d1", default);

        Assert.Equal([1.25 * s_second], site.Time.Waits);
    }

    [Fact]
    public async Task A_429_that_never_ends_is_an_error_after_ten_tries()
    {
        FakeSite site = Site(Limited());
        using SiteClient client = site.Client();

        SiteException e = await Assert.ThrowsAsync<SiteException>(() => client.ReadDeviceAsync("d1", default));

        Assert.Equal((ErrorKind.LimitsExceeded, "RateLimited", 429), (e.Kind, e.ErrorId, e.StatusCode));
        Assert.Contains("API workload limit exceeded", e.Message, StringComparison.Ordinal);
        Assert.Equal(10, site.Count(DevicePath));
        Assert.All(site.Time.Waits, w => Assert.True(w <= TimeSpan.FromSeconds(60)));
    }

    [Fact]
    public async Task A_wait_of_hours_is_refused_at_once()
    {
        FakeSite site = Site(Limited(new RetryConditionHeaderValue(TimeSpan.FromHours(5))));
        using SiteClient client = site.Client();

        SiteException e = await Assert.ThrowsAsync<SiteException>(() => client.ReadDeviceAsync("d1", default));

        Assert.Equal("RateLimited", e.ErrorId);
        Assert.Contains("300 minutes", e.Message, StringComparison.Ordinal);
        Assert.Empty(site.Time.Waits);
        Assert.Equal(1, site.Count(DevicePath));
    }

    [Fact]
    public async Task A_429_halves_the_concurrency_and_successes_bring_it_back()
    {
        FakeSite site = Site(Limited(), Device);
        using SiteClient client = site.Client();
        Assert.Equal(4, client.CurrentConcurrency);

        await client.ReadDeviceAsync("d1", default);
        Assert.Equal(2, client.CurrentConcurrency);

        for (int i = 0; i < 40; i++)
        {
            await client.ReadDeviceAsync("d1", default);
        }

        Assert.Equal(8, client.CurrentConcurrency);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(8)]
    public async Task Never_more_requests_at_once_than_the_throttle_limit(int limit)
    {
        FakeSite site = new FakeSite().WithTokens().OnAsync(DevicePath, async (_, token) =>
        {
            await Task.Delay(1, token);
            return FakeSite.Json(FakeSite.DeviceJson(1));
        });
        using SiteClient client = site.Client(o => o with { ThrottleLimit = limit });

        await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => client.ReadDeviceAsync("d1", default)));

        Assert.InRange(site.Peak, 1, limit);
        Assert.Equal(200, site.Count(DevicePath));
    }

    [Theory]
    [InlineData(500)]
    [InlineData(502)]
    [InlineData(503)]
    public async Task A_failing_server_gets_five_tries_exactly(int status)
    {
        FakeSite site = Site(_ => FakeSite.Status(status, "<html><title>Bad &amp; broken</title></html>"));
        using SiteClient client = site.Client();

        SiteException e = await Assert.ThrowsAsync<SiteException>(() => client.ReadDeviceAsync("d1", default));

        Assert.Equal((ErrorKind.ResourceUnavailable, "SiteFailed", status), (e.Kind, e.ErrorId, e.StatusCode));
        Assert.Equal(5, site.Count(DevicePath));
        Assert.Equal([s_second, 2 * s_second, 4 * s_second, 8 * s_second], site.Time.Waits);
        Assert.Contains("HTML page 'Bad & broken'", e.Message, StringComparison.Ordinal);
        Assert.Contains("Tried 5 times", e.Message, StringComparison.Ordinal);
        Assert.Equal("d1", e.Target);
    }

    [Fact]
    public async Task A_503_with_retry_after_is_obeyed()
    {
        FakeSite site = Site(Limited(new RetryConditionHeaderValue(TimeSpan.FromSeconds(33)), 503), Device);
        using SiteClient client = site.Client();

        Assert.NotNull(await client.ReadDeviceAsync("d1", default));
        Assert.Equal([TimeSpan.FromSeconds(33)], site.Time.Waits);
    }

    [Fact]
    public async Task A_deletion_is_retried_and_404_counts_as_deleted()
    {
        FakeSite site = Site(_ => FakeSite.Status(502), _ => FakeSite.Status(404));
        using SiteClient client = site.Client();

        await client.DeleteDeviceAsync("d1", default);

        Assert.Equal(["DELETE", "DELETE"], site.Requests.Where(r => r.Path == DevicePath).Select(r => r.Method));
    }

    [Theory]
    [InlineData(200)]
    [InlineData(202)]
    [InlineData(204)]
    public async Task A_deletion_succeeds_with_any_good_status(int status)
    {
        FakeSite site = Site(_ => FakeSite.Status(status));
        using SiteClient client = site.Client();

        await client.DeleteDeviceAsync("d1", default);
        Assert.Equal(1, site.Count(DevicePath));
    }

    [Theory]
    [InlineData(400, ErrorKind.InvalidData, "UnexpectedStatus")]
    [InlineData(403, ErrorKind.PermissionDenied, "PermissionDenied")]
    [InlineData(409, ErrorKind.ResourceBusy, "Conflict")]
    [InlineData(418, ErrorKind.InvalidData, "UnexpectedStatus")]
    public async Task Other_failures_are_not_retried_and_quote_the_site(int status, ErrorKind kind, string errorId)
    {
        FakeSite site = Site(_ => FakeSite.Status(status, """{"error":"code_7","message":"Not with this registration"}"""));
        using SiteClient client = site.Client();

        SiteException e = await Assert.ThrowsAsync<SiteException>(() => client.ReadDeviceAsync("d1", default));

        Assert.Equal((kind, errorId, status, DevicePath), (e.Kind, e.ErrorId, e.StatusCode, e.RequestPath));
        Assert.Equal("code_7: Not with this registration", e.ServerMessage);
        Assert.Contains(e.ServerMessage!, e.Message, StringComparison.Ordinal);
        Assert.Equal(1, site.Count(DevicePath));
        Assert.Empty(site.Time.Waits);
    }

    [Fact]
    public async Task The_words_of_the_site_are_shortened_to_one_line()
    {
        FakeSite site = Site(_ => FakeSite.Status(403, "no\r\n\t  way " + new string('x', 10_000)));
        using SiteClient client = site.Client();

        SiteException e = await Assert.ThrowsAsync<SiteException>(() => client.ReadDeviceAsync("d1", default));

        Assert.StartsWith("no way xxx", e.ServerMessage, StringComparison.Ordinal);
        Assert.True(e.ServerMessage!.Length <= 500);
        Assert.DoesNotContain('\n', e.Message);
    }

    [Fact]
    public async Task A_404_of_an_item_is_null_and_a_404_of_the_list_is_a_wrong_path()
    {
        FakeSite site = new FakeSite().WithTokens();
        using SiteClient client = site.Client();

        Assert.Null(await client.ReadDeviceAsync("d1", default));
        Assert.Null(await client.ReadSnapshotAsync("a1", default));
        SiteException e = await Assert.ThrowsAsync<SiteException>(async () => await client.ReadDevicePagesAsync(default).GetAsyncEnumerator().MoveNextAsync());

        Assert.Equal((ErrorKind.NotFound, "WrongApiPath"), (e.Kind, e.ErrorId));
        Assert.Contains("/api/v1/devices", e.Message, StringComparison.Ordinal);
        Assert.Contains("profile", e.Advice, StringComparison.Ordinal);
    }

    public static TheoryData<Exception, string, int> TransportFailures => new()
    {
        { new HttpRequestException(HttpRequestError.NameResolutionError, "no name", new SocketException((int)SocketError.HostNotFound)), "HostNotFound", 1 },
        { new HttpRequestException(HttpRequestError.SecureConnectionError, "tls", new AuthenticationException("certificate expired")), "TlsFailed", 1 },
        { new HttpRequestException(HttpRequestError.ConnectionError, "refused", new SocketException((int)SocketError.ConnectionRefused)), "SiteUnreachable", 5 },
        { new HttpRequestException("reset", new IOException("reset by peer", new SocketException((int)SocketError.ConnectionReset))), "ConnectionBroken", 5 },
        { new HttpRequestException(HttpRequestError.InvalidResponse, "odd"), "ConnectionBroken", 5 },
        { new HttpRequestException(HttpRequestError.ProxyTunnelError, "407"), "ProxyRefused", 1 },
    };

    [Theory]
    [MemberData(nameof(TransportFailures))]
    public async Task Failures_of_the_transport_name_the_address(Exception failure, string errorId, int tries)
    {
        FakeSite site = new FakeSite().OnDefault(_ => throw failure);
        using SiteClient client = site.Client();

        AlloyScanException e = await Assert.ThrowsAsync<AlloyScanException>(() => client.ReadDeviceAsync("d1", default));

        Assert.Equal((ErrorKind.Connection, errorId), (e.Kind, e.ErrorId));
        Assert.Contains("acme.alloyservice.example", e.Message, StringComparison.Ordinal);
        Assert.Equal(tries, site.Requests.Count);
        Assert.Same(failure, e.InnerException);
    }

    [Fact]
    public async Task A_name_that_was_found_once_is_tried_again_when_it_is_lost()
    {
        int calls = 0;
        FakeSite site = new FakeSite().WithTokens().On(DevicePath, r => ++calls < 3
            ? throw new HttpRequestException(HttpRequestError.NameResolutionError, "no name", new SocketException((int)SocketError.HostNotFound))
            : Device(r));
        using SiteClient client = site.Client();

        Assert.NotNull(await client.ReadDeviceAsync("d1", default));
    }

    [Fact]
    public async Task A_request_that_takes_too_long_is_tried_again_and_told()
    {
        FakeSite site = new();
        site.WithTokens().OnAsync(DevicePath, async (_, token) =>
        {
            site.Time.Advance(TimeSpan.FromMinutes(21));
            await Task.Delay(Timeout.Infinite, token);
            throw new InvalidOperationException();
        });
        using SiteClient client = site.Client(o => o with { Timeout = TimeSpan.FromMinutes(20) });

        AlloyScanException e = await Assert.ThrowsAsync<AlloyScanException>(() => client.ReadDeviceAsync("d1", default));

        Assert.Equal((ErrorKind.Timeout, "SiteTimeout"), (e.Kind, e.ErrorId));
        Assert.Contains("1200 s", e.Message, StringComparison.Ordinal);
        Assert.Equal(5, site.Count(DevicePath));
    }

    [Fact]
    public async Task A_429_pauses_everybody()
    {
        TimeSpan pause = TimeSpan.FromSeconds(30);
        FakeSite site = new();
        DateTimeOffset limitedAt = default;
        site.WithTokens()
            .OnEach("/api/v1/devices/first", _ => Limited(new RetryConditionHeaderValue(pause))(_!), Device)
            .On(DevicePath, r =>
            {
                Assert.True(site.Time.GetUtcNow() >= limitedAt + pause);
                return Device(r);
            });
        using SiteClient client = site.Client();
        await client.AuthenticateAsync(default);
        limitedAt = site.Time.GetUtcNow();

        Task<Inventory.Device?> first = client.ReadDeviceAsync("first", default);
        await first;
        await client.ReadDeviceAsync("d1", default);

        Assert.Equal([pause], site.Time.Waits);
    }

    [Fact]
    public async Task Redirects_to_another_host_are_refused_and_the_token_stays_here()
    {
        FakeSite site = Site(_ => Redirect("https://evil.example/api/v1/devices/d1"));
        using SiteClient client = site.Client();

        SiteException e = await Assert.ThrowsAsync<SiteException>(() => client.ReadDeviceAsync("d1", default));

        Assert.Equal("RedirectRefused", e.ErrorId);
        Assert.Contains("https://evil.example", e.Message, StringComparison.Ordinal);
        Assert.All(site.Requests, r => Assert.Equal("acme.alloyservice.example", r.Uri.Host));
    }

    [Theory]
    [InlineData("http://acme.alloyservice.example/x")]
    [InlineData("https://acme.alloyservice.example:8443/x")]
    [InlineData("https://acme.alloyservice.example@evil.example/x")]
    [InlineData("//evil.example/x")]
    public async Task Another_scheme_or_port_is_another_host(string location)
    {
        FakeSite site = Site(_ => Redirect(location));
        using SiteClient client = site.Client();

        SiteException e = await Assert.ThrowsAsync<SiteException>(() => client.ReadDeviceAsync("d1", default));

        Assert.Equal("RedirectRefused", e.ErrorId);
        Assert.Equal(2, site.Requests.Count);
    }

    [Fact]
    public async Task A_redirect_on_the_same_host_is_followed_for_a_reading_three_times()
    {
        FakeSite site = Site(_ => Redirect("/v2/a")).On("/v2/a", _ => Redirect("b")).On("/v2/b", _ => Redirect(FakeSite.Base + "/v2/c")).On("/v2/c", Device);
        using SiteClient client = site.Client();

        Assert.NotNull(await client.ReadDeviceAsync("d1", default));
        Assert.Equal(5, client.Usage.Calls);

        site.On("/v2/c", _ => Redirect("/v2/a"));
        SiteException e = await Assert.ThrowsAsync<SiteException>(() => client.ReadDeviceAsync("d1", default));
        Assert.Equal("RedirectRefused", e.ErrorId);
    }

    [Fact]
    public async Task A_redirect_is_not_followed_for_the_token_or_a_deletion()
    {
        FakeSite site = Site(_ => Redirect("/other"));
        using SiteClient client = site.Client();
        Assert.Equal("RedirectRefused", (await Assert.ThrowsAsync<SiteException>(() => client.DeleteDeviceAsync("d1", default))).ErrorId);

        site.On("/api/oauth/token", _ => Redirect("/other", 307));
        Assert.Equal("RedirectRefused", (await Assert.ThrowsAsync<SiteException>(() => client.AuthenticateAsync(default))).ErrorId);
        Assert.Equal(0, site.Count("/other"));
    }

    private static HttpResponseMessage Redirect(string location, int status = 302)
    {
        HttpResponseMessage response = new((HttpStatusCode)status);
        response.Headers.Location = new Uri(location, UriKind.RelativeOrAbsolute);
        return response;
    }
}
