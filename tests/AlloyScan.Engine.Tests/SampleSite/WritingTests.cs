using System.Net;
using AlloyScan.SampleSite;
using Xunit;

namespace AlloyScan.Engine.Tests.SampleSite;

public sealed class WritingTests
{
    [Fact]
    public async Task A_merge_patch_sets_asset_tag_and_custom_fields_and_nothing_else()
    {
        await using var site = await TestSite.StartAsync();
        var device = site.Fleet.Devices(0).First(d => d.Form == "Laptop");
        var path = $"api/v1/devices/{device.Id}";

        using var set = await site.SendAsync(HttpMethod.Patch, path, """{"assetTag":"X-1","custom":{"owner":"me","count":3}}""");
        using var more = await site.SendAsync(HttpMethod.Patch, path, """{"custom":{"owner":null,"costCenter":null,"site":"B"}}""");
        var row = await site.GetAsync(path);
        var snapshot = await site.GetAsync($"api/v1/snapshots/{device.AuditId}");
        var listed = await site.GetAsync("api/v1/devices?q=x-1");

        Assert.Equal(HttpStatusCode.OK, set.StatusCode);
        Assert.Equal("X-1", row.GetProperty("assetTag").GetString());
        Assert.Equal(3, row.GetProperty("custom").GetProperty("count").GetInt32());
        Assert.False(row.GetProperty("custom").TryGetProperty("owner", out _));
        Assert.False(snapshot.GetProperty("custom").TryGetProperty("costCenter", out _));
        Assert.Equal("B", snapshot.GetProperty("custom").GetProperty("site").GetString());
        Assert.Equal(device.Id, listed.GetProperty("items")[0].GetProperty("id").GetGuid());

        using var cleared = await site.SendAsync(HttpMethod.Patch, path, """{"assetTag":null}""");
        Assert.Null((await site.GetAsync(path)).GetProperty("assetTag").GetString());
    }

    [Theory]
    [InlineData("""{"name":"other"}""", HttpStatusCode.UnprocessableEntity)]
    [InlineData("""{"assetTag":5}""", HttpStatusCode.UnprocessableEntity)]
    [InlineData("""{"custom":"x"}""", HttpStatusCode.UnprocessableEntity)]
    [InlineData("""[1]""", HttpStatusCode.BadRequest)]
    [InlineData("""{"assetTag":""", HttpStatusCode.BadRequest)]
    public async Task A_patch_that_makes_no_sense_changes_nothing(string body, HttpStatusCode status)
    {
        await using var site = await TestSite.StartAsync();
        var path = $"api/v1/devices/{site.Fleet.DeviceId(0)}";
        var before = (await site.GetAsync(path)).GetRawText();

        using var reply = await site.SendAsync(HttpMethod.Patch, path, body);

        await TestSite.ErrorAsync(reply, status);
        Assert.Equal(before, (await site.GetAsync(path)).GetRawText());
    }

    [Fact]
    public async Task A_deleted_device_is_gone_for_good()
    {
        await using var site = await TestSite.StartAsync();
        var device = site.Fleet.Describe(7, 0);

        using var first = await site.SendAsync(HttpMethod.Delete, $"api/v1/devices/{device.Id}");
        using var second = await site.SendAsync(HttpMethod.Delete, $"api/v1/devices/{device.Id}");
        using var read = await site.Http.GetAsync($"api/v1/devices/{device.Id}");
        using var snapshot = await site.Http.GetAsync($"api/v1/snapshots/{device.AuditId}");
        var page = await site.GetAsync("api/v1/devices?limit=200");
        site.State.ShowHidden();

        Assert.Equal(HttpStatusCode.NoContent, first.StatusCode);
        await TestSite.ErrorAsync(second, HttpStatusCode.NotFound);
        await TestSite.ErrorAsync(read, HttpStatusCode.NotFound);
        await TestSite.ErrorAsync(snapshot, HttpStatusCode.NotFound);
        Assert.Equal(119, page.GetProperty("total").GetInt32());
        Assert.DoesNotContain(page.GetProperty("items").EnumerateArray(), r => r.GetProperty("id").GetGuid() == device.Id);
        Assert.Equal([7], site.State.DeletedDevices);
        Assert.Equal(119, site.State.Count);
    }

    [Fact]
    public async Task A_software_group_can_be_set_for_a_version_and_for_a_name()
    {
        await using var site = await TestSite.StartAsync();
        var version = (await site.GetAsync("api/v1/software?limit=1&softwareGroup=Regular")).GetProperty("items")[0];
        var name = version.GetProperty("name").GetString()!;
        var byName = (await site.GetAsync("api/v1/software?groupBy=name&q=" + Uri.EscapeDataString(name))).GetProperty("items").EnumerateArray().Single(p => p.GetProperty("name").GetString() == name);

        using var one = await site.SendAsync(HttpMethod.Patch, $"api/v1/software/{version.GetProperty("id").GetString()}", """{"softwareGroup":"Forbidden"}""");
        var forbidden = await site.GetAsync($"api/v1/software?limit=200&softwareGroup=Forbidden&q={Uri.EscapeDataString(name)}");
        using var all = await site.SendAsync(HttpMethod.Patch, $"api/v1/software/{byName.GetProperty("id").GetString()}", """{"softwareGroup":"Required"}""");
        var rows = (await site.GetAsync($"api/v1/software?limit=200&q={Uri.EscapeDataString(name)}")).GetProperty("items").EnumerateArray().Where(p => p.GetProperty("name").GetString() == name);
        using var wrong = await site.SendAsync(HttpMethod.Patch, $"api/v1/software/{version.GetProperty("id").GetString()}", """{"softwareGroup":"Banned"}""");

        Assert.Equal(HttpStatusCode.OK, one.StatusCode);
        Assert.Contains(forbidden.GetProperty("items").EnumerateArray(), p => p.GetProperty("id").GetString() == version.GetProperty("id").GetString());
        Assert.All(rows, r => Assert.Equal("Required", r.GetProperty("softwareGroup").GetString()));
        await TestSite.ErrorAsync(wrong, HttpStatusCode.UnprocessableEntity);
    }

    [Fact]
    public async Task Tags_can_be_made_renamed_put_on_devices_and_deleted_when_unused()
    {
        await using var site = await TestSite.StartAsync();
        var device = $"api/v1/devices/{site.Fleet.DeviceId(3)}";

        using var made = await site.SendAsync(HttpMethod.Post, "api/v1/tags", """{"name":"Blue team","color":"cyan"}""");
        using var again = await site.SendAsync(HttpMethod.Post, "api/v1/tags", """{"name":"blue TEAM"}""");
        using var blank = await site.SendAsync(HttpMethod.Post, "api/v1/tags", """{"name":" "}""");
        var id = (await TestSite.JsonAsync(made)).GetProperty("id").GetString();
        using var put = await site.SendAsync(HttpMethod.Put, $"{device}/tags/{id}");
        using var putAgain = await site.SendAsync(HttpMethod.Put, $"{device}/tags/{id}");
        using var renamed = await site.SendAsync(HttpMethod.Patch, $"api/v1/tags/{id}", """{"name":"Red team"}""");
        var tagged = await site.GetAsync("api/v1/devices?tag=red%20team");
        using var inUse = await site.SendAsync(HttpMethod.Delete, $"api/v1/tags/{id}");
        using var off = await site.SendAsync(HttpMethod.Delete, $"{device}/tags/{id}");
        using var deleted = await site.SendAsync(HttpMethod.Delete, $"api/v1/tags/{id}");
        using var gone = await site.Http.GetAsync($"api/v1/tags/{id}");

        Assert.Equal(HttpStatusCode.Created, made.StatusCode);
        Assert.Equal("name_taken", await TestSite.ErrorAsync(again, HttpStatusCode.Conflict));
        await TestSite.ErrorAsync(blank, HttpStatusCode.BadRequest);
        Assert.Equal(HttpStatusCode.NoContent, put.StatusCode);
        Assert.Equal(HttpStatusCode.NoContent, putAgain.StatusCode);
        Assert.Equal("Red team", (await TestSite.JsonAsync(renamed)).GetProperty("name").GetString());
        Assert.Equal(1, tagged.GetProperty("total").GetInt32());
        Assert.Equal("tag_in_use", await TestSite.ErrorAsync(inUse, HttpStatusCode.Conflict));
        Assert.Equal(HttpStatusCode.NoContent, off.StatusCode);
        Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        await TestSite.ErrorAsync(gone, HttpStatusCode.NotFound);
    }
}
