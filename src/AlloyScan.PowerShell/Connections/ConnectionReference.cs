namespace AlloyScan.PowerShell.Connections;

/// <summary>What a -Connection parameter takes: a connection, or the name of one.</summary>
public sealed class ConnectionReference
{
    private readonly AlloyScanConnection? _connection;

    /// <summary>Refers to a connection.</summary>
    /// <param name="connection">The connection.</param>
    public ConnectionReference(AlloyScanConnection connection)
    {
        ArgumentNullException.ThrowIfNull(connection);
        _connection = connection;
        Name = connection.Name;
    }

    /// <summary>Refers to a connection by its name.</summary>
    /// <param name="name">The name.</param>
    public ConnectionReference(string name)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        Name = name;
    }

    /// <summary>The connection's name.</summary>
    public string Name { get; }

    internal AlloyScanConnection Resolve() => _connection ?? ConnectionTable.OfThisRunspace.Get(Name);

    /// <inheritdoc/>
    public override string ToString() => Name;
}
