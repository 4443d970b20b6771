using System.Management.Automation;
using AlloyScan.PowerShell.Abstractions;
using AlloyScan.PowerShell.Completion;
using AlloyScan.PowerShell.Connections;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Lists the session's connections to AlloyScan sites.</summary>
[Cmdlet(VerbsCommon.Get, "AlloyScanConnection")]
[OutputType(typeof(AlloyScanConnection))]
public sealed class GetAlloyScanConnectionCommand : AsyncCmdlet
{
    /// <summary>Names of connections, with wildcards. Without it all are listed.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(ConnectionNameCompleter))]
    [ValidateNotNullOrEmpty]
    public string[]? Name { get; set; }

    /// <summary>Only the connection that cmdlets use when none is named.</summary>
    [Parameter]
    public SwitchParameter Current { get; set; }

    /// <inheritdoc/>
    protected override Task ProcessAsync(CancellationToken cancellationToken)
    {
        var table = ConnectionTable.OfThisRunspace;
        foreach (var name in Name ?? ["*"])
        {
            var pattern = WildcardPattern.Get(name, WildcardOptions.IgnoreCase);
            var matches = table.All.Where(connection => pattern.IsMatch(connection.Name)).ToArray();
            if (matches.Length == 0 && !WildcardPattern.ContainsWildcardCharacters(name))
                Fail(Errors.ConnectionNotFound(name, table.All.Select(connection => connection.Name)));

            foreach (var connection in matches.Where(connection => !Current || connection.IsCurrent))
                Emit(connection);
        }

        return Task.CompletedTask;
    }
}
