using AlloyScan.Engine.Credentials;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Site;
using AlloyScan.Engine.Sync;
using AlloyScan.Engine.Tests.Sync;
using AlloyScan.SampleSite;

namespace AlloyScan.Engine.Tests.Site;

/// <summary>API profiles are held against a site, and believed in what is gone only when they passed.</summary>
public sealed class ProfileTestTests
{
    private static SiteClient Client(SampleSiteHost site, ApiProfile profile) => new(new SiteConnectionOptions
    {
        SiteUrl = site.SiteUrl, ClientId = site.ClientId, ClientSecret = new Secret(site.ClientSecret), Profile = profile,
    });

    private static LocationVerdict VerdictOf(ApiProfileTestResult result, string section, string field) => result.Checks.Single(c => c.Section == section && c.Field == field).Verdict;

    [Fact]
    public async Task The_documented_API_passes_at_the_sample_site_in_a_handful_of_calls()
    {
        await using var site = await SampleSiteHost.StartAsync(new SampleSiteOptions { Devices = 20 });
        using var client = Client(site, ApiProfile.Default);

        var result = await client.TestProfileAsync(default);

        Assert.True(result.Passed, result.Message);
        Assert.Equal(LocationVerdict.Found, VerdictOf(result, "snapshot", "cpuName"));
        Assert.Equal(LocationVerdict.Found, VerdictOf(result, "software", "name"));
        Assert.DoesNotContain(result.Checks, c => c.Verdict is LocationVerdict.Guessed or LocationVerdict.NotTested);
        Assert.InRange(client.Usage.Calls, 3, 8);
    }

    [Theory]
    [InlineData("""{ "device": { "serialNumber": "hardware.serial_no" } }""", "device", "serialNumber", LocationVerdict.Guessed)]
    [InlineData("""{ "snapshot": { "biosUuid": "bios.uuid" } }""", "snapshot", "biosUuid", LocationVerdict.Guessed)]
    [InlineData("""{ "envelope": { "total": "paging.count" } }""", "envelope", "total", LocationVerdict.Guessed)]
    [InlineData("""{ "envelope": { "total": null } }""", "envelope", "total", LocationVerdict.NotRead)]
    [InlineData("""{ "device": { "auditId": "latestAudit" } }""", "device", "auditId", LocationVerdict.Guessed)]
    [InlineData("""{ "envelope": { "items": "rows" } }""", "device", "id", LocationVerdict.NotTested)]
    [InlineData("""{ "paths": { "snapshot": "/api/v9/snapshots/{id}" } }""", "snapshot", "id", LocationVerdict.NotTested)]
    [InlineData("""{ "paths": { "devices": "/api/v9/devices" } }""", "device", "id", LocationVerdict.NotTested)]
    public async Task A_profile_that_is_wrong_about_what_matters_does_not_pass(string json, string section, string field, LocationVerdict verdict)
    {
        await using var site = await SampleSiteHost.StartAsync(new SampleSiteOptions { Devices = 20 });
        using var client = Client(site, ApiProfile.Parse(json));

        var result = await client.TestProfileAsync(default);

        Assert.False(result.Passed);
        Assert.NotNull(result.Message);
        Assert.Equal(verdict, VerdictOf(result, section, field));
    }

    [Fact]
    public async Task Nothing_is_marked_missing_on_a_profile_that_has_not_passed()
    {
        await using var site = await SampleSiteHost.StartAsync(new SampleSiteOptions { Devices = 20 });
        using var fixture = new SyncFixture(job => job with
        {
            SiteUrl = site.SiteUrl, ClientId = site.ClientId, ClientSecret = SecretReference.FromMemory(new Secret(site.ClientSecret)), ApiProfile = """{ "paging": { "pageSize": 7 } }""",
        });
        await RunAsync(fixture);
        var gone = fixture.Rows("SELECT device_id FROM sync_links ORDER BY device_id")[0];
        using (var client = Client(site, ApiProfile.Default))
            await client.DeleteDeviceAsync(gone, default);

        var run = await RunAsync(fixture);
        Assert.Equal((SyncRunStatus.Succeeded, 0), (run.Status, run.Missing));
        Assert.Contains(fixture.Heard.Warnings, w => w.Contains("Test-AlloyScanApiProfile", StringComparison.Ordinal));

        fixture.Store.Jobs.SetProfilePassed("HQ", true);
        Assert.Equal(1, (await RunAsync(fixture)).Missing);
        Assert.DoesNotContain(fixture.Heard.Warnings, w => w.Contains("Test-AlloyScanApiProfile", StringComparison.Ordinal));
        // Another profile has to pass by itself.
        Assert.False(Passed(fixture, """{ "paging": { "pageSize": 8 } }"""));
        fixture.Store.Jobs.SetProfilePassed("HQ", false);
        Assert.False(Passed(fixture, """{ "paging": { "pageSize": 7 } }"""));
        Assert.True(Passed(fixture, null));
        Assert.True(Passed(fixture, "{}"));
    }

    private static bool Passed(SyncFixture fixture, string? profile)
    {
        using var session = fixture.Store.NewSession();
        return SyncJobs.HasProfilePassed(session, 1, profile);
    }

    private static Task<SyncRun> RunAsync(SyncFixture fixture)
    {
        fixture.Heard.Warnings.Clear();
        return fixture.Store.Sync.ExecuteAsync(new SyncRequest { Job = fixture.Job }, fixture.Heard, default);
    }
}
