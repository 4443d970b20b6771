using System.Net;
using AlloyScan.Engine.Credentials;
using AlloyScan.Engine.Site;
using Xunit;

namespace AlloyScan.Engine.Tests.Site;

public sealed class SiteTokenTests
{
    private const string TokenPath = "/api/oauth/token";
    private const string FallbackPath = "/identity-server/connect/token";
    private const string DevicePath = "/api/v1/devices/d1";

    private static FakeSite Site() => new FakeSite().WithTokens().On(DevicePath, _ => FakeSite.Json(FakeSite.DeviceJson(1)));

    [Fact]
    public async Task The_token_is_asked_for_by_client_credentials_and_sent_as_bearer()
    {
        FakeSite site = Site();
        using SiteClient client = site.Client();
        Assert.Null(client.TokenExpiresAt);

        await client.ReadDeviceAsync("d1", default);

        SeenRequest[] requests = [.. site.Requests];
        Assert.Equal(["POST /api/oauth/token", "GET /api/v1/devices/d1"], requests.Select(r => r.ToString()));
        Assert.Null(requests[0].Authorization);
        System.Collections.Specialized.NameValueCollection form = System.Web.HttpUtility.ParseQueryString(requests[0].Body!);
        Assert.Equal(("client_credentials", FakeSite.ClientId, FakeSite.Secret), (form["grant_type"], form["client_id"], form["client_secret"]));
        Assert.Equal("Bearer token-1", requests[1].Authorization);
        Assert.Equal(site.Time.GetUtcNow() + TimeSpan.FromHours(1), client.TokenExpiresAt);
    }

    [Fact]
    public async Task Clients_of_one_registration_share_the_token_and_others_do_not()
    {
        FakeSite site = Site();
        using SiteClient one = site.Client();
        using SiteClient two = site.Client(o => o with { SiteUrl = new Uri(FakeSite.Base + "/renamed-slug") });
        using SiteClient otherSecret = site.Client(o => o with { ClientSecret = new Secret("another") });
        using SiteClient otherId = site.Client(o => o with { ClientId = "client-0002" });

        foreach (SiteClient client in (SiteClient[])[one, two, otherSecret, otherId])
        {
            await client.ReadDeviceAsync("d1", default);
        }

        Assert.Equal(3, site.Count(TokenPath));
        Assert.Equal(["Bearer token-1", "Bearer token-1", "Bearer token-2", "Bearer token-3"], site.Requests.Where(r => r.Path == DevicePath).Select(r => r.Authorization));
    }

    [Fact]
    public async Task Concurrent_callers_share_one_token_request()
    {
        TaskCompletionSource open = new();
        FakeSite site = Site().OnAsync(TokenPath, async (_, _) =>
        {
            await open.Task;
            return FakeSite.Json("""{"access_token":"tok","expires_in":3600}""");
        });
        using SiteClient client = site.Client();

        Task[] calls = [.. Enumerable.Range(0, 20).Select(_ => client.ReadDeviceAsync("d1", default))];
        open.SetResult();
        await Task.WhenAll(calls);

        Assert.Equal(1, site.Count(TokenPath));
        Assert.Equal(21, client.Usage.Calls);
    }

    [Theory]
    [InlineData("3600", 3539, 3541)]
    [InlineData("\"3600\"", 3539, 3541)]
    [InlineData("100", 89, 91)]
    [InlineData("null", 3539, 3541)]
    [InlineData("0", 3539, 3541)]
    [InlineData("-5", 3539, 3541)]
    [InlineData("\"soon\"", 3539, 3541)]
    public async Task The_token_is_used_until_shortly_before_its_end(string expiresIn, int stillUsed, int noLongerUsed)
    {
        FakeSite site = Site().WithTokens(expiresIn);
        using SiteClient client = site.Client();

        await client.ReadDeviceAsync("d1", default);
        site.Time.Advance(TimeSpan.FromSeconds(stillUsed));
        await client.ReadDeviceAsync("d1", default);
        Assert.Equal(1, site.Count(TokenPath));

        site.Time.Advance(TimeSpan.FromSeconds(noLongerUsed - stillUsed));
        await client.ReadDeviceAsync("d1", default);
        Assert.Equal(2, site.Count(TokenPath));
    }

    [Fact]
    public async Task A_missing_or_absurd_life_is_borne()
    {
        FakeSite site = Site().OnEach(
            TokenPath,
            _ => FakeSite.Json("""{"access_token":"a"}"""),
            _ => FakeSite.Json("""{"access_token":"b","expires_in":1e300}"""));
        using SiteClient client = site.Client();

        await client.AuthenticateAsync(default);
        Assert.Equal(site.Time.GetUtcNow() + TimeSpan.FromHours(1), client.TokenExpiresAt);
        await client.AuthenticateAsync(default);
        Assert.Equal(site.Time.GetUtcNow() + TimeSpan.FromDays(30), client.TokenExpiresAt);
    }

    [Fact]
    public async Task The_second_endpoint_is_tried_on_404_and_remembered()
    {
        FakeSite site = new FakeSite { }.WithTokens(100, FallbackPath).On(DevicePath, _ => FakeSite.Json(FakeSite.DeviceJson(1)));
        using SiteClient client = site.Client();

        await client.ReadDeviceAsync("d1", default);
        site.Time.Advance(TimeSpan.FromSeconds(95));
        await client.ReadDeviceAsync("d1", default);
        using SiteClient another = site.Client();
        await another.AuthenticateAsync(default);

        Assert.Equal([TokenPath, FallbackPath, DevicePath, FallbackPath, DevicePath, FallbackPath], site.Requests.Select(r => r.Path));
        Assert.Equal(5, client.Usage.Calls);
    }

    [Fact]
    public async Task No_token_endpoint_at_all_is_told_with_the_path()
    {
        FakeSite site = new();
        using SiteClient client = site.Client();

        SiteException e = await Assert.ThrowsAsync<SiteException>(() => client.AuthenticateAsync(default));

        Assert.Equal((ErrorKind.NotFound, "WrongApiPath", 404), (e.Kind, e.ErrorId, e.StatusCode));
        Assert.Contains(FallbackPath, e.Message, StringComparison.Ordinal);
        Assert.NotNull(e.Advice);
    }

    [Theory]
    [InlineData(400)]
    [InlineData(401)]
    public async Task Invalid_client_is_an_authentication_error_with_advice(int status)
    {
        FakeSite site = Site().On(TokenPath, _ => FakeSite.Status(status, """{"error":"invalid_client","error_description":"Client not found"}"""));
        using SiteClient client = site.Client();

        SiteException e = await Assert.ThrowsAsync<SiteException>(() => client.ReadDeviceAsync("d1", default));

        Assert.Equal((ErrorKind.Authentication, "InvalidClient", status), (e.Kind, e.ErrorId, e.StatusCode));
        Assert.Equal(TokenPath, e.RequestPath);
        Assert.Contains("invalid_client: Client not found", e.Message, StringComparison.Ordinal);
        Assert.Contains("expired", e.Advice, StringComparison.Ordinal);
        Assert.Single(site.Requests);
    }

    [Fact]
    public async Task Wrong_credentials_are_tried_once_however_many_wait_for_the_answer()
    {
        TaskCompletionSource open = new();
        FakeSite site = Site().OnAsync(TokenPath, async (_, _) =>
        {
            await open.Task;
            return FakeSite.Status(401, """{"error":"invalid_client"}""");
        });
        using SiteClient client = site.Client();

        Task[] calls = [.. Enumerable.Range(0, 10).Select(_ => client.ReadDeviceAsync("d1", default))];
        open.SetResult();
        foreach (Task call in calls)
        {
            Assert.Equal("InvalidClient", (await Assert.ThrowsAsync<SiteException>(() => call)).ErrorId);
        }

        Assert.Single(site.Requests);
    }

    [Fact]
    public async Task Another_refusal_of_the_token_is_no_invalid_client()
    {
        FakeSite site = Site().On(TokenPath, _ => FakeSite.Status(400, """{"error":"invalid_scope"}"""));
        using SiteClient client = site.Client();

        SiteException e = await Assert.ThrowsAsync<SiteException>(() => client.AuthenticateAsync(default));

        Assert.Equal((ErrorKind.Authentication, "TokenRefused"), (e.Kind, e.ErrorId));
        Assert.Contains("invalid_scope", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_401_in_mid_run_gets_one_fresh_token_and_one_retry()
    {
        FakeSite site = Site().On(DevicePath, r => r.Authorization == "Bearer token-1" ? FakeSite.Status(401) : FakeSite.Json(FakeSite.DeviceJson(1)));
        using SiteClient client = site.Client();

        Assert.NotNull(await client.ReadDeviceAsync("d1", default));
        Assert.Equal([TokenPath, DevicePath, TokenPath, DevicePath], site.Requests.Select(r => r.Path));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_token_that_ends_while_a_call_waits_for_its_turn_is_not_sent(int throttleLimit)
    {
        FakeSite site = Site().WithTokens(100);
        using SiteClient client = site.Client(o => o with { ThrottleLimit = throttleLimit });
        await client.AuthenticateAsync(default);
        TaskCompletionSource open = new();
        site.OnAsync("/api/v1/devices/slow", async (r, _) =>
        {
            await open.Task;
            return FakeSite.DeviceOf(r);
        });
        Task[] holders = [.. Enumerable.Range(0, throttleLimit).Select(_ => client.ReadDeviceAsync("slow", default))];
        await site.ReachedAsync("/api/v1/devices/slow", throttleLimit);

        // Both have the first token in hand and find no place.
        Task[] waiting = [client.ReadDeviceAsync("d1", default), client.ReadDeviceAsync("d1", default)];
        site.Time.Advance(TimeSpan.FromSeconds(95));
        open.SetResult();
        await Task.WhenAll([.. holders, .. waiting]).WaitAsync(TimeSpan.FromSeconds(30));

        Assert.All(site.Requests.Where(r => r.Path == DevicePath), r => Assert.Equal("Bearer token-2", r.Authorization));
        Assert.Equal(2, site.Count(TokenPath));
    }

    [Fact]
    public async Task The_token_that_is_refused_is_the_one_that_was_sent()
    {
        FakeSite site = Site().WithTokens(100).On(DevicePath, r => r.Authorization is "Bearer token-1" or "Bearer token-2" ? FakeSite.Status(401) : FakeSite.Json(FakeSite.DeviceJson(1)));
        using SiteClient client = site.Client(o => o with { ThrottleLimit = 1 });
        await client.AuthenticateAsync(default);
        TaskCompletionSource open = new();
        site.OnAsync("/api/v1/devices/slow", async (r, _) =>
        {
            await open.Task;
            return FakeSite.DeviceOf(r);
        });
        Task holder = client.ReadDeviceAsync("slow", default);
        await site.ReachedAsync("/api/v1/devices/slow", 1);
        Task<AlloyScan.Engine.Inventory.Device?> waiting = client.ReadDeviceAsync("d1", default);
        site.Time.Advance(TimeSpan.FromSeconds(95));
        open.SetResult();
        await holder;

        // Sent with the second token, which the site refuses; the third one must be asked for, and not the second taken for fresh.
        Assert.NotNull(await waiting.WaitAsync(TimeSpan.FromSeconds(30)));
        Assert.Equal(["Bearer token-2", "Bearer token-3"], site.Requests.Where(r => r.Path == DevicePath).Select(r => r.Authorization));
    }

    [Fact]
    public async Task A_queue_that_outlasts_every_token_does_not_go_on_for_ever()
    {
        FakeSite site = Site();
        site.On(TokenPath, _ =>
        {
            // Gone before it can be used.
            site.Time.Advance(TimeSpan.FromSeconds(2));
            return FakeSite.Json("""{"access_token":"late","expires_in":1}""");
        });
        using SiteClient client = site.Client(o => o with { TimeProvider = new HurriedTime(site.Time) });

        Assert.NotNull(await client.ReadDeviceAsync("d1", default).WaitAsync(TimeSpan.FromSeconds(30)));

        Assert.InRange(site.Count(TokenPath), 2, 10);
    }

    /// <summary>Each look at the clock takes a second.</summary>
    private sealed class HurriedTime(InstantTime time) : TimeProvider
    {
        public override long TimestampFrequency => time.TimestampFrequency;

        public override DateTimeOffset GetUtcNow()
        {
            time.Advance(TimeSpan.FromSeconds(1));
            return time.GetUtcNow();
        }

        public override long GetTimestamp() => time.GetTimestamp();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => time.CreateTimer(callback, state, dueTime, period);
    }

    [Fact]
    public async Task A_fresh_token_that_is_refused_too_is_an_error()
    {
        FakeSite site = Site().On(DevicePath, _ => FakeSite.Status(401, """{"message":"nope"}"""));
        using SiteClient client = site.Client();

        SiteException e = await Assert.ThrowsAsync<SiteException>(() => client.ReadDeviceAsync("d1", default));

        Assert.Equal((ErrorKind.Authentication, "TokenRefused", 401), (e.Kind, e.ErrorId, e.StatusCode));
        Assert.Equal(4, site.Requests.Count);
    }

    [Fact]
    public async Task A_fresh_token_that_served_others_and_then_ended_too_gets_another()
    {
        TaskCompletionSource served = new();
        FakeSite site = Site().OnDefault(FakeSite.DeviceOf).OnAsync(DevicePath, async (r, _) =>
        {
            if (r.Authorization == "Bearer token-2")
            {
                await served.Task;
            }

            return r.Authorization is "Bearer token-1" or "Bearer token-2" ? FakeSite.Status(401) : FakeSite.DeviceOf(r);
        });
        using SiteClient client = site.Client();

        Task<AlloyScan.Engine.Inventory.Device?> twice = client.ReadDeviceAsync("d1", default);
        await site.ReachedAsync(DevicePath, 2);
        Assert.NotNull(await client.ReadDeviceAsync("d2", default));
        served.SetResult();

        Assert.NotNull(await twice.WaitAsync(TimeSpan.FromSeconds(30)));
        Assert.Equal(["Bearer token-1", "Bearer token-2", "Bearer token-3"], site.Requests.Where(r => r.Path == DevicePath).Select(r => r.Authorization));
    }

    [Fact]
    public async Task A_site_that_refuses_every_token_of_a_call_is_not_asked_without_end()
    {
        FakeSite site = Site().OnDefault(FakeSite.DeviceOf).On(DevicePath, _ => FakeSite.Status(401));
        using SiteClient client = site.Client();
        site.OnAsync(DevicePath, async (_, _) =>
        {
            // Each token serves somebody else before it is refused here.
            await client.ReadDeviceAsync("d2", default);
            return FakeSite.Status(401);
        });

        SiteException e = await Assert.ThrowsAsync<SiteException>(() => client.ReadDeviceAsync("d1", default).WaitAsync(TimeSpan.FromSeconds(30)));

        Assert.Equal("TokenRefused", e.ErrorId);
        Assert.Equal(5, site.Count(DevicePath));
    }

    [Fact]
    public async Task Concurrent_401s_of_one_stale_token_share_the_refresh()
    {
        TaskCompletionSource allAsked = new();
        int asked = 0;
        FakeSite site = Site().OnAsync(DevicePath, async (r, token) =>
        {
            if (r.Authorization == "Bearer token-1")
            {
                if (Interlocked.Increment(ref asked) == 4)
                {
                    allAsked.SetResult();
                }

                await allAsked.Task.WaitAsync(token);
                return FakeSite.Status(401);
            }

            return FakeSite.Json(FakeSite.DeviceJson(1));
        });
        using SiteClient client = site.Client();
        await client.AuthenticateAsync(default);

        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => client.ReadDeviceAsync("d1", default)));

        Assert.Equal(2, site.Count(TokenPath));
    }

    [Fact]
    public async Task A_caller_that_gives_up_does_not_take_the_token_from_the_others()
    {
        TaskCompletionSource started = new();
        int calls = 0;
        FakeSite site = Site().OnAsync(TokenPath, async (_, token) =>
        {
            if (Interlocked.Increment(ref calls) == 1)
            {
                started.SetResult();
                await Task.Delay(Timeout.Infinite, token);
            }

            return FakeSite.Json("""{"access_token":"tok","expires_in":3600}""");
        });
        using SiteClient client = site.Client();
        using CancellationTokenSource cts = new();

        Task first = client.ReadDeviceAsync("d1", cts.Token);
        await started.Task;
        Task second = client.ReadDeviceAsync("d1", default);
        await cts.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        await second;
    }

    [Theory]
    [InlineData("""{"token":"x"}""")]
    [InlineData("""{"access_token":""}""")]
    [InlineData("""{"access_token":{"a":1}}""")]
    [InlineData("""{"access_token":"line\r\nbreak"}""")]
    [InlineData("""{"access_token":"x","token_type":"mac"}""")]
    [InlineData("[]")]
    public async Task An_answer_without_a_usable_token_is_invalid_data(string body)
    {
        FakeSite site = Site().On(TokenPath, _ => FakeSite.Json(body));
        using SiteClient client = site.Client();

        AlloyScanException e = await Assert.ThrowsAnyAsync<AlloyScanException>(() => client.AuthenticateAsync(default));

        Assert.Equal((ErrorKind.InvalidData, "UnexpectedAnswer"), (e.Kind, e.ErrorId));
    }

    [Fact]
    public async Task The_scope_of_the_profile_is_asked_for()
    {
        FakeSite site = Site();
        using SiteClient client = site.Client(o => o with { Profile = ApiProfile.Parse("""{"scope":"a b"}""") });

        await client.AuthenticateAsync(default);

        Assert.Equal("a b", System.Web.HttpUtility.ParseQueryString(site.Requests.Single().Body!)["scope"]);
    }

    [Fact]
    public async Task A_post_is_not_retried_but_a_reading_that_needs_the_token_is()
    {
        FakeSite site = Site().On(TokenPath, _ => FakeSite.Status(503));
        using SiteClient client = site.Client();

        await Assert.ThrowsAsync<SiteException>(() => client.AuthenticateAsync(default));
        Assert.Single(site.Requests);

        SiteException e = await Assert.ThrowsAsync<SiteException>(() => client.ReadDeviceAsync("d1", default));
        Assert.Equal((ErrorKind.ResourceUnavailable, TokenPath), (e.Kind, e.RequestPath));
        Assert.Equal(6, site.Requests.Count);
    }

    [Fact]
    public async Task Html_from_the_token_endpoint_is_told_and_not_quoted_as_json()
    {
        FakeSite site = Site().On(TokenPath, _ => new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent("<html><title>Sign in</title></html>") });
        using SiteClient client = site.Client();

        AlloyScanException e = await Assert.ThrowsAnyAsync<AlloyScanException>(() => client.AuthenticateAsync(default));

        Assert.Equal((ErrorKind.InvalidData, "NotJson"), (e.Kind, e.ErrorId));
    }
}
