using System.Data.Common;
using System.Globalization;

namespace AlloyScan.Engine.Store;

/// <summary>A prepared statement with positional parameters <c>@p0</c>, <c>@p1</c>, ...; what was set stays set.</summary>
internal abstract class Statement : IDisposable
{
    protected Statement(StoreSession session, string sql)
    {
        Session = session;
        while (sql.Contains("@p" + ParameterCount.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal))
            ParameterCount++;
    }

    protected StoreSession Session { get; }

    protected int ParameterCount { get; }

    public abstract Statement Set(int position, string? value);

    public abstract Statement Set(int position, long value);

    public abstract Statement Set(int position, long? value);

    /// <summary>Executes a write and gives the number of rows that it touched.</summary>
    public abstract int Execute();

    /// <summary>
    /// Executes a write whose outcome nobody asks for. It may go to the database together with later ones, but before anything else
    /// is asked of the session, and before the commit.
    /// </summary>
    public virtual void Post() => Execute();

    /// <summary>The first column of the first row as a number, or <see langword="null"/>.</summary>
    public abstract long? Number();

    /// <summary>The first column of the first row as text, or <see langword="null"/>.</summary>
    public abstract string? Text();

    public abstract DbDataReader Read();

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
    }
}
