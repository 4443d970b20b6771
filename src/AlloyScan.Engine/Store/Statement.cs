using System.Data.Common;
using System.Globalization;

namespace AlloyScan.Engine.Store;

/// <summary>A prepared statement with positional parameters.</summary>
internal class Statement : IDisposable
{
    private readonly DbCommand _command;
    private readonly DbParameter[] _parameters;

    internal Statement(StoreSession session, string sql)
    {
        Session = session;
        _command = session.Connection.CreateCommand();
        _command.CommandText = sql;
        var count = 0;
        while (sql.Contains("@p" + count.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal))
            count++;
        _parameters = new DbParameter[count];
        for (var i = 0; i < count; i++)
        {
            _parameters[i] = StoreSession.AddParameter(_command, i);
            _parameters[i].Value = DBNull.Value;
        }
    }

    protected StoreSession Session { get; }

    protected int ParameterCount => _parameters.Length;

    public virtual Statement Set(int position, string? value)
    {
        _parameters[position].Value = (object?)value ?? DBNull.Value;
        return this;
    }

    public virtual Statement Set(int position, long value)
    {
        _parameters[position].Value = value;
        return this;
    }

    public virtual Statement Set(int position, long? value)
    {
        _parameters[position].Value = value.HasValue ? value.GetValueOrDefault() : DBNull.Value;
        return this;
    }

    public virtual int Execute()
    {
        try
        {
            return _command.ExecuteNonQuery();
        }
        catch (DbException e)
        {
            throw Session.Translate(e);
        }
    }

    /// <summary>The first column of the first row as a number, or <see langword="null"/>.</summary>
    public virtual long? Number()
    {
        try
        {
            return _command.ExecuteScalar() is { } value and not DBNull ? Convert.ToInt64(value, CultureInfo.InvariantCulture) : null;
        }
        catch (DbException e)
        {
            throw Session.Translate(e);
        }
    }

    /// <summary>The first column of the first row as text, or <see langword="null"/>.</summary>
    public virtual string? Text()
    {
        try
        {
            return _command.ExecuteScalar() as string;
        }
        catch (DbException e)
        {
            throw Session.Translate(e);
        }
    }

    public virtual DbDataReader Read()
    {
        try
        {
            return _command.ExecuteReader();
        }
        catch (DbException e)
        {
            throw Session.Translate(e);
        }
    }

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
        if (disposing)
            _command.Dispose();
    }
}
