using System.Net;
using System.Text;
using AlloyScan.Engine.Site;
using Xunit;

namespace AlloyScan.Engine.Tests.Site;

/// <summary>Neither the secret nor a token is found in anything that the client says.</summary>
public sealed class SiteSecrecyTests
{
    private const string Token = "eyJhbGciOi.Tok3n-Value_0123456789.sig+/==";
    private static readonly string s_escaped = Uri.EscapeDataString(FakeSite.Secret);

    public static TheoryData<string, string, int> Bodies
    {
        get
        {
            string[] leaks =
            [
                FakeSite.Secret, s_escaped, WebUtility.UrlEncode(FakeSite.Secret), WebUtility.HtmlEncode(FakeSite.Secret), s_escaped.ToLowerInvariant(),
                Convert.ToBase64String(Encoding.UTF8.GetBytes(FakeSite.Secret)), Convert.ToBase64String(Encoding.UTF8.GetBytes(FakeSite.ClientId + ":" + FakeSite.Secret)),
                Token, "Bearer " + Token, Convert.ToBase64String(Encoding.UTF8.GetBytes(Token)), Uri.EscapeDataString(Token),
            ];
            TheoryData<string, string, int> data = [];
            foreach (string leak in leaks)
            {
                foreach (int status in (int[])[400, 401, 403, 500, 200])
                {
                    data.Add(leak, $$"""{"error":"bad","message":"You sent {{leak}} to us"}""", status);
                    data.Add(leak, $"<html><title>Oops {leak}</title></html>", status);
                    data.Add(leak, $"plain {leak} words", status);
                    data.Add(leak, $$"""{"items":{{leak}},"id":nonsense{{leak}}}""", status);
                    data.Add(leak, $$"""{"id":"x","auditDate":"{{leak}}","items":[{"id":"x","lastSeen":"{{leak}}"}],"source":["{{leak}}"]}""", status);
                }
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Bodies))]
    public async Task Not_when_the_site_quotes_it(string leak, string body, int status)
    {
        FakeSite site = new FakeSite()
            .On("/api/oauth/token", _ => FakeSite.Json($$"""{"access_token":"{{Token}}","expires_in":3600}"""))
            .OnDefault(_ => new HttpResponseMessage((HttpStatusCode)status) { Content = new StringContent(body, Encoding.UTF8, "application/json") });
        using SiteClient client = site.Client();

        AlloyScanException? e = await Assert.ThrowsAnyAsync<AlloyScanException>(() => client.ReadSnapshotAsync("a1", default));
        AssertClean(leak, site, e);
        try
        {
            await foreach (DevicePage page in client.ReadDevicePagesAsync(default))
            {
                Assert.All(page.Unreadable, u => Assert.DoesNotContain(leak, u.ToString(), StringComparison.OrdinalIgnoreCase));
                break;
            }
        }
        catch (AlloyScanException listFailure)
        {
            AssertClean(leak, site, listFailure);
        }

        ConnectionTestResult result = await client.TestAsync(default);
        Assert.DoesNotContain(leak, result.Message + result.Advice + string.Concat(result.Steps), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Bodies))]
    public async Task Not_when_the_token_endpoint_quotes_it(string leak, string body, int status)
    {
        FakeSite site = new FakeSite().OnDefault(_ => new HttpResponseMessage((HttpStatusCode)status) { Content = new StringContent(body, Encoding.UTF8, "application/json") });
        using SiteClient client = site.Client();

        AlloyScanException e = await Assert.ThrowsAnyAsync<AlloyScanException>(() => client.AuthenticateAsync(default));

        if (leak.Contains(Token, StringComparison.Ordinal) || leak == Uri.EscapeDataString(Token) || leak == Convert.ToBase64String(Encoding.UTF8.GetBytes(Token)))
        {
            // A token that this client never held cannot be known; the word before it gives it away where there is one.
            return;
        }

        AssertClean(leak, site, e);
    }

    [Theory]
    [InlineData("""{"access_token":"half-a-token-0123456789""")]
    [InlineData("""{"access_token":half-a-token-0123456789}""")]
    [InlineData("""{"access_token":["half-a-token-0123456789"]}""")]
    [InlineData("""{"access_token":"half-a-token-0123456789","token_type":"half-a-token-0123456789"}""")]
    [InlineData("""access_token=half-a-token-0123456789&token_type=bearer""")]
    public async Task Not_when_the_answer_with_the_token_is_broken(string body)
    {
        FakeSite site = new FakeSite().On("/api/oauth/token", _ => FakeSite.Json(body));
        using SiteClient client = site.Client();

        AlloyScanException e = await Assert.ThrowsAnyAsync<AlloyScanException>(() => client.ReadDeviceAsync("d1", default));

        AssertClean("half-a-token", site, e);
    }

    [Fact]
    public async Task Not_when_the_transport_quotes_it()
    {
        FakeSite site = new FakeSite().OnDefault(_ => throw new HttpRequestException($"sent {FakeSite.Secret}", new IOException("client_secret=" + s_escaped)));
        using SiteClient client = site.Client();

        AlloyScanException e = await Assert.ThrowsAnyAsync<AlloyScanException>(() => client.ReadDeviceAsync("d1", default));

        AssertClean(FakeSite.Secret, site, e);
        AssertClean(s_escaped, site, e);
    }

    [Fact]
    public async Task Not_when_a_redirect_carries_it()
    {
        FakeSite site = new FakeSite().WithTokens().OnDefault(_ => new HttpResponseMessage(HttpStatusCode.Redirect)
        {
            Headers = { Location = new Uri("https://evil.example/?access_token=token-1&x=" + s_escaped) },
        });
        using SiteClient client = site.Client();

        AlloyScanException e = await Assert.ThrowsAnyAsync<AlloyScanException>(() => client.ReadDeviceAsync("d1", default));

        AssertClean("token-1", site, e);
        AssertClean(s_escaped, site, e);
    }

    [Fact]
    public void Options_print_no_secret()
    {
        using SiteClient client = new FakeSite().Client();
        Assert.DoesNotContain(FakeSite.Secret, client.Options.ToString(), StringComparison.Ordinal);
    }

    private static void AssertClean(string leak, FakeSite site, AlloyScanException e)
    {
        string all = string.Join('\n', [e.ToString(), e.Message, e.Advice, $"{e.Target}", (e as SiteException)?.ServerMessage, .. site.Traces]);
        Assert.DoesNotContain(leak, all, StringComparison.OrdinalIgnoreCase);
    }
}
