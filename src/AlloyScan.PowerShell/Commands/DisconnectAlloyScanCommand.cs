using System.Management.Automation;
using AlloyScan.PowerShell.Abstractions;
using AlloyScan.PowerShell.Completion;
using AlloyScan.PowerShell.Connections;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Closes a connection to an AlloyScan site.</summary>
[Cmdlet(VerbsCommunications.Disconnect, "AlloyScan")]
[OutputType(typeof(void))]
public sealed class DisconnectAlloyScanCommand : AsyncCmdlet
{
    /// <summary>The connections to close, or their names. Without it the current connection is closed.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true)]
    [ArgumentCompleter(typeof(ConnectionNameCompleter))]
    [ValidateNotNullOrEmpty]
    public ConnectionReference[]? Connection { get; set; }

    /// <inheritdoc/>
    protected override Task ProcessAsync(CancellationToken cancellationToken)
    {
        var table = ConnectionTable.OfThisRunspace;
        if (Connection is null)
        {
            table.Remove(table.Current ?? throw Errors.NotConnected());
            return Task.CompletedTask;
        }

        foreach (var reference in Connection)
            table.Remove(reference.Resolve());

        return Task.CompletedTask;
    }
}
