using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using AlloyScan.Engine.Site;
using Xunit;

namespace AlloyScan.Engine.Tests.Site;

/// <summary>Ctrl+C means now, wherever the client is.</summary>
public sealed class SiteCancellationTests
{
    private const string DevicePath = "/api/v1/devices/d1";

    private static async Task<HttpResponseMessage> Never(SeenRequest request, CancellationToken token)
    {
        await Task.Delay(Timeout.Infinite, token);
        throw new InvalidOperationException();
    }

    private static async Task AssertStopsAsync(Func<CancellationToken, Task> work, Func<Task> reached)
    {
        using CancellationTokenSource cts = new();
        Task task = work(cts.Token);
        await reached();
        long start = Stopwatch.GetTimestamp();
        await cts.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => task.WaitAsync(TimeSpan.FromSeconds(20)));

        // A second is the promise; a busy test machine gets some more.
        Assert.InRange(Stopwatch.GetElapsedTime(start), TimeSpan.Zero, TimeSpan.FromSeconds(5));
    }

    [Fact]
    public async Task While_waiting_for_a_token()
    {
        FakeSite site = new FakeSite().OnAsync("/api/oauth/token", Never);
        using SiteClient client = site.Client();
        await AssertStopsAsync(token => client.ReadDeviceAsync("d1", token), () => site.ReachedAsync("/api/oauth/token", 1));
    }

    [Fact]
    public async Task While_waiting_for_an_answer()
    {
        FakeSite site = new FakeSite().WithTokens().OnAsync(DevicePath, Never);
        using SiteClient client = site.Client();
        await AssertStopsAsync(token => client.ReadDeviceAsync("d1", token), () => site.ReachedAsync(DevicePath, 1));
    }

    [Fact]
    public async Task While_a_body_trickles_in()
    {
        FakeSite site = new FakeSite().WithTokens().On(DevicePath, _ => SiteBodyTests.Stream(new Stalled()));
        using SiteClient client = site.Client();
        await AssertStopsAsync(token => client.ReadDeviceAsync("d1", token), () => site.ReachedAsync(DevicePath, 1));
    }

    [Fact]
    public async Task While_waiting_for_a_place()
    {
        FakeSite site = new FakeSite().WithTokens().OnAsync(DevicePath, Never);
        using SiteClient client = site.Client(o => o with { ThrottleLimit = 1 });
        using CancellationTokenSource first = new();
        Task blocking = client.ReadDeviceAsync("d1", first.Token);
        await site.ReachedAsync(DevicePath, 1);
        await AssertStopsAsync(token => client.ReadDeviceAsync("d1", token), () => Task.CompletedTask);
        await first.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => blocking);
    }

    [Fact]
    public async Task While_waiting_out_a_429_or_a_retry()
    {
        FakeSite site = new() { Time = new InstantTime { LongestWait = TimeSpan.Zero } };
        site.WithTokens()
            .On(DevicePath, _ => new HttpResponseMessage(HttpStatusCode.ServiceUnavailable))
            .On("/api/v1/devices/d2", _ => new HttpResponseMessage(HttpStatusCode.TooManyRequests) { Headers = { RetryAfter = new RetryConditionHeaderValue(TimeSpan.FromSeconds(60)) } });
        using SiteClient client = site.Client();
        await AssertStopsAsync(token => client.ReadDeviceAsync("d1", token), () => site.ReachedAsync(DevicePath, 1));
        await AssertStopsAsync(token => client.ReadDeviceAsync("d2", token), () => site.ReachedAsync("/api/v1/devices/d2", 1));
    }

    [Fact]
    public async Task Between_and_within_pages()
    {
        FakeSite site = new FakeSite().WithTokens().OnAsync("/api/v1/devices", (r, token) => r.Query("offset") == "0"
            ? Task.FromResult(FakeSite.Json(FakeSite.List([FakeSite.DeviceJson(1)], 5)))
            : Never(r, token));
        using SiteClient client = site.Client();
        await AssertStopsAsync(
            async token =>
            {
                await foreach (DevicePage page in client.ReadDevicePagesAsync(token))
                {
                    Assert.Equal(1, page.ItemCount);
                }
            },
            () => site.ReachedAsync("/api/v1/devices", 2));
    }

    [Fact]
    public async Task A_cancelled_token_sends_nothing()
    {
        FakeSite site = new FakeSite().WithTokens();
        using SiteClient client = site.Client();
        CancellationToken cancelled = new(canceled: true);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => client.ReadDeviceAsync("d1", cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => client.AuthenticateAsync(cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => client.TestAsync(cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await client.ReadDevicePagesAsync(cancelled).GetAsyncEnumerator().MoveNextAsync());
        Assert.Empty(site.Requests);
    }

    [Fact]
    public async Task A_disposed_client_says_so_and_leaves_the_transport_alone()
    {
        FakeSite site = new FakeSite().WithTokens().On(DevicePath, _ => FakeSite.Json(FakeSite.DeviceJson(1)));
        SiteClient client = site.Client();
        await client.ReadDeviceAsync("d1", default);
        client.Dispose();
        client.Dispose();

        await Assert.ThrowsAsync<ObjectDisposedException>(() => client.ReadDeviceAsync("d1", default));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => client.DeleteDeviceAsync("d1", default));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => client.AuthenticateAsync(default));
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await client.ReadDevicePagesAsync(default).GetAsyncEnumerator().MoveNextAsync());
        Assert.Equal(2, client.Usage.Calls);

        using SiteClient another = site.Client();
        Assert.NotNull(await another.ReadDeviceAsync("d1", default));
    }

    [Fact]
    public async Task Disposing_ends_what_is_under_way()
    {
        FakeSite site = new FakeSite().WithTokens().OnAsync(DevicePath, Never);
        SiteClient client = site.Client();
        Task call = client.ReadDeviceAsync("d1", default);
        await site.ReachedAsync(DevicePath, 1);

        client.Dispose();

        await Assert.ThrowsAsync<ObjectDisposedException>(() => call.WaitAsync(TimeSpan.FromSeconds(20)));
    }

    private sealed class Stalled : MemoryStream
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await Task.Delay(Timeout.Infinite, cancellationToken);
            return 0;
        }
    }
}
