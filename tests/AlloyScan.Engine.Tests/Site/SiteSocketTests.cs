using System.Net;
using System.Net.Sockets;
using System.Text;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Site;
using Xunit;

namespace AlloyScan.Engine.Tests.Site;

/// <summary>What only real sockets do: bodies cut off, connections reset, answers that never end.</summary>
public sealed class SiteSocketTests
{
    private const string TokenAnswer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 44\r\nConnection: close\r\n\r\n{\"access_token\":\"tok\",\"expires_in\":3600}    ";

    private static readonly string s_device = FakeSite.DeviceJson(1);

    private static string Whole => $"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {s_device.Length}\r\nConnection: close\r\n\r\n{s_device}";

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{\"id\":\"d1\",\"na")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{\"id\":\"d1\",\"na")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nConte")]
    [InlineData("")]
    [InlineData("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")]
    public async Task A_broken_answer_is_asked_for_again(string broken)
    {
        await using Server server = new(TokenAnswer, broken, broken, Whole);
        using SiteClient client = server.Client();

        Device device = (await client.ReadDeviceAsync("d1", default))!;

        Assert.Equal("PC1", device.Name);

        // A connection that closes without a word is opened anew by the runtime itself, below our counting.
        Assert.Equal(broken.Length > 0 ? 4 : client.Usage.Calls, client.Usage.Calls);
    }

    [Fact]
    public async Task A_body_that_always_breaks_is_told_after_five_tries()
    {
        const string Broken = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{\"id\":\"d1\",\"na";
        await using Server server = new(TokenAnswer, Broken, Broken, Broken, Broken, Broken);
        using SiteClient client = server.Client();

        AlloyScanException e = await Assert.ThrowsAnyAsync<AlloyScanException>(() => client.ReadDeviceAsync("d1", default));

        Assert.Equal((ErrorKind.InvalidData, "TruncatedBody"), (e.Kind, e.ErrorId));
        Assert.Equal(6, client.Usage.Calls);
    }

    [Fact]
    public async Task A_closed_port_is_unreachable()
    {
        Server server = new();
        using SiteClient client = server.Client();
        await server.DisposeAsync();

        AlloyScanException e = await Assert.ThrowsAnyAsync<AlloyScanException>(() => client.AuthenticateAsync(default));

        Assert.Equal((ErrorKind.Connection, "SiteUnreachable"), (e.Kind, e.ErrorId));
        Assert.Contains("127.0.0.1", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_name_that_does_not_exist_is_told()
    {
        await using Server server = new();
        using SiteClient client = server.Client(o => o with { SiteUrl = new Uri("https://no-such-host.invalid/") });

        AlloyScanException e = await Assert.ThrowsAnyAsync<AlloyScanException>(() => client.ReadDeviceAsync("d1", default));

        Assert.Equal((ErrorKind.Connection, "HostNotFound"), (e.Kind, e.ErrorId));
        Assert.Equal(1, client.Usage.Calls);
    }

    [Fact]
    public async Task A_site_without_tls_on_an_https_address_is_told()
    {
        await using Server server = new("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        using SiteClient client = server.Client(o => o with { SiteUrl = new Uri(o.SiteUrl.AbsoluteUri.Replace("http:", "https:", StringComparison.Ordinal)) });

        AlloyScanException e = await Assert.ThrowsAnyAsync<AlloyScanException>(() => client.ReadDeviceAsync("d1", default));

        Assert.Equal((ErrorKind.Connection, "TlsFailed"), (e.Kind, e.ErrorId));
    }

    [Fact]
    public async Task An_answer_that_never_comes_is_cancelled_in_time()
    {
        await using Server server = new(TokenAnswer, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{\"id\":") { KeepOpen = true };
        using SiteClient client = server.Client();
        using CancellationTokenSource cts = new(TimeSpan.FromMilliseconds(300));

        Task<Device?> call = client.ReadDeviceAsync("d1", cts.Token);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.WaitAsync(TimeSpan.FromSeconds(10)));
    }

    [Fact]
    public async Task A_body_that_stops_coming_runs_into_the_time_limit()
    {
        await using Server server = new(TokenAnswer, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{\"id\":", Whole) { KeepOpen = true };
        using SiteClient client = server.Client(o => o with { TimeProvider = TimeProvider.System, Timeout = TimeSpan.FromMilliseconds(500) });

        Assert.Equal("PC1", (await client.ReadDeviceAsync("d1", default))!.Name);
    }

    /// <summary>Answers each connection with the next of some texts, and closes it or leaves it open.</summary>
    private sealed class Server : IAsyncDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly CancellationTokenSource _stop = new();
        private readonly List<TcpClient> _open = [];
        private readonly Task _loop;

        public Server(params string[] answers)
        {
            _listener.Start();
            _loop = AcceptAsync(answers);
        }

        public bool KeepOpen { get; init; }

        public SiteClient Client(Func<SiteConnectionOptions, SiteConnectionOptions>? with = null) => new FakeSite().Client(o =>
        {
            o = o with { SiteUrl = new Uri($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/main"), Transport = null };
            return with is null ? o : with(o);
        });

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            _listener.Stop();
            await _loop;
            _open.ForEach(c => c.Dispose());
            _stop.Dispose();
        }

        private async Task AcceptAsync(string[] answers)
        {
            byte[] buffer = new byte[64 * 1024];
            try
            {
                foreach (string answer in answers)
                {
                    TcpClient tcp = await _listener.AcceptTcpClientAsync(_stop.Token);
                    NetworkStream stream = tcp.GetStream();
                    if (await stream.ReadAsync(buffer, _stop.Token) > 0)
                    {
                        await stream.WriteAsync(Encoding.UTF8.GetBytes(answer), _stop.Token);
                        await stream.FlushAsync(_stop.Token);
                    }

                    if (KeepOpen)
                    {
                        _open.Add(tcp);
                    }
                    else
                    {
                        tcp.Client.Shutdown(SocketShutdown.Send);
                        await Task.Delay(20, _stop.Token);
                        tcp.Dispose();
                    }
                }
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or IOException or ObjectDisposedException)
            {
                // The test is over, or the client closed first.
            }
        }
    }
}
