using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using AlloyScan.Engine.Site;
using Xunit;

namespace AlloyScan.Engine.Tests.Site;

public sealed class SiteConnectionTestTests
{
    private const string Devices = "/api/v1/devices";

    private static readonly string[] s_steps = ["DNS", "TLS", "Token", "Permission", "Devices"];

    [Fact]
    public async Task All_is_well()
    {
        FakeSite site = new FakeSite().WithTokens().WithList(Devices, [FakeSite.DeviceJson(1), FakeSite.DeviceJson(2)]);
        using SiteClient client = site.Client();

        ConnectionTestResult result = await client.TestAsync(default);

        Assert.True(result.Succeeded);
        Assert.Null(result.FailedStep);
        Assert.Equal(2, result.DeviceCount);
        Assert.NotNull(result.RoundTrip);
        Assert.Equal(s_steps, result.Steps.Select(s => s.Step));
        Assert.All(result.Steps, s => Assert.True(s.Passed));
        Assert.Contains("2 devices", result.Message, StringComparison.Ordinal);
        Assert.Equal((FakeSite.ClientId, new Uri(FakeSite.Base + "/main")), (result.ClientId, result.SiteUrl));
        Assert.Equal("1", site.Requests.Last().Query("limit"));
    }

    [Fact]
    public async Task A_token_of_an_hour_ago_proves_nothing()
    {
        FakeSite site = new FakeSite().WithTokens().WithList(Devices, []);
        using SiteClient client = site.Client();
        await client.TestAsync(default);
        site.On("/api/oauth/token", _ => FakeSite.Status(401, """{"error":"invalid_client"}"""));

        ConnectionTestResult result = await client.TestAsync(default);

        AssertFailed(result, "Token", "Permission", "Devices");
        Assert.Contains("invalid_client", result.Message, StringComparison.Ordinal);
        Assert.Contains("disabled", result.Advice, StringComparison.Ordinal);
        Assert.Null(result.DeviceCount);
    }

    [Theory]
    [InlineData(403, "Permission")]
    [InlineData(401, "Permission")]
    public async Task A_refusal_is_a_matter_of_permission(int status, string step)
    {
        FakeSite site = new FakeSite().WithTokens().On(Devices, _ => FakeSite.Status(status, """{"message":"no right"}"""));
        using SiteClient client = site.Client();

        ConnectionTestResult result = await client.TestAsync(default);

        AssertFailed(result, step, "Devices");
        Assert.Contains("no right", result.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(404)]
    [InlineData(500)]
    public async Task A_list_that_does_not_answer_is_a_matter_of_devices(int status)
    {
        FakeSite site = new FakeSite().WithTokens().On(Devices, _ => FakeSite.Status(status));
        using SiteClient client = site.Client();

        ConnectionTestResult result = await client.TestAsync(default);

        AssertFailed(result, "Devices", "Permission");
        Assert.Equal(1, site.Count(Devices));
    }

    [Fact]
    public async Task Html_in_place_of_the_list_fails()
    {
        FakeSite site = new FakeSite().WithTokens().On(Devices, _ => FakeSite.Json("<html/>"));
        using SiteClient client = site.Client();

        AssertFailed(await client.TestAsync(default), "Devices", "Permission");
    }

    public static TheoryData<Exception, string> Failures => new()
    {
        { new HttpRequestException(HttpRequestError.NameResolutionError, "x", new SocketException((int)SocketError.HostNotFound)), "DNS" },
        { new HttpRequestException(HttpRequestError.SecureConnectionError, "x", new AuthenticationException("The certificate has expired")), "TLS" },
        { new HttpRequestException(HttpRequestError.ConnectionError, "x", new SocketException((int)SocketError.ConnectionRefused)), "TLS" },
    };

    [Theory]
    [MemberData(nameof(Failures))]
    public async Task Failures_of_the_transport_belong_to_their_steps(Exception failure, string step)
    {
        FakeSite site = new FakeSite().OnDefault(_ => throw failure);
        using SiteClient client = site.Client();

        ConnectionTestResult result = await client.TestAsync(default);

        AssertFailed(result, step, [.. s_steps.SkipWhile(s => s != step).Skip(1)]);
        Assert.Single(site.Requests);
        Assert.NotNull(result.Advice);
    }

    [Fact]
    public async Task A_name_that_does_not_exist_fails_at_dns()
    {
        using SiteClient client = new FakeSite().Client(o => o with { SiteUrl = new Uri("https://no-such-host.invalid/main"), Transport = null, TimeProvider = TimeProvider.System });

        ConnectionTestResult result = await client.TestAsync(default);

        AssertFailed(result, "DNS", "TLS", "Token", "Permission", "Devices");
        Assert.Contains("no-such-host.invalid", result.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_closed_port_fails_before_the_token()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        int port = ((IPEndPoint)listener.LocalEndpoint).Port;
        listener.Stop();
        using SiteClient client = new FakeSite().Client(o => o with { SiteUrl = new Uri($"http://127.0.0.1:{port}/"), Transport = null, TimeProvider = TimeProvider.System });

        AssertFailed(await client.TestAsync(default), "TLS", "Token", "Permission", "Devices");
    }

    [Fact]
    public async Task A_port_without_tls_fails_at_tls()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        int port = ((IPEndPoint)listener.LocalEndpoint).Port;
        Task server = Task.Run(async () =>
        {
            using TcpClient tcp = await listener.AcceptTcpClientAsync();
            byte[] buffer = new byte[1024];
            _ = await tcp.GetStream().ReadAsync(buffer);
            await tcp.GetStream().WriteAsync("HTTP/1.1 400 Bad Request\r\n\r\n"u8.ToArray());
        });
        using SiteClient client = new FakeSite().Client(o => o with { SiteUrl = new Uri($"https://127.0.0.1:{port}/"), Transport = null, TimeProvider = TimeProvider.System });

        ConnectionTestResult result = await client.TestAsync(default);

        AssertFailed(result, "TLS", "Token", "Permission", "Devices");
        Assert.Contains("certificate", result.Advice, StringComparison.Ordinal);
        await server;
    }

    [Fact]
    public async Task Only_cancellation_is_thrown()
    {
        FakeSite site = new FakeSite().OnAsync("/api/oauth/token", async (_, token) =>
        {
            await Task.Delay(Timeout.Infinite, token);
            throw new InvalidOperationException();
        });
        using SiteClient client = site.Client();
        using CancellationTokenSource cts = new(50);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => client.TestAsync(cts.Token));
    }

    private static void AssertFailed(ConnectionTestResult result, string step, params string[] notReached)
    {
        Assert.False(result.Succeeded);
        Assert.Equal(step, result.FailedStep);
        Assert.Equal(s_steps, result.Steps.Select(s => s.Step));
        Assert.False(result.Steps.Single(s => s.Step == step).Passed);
        Assert.All(result.Steps.Where(s => notReached.Contains(s.Step)), s => Assert.Null(s.Passed));
        Assert.All(result.Steps.Where(s => s.Step != step && !notReached.Contains(s.Step)), s => Assert.True(s.Passed));
        Assert.False(string.IsNullOrEmpty(result.Message));
    }
}
