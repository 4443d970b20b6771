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

    /// <summary>A text as it is, if every store can keep it so.</summary>
    /// <exception cref="AlloyScanException">It holds a NUL or half of a surrogate pair (<c>InvalidText</c>). What a site says is free of them when it comes here.</exception>
    internal static string? Storable(string? value)
    {
        if (value is null || (!value.Contains('\0') && (!value.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF') || IsPaired(value))))
            return value;

        throw new AlloyScanException(
            ErrorKind.InvalidArgument, "InvalidText", $"The text '{(value.Length > 60 ? value[..60] + "..." : value)}' holds a character that cannot be kept: a NUL, or half of a pair of surrogates.", null, "Take the character out.");
    }

    private static bool IsPaired(string value)
    {
        for (var i = 0; i < value.Length; i++)
        {
            if (char.IsSurrogate(value[i]) && !char.IsSurrogatePair(value, i++))
                return false;
        }

        return true;
    }

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
