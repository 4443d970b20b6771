using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using AlloyScan.Engine.Store;
using AlloyScan.Engine.Sync;
using AlloyScan.Engine.Tests.Sync;

namespace AlloyScan.Engine.Tests;

/// <summary>A run over PostgreSQL stops at once, whatever the server is doing for it or makes it wait for.</summary>
[Trait("Store", "PostgreSQL")]
public sealed class PostgresStoppingTests
{
    /// <summary>Far more than the second that is promised, for machines under load, and far less than any wait that cannot be stopped.</summary>
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(6);

    [PostgresFact]
    public async Task It_stops_in_the_middle_of_a_long_statement()
    {
        using var fixture = new SyncFixture(postgres: true);
        foreach (var work in new Action<StoreSession>[]
        {
            s => s.Prepare("SELECT 1 FROM pg_sleep(@p0)").Set(0, 60).Number(),
            s => s.Prepare("UPDATE sites SET name = name FROM pg_sleep(@p0)").Set(0, 60).Execute(),
            s => s.Execute("SELECT pg_sleep(60)"),
            s =>
            {
                s.Prepare("SELECT pg_sleep(@p0)").Set(0, 60).Post();
                s.Settle();
            },
            s =>
            {
                using var reader = s.Prepare("SELECT n FROM generate_series(1, 1000000) n WHERE n < @p0 OR pg_sleep(60) IS NOT NULL").Set(0, 5000).Read();
                while (reader.Read())
                    Assert.InRange(reader.GetInt64(0), 1, 5000);
            },
        })
        {
            using var stop = new CancellationTokenSource();
            using var session = fixture.Store.NewStoppableSession(stop.Token);
            var running = Task.Run(() =>
            {
                try
                {
                    work(session);
                }
                catch (Npgsql.PostgresException e)
                {
                    throw session.Translate(e);
                }
            });
            await Task.Delay(300);
            Assert.False(running.IsCompleted, running.Exception?.ToString());
            var watch = Stopwatch.StartNew();
            await stop.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
            Assert.InRange(watch.Elapsed, TimeSpan.Zero, s_soon);
            // What comes after works again, and is not interrupted as well.
            Assert.Equal(1, session.Prepare("SELECT 1").Number());
        }
    }

    [PostgresFact]
    public async Task A_statement_that_begins_after_the_stop_has_little_time()
    {
        using var fixture = new SyncFixture(postgres: true);
        using var stop = new CancellationTokenSource();
        using var session = fixture.Store.NewStoppableSession(stop.Token);
        await stop.CancelAsync();
        var watch = Stopwatch.StartNew();
        Assert.ThrowsAny<OperationCanceledException>(() => session.Prepare("SELECT 1 FROM pg_sleep(@p0)").Set(0, 60).Number());
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, s_soon);
        Assert.Equal(1, session.Prepare("SELECT 1").Number());
    }

    [PostgresFact]
    public async Task It_stops_while_another_program_writes()
    {
        using var fixture = WithDevices(20);
        using var other = new StoreSession(StoreDialect.Of(fixture.Store.Location), fixture.Store.Location);
        var run = await StoppedWhileWaitingAsync(fixture, other.Begin);
        Assert.Equal(SyncRunStatus.Canceled, run.Status);
        other.Rollback();
        Assert.Equal(20, run.Created + (await fixture.RunWellAsync()).Created);
    }

    [PostgresFact]
    public async Task It_stops_while_a_row_is_locked()
    {
        using var fixture = WithDevices(20);
        using var other = fixture.Connect();
        var run = await StoppedWhileWaitingAsync(fixture, () => Do(other, "BEGIN; UPDATE leases SET heartbeat_at = heartbeat_at"));
        Assert.Equal((SyncRunStatus.Canceled, "Canceled"), (run.Status, fixture.Scalar("SELECT status FROM runs ORDER BY id DESC LIMIT 1")));
        Do(other, "ROLLBACK");
        Assert.Equal(20, run.Created + (await fixture.RunWellAsync()).Created);
    }

    [PostgresFact]
    public async Task It_stops_while_it_waits_to_begin()
    {
        using var fixture = WithDevices(1);
        using var other = new StoreSession(StoreDialect.Of(fixture.Store.Location), fixture.Store.Location);
        other.Begin();
        using var stop = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));
        var watch = Stopwatch.StartNew();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Task.Run(() => fixture.RunAsync(token: stop.Token)));
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, s_soon);
    }

    [Fact]
    public async Task Opening_stops_when_the_server_does_not_answer()
    {
        // It takes connections and says nothing, as a host behind a firewall or a server that hangs does.
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var location = StoreLocation.Resolve(FormattableString.Invariant($"postgresql://u@127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/x?timeout=60"));
        foreach (var open in new Action<CancellationToken>[] { token => AlloyStore.Open(location, cancellationToken: token).Dispose(), token => AlloyStore.Exists(location, token) })
        {
            using var stop = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));
            var watch = Stopwatch.StartNew();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Task.Run(() => open(stop.Token)));
            Assert.InRange(watch.Elapsed, TimeSpan.Zero, s_soon);
        }
    }

    private static SyncFixture WithDevices(int count)
    {
        var fixture = new SyncFixture(postgres: true);
        for (var i = 0; i < count; i++)
            fixture.Source.Add(SyncFixture.Device($"d{i:000}", $"PC-{i:000}", $"SERIAL-{i:000}"), SyncFixture.Snapshot($"a{i:000}", software: ("Editor", "1")));
        return fixture;
    }

    private static async Task<SyncRun> StoppedWhileWaitingAsync(SyncFixture fixture, Action block)
    {
        using var stop = new CancellationTokenSource();
        var blocked = new TaskCompletionSource();
        fixture.Source.Before = call =>
        {
            if (call == "snapshot a010" && !blocked.Task.IsCompleted)
            {
                block();
                blocked.SetResult();
            }
        };
        var running = Task.Run(() => fixture.RunAsync(token: stop.Token));
        await Task.WhenAny(blocked.Task, running);
        await Task.Delay(500);
        Assert.False(running.IsCompleted, running.Exception?.ToString());
        var watch = Stopwatch.StartNew();
        await stop.CancelAsync();
        var run = await running;
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, s_soon);
        fixture.Source.Before = null;
        return run;
    }

    private static void Do(System.Data.Common.DbConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
