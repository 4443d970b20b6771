using System.Diagnostics;
using System.Globalization;
using AlloyScan.Engine.Store;
using AlloyScan.SampleSite;
using Newtonsoft.Json.Linq;

namespace AlloyScan.Engine.Tests;

/// <summary>Several processes of <c>alloyscan</c> on one PostgreSQL store.</summary>
[Trait("Store", "PostgreSQL")]
public sealed class PostgresHostTests
{
    private const string Secret = "h0sts-secret";

    [PostgresFact]
    public async Task One_runs_and_the_other_says_who_and_when_the_first_is_killed_the_next_goes_on_at_once()
    {
        using var place = new TestStore(postgres: true);
        AlloyStore.Open(place.Location).Dispose();
        await using var site = await SampleSiteHost.StartAsync(new SampleSiteOptions { Devices = 700, SoftwarePerComputer = 5, ClientSecret = Secret, Latency = TimeSpan.FromMilliseconds(40) });

        using var first = Start(site, place);
        await UntilAsync(() => Number(place, "SELECT count(*) FROM records") > 0, "the first run writes");
        var second = await EndAsync(Start(site, place));
        Assert.Equal("JobRunning", (string?)second["error_id"]);
        Assert.Contains(FormattableString.Invariant($"{Environment.MachineName} (process {first.Id})"), (string?)second["message"], StringComparison.Ordinal);
        Assert.False(first.HasExited, "the first run was over before it could be killed");
        first.Kill(entireProcessTree: true);
        await first.WaitForExitAsync();
        var before = Number(place, "SELECT count(*) FROM records");

        var third = await EndAsync(Start(site, place));

        Assert.Equal("Succeeded", (string?)third["status"]);
        Assert.Equal(Number(place, "SELECT count(*) FROM records") - before, (long)third["created"]!);
        Assert.Equal("0", place.Scalar("SELECT count(*) FROM (SELECT 1 FROM links WHERE state = 1 GROUP BY record HAVING count(*) > 1) d"));
        Assert.Equal(["1|Failed", "2|Succeeded"], place.Rows("SELECT id, status FROM runs ORDER BY id"));
        var fourth = await EndAsync(Start(site, place));
        Assert.Equal((0L, 0L, 0L), ((long)fourth["created"]!, (long)fourth["updated"]!, (long)fourth["installations_added"]!));
    }

    [PostgresFact]
    public async Task What_another_host_left_is_taken_over_when_its_last_sign_of_life_is_old_by_the_servers_clock()
    {
        using var place = new TestStore(postgres: true);
        AlloyStore.Open(place.Location).Dispose();
        await using var site = await SampleSiteHost.StartAsync(new SampleSiteOptions { Devices = 20, SoftwarePerComputer = 2, ClientSecret = Secret });
        var now = StoreDialect.Of(place.Location).Now;
        place.Sql($"INSERT INTO leases (name, number, job, host, process_id, process_started, acquired_at, heartbeat_at) VALUES ('target:1', 7, 'HQ', 'elsewhere', 4711, 1, {now}, {now} - 100000)");

        var refused = await EndAsync(Start(site, place));
        Assert.Equal("JobRunning", (string?)refused["error_id"]);
        Assert.Contains("elsewhere (process 4711)", (string?)refused["message"], StringComparison.Ordinal);

        place.Sql($"UPDATE leases SET heartbeat_at = {now} - 121000");
        Assert.Equal("Succeeded", (string?)(await EndAsync(Start(site, place)))["status"]);
        Assert.Equal("8", place.Scalar("SELECT number FROM leases"));
    }

    [PostgresFact]
    public async Task A_server_of_an_older_version_refuses_a_store_that_a_newer_one_brought_up_to_date()
    {
        using var place = new TestStore(postgres: true);
        AlloyStore.Open(place.Location).Dispose();
        place.Sql("UPDATE store_version SET version = version + 1");
        await using var site = await SampleSiteHost.StartAsync(new SampleSiteOptions { Devices = 20, ClientSecret = Secret });
        Assert.Equal("StoreTooNew", (string?)(await EndAsync(Start(site, place)))["error_id"]);
        Assert.Equal("0", place.Scalar("SELECT count(*) FROM runs"));
    }

    private static Process Start(SampleSiteHost site, TestStore place) => Process.Start(new ProcessStartInfo(
        Environment.ProcessPath is { } host && Path.GetFileNameWithoutExtension(host) == "dotnet" ? host : "dotnet")
    {
        RedirectStandardOutput = true,
        ArgumentList =
        {
            Path.Combine(AppContext.BaseDirectory, "alloyscan.dll"), "run", "--site-url", site.SiteUrl.AbsoluteUri, "--client-id", site.ClientId,
            "--client-secret-env", "ALLOYSCAN_HOST_SECRET", "--name", "HQ", "--store", place.Location.ToString(), "--json",
        },
        Environment = { ["ALLOYSCAN_HOST_SECRET"] = Secret },
    })!;

    private static async Task<JObject> EndAsync(Process process)
    {
        using (process)
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(4));
            var output = await process.StandardOutput.ReadToEndAsync(patience.Token);
            await process.WaitForExitAsync(patience.Token);
            return JObject.Parse(output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]);
        }
    }

    private static long Number(TestStore place, string sql) => long.Parse(place.Scalar(sql)!, CultureInfo.InvariantCulture);

    private static async Task UntilAsync(Func<bool> condition, string what)
    {
        for (var waited = Stopwatch.StartNew(); !condition(); await Task.Delay(20))
            Assert.True(waited.Elapsed < TimeSpan.FromMinutes(3), $"In vain for three minutes: {what}.");
    }
}
