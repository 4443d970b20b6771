using System.Management.Automation;
using AlloyScan.PowerShell.Abstractions;
using AlloyScan.PowerShell.Completion;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Removes service actions that no job uses. The four defaults stay.</summary>
[Cmdlet(VerbsCommon.Remove, "AlloyScanServiceAction", SupportsShouldProcess = true)]
[OutputType(typeof(void))]
public sealed class RemoveAlloyScanServiceActionCommand : StoreCmdlet
{
    /// <summary>Numbers of the service actions to remove.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(ServiceActionCompleter))]
    public int[] Id { get; set; } = [];

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        await EachAsync(Id, async id =>
        {
            if (await ConfirmAsync($"#{id}", "Remove the service action", cancellationToken).ConfigureAwait(false))
                await OffThread(() => store.ServiceActions.Remove(id), cancellationToken).ConfigureAwait(false);
        }).ConfigureAwait(false);
    }
}
