namespace AlloyScan.PowerShell.Connections;

/// <summary>What a -Connection parameter takes: the name of a connection, or a connection, which refers to itself.</summary>
public class ConnectionReference
{
    /// <summary>Refers to a connection by its name.</summary>
    /// <param name="name">The name.</param>
    public ConnectionReference(string name)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        Name = name;
    }

    /// <summary>The connection's name, unique within the session.</summary>
    public string Name { get; }

    /// <summary>Finds the connection.</summary>
    /// <exception cref="Engine.AlloyScanException">There is none of that name (<c>ConnectionNotFound</c>).</exception>
    internal virtual AlloyScanConnection Resolve() => ConnectionTable.OfThisRunspace.Get(Name);

    /// <inheritdoc/>
    public override string ToString() => Name;
}
