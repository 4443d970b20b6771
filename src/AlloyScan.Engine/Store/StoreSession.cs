using System.Data.Common;
using System.Globalization;

namespace AlloyScan.Engine.Store;

/// <summary>
/// One connection with its prepared statements and its transaction. For one caller at a time.
/// Failures of the database come out as <see cref="AlloyScanException"/>.
/// </summary>
internal sealed class StoreSession : IDisposable
{
    private readonly StoreDialect _dialect;
    private readonly StoreLocation _location;
    private readonly Dictionary<string, Statement> _statements = new(StringComparer.Ordinal);

    public StoreSession(StoreDialect dialect, StoreLocation location)
    {
        _dialect = dialect;
        _location = location;
        try
        {
            Connection = dialect.Open(location);
        }
        catch (DbException e)
        {
            throw dialect.Translate(e, location);
        }
    }

    public DbConnection Connection { get; }

    public bool InTransaction { get; private set; }

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

    /// <summary>Runs a statement that is not worth preparing.</summary>
    public int Execute(string sql, params object?[] arguments)
    {
        try
        {
            using var command = Connection.CreateCommand();
            command.CommandText = sql;
            for (var i = 0; i < arguments.Length; i++)
                AddParameter(command, i).Value = arguments[i] ?? DBNull.Value;
            return command.ExecuteNonQuery();
        }
        catch (DbException e)
        {
            throw _dialect.Translate(e, _location);
        }
    }

    public void Begin()
    {
        Execute(_dialect.BeginWrite);
        InTransaction = true;
    }

    /// <summary>Starts a transaction that reads one state of the store and writes temporary tables only.</summary>
    public void BeginRead()
    {
        Execute("BEGIN");
        InTransaction = true;
    }

    public void Commit()
    {
        Execute("COMMIT");
        InTransaction = false;
    }

    /// <summary>Undoes the open transaction, if there is one. Never throws, since it is called when something else went wrong.</summary>
    public void Rollback()
    {
        if (!InTransaction)
            return;

        InTransaction = false;
        try
        {
            Execute("ROLLBACK");
        }
        catch (AlloyScanException)
        {
            // SQLite has rolled back by itself (disk full, I/O error), or the connection is gone and with it the transaction.
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
        Rollback();
        foreach (var statement in _statements.Values)
            statement.Dispose();
        Connection.Dispose();
    }

    internal AlloyScanException Translate(DbException exception) => _dialect.Translate(exception, _location);

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
