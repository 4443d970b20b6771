using System.Management.Automation;
using AlloyScan.Engine.Sync;
using AlloyScan.PowerShell.Abstractions;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Lists the devices that failed in runs, with the stage and the reason.</summary>
[Cmdlet(VerbsCommon.Get, "AlloyScanSyncError")]
[OutputType(typeof(SyncError))]
public sealed class GetAlloyScanSyncErrorCommand : StoreCmdlet
{
    /// <summary>Numbers of runs. Without it the errors of all runs are listed. A run has its number as Id.</summary>
    [Parameter(Position = 0, ValueFromPipelineByPropertyName = true)]
    [Alias("Id")]
    [ValidateNotNullOrEmpty]
    public long[]? RunId { get; set; }

    /// <summary>Only the newest error of each device that is parked: it failed so many runs in a row that runs leave it alone until it changes.</summary>
    [Parameter]
    public SwitchParameter Parked { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        if (RunId is null)
        {
            await EmitAllAsync(store, store.Runs.Errors(parkedOnly: Parked), cancellationToken).ConfigureAwait(false);
            return;
        }

        await EachAsync(RunId, async id =>
        {
            // An unknown number is an error, a run without errors is none.
            await OffThread(() => store.Runs.Get(id), cancellationToken).ConfigureAwait(false);
            await EmitAllAsync(store, store.Runs.Errors(id, Parked), cancellationToken).ConfigureAwait(false);
        }).ConfigureAwait(false);
    }
}
