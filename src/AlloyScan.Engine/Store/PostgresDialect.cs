using System.Data.Common;
using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Jobs;
using Npgsql;

namespace AlloyScan.Engine.Store;

/// <summary>
/// The store as a schema of a PostgreSQL database. One writer at a time, as on SQLite: each writing transaction holds one lock
/// of the store, so that what is proven of batches and leases there holds here as well; readers are undisturbed.
/// </summary>
internal sealed class PostgresDialect(StoreLocation location) : StoreDialect
{
    /// <summary>The oldest server that is known to do.</summary>
    public const int OldestServer = 14;

    // "ALSC", the first half of the key of our locks; the schema's name is the second.
    private const int LockClass = 0x414C5343;

    /// <summary>How long a server that went away is waited for to say how a transaction ended.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(8);

    private readonly PostgresAddress _address = location.Postgres!;

    public override IReadOnlyList<string> Migrations => PostgresSchema.MigrationsFor(_address.Schema);

    public override string BeginWrite => FormattableString.Invariant($"BEGIN; SELECT pg_advisory_xact_lock({LockClass}, {LockKey}); SELECT pg_current_xact_id()::text");

    public override string BeginRead => "BEGIN ISOLATION LEVEL REPEATABLE READ";

    public override string Now => "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)";

    public override bool IsRemote => true;

    public override string SizeInBytes => "SELECT CAST(coalesce(sum(pg_total_relation_size(c.oid)), 0) AS bigint) FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'";

    public override string ReadVersion => "SELECT version FROM store_version";

    private int LockKey
    {
        get
        {
            var hash = new StableHash();
            hash.Add(_address.Schema);
            return unchecked((int)hash.Value);
        }
    }

    /// <summary>What is left to a statement that begins after its session was stopped, in seconds, so that a run can still say that it was.</summary>
    public const int Grace = 1;

    public override DbConnection Open(StoreLocation location, CancellationToken stop)
    {
        for (var again = false; ; again = true)
        {
            var connection = new NpgsqlConnection(ConnectionString());
            try
            {
                Connect(connection, stop);
                // Set here and not as it connects, since a pooler in between does not pass such settings on. Temporary tables come last, so
                // that none can stand for a table of the store. Who falls asleep in the midst of a transaction, with its host perhaps, loses it when it loses
                // the lease, so that its locks hold up no one who takes over.
                Execute(connection, $"""
                    SET search_path TO "{_address.Schema}", pg_temp; SET lock_timeout TO 10000; SET jit TO off; SET client_min_messages TO warning; SET default_transaction_isolation TO 'read committed';
                    SET idle_in_transaction_session_timeout TO {(long)Lease.Expiry.TotalMilliseconds};
                    """);
                return connection;
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                // Whoever is still connecting lets go of it in the end.
                throw;
            }
            catch (Exception e)
            {
                connection.Dispose();
                // A connection that was kept from before the server was restarted, or that somebody there has ended.
                if (again || e is not (PostgresException { SqlState: PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown } or NpgsqlException { InnerException: IOException or SocketException }))
                    throw;
                NpgsqlConnection.ClearPool(connection);
            }
        }
    }

    /// <summary>Connections for a library with tables of its own beside ours.</summary>
    public DbDataSource NewSource()
    {
        // Few are needed at a time, and the server counts those of all hosts.
        var settings = new NpgsqlConnectionStringBuilder(ConnectionString()) { MaxPoolSize = 10, CommandTimeout = 30 };
        return NpgsqlDataSource.Create(settings);
    }

    /// <summary>Connects, and leaves that alone when it is stopped: the driver does not look up from each of its steps.</summary>
    private static void Connect(NpgsqlConnection connection, CancellationToken stop)
    {
        if (!stop.CanBeCanceled)
        {
            connection.Open();
            return;
        }

        stop.ThrowIfCancellationRequested();
        var opening = connection.OpenAsync(CancellationToken.None);
        try
        {
            // A store is opened synchronously, always off the thread that the user sees.
            opening.Wait(stop);
        }
        catch (AggregateException)
        {
            // The failure itself comes out below.
        }
        catch (OperationCanceledException)
        {
            _ = opening.ContinueWith(
                task =>
                {
                    _ = task.Exception;
                    connection.Dispose();
                },
                CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            throw;
        }

        // It has ended, so this waits for nothing: it gives the failure as it is, not wrapped.
        opening.GetAwaiter().GetResult();
    }

    public override Statement NewStatement(StoreSession session, string sql) => new PostgresStatement(session, sql);

    public override string Spell(string sql) => PostgresSql.Spell(sql);

    public override object Value(object? value) => value is string text ? Clean(text)! : value ?? DBNull.Value;

    public override PendingWork NewPendingWork(StoreSession session) => new PostgresQueue(session);

    public override RowLoader NewLoader(StoreSession session, string table, IReadOnlyList<string> columns) => new PostgresLoader(session, table, columns);

    // Tables grow from nothing within a run and temporary ones are never analyzed by the server: what it knows of them is no reason to read them whole.
    // One plan does for all values, and plans that a kept connection made when the tables were smaller go.
    public override string ForRun => "SET enable_seqscan TO off; SET random_page_cost TO 1.1; SET plan_cache_mode TO force_generic_plan; DISCARD PLANS";

    // Unlike a key that comes back with its row, these cost one round trip for many rows.
    public override string NewKeys(string table) => $"SELECT nextval(pg_get_serial_sequence('{table}', 'id')) FROM generate_series(1, 100)";

    public override void Release(StoreLocation location)
    {
        using var connection = new NpgsqlConnection(ConnectionString());
        NpgsqlConnection.ClearPool(connection);
    }

    public override void Interrupt(StoreSession session) => ((PostgresQueue)session.Pending!).Interrupt();

    public override bool IsInterrupted(Exception exception) => exception switch
    {
        PostgresException answer => answer.SqlState is PostgresErrorCodes.QueryCanceled or PostgresErrorCodes.LockNotAvailable,
        _ => exception is OperationCanceledException || Innermost(exception) is TimeoutException or OperationCanceledException,
    };

    public override bool IsWorthAgain(Exception exception) => exception is PostgresException { SqlState: PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.SerializationFailure };

    public override string? TransactionName(DbCommand begin)
    {
        using var reader = begin.ExecuteReader();
        string? name = null;
        do
        {
            if (reader.Read() && reader.GetFieldType(0) == typeof(string))
                name = reader.GetString(0);
        }
        while (reader.NextResult());
        return name;
    }

    public override bool? WasCommitted(StoreLocation location, string transaction, CancellationToken stop)
    {
        // The server may be starting again, or not have noticed yet that the line is dead. A commit is synchronous, off the thread that the user sees.
        for (var waited = Stopwatch.StartNew(); ; Thread.Sleep(200))
        {
            try
            {
                using var connection = (NpgsqlConnection)Open(location, CancellationToken.None);
                using var look = new NpgsqlCommand("SELECT pg_xact_status(@name::xid8)", connection) { CommandTimeout = 5 };
                look.Parameters.AddWithValue("name", transaction);
                switch (look.ExecuteScalar() as string)
                {
                    case "committed":
                        return true;
                    case "aborted":
                        return false;
                    case null:
                        return null;
                }
            }
            catch (Exception e) when (IsFailure(e))
            {
                // Asked again below.
            }

            if (waited.Elapsed > (stop.IsCancellationRequested ? TimeSpan.FromSeconds(Grace) : s_patience))
                return null;
        }
    }

    public override void CheckRights(StoreSession session)
    {
        using var reader = session.Prepare("""
            SELECT 'TEMPORARY ON DATABASE ' || quote_ident(current_database()) WHERE NOT has_database_privilege(current_database(), 'TEMPORARY')
            UNION ALL
            SELECT 'SELECT, INSERT, UPDATE, DELETE ON ' || c.oid::regclass FROM pg_class c WHERE c.relnamespace = @p0::regnamespace AND c.relkind = 'r' AND c.relname <> 'store_version' AND left(c.relname, 5) <> 'qrtz_'
                AND NOT (has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT') AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE'))
            UNION ALL
            SELECT 'USAGE ON SEQUENCE ' || c.oid::regclass FROM pg_class c WHERE c.relnamespace = @p0::regnamespace AND CASE c.relkind WHEN 'S' THEN NOT has_sequence_privilege(c.oid, 'USAGE') ELSE false END
            LIMIT 1
            """).Set(0, _address.Schema).Read();
        if (reader.Read())
        {
            throw new AlloyScanException(
                ErrorKind.PermissionDenied, "StoreForbidden", $"The store '{_address}' lacks a right for {User} that runs need: {reader.GetString(0)}.", _address.ToString(),
                "Have the owner grant it; about_AlloyScan_Store lists the rights of roles that run jobs.");
        }
    }

    public override bool Exists(StoreLocation location, CancellationToken stop)
    {
        using var connection = (NpgsqlConnection)Open(location, stop);
        return VersionOf(connection, int.MaxValue) >= 0;
    }

    public override bool IsFailure(Exception exception) =>
        // The driver says of a connection that broke before that it is not open.
        exception is DbException or SocketException or TimeoutException or IOException or InvalidOperationException { Source: "Npgsql" };

    public override void Prepare(StoreLocation location, TimeProvider timeProvider, CancellationToken stop)
    {
        using var connection = (NpgsqlConnection)Open(location, stop);
        CheckServer(connection);
        var migrations = Migrations;
        if (VersionOf(connection, migrations.Count) == migrations.Count)
            return;

        // Another process may be doing the same: the version is read again under the lock.
        Execute(connection, BeginWrite);
        try
        {
            var version = VersionOf(connection, migrations.Count);
            if (version < 0)
            {
                Execute(connection, $"CREATE SCHEMA IF NOT EXISTS \"{_address.Schema}\"");
                Execute(connection, PostgresSchema.Marker);
                version = 0;
            }

            for (; version < migrations.Count; version++)
                Execute(connection, migrations[version]);
            Execute(connection, FormattableString.Invariant($"UPDATE store_version SET version = {version}"));
            Execute(connection, "COMMIT");
        }
        catch
        {
            RollBack(connection);
            throw;
        }
    }

    public override AlloyScanException Translate(Exception exception, StoreLocation location)
    {
        if (exception is AlloyScanException known)
            return known;

        var store = $"The store '{_address}'";
        var path = _address.ToString();
        if (exception is not PostgresException answer)
            return TranslateConnection(exception, store, path);

        var said = answer.MessageText.TrimEnd('.');
        return answer.SqlState switch
        {
            PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification => new AlloyScanException(
                ErrorKind.Authentication, "StoreLoginFailed", $"{store} does not let {User} in: {said}.", path,
                $"The password comes from PGPASSWORD, from a passfile (PGPASSFILE, or .pgpass in the home folder), or from the connection string in {StoreLocation.EnvironmentVariable}.", exception),
            PostgresErrorCodes.InvalidCatalogName => new AlloyScanException(
                ErrorKind.NotFound, "StoreNotFound", $"The server {Server} has no database '{_address.Database}'.", path, $"Have it made: CREATE DATABASE \"{_address.Database}\" ENCODING 'UTF8' TEMPLATE template0.", exception),
            PostgresErrorCodes.InsufficientPrivilege => new AlloyScanException(
                ErrorKind.PermissionDenied, "StoreForbidden", $"{store} lacks a right for {User}: {said}.", path,
                $"Have the owner grant it: GRANT CREATE, TEMPORARY ON DATABASE \"{_address.Database}\" TO the role that opens the store first; about_AlloyScan_Store lists the rights of others.", exception),
            PostgresErrorCodes.ReadOnlySqlTransaction => ReadOnly(exception),
            PostgresErrorCodes.DiskFull or PostgresErrorCodes.OutOfMemory => new AlloyScanException(
                ErrorKind.ResourceUnavailable, "StoreFull", $"The server of the store '{_address}' has no room left: {said}. What was committed is safe.", path, "Free some room on the server and run again.", exception),
            PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.SerializationFailure => new AlloyScanException(
                ErrorKind.ResourceBusy, "StoreLocked", $"{store} is locked by another program: {said}.", path, "Wait for it to finish and run again; what was committed is safe.", exception),
            PostgresErrorCodes.QueryCanceled => new AlloyScanException(
                ErrorKind.Timeout, "StoreTimeout", $"{store} did not answer in time: {said}.", path, "Run again; what was committed is safe. If it stays, look at the server's load and at its statement_timeout for this role.", exception),
            PostgresErrorCodes.TooManyConnections => new AlloyScanException(
                ErrorKind.ResourceUnavailable, "StoreConnectionsExhausted", $"The server of the store '{_address}' takes no more connections: {said}.", path, "Try again later, or raise max_connections on the server.", exception),
            PostgresErrorCodes.DataCorrupted or PostgresErrorCodes.IndexCorrupted => new AlloyScanException(
                ErrorKind.InvalidData, "StoreDamaged", $"{store} is damaged: {said}.", path, "Restore the database from a backup.", exception),
            PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.UndefinedColumn => new AlloyScanException(
                ErrorKind.InvalidData, "StoreDamaged", $"{store} lacks a part of its schema: {said}.", path, "Somebody changed its tables: restore the database from a backup.", exception),
            // Class 57 is an operator's doing, class 08 the line, class 58 the server's own disk.
            { Length: 5 } state when state[..2] is "57" or "08" or "58" or "53" => new AlloyScanException(
                ErrorKind.ResourceUnavailable, "StoreUnavailable", $"The connection to the store '{_address}' ended: {said}.", path, "What was committed is safe. Run again when the server is back.", exception),
            _ => new AlloyScanException(ErrorKind.Unspecified, "StoreError", $"{store} failed: {said}.", path, null, exception),
        };
    }

    /// <summary>
    /// Text as PostgreSQL can hold it: it has no character 0, which no name and no number of a device needs, and takes no half of a
    /// surrogate pair, for which the replacement character stands, as on SQLite.
    /// </summary>
    public static string? Clean(string? text)
    {
        if (text is null || text.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF') < 0)
            return text is not null && text.Contains('\0', StringComparison.Ordinal) ? text.Replace("\0", string.Empty, StringComparison.Ordinal) : text;

        return Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)).Replace("\0", string.Empty, StringComparison.Ordinal);
    }

    private string Server => _address.Port == 5432 ? _address.Host : string.Create(CultureInfo.InvariantCulture, $"{_address.Host}:{_address.Port}");

    private string User => _address.User is null ? "this account" : $"the user '{_address.User}'";

    private string ConnectionString()
    {
        NpgsqlConnectionStringBuilder builder;
        try
        {
            builder = new NpgsqlConnectionStringBuilder(_address.ConnectionString);
        }
        catch (Exception e) when (e is ArgumentException or FormatException or KeyNotFoundException)
        {
            // The driver names the key in English and never the password; ours says no more than the key.
            throw PostgresAddress.Unusable(e is ArgumentException { ParamName: { Length: > 0 } key } ? $"It has '{key}', which is not known or has a wrong value." : "It has a key that is not known, or a wrong value.");
        }

        builder.MaxAutoPrepare = 400;
        builder.AutoPrepareMinUsages = 2;
        builder.Enlist = false;
        builder.IncludeErrorDetail = false;
        if (!_address.ConnectionString.Contains("Command Timeout", StringComparison.OrdinalIgnoreCase))
            builder.CommandTimeout = 600;
        if (string.IsNullOrEmpty(builder.ApplicationName))
            builder.ApplicationName = "AlloyScan";
        builder.TcpKeepAlive = true;
        return builder.ConnectionString;
    }

    private AlloyScanException TranslateConnection(Exception exception, string store, string path)
    {
        var cause = Innermost(exception);
        if (cause is TimeoutException || exception is TimeoutException)
        {
            return new AlloyScanException(ErrorKind.Timeout, "StoreTimeout", $"{store} did not answer in time.", path, "Check that the server is there and what it is busy with, then run again; what was committed is safe.", exception);
        }

        return cause switch
        {
            SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain } => new AlloyScanException(
                ErrorKind.ResourceUnavailable, "StoreHostUnknown", $"The host name '{_address.Host}' of the store '{_address}' cannot be resolved.", path, "Check the name for a mistake, and the name servers of this host.", exception),
            SocketException { SocketErrorCode: SocketError.ConnectionRefused or SocketError.HostUnreachable or SocketError.NetworkUnreachable or SocketError.AddressNotAvailable or SocketError.TimedOut } refused => new AlloyScanException(
                ErrorKind.ResourceUnavailable, "StoreUnavailable", $"No PostgreSQL server answers at {Server}: {refused.Message.TrimEnd('.')}.", path, "Check the address, the port, the firewall and that the server runs.", exception),
            System.Security.Authentication.AuthenticationException => new AlloyScanException(
                ErrorKind.ResourceUnavailable, "StoreUnavailable", $"No secure connection to {Server}: {cause.Message.TrimEnd('.')}.", path, "Check the server's certificate, and sslmode and sslrootcert of the connection string.", exception),
            _ when exception is NpgsqlException && exception.Message.StartsWith("No password", StringComparison.Ordinal) => new AlloyScanException(
                ErrorKind.Authentication, "StoreLoginFailed", $"{store} wants a password from {User}, and none is given.", path,
                $"Give it with PGPASSWORD, in a passfile (PGPASSFILE, or .pgpass in the home folder), or in the connection string in {StoreLocation.EnvironmentVariable}.", exception),
            _ => new AlloyScanException(
                ErrorKind.ResourceUnavailable, "StoreUnavailable", $"The connection to the store '{_address}' failed: {cause.Message.TrimEnd('.')}.", path, "What was committed is safe. Run again when the server is there.", exception),
        };
    }

    private static Exception Innermost(Exception exception)
    {
        while (exception.InnerException is { } inner)
            exception = inner;
        return exception;
    }

    private AlloyScanException ReadOnly(Exception? inner) => new(
        ErrorKind.PermissionDenied, "StoreReadOnly", $"The store '{_address}' is read-only: the server is a replica, or lets this role or database only read.", _address.ToString(),
        "Name the primary server, or have default_transaction_read_only turned off for the role and the database.", inner);

    internal void CheckVersion(Version version)
    {
        if (version.Major < OldestServer)
        {
            throw new AlloyScanException(
                ErrorKind.InvalidArgument, "StoreServerTooOld", $"The server {Server} runs PostgreSQL {version}; the store needs {OldestServer} or later.", _address.ToString(), "Have the server upgraded, or name another.");
        }
    }

    private void CheckServer(NpgsqlConnection connection)
    {
        CheckVersion(connection.PostgreSqlVersion);
        using var command = new NpgsqlCommand("SELECT current_setting('server_encoding'), pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on'", connection);
        using var reader = command.ExecuteReader();
        reader.Read();
        if (reader.GetString(0) != "UTF8")
        {
            throw new AlloyScanException(
                ErrorKind.InvalidArgument, "StoreEncoding", $"The database of the store '{_address}' is encoded in {reader.GetString(0)}, which has no room for every name that a site may hold.", _address.ToString(),
                $"Have it made anew: CREATE DATABASE \"{_address.Database}\" ENCODING 'UTF8' TEMPLATE template0.");
        }

        if (reader.GetBoolean(1))
            throw ReadOnly(null);
    }

    /// <summary>The version of the schema, 0 for one that is begun, -1 for one with nothing in it.</summary>
    private int VersionOf(NpgsqlConnection connection, int newest)
    {
        using (var look = new NpgsqlCommand(
            "SELECT c.relname = 'store_version' FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = @schema AND c.relkind IN ('r', 'p', 'v', 'm', 'f') ORDER BY 1 DESC LIMIT 1", connection))
        {
            look.Parameters.AddWithValue("schema", _address.Schema);
            if (look.ExecuteScalar() is not bool marked)
                return -1;
            if (!marked)
                throw NotOurs();
        }

        long version;
        try
        {
            // By its full name: a schema that this role may not use is passed over in silence on the search path.
            using var read = new NpgsqlCommand($"SELECT version FROM \"{_address.Schema}\".store_version WHERE application = 'AlloyScan'", connection);
            version = read.ExecuteScalar() is long found ? found : throw NotOurs();
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.UndefinedColumn)
        {
            throw NotOurs();
        }

        if (version > newest)
            throw TooNew(location, version);

        return (int)version;
    }

    private AlloyScanException NotOurs() => new(
        ErrorKind.InvalidData, "NotAStore", $"The schema '{_address.Schema}' of the database '{_address.Database}' on {Server} holds tables of another program, not an AlloyScan store.", _address.ToString(),
        "Name another schema with schema=NAME in the connection string; it is made when it is not there.");

    private static void RollBack(NpgsqlConnection connection)
    {
        try
        {
            Execute(connection, "ROLLBACK");
        }
        catch (Exception e) when (e is DbException or InvalidOperationException)
        {
            // The connection is gone and with it the transaction.
        }
    }

    private static void Execute(NpgsqlConnection connection, string sql)
    {
        using var command = new NpgsqlCommand(sql, connection);
        command.ExecuteNonQuery();
    }
}
