using System.Data.Common;
using System.Globalization;
using Npgsql;
using NpgsqlTypes;

namespace AlloyScan.Engine.Store;

/// <summary>
/// A statement on PostgreSQL. The server is a round trip away, so writes whose outcome nobody asks for travel with the next
/// statement; the driver prepares on the server what comes more than once.
/// </summary>
internal sealed class PostgresStatement : Statement
{
    private readonly PostgresQueue _queue;
    private readonly string _sql;
    private readonly object?[] _values;
    private readonly bool[] _numbers;

    internal PostgresStatement(StoreSession session, string sql)
        : base(session, sql)
    {
        _queue = (PostgresQueue)session.Pending!;
        _sql = PostgresSql.Number(sql);
        _values = new object?[ParameterCount];
        _numbers = new bool[ParameterCount];
    }

    public override Statement Set(int position, string? value)
    {
        _values[position] = Storable(value);
        _numbers[position] = false;
        return this;
    }

    public override Statement Set(int position, long value)
    {
        _values[position] = value;
        _numbers[position] = true;
        return this;
    }

    public override Statement Set(int position, long? value)
    {
        _values[position] = value;
        _numbers[position] = true;
        return this;
    }

    public override void Post() => Guard(() => _queue.Post(Command()));

    public override int Execute() => Guard(() => _queue.Execute(Command()));

    public override long? Number() => Scalar() is { } value ? Convert.ToInt64(value, CultureInfo.InvariantCulture) : null;

    public override string? Text() => Scalar() as string;

    public override DbDataReader Read() => Guard(() => _queue.Read(Command()));

    private object? Scalar() => Guard(() =>
    {
        using var reader = _queue.Read(Command());
        return reader.Read() && !reader.IsDBNull(0) ? reader.GetValue(0) : null;
    });

    private NpgsqlBatchCommand Command()
    {
        var command = new NpgsqlBatchCommand(_sql);
        for (var i = 0; i < _values.Length; i++)
            command.Parameters.Add(new NpgsqlParameter { NpgsqlDbType = _numbers[i] ? NpgsqlDbType.Bigint : NpgsqlDbType.Text, Value = _values[i] ?? DBNull.Value });
        return command;
    }

    private void Guard(Action work) => Guard(() =>
    {
        work();
        return 0;
    });

    private TResult Guard<TResult>(Func<TResult> work)
    {
        try
        {
            return work();
        }
        catch (Exception e) when (Session.IsFailure(e))
        {
            throw Session.Translate(e);
        }
    }
}
