using System.Net;
using System.Text;
using AlloyScan.Engine.Credentials;
using AlloyScan.Engine.Jobs;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace AlloyScan.Engine.Tests.Site;

/// <summary>Whatever leaves the engine as text has lost its secrets, in every form that a text gives them.</summary>
public sealed class RedactionTests
{
    private const string Hard = "Pa55 word+/=&<>'\"\\\u00e9\u20ac;%41";

    private static readonly Gen<string> s_secrets =
        from characters in Gen.Elements("abcXYZ0189+/=&<>'\"\\%;: \u00e9\u20ac-_~".ToCharArray()).ArrayOf()
        from tail in Gen.Choose(10_000_000, 99_999_999)
        select new string(characters) + tail;

    [Fact]
    public void No_form_of_a_secret_survives() => Prop.ForAll((from s in s_secrets from before in Gen.Choose(0, 5) select (s, before)).ToArbitrary(), c =>
    {
        var (secret, before) = c;
        var held = new Secret(secret);
        _ = held.Reveal();
        var pair = new string('i', before) + secret + "tail";
        string[] forms =
        [
            secret, Uri.EscapeDataString(secret), Uri.EscapeDataString(secret).ToLowerInvariant(), WebUtility.UrlEncode(secret), WebUtility.HtmlEncode(secret),
            System.Text.Json.JsonSerializer.Serialize(secret).Trim('"'), Newtonsoft.Json.JsonConvert.ToString(secret)[1..^1],
        ];
        foreach (var form in forms)
            Assert.DoesNotContain(form, new AlloyScanException(ErrorKind.InvalidData, "Test", $"before {form} behind", form, $"advice {form}").ToString(), StringComparison.Ordinal);

        // Of Base64, the ends hold bits of the neighbours and so stay.
        var text = Convert.ToBase64String(Encoding.UTF8.GetBytes(pair));
        var cleaned = new AlloyScanException(ErrorKind.InvalidData, "Test", $"Authorization: Basic {text}").Message;
        Assert.Contains("********", cleaned, StringComparison.Ordinal);
        GC.KeepAlive(held);
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(300));

    [Theory]
    [InlineData("half-\ud800-of-a-pair")]
    [InlineData("\udc00\ud800")]
    [InlineData("ends-in-half\ud83d")]
    public void A_secret_that_is_no_whole_text_is_known_all_the_same(string text)
    {
        var secret = new Secret(text + "-0815");
        Assert.Equal("before ******** behind", secret.Forms.Clean($"before {secret.Reveal()} behind"));
    }

    [Fact]
    public void A_cause_that_quotes_a_secret_is_told_without_it()
    {
        var secret = new Secret(Hard);
        _ = secret.Reveal();
        var cause = new HttpRequestException($"sent {Hard}", new IOException("as " + Uri.EscapeDataString(Hard)));

        var e = new AlloyScanException(ErrorKind.Connection, "Test", "It failed.", Hard, innerException: cause);

        Assert.Contains("HttpRequestException", e.ToString(), StringComparison.Ordinal);
        Assert.Equal("sent ********", e.InnerException!.Message);
        Assert.DoesNotContain("Pa55", e.ToString() + e.Target, StringComparison.Ordinal);
        GC.KeepAlive(secret);
    }

    [Fact]
    public void What_quotes_none_is_left_as_it_is()
    {
        var cause = new IOException("disk");
        var e = new AlloyScanException(ErrorKind.ResourceUnavailable, "Test", "It failed.", 5, "Try again.", cause);
        Assert.Same(cause, e.InnerException);
        Assert.Equal(("It failed.", "Try again.", 5), (e.Message, e.Advice, e.Target));
    }

    [Theory]
    [InlineData("""{"format":"AlloyScanSyncJob","version":1,"job":{"name":"a","siteUrl":"https://a.example","clientId":"c","clientSecret":"hunter2-plain"}}""")]
    [InlineData("""{"format":"AlloyScanSyncJob","version":1,"job":{"name":"a","siteUrl":"https://a.example","clientId":"c","clientSecret":hunter2-plain}}""")]
    [InlineData("""{"format":"AlloyScanSyncJob","version":1,"job":{"name":"a","siteUrl":"https://a.example","clientId":"c","clientSecret":{"kind":"hunter2-plain","value":1}}}""")]
    [InlineData("""{"format":"AlloyScanSyncJob","version":1,"job":{"name":"a","siteUrl":"https://a.example","clientId":"c","clientSecret":["hunter2-plain"]}}""")]
    [InlineData("""{"format":"AlloyScanSyncJob","version":1,"job":{"name":"a","siteUrl":"https://a.example","clientId":"c","secret":"hunter2-plain"}}""")]
    public void A_secret_that_somebody_wrote_into_a_job_file_is_not_quoted(string json)
    {
        var e = Assert.Throws<AlloyScanException>(() => JobFile.Parse(json));
        Assert.DoesNotContain("hunter2", e.ToString() + e.Advice + e.Target, StringComparison.Ordinal);
    }
}
