using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Site;
using Xunit;

namespace AlloyScan.Engine.Tests.Site;

public sealed class SiteBodyTests
{
    private const string DevicePath = "/api/v1/devices/d1";

    private static FakeSite Site(params Func<SeenRequest, HttpResponseMessage>[] answers) => new FakeSite().WithTokens().OnEach(DevicePath, answers);

    [Theory]
    [InlineData("gzip")]
    [InlineData("br")]
    [InlineData("deflate")]
    public async Task Compressed_bodies_are_read_and_counted_as_they_are_inside(string encoding)
    {
        string json = FakeSite.DeviceJson(1);
        FakeSite site = Site(_ => Compressed(json, encoding));
        using SiteClient client = site.Client();
        await client.AuthenticateAsync(default);
        SiteUsage before = client.Usage;

        Device device = (await client.ReadDeviceAsync("d1", default))!;

        Assert.Equal("PC1", device.Name);
        Assert.Equal(new SiteUsage(1, json.Length), client.Usage - before);
    }

    [Fact]
    public async Task A_body_without_length_that_comes_byte_by_byte_is_read()
    {
        FakeSite site = Site(_ => Stream(new Trickle(Encoding.UTF8.GetBytes("\uFEFF" + FakeSite.DeviceJson(1).Replace("PC1", "Jürgen's 💻", StringComparison.Ordinal)))));
        using SiteClient client = site.Client();

        Assert.Equal("Jürgen's 💻", (await client.ReadDeviceAsync("d1", default))!.Name);
    }

    [Theory]
    [InlineData("<!DOCTYPE html><html><head><title>Sign in</title></head></html>", "application/json")]
    [InlineData("  \r\n<html></html>", "application/json")]
    [InlineData("{}", "text/html")]
    [InlineData("Service is being updated", "text/plain")]
    [InlineData("'id'", "application/json")]
    [InlineData("null", "application/json")]
    public async Task What_is_not_json_is_told_at_once(string body, string contentType)
    {
        FakeSite site = Site(_ => new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent(body, Encoding.UTF8, contentType) });
        using SiteClient client = site.Client();

        AlloyScanException e = await Assert.ThrowsAnyAsync<AlloyScanException>(() => client.ReadDeviceAsync("d1", default));

        Assert.Equal((ErrorKind.InvalidData, "NotJson"), (e.Kind, e.ErrorId));
        Assert.Equal(1, site.Count(DevicePath));
        Assert.Contains("proxy", e.Advice, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("   ")]
    [InlineData("{")]
    [InlineData("{\"id\"")]
    [InlineData("{\"id\":\"d1\",\"name\":\"PC")]
    [InlineData("{\"id\":\"d1\",\"unknown\":[1,2")]
    [InlineData("{\"id\":\"d1\",\"tags\":[{\"id\":\"x\"}")]
    [InlineData("{\"id\":\"d1\"")]
    public async Task A_body_cut_short_is_asked_for_five_times(string body)
    {
        FakeSite site = Site(_ => FakeSite.Json(body));
        using SiteClient client = site.Client();

        AlloyScanException e = await Assert.ThrowsAnyAsync<AlloyScanException>(() => client.ReadDeviceAsync("d1", default));

        Assert.Equal((ErrorKind.InvalidData, "TruncatedBody"), (e.Kind, e.ErrorId));
        Assert.Equal(5, site.Count(DevicePath));
    }

    [Fact]
    public async Task A_body_cut_short_once_does_no_harm()
    {
        string json = FakeSite.DeviceJson(1);
        FakeSite site = Site(
            _ => FakeSite.Json(json[..40]),
            _ => Stream(new Trickle(Encoding.UTF8.GetBytes(json)) { BreakAt = 30 }),
            _ => FakeSite.Json(json));
        using SiteClient client = site.Client();

        Assert.Equal("PC1", (await client.ReadDeviceAsync("d1", default))!.Name);
        Assert.Equal(3, site.Count(DevicePath));
    }

    [Fact]
    public async Task A_truncated_gzip_body_is_asked_for_again()
    {
        FakeSite site = Site(_ => Compressed(FakeSite.DeviceJson(1), "gzip", cut: 40), _ => Compressed(FakeSite.DeviceJson(1), "gzip"));
        using SiteClient client = site.Client();

        Assert.Equal("PC1", (await client.ReadDeviceAsync("d1", default))!.Name);
        Assert.Equal(2, site.Count(DevicePath));
    }

    [Fact]
    public async Task Text_behind_the_json_is_an_error()
    {
        FakeSite site = Site(_ => FakeSite.Json(FakeSite.DeviceJson(1) + " {}"));
        using SiteClient client = site.Client();

        Assert.Equal("NotJson", (await Assert.ThrowsAnyAsync<AlloyScanException>(() => client.ReadDeviceAsync("d1", default))).ErrorId);
    }

    [Fact]
    public async Task A_body_without_end_is_cut_off_at_the_limit()
    {
        FakeSite site = Site(_ => Stream(new Endless()));
        using SiteClient client = site.Client();

        AlloyScanException e = await Assert.ThrowsAnyAsync<AlloyScanException>(() => client.ReadDeviceAsync("d1", default));

        Assert.Equal((ErrorKind.InvalidData, "BodyTooLarge"), (e.Kind, e.ErrorId));
        Assert.InRange(client.Usage.BytesReceived, 64 * 1024 * 1024, 65 * 1024 * 1024);
        Assert.Equal(1, site.Count(DevicePath));
    }

    [Fact]
    public async Task A_compression_bomb_is_cut_off_at_the_limit()
    {
        using MemoryStream packed = new();
        using (GZipStream gzip = new(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            byte[] zeros = new byte[1024 * 1024];
            for (int i = 0; i < 80; i++)
            {
                gzip.Write(zeros);
            }
        }

        FakeSite site = Site(_ =>
        {
            ByteArrayContent content = new(packed.ToArray());
            content.Headers.ContentEncoding.Add("gzip");
            return new HttpResponseMessage(HttpStatusCode.OK) { Content = content };
        });
        using SiteClient client = site.Client();

        Assert.Equal("BodyTooLarge", (await Assert.ThrowsAnyAsync<AlloyScanException>(() => client.ReadDeviceAsync("d1", default))).ErrorId);
    }

    [Fact]
    public async Task The_body_of_a_failure_is_read_no_further_than_needed()
    {
        FakeSite site = Site(_ =>
        {
            HttpResponseMessage response = Stream(new Endless());
            response.StatusCode = HttpStatusCode.Forbidden;
            return response;
        });
        using SiteClient client = site.Client();

        Assert.Equal(403, (await Assert.ThrowsAsync<SiteException>(() => client.ReadDeviceAsync("d1", default))).StatusCode);
        Assert.InRange(client.Usage.BytesReceived, 1, 70 * 1024);
    }

    [Fact]
    public async Task Nesting_has_a_limit()
    {
        string deep = "{\"id\":\"d1\",\"unknown\":" + new string('[', 5000) + new string(']', 5000) + "}";
        FakeSite site = Site(_ => FakeSite.Json(deep));
        using SiteClient client = site.Client();

        AlloyScanException e = await Assert.ThrowsAnyAsync<AlloyScanException>(() => client.ReadDeviceAsync("d1", default));

        Assert.Equal((ErrorKind.InvalidData, "TooDeep"), (e.Kind, e.ErrorId));
    }

    [Fact]
    public async Task Deep_but_bearable_nesting_is_skipped()
    {
        string deep = "{\"unknown\":" + new string('[', 50) + new string(']', 50) + ",\"id\":\"d1\"}";
        FakeSite site = Site(_ => FakeSite.Json(deep));
        using SiteClient client = site.Client();

        Assert.Equal("d1", (await client.ReadDeviceAsync("d1", default))!.Id);
    }

    internal static HttpResponseMessage Stream(Stream stream) => new(HttpStatusCode.OK)
    {
        Content = new StreamContent(stream) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } },
    };

    private static HttpResponseMessage Compressed(string json, string encoding, int? cut = null)
    {
        using MemoryStream packed = new();
        using (Stream packer = encoding switch
        {
            "gzip" => new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true),
            "br" => new BrotliStream(packed, CompressionLevel.Fastest, leaveOpen: true),
            _ => new ZLibStream(packed, CompressionLevel.Fastest, leaveOpen: true),
        })
        {
            packer.Write(Encoding.UTF8.GetBytes(json));
        }

        byte[] bytes = packed.ToArray();
        ByteArrayContent content = new(cut is null ? bytes : bytes[..cut.Value]);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        content.Headers.ContentEncoding.Add(encoding);
        return new HttpResponseMessage(HttpStatusCode.OK) { Content = content };
    }

    /// <summary>Gives a byte a read, and may break in the middle as a lost connection does.</summary>
    private sealed class Trickle(byte[] bytes) : MemoryStream(bytes)
    {
        public int BreakAt { get; init; } = -1;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            Position == BreakAt
                ? throw new HttpIOException(HttpRequestError.ResponseEnded, "The response ended prematurely.")
                : new(Read(buffer.Span[..Math.Min(1, buffer.Length)]));
    }

    private sealed class Endless : MemoryStream
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            buffer.Span.Fill((byte)' ');
            return new(buffer.Length);
        }
    }
}
