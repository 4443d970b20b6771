using System.Collections;
using System.Data.Common;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Npgsql;

namespace AlloyScan.Engine.Store;

/// <summary>
/// Rows as they come from the server. When the connection is needed for something else, the rest is taken into memory, so that
/// a caller may ask other things while it reads, as SQLite allows.
/// </summary>
internal sealed class PostgresReader(NpgsqlBatch batch, NpgsqlDataReader rows, IDisposable watched) : DbDataReader
{
    private Queue<object?[]>? _rest;
    private object?[]? _row;
    private bool _onRow;
    private bool _closed;

    /// <summary>Takes what is left into memory and frees the connection.</summary>
    public void TakeIn()
    {
        if (_closed || _rest is not null)
            return;

        _rest = new Queue<object?[]>();
        if (_onRow)
            _row = Current();
        while (rows.Read())
            _rest.Enqueue(Current());
        Free();
    }

    public override bool Read()
    {
        if (_rest is null)
            return _onRow = rows.Read();

        return _rest.TryDequeue(out _row);
    }

    public override bool IsDBNull(int ordinal) => _row is null ? rows.IsDBNull(ordinal) : _row[ordinal] is null;

    public override string GetString(int ordinal) => _row is null ? rows.GetString(ordinal) : (string)Value(ordinal);

    public override long GetInt64(int ordinal) => _row is null ? rows.GetInt64(ordinal) : Convert.ToInt64(Value(ordinal), CultureInfo.InvariantCulture);

    public override int GetInt32(int ordinal) => _row is null ? rows.GetInt32(ordinal) : Convert.ToInt32(Value(ordinal), CultureInfo.InvariantCulture);

    public override short GetInt16(int ordinal) => _row is null ? rows.GetInt16(ordinal) : Convert.ToInt16(Value(ordinal), CultureInfo.InvariantCulture);

    public override double GetDouble(int ordinal) => _row is null ? rows.GetDouble(ordinal) : Convert.ToDouble(Value(ordinal), CultureInfo.InvariantCulture);

    public override bool GetBoolean(int ordinal) => _row is null ? rows.GetBoolean(ordinal) : Convert.ToBoolean(Value(ordinal), CultureInfo.InvariantCulture);

    public override object GetValue(int ordinal) => _row is null ? rows.GetValue(ordinal) : _row[ordinal] ?? DBNull.Value;

    public override void Close()
    {
        if (_closed)
            return;

        _closed = true;
        if (_rest is null)
            Free();
        _rest = null;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            Close();
        base.Dispose(disposing);
    }

    private void Free()
    {
        try
        {
            rows.Dispose();
            batch.Dispose();
        }
        finally
        {
            watched.Dispose();
        }
    }

    private object?[] Current()
    {
        var row = new object?[rows.FieldCount];
        for (var i = 0; i < row.Length; i++)
            row[i] = rows.IsDBNull(i) ? null : rows.GetValue(i);
        return row;
    }

    private object Value(int ordinal) => _row![ordinal] ?? throw new InvalidCastException($"Column {ordinal} holds nothing.");

    // ---- What nobody here asks of a reader ----

    public override int FieldCount => rows.FieldCount;

    public override int Depth => 0;

    public override bool HasRows => rows.HasRows;

    public override bool IsClosed => _closed;

    public override int RecordsAffected => -1;

    public override object this[int ordinal] => GetValue(ordinal);

    public override object this[string name] => throw new NotSupportedException();

    public override bool NextResult() => false;

    public override byte GetByte(int ordinal) => throw new NotSupportedException();

    public override long GetBytes(int ordinal, long dataOffset, byte[]? buffer, int bufferOffset, int length) => throw new NotSupportedException();

    public override char GetChar(int ordinal) => throw new NotSupportedException();

    public override long GetChars(int ordinal, long dataOffset, char[]? buffer, int bufferOffset, int length) => throw new NotSupportedException();

    public override string GetDataTypeName(int ordinal) => throw new NotSupportedException();

    public override DateTime GetDateTime(int ordinal) => throw new NotSupportedException();

    public override decimal GetDecimal(int ordinal) => throw new NotSupportedException();

    [return: DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicFields | DynamicallyAccessedMemberTypes.PublicProperties)]
    public override Type GetFieldType(int ordinal) => throw new NotSupportedException();

    public override float GetFloat(int ordinal) => throw new NotSupportedException();

    public override Guid GetGuid(int ordinal) => throw new NotSupportedException();

    public override string GetName(int ordinal) => throw new NotSupportedException();

    public override int GetOrdinal(string name) => throw new NotSupportedException();

    public override int GetValues(object[] values) => throw new NotSupportedException();

    public override IEnumerator GetEnumerator() => throw new NotSupportedException();
}
