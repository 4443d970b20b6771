using System.Collections.Concurrent;
using System.Data.Common;
using System.Globalization;
using AlloyScan.Engine.Store;
using AlloyScan.Engine.Sync.Identify;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace AlloyScan.Engine.Tests;

/// <summary>
/// An empty store for one test: a SQLite file, or, when ALLOYSCAN_TEST_POSTGRES names a database, a schema of its own there.
/// The tests that use it are run once for each; see .ci/run.
/// </summary>
internal sealed class TestStore : IDisposable
{
    public const string Variable = "ALLOYSCAN_TEST_POSTGRES";

    // A schema takes longer to make than most tests to run: those that only work in it leave it, emptied, to the next.
    private static readonly ConcurrentBag<string> s_schemas = [];

    private readonly string? _folder;
    private readonly string? _schema;
    private bool _used;

    /// <param name="postgres">Whether in PostgreSQL; <see langword="null"/> for wherever this test run goes.</param>
    /// <param name="used">Whether a schema may do that another test has worked in.</param>
    /// <param name="server">URL of a database of the test's own; <see langword="null"/> for the one of all tests.</param>
    public TestStore(bool? postgres = null, bool used = false, string? server = null)
    {
        server ??= Server;
        if (postgres ?? server is not null)
        {
            _used = used;
            _schema = used && s_schemas.TryTake(out var left) ? left : "t_" + Guid.NewGuid().ToString("N");
            Location = StoreLocation.Resolve($"{server}{(server!.Contains('?', StringComparison.Ordinal) ? '&' : '?')}schema={_schema}&application_name={_schema}");
        }
        else
        {
            _folder = Directory.CreateTempSubdirectory("alloyscan-test-").FullName;
            Location = StoreLocation.Resolve(Path.Combine(_folder, "store.db"));
        }
    }

    static TestStore() => AppDomain.CurrentDomain.ProcessExit += (_, _) => DropUsed();

    /// <summary>URL of the database for tests; <see langword="null"/> when there is none.</summary>
    public static string? Server => Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } url ? url : null;

    public StoreLocation Location { get; }

    public DbConnection Connect()
    {
        DbConnection connection = _schema is null
            ? new SqliteConnection($"Data Source={Location.Path};Pooling=False")
            : new NpgsqlConnection(new NpgsqlConnectionStringBuilder(Location.Postgres!.ConnectionString) { SearchPath = _schema }.ConnectionString);
        connection.Open();
        return connection;
    }

    public void Sql(string sql)
    {
        using var connection = Connect();
        using var command = connection.CreateCommand();
        command.CommandText = Spell(sql);
        command.ExecuteNonQuery();
    }

    public string? Scalar(string sql)
    {
        using var connection = Connect();
        using var command = connection.CreateCommand();
        command.CommandText = Spell(sql);
        return command.ExecuteScalar() is { } value and not DBNull ? Words(value) : null;
    }

    public List<string> Rows(string sql)
    {
        using var connection = Connect();
        using var command = connection.CreateCommand();
        command.CommandText = Spell(sql);
        using var reader = command.ExecuteReader();
        var rows = new List<string>();
        while (reader.Read())
            rows.Add(string.Join('|', Enumerable.Range(0, reader.FieldCount).Select(i => reader.IsDBNull(i) ? "-" : Words(reader.GetValue(i)))));
        return rows;
    }

    /// <summary>Has something happen in the store when rows change, as a hand or a program beside ours would.</summary>
    /// <param name="name">Name of the trigger.</param>
    /// <param name="moment">When, for example <c>AFTER INSERT ON records</c>.</param>
    /// <param name="condition">For which rows; <see langword="null"/> for all.</param>
    /// <param name="body">What is done, as one statement.</param>
    public void Trigger(string name, string moment, string? condition, string body)
    {
        if (_schema is null)
        {
            Sql($"CREATE TRIGGER {name} {moment} {(condition is null ? string.Empty : $"WHEN {condition}")} BEGIN {body}; END");
            return;
        }

        _used = false;
        Sql($"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body}; RETURN new; END $$; CREATE TRIGGER {name} {moment} FOR EACH ROW {(condition is null ? string.Empty : $"WHEN ({condition})")} EXECUTE FUNCTION {name}()");
    }

    /// <summary>A statement that fails, for <see cref="Trigger"/>.</summary>
    public string Failure(string message) => _schema is null ? $"SELECT RAISE(ABORT, '{message}')" : $"RAISE EXCEPTION '{message}'";

    /// <summary>The store's own tables by name; Quartz's are no part of it.</summary>
    public List<string> Tables() => Rows(_schema is null
        ? "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
        : $"SELECT table_name FROM information_schema.tables WHERE table_schema = '{_schema}' AND table_type = 'BASE TABLE' AND table_name <> 'store_version' AND table_name NOT LIKE 'qrtz\\_%' ORDER BY table_name COLLATE \"C\"");

    /// <summary>Every row of every table, in an order of their own.</summary>
    public List<string> Everything() => [.. Tables().SelectMany(t => Rows($"SELECT '{t}', * FROM {t}").Order(StringComparer.Ordinal))];

    public void Dispose()
    {
        if (_folder is not null)
        {
            Directory.Delete(_folder, recursive: true);
            return;
        }

        if (_used)
        {
            Sql(string.Concat(Tables().OrderBy(t => t is "sites" or "targets").Select(t => $"DELETE FROM {t};"))
                + "INSERT INTO targets (id, name, kind) VALUES (1, 'Built-in', 'BuiltIn');" + IdentificationPolicy.SeedSql() + PostgresSchema.SetSequences);
            s_schemas.Add(_schema!);
        }
        else
        {
            Sql($"DROP SCHEMA IF EXISTS {_schema} CASCADE");
        }

        using var connection = Connect();
        NpgsqlConnection.ClearPool((NpgsqlConnection)connection);
    }

    private static void DropUsed()
    {
        using var place = s_schemas.IsEmpty ? null : new TestStore(postgres: true);
        while (s_schemas.TryTake(out var schema))
            place!.Sql($"DROP SCHEMA IF EXISTS {schema} CASCADE");
    }

    private string Spell(string sql) => _schema is null ? sql : PostgresSql.Spell(sql);

    /// <summary>Ends what <see cref="Trigger"/> began.</summary>
    public void DropTrigger(string name) => Sql(_schema is null ? $"DROP TRIGGER {name}" : $"DROP FUNCTION {name} CASCADE");

    // What is true is 1 for SQLite.
    private static string Words(object value) => value is bool flag ? (flag ? "1" : "0") : Convert.ToString(value, CultureInfo.InvariantCulture)!;
}
