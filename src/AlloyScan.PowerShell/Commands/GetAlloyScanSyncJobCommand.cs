using System.Management.Automation;
using AlloyScan.Engine.Jobs;
using AlloyScan.PowerShell.Abstractions;
using AlloyScan.PowerShell.Completion;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Lists sync jobs.</summary>
[Cmdlet(VerbsCommon.Get, "AlloyScanSyncJob")]
[OutputType(typeof(SyncJob))]
public sealed class GetAlloyScanSyncJobCommand : StoreCmdlet
{
    /// <summary>Names of jobs, with wildcards. Without it all are listed.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("Job")]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(JobNameCompleter))]
    [ValidateNotNullOrEmpty]
    public string[]? Name { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        await EachAsync(Name ?? ["*"], name => OffThread(
            () =>
            {
                foreach (var job in WildcardPattern.ContainsWildcardCharacters(name) ? store.Jobs.List(name) : [store.Jobs.Get(name)])
                    EmitFrom(store, job);
            },
            cancellationToken)).ConfigureAwait(false);
    }
}
