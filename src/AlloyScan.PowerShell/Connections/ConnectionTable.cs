using System.Management.Automation.Runspaces;
using System.Runtime.CompilerServices;

namespace AlloyScan.PowerShell.Connections;

/// <summary>The connections of one runspace: parallel runspaces do not see each other's.</summary>
internal sealed class ConnectionTable
{
    private static readonly ConditionalWeakTable<Runspace, ConnectionTable> s_tables = new();
    private static readonly ConnectionTable s_withoutRunspace = new();

    private readonly object _gate = new();
    private readonly SortedDictionary<string, AlloyScanConnection> _connections = new(StringComparer.OrdinalIgnoreCase);
    private AlloyScanConnection? _current;

    public static ConnectionTable OfThisRunspace =>
        Runspace.DefaultRunspace is { } runspace ? s_tables.GetOrCreateValue(runspace) : s_withoutRunspace;

    public AlloyScanConnection? Current
    {
        get
        {
            lock (_gate)
                return _current;
        }
    }

    public IReadOnlyList<AlloyScanConnection> All
    {
        get
        {
            lock (_gate)
                return [.. _connections.Values];
        }
    }

    /// <summary>Finds a connection by name.</summary>
    /// <exception cref="Engine.AlloyScanException">There is none (<c>ConnectionNotFound</c>).</exception>
    public AlloyScanConnection Get(string name)
    {
        lock (_gate)
        {
            return _connections.TryGetValue(name, out var connection)
                ? connection
                : throw Errors.ConnectionNotFound(name, _connections.Keys);
        }
    }

    /// <summary>Adds a connection and makes it the current one; one of the same name is closed.</summary>
    public void Add(AlloyScanConnection connection)
    {
        lock (_gate)
        {
            if (_connections.Remove(connection.Name, out var former))
                former.Dispose();

            _connections.Add(connection.Name, connection);
            _current = connection;
        }
    }

    /// <summary>Removes and closes a connection. The one left over, if it is the only one, becomes the current.</summary>
    public void Remove(AlloyScanConnection connection)
    {
        lock (_gate)
        {
            if (_connections.TryGetValue(connection.Name, out var known) && ReferenceEquals(known, connection))
                _connections.Remove(connection.Name);

            if (ReferenceEquals(_current, connection))
                _current = _connections.Count == 1 ? _connections.Values.First() : null;
        }

        connection.Dispose();
    }
}
