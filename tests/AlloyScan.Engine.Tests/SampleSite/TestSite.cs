using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using AlloyScan.SampleSite;
using Xunit;

namespace AlloyScan.Engine.Tests.SampleSite;

/// <summary>A site, and a plain HTTP client with a token for it: these tests look at the wire, not through our own reader.</summary>
internal sealed class TestSite : IAsyncDisposable
{
    private TestSite(SampleSiteHost host, HttpClient http) => (Host, Http) = (host, http);

    public SampleSiteHost Host { get; }

    public HttpClient Http { get; }

    public SampleSiteState State => Host.State;

    public SampleFleet Fleet => Host.State.Fleet;

    public static async Task<TestSite> StartAsync(SampleSiteOptions? options = null)
    {
        var host = await SampleSiteHost.StartAsync(options ?? new SampleSiteOptions { Devices = 120 }, CancellationToken.None);
        var site = new TestSite(host, new HttpClient { BaseAddress = host.BaseUrl });
        if (!host.Options.RegistrationDisabled && !host.Options.RegistrationExpired)
            await site.SignInAsync();

        return site;
    }

    public async Task SignInAsync()
    {
        using var reply = await AskTokenAsync(Host.ClientId, Host.ClientSecret);
        reply.EnsureSuccessStatusCode();
        Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", (await JsonAsync(reply)).GetProperty("access_token").GetString());
    }

    public Task<HttpResponseMessage> AskTokenAsync(string id, string secret, string grant = "client_credentials", string? path = null) =>
        Http.PostAsync(path ?? Host.Options.TokenPath, new FormUrlEncodedContent([new("grant_type", grant), new("client_id", id), new("client_secret", secret)]));

    public async Task<JsonElement> GetAsync(string path)
    {
        using var reply = await Http.GetAsync(path);
        Assert.Equal(HttpStatusCode.OK, reply.StatusCode);
        return await JsonAsync(reply);
    }

    public Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, string? json = null) =>
        Http.SendAsync(new HttpRequestMessage(method, path) { Content = json is null ? null : new StringContent(json, Encoding.UTF8, "application/json") });

    /// <summary>Asserts a status and the site's error form, and gives the code.</summary>
    public static async Task<string?> ErrorAsync(HttpResponseMessage reply, HttpStatusCode status)
    {
        Assert.Equal(status, reply.StatusCode);
        Assert.Equal("application/json", reply.Content.Headers.ContentType?.MediaType);
        var body = await JsonAsync(reply);
        Assert.False(string.IsNullOrEmpty(body.GetProperty("message").GetString()));
        return body.GetProperty("error").GetString();
    }

    public static async Task<JsonElement> JsonAsync(HttpResponseMessage reply) => await reply.Content.ReadFromJsonAsync<JsonElement>();

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await Host.DisposeAsync();
    }
}

/// <summary>A clock that tests turn by hand.</summary>
internal sealed class HandClock : TimeProvider
{
    private DateTimeOffset _now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    public override DateTimeOffset GetUtcNow() => _now;

    public void Advance(TimeSpan by) => _now += by;
}
