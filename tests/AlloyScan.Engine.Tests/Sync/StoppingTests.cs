using System.Diagnostics;
using AlloyScan.Engine.Credentials;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Sync;
using AlloyScan.Engine.Sync.Guard;
using AlloyScan.SampleSite;

namespace AlloyScan.Engine.Tests.Sync;

/// <summary>A run can be stopped anywhere; what it did stays, and the next one ends where one ends that nobody stopped.</summary>
public sealed class StoppingTests
{
    // Half of the fleet changes at once here, which is what the guard is there to hold.
    private static readonly Func<SyncJob, SyncJob> s_unguarded = job => job with { GuardLimits = GuardLimit.Kinds.ToDictionary(kind => kind, _ => new GuardLimit(1000, 1)) };

    /// <summary>Far more than the second that is promised, for machines under load, and far less than any wait that cannot be stopped.</summary>
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(6);

    public static TheoryData<string> Stages => ["Read", "Update", "Create", "Decide", "Confirm"];

    private static SyncFixture WithDevices(int count, TimeProvider? clock = null, bool? postgres = null)
    {
        var fixture = new SyncFixture(s_unguarded, clock, postgres);
        for (var i = 0; i < count; i++)
            fixture.Source.Add(SyncFixture.Device($"d{i:000}", $"PC-{i:000}", $"SERIAL-{i:000}"), SyncFixture.Snapshot($"a{i:000}", software: ("Editor", "1")));
        return fixture;
    }

    [Theory]
    [MemberData(nameof(Stages))]
    public async Task It_stops_at_each_stage(string stage)
    {
        using var fixture = WithDevices(80, new EagerClock());
        await fixture.RunWellAsync();
        for (var i = 0; i < 40; i++)
            fixture.Source.Audit($"d{i:000}", s => s with { Software = SyncFixture.Snapshot("x", software: ("Mail", "1")).Software });
        fixture.Source.Devices.RemoveAll(d => d.Id is "d070" or "d071");
        for (var i = 0; i < 5; i++)
        {
            fixture.Source.Add(SyncFixture.Device($"n{i}", $"NEW-{i}", $"NEW-{i}"));
            fixture.Source.Add(SyncFixture.Device($"t{i}", $"TWIN-{i % 2}", $"TWIN-{i % 2}"));
        }

        using var stop = new CancellationTokenSource();
        var reached = false;
        fixture.WhenProgress = progress =>
        {
            reached |= progress.Stage == stage;
            if (progress.Stage == stage)
                stop.Cancel();
        };
        var stopped = await fixture.RunAsync(token: stop.Token);
        Assert.True(reached, $"The stage {stage} was not seen.");
        Assert.Equal((SyncRunStatus.Canceled, "Canceled"), (stopped.Status, fixture.Scalar("SELECT status FROM runs ORDER BY id DESC LIMIT 1")));
        Assert.Equal("0|0", fixture.Rows("SELECT process_id, heartbeat_at FROM leases")[0]);

        fixture.WhenProgress = null;
        var next = await fixture.RunWellAsync();
        Assert.Equal((2, 5), (stopped.Missing + next.Missing, int.Parse(fixture.Scalar("SELECT count(*) FROM computers WHERE name LIKE 'NEW-%'")!, System.Globalization.CultureInfo.InvariantCulture)));
        Assert.Equal("0", fixture.Scalar("SELECT count(*) FROM discovered_installations i JOIN computers c ON c.id = i.computer_id WHERE c.device_id < 'd040' AND i.name = 'Editor'"));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public async Task Stopped_at_any_call_and_any_number_of_times_it_ends_as_if_nobody_had(int seed)
    {
        using var calm = new SyncFixture(s_unguarded);
        using var stopped = new SyncFixture(s_unguarded);
        var calmFleet = new RandomFleet(seed);
        var stoppedFleet = new RandomFleet(seed);
        calmFleet.Fill(calm.Source, 40);
        stoppedFleet.Fill(stopped.Source, 40);
        var random = new Random(seed);
        for (var day = 0; day < 3; day++)
        {
            await calm.RunAsync();
            for (var again = 0; again < 6; again++)
            {
                using var stop = new CancellationTokenSource();
                var left = random.Next(1, 60);
                stopped.Source.Before = _ =>
                {
                    if (Interlocked.Decrement(ref left) == 0)
                        stop.Cancel();
                };
                var run = await stopped.RunAsync(token: stop.Token);
                Assert.Equal(run.Status.ToString(), stopped.Scalar("SELECT status FROM runs ORDER BY id DESC LIMIT 1"));
                Assert.Contains(run.Status, new[] { SyncRunStatus.Canceled, SyncRunStatus.Succeeded, SyncRunStatus.Blocked });
            }

            stopped.Source.Before = null;
            await stopped.RunAsync();
            Assert.Equal(WithoutNumbers(calm), WithoutNumbers(stopped));
            calmFleet.Mutate(calm.Source);
            stoppedFleet.Mutate(stopped.Source);
        }
    }

    [Fact]
    public async Task It_stops_while_the_store_is_locked_by_another_program()
    {
        using var fixture = WithDevices(20, postgres: false);
        using var connection = fixture.Connect();
        using var stop = new CancellationTokenSource();
        var locked = new TaskCompletionSource();
        fixture.Source.Before = call =>
        {
            if (call == "snapshot a010" && !locked.Task.IsCompleted)
            {
                using var command = connection.CreateCommand();
                command.CommandText = "BEGIN IMMEDIATE";
                command.ExecuteNonQuery();
                locked.SetResult();
            }
        };
        var running = Task.Run(() => fixture.RunAsync(token: stop.Token));
        await locked.Task;
        await Task.Delay(500);
        Assert.False(running.IsCompleted);
        var watch = Stopwatch.StartNew();
        await stop.CancelAsync();
        var run = await running;
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, s_soon);
        Assert.Equal(SyncRunStatus.Canceled, run.Status);

        using (var command = connection.CreateCommand())
        {
            command.CommandText = "ROLLBACK";
            command.ExecuteNonQuery();
        }

        Assert.Equal(20, run.Created + (await fixture.RunWellAsync()).Created);
    }

    [Fact]
    public async Task It_stops_while_it_waits_to_begin()
    {
        using var fixture = WithDevices(1, postgres: false);
        using var connection = fixture.Connect();
        using var command = connection.CreateCommand();
        command.CommandText = "BEGIN IMMEDIATE";
        command.ExecuteNonQuery();
        using var stop = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));
        var watch = Stopwatch.StartNew();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => fixture.RunAsync(token: stop.Token));
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, s_soon);
    }

    [Fact]
    public async Task Opening_stops_while_the_store_is_locked_by_another_program()
    {
        using var fixture = WithDevices(1, postgres: false);
        // Nobody may even read: as while another program brings the file into another mode.
        using var connection = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={fixture.Store.Location.Path};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE; UPDATE sites SET name = name; COMMIT";
        command.ExecuteNonQuery();
        using var stop = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));
        var watch = Stopwatch.StartNew();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Task.Run(() => Engine.Store.AlloyStore.Open(fixture.Store.Location, cancellationToken: stop.Token).Dispose()));
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, s_soon);
    }

    [Fact]
    public async Task It_stops_in_the_middle_of_a_long_statement()
    {
        using var fixture = WithDevices(1, postgres: false);
        using var stop = new CancellationTokenSource();
        using var session = fixture.Store.NewStoppableSession(stop.Token);
        var statement = session.Prepare("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000) SELECT count(*) FROM n");
        var running = Task.Run(() => statement.Number());
        await Task.Delay(300);
        var watch = Stopwatch.StartNew();
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, s_soon);
        // What comes after works again.
        Assert.Equal(1, session.Prepare("SELECT 1").Number());
    }

    [Fact]
    public async Task It_stops_while_the_site_makes_it_wait()
    {
        using var fixture = new SyncFixture(s_unguarded);
        await using var site = await SampleSiteHost.StartAsync(new SampleSiteOptions { Devices = 20 });
        using var transport = new Busy();
        using var stop = new CancellationTokenSource();
        var job = new SyncJob { Name = "Sample", SiteUrl = site.SiteUrl, ClientId = site.ClientId, ClientSecret = SecretReference.FromMemory(new Secret(site.ClientSecret)) };
        var running = Task.Run(() => fixture.Store.Sync.ExecuteAsync(new SyncRequest { Job = job, Transport = transport }, SilentObserver.Instance, stop.Token));
        await transport.Asked.Task;
        await Task.Delay(300);
        var watch = Stopwatch.StartNew();
        await stop.CancelAsync();
        var run = await running;
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, s_soon);
        Assert.Equal(SyncRunStatus.Canceled, run.Status);
    }

    [Fact]
    public async Task A_verification_stops()
    {
        using var fixture = WithDevices(200);
        await fixture.RunWellAsync();
        using var stop = new CancellationTokenSource();
        fixture.Source.Before = _ => stop.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var check in fixture.Store.Sync.VerifyAsync(new SyncRequest { Job = fixture.Job, Source = fixture.Source }, stop.Token))
                Assert.NotNull(check);
        });
    }

    private static List<string> WithoutNumbers(SyncFixture fixture) =>
    [
        .. fixture.Dump().Where(r => !r.StartsWith("N|", StringComparison.Ordinal))
            .Select(r => System.Text.RegularExpressions.Regex.Replace(r, @"\b[CH]\d{6}\b", "#")).Order(StringComparer.Ordinal),
    ];

    /// <summary>A clock by which a second passes whenever somebody looks, so that all progress is told.</summary>
    private sealed class EagerClock : TimeProvider
    {
        private long _now;

        public override long TimestampFrequency => 1;

        public override long GetTimestamp() => Interlocked.Increment(ref _now);
    }

    /// <summary>A site that asks everybody to come again in ten minutes.</summary>
    private sealed class Busy : HttpMessageHandler
    {
        public TaskCompletionSource Asked { get; } = new();

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Asked.TrySetResult();
            return Task.FromResult(new HttpResponseMessage(System.Net.HttpStatusCode.TooManyRequests) { Headers = { { "Retry-After", "600" } }, Content = new StringContent("later") });
        }
    }
}
