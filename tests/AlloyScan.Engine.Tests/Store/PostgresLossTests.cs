using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Store;
using AlloyScan.Engine.Sync;
using AlloyScan.Engine.Sync.Guard;
using AlloyScan.Engine.Tests.Sync;

namespace AlloyScan.Engine.Tests;

/// <summary>Connections that are cut, and transactions that the server takes back, at any moment: every run ends in words that are true, and the next one goes on.</summary>
[Trait("Store", "PostgreSQL")]
public sealed class PostgresLossTests
{
    private static readonly Func<SyncJob, SyncJob> s_unguarded = job => job with { GuardLimits = GuardLimit.Kinds.ToDictionary(kind => kind, _ => new GuardLimit(1000, 1)) };

    [PostgresFact]
    public async Task Cut_off_at_any_moment_and_any_number_of_times_it_ends_as_if_nobody_had()
    {
        using var calm = new SyncFixture(s_unguarded, postgres: true);
        using var cut = new SyncFixture(s_unguarded, postgres: true);
        var calmFleet = new RandomFleet(7);
        var cutFleet = new RandomFleet(7);
        calmFleet.Fill(calm.Source, 40);
        cutFleet.Fill(cut.Source, 40);
        var random = new Random(7);
        var lost = 0;
        for (var day = 0; day < 6; day++)
        {
            await calm.RunAsync();
            for (var again = 0; again < 4; again++)
            {
                // Cut while it reads, in the middle of a transaction, or over a commit.
                var left = again == 0 ? random.Next(1, 60) : int.MaxValue;
                var delay = random.Next(10);
                var killer = Task.CompletedTask;
                var moment = again switch
                {
                    1 or 2 => "TRIGGER cut AFTER INSERT OR UPDATE ON link_values FOR EACH ROW WHEN (random() < 0.04)",
                    3 => "CONSTRAINT TRIGGER cut AFTER INSERT OR UPDATE ON link_values DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (random() < 0.04)",
                    _ => null,
                };
                if (moment is not null)
                    cut.Sql($"CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN new; END $$; CREATE {moment} EXECUTE FUNCTION cut()");
                cut.Source.Before = _ =>
                {
                    if (Interlocked.Decrement(ref left) == 0)
                        killer = Task.Delay(delay).ContinueWith(_ => Terminate(cut), TaskScheduler.Default);
                };
                try
                {
                    var run = await cut.RunAsync(full: true);
                    Assert.Contains(run.Status, new[] { SyncRunStatus.Succeeded, SyncRunStatus.PartiallySucceeded, SyncRunStatus.Failed });
                    // Each run knows how it ended, and what it says it did is what was committed.
                    Assert.Equal(
                        string.Create(CultureInfo.InvariantCulture, $"{run.Status}|{run.Created}|{run.Updated}"),
                        cut.Rows("SELECT status, created, updated FROM runs ORDER BY id DESC LIMIT 1")[0]);
                    Assert.Equal(
                        run.Created.ToString(CultureInfo.InvariantCulture), cut.Scalar($"SELECT count(*) FROM changes WHERE action = 'Create' AND run_id = {run.Id}"));
                    if (run.Status == SyncRunStatus.Failed)
                    {
                        lost++;
                        Assert.Contains(run.ErrorId, new[] { "StoreUnavailable", "StoreOutcomeUnknown" });
                    }
                }
                catch (AlloyScanException e)
                {
                    // Cut off before it had begun.
                    Assert.Equal("StoreUnavailable", e.ErrorId);
                    lost++;
                }

                await killer;
                if (moment is not null)
                    cut.Sql("DROP FUNCTION cut CASCADE");
            }

            cut.Source.Before = null;
            await cut.RunAsync();
            Assert.Equal(WithoutNumbers(calm), WithoutNumbers(cut));
            calmFleet.Mutate(calm.Source);
            cutFleet.Mutate(cut.Source);
        }

        // Some end before their time.
        Assert.InRange(lost, 6, 24);
    }

    [PostgresFact]
    public async Task A_batch_that_the_server_took_back_for_another_is_done_again_whole()
    {
        using var fixture = WithDevices(300);
        // Sequences are not taken back with the transaction.
        fixture.Sql("CREATE SEQUENCE trouble");
        fixture.Trigger("clash", "AFTER INSERT ON links", null, "IF nextval('trouble') IN (100, 351, 602) THEN RAISE EXCEPTION 'clash' USING ERRCODE = CASE WHEN random() < 0.5 THEN '40P01' ELSE '40001' END; END IF");
        var run = await fixture.RunWellAsync();
        Assert.Equal((300, 0), (run.Created, run.Errors));
        Assert.Equal("300|300", fixture.Rows("SELECT (SELECT count(*) FROM links), (SELECT count(*) FROM changes WHERE action = 'Create')")[0]);
        Assert.True(long.Parse(fixture.Scalar("SELECT last_value FROM trouble")!, CultureInfo.InvariantCulture) > 300);
        fixture.Sql("DROP SEQUENCE trouble CASCADE");
    }

    [PostgresFact]
    public async Task A_batch_that_the_server_takes_back_each_time_fails_the_run_and_leaves_nothing_of_itself()
    {
        using var fixture = WithDevices(300);
        fixture.Trigger("clash", "AFTER INSERT ON links", "new.device_id = 'd280'", "RAISE EXCEPTION 'clash' USING ERRCODE = '40P01'");
        var run = await fixture.RunAsync();
        Assert.Equal((SyncRunStatus.Failed, "StoreLocked"), (run.Status, run.ErrorId));
        Assert.Equal(run.Created.ToString(CultureInfo.InvariantCulture), fixture.Scalar("SELECT count(*) FROM links"));
        fixture.DropTrigger("clash");
        Assert.Equal(300, run.Created + (await fixture.RunWellAsync()).Created);
    }

    [PostgresFact]
    public void How_a_transaction_ended_is_found_out_from_beside()
    {
        using var fixture = new SyncFixture(postgres: true);
        var dialect = StoreDialect.Of(fixture.Store.Location);
        foreach (var commits in new[] { true, false })
        {
            using var connection = dialect.Open(fixture.Store.Location, default);
            using var command = connection.CreateCommand();
            command.CommandText = dialect.BeginWrite;
            var name = dialect.TransactionName(command);
            command.CommandText = "UPDATE sites SET name = name; " + (commits ? "COMMIT" : "ROLLBACK");
            command.ExecuteNonQuery();
            Assert.Equal(commits, dialect.WasCommitted(fixture.Store.Location, name!, default));
        }
    }

    [PostgresFact]
    public void A_commit_whose_answer_is_lost_counts_as_what_it_was()
    {
        using var fixture = new SyncFixture(postgres: true);
        var server = fixture.Store.Location.Postgres!;
        foreach (var reaches in new[] { true, false })
        {
            using var line = new CutLine(server.Host, server.Port, reaches);
            var location = StoreLocation.Resolve(fixture.Store.Location.ToString().Replace($"{server.Host}:{server.Port}", line.Address, StringComparison.Ordinal) + "&sslmode=disable&gssencryptionmode=disable");
            using var session = new StoreSession(StoreDialect.Of(location), location);
            session.Begin();
            session.Execute("INSERT INTO sites (name, created_at) VALUES (@p0, 0)", line.Address);
            if (reaches)
                session.Commit();
            else
                Assert.Equal("StoreUnavailable", Assert.Throws<AlloyScanException>(session.Commit).ErrorId);
            Assert.True(line.WasCut);
            Assert.Equal(reaches ? "1" : "0", fixture.Scalar($"SELECT count(*) FROM sites WHERE name = '{line.Address}'"));
            session.Rollback();
            Assert.Equal("StoreUnavailable", Assert.Throws<AlloyScanException>(session.Begin).ErrorId);
            StoreDialect.Of(location).Release(location);
        }
    }

    private static SyncFixture WithDevices(int count)
    {
        var fixture = new SyncFixture(postgres: true);
        for (var i = 0; i < count; i++)
            fixture.Source.Add(SyncFixture.Device($"d{i:000}", $"PC-{i:000}", $"SERIAL-{i:000}"), SyncFixture.Snapshot($"a{i:000}", software: ("Editor", "1")));
        return fixture;
    }

    private static void Terminate(SyncFixture fixture) =>
        fixture.Rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = current_schema() AND pid <> pg_backend_pid()");

    private static List<string> WithoutNumbers(SyncFixture fixture) =>
    [
        .. fixture.Dump().Where(r => !r.StartsWith("N|", StringComparison.Ordinal))
            .Select(r => System.Text.RegularExpressions.Regex.Replace(r, @"\b[CH]\d{6}\b", "#")).Order(StringComparer.Ordinal),
    ];

    /// <summary>A line to a server that is cut when the first COMMIT comes along: behind it, so that it is done, or before it.</summary>
    private sealed class CutLine : IDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly string _host;
        private readonly int _port;
        private readonly bool _reaches;

        public CutLine(string host, int port, bool reaches)
        {
            (_host, _port, _reaches) = (host, port, reaches);
            _listener.Start();
            Address = string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");
            _ = AcceptAsync();
        }

        public string Address { get; }

        public bool WasCut { get; private set; }

        public void Dispose() => _listener.Dispose();

        private async Task AcceptAsync()
        {
            try
            {
                while (true)
                {
                    var client = await _listener.AcceptTcpClientAsync();
                    var server = new TcpClient();
                    await server.ConnectAsync(_host, _port);
                    _ = PassAsync(client, server);
                }
            }
            catch (Exception e) when (e is ObjectDisposedException or SocketException)
            {
                // The test is over.
            }
        }

        private async Task PassAsync(TcpClient client, TcpClient server)
        {
            using (client)
            using (server)
            {
                var (near, far) = (client.GetStream(), server.GetStream());
                var answers = Task.Run(() => CopyAsync(far, near));
                var buffer = new byte[65536];
                try
                {
                    for (int read; (read = await near.ReadAsync(buffer)) > 0;)
                    {
                        if (!WasCut && Encoding.ASCII.GetString(buffer, 0, read).Contains("COMMIT", StringComparison.Ordinal))
                        {
                            WasCut = true;
                            // The client hears nothing any more. What the server was told it does, whoever listens.
                            client.Client.Shutdown(SocketShutdown.Both);
                            if (_reaches)
                            {
                                await far.WriteAsync(buffer.AsMemory(0, read));
                                await Task.Delay(500);
                            }

                            return;
                        }

                        await far.WriteAsync(buffer.AsMemory(0, read));
                    }
                }
                catch (Exception e) when (e is IOException or ObjectDisposedException or SocketException)
                {
                    // One of the two has hung up.
                }
            }

            async Task CopyAsync(NetworkStream from, NetworkStream to)
            {
                try
                {
                    await from.CopyToAsync(to);
                }
                catch (Exception e) when (e is IOException or ObjectDisposedException or SocketException)
                {
                    // One of the two has hung up.
                }
            }
        }
    }
}
