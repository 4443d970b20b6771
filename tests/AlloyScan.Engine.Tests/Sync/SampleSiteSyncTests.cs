using AlloyScan.Engine.Credentials;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Sync;
using AlloyScan.SampleSite;

namespace AlloyScan.Engine.Tests.Sync;

/// <summary>Whole runs over HTTP against the sample site, which knows the truth about its fleet.</summary>
public sealed class SampleSiteSyncTests
{
    public static TheoryData<string, SampleSiteOptions> Sites => new()
    {
        { "plain", new SampleSiteOptions { Devices = 60 } },
        { "small pages", new SampleSiteOptions { Devices = 60, MaxPageSize = 7 } },
        { "tokens that expire in mid-run", new SampleSiteOptions { Devices = 60, TokenLifetime = TimeSpan.FromSeconds(1), Latency = TimeSpan.FromMilliseconds(120) } },
        { "429 with Retry-After", new SampleSiteOptions { Devices = 40, RateLimitPerSecond = 40 } },
        { "429 without Retry-After", new SampleSiteOptions { Devices = 40, RateLimitPerSecond = 40, RetryAfter = false } },
        { "gzip, chunked, unknown fields", new SampleSiteOptions { Devices = 60, Gzip = true, Chunked = true, UnknownFields = true } },
        { "the older token path and a slug", new SampleSiteOptions { Devices = 60, TokenPath = SampleSiteOptions.IdentityServerTokenPath, Slug = "hq" } },
    };

    private static SyncJob JobFor(SampleSiteHost site) => new()
    {
        Name = "Sample", SiteUrl = site.SiteUrl, ClientId = site.ClientId, ClientSecret = SecretReference.FromMemory(new Secret(site.ClientSecret)),
    };

    private static async Task<SyncRun> RunAsync(SyncFixture fixture, SyncJob job) =>
        await fixture.Store.Sync.ExecuteAsync(new SyncRequest { Job = job }, SilentObserver.Instance, default);

    [Theory]
    [MemberData(nameof(Sites))]
    public async Task Whatever_the_site_is_like_the_CMDB_holds_what_it_served(string kind, SampleSiteOptions options)
    {
        _ = kind;
        using var fixture = new SyncFixture();
        await using var site = await SampleSiteHost.StartAsync(options);
        var run = await RunAsync(fixture, JobFor(site));

        Assert.True(run.Status == SyncRunStatus.Succeeded, run.Message);
        var fleet = site.State.Fleet;
        var expected = fleet.Devices(0).OrderBy(d => d.Id.ToString(), StringComparer.Ordinal).ToList();
        Assert.Equal(expected.Count, run.DevicesRead);
        var conflicts = fixture.Rows("SELECT device_id FROM sync_conflicts").ToHashSet();
        Assert.Equal(
            expected.Where(d => d.Class == SampleDeviceClass.Computer && !conflicts.Contains(d.Id.ToString())).Select(d => $"{d.Id}|{d.Platform ?? "-"}|{d.MemoryBytes}|{Times(d.LastSeen)}"),
            fixture.Rows("SELECT device_id, os_platform, memory_bytes, last_seen FROM computers ORDER BY device_id"));
        Assert.Equal(
            expected.Where(d => d.Class == SampleDeviceClass.Hardware && !conflicts.Contains(d.Id.ToString())).Select(d => d.Id.ToString()),
            fixture.Rows("SELECT device_id FROM hardware ORDER BY device_id"));
        Assert.Equal(
            expected.Where(d => !conflicts.Contains(d.Id.ToString())).Sum(d => d.Installations).ToString(System.Globalization.CultureInfo.InvariantCulture),
            fixture.Scalar("SELECT count(*) FROM discovered_installations"));

        var second = await RunAsync(fixture, JobFor(site));
        Assert.Equal((0, 0, 0, 0), (second.Created, second.Updated, second.InstallationsAdded, second.InstallationsRemoved));

        static string Times(DateTime time) => time.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Over_days_no_CI_ever_belongs_to_two_machines(int seed)
    {
        using var fixture = new SyncFixture();
        await using var site = await SampleSiteHost.StartAsync(
            new SampleSiteOptions { Devices = 250, Seed = seed, JunkRate = 0.1, DuplicateRate = 0.03, ChangeRate = 5, SoftwarePerComputer = 10 });
        var fleet = site.State.Fleet;
        for (var day = 0; day < 6; day++)
        {
            site.State.Day = day;
            var run = await RunAsync(fixture, JobFor(site));
            Assert.True(run.Status == SyncRunStatus.Succeeded, run.Message);

            var machines = new Dictionary<string, int>();
            foreach (var row in fixture.Rows("SELECT record_id, device_id FROM sync_links"))
            {
                var parts = row.Split('|');
                Assert.True(fleet.TryGetIndex(Guid.Parse(parts[1]), out var index));
                var machine = fleet.Describe(index, day).MachineNumber;
                Assert.True(!machines.TryGetValue(parts[0], out var other) || other == machine, $"Day {day}: {parts[0]} belongs to the machines {other} and {machine}.");
                machines[parts[0]] = machine;
            }

            // Whoever is listed and linked is the live holder of a CI, and everything else that is listed is an open question.
            var listed = fleet.Count(day);
            var linked = int.Parse(fixture.Scalar("SELECT count(*) FROM sync_links WHERE state = 'Live'")!, System.Globalization.CultureInfo.InvariantCulture);
            var open = int.Parse(fixture.Scalar("SELECT count(*) FROM sync_conflicts c WHERE state = 'Open' AND NOT EXISTS (SELECT 1 FROM sync_links l WHERE l.device_id = c.device_id AND l.state = 'Live')")!, System.Globalization.CultureInfo.InvariantCulture);
            Assert.True(linked <= listed && linked + open >= listed, $"Day {day}: {listed} listed, {linked} linked, {open} open.");

            Assert.Equal((0, 0, 0), (await RunAsync(fixture, JobFor(site))) is var again ? (again.Created, again.Updated, again.Conflicts) : default);
        }
    }

    [Fact]
    public async Task A_run_costs_the_least_calls_that_the_API_allows()
    {
        using var fixture = new SyncFixture();
        await using var site = await SampleSiteHost.StartAsync(new SampleSiteOptions { Devices = 450 });
        var first = await RunAsync(fixture, JobFor(site));
        Assert.Equal(1 + 3 + (2 * 450), first.ApiCalls);

        site.State.Log.Reset();
        var second = await RunAsync(fixture, JobFor(site));
        Assert.InRange(second.ApiCalls, 3, 4);
        Assert.Equal(3, site.State.Log.CountOf("GET /api/v1/devices"));
    }

    [Theory]
    [InlineData("secret", "InvalidClient")]
    [InlineData("disabled", "InvalidClient")]
    [InlineData("expired", "InvalidClient")]
    [InlineData("nobody there", "SiteUnreachable")]
    [InlineData("wrong path", "WrongApiPath")]
    public async Task A_run_that_cannot_read_says_why_and_loses_nothing(string trouble, string errorId)
    {
        using var fixture = new SyncFixture();
        await using var site = await SampleSiteHost.StartAsync(new SampleSiteOptions { Devices = 20 });
        await RunAsync(fixture, JobFor(site));
        var before = fixture.Dump();
        var job = JobFor(site);
        switch (trouble)
        {
            case "secret":
                job = job with { ClientSecret = SecretReference.FromMemory(new Secret("not-the-secret")) };
                break;
            case "disabled":
                site.State.RegistrationDisabled = true;
                site.State.RevokeTokens();
                break;
            case "expired":
                site.State.RegistrationExpired = true;
                site.State.RevokeTokens();
                break;
            case "nobody there":
                await site.DisposeAsync();
                break;
            default:
                job = job with { ApiProfile = """{ "paths": { "devices": "/api/v9/devices" } }""" };
                break;
        }

        var run = await RunAsync(fixture, job);

        Assert.Equal((SyncRunStatus.Failed, errorId), (run.Status, run.ErrorId));
        Assert.DoesNotContain(site.ClientSecret, run.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("not-the-secret", run.Message, StringComparison.Ordinal);
        Assert.Equal(before, fixture.Dump());
    }
}
