using System.Collections;
using AlloyScan.PowerShell.Connections;

namespace AlloyScan.PowerShell.Completion;

/// <summary>Names of the session's connections.</summary>
public sealed class ConnectionNameCompleter : Completer
{
    /// <inheritdoc/>
    private protected override IEnumerable<string> Words(IDictionary boundParameters) =>
        ConnectionTable.OfThisRunspace.All.Select(connection => connection.Name);
}
