using System.Data.Common;
using System.Globalization;

namespace AlloyScan.Engine.Store;

/// <summary>
/// One connection with its prepared statements and its transaction. For one caller at a time.
/// Failures of the database come out as <see cref="AlloyScanException"/>.
/// </summary>
internal sealed class StoreSession : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(8);

    private readonly StoreDialect _dialect;
    private readonly StoreLocation _location;
    private readonly Dictionary<string, Statement> _statements = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Queue<long>> _keys = new(StringComparer.Ordinal);
    private readonly PendingWork? _pending;
    private readonly CancellationTokenRegistration _interrupt;
    private string? _transaction;

    /// <param name="dialect">The database product.</param>
    /// <param name="location">Where the store is.</param>
    /// <param name="stop">Ends the statement that is being executed, and waiting for other writers, with an <see cref="OperationCanceledException"/>.</param>
    public StoreSession(StoreDialect dialect, StoreLocation location, CancellationToken stop = default)
    {
        _dialect = dialect;
        _location = location;
        try
        {
            Connection = dialect.Open(location, stop);
        }
        catch (Exception e) when (dialect.IsFailure(e))
        {
            throw dialect.Translate(e, location);
        }

        Stop = stop;
        _pending = dialect.NewPendingWork(this);
        _interrupt = stop.Register(() => _dialect.Interrupt(this));
    }

    /// <summary>What ends waiting and long statements.</summary>
    public CancellationToken Stop { get; }

    /// <summary>Which store it is, as text.</summary>
    public string Place => _location.ToString();

    public DbConnection Connection { get; }

    public bool InTransaction { get; private set; }

    /// <summary>Milliseconds since 1970 by the database's clock, as an expression.</summary>
    public string DatabaseNow => _dialect.Now;

    /// <summary>Whether each question goes to another process or host.</summary>
    public bool IsRemote => _dialect.IsRemote;

    /// <summary>What the store takes on the disk.</summary>
    public long SizeBytes => Prepare(_dialect.SizeInBytes).Number() ?? 0;

    /// <summary>A prepared statement, kept for the life of the session. Parameters are <c>@p0</c>, <c>@p1</c>, ... in order.</summary>
    public Statement Prepare(string sql)
    {
        if (!_statements.TryGetValue(sql, out var statement))
        {
            statement = _dialect.NewStatement(this, sql);
            _statements.Add(sql, statement);
        }

        return statement;
    }

    /// <summary>A statement that writes several rows at once, kept as the others: each stands for the dots in <paramref name="sql"/> as (@p0, @p1, ...), and so on.</summary>
    public Statement PrepareRows(string sql, int columns, int rows) =>
        Prepare(sql.Replace("...", string.Join(", ", Enumerable.Range(0, rows).Select(row => $"({string.Join(", ", Enumerable.Range(row * columns, columns).Select(i => FormattableString.Invariant($"@p{i}")))})")), StringComparison.Ordinal));

    /// <summary>The key of a row that is yet to be written; <see langword="null"/> where the database gives it together with the row. One that is not used is lost.</summary>
    public long? NewKey(string table)
    {
        if (_dialect.NewKeys(table) is not { } sql)
            return null;

        if (!_keys.TryGetValue(table, out var keys))
            _keys.Add(table, keys = new Queue<long>());
        if (keys.Count == 0)
        {
            using var reader = Prepare(sql).Read();
            while (reader.Read())
                keys.Enqueue(reader.GetInt64(0));
        }

        return keys.Dequeue();
    }

    /// <summary>What loads many new rows of a table at once; <see langword="null"/> where a prepared statement is as quick.</summary>
    public RowLoader? NewLoader(string table, params string[] columns) => _dialect.NewLoader(this, table, columns);

    /// <summary>Runs a statement that is not worth preparing.</summary>
    public int Execute(string sql, params object?[] arguments) => Do(sql, arguments, static command => command.ExecuteNonQuery());

    /// <summary>Inserts a row with a statement that is not worth preparing, and gives the key that its RETURNING names.</summary>
    public long Insert(string sql, params object?[] arguments) =>
        Do(sql, arguments, static command => Convert.ToInt64(command.ExecuteScalar(), CultureInfo.InvariantCulture));

    public void Begin()
    {
        _dialect.CheckPresent(this, _location);
        // Set before: what fails half-way, such as the wait for another writer, is to be rolled back.
        InTransaction = true;
        try
        {
            var wait = new BusyWait(Stop);
            bool? begun;
            while ((begun = _dialect.TryBeginWrite(Connection)) == false)
            {
                if (!wait.GoesOn())
                    throw StoreDialect.Locked(_location);
            }

            if (begun is null)
                _transaction = Do(_dialect.BeginWrite, [], _dialect.TransactionName);
            // Under the lock that a migration holds too: a program that goes on while a newer one brings the store up to date writes nothing more.
            CheckVersion();
        }
        catch (DbException e)
        {
            Rollback();
            throw Translate(e);
        }
        catch
        {
            Rollback();
            throw;
        }
    }

    /// <summary>Checks that the store is still of the version that this program knows.</summary>
    /// <exception cref="AlloyScanException">A newer version of the product has brought it up to date (<c>StoreTooNew</c>).</exception>
    public void CheckVersion()
    {
        if (Prepare(_dialect.ReadVersion).Number() is { } version && version > StoreDialect.KnownVersion)
            throw StoreDialect.TooNew(_location, version);
    }

    /// <summary>A second connection to the same store, for work beside this one's.</summary>
    public StoreSession Fork(CancellationToken stop) => new(_dialect, _location, stop);

    /// <summary>Starts a transaction that reads one state of the store and writes temporary tables only.</summary>
    public void BeginRead()
    {
        Execute(_dialect.BeginRead);
        InTransaction = true;
    }

    /// <summary>Commits. When the connection is lost over it, the database is asked whether it did.</summary>
    /// <exception cref="AlloyScanException">It did not, and the transaction is taken back; or nobody can say (<c>StoreOutcomeUnknown</c>).</exception>
    public void Commit()
    {
        try
        {
            Settle();
            Execute("COMMIT");
        }
        catch (AlloyScanException e) when (_transaction is not null && e.Kind is ErrorKind.ResourceUnavailable or ErrorKind.Timeout && Connection.State != System.Data.ConnectionState.Open)
        {
            switch (_dialect.WasCommitted(_location, _transaction!, Stop))
            {
                case false:
                    throw;
                case null:
                    throw new AlloyScanException(
                        e.Kind, "StoreOutcomeUnknown", $"The connection to the store '{Place}' ended while a transaction was being committed, and whether it was cannot be asked: {e.Message}", Place,
                        "Run again when the server is back: what was committed is found there, and the rest is done again.", e);
            }
        }

        InTransaction = false;
        _transaction = null;
    }

    /// <summary>Undoes the open transaction, if there is one. Never throws, since it is called when something else went wrong.</summary>
    public void Rollback()
    {
        if (!InTransaction)
            return;

        InTransaction = false;
        _transaction = null;
        try
        {
            _pending?.Forget();
            Execute("ROLLBACK");
        }
        catch (Exception e) when (e is AlloyScanException or OperationCanceledException)
        {
            // The database has rolled back by itself (disk full, I/O error), nothing had begun, or the connection is gone and with it the transaction.
        }
    }

    /// <summary>Whether the connection is lost, and with it the transaction and the temporary tables.</summary>
    public bool IsLost => Connection.State != System.Data.ConnectionState.Open;

    /// <summary>Whether a failure took a transaction back that may well succeed when it is done again from its beginning.</summary>
    public bool IsWorthAgain(AlloyScanException exception) => exception.InnerException is { } cause && _dialect.IsWorthAgain(cause);

    /// <summary>Checks before a run that it may do all that it will want to do.</summary>
    /// <exception cref="AlloyScanException">A right is lacking (<c>StoreForbidden</c>).</exception>
    public void CheckRights() => _dialect.CheckRights(this);

    /// <summary>As <see cref="Fork"/>, when this session has lost its connection; a server that is starting again is waited for a while, unless the session is to stop.</summary>
    public StoreSession ForkPatiently()
    {
        // Off the thread that the user sees, as all work on the store, so there is nothing to await.
        for (var waited = System.Diagnostics.Stopwatch.StartNew(); ; Thread.Sleep(200))
        {
            try
            {
                return Fork(CancellationToken.None);
            }
            catch (AlloyScanException e) when (e.Kind == ErrorKind.ResourceUnavailable && !Stop.IsCancellationRequested && waited.Elapsed < s_patience)
            {
                // Tried again.
            }
        }
    }

    /// <summary>Does work in a transaction of its own.</summary>
    public void InTransactionDo(Action work)
    {
        Begin();
        try
        {
            work();
            Commit();
        }
        catch
        {
            Rollback();
            throw;
        }
    }

    public void Dispose()
    {
        _interrupt.Dispose();
        Rollback();
        foreach (var statement in _statements.Values)
            statement.Dispose();
        _pending?.Dispose();
        Connection.Dispose();
    }

    /// <summary>Brings the connection into a state in which it takes a command.</summary>
    internal void Settle() => _pending?.Settle();

    internal PendingWork? Pending => _pending;

    internal bool IsFailure(Exception exception) => _dialect.IsFailure(exception);

    /// <summary>What a failure of the database means: that somebody stopped it, or one of ours.</summary>
    internal Exception Translate(Exception exception) => Stop.IsCancellationRequested && _dialect.IsInterrupted(exception)
        ? new OperationCanceledException("Stopped in the middle of a statement.", exception, Stop)
        : _dialect.Translate(exception, _location);

    private TResult Do<TResult>(string sql, object?[] arguments, Func<DbCommand, TResult> work)
    {
        var wait = new BusyWait(Stop);
        while (true)
        {
            try
            {
                Settle();
                using var command = Connection.CreateCommand();
                command.CommandText = _dialect.Spell(sql);
                for (var i = 0; i < arguments.Length; i++)
                    AddParameter(command, i).Value = _dialect.Value(arguments[i] is string text ? Statement.Storable(text) : arguments[i]);
                if (!InTransaction)
                    _dialect.ShortenWait(command);
                using var watched = _pending?.Watch(command);
                return work(command);
            }
            catch (Exception e) when (_dialect.IsFailure(e))
            {
                if (InTransaction || e is not DbException busy || !_dialect.IsBusy(busy) || !wait.GoesOn())
                    throw Translate(e);
            }
        }
    }

    internal static DbParameter AddParameter(DbCommand command, int position)
    {
        var parameter = command.CreateParameter();
        parameter.ParameterName = "@p" + position.ToString(CultureInfo.InvariantCulture);
        command.Parameters.Add(parameter);
        return parameter;
    }
}

/// <summary>Short forms for reading columns that may be NULL.</summary>
internal static class ReaderExtensions
{
    public static string? Text(this DbDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);

    public static long? Number(this DbDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetInt64(column);
}
