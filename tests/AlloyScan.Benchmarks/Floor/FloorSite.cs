using System.Buffers;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json;

namespace AlloyScan.Benchmarks.Floor;

/// <summary>The site through a plain <see cref="HttpClient"/>: no retries, no governor, no care for odd answers.</summary>
internal sealed class FloorSite : IDisposable
{
    public const int Concurrency = 8;

    private const int PageSize = 200;

    private readonly HttpClient _client;

    private FloorSite(HttpClient client) => _client = client;

    public static async Task<FloorSite> ConnectAsync(Uri url, string clientId, string secret, HttpMessageHandler? handler = null) =>
        new(await AuthorizedAsync(url, clientId, secret, handler ?? new SocketsHttpHandler { MaxConnectionsPerServer = Concurrency }));

    /// <summary>A client with a token.</summary>
    public static async Task<HttpClient> AuthorizedAsync(Uri url, string clientId, string secret, HttpMessageHandler handler)
    {
        var client = new HttpClient(handler) { BaseAddress = url };
        using var form = new FormUrlEncodedContent(new Dictionary<string, string>
        {
            ["grant_type"] = "client_credentials",
            ["client_id"] = clientId,
            ["client_secret"] = secret,
        });
        using var answer = await client.PostAsync(new Uri("api/oauth/token", UriKind.Relative), form);
        answer.EnsureSuccessStatusCode();
        using var token = JsonDocument.Parse(await answer.Content.ReadAsByteArrayAsync());
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token.RootElement.GetProperty("access_token").GetString());
        return client;
    }

    /// <summary>Pages in order, one asked for ahead.</summary>
    public async IAsyncEnumerable<FloorPage> ReadPagesAsync()
    {
        var received = 0;
        var next = PageAsync(0);
        while (true)
        {
            var page = await next;
            received += page.Devices.Count;
            var ended = page.Devices.Count == 0 || received >= page.Total;
            if (!ended)
                next = PageAsync(received);
            yield return page;
            if (ended)
                yield break;
        }
    }

    public Task ReadDetailAsync(FloorDevice device) =>
        GetAsync("api/v1/devices/" + device.Id, device, static (body, target) =>
        {
            FloorReader.ReadDetail(body, target);
            return true;
        });

    public Task ReadSnapshotAsync(FloorDevice device) =>
        GetAsync("api/v1/snapshots/" + device.AuditId, device, static (body, target) =>
        {
            FloorReader.ReadSnapshot(body, target);
            return true;
        });

    public void Dispose() => _client.Dispose();

    private Task<FloorPage> PageAsync(int offset) =>
        GetAsync(string.Create(CultureInfo.InvariantCulture, $"api/v1/devices?limit={PageSize}&offset={offset}"), 0, static (body, _) => FloorReader.ReadPage(body));

    private delegate TResult Parse<TState, TResult>(ReadOnlySpan<byte> body, TState state);

    private async Task<TResult> GetAsync<TState, TResult>(string path, TState state, Parse<TState, TResult> parse)
    {
        using var answer = await _client.GetAsync(new Uri(path, UriKind.Relative), HttpCompletionOption.ResponseHeadersRead);
        answer.EnsureSuccessStatusCode();
        var buffer = ArrayPool<byte>.Shared.Rent((int)(answer.Content.Headers.ContentLength ?? 64 * 1024) + 1);
        try
        {
            await using var stream = await answer.Content.ReadAsStreamAsync();
            var length = 0;
            while (await stream.ReadAsync(buffer.AsMemory(length)) is var read and > 0)
            {
                length += read;
                if (length == buffer.Length)
                {
                    var larger = ArrayPool<byte>.Shared.Rent(buffer.Length * 2);
                    buffer.AsSpan(0, length).CopyTo(larger);
                    ArrayPool<byte>.Shared.Return(buffer);
                    buffer = larger;
                }
            }

            return parse(buffer.AsSpan(0, length), state);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
