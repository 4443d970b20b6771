using System.Data.Common;
using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace AlloyScan.Engine.Store;

/// <summary>The store as a SQLite file in WAL mode: one writer, readers undisturbed.</summary>
internal sealed class SqliteDialect : StoreDialect
{
    /// <summary>"ALSC": marks the file as ours.</summary>
    internal const int ApplicationId = 0x414C5343;

    private const int Busy = 5;
    private const int LockedTable = 6;
    private const int ReadOnly = 8;
    private const int InputOutput = 10;
    private const int Corrupt = 11;
    private const int Interrupted = 9;
    private const int Full = 13;
    private const int CannotOpen = 14;
    private const int NotADatabase = 26;
    private const int FileHasMoved = 20;

    static SqliteDialect() => Batteries_V2.Init();

    public override IReadOnlyList<string> Migrations => SqliteSchema.Migrations;

    public override string BeginWrite => "BEGIN IMMEDIATE";

    public override string BeginRead => "BEGIN";

    public override string Now => "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)";

    public override string SizeInBytes => "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()";

    public override string ReadVersion => "PRAGMA user_version";

    public override bool? TryBeginWrite(DbConnection connection)
    {
        var handle = ((SqliteConnection)connection).Handle!;
        var result = raw.sqlite3_exec(handle, BeginWrite);
        if (result == Busy)
            return false;

        SqliteException.ThrowExceptionForRC(result, handle);
        return true;
    }

    public override void CheckPresent(StoreSession session, StoreLocation location)
    {
        // On Unix a file that is deleted can be written on, and all of it would be lost at the end. One that another file was put in the place
        // of is deleted as well; SQLite says of both that they moved.
        var path = location.Path;
        if (!File.Exists(path) || HasMoved(((SqliteConnection)session.Connection).Handle!))
        {
            throw new AlloyScanException(
                ErrorKind.ResourceUnavailable, "StoreVanished", $"The file of the store '{path}' was removed while it was in use, or another one was put in its place. Nothing more was written.", path,
                "Put the file back, or restore it from a backup, and run again.");
        }
    }


    /// <summary>Whether the file that a connection works on is no longer the one at its path. False where SQLite cannot tell, as on Windows, which lets nobody replace an open file.</summary>
    private static bool HasMoved(sqlite3 connection) => FileControl(connection, 0, FileHasMoved, out var moved) == raw.SQLITE_OK && moved != 0;

    [DllImport("e_sqlite3", EntryPoint = "sqlite3_file_control", ExactSpelling = true)]
    private static extern int FileControl(sqlite3 connection, nint schema, int operation, out int result);

    // The layer tries again by itself for so many seconds.
    public override void ShortenWait(DbCommand command) => command.CommandTimeout = 1;

    public override bool IsBusy(DbException exception) => exception is SqliteException { SqliteErrorCode: Busy };

    public override void Interrupt(StoreSession session)
    {
        if (((SqliteConnection)session.Connection).Handle is { } handle)
            raw.sqlite3_interrupt(handle);
    }

    public override bool IsInterrupted(Exception exception) => exception is SqliteException { SqliteErrorCode: Interrupted };

    // Only who makes the store makes the file: to make it anew while it is missing would hide that.
    public override DbConnection Open(StoreLocation location, CancellationToken stop) => Patiently(() => Open(location, SqliteOpenMode.ReadWrite), stop);

    /// <summary>Does again in short steps what another program's lock is in the way of, so that the waiting can be stopped.</summary>
    private static T Patiently<T>(Func<T> work, CancellationToken stop)
    {
        var wait = new BusyWait(stop);
        while (true)
        {
            try
            {
                return work();
            }
            catch (SqliteException e) when (e.SqliteErrorCode == Busy)
            {
                if (!wait.GoesOn())
                    throw;
            }
        }
    }

    private static SqliteConnection Open(StoreLocation location, SqliteOpenMode mode)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = location.Path,
            Mode = mode,
            // A pooled connection would keep temporary tables and the file open.
            Pooling = false,
            // The layer's own patience, which nobody can stop, is short as long as the file is being opened.
            DefaultTimeout = 1,
        }.ToString());
        try
        {
            connection.Open();
            // NORMAL is safe against corruption in WAL mode; a power cut may lose the last batches, which the next run does again.
            Execute(connection, "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-24576; PRAGMA wal_autocheckpoint=4000; PRAGMA busy_timeout=100;");
            // Temporary tables hold the list of a run: most lists fit into this cache and are then never written to a file.
            Execute(connection, "PRAGMA temp.cache_size=-8192; PRAGMA temp.journal_mode=MEMORY;");
            connection.DefaultTimeout = 10;
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    public override bool Exists(StoreLocation location, CancellationToken stop) => File.Exists(location.Path);

    public override Statement NewStatement(StoreSession session, string sql) => new SqliteStatement(session, sql);

    public override void Prepare(StoreLocation location, TimeProvider timeProvider, CancellationToken stop)
    {
        var folder = Path.GetDirectoryName(location.Path);
        try
        {
            if (!string.IsNullOrEmpty(folder))
                Directory.CreateDirectory(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AlloyScanException(ErrorKind.ResourceUnavailable, "StoreUnavailable", $"The folder of the store '{location.Path}' cannot be made: {e.Message}", location.Path, "Choose a folder that this account may write to.", e);
        }

        if (Directory.Exists(location.Path))
            throw new AlloyScanException(ErrorKind.InvalidArgument, "NotAStore", $"'{location.Path}' is a folder, not a store.", location.Path, "Give the path of a file in it.");

        if (File.Exists(location.Path) && new FileInfo(location.Path).IsReadOnly)
            throw ReadOnlyStore(location, null);

        using var connection = Patiently(() => Open(location, SqliteOpenMode.ReadWriteCreate), stop);
        var version = CheckOurs(connection, location);
        if (version == Migrations.Count)
            return;

        if (version > 0)
            CopyAside(connection, location, version, timeProvider);

        // Another process may be doing the same: the version is read again under the write lock.
        Patiently(
            () =>
            {
                Execute(connection, BeginWrite);
                return true;
            },
            stop);
        try
        {
            version = CheckOurs(connection, location);
            for (; version < Migrations.Count; version++)
                Execute(connection, Migrations[version]);
            Execute(connection, FormattableString.Invariant($"PRAGMA application_id={ApplicationId}; PRAGMA user_version={version}; COMMIT"));
        }
        catch
        {
            Execute(connection, "ROLLBACK");
            throw;
        }
    }

    public override AlloyScanException Translate(Exception exception, StoreLocation location)
    {
        var code = exception is SqliteException sqlite ? sqlite.SqliteErrorCode : 0;
        var path = location.Path;
        return code switch
        {
            Busy or LockedTable => Locked(location, exception),
            ReadOnly => ReadOnlyStore(location, exception),
            Full => new AlloyScanException(ErrorKind.ResourceUnavailable, "StoreFull", $"There is no room left on the disk of the store '{path}'. What was committed is safe.", path, "Free some room and run again.", exception),
            CannotOpen => new AlloyScanException(ErrorKind.ResourceUnavailable, "StoreUnavailable", $"The store '{path}' cannot be opened: {Plain(exception)}.", path, "Check that the folder exists and that this account may write to it.", exception),
            NotADatabase => new AlloyScanException(ErrorKind.InvalidData, "NotAStore", $"'{path}' is not a database.", path, "Give the path of an AlloyScan store, or of a file that does not exist yet.", exception),
            Corrupt => new AlloyScanException(ErrorKind.InvalidData, "StoreDamaged", $"The store '{path}' is damaged: {Plain(exception)}.", path, "Restore the file from a backup.", exception),
            InputOutput => new AlloyScanException(ErrorKind.ResourceUnavailable, "StoreUnavailable", $"The disk of the store '{path}' failed: {Plain(exception)}.", path, "Check the disk and that the file is still there.", exception),
            _ => new AlloyScanException(ErrorKind.Unspecified, "StoreError", $"The store '{path}' failed: {Plain(exception)}.", path, null, exception),
        };
    }

    private static string Plain(Exception exception)
    {
        // "SQLite Error 14: 'unable to open database file'."
        var message = exception.Message;
        var from = message.IndexOf('\'', StringComparison.Ordinal);
        var to = message.LastIndexOf('\'');
        return from >= 0 && to > from ? message[(from + 1)..to] : message.TrimEnd('.');
    }

    private static AlloyScanException ReadOnlyStore(StoreLocation location, Exception? inner) => new(
        ErrorKind.PermissionDenied, "StoreReadOnly", $"The store '{location.Path}' is read-only.", location.Path, "Make the file and its folder writable for this account.", inner);

    /// <summary>Returns the schema version, 0 for an empty file.</summary>
    private static int CheckOurs(SqliteConnection connection, StoreLocation location)
    {
        var application = Number(connection, "PRAGMA application_id");
        var version = (int)Number(connection, "PRAGMA user_version");
        if (application != ApplicationId)
        {
            if (application != 0 || version != 0 || Number(connection, "SELECT count(*) FROM sqlite_master") != 0)
            {
                throw new AlloyScanException(
                    ErrorKind.InvalidData, "NotAStore", $"'{location.Path}' is a database of another program, not an AlloyScan store.", location.Path,
                    "Give the path of an AlloyScan store, or of a file that does not exist yet.");
            }

            return 0;
        }

        if (version > KnownVersion)
            throw TooNew(location, version);

        return version;
    }

    private static void CopyAside(SqliteConnection connection, StoreLocation location, int version, TimeProvider timeProvider)
    {
        var copy = string.Create(CultureInfo.InvariantCulture, $"{location.Path}.v{version}-{timeProvider.GetUtcNow():yyyyMMddHHmmss}.bak");
        using var command = connection.CreateCommand();
        command.CommandText = "VACUUM INTO @path";
        command.Parameters.AddWithValue("@path", copy);
        command.ExecuteNonQuery();
    }

    private static long Number(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return Convert.ToInt64(command.ExecuteScalar(), CultureInfo.InvariantCulture);
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
