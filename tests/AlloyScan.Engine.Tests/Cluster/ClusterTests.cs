using System.Diagnostics;
using System.Globalization;
using AlloyScan.AutomationServer.Serving;
using AlloyScan.Engine.Credentials;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Jobs.Schedules;
using AlloyScan.Engine.Store;
using AlloyScan.Engine.Sync;
using AlloyScan.Engine.Tests.AutomationServer;
using AlloyScan.SampleSite;
using Npgsql;

namespace AlloyScan.Engine.Tests.Cluster;

/// <summary>Several servers on one PostgreSQL store, with Quartz's alarms in it. Jobs are made due by having been missed, so that nothing waits for a clock.</summary>
[Trait("Store", "PostgreSQL")]
public sealed class ClusterTests : IAsyncLifetime, IDisposable
{
    private const int Armed = 10;
    private const int CatchingUp = 21;
    private const int Ended = 25;
    private const int ServingFailed = 40;
    private const int ServingAgain = 41;

    private readonly TemporaryFolder _folder = new();
    private TestStore? _place = TestStore.Server is null ? null : new TestStore(postgres: true);
    private OwnPostgres? _server;
    private SampleSiteHost _site = null!;
    private AlloyStore _store = null!;

    private TestStore Place => _place!;

    public async Task InitializeAsync()
    {
        if (_place is null)
            return;

        _site = await SampleSiteHost.StartAsync(new SampleSiteOptions { Devices = 5, SoftwarePerComputer = 1 });
        _store = AlloyStore.Open(_place.Location);
    }

    public async Task DisposeAsync()
    {
        if (_place is not null)
            await _site.DisposeAsync();
    }

    public void Dispose()
    {
        _store?.Dispose();
        try
        {
            _place?.Dispose();
        }
        finally
        {
            // A server that outlived a failed test would stay for ever.
            _server?.Dispose();
            _folder.Dispose();
        }
    }

    [PostgresFact]
    public async Task Each_occurrence_of_many_jobs_is_run_once_by_one_of_the_hosts()
    {
        const int Rounds = 3;
        var names = Enumerable.Range(1, 6).Select(n => $"Job {n}").ToList();
        foreach (var name in names)
            AddJob(name, _site);
        await using (var hosts = new Hosts(_store, 3))
        {
            for (var round = 1; round <= Rounds; round++)
            {
                Miss();
                await UntilAsync(() => _store.Schedules.List().All(j => j.Due > DateTimeOffset.UtcNow), "all jobs are settled");
                // What is settled stays so: the hosts have looked again since.
                await hosts.LookedAsync();
                Assert.Equal(names.Select(n => $"{n}|{round}"), Place.Rows("SELECT job, count(*) FROM sync_runs GROUP BY job ORDER BY job"));
            }

            // Between occurrences there stands one alarm for each job, whichever host set it.
            await UntilAsync(() => Alarms().SequenceEqual(Expected()), "one alarm for each job");
        }

        Assert.Equal($"{Rounds * names.Count}", Place.Scalar("SELECT count(*) FROM sync_runs WHERE status = 'Succeeded'"));
    }

    [PostgresFact]
    public async Task A_host_whose_slots_are_full_leaves_a_due_job_to_another()
    {
        AddJob("A", _site);
        AddJob("B", _site);
        using (var session = _store.NewSession())
        {
            // Whoever takes a job on waits with it for this.
            var lease = Lease.Acquire(session, RunContext.BuiltInTarget, "by hand");
            await using var hosts = new Hosts(_store, 2, maxConcurrent: 1);
            Miss();
            await UntilAsync(() => _store.Schedules.List().All(j => j.IsClaimed), "each host has taken on one job");
            lease.Release();
            await UntilAsync(() => _store.Schedules.List().All(j => j.Due > DateTimeOffset.UtcNow), "both ran");
        }

        Assert.Equal(["A|1", "B|1"], Place.Rows("SELECT job, count(*) FROM sync_runs GROUP BY job ORDER BY job"));
    }

    [PostgresFact]
    public async Task The_alarms_in_the_database_are_made_to_say_what_the_jobs_say()
    {
        AddJob("One", _site);
        AddJob("Two", _site);
        await using (new Hosts(_store, 2))
            await UntilAsync(() => Alarms().SequenceEqual(Expected()), "an alarm for each job");

        // With nobody there, a job goes and another changes; a third program leaves what no job asks for, one of it in error, and a host that died.
        _store.Jobs.Remove("One");
        var two = _store.Jobs.Get("Two");
        _store.Jobs.Update(two.WithSchedule(two.Schedule! with { At = new TimeOnly(5, 6) }));
        Place.Sql("""
            INSERT INTO qrtz_triggers (sched_name, trigger_name, trigger_group, job_name, job_group, next_fire_time, priority, trigger_state, trigger_type, start_time, misfire_instr)
            SELECT sched_name, 'nonsense', 'job-none', job_name, job_group, 1, 5, 'ERROR', 'SIMPLE', 1, -1 FROM qrtz_job_details
            """);
        Assert.Equal(3, Alarms().Count);
        await using (new Hosts(_store, 2))
        {
            await UntilAsync(() => Alarms().SequenceEqual(Expected()), "only the alarm of the job that is left");

            // All of it lost under running servers.
            foreach (var table in new[] { "triggers", "job_details", "fired_triggers", "scheduler_state", "locks" })
                Place.Sql($"DELETE FROM qrtz_{table}");
            await UntilAsync(() => Alarms().SequenceEqual(Expected()), "the alarm is set again");
            Miss();
            await UntilAsync(() => _store.Schedules.List()[0].Due > DateTimeOffset.UtcNow, "and the job runs");
        }

        Assert.Equal(["Two|1"], Place.Rows("SELECT job, count(*) FROM sync_runs GROUP BY job"));
    }

    [PostgresFact]
    public async Task When_a_host_is_killed_in_mid_run_another_goes_on_and_when_its_fate_is_unknown_after_its_last_sign_of_life_is_old()
    {
        await using var slow = await SlowAsync();
        using var one = Serve();
        using var other = Serve();
        await one.StartedAsync();
        await other.StartedAsync();
        AddJob("Slow", slow);
        var (dying, heir) = await MidRunAsync(one, other);
        // As if it were on another machine, where nobody can see whether it lives.
        Place.Sql("UPDATE schedule_claims SET host = 'elsewhere'; UPDATE leases SET host = 'elsewhere'");
        dying.Kill();

        await heir.LookedAsync();
        await heir.LookedAsync();
        Assert.Equal(0, heir.Count(CatchingUp, "Slow"));
        Place.Sql("UPDATE schedule_claims SET heartbeat_at = heartbeat_at - 130000; UPDATE leases SET heartbeat_at = heartbeat_at - 130000");
        Assert.Contains("Succeeded", await heir.SeeAsync(Ended, "Slow"), StringComparison.Ordinal);

        Assert.Equal(["Failed", "Succeeded"], Place.Rows("SELECT status FROM sync_runs ORDER BY id"));
        AssertConverged(slow);
        Assert.Equal(0, await heir.StopAsync());
    }

    [PostgresFact]
    public async Task Connections_that_break_in_mid_run_lose_nothing_and_the_servers_go_on()
    {
        await using var slow = await SlowAsync();
        using var one = Serve();
        using var other = Serve();
        await one.StartedAsync();
        await other.StartedAsync();
        AddJob("Slow", slow);
        await MidRunAsync(one, other);
        for (var i = 0; i < 5; i++)
        {
            Terminate();
            await Task.Delay(100);
        }

        // The run that broke off was done once more, and went on where the first one had come to.
        await UntilAsync(() => _store.Schedules.List()[0].Due > DateTimeOffset.UtcNow, "the occurrence is settled");
        Assert.Equal("Succeeded", Place.Scalar("SELECT status FROM sync_runs ORDER BY id DESC LIMIT 1"));
        Assert.Equal("0", Place.Scalar("SELECT count(*) FROM sync_runs WHERE status NOT IN ('Succeeded', 'Failed')"));
        AssertConverged(slow);

        Assert.Equal(0, await one.StopAsync());
        Assert.Equal(0, await other.StopAsync());
    }

    [OwnPostgresFact]
    public async Task PostgreSQL_that_is_restarted_in_mid_run_fails_it_honestly_and_the_servers_go_on_where_it_ended()
    {
        _server = new OwnPostgres();
        _store.Dispose();
        _place!.Dispose();
        _place = new TestStore(postgres: true, server: _server.Url);
        _store = AlloyStore.Open(_place.Location);
        await using var slow = await SlowAsync();
        using var one = Serve();
        using var other = Serve();
        await one.StartedAsync();
        await other.StartedAsync();
        AddJob("Slow", slow);
        var (running, idle) = await MidRunAsync(one, other);

        _server.StopAtOnce();
        Assert.Contains("StoreUnavailable", await idle.SeeAsync(ServingFailed, "StoreUnavailable"), StringComparison.Ordinal);
        _server.Start();
        // Those of the test itself are gone too.
        NpgsqlConnection.ClearAllPools();

        Assert.Contains("Failed", await running.SeeAsync(Ended, "Slow"), StringComparison.Ordinal);
        await UntilAsync(() => _store.Schedules.List()[0].Due > DateTimeOffset.UtcNow, "the occurrence is settled");
        Assert.Equal(["Failed", "Succeeded"], Place.Rows("SELECT status FROM sync_runs ORDER BY id"));
        AssertConverged(slow);
        await idle.SeeAsync(ServingAgain, "store");

        Miss();
        await UntilAsync(() => _store.Schedules.List()[0].Due > DateTimeOffset.UtcNow, "the next occurrence is settled");
        Assert.Equal(0, await one.StopAsync());
        Assert.Equal(0, await other.StopAsync());
    }

    [PostgresFact]
    public async Task A_server_ends_when_a_newer_version_brings_the_store_up_to_date_in_mid_run_and_writes_nothing_more()
    {
        await using var slow = await SlowAsync();
        AddJob("Slow", slow);
        Miss();
        using var server = Serve();
        await UntilAsync(() => Number("SELECT count(*) FROM records") > 0, "the run writes");
        // As a migration does it: under the lock of the store.
        Place.Sql($"BEGIN; {StoreDialect.Of(Place.Location).BeginWrite["BEGIN; ".Length..]}; UPDATE store_version SET version = version + 1; COMMIT");
        var before = Place.Rows("SELECT count(*), max(id), sum(version) FROM records").Concat(Place.Rows("SELECT id, status FROM runs ORDER BY id")).Concat(Place.Rows("SELECT count(*) FROM changes")).ToList();

        Assert.Equal(4, await server.ExitAsync());
        Assert.Contains("StoreTooNew", server.All, StringComparison.Ordinal);
        Assert.Contains("schema version", server.All, StringComparison.Ordinal);
        Assert.Contains("Update this installation.", server.All, StringComparison.Ordinal);
        Assert.Equal(before, Place.Rows("SELECT count(*), max(id), sum(version) FROM records").Concat(Place.Rows("SELECT id, status FROM runs ORDER BY id")).Concat(Place.Rows("SELECT count(*) FROM changes")));

        // It does not start again either; the newer one goes on where it stopped.
        Assert.Equal("StoreTooNew", Assert.Throws<AlloyScanException>(() => AlloyStore.Open(Place.Location)).ErrorId);
        Place.Sql("UPDATE store_version SET version = version - 1");
        using var newer = Serve();
        Assert.Contains("Succeeded", await newer.SeeAsync(Ended, "Slow"), StringComparison.Ordinal);
        AssertConverged(slow);
        Assert.Equal(0, await newer.StopAsync());
    }

    [PostgresFact]
    public async Task A_role_that_may_not_use_the_alarms_is_told_so_at_the_start_and_no_password_is_in_any_log()
    {
        var role = "r_" + Guid.NewGuid().ToString("N");
        var schema = Place.Location.Postgres!.Schema;
        const string Password = "cl0ster-passw0rd";
        Place.Sql($"CREATE ROLE {role} LOGIN PASSWORD '{Password}'");
        try
        {
            Place.Sql($"""
                GRANT USAGE ON SCHEMA {schema} TO {role}; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role};
                GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {role}; REVOKE ALL ON qrtz_triggers FROM {role}
                """);
            var place = Place.Location.Path.Replace("//alloyscan@", $"//{role}@", StringComparison.Ordinal);
            using (var refused = ServerProcess.Start(["serve", "--store", place, "--log-format", "json", "--health-port", "off", "--verbose"], ("PGPASSWORD", Password)))
            {
                Assert.Equal(4, await refused.ExitAsync());
                Assert.Contains("lacks a right", refused.All, StringComparison.Ordinal);
                Assert.Contains("qrtz_triggers", refused.All, StringComparison.Ordinal);
                Assert.DoesNotContain(Password, refused.All, StringComparison.Ordinal);
            }

            Place.Sql($"GRANT SELECT, INSERT, UPDATE, DELETE ON qrtz_triggers TO {role}");
            AddJob("HQ", _site);
            using var server = ServerProcess.Start(
                ["serve", "--log-format", "json", "--health-port", "0", "--verbose"], ("ALLOYSCAN_STORE", place.Replace($"{role}@", $"{role}:{Password}@", StringComparison.Ordinal)));
            await server.SeeAsync(Armed, "HQ");
            Terminate();
            Miss();
            Assert.Contains("Succeeded", await server.SeeAsync(Ended, "HQ"), StringComparison.Ordinal);
            // Taken away from a server that runs: it says so, and goes on when it is given back.
            Place.Sql($"REVOKE ALL ON qrtz_triggers FROM {role}");
            Assert.Contains("qrtz_triggers", await server.SeeAsync(ServingFailed, "StoreForbidden"), StringComparison.Ordinal);
            Place.Sql($"GRANT SELECT, INSERT, UPDATE, DELETE ON qrtz_triggers TO {role}");
            Miss();
            await server.SeeAsync(Ended, "HQ", count: 2);
            Assert.Equal(0, await server.StopAsync());
            Assert.DoesNotContain(Password, server.All, StringComparison.Ordinal);
            Assert.DoesNotContain(Password, string.Join('\n', Place.Rows("SELECT * FROM qrtz_job_details").Concat(Place.Rows("SELECT * FROM qrtz_triggers"))), StringComparison.Ordinal);
        }
        finally
        {
            Place.Sql($"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{role}'; DROP OWNED BY {role}; DROP ROLE {role}");
        }
    }

    /// <summary>A site slow enough to be interrupted over.</summary>
    private static Task<SampleSiteHost> SlowAsync() => SampleSiteHost.StartAsync(new SampleSiteOptions { Devices = 180, SoftwarePerComputer = 2, MaxPageSize = 50, Latency = TimeSpan.FromMilliseconds(60) });

    private void AddJob(string name, SampleSiteHost site)
    {
        var secret = _folder.File(name);
        File.WriteAllText(secret, site.ClientSecret);
        _store.Jobs.Create(new SyncJob
        {
            Name = name, SiteUrl = site.SiteUrl, ClientId = site.ClientId, ClientSecret = SecretReference.FromFile(secret),
            Schedule = Schedule.Parse("""{"occurs":"Daily","at":"04:05","timeZone":"UTC","startDate":"2026-01-01"}""", TimeProvider.System),
        });
    }

    /// <summary>Makes all jobs due.</summary>
    private void Miss() => Place.Sql($"UPDATE jobs SET schedule_settled = {DateTimeOffset.UtcNow.AddDays(-3).ToUnixTimeMilliseconds()}");

    private ServerProcess Serve() => ServerProcess.Start(["serve", "--store", _store.Location.Path, "--log-format", "json", "--health-port", "0"]);

    /// <summary>Makes the job Slow due and waits until one of two servers is in the midst of writing.</summary>
    /// <returns>That one, and the other.</returns>
    private async Task<(ServerProcess Running, ServerProcess Idle)> MidRunAsync(ServerProcess one, ServerProcess other)
    {
        Miss();
        await UntilAsync(() => Number("SELECT count(*) FROM records") > 0, "the run writes");
        await UntilAsync(() => one.Count(CatchingUp, "Slow") + other.Count(CatchingUp, "Slow") == 1, "one of them says so");
        return one.Count(CatchingUp, "Slow") == 1 ? (one, other) : (other, one);
    }

    /// <summary>Ends all connections to the store but this one, as a server does that is restarted.</summary>
    private void Terminate() => Place.Sql($"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{Place.Location.Postgres!.Schema}' AND pid <> pg_backend_pid()");

    /// <summary>Each device has one CI, and a further run finds nothing to do.</summary>
    private void AssertConverged(SampleSiteHost site)
    {
        Assert.Equal(site.Options.Devices, Number("SELECT count(*) FROM links WHERE state = 1"));
        Assert.Equal(site.Options.Devices, Number("SELECT count(*) FROM records"));
        Assert.Equal("0", Place.Scalar("SELECT count(*) FROM (SELECT 1 FROM links GROUP BY record HAVING count(*) > 1) d"));
        Assert.Equal("0", Place.Scalar("SELECT count(*) FROM links l WHERE software_count <> (SELECT count(*) FROM installations i WHERE i.record = l.record)"));
        var run = _store.Sync.ExecuteAsync(new SyncRequest { Job = _store.Jobs.Get("Slow") }, SilentObserver.Instance, default).GetAwaiter().GetResult();
        Assert.Equal((SyncRunStatus.Succeeded, 0, 0, 0), (run.Status, run.Created, run.Updated, run.Conflicts));
    }

    private List<string> Alarms() => Place.Rows("SELECT trigger_group, trigger_name FROM qrtz_triggers WHERE trigger_state <> 'COMPLETE' ORDER BY 1, 2");

    private List<string> Expected() => [.. _store.Schedules.List().Select(j => FormattableString.Invariant($"job-{j.Id}|{j.Due!.Value.ToUnixTimeMilliseconds()}")).Order(StringComparer.Ordinal)];

    private long Number(string sql) => long.Parse(Place.Scalar(sql)!, CultureInfo.InvariantCulture);

    private static async Task UntilAsync(Func<bool> condition, string what)
    {
        for (var waited = Stopwatch.StartNew(); !condition(); await Task.Delay(20))
            Assert.True(waited.Elapsed < TimeSpan.FromMinutes(2), $"In vain for two minutes: {what}.");
    }

    /// <summary>Servers in this process, which look often.</summary>
    private sealed class Hosts : IAsyncDisposable
    {
        private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(100);

        private readonly CancellationTokenSource _stop = new();
        private readonly List<Task> _hosts = [];

        public Hosts(AlloyStore store, int count, int maxConcurrent = ServeSettings.DefaultMaxConcurrent)
        {
            var settings = new ServeSettings { Poll = s_poll, LeasePause = s_poll, HealthPort = null, MaxConcurrent = maxConcurrent };
            for (var i = 0; i < count; i++)
                _hosts.Add(Task.Run(() => ServeHost.RunAsync(store, settings, TimeProvider.System, _stop.Token)));
        }

        /// <summary>Waits for as long as each host looks several times.</summary>
        public Task LookedAsync()
        {
            Assert.DoesNotContain(_hosts, h => h.IsCompleted);
            return Task.Delay(10 * s_poll);
        }

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await Task.WhenAll(_hosts);
            _stop.Dispose();
        }
    }
}
