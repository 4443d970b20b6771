using System.Management.Automation;
using AlloyScan.PowerShell.Abstractions;
using AlloyScan.PowerShell.Completion;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Removes sync jobs. What they synchronised stays: CIs, links and the history of runs.</summary>
[Cmdlet(VerbsCommon.Remove, "AlloyScanSyncJob", SupportsShouldProcess = true)]
[OutputType(typeof(void))]
public sealed class RemoveAlloyScanSyncJobCommand : StoreCmdlet
{
    /// <summary>Names of the jobs to remove.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(JobNameCompleter))]
    [ValidateNotNullOrEmpty]
    public string[] Name { get; set; } = null!;

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        await EachAsync(Name, async name =>
        {
            var job = await OffThread(() => store.Jobs.Get(name), cancellationToken).ConfigureAwait(false);
            if (await ConfirmAsync(job.Name, "Remove the sync job", cancellationToken).ConfigureAwait(false))
                await OffThread(() => store.Jobs.Remove(job.Name), cancellationToken).ConfigureAwait(false);
        }).ConfigureAwait(false);
    }
}
