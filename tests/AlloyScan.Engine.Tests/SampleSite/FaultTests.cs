using System.Net;
using System.Text.Json;
using AlloyScan.SampleSite;

namespace AlloyScan.Engine.Tests.SampleSite;

/// <summary>Faults on the wire, each as an HTTP client sees it.</summary>
public sealed class FaultTests
{
    private const string List = "/api/v1/devices?limit=50&offset=0";

    [Theory]
    [InlineData("ServerError", "ServerError")]
    [InlineData("servererror : on=device , rate=0.05", "ServerError:on=Device,rate=0.05")]
    [InlineData("TooManyRequests:after=3,times=2,retry=date", "TooManyRequests:after=3,times=2,retry=Date")]
    [InlineData("shift:on=list,amount=-1,sticky=true", "Shift:on=List,amount=-1,sticky=true")]
    public void A_fault_is_read_from_text_and_written_back(string text, string canonical)
    {
        Assert.Equal(canonical, Fault.Parse(text).ToString());
        Assert.Equal(Fault.Parse(text), Fault.Parse(canonical));
    }

    [Theory]
    [InlineData("Nonsense", "Nonsense")]
    [InlineData("7", "7")]
    [InlineData("Reset:on=moon", "moon")]
    [InlineData("Reset:often=3", "often")]
    [InlineData("Reset:times", "times")]
    [InlineData("Reset:times=x", "'x'")]
    [InlineData("Reset:rate=2", "rate")]
    [InlineData("preset nowhere", "nowhere")]
    public void What_is_no_fault_is_named(string text, string named) =>
        Assert.Contains(named, Assert.Throws<FormatException>(() => FaultPlan.Read(["# a comment", "", text])).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("TooManyRequests", 429)]
    [InlineData("ServerError:amount=500", 500)]
    [InlineData("Forbidden", 403)]
    [InlineData("Redirect", 302)]
    [InlineData("TokensRevoked", 401)]
    [InlineData("Html", 200)]
    public async Task A_fault_of_the_answer_strikes_as_often_as_it_says(string fault, int status)
    {
        await using var site = await TestSite.StartAsync();
        using var client = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false }) { BaseAddress = site.Host.BaseUrl };
        client.DefaultRequestHeaders.Authorization = site.Http.DefaultRequestHeaders.Authorization;
        site.State.Faults.Faults = FaultPlan.Read([fault + (fault.Contains(':', StringComparison.Ordinal) ? "," : ":") + "on=list,after=1,times=1"]);

        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync(List)).StatusCode);
        using var struck = await client.GetAsync(List);
        Assert.Equal(status, (int)struck.StatusCode);
        Assert.Equal([1], site.State.Faults.Struck);
        if (fault.StartsWith("TokensRevoked", StringComparison.Ordinal))
            return;

        Assert.Equal(fault == "Html" ? "text/html" : struck.Content.Headers.ContentType?.MediaType, struck.Content.Headers.ContentType?.MediaType);
        using var after = await client.GetAsync(List);
        Assert.StartsWith("{\"items\"", await after.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("EmptyList", 0, 0)]
    [InlineData("ShortPage", 3, 120)]
    [InlineData("TotalCollapses", 50, 1)]
    [InlineData("Duplicates", 52, 120)]
    [InlineData("WrongTypes", 50, 120)]
    [InlineData("Large", 50, 120)]
    [InlineData("Drip:amount=200000", 50, 120)]
    public async Task A_fault_of_the_list_is_in_its_body(string fault, int items, int total)
    {
        await using var site = await TestSite.StartAsync();
        site.State.Faults.Faults = [Fault.Parse(fault)];
        var page = await site.GetAsync(List);
        Assert.Equal((items, total), (page.GetProperty("items").GetArrayLength(), page.GetProperty("total").GetInt32()));
        if (fault == "WrongTypes")
            Assert.Equal([JsonValueKind.Object, JsonValueKind.String], page.GetProperty("items").EnumerateArray().Take(2).Select(i => i.GetProperty("name").ValueKind));
        if (fault == "Large")
            Assert.Equal(10_000_000, page.GetProperty("padding").GetString()!.Length);
    }

    [Fact]
    public async Task Bodies_break_off_or_end_early()
    {
        await using var site = await TestSite.StartAsync();
        site.State.Faults.Faults = [Fault.Parse("Reset")];
        await Assert.ThrowsAnyAsync<Exception>(() => site.Http.GetStringAsync(List));

        site.State.Faults.Faults = [Fault.Parse("Truncated")];
        var half = await site.Http.GetStringAsync(List);
        Assert.ThrowsAny<JsonException>(() => JsonDocument.Parse(half));
    }

    [Fact]
    public async Task Later_pages_shift_as_if_items_had_gone_or_come()
    {
        await using var site = await TestSite.StartAsync();
        var all = (await site.GetAsync("/api/v1/devices?limit=120&offset=0")).GetProperty("items").EnumerateArray().Select(i => i.GetProperty("id").GetString()).ToList();
        foreach (var by in (int[])[1, -2])
        {
            site.State.Faults.Faults = [Fault.Parse($"Shift:amount={by}")];
            var page = await site.GetAsync("/api/v1/devices?limit=10&offset=20");
            Assert.Equal(all[20 + by], page.GetProperty("items")[0].GetProperty("id").GetString());
        }
    }

    [Fact]
    public async Task A_sticky_fault_spoils_one_item_each_time_and_no_other()
    {
        await using var site = await TestSite.StartAsync();
        var ids = (await site.GetAsync("/api/v1/devices?limit=3&offset=0")).GetProperty("items").EnumerateArray().Select(i => i.GetProperty("id").GetString()).ToList();
        site.State.Faults.Faults = [Fault.Parse("ServerError:on=device,sticky=true")];
        foreach (var (index, status) in (ReadOnlySpan<(int, int)>)[(1, 503), (0, 200), (1, 503), (2, 200)] is var calls ? calls.ToArray() : [])
            Assert.Equal(status, (int)(await site.Http.GetAsync($"/api/v1/devices/{ids[index]}")).StatusCode);
    }

    [Fact]
    public async Task A_ceiling_lets_so_many_calls_of_a_second_through()
    {
        await using var site = await TestSite.StartAsync();
        site.State.Faults.Faults = [Fault.Parse("Ceiling:amount=5")];
        var codes = new List<int>();
        for (var i = 0; i < 20; i++)
            codes.Add((int)(await site.Http.GetAsync("/api/v1/devices?limit=1&offset=0")).StatusCode);

        // Twenty calls take far less than two seconds, so that at most three windows are touched.
        Assert.InRange(codes.Count(c => c == 200), 5, 15);
        Assert.Contains(429, codes);
    }

    [Fact]
    public async Task Faults_are_set_and_ended_while_the_site_runs()
    {
        await using var site = await TestSite.StartAsync();
        using (var reply = await site.SendAsync(HttpMethod.Put, "/_sample/faults", """{"faults": ["preset forbidden", "Latency:amount=1"]}"""))
            Assert.Equal(HttpStatusCode.OK, reply.StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await site.Http.GetAsync(List)).StatusCode);
        Assert.Equal(["Forbidden:on=List", "Latency:amount=1"], (await site.GetAsync("/_sample/faults")).GetProperty("faults").EnumerateArray().Select(f => f.GetProperty("fault").GetString()));

        using (var bad = await site.SendAsync(HttpMethod.Put, "/_sample/faults", """{"faults": ["Boom"]}"""))
            Assert.Equal("invalid_request", await TestSite.ErrorAsync(bad, HttpStatusCode.BadRequest));
        using (var reply = await site.SendAsync(HttpMethod.Put, "/_sample/faults", """{"faults": []}"""))
            Assert.Equal(HttpStatusCode.OK, reply.StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await site.Http.GetAsync(List)).StatusCode);
    }
}
