using System.Diagnostics;
using System.Globalization;
using AlloyScan.Engine.Credentials;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Store;
using AlloyScan.Engine.Sync;
using AlloyScan.Engine.Tests.Sync;
using AlloyScan.SampleSite;
using Microsoft.Data.Sqlite;
using Xunit.Abstractions;

namespace AlloyScan.Engine.Tests.AutomationServer;

/// <summary>
/// Processes that are killed at random moments, more than fifty in all: every store that they leave is sound and consistent, and the next run
/// ends where one ends that nobody disturbed.
/// </summary>
public sealed class KillTests(ITestOutputHelper output)
{
    private static readonly SampleSiteOptions s_fleet = new() { Devices = 330, SoftwarePerComputer = 3, MaxPageSize = 100, ChangeRate = 10, Latency = TimeSpan.FromMilliseconds(2) };

    private static readonly string[] s_fields =
        ["name", "dns_name", "serial_number", "asset_tag", "mac_address", "ip_address", "manufacturer", "model", "os_name", "os_version", "cpu", "memory_bytes", "user_name", "status"];

    [Fact]
    public Task A_first_load_that_is_killed() => KillAsync(kills: 18, day: 0, prepare: null);

    [Fact]
    public Task A_run_with_changes_that_is_killed() => KillAsync(kills: 14, day: 1, prepare: null);

    [Fact]
    public Task A_run_that_retires_and_deletes_that_is_killed() => KillAsync(kills: 12, day: 0, prepare: async fixture =>
    {
        await using var site = await SampleSiteHost.StartAsync(s_fleet);
        site.State.Hide(Enumerable.Range(20, 8));
        // Missing since one run already; this one retires. Others were retired by a person, and their devices are deleted.
        Assert.Equal(8, (await RunAsync(fixture, site)).Missing);
        fixture.Sql("UPDATE records SET status = 'Retired' WHERE id IN (SELECT record FROM links WHERE state = 1 ORDER BY device_id LIMIT 8)");
    }, hidden: Enumerable.Range(20, 8));

    [Fact]
    public async Task An_undo_that_is_killed()
    {
        using var source = NewFixture();
        await using var site = await SampleSiteHost.StartAsync(s_fleet);
        var run = await RunAsync(source, site);
        site.State.Day = 1;
        var second = await RunAsync(source, site);
        var stores = new[] { (Run: run.Id, Name: "a first load"), (Run: second.Id, Name: "changes") };
        var random = new Random(4);
        var midway = 0;
        foreach (var (undone, name) in stores)
        {
            // Newest first: the first load can be taken back when the changes are.
            using var basis = Copy(source);
            if (undone == run.Id)
                basis.Store.Undo.Undo(second.Id, rehearsal: false, _ => { }, default);
            using var calm = Copy(basis);
            using (var process = ChildProgram.Start("AlloyScan.Engine.Tests.dll", "undo", calm.Store.Location.Path, undone.ToString(CultureInfo.InvariantCulture)))
            {
                await process.WaitForExitAsync();
                Assert.Equal(0, process.ExitCode);
            }

            var expected = State(calm);
            for (var kill = 0; kill < 5; kill++)
            {
                using var fixture = Copy(basis);
                using var process = ChildProgram.Start("AlloyScan.Engine.Tests.dll", "undo", fixture.Store.Location.Path, undone.ToString(CultureInfo.InvariantCulture));
                // From the moment on when it has written that it begins.
                await ChildProgram.UntilAsync(() => fixture.Scalar("SELECT count(*) FROM runs WHERE kind = 'Undo' AND status = 'Running'") != "0", process);
                await Task.Delay(random.Next(60));
                midway += await KillAsync(process) ? 1 : 0;
                AssertConsistent(fixture, name);
                if (fixture.Scalar($"SELECT undone_by FROM runs WHERE id = {undone}") is null)
                    fixture.Store.Undo.Undo(undone, rehearsal: false, _ => { }, default);
                Assert.Equal(expected, State(fixture));
            }
        }

        output.WriteLine($"10 undos killed, {midway} of them before they ended.");
        Assert.InRange(midway, 1, 10);
    }

    private async Task KillAsync(int kills, int day, Func<SyncFixture, Task>? prepare, IEnumerable<int>? hidden = null)
    {
        using var basis = NewFixture(retiring: hidden is not null);
        if (day > 0 || hidden is not null)
        {
            await using var before = await SampleSiteHost.StartAsync(s_fleet);
            await RunAsync(basis, before);
            if (prepare is not null)
                await prepare(basis);
        }

        // How long the part of a run is that begins with its first request, and where it leads.
        TimeSpan length;
        List<string> expected;
        List<int> deleted;
        using (var calm = Copy(basis))
        {
            await using var site = await StartAsync(calm, day, hidden);
            using var process = Start(calm);
            await ChildProgram.UntilAsync(() => site.State.Log.Requests > 0, process);
            var watch = Stopwatch.StartNew();
            await process.WaitForExitAsync();
            length = watch.Elapsed;
            Assert.True(process.ExitCode is 0 or 2, $"The calm run ended with {process.ExitCode}.");
            AssertConsistent(calm, "the calm run");
            expected = State(calm);
            deleted = [.. site.State.DeletedDevices];
        }

        var random = new Random(kills);
        var midway = 0;
        var partly = 0;
        for (var kill = 0; kill < kills; kill++)
        {
            using var fixture = Copy(basis);
            await using var site = await StartAsync(fixture, day, hidden);
            var records = fixture.Scalar("SELECT count(*) FROM changes");
            using (var process = Start(fixture))
            {
                await ChildProgram.UntilAsync(() => site.State.Log.Requests > 0, process);
                await Task.Delay(length * random.NextDouble() * 0.95);
                var killed = await KillAsync(process);
                midway += killed ? 1 : 0;
                partly += killed && fixture.Scalar("SELECT count(*) FROM changes") != records ? 1 : 0;
            }

            AssertConsistent(fixture, $"kill {kill}");
            var next = await RunAsync(fixture, site);
            Assert.True(next.Status is SyncRunStatus.Succeeded or SyncRunStatus.PartiallySucceeded, next.Message);
            AssertConsistent(fixture, $"the run after kill {kill}");
            var actual = State(fixture);
            Assert.True(expected.SequenceEqual(actual), $"After kill {kill}: instead of {string.Join(" / ", expected.Except(actual).Take(4))} there is {string.Join(" / ", actual.Except(expected).Take(4))}");
            Assert.Equal(deleted, site.State.DeletedDevices);
            Assert.Empty(fixture.Rows("SELECT id FROM intents WHERE outcome IS NULL"));
        }

        output.WriteLine($"{kills} runs of {length.TotalMilliseconds:0} ms killed, {midway} of them before they ended, {partly} after they had committed something.");
        // A machine that is suddenly quicker ends some before their time.
        Assert.InRange(midway, kills / 3, kills);
    }

    // A run that is killed after it marked devices missing counts as none; the next one is the first that they are absent from.
    private static SyncFixture NewFixture(bool retiring = false) => new(job => job with { MissingDevice = MissingDevice.Retire, RetireAfterRuns = retiring ? 1 : 50, RetireAfterDays = 0, RetiredOriginal = RetiredOriginal.Delete });

    /// <summary>A second fixture with the same content.</summary>
    private static SyncFixture Copy(SyncFixture fixture)
    {
        var copy = NewFixture();
        using (var from = (SqliteConnection)fixture.Connect())
        using (var to = (SqliteConnection)copy.Connect())
            from.BackupDatabase(to);
        copy.Job = copy.Store.Jobs.Get("HQ");
        return copy;
    }

    private static async Task<SampleSiteHost> StartAsync(SyncFixture fixture, int day, IEnumerable<int>? hidden)
    {
        var site = await SampleSiteHost.StartAsync(s_fleet with { Day = day });
        if (hidden is not null)
            site.State.Hide(hidden);
        // The same site at another port.
        fixture.Job = fixture.Store.Jobs.Update(Job(fixture.Job, site), SiteChange.SameSite);
        return site;
    }

    internal static SyncJob Job(SyncJob job, SampleSiteHost site) =>
        job with { SiteUrl = site.SiteUrl, ClientId = site.ClientId, ClientSecret = SecretReference.FromMemory(new Secret(site.ClientSecret)) };

    private static Process Start(SyncFixture fixture) => ChildProgram.Start("alloyscan.dll", "run", "HQ", "--store", fixture.Store.Location.Path, "--json");

    private static async Task<SyncRun> RunAsync(SyncFixture fixture, SampleSiteHost site)
    {
        fixture.Job = fixture.Store.Jobs.Update(Job(fixture.Job, site), SiteChange.SameSite);
        return await fixture.Store.Sync.ExecuteAsync(new SyncRequest { Job = fixture.Job }, SilentObserver.Instance, default);
    }

    /// <returns>Whether it was still running.</returns>
    internal static async Task<bool> KillAsync(Process process)
    {
        try
        {
            process.Kill();
        }
        catch (InvalidOperationException)
        {
            // It has ended.
        }

        await process.WaitForExitAsync();
        return process.ExitCode is not (0 or 2);
    }

    internal static void AssertConsistent(SyncFixture fixture, string when)
    {
        if (!fixture.Store.Location.IsPostgres)
        {
            Check("the file", "SELECT * FROM pragma_integrity_check WHERE integrity_check <> 'ok'");
            Check("foreign keys", "SELECT * FROM pragma_foreign_key_check");
        }

        Check("CIs with two live devices", "SELECT record FROM links WHERE state = 1 GROUP BY record HAVING count(*) > 1");
        Check("devices with two links", "SELECT device_id FROM links GROUP BY target_id, site_id, device_id HAVING count(*) > 1");
        Check("links without CI", "SELECT id FROM links l WHERE state IN (1, 2) AND NOT EXISTS (SELECT 1 FROM records r WHERE r.id = l.record AND r.class = l.class AND r.number = l.record_number)");
        Check("links without values", "SELECT id FROM links l WHERE state IN (1, 2) AND NOT EXISTS (SELECT 1 FROM link_values v WHERE v.link = l.id)");
        Check("CIs without link", "SELECT id FROM records r WHERE NOT EXISTS (SELECT 1 FROM links l WHERE l.record = r.id)");
        Check("identifiers without CI", "SELECT record FROM record_identifiers i WHERE NOT EXISTS (SELECT 1 FROM records r WHERE r.id = i.record)");
        Check("software counted otherwise", "SELECT id FROM links l WHERE state IN (1, 2) AND software_count <> (SELECT count(*) FROM installations i WHERE i.record = l.record)");
        Check("products counted otherwise", "SELECT id FROM products p WHERE uses <> (SELECT count(*) FROM installations i WHERE i.product = p.id)");
        Check("installations without product", "SELECT record FROM installations i WHERE NOT EXISTS (SELECT 1 FROM products p WHERE p.id = i.product)");
        Check("CIs that no journal made", "SELECT id FROM records r WHERE NOT EXISTS (SELECT 1 FROM changes c WHERE c.action = 'Create' AND c.class = r.class AND c.number = r.number)");
        Check("runs counted otherwise", "SELECT id FROM runs r WHERE kind = 'Sync' AND created <> (SELECT count(*) FROM changes c WHERE c.run_id = r.id AND c.action = 'Create')");
        foreach (var field in s_fields)
        {
            // What was journalled last stands in the CI.
            Check($"values of {field} that the journal does not know", $"""
                SELECT r.id FROM records r JOIN (SELECT class, number, max(id) AS id FROM changes WHERE field = '{field}' GROUP BY class, number) n ON n.class = r.class AND n.number = r.number
                JOIN changes c ON c.id = n.id WHERE coalesce(c.new_value, '') <> coalesce(CAST(r.{field} AS TEXT), '') AND ('{field}' <> 'status' OR r.status <> 'Retired')
                """);
        }

        void Check(string what, string sql)
        {
            var found = fixture.Rows(sql);
            Assert.True(found.Count == 0, $"After {when}: {what}: {string.Join(", ", found.Take(5))}");
        }
    }

    /// <summary>What counts in the end, by device: the numbers of CIs depend on when each was created.</summary>
    internal static List<string> State(SyncFixture fixture) =>
    [
        .. fixture.Rows("SELECT device_id, name, dns_name, serial_number, asset_tag, mac_address, bios_uuid, os_name, os_version, cpu, memory_bytes, user_name, status, audit_id, last_seen, missing_since IS NULL FROM computers ORDER BY 1, 2"),
        .. fixture.Rows("SELECT device_id, name, type, serial_number, mac_address, status, last_seen, missing_since IS NULL FROM hardware ORDER BY 1, 2"),
        .. fixture.Rows("SELECT c.device_id, i.name, i.version, i.publisher FROM discovered_installations i JOIN computers c ON c.id = i.computer_id ORDER BY 1, 2, 3, 4"),
        .. fixture.Rows("SELECT name, version, publisher, installations FROM software_products ORDER BY 1, 2, 3"),
        .. fixture.Rows("SELECT device_id, state FROM sync_links ORDER BY 1"),
        .. fixture.Rows("SELECT device_id, state FROM sync_conflicts ORDER BY 1"),
        .. fixture.Rows("SELECT device_id FROM waiting_devices UNION ALL SELECT device_id FROM failing_devices"),
    ];
}
