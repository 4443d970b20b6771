using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Store;
using AlloyScan.Engine.Sync;
using AlloyScan.Engine.Tests.Sync;
using Npgsql;

namespace AlloyScan.Engine.Tests;

/// <summary>What only a server can do to a store: refuse, vanish, be somebody else's.</summary>
[Trait("Store", "PostgreSQL")]
public sealed class PostgresStoreTests : IDisposable
{
    private const string Secret = "hunter2-AS";

    private readonly List<IDisposable> _owned = [];
    private readonly List<string> _roles = [];

    [PostgresFact]
    public void A_store_is_made_in_a_schema_of_its_own_and_opens_again()
    {
        var place = NewPlace();
        AlloyStore.Open(place.Location).Dispose();
        using var again = AlloyStore.Open(place.Location);
        Assert.Empty(again.Jobs.List());
        Assert.Equal(SqliteSchema.Migrations.Count.ToString(System.Globalization.CultureInfo.InvariantCulture), place.Scalar("SELECT version FROM store_version"));
        Assert.Empty(place.Rows("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"));
    }

    [PostgresFact]
    public void The_schema_is_made_by_whoever_comes_first_when_several_open_a_new_store_at_once()
    {
        var place = NewPlace();
        Parallel.For(0, 4, _ => AlloyStore.Open(place.Location).Dispose());
        Assert.Equal("1", place.Scalar("SELECT count(*) FROM store_version"));
        Assert.Equal("4", place.Scalar("SELECT count(*) FROM service_actions"));
    }

    [PostgresFact]
    public void Who_falls_asleep_in_a_transaction_loses_it_when_its_lease_expires()
    {
        var place = NewPlace();
        using var store = AlloyStore.Open(place.Location);
        using var session = store.NewSession();
        Assert.Equal("2min", session.Prepare("SHOW idle_in_transaction_session_timeout").Text());
        Assert.Equal(TimeSpan.FromMinutes(2), Lease.Expiry);
    }

    [PostgresFact]
    public void A_schema_of_another_program_is_refused_and_left_alone()
    {
        var place = NewPlace();
        place.Sql($"CREATE SCHEMA {Schema(place)}; CREATE TABLE {Schema(place)}.customers (id bigint)");
        var error = Refused(place.Location);
        Assert.Equal("NotAStore", error.ErrorId);
        Assert.Contains(Schema(place), error.Message, StringComparison.Ordinal);
        Assert.Equal(["customers"], place.Tables());
    }

    [PostgresFact]
    public void A_table_that_happens_to_be_named_like_our_mark_does_not_make_a_store()
    {
        var place = NewPlace();
        place.Sql($"CREATE SCHEMA {Schema(place)}; CREATE TABLE {Schema(place)}.store_version (number bigint)");
        Assert.Equal("NotAStore", Refused(place.Location).ErrorId);
    }

    [PostgresFact]
    public void A_store_of_a_newer_version_is_refused()
    {
        var place = NewStore();
        place.Sql("UPDATE store_version SET version = 99");
        var error = Refused(place.Location);
        Assert.Equal("StoreTooNew", error.ErrorId);
        Assert.Contains("99", error.Message, StringComparison.Ordinal);
    }

    [PostgresFact]
    public void A_store_that_may_only_be_read_is_refused()
    {
        var place = NewStore();
        var error = Refused(With(place, "options=-c%20default_transaction_read_only%3Don"));
        Assert.Equal(("StoreReadOnly", ErrorKind.PermissionDenied), (error.ErrorId, error.Kind));
    }

    [PostgresFact]
    public void A_database_that_is_not_there_is_named()
    {
        var error = Refused(StoreLocation.Resolve(new UriBuilder(TestStore.Server!) { Path = "/no_such_database", Query = string.Empty }.Uri.ToString()));
        Assert.Equal(("StoreNotFound", ErrorKind.NotFound), (error.ErrorId, error.Kind));
        Assert.Contains("no_such_database", error.Message, StringComparison.Ordinal);
    }

    [PostgresFact]
    public void A_wrong_password_is_said_and_not_shown()
    {
        var place = NewStore();
        var role = NewRole(place, $"LOGIN PASSWORD '{Secret}-right'");
        foreach (var location in new[] { As(place, role, Secret + "-wrong"), As(place, role, null) })
        {
            var error = Refused(location);
            Assert.Equal(("StoreLoginFailed", ErrorKind.Authentication), (error.ErrorId, error.Kind));
            Assert.Contains(role, error.Message, StringComparison.Ordinal);
            Assert.DoesNotContain(Secret, error + error.MessageWithAdvice, StringComparison.Ordinal);
        }

        Assert.DoesNotContain(Secret, As(place, role, Secret).ToString(), StringComparison.Ordinal);
    }

    [PostgresFact]
    public void A_password_comes_from_a_passfile()
    {
        var place = NewStore();
        var role = NewRole(place, $"LOGIN PASSWORD '{Secret}'");
        place.Sql($"GRANT {place.Scalar("SELECT current_user")} TO {role}");
        var file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, $"*:*:*:{role}:{Secret}\n");
            if (!OperatingSystem.IsWindows())
                File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            using var store = AlloyStore.Open(With(As(place, role, null), "passfile=" + Uri.EscapeDataString(file)));
            Assert.Empty(store.Jobs.List());
        }
        finally
        {
            File.Delete(file);
        }
    }

    [PostgresFact]
    public void Who_lacks_rights_is_told_which()
    {
        var place = NewStore();
        var role = NewRole(place, $"LOGIN PASSWORD '{Secret}'");
        var error = Refused(As(place, role, Secret));
        Assert.Equal(("StoreForbidden", ErrorKind.PermissionDenied), (error.ErrorId, error.Kind));
        Assert.Contains("GRANT", error.Advice, StringComparison.Ordinal);

        // What about_AlloyScan_Store says is enough for a store that is there.
        var schema = Schema(place);
        place.Sql($"GRANT USAGE ON SCHEMA {schema} TO {role}; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role}; GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {role}");
        using var store = AlloyStore.Open(As(place, role, Secret));
        Assert.NotEmpty(store.IdentificationRules.List());
    }

    [PostgresFact]
    public void Who_may_not_make_what_is_lacking_is_told_before_anything_is_made()
    {
        // Neither the schema, nor a table in one that is there.
        var place = NewPlace();
        var role = NewRole(place, $"LOGIN PASSWORD '{Secret}'");
        var error = Refused(As(place, role, Secret));
        Assert.Equal(("StoreForbidden", ErrorKind.PermissionDenied), (error.ErrorId, error.Kind));
        place.Sql($"CREATE SCHEMA {Schema(place)}; GRANT USAGE ON SCHEMA {Schema(place)} TO {role}");
        Assert.Equal("StoreForbidden", Refused(As(place, role, Secret)).ErrorId);
        Assert.Empty(place.Tables());
    }

    [PostgresFact]
    public async Task A_role_that_may_only_read_sees_all_and_its_run_is_refused_before_the_site_is_asked()
    {
        using var fixture = new SyncFixture(postgres: true);
        fixture.Source.Add(SyncFixture.Device("d1", "PC-1", "SN1"), SyncFixture.Snapshot("s1"));
        var place = NewPlace();
        var role = NewRole(place, $"LOGIN PASSWORD '{Secret}'");
        var schema = fixture.Store.Location.Postgres!.Schema;
        var location = StoreLocation.FromEnvironment(new UriBuilder(fixture.Store.Location.ToString()) { UserName = role, Password = Secret }.Uri.ToString());
        var lacking = "SELECT, INSERT, UPDATE, DELETE ON ";
        foreach (var grant in new[] { $"GRANT USAGE ON SCHEMA {schema} TO {role}; GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {role}", $"GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role}" })
        {
            fixture.Sql(grant);
            using var store = AlloyStore.Open(location);
            Assert.Equal("HQ", store.Jobs.Get("HQ").Name);
            var error = await Assert.ThrowsAsync<AlloyScanException>(() => store.Sync.ExecuteAsync(new SyncRequest { Job = fixture.Job, Source = fixture.Source }, SilentObserver.Instance, default));
            Assert.Equal(("StoreForbidden", ErrorKind.PermissionDenied), (error.ErrorId, error.Kind));
            Assert.Contains(lacking, error.Message, StringComparison.Ordinal);
            lacking = "USAGE ON SEQUENCE ";
        }

        Assert.Empty(fixture.Source.Log);
        fixture.Sql($"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {role}");
        using (var store = AlloyStore.Open(location))
        {
            var run = await store.Sync.ExecuteAsync(new SyncRequest { Job = fixture.Job, Source = fixture.Source }, SilentObserver.Instance, default);
            Assert.True(run.Status == SyncRunStatus.Succeeded, run.Message);
        }

        fixture.Sql($"DROP OWNED BY {role}");
    }

    [PostgresFact]
    public void A_database_that_is_not_encoded_in_UTF_8_is_refused_with_the_way_to_make_one()
    {
        var place = NewPlace();
        var name = "latin_" + Guid.NewGuid().ToString("N");
        place.Sql($"CREATE DATABASE {name} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
        var location = StoreLocation.Resolve(new UriBuilder(TestStore.Server!) { Path = name, Query = string.Empty }.Uri.ToString());
        try
        {
            var error = Refused(location);
            Assert.Equal("StoreEncoding", error.ErrorId);
            Assert.Contains("LATIN1", error.Message, StringComparison.Ordinal);
            Assert.Contains("ENCODING 'UTF8'", error.Advice, StringComparison.Ordinal);
        }
        finally
        {
            StoreDialect.Of(location).Release(location);
            place.Sql($"DROP DATABASE {name} WITH (FORCE)");
        }
    }

    [PostgresFact]
    public void A_server_that_takes_no_more_connections_says_so()
    {
        var place = NewStore();
        var role = NewRole(place, $"LOGIN PASSWORD '{Secret}' CONNECTION LIMIT 1");
        using var held = new NpgsqlConnection(As(place, role, Secret).Postgres!.ConnectionString + ";Pooling=false");
        held.Open();
        var error = Refused(As(place, role, Secret));
        Assert.Equal(("StoreConnectionsExhausted", ErrorKind.ResourceUnavailable), (error.ErrorId, error.Kind));
        Assert.Contains("max_connections", error.Advice, StringComparison.Ordinal);
    }

    [Fact]
    public void A_host_that_nobody_knows_is_named()
    {
        var error = Refused(StoreLocation.FromEnvironment($"postgresql://u:{Secret}@no-such-host.invalid/x"));
        Assert.Equal(("StoreHostUnknown", ErrorKind.ResourceUnavailable), (error.ErrorId, error.Kind));
        Assert.Contains("'no-such-host.invalid'", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, error + error.MessageWithAdvice, StringComparison.Ordinal);
    }

    [PostgresFact]
    public async Task Another_writer_is_waited_for_and_then_named_and_nothing_is_lost()
    {
        var place = NewStore();
        using var store = AlloyStore.Open(place.Location);
        using (var other = new StoreSession(StoreDialect.Of(place.Location), place.Location))
        {
            other.Begin();
            var error = await Assert.ThrowsAsync<AlloyScanException>(() => Task.Run(() => store.Jobs.Create(NewJob())));
            Assert.Equal(("StoreLocked", ErrorKind.ResourceBusy), (error.ErrorId, error.Kind));
            Assert.Empty(store.Jobs.List());
        }

        Assert.Equal("HQ", store.Jobs.Create(NewJob()).Name);
    }

    [PostgresFact]
    public async Task A_connection_that_is_lost_in_mid_run_fails_the_run_and_the_next_one_goes_on()
    {
        using var whole = new SyncFixture();
        using var fixture = new SyncFixture();
        foreach (var source in new[] { whole.Source, fixture.Source })
        {
            for (var i = 0; i < 600; i++)
                source.Add(SyncFixture.Device($"d{i:000}", $"PC-{i}", $"SN{i:0000}"), SyncFixture.Snapshot($"s{i}", software: [("Office", "1"), ($"Tool {i % 7}", "2")]));
        }

        await whole.RunWellAsync();
        var calls = 0;
        fixture.Source.Before = _ =>
        {
            if (Interlocked.Increment(ref calls) == 700)
                fixture.Rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = current_schema() AND pid <> pg_backend_pid()");
        };

        var run = await fixture.RunAsync();
        Assert.Equal((SyncRunStatus.Failed, "StoreUnavailable"), (run.Status, run.ErrorId));

        fixture.Source.Before = null;
        var next = await fixture.RunWellAsync();
        Assert.True(next.Created is > 0 and < 600, $"{next.Created} created");
        Assert.Equal(whole.Dump(), fixture.Dump());
        Assert.Equal(["Failed", "Succeeded"], fixture.Store.Runs.List().Select(r => r.Status.ToString()).Order(StringComparer.Ordinal));
    }

    [PostgresFact]
    public void Text_that_PostgreSQL_cannot_hold_is_refused_as_by_SQLite()
    {
        var place = NewStore();
        using var session = new StoreSession(StoreDialect.Of(place.Location), place.Location);
        var insert = session.Prepare("INSERT INTO sites (name, created_at) VALUES (@p0, @p1)");
        Assert.Equal("InvalidText", Assert.Throws<AlloyScanException>(() => insert.Set(0, "a\0b")).ErrorId);
        Assert.Equal("InvalidText", Assert.Throws<AlloyScanException>(() => insert.Set(0, "a\uD800c")).ErrorId);
        insert.Set(0, "a").Set(1, 0L).Execute();
        Assert.Equal("InvalidText", Assert.Throws<AlloyScanException>(() => session.Execute("UPDATE sites SET name = @p0", "x\0y")).ErrorId);
        Assert.Equal("a", session.Prepare("SELECT name FROM sites").Text());
    }

    [PostgresFact]
    public void Rows_can_be_read_while_other_things_are_asked_and_written()
    {
        var place = NewStore();
        using var session = new StoreSession(StoreDialect.Of(place.Location), place.Location);
        session.Begin();
        var insert = session.Prepare("INSERT INTO sites (name, created_at) VALUES (@p0, @p1)");
        for (var i = 0; i < 1200; i++)
            insert.Set(0, $"s{i:0000}").Set(1, (long)i).Post();
        var seen = 0;
        using (var reader = session.Prepare("SELECT created_at, name FROM sites WHERE created_at < @p0 ORDER BY created_at").Set(0, 1000L).Read())
        {
            while (reader.Read())
            {
                Assert.Equal(seen, reader.GetInt64(0));
                if (seen++ % 300 == 5)
                    session.Prepare("UPDATE sites SET name = @p1 WHERE created_at = @p0").Set(0, reader.GetInt64(0)).Set(1, "changed " + reader.GetString(1)).Post();
            }
        }

        session.Commit();
        Assert.Equal(1000, seen);
        Assert.Equal("4", place.Scalar("SELECT count(*) FROM sites WHERE name LIKE 'changed s%'"));
        Assert.Equal("1200", place.Scalar("SELECT count(*) FROM sites"));
    }

    [PostgresFact]
    public void What_was_posted_is_taken_back_with_its_transaction()
    {
        var place = NewStore();
        using var session = new StoreSession(StoreDialect.Of(place.Location), place.Location);
        session.Begin();
        session.Prepare("INSERT INTO sites (name, created_at) VALUES (@p0, 0)").Set(0, "lost").Post();
        session.Rollback();
        Assert.Equal(0, session.Prepare("SELECT count(*) FROM sites").Number());
    }

    [PostgresFact]
    public void Patterns_and_order_are_those_of_SQLite()
    {
        foreach (var place in new[] { NewStore(), Own(new TestStore(postgres: false)) })
        {
            using var store = AlloyStore.Open(place.Location);
            foreach (var name in new[] { "b_1", "B%2", "a[x]", "É1", "é1", "a\\b", "Zz" })
                store.Jobs.Create(NewJob() with { Name = name });
            Assert.Equal(["a[x]", "a\\b", "B%2", "b_1", "Zz", "É1", "é1"], store.Jobs.List().Select(j => j.Name));
            Assert.Equal(["a[x]", "a\\b"], store.Jobs.List("A*").Select(j => j.Name));
            Assert.Equal(["a[x]"], store.Jobs.List("a[x]").Select(j => j.Name));
            Assert.Equal(["B%2"], store.Jobs.List("b%?").Select(j => j.Name));
            Assert.Equal(["b_1"], store.Jobs.List("?_?").Select(j => j.Name));
            Assert.Equal(["a\\b"], store.Jobs.List("a\\?").Select(j => j.Name));
            Assert.Equal("É1", store.Jobs.Get("É1").Name);
            Assert.Equal("Zz", store.Jobs.Get("zZ").Name);
            Assert.Equal("JobExists", Assert.Throws<AlloyScanException>(() => store.Jobs.Create(NewJob() with { Name = "zz" })).ErrorId);
        }
    }

    [Theory]
    [InlineData("53100", "StoreFull")]
    [InlineData("53300", "StoreConnectionsExhausted")]
    [InlineData("55P03", "StoreLocked")]
    [InlineData("40P01", "StoreLocked")]
    [InlineData("57014", "StoreTimeout")]
    [InlineData("57P01", "StoreUnavailable")]
    [InlineData("57P03", "StoreUnavailable")]
    [InlineData("25006", "StoreReadOnly")]
    [InlineData("42501", "StoreForbidden")]
    [InlineData("3D000", "StoreNotFound")]
    [InlineData("28P01", "StoreLoginFailed")]
    [InlineData("XX001", "StoreDamaged")]
    [InlineData("42P01", "StoreDamaged")]
    [InlineData("23505", "StoreError")]
    public void Each_answer_of_the_server_has_its_words(string state, string errorId)
    {
        var location = StoreLocation.FromEnvironment($"postgresql://u:{Secret}@db.example/x");
        var error = StoreDialect.Of(location).Translate(new PostgresException("the server's words", "ERROR", "ERROR", state), location);
        Assert.Equal(errorId, error.ErrorId);
        Assert.True(error.Message.Contains("the server's words", StringComparison.Ordinal) || errorId is "StoreReadOnly" or "StoreNotFound");
        Assert.DoesNotContain(Secret, error + error.MessageWithAdvice, StringComparison.Ordinal);
    }

    [Fact]
    public void A_server_that_is_not_there_is_named()
    {
        var error = Refused(StoreLocation.FromEnvironment($"postgresql://u:{Secret}@127.0.0.1:1/x"));
        Assert.Equal(("StoreUnavailable", ErrorKind.ResourceUnavailable), (error.ErrorId, error.Kind));
        Assert.Contains("127.0.0.1:1", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, error + error.MessageWithAdvice, StringComparison.Ordinal);
    }

    [Fact]
    public void A_server_that_is_too_old_is_refused_with_its_version()
    {
        var dialect = (PostgresDialect)StoreDialect.Of(StoreLocation.FromEnvironment("postgresql://u@db.example/x"));
        var error = Assert.Throws<AlloyScanException>(() => dialect.CheckVersion(new Version(13, 9)));
        Assert.Equal("StoreServerTooOld", error.ErrorId);
        Assert.Contains("13.9", error.Message, StringComparison.Ordinal);
        dialect.CheckVersion(new Version(14, 0));
    }

    [Theory]
    [InlineData("postgres://u:hunter2@db/x", "postgresql://u@db/x")]
    [InlineData("postgresql://db/x?sslmode=require&connect_timeout=3", "postgresql://db/x?sslmode=require&timeout=3")]
    [InlineData("Host=db;Port=5433;Database=x;Username=u v;Password=hunter2;SSL Mode=Require", "postgresql://u%20v@db:5433/x?sslmode=Require")]
    [InlineData("server=/run/postgresql;dbname=x;search_path=other", "postgresql://%2Frun%2Fpostgresql/x?schema=other")]
    [InlineData("postgresql://[::1]:5432/x?schema=alloyscan", "postgresql://[::1]/x")]
    public void An_address_is_shown_without_its_password_and_reads_back_as_the_same_place(string given, string shown)
    {
        var location = StoreLocation.FromEnvironment(given);
        Assert.Equal(shown, location.ToString());
        Assert.Equal(shown, StoreLocation.Resolve(shown).ToString());
        Assert.True(location.IsPostgres);
    }

    [Fact]
    public void A_key_that_is_not_known_is_refused_when_the_store_is_opened()
    {
        var error = Refused(StoreLocation.FromEnvironment($"postgresql://u:{Secret}@127.0.0.1:1/x?colour=blue"));
        Assert.Equal("UnsupportedStore", error.ErrorId);
        Assert.DoesNotContain(Secret, error + error.MessageWithAdvice, StringComparison.Ordinal);
    }

    public void Dispose()
    {
        _owned.Reverse();
        foreach (var owned in _owned)
            owned.Dispose();
        if (_roles.Count == 0)
            return;

        using var place = new TestStore(postgres: true);
        foreach (var role in _roles)
            place.Sql($"DROP OWNED BY {role}; DROP ROLE {role}");
    }

    private static Engine.Jobs.SyncJob NewJob() => new()
    {
        Name = "HQ", SiteUrl = new Uri("https://site.example/hq"), ClientId = "c", ClientSecret = Engine.Credentials.SecretReference.FromEnvironment("V"),
    };

    private TestStore NewPlace() => Own(new TestStore(postgres: true));

    private TestStore NewStore()
    {
        var place = NewPlace();
        AlloyStore.Open(place.Location).Dispose();
        return place;
    }

    private TestStore Own(TestStore place)
    {
        _owned.Add(place);
        return place;
    }

    private string NewRole(TestStore place, string options)
    {
        var role = "r_" + Guid.NewGuid().ToString("N")[..16];
        place.Sql($"CREATE ROLE {role} {options}");
        _roles.Add(role);
        return role;
    }

    private static string Schema(TestStore place) => place.Location.Postgres!.Schema;

    private static StoreLocation As(TestStore place, string role, string? password)
    {
        var builder = new UriBuilder(place.Location.ToString()) { UserName = role, Password = password ?? string.Empty };
        return StoreLocation.FromEnvironment(builder.Uri.ToString());
    }

    private static StoreLocation With(TestStore place, string option) => With(place.Location, option);

    private static StoreLocation With(StoreLocation location, string option) => StoreLocation.FromEnvironment($"{location}{(location.ToString().Contains('?', StringComparison.Ordinal) ? '&' : '?')}{option}");

    private static AlloyScanException Refused(StoreLocation location) => Assert.Throws<AlloyScanException>(() => AlloyStore.Open(location));
}
