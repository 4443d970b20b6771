using System.Management.Automation;
using AlloyScan.Engine.Sync;
using AlloyScan.PowerShell.Abstractions;
using AlloyScan.PowerShell.Completion;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Plans what a run of a sync job would change, saves the plan, and emits one object a change. Invoke-AlloyScanSync applies those that are piped to it.</summary>
[Cmdlet(VerbsCommon.Get, "AlloyScanSyncPlan")]
[OutputType(typeof(SyncChange))]
public sealed class GetAlloyScanSyncPlanCommand : SyncCmdlet
{
    /// <summary>Names of the jobs to plan.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(JobNameCompleter))]
    [ValidateNotNullOrEmpty]
    public string[] Name { get; set; } = null!;

    /// <summary>Reads every device and snapshot, also those that have not moved since the last run.</summary>
    [Parameter]
    public SwitchParameter Full { get; set; }

    /// <summary>Most API calls to spend. The plan ends cleanly with what could be read.</summary>
    [Parameter]
    [ValidateRange(1, int.MaxValue)]
    public int? MaxApiCalls { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        await EachAsync(Name, async name =>
        {
            var job = await OffThread(() => store.Jobs.Get(name), cancellationToken).ConfigureAwait(false);
            var request = new SyncRequest { Job = job, Mode = SyncMode.SavePlan, Full = Full, MaxApiCalls = MaxApiCalls };
            Judge(await ExecuteAsync(store, request, cancellationToken).ConfigureAwait(false), rehearsal: true);
        }).ConfigureAwait(false);
    }
}
