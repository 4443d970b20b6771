using System.Data.Common;

namespace AlloyScan.Engine.Store;

/// <summary>
/// Connections to the database of a PostgreSQL store with the settings of the store, for Quartz, which keeps the alarms of several hosts in tables of
/// its own there. No property shows the password.
/// </summary>
public sealed class StoreConnections : IDisposable
{
    private readonly Func<Exception?, AlloyScanException?> _translate;

    internal StoreConnections(string alarmTables, DbDataSource source, Func<Exception?, AlloyScanException?> translate)
    {
        AlarmTables = alarmTables;
        Source = source;
        _translate = translate;
    }

    /// <summary>What the names of Quartz's tables begin with, their schema included: a pooler in between passes no search path on.</summary>
    public string AlarmTables { get; }

    /// <summary>Makes the connections.</summary>
    public DbDataSource Source { get; }

    /// <summary>What a failure of the library means in our words.</summary>
    /// <param name="exception">What it threw.</param>
    /// <returns>Ours; <see langword="null"/> when it is no failure of the database.</returns>
    public AlloyScanException? Translate(Exception exception) => _translate(exception);

    /// <inheritdoc/>
    public void Dispose() => Source.Dispose();
}
