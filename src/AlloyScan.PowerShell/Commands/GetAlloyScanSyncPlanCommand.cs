using System.Management.Automation;
using AlloyScan.Engine.Store;
using AlloyScan.Engine.Sync;
using AlloyScan.Engine.Sync.Guard;
using AlloyScan.PowerShell.Abstractions;
using AlloyScan.PowerShell.Completion;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Plans what a run of a sync job would change, saves the plan, and emits one object a change; or shows what a plan holds for approval.</summary>
[Cmdlet(VerbsCommon.Get, "AlloyScanSyncPlan", DefaultParameterSetName = PlanSet)]
[OutputType(typeof(SyncChange), ParameterSetName = [PlanSet, BlockedSet])]
[OutputType(typeof(SyncPlanSlice), ParameterSetName = [SummarySet])]
public sealed class GetAlloyScanSyncPlanCommand : SyncCmdlet
{
    private const string PlanSet = "Plan";
    private const string BlockedSet = "Blocked";
    private const string SummarySet = "Summary";

    /// <summary>Names of the jobs. Without it, -Blocked and -Summary go through all jobs.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true, ParameterSetName = PlanSet)]
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true, ParameterSetName = BlockedSet)]
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true, ParameterSetName = SummarySet)]
    [ArgumentCompleter(typeof(JobNameCompleter))]
    [ValidateNotNullOrEmpty]
    public string[] Name { get; set; } = null!;

    /// <summary>Reads every device and snapshot, also those that have not moved since the last run.</summary>
    [Parameter(ParameterSetName = PlanSet)]
    public SwitchParameter Full { get; set; }

    /// <summary>Most API calls to spend. The plan ends cleanly with what could be read.</summary>
    [Parameter(ParameterSetName = PlanSet)]
    [ValidateRange(1, int.MaxValue)]
    public int? MaxApiCalls { get; set; }

    /// <summary>Emits the changes that the guard held back in the newest plan and that wait for Approve-AlloyScanSyncPlan. Nothing is planned anew.</summary>
    [Parameter(Mandatory = true, ParameterSetName = BlockedSet)]
    public SwitchParameter Blocked { get; set; }

    /// <summary>Emits what the newest plan has of each guarded kind in each slice of the site, beside the limit. Nothing is planned anew.</summary>
    [Parameter(Mandatory = true, ParameterSetName = SummarySet)]
    public SwitchParameter Summary { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        var names = Name ?? await OffThread(() => store.Jobs.List().Select(job => job.Name).ToArray(), cancellationToken).ConfigureAwait(false);
        await EachAsync(names, name => ParameterSetName switch
        {
            BlockedSet => EmitAllAsync(store, store.Plans.Blocked(name), cancellationToken),
            SummarySet => OffThread(() => EmitSummary(store, name), cancellationToken),
            _ => PlanAsync(store, name, cancellationToken),
        }).ConfigureAwait(false);
    }

    private void EmitSummary(AlloyStore store, string name)
    {
        foreach (var slice in store.Plans.Summary(name))
            EmitFrom(store, slice);
    }

    private async Task PlanAsync(AlloyStore store, string name, CancellationToken cancellationToken)
    {
        var job = await OffThread(() => store.Jobs.Get(name), cancellationToken).ConfigureAwait(false);
        var request = new SyncRequest { Job = job, Mode = SyncMode.SavePlan, Full = Full, MaxApiCalls = MaxApiCalls };
        Judge(await ExecuteAsync(store, request, cancellationToken).ConfigureAwait(false), rehearsal: true);
    }
}
