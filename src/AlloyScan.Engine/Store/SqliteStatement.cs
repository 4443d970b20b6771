using System.Buffers;
using System.Data.Common;
using System.Text;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace AlloyScan.Engine.Store;

/// <summary>
/// A statement that writes, or reads one value, without the ADO.NET layer in between: a sync executes hundreds of
/// thousands of them, and the layer looks each parameter up by name, boxes its value and makes a reader every time.
/// Rows are read through the layer.
/// </summary>
internal sealed class SqliteStatement : Statement
{
    private const int StackBytes = 512;

    private readonly sqlite3 _connection;
    private readonly string _sql;
    private readonly Value[] _values;
    private sqlite3_stmt? _prepared;
    private SqliteCommand? _rows;

    internal SqliteStatement(StoreSession session, string sql)
        : base(session, sql)
    {
        _connection = ((SqliteConnection)session.Connection).Handle!;
        _sql = sql;
        _values = new Value[ParameterCount];
    }

    private enum Kind : byte
    {
        Null,
        Number,
        Text,
    }

    public override Statement Set(int position, string? value)
    {
        ref var slot = ref _values[position];
        slot.Text = Storable(value);
        slot.Kind = value is null ? Kind.Null : Kind.Text;
        slot.Bound = false;
        return this;
    }

    public override Statement Set(int position, long value)
    {
        ref var slot = ref _values[position];
        slot.Text = null;
        slot.Number = value;
        slot.Kind = Kind.Number;
        slot.Bound = false;
        return this;
    }

    public override Statement Set(int position, long? value) => value is { } number ? Set(position, number) : Set(position, (string?)null);

    public override int Execute()
    {
        Step();
        Reset();
        return raw.sqlite3_changes(_connection);
    }

    public override long? Number()
    {
        long? result = Step() && raw.sqlite3_column_type(_prepared, 0) != raw.SQLITE_NULL ? raw.sqlite3_column_int64(_prepared, 0) : null;
        Reset();
        return result;
    }

    public override string? Text()
    {
        var result = Step() && raw.sqlite3_column_type(_prepared, 0) != raw.SQLITE_NULL ? raw.sqlite3_column_text(_prepared, 0).utf8_to_string() : null;
        Reset();
        return result;
    }

    public override DbDataReader Read()
    {
        if (_rows is null)
        {
            _rows = ((SqliteConnection)Session.Connection).CreateCommand();
            _rows.CommandText = _sql;
            for (var i = 0; i < _values.Length; i++)
                StoreSession.AddParameter(_rows, i);
        }

        for (var i = 0; i < _values.Length; i++)
        {
            _rows.Parameters[i].Value = _values[i].Kind switch
            {
                Kind.Number => _values[i].Number,
                Kind.Text => _values[i].Text,
                _ => DBNull.Value,
            };
        }

        try
        {
            return _rows.ExecuteReader();
        }
        catch (DbException e)
        {
            throw Session.Translate(e);
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _prepared?.Dispose();
            _rows?.Dispose();
        }

        base.Dispose(disposing);
    }

    /// <summary>Runs to the first row or, if there is none, to the end.</summary>
    private bool Step()
    {
        // Prepared when it is first used: it may name temporary tables that were not there when it was made.
        if (_prepared is null)
        {
            Check(raw.sqlite3_prepare_v2(_connection, _sql, out var prepared));
            _prepared = prepared;
            // SQLite numbers parameters in the order in which the text names them.
            for (var i = 0; i < _values.Length; i++)
                _values[i].Place = raw.sqlite3_bind_parameter_index(prepared, FormattableString.Invariant($"@p{i}"));
        }

        // What was bound before stays bound.
        for (var i = 0; i < _values.Length; i++)
        {
            if (!_values[i].Bound)
                Bind(ref _values[i]);
        }

        var result = raw.sqlite3_step(_prepared);
        if (result == raw.SQLITE_BUSY && !Session.InTransaction)
        {
            var wait = new BusyWait(Session.Stop);
            while (result == raw.SQLITE_BUSY && wait.GoesOn())
            {
                Reset();
                result = raw.sqlite3_step(_prepared);
            }
        }

        if (result is not (raw.SQLITE_ROW or raw.SQLITE_DONE))
            Check(result);
        return result == raw.SQLITE_ROW;
    }

    private void Reset() => raw.sqlite3_reset(_prepared);

    private void Bind(ref Value value)
    {
        Check(value.Kind switch
        {
            Kind.Number => raw.sqlite3_bind_int64(_prepared, value.Place, value.Number),
            Kind.Text => BindText(value.Place, value.Text!),
            _ => raw.sqlite3_bind_null(_prepared, value.Place),
        });
        value.Bound = true;
    }

    private int BindText(int place, string text)
    {
        // An empty span would be taken for NULL.
        if (text.Length == 0)
            return raw.sqlite3_bind_text(_prepared, place, text);

        byte[]? rented = null;
        var most = Encoding.UTF8.GetMaxByteCount(text.Length);
        var bytes = most <= StackBytes ? stackalloc byte[StackBytes] : rented = ArrayPool<byte>.Shared.Rent(most);
        var result = raw.sqlite3_bind_text(_prepared, place, bytes[..Encoding.UTF8.GetBytes(text, bytes)]);
        if (rented is not null)
            ArrayPool<byte>.Shared.Return(rented);
        return result;
    }

    private void Check(int result)
    {
        if (result == raw.SQLITE_OK)
            return;

        try
        {
            SqliteException.ThrowExceptionForRC(result, _connection);
        }
        catch (DbException e)
        {
            if (_prepared is not null)
                Reset();
            throw Session.Translate(e);
        }
    }

    private struct Value
    {
        public string? Text;
        public long Number;
        public int Place;
        public Kind Kind;
        public bool Bound;
    }
}
