using System.Globalization;
using System.Management.Automation;
using AlloyScan.Engine;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Store;
using AlloyScan.Engine.Sync;
using AlloyScan.PowerShell.Abstractions;
using AlloyScan.PowerShell.Completion;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Applies once what the guard held back in a saved plan, without planning it anew. The limits of the job stay as they are.</summary>
[Cmdlet(VerbsLifecycle.Approve, "AlloyScanSyncPlan", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High, DefaultParameterSetName = JobSet)]
[OutputType(typeof(SyncRun))]
public sealed class ApproveAlloyScanSyncPlanCommand : SyncCmdlet
{
    private const string JobSet = "Job";
    private const string PlanSet = "Plan";

    private readonly SortedDictionary<long, SortedSet<int>?> _plans = [];

    /// <summary>Names of the jobs whose newest plan with held changes is approved.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ParameterSetName = JobSet)]
    [Alias("Job")]
    [ArgumentCompleter(typeof(JobNameCompleter))]
    [ValidateNotNullOrEmpty]
    public JobName[] Name { get; set; } = null!;

    /// <summary>Number of the plan. Taken from the objects of Get-AlloyScanSyncPlan -Blocked, and from a blocked run.</summary>
    [Parameter(Mandatory = true, ValueFromPipelineByPropertyName = true, ParameterSetName = PlanSet)]
    [AllowNull]
    public long? PlanId { get; set; }

    /// <summary>Numbers of the rows to apply. Taken from the objects of Get-AlloyScanSyncPlan -Blocked; without it all held rows are applied. A plan is approved once: what is left out is planned anew by the next run.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = PlanSet)]
    [ValidateNotNullOrEmpty]
    public int[]? Row { get; set; }

    /// <summary>Most API calls to spend: the devices of the plan are looked at again, and deletions are calls themselves. What is not applied when they are spent stays held back, and can be approved again.</summary>
    [Parameter]
    [ValidateRange(1, int.MaxValue)]
    public int? MaxApiCalls { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        if (ParameterSetName == PlanSet)
        {
            Collect();
            return;
        }

        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        await EachAsync(Name, async name =>
        {
            var plan = await OffThread(() => store.Plans.NewestBlocked(name.Name), cancellationToken).ConfigureAwait(false);
            var job = await OffThread(() => store.Jobs.Get(name.Name), cancellationToken).ConfigureAwait(false);
            await ApproveAsync(store, job, new PlanSelection(plan, []), cancellationToken).ConfigureAwait(false);
        }).ConfigureAwait(false);
    }

    /// <summary>Rows are approved together when the last has come, since a plan can be approved once.</summary>
    /// <param name="cancellationToken">Cancelled by Ctrl+C.</param>
    protected override async Task EndAsync(CancellationToken cancellationToken)
    {
        if (_plans.Count == 0)
            return;

        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        await EachAsync(_plans, async pair =>
        {
            var job = await OffThread(() => store.Jobs.OfPlan(pair.Key), cancellationToken).ConfigureAwait(false);
            await ApproveAsync(store, job, new PlanSelection(pair.Key, pair.Value is { } rows ? [.. rows] : []), cancellationToken).ConfigureAwait(false);
        }).ConfigureAwait(false);
    }

    private void Collect()
    {
        if (PlanId is not { } plan)
        {
            throw new AlloyScanException(
                ErrorKind.InvalidArgument, "PlanNotSaved", "No plan keeps this: it is from a rehearsal, or from a run of which nothing was held back.", null,
                "Pipe the objects of Get-AlloyScanSyncPlan -Blocked.");
        }

        if (Row is null)
            _plans[plan] = null;
        else if (!_plans.TryGetValue(plan, out var rows))
            _plans[plan] = new SortedSet<int>(Row);
        else
            rows?.UnionWith(Row);
    }

    private async Task ApproveAsync(AlloyStore store, SyncJob job, PlanSelection selection, CancellationToken cancellationToken)
    {
        // What cannot be approved is said before anybody is asked.
        var count = await OffThread(() => store.Plans.CountApproved(job, selection), cancellationToken).ConfigureAwait(false);
        var target = string.Create(CultureInfo.InvariantCulture, $"plan {selection.PlanId} of '{job.Name}'");
        if (!await ConfirmAsync(target, $"Apply the {count} {(count == 1 ? "change" : "changes")} that the guard holds back", cancellationToken).ConfigureAwait(false))
            return;

        var run = await ExecuteAsync(store, new SyncRequest { Job = job, Selection = selection with { Approved = true }, MaxApiCalls = MaxApiCalls }, cancellationToken).ConfigureAwait(false);
        EmitFrom(store, run);
        Judge(run, rehearsal: false);
    }
}
