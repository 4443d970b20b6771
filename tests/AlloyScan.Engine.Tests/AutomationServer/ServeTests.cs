using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using AlloyScan.AutomationServer;
using AlloyScan.Engine.Credentials;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Jobs.Schedules;
using AlloyScan.Engine.Store;
using AlloyScan.Engine.Sync;
using AlloyScan.SampleSite;

namespace AlloyScan.Engine.Tests.AutomationServer;

/// <summary><c>serve</c> as a process of its own, against a sample site. Jobs are made due by having been missed, so that nothing waits for a clock.</summary>
public sealed class ServeTests : IAsyncLifetime, IDisposable
{
    private const int Armed = 10;
    private const int Disarmed = 11;
    private const int UnusableSchedule = 12;
    private const int CatchingUp = 21;
    private const int NotStarted = 23;
    private const int Ended = 25;

    private readonly TemporaryFolder _folder = new();
    private readonly TestStore _place = new();
    private SampleSiteHost _site = null!;
    private AlloyStore _store = null!;

    public async Task InitializeAsync()
    {
        _site = await SampleSiteHost.StartAsync(new SampleSiteOptions { Devices = 20, SoftwarePerComputer = 3 });
        await File.WriteAllTextAsync(_folder.File("secret"), _site.ClientSecret);
        _store = AlloyStore.Open(_place.Location);
    }

    public async Task DisposeAsync() => await _site.DisposeAsync();

    public void Dispose()
    {
        _store.Dispose();
        _place.Dispose();
        _folder.Dispose();
    }

    private SyncJob AddJob(string name, bool enabled = true, string? secretFile = null) => _store.Jobs.Create(new SyncJob
    {
        Name = name, SiteUrl = _site.SiteUrl, ClientId = _site.ClientId, ClientSecret = SecretReference.FromFile(secretFile ?? _folder.File("secret")), Enabled = enabled,
        Schedule = Schedule.Parse("""{"occurs":"Daily","at":"04:05","timeZone":"UTC","startDate":"2026-01-01"}""", TimeProvider.System),
    });

    private void Miss(string name) => _place.Sql($"UPDATE jobs SET schedule_settled = {DateTimeOffset.UtcNow.AddDays(-3).ToUnixTimeMilliseconds()} WHERE name = '{name}'");

    private ServerProcess Serve(params string[] more) => ServerProcess.Start(["serve", "--store", _store.Location.Path, "--log-format", "json", "--health-port", "0", .. more]);

    [Fact]
    public async Task A_missed_job_runs_once_and_the_pages_tell_of_it()
    {
        AddJob("HQ");
        _store.AppRegistrations.Add(new AppRegistration
        {
            Name = "Sync", SiteUrl = _site.SiteUrl, ClientId = _site.ClientId, ClientSecret = SecretReference.FromFile(_folder.File("secret")),
            MonthlyBudget = 10_000, ExpirationDate = DateTime.UtcNow.Date.AddDays(100),
        });
        Miss("HQ");
        var log = _folder.File("logs/serve.log");
        using var server = Serve("--log-file", log);

        await server.SeeAsync(CatchingUp, "HQ");
        var ended = await server.SeeAsync(Ended, "HQ");
        Assert.Contains("Succeeded", ended, StringComparison.Ordinal);
        // It is settled: after the alarm for the missed one there is one for the next.
        await server.SeeAsync(Armed, "HQ", count: 2);
        var run = Assert.Single(_store.Runs.List("HQ"));
        Assert.Equal(SyncRunStatus.Succeeded, run.Status);
        Assert.True(_store.Schedules.List()[0].Due > DateTimeOffset.UtcNow);

        using var client = new HttpClient();
        var health = JsonDocument.Parse(await client.GetStringAsync($"{server.Address}/health")).RootElement;
        Assert.Equal("ok", health.GetProperty("status").GetString());
        Assert.Equal("HQ", health.GetProperty("next_job").GetString());
        var metrics = await client.GetStringAsync($"{server.Address}/metrics");
        Assert.Contains("\nalloyscan_runs_total{job=\"HQ\",status=\"Succeeded\"} 1\n", metrics, StringComparison.Ordinal);
        Assert.Contains("\nalloyscan_run_results_total{job=\"HQ\",kind=\"created\"} 20\n", metrics, StringComparison.Ordinal);
        Assert.Contains($"\nalloyscan_api_calls_total{{job=\"HQ\"}} {run.ApiCalls}\n", metrics, StringComparison.Ordinal);
        Assert.Contains("\nalloyscan_job_next_run_time_seconds{job=\"HQ\"} ", metrics, StringComparison.Ordinal);
        Assert.Matches($"\nalloyscan_registration_budget_left\\{{[^}}]*registration=\"Sync\"\\}} {10_000 - run.ApiCalls}\n", metrics);
        Assert.Matches("\nalloyscan_registration_expires_days\\{[^}]*registration=\"Sync\"\\} (100|99)\n", metrics);
        Assert.All(metrics.TrimEnd().Split('\n'), line => Assert.Matches("^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\\{[a-z_]+=\"[^\"]*\"(,[a-z_]+=\"[^\"]*\")*\\})? [-0-9.E+]+)$", line));
        // Lines of a family stand together: its name begins once.
        var families = metrics.TrimEnd().Split('\n').Select(line => Regex.Match(line, "^(?:# (?:HELP|TYPE) )?([a-z_]+?)(?:_sum|_count)?(?=[ {])").Groups[1].Value).ToList();
        Assert.Equal(families.Distinct().Count(), families.Where((family, i) => i == 0 || families[i - 1] != family).Count());

        Assert.Equal(0, await server.StopAsync());
        Assert.Single(_store.Runs.List("HQ"));
        var written = await File.ReadAllTextAsync(Assert.Single(Directory.GetFiles(Path.GetDirectoryName(log)!)));
        Assert.Contains("Succeeded", written, StringComparison.Ordinal);
        Assert.All(written.TrimEnd().Split('\n'), line => JsonDocument.Parse(line));
        Assert.DoesNotContain(_site.ClientSecret, written + server.All + metrics + health, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Changes_of_jobs_are_seen_without_a_restart()
    {
        using var server = Serve();
        await server.StartedAsync();

        AddJob("New");
        await server.SeeAsync(Armed, "New");
        Miss("New");
        await server.SeeAsync(Ended, "New");
        await server.SeeAsync(Armed, "New", count: 3);
        var job = _store.Jobs.Get("New");
        job = _store.Jobs.Update(job.WithSchedule(job.Schedule! with { At = new TimeOnly(5, 6) }));
        Assert.Contains("05:06", await server.SeeAsync(Armed, "New", count: 4), StringComparison.Ordinal);
        _store.Jobs.Update(job with { Enabled = false });
        Assert.Contains("disabled", await server.SeeAsync(Disarmed, "New"), StringComparison.Ordinal);
        // Switched on again, it has missed nothing.
        _store.Jobs.Update(job with { Enabled = true });
        await server.SeeAsync(Armed, "New", count: 5);
        _store.Jobs.Remove("New");
        Assert.Contains("removed", await server.SeeAsync(Disarmed, "New", count: 2), StringComparison.Ordinal);
        Assert.Equal(0, await server.StopAsync());
        Assert.Single(_store.Runs.List("New"));
    }

    [Fact]
    public async Task Bad_jobs_are_said_and_stop_nobody_else()
    {
        AddJob("No secret", secretFile: _folder.File("not-there"));
        AddJob("Bad schedule");
        AddJob("Good");
        _place.Sql("UPDATE jobs SET schedule = '{\"occurs\":\"Daily\",\"at\":\"01:00\",\"timeZone\":\"Gone/Zone\"}' WHERE name = 'Bad schedule'");
        Miss("No secret");
        Miss("Good");
        using var server = Serve();

        Assert.Contains("Gone/Zone", await server.SeeAsync(UnusableSchedule, "Bad schedule"), StringComparison.Ordinal);
        Assert.Contains("SecretNotFound", await server.SeeAsync(NotStarted, "No secret"), StringComparison.Ordinal);
        Assert.Contains("Succeeded", await server.SeeAsync(Ended, "Good"), StringComparison.Ordinal);
        // Its next try is its next occurrence.
        await server.SeeAsync(Armed, "No secret", count: 2);
        Assert.Equal(0, await server.StopAsync());
        Assert.Equal(1, server.Count(NotStarted, "No secret"));
    }

    [Fact]
    public async Task Jobs_of_one_target_take_turns_and_wait_for_others_who_write_it()
    {
        foreach (var name in new[] { "A", "B", "C" })
        {
            AddJob(name);
            Miss(name);
        }

        // Somebody who lives, this process, writes the CMDB.
        using (var session = _store.NewSession())
        {
            var lease = Lease.Acquire(session, RunContext.BuiltInTarget, "by hand");
            using var server = Serve();
            await server.SeeAsync(22, "by hand");
            Assert.Equal(0, server.Count(Ended, "A") + server.Count(Ended, "B") + server.Count(Ended, "C"));
            lease.Release();
            foreach (var name in new[] { "A", "B", "C" })
                Assert.Contains("Succeeded", await server.SeeAsync(Ended, $"'{name}'"), StringComparison.Ordinal);
            Assert.Equal(0, await server.StopAsync());
        }

        var runs = _store.Runs.List().OrderBy(r => r.StartedAt).ToList();
        Assert.Equal(3, runs.Count);
        Assert.True(runs[0].EndedAt <= runs[1].StartedAt && runs[1].EndedAt <= runs[2].StartedAt);
    }

    [Fact]
    public async Task Two_servers_on_one_store_run_a_due_job_once()
    {
        using var one = Serve();
        using var other = Serve();
        await one.StartedAsync();
        await other.StartedAsync();
        AddJob("Once");
        await one.SeeAsync(Armed, "Once");
        await other.SeeAsync(Armed, "Once");

        Miss("Once");
        // Both have looked at the jobs after it was settled.
        await UntilAsync(() => _store.Schedules.List()[0].Due > DateTimeOffset.UtcNow);
        await one.LookedAsync();
        await other.LookedAsync();

        Assert.Equal(0, await one.StopAsync());
        Assert.Equal(0, await other.StopAsync());
        Assert.Single(_store.Runs.List("Once"));
        Assert.Equal(1, one.Count(Ended, "Once") + other.Count(Ended, "Once"));
    }

    [Fact]
    public async Task When_a_server_dies_in_mid_run_another_takes_the_job_over()
    {
        await using var slow = await SampleSiteHost.StartAsync(new SampleSiteOptions { Devices = 400, SoftwarePerComputer = 3, Latency = TimeSpan.FromMilliseconds(250) });
        await File.WriteAllTextAsync(_folder.File("slow"), slow.ClientSecret);
        using var one = Serve();
        using var other = Serve();
        await one.StartedAsync();
        await other.StartedAsync();
        var job = AddJob("Slow");
        _store.Jobs.Update(job with { SiteUrl = slow.SiteUrl, ClientId = slow.ClientId, ClientSecret = SecretReference.FromFile(_folder.File("slow")), ThrottleLimit = 1 });
        Miss("Slow");
        await UntilAsync(() => _store.Runs.List("Slow").Any());
        await UntilAsync(() => one.Count(CatchingUp, "Slow") + other.Count(CatchingUp, "Slow") == 1);
        var (dying, heir) = one.Count(CatchingUp, "Slow") == 1 ? (one, other) : (other, one);

        dying.Kill();

        await heir.SeeAsync(CatchingUp, "Slow");
        await UntilAsync(() => _store.Runs.List("Slow").Count() == 2);
        Assert.Equal(0, await heir.StopAsync());
    }

    [Fact]
    public async Task A_stop_in_mid_run_cancels_it_and_the_next_start_goes_on()
    {
        await using var slow = await SampleSiteHost.StartAsync(new SampleSiteOptions { Devices = 400, SoftwarePerComputer = 3, Latency = TimeSpan.FromMilliseconds(250) });
        await File.WriteAllTextAsync(_folder.File("slow"), slow.ClientSecret);
        var job = AddJob("Slow");
        _store.Jobs.Update(job with { SiteUrl = slow.SiteUrl, ClientId = slow.ClientId, ClientSecret = SecretReference.FromFile(_folder.File("slow")), ThrottleLimit = 1 });
        Miss("Slow");
        using (var server = Serve())
        {
            await server.SeeAsync(CatchingUp, "Slow");
            await UntilAsync(() => slow.State.Log.Requests > 2);
            Assert.Equal(0, await server.StopAsync());
            Assert.Contains("Canceled", server.Last(Ended, "Slow"), StringComparison.Ordinal);
        }

        Assert.Equal(SyncRunStatus.Canceled, Assert.Single(_store.Runs.List("Slow")).Status);
        Assert.True(_store.Schedules.List()[0].Due < DateTimeOffset.UtcNow);

        // A kill leaves it due as well, and what the dead server had claimed is free at once.
        using (var killed = Serve())
        {
            await killed.SeeAsync(CatchingUp, "Slow");
            killed.Kill();
        }

        using var again = Serve();
        await again.SeeAsync(CatchingUp, "Slow");
        Assert.Equal(0, await again.StopAsync());
    }

    [Fact]
    public async Task Systemd_is_told_when_the_server_is_ready_and_when_it_stops()
    {
        var path = _folder.File("notify");
        using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(path));
        using (var taken = new TcpListener(IPAddress.Loopback, 0))
        {
            // One that does not come up is never ready.
            taken.Start();
            var port = ((IPEndPoint)taken.LocalEndpoint).Port.ToString(CultureInfo.InvariantCulture);
            using var failing = ServerProcess.Start(["serve", "--store", _store.Location.Path, "--health-port", port], ("NOTIFY_SOCKET", path));
            Assert.Equal(ExitCode.Failed, await failing.ExitAsync());
            Assert.Equal(0, socket.Available);
        }

        AddJob("HQ");
        using var server = ServerProcess.Start(["serve", "--store", _store.Location.Path, "--log-format", "json", "--health-port", "0"], ("NOTIFY_SOCKET", path));
        Assert.Equal("READY=1", await HearAsync());
        await server.StartedAsync();
        var stopped = server.StopAsync();
        Assert.Equal("STOPPING=1", await HearAsync());
        Assert.Equal(0, await stopped);

        async Task<string> HearAsync()
        {
            using var patience = new CancellationTokenSource(ServerProcess.Patience);
            var buffer = new byte[256];
            return Encoding.UTF8.GetString(buffer, 0, await socket.ReceiveAsync(buffer, patience.Token)).TrimEnd('\n');
        }
    }

    [Fact]
    public async Task A_port_that_is_taken_and_bad_options_are_said_at_once()
    {
        using var server = Serve();
        await server.StartedAsync();
        var port = new Uri(server.Address!).Port.ToString(CultureInfo.InvariantCulture);
        var second = await ProgramRun.Of("serve", "--store", _store.Location.Path, "--health-port", port);
        Assert.Equal(ExitCode.Failed, second.ExitCode);
        Assert.Contains($"127.0.0.1:{port}", second.Error, StringComparison.Ordinal);
        Assert.Contains("--health-port", second.Error, StringComparison.Ordinal);

        // No page at all.
        using var silent = ServerProcess.Start(["serve", "--store", _store.Location.Path, "--log-format", "json", "--health-port", "off"]);
        await silent.SeeAsync(1, "Serving");
        Assert.Equal(0, await silent.StopAsync());
        Assert.Equal(0, silent.Count(2, "http"));

        Assert.Equal(ExitCode.Usage, (await ProgramRun.Of("serve", "--health-port", "70000")).ExitCode);
        Assert.Equal(ExitCode.Usage, (await ProgramRun.Of("serve", "--max-concurrent", "0")).ExitCode);
        Assert.Equal(ExitCode.Failed, (await ProgramRun.Of("serve", "--store", _folder.File("nowhere.db"))).ExitCode);
        // Port 1 has no server.
        var away = await ProgramRun.Of("serve", "--store", "postgresql://alloyscan@127.0.0.1:1/alloyscan");
        Assert.Equal(ExitCode.Failed, away.ExitCode);
        Assert.Contains("No PostgreSQL server answers at 127.0.0.1:1", away.Error, StringComparison.Ordinal);
        Assert.Equal(0, await server.StopAsync());
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        for (var patience = Stopwatch.StartNew(); !condition(); await Task.Delay(20))
            Assert.True(patience.Elapsed < ServerProcess.Patience, "It did not happen.");
    }
}
