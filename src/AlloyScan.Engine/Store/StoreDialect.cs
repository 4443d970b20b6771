using System.Data.Common;

namespace AlloyScan.Engine.Store;

/// <summary>
/// What differs between database products. Everything else in the engine speaks <see cref="DbConnection"/> and the
/// SQL that SQLite and PostgreSQL share, with parameters written <c>@name</c>.
/// </summary>
internal abstract class StoreDialect
{
    /// <summary>The version of the schema that this program knows.</summary>
    public static int KnownVersion => SqliteSchema.Migrations.Count;

    /// <summary>Steps from an empty database to the present schema, in order; the position is the version.</summary>
    public abstract IReadOnlyList<string> Migrations { get; }

    /// <summary>Starts a transaction that will write, so that a second writer waits here and not at its first statement.</summary>
    public abstract string BeginWrite { get; }

    /// <summary>Starts a transaction that reads one state of the store and writes temporary tables only.</summary>
    public abstract string BeginRead { get; }

    /// <summary>Starts a transaction that will write; false when somebody else is writing, <see langword="null"/> where the database itself waits for that.</summary>
    public virtual bool? TryBeginWrite(DbConnection connection) => null;

    /// <summary>Makes a statement that is not worth preparing ready to wait no longer at a time than somebody who wants to stop would.</summary>
    public virtual void ShortenWait(DbCommand command)
    {
    }

    /// <summary>Whether a failure says that somebody else is writing.</summary>
    public virtual bool IsBusy(DbException exception) => false;

    /// <summary>Ends the statement that a session is executing. From any thread, and without waiting for it.</summary>
    public virtual void Interrupt(StoreSession session)
    {
    }

    /// <summary>Whether a failure is the answer to <see cref="Interrupt"/>, or to the short patience that is left after it.</summary>
    public virtual bool IsInterrupted(Exception exception) => false;

    /// <summary>Whether a failure took a transaction back that may well succeed when it is done again from its beginning.</summary>
    public virtual bool IsWorthAgain(Exception exception) => false;

    /// <summary>What names the transaction that <see cref="BeginWrite"/> started, for <see cref="WasCommitted"/>; <see langword="null"/> where a commit cannot be in doubt.</summary>
    public virtual string? TransactionName(DbCommand begin)
    {
        begin.ExecuteNonQuery();
        return null;
    }

    /// <summary>Whether a transaction was committed whose connection was lost; <see langword="null"/> when that cannot be found out.</summary>
    public virtual bool? WasCommitted(StoreLocation location, string transaction, CancellationToken stop) => null;

    /// <summary>Milliseconds since 1970 by the database's clock, as an expression.</summary>
    public abstract string Now { get; }

    /// <summary>Whether each question goes to another process or host, so that many at once are worth some work of our own.</summary>
    public virtual bool IsRemote => false;

    /// <summary>Gives the size of the store in bytes.</summary>
    public abstract string SizeInBytes { get; }

    /// <summary>Reads the version of the schema that the store has now.</summary>
    public abstract string ReadVersion { get; }

    /// <summary>The dialect of a place.</summary>
    public static StoreDialect Of(StoreLocation location) => location.IsPostgres ? new PostgresDialect(location) : new SqliteDialect();

    /// <summary>Opens a connection that is ready for use.</summary>
    /// <param name="location">Where.</param>
    /// <param name="stop">Ends the waiting for it.</param>
    public abstract DbConnection Open(StoreLocation location, CancellationToken stop);

    /// <summary>Checks before a run that it may do all that it will want to do.</summary>
    public virtual void CheckRights(StoreSession session)
    {
    }

    /// <summary>What a session is told that does the work of a run: very many small questions; <see langword="null"/> for nothing.</summary>
    public virtual string? ForRun => null;

    /// <summary>Whether there is something to open.</summary>
    public abstract bool Exists(StoreLocation location, CancellationToken stop);

    /// <summary>Makes the database when it is not there, migrates it when it is older, refuses it when it is newer or none of ours.</summary>
    public abstract void Prepare(StoreLocation location, TimeProvider timeProvider, CancellationToken stop);

    /// <summary>Makes a statement that is prepared once and executed often.</summary>
    public abstract Statement NewStatement(StoreSession session, string sql);

    /// <summary>A statement of the shared SQL as this product spells it.</summary>
    public virtual string Spell(string sql) => sql;

    /// <summary>A value as this product takes it.</summary>
    public virtual object Value(object? value) => value ?? DBNull.Value;

    /// <summary>Makes what a session keeps beside its connection; <see langword="null"/> when nothing is needed.</summary>
    public virtual PendingWork? NewPendingWork(StoreSession session) => null;

    /// <summary>Makes what loads many new rows of a table at once; <see langword="null"/> where a prepared statement is as quick.</summary>
    public virtual RowLoader? NewLoader(StoreSession session, string table, IReadOnlyList<string> columns) => null;

    /// <summary>
    /// A query for keys of rows that are yet to be written, some at a time; <see langword="null"/> where the key that comes with the row costs nothing.
    /// </summary>
    public virtual string? NewKeys(string table) => null;

    /// <summary>Lets go of connections that are kept for later.</summary>
    public virtual void Release(StoreLocation location)
    {
    }

    /// <summary>Whether an exception is a failure of the database, and not of the program.</summary>
    public virtual bool IsFailure(Exception exception) => exception is DbException;

    /// <summary>Checks that the store that was opened is still there.</summary>
    /// <exception cref="AlloyScanException">Its file is gone, or another one is in its place (<c>StoreVanished</c>).</exception>
    public virtual void CheckPresent(StoreSession session, StoreLocation location)
    {
    }

    /// <summary>Somebody else has been writing for longer than one waits.</summary>
    public static AlloyScanException Locked(StoreLocation location, Exception? cause = null) => new(
        ErrorKind.ResourceBusy, "StoreLocked", $"The store '{location.Path}' is locked by another program.", location.Path, "Wait for it to finish, or close what holds the file open.", cause);

    /// <summary>A newer version of the product has brought the store up to date.</summary>
    public static AlloyScanException TooNew(StoreLocation location, long version) => new(
        ErrorKind.InvalidData, "StoreTooNew", $"The store '{location.Path}' has schema version {version}; this version of the product knows up to {KnownVersion}.", location.Path, "Update this installation.");

    /// <summary>Says in our words what a database failure means.</summary>
    public abstract AlloyScanException Translate(Exception exception, StoreLocation location);
}

/// <summary>Gathers new rows of one table and loads them together. They are there once <see cref="Send"/> was called.</summary>
internal abstract class RowLoader
{
    /// <summary>Adds a value to the row at hand: a number, a text or nothing.</summary>
    public abstract RowLoader Add(object? value);

    /// <summary>Writes what was gathered.</summary>
    public abstract void Send();

    /// <summary>Forgets what was gathered; the transaction is taken back.</summary>
    public abstract void Forget();
}

/// <summary>What was asked of a connection and is not done yet.</summary>
internal abstract class PendingWork : IDisposable
{
    /// <summary>Takes in rows that are still to come and sends what is still to be written, so that the connection is free.</summary>
    public abstract void Settle();

    /// <summary>Forgets what is still to be written; the transaction is taken back.</summary>
    public abstract void Forget();

    /// <summary>Lets a statement that is about to be executed be interrupted, until the end of what is returned.</summary>
    public abstract IDisposable Watch(DbCommand command);

    public void Dispose() => Forget();
}
