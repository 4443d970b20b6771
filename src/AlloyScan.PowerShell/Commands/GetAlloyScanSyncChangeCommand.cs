using System.Management.Automation;
using AlloyScan.Engine.Sync;
using AlloyScan.PowerShell.Abstractions;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Reads the journal: what runs changed, field by field.</summary>
[Cmdlet(VerbsCommon.Get, "AlloyScanSyncChange")]
[OutputType(typeof(JournalEntry))]
public sealed class GetAlloyScanSyncChangeCommand : StoreCmdlet
{
    /// <summary>Numbers of runs. Without it all runs are read. A run has its number as Id.</summary>
    [Parameter(Position = 0, ValueFromPipelineByPropertyName = true)]
    [Alias("Id")]
    [ValidateNotNullOrEmpty]
    public long[]? RunId { get; set; }

    /// <summary>IDs of CIs, for example C000001. Without it the changes of all are read.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string[]? RecordId { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        long?[] runs = RunId is null ? [null] : [.. RunId];
        foreach (var run in runs)
        {
            // An unknown number is an error, a run that changed nothing is none.
            if (run is { } id)
                await OffThread(() => store.Runs.Get(id), cancellationToken).ConfigureAwait(false);

            foreach (var record in RecordId ?? [null!])
                await EmitAllAsync(store, store.Runs.Changes(run, record), cancellationToken).ConfigureAwait(false);
        }
    }
}
