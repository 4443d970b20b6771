using System.Collections.Concurrent;
using System.Net;
using System.Text;
using AlloyScan.Engine.Credentials;
using AlloyScan.Engine.Site;
using Xunit;

namespace AlloyScan.Engine.Tests.Site;

/// <summary>What a fake site got.</summary>
internal sealed record SeenRequest(string Method, Uri Uri, string? Authorization, string? Body)
{
    public string Path => Uri.AbsolutePath;

    public override string ToString() => $"{Method} {Uri.PathAndQuery}";
}

/// <summary>A site made of delegates, in place of the network.</summary>
internal sealed class FakeSite : HttpMessageHandler
{
    public const string ClientId = "client-0001";
    public const string Secret = "s3cr3t +/=Value&more";
    public const string Base = "https://acme.alloyservice.example";

    private readonly List<(Func<SeenRequest, bool> Match, Func<SeenRequest, CancellationToken, Task<HttpResponseMessage>> Answer)> _routes = [];
    private int _tokens;
    private int _now;

    public ConcurrentQueue<SeenRequest> Requests { get; } = new();

    public InstantTime Time { get; init; } = new();

    public ConcurrentQueue<string> Traces { get; } = new();

    /// <summary>Most requests that were under way at once.</summary>
    public int Peak { get; private set; }

    public int Count(string path) => Requests.Count(r => r.Path == path);

    /// <summary>Waits until a path was asked for that often. Holds no thread, of which a test machine has few.</summary>
    public async Task ReachedAsync(string path, int count)
    {
        for (int i = 0; Count(path) < count; i++)
        {
            Assert.True(i < 3000, $"{path} was not asked for {count} times.");
            await Task.Delay(10);
        }
    }

    public SiteClient Client(Func<SiteConnectionOptions, SiteConnectionOptions>? with = null)
    {
        SiteConnectionOptions options = new()
        {
            SiteUrl = new Uri(Base + "/main"),
            ClientId = ClientId,
            ClientSecret = new Secret(Secret),
            TimeProvider = Time,
            Timeout = TimeSpan.FromHours(2),
            Randomizer = () => 0,
            Transport = this,
            Trace = Traces.Enqueue,
        };
        return new SiteClient(with is null ? options : with(options));
    }

    /// <summary>Answers a path. The newest route wins.</summary>
    public FakeSite On(string path, Func<SeenRequest, HttpResponseMessage> answer) => OnAsync(path, (r, _) => Task.FromResult(answer(r)));

    public FakeSite OnAsync(string path, Func<SeenRequest, CancellationToken, Task<HttpResponseMessage>> answer)
    {
        _routes.Insert(0, (r => r.Path == path, answer));
        return this;
    }

    public FakeSite OnDefault(Func<SeenRequest, HttpResponseMessage> answer)
    {
        _routes.Add((_ => true, (r, _) => Task.FromResult(answer(r))));
        return this;
    }

    /// <summary>Answers the calls of a path one after the other, the last answer again and again.</summary>
    public FakeSite OnEach(string path, params Func<SeenRequest, HttpResponseMessage>[] answers)
    {
        int next = -1;
        return On(path, r => answers[Math.Min(Interlocked.Increment(ref next), answers.Length - 1)](r));
    }

    /// <summary>Gives tokens <c>token-1</c>, <c>token-2</c> and so on.</summary>
    public FakeSite WithTokens(object? expiresIn = null, string path = "/api/oauth/token") =>
        On(path, _ => Json(
            $$"""{"access_token":"token-{{Interlocked.Increment(ref _tokens)}}","token_type":"Bearer","expires_in":{{expiresIn ?? 3600}}}"""));

    /// <summary>A list served by limit and offset.</summary>
    public FakeSite WithList(string path, IReadOnlyList<string> items, int maxPage = 200, Func<int, int?>? total = null) =>
        On(path, r =>
        {
            int offset = r.Number("offset", 0);
            int limit = Math.Min(r.Number("limit", 50), maxPage);
            return Json(List(items.Skip(offset).Take(limit), total is null ? items.Count : total(offset)));
        });

    public static string List(IEnumerable<string> items, int? total) =>
        $$"""{"items":[{{string.Join(",", items)}}]{{(total is null ? "" : ",\"total\":" + total)}}}""";

    public static string DeviceJson(int number) =>
        $$"""{"id":"d{{number}}","name":"PC{{number}}","dnsName":"pc{{number}}.example","macAddress":"00:11:22:33:44:55","ipAddress":"10.0.0.1","serialNumber":"S{{number}}","assetTag":null,"type":"computer","lastSeen":"2026-04-23T12:34:56Z","tags":[{"id":"t1","name":"Blue"}]}""";

    /// <summary>The device that is asked for; elsewhere than on the device path, d1.</summary>
    public static HttpResponseMessage DeviceOf(SeenRequest request)
    {
        const string path = "/api/v1/devices/";
        string id = request.Path.StartsWith(path, StringComparison.Ordinal) ? request.Path[path.Length..] : "d1";
        return Json(DeviceJson(1).Replace("\"d1\"", $"\"{id}\"", StringComparison.Ordinal));
    }

    public static HttpResponseMessage Json(string json, HttpStatusCode status = HttpStatusCode.OK) =>
        new(status) { Content = new StringContent(json, Encoding.UTF8, "application/json") };

    public static HttpResponseMessage Status(int status, string body = "") => Json(body, (HttpStatusCode)status);

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        string? body = request.Content is null ? null : await request.Content.ReadAsStringAsync(cancellationToken);
        SeenRequest seen = new(request.Method.Method, request.RequestUri!, request.Headers.Authorization?.ToString(), body);
        Requests.Enqueue(seen);
        int now = Interlocked.Increment(ref _now);
        lock (Requests)
        {
            Peak = Math.Max(Peak, now);
        }

        try
        {
            foreach ((Func<SeenRequest, bool> match, Func<SeenRequest, CancellationToken, Task<HttpResponseMessage>> answer) in _routes)
            {
                if (match(seen))
                {
                    HttpResponseMessage response = await answer(seen, cancellationToken);
                    response.RequestMessage = request;
                    return response;
                }
            }

            return Status(404, """{"error":"not_found","message":"No such resource"}""");
        }
        finally
        {
            Interlocked.Decrement(ref _now);
        }
    }
}

internal static class SeenRequestExtensions
{
    public static string? Query(this SeenRequest request, string name) => System.Web.HttpUtility.ParseQueryString(request.Uri.Query)[name];

    public static int Number(this SeenRequest request, string name, int otherwise) => int.TryParse(request.Query(name), out int value) ? value : otherwise;
}
