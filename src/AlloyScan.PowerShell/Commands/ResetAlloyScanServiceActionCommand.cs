using System.Management.Automation;
using AlloyScan.Engine.Cmdb;
using AlloyScan.PowerShell.Abstractions;
using AlloyScan.PowerShell.Completion;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Brings default service actions back to how they were delivered.</summary>
[Cmdlet(VerbsCommon.Reset, "AlloyScanServiceAction", SupportsShouldProcess = true)]
[OutputType(typeof(ServiceAction))]
public sealed class ResetAlloyScanServiceActionCommand : StoreCmdlet
{
    /// <summary>Numbers of the default service actions, 2943 to 2946.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(ServiceActionCompleter))]
    public int[] Id { get; set; } = [];

    /// <summary>Emits the service actions as they are then.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        await EachAsync(Id, async id =>
        {
            if (!await ConfirmAsync($"#{id}", "Bring the service action back to how it was delivered", cancellationToken).ConfigureAwait(false))
                return;

            var action = await OffThread(() => store.ServiceActions.Reset(id), cancellationToken).ConfigureAwait(false);
            if (PassThru)
                EmitFrom(store, action);
        }).ConfigureAwait(false);
    }
}
