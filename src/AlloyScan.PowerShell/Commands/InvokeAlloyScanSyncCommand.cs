using System.Management.Automation;
using AlloyScan.Engine;
using AlloyScan.Engine.Store;
using AlloyScan.Engine.Sync;
using AlloyScan.PowerShell.Abstractions;
using AlloyScan.PowerShell.Completion;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Runs sync jobs now, or applies chosen rows of a saved plan. With -WhatIf it emits the changes that a run would make and writes nothing.</summary>
[Cmdlet(VerbsLifecycle.Invoke, "AlloyScanSync", SupportsShouldProcess = true, DefaultParameterSetName = JobSet)]
[OutputType(typeof(SyncRun), typeof(SyncChange))]
public sealed class InvokeAlloyScanSyncCommand : SyncCmdlet
{
    private const string JobSet = "Job";
    private const string PlanSet = "Plan";
    private const string ErrorsSet = "Errors";

    private readonly SortedSet<int> _rows = [];
    private long? _plan;
    private bool _wholePlan;

    /// <summary>Names of the jobs to run.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true, ParameterSetName = JobSet)]
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true, ParameterSetName = ErrorsSet)]
    [ArgumentCompleter(typeof(JobNameCompleter))]
    [ValidateNotNullOrEmpty]
    public JobName[] Name { get; set; } = null!;

    /// <summary>Number of a saved plan whose rows are applied. Taken from the objects of Get-AlloyScanSyncPlan.</summary>
    [Parameter(Mandatory = true, ValueFromPipelineByPropertyName = true, ParameterSetName = PlanSet)]
    [AllowNull]
    public long? PlanId { get; set; }

    /// <summary>Numbers of the rows to apply. Taken from the objects of Get-AlloyScanSyncPlan; without it all rows of the plan are applied.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = PlanSet)]
    [ValidateNotNullOrEmpty]
    public int[]? Row { get; set; }

    /// <summary>Reads every device and snapshot, also those that have not moved since the last run.</summary>
    [Parameter(ParameterSetName = JobSet)]
    public SwitchParameter Full { get; set; }

    /// <summary>Reads only the devices that failed in earlier runs of the job's site, parked ones too. Nothing is marked missing, retired or deleted by such a run.</summary>
    // Not mandatory in its set: beside a set with a mandatory switch, rows of a plan do not bind from the pipeline to theirs.
    [Parameter(ParameterSetName = ErrorsSet)]
    public SwitchParameter ErrorsOnly { get; set; }

    /// <summary>Number of a run: of the devices that fail, only those are read that failed in it.</summary>
    [Parameter(ParameterSetName = ErrorsSet)]
    public long? RunId { get; set; }

    /// <summary>Most API calls to spend. The run stops cleanly when they are spent and the next run goes on from there.</summary>
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

        if (RunId is not null && !ErrorsOnly)
        {
            throw new AlloyScanException(
                ErrorKind.InvalidArgument, "InvalidRequest", "-RunId says which failed devices are read, and needs -ErrorsOnly.", RunId, "Add -ErrorsOnly, or leave -RunId out.");
        }

        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        await EachAsync(Name.Select(job => job.Name), async name =>
        {
            var job = await OffThread(() => store.Jobs.Get(name), cancellationToken).ConfigureAwait(false);
            if (RunId is { } run)
                await OffThread(() => store.Runs.Get(run), cancellationToken).ConfigureAwait(false);
            await RunAsync(store, new SyncRequest { Job = job, Full = Full, ErrorsOnly = ErrorsOnly, ErrorsOfRun = RunId, MaxApiCalls = MaxApiCalls }, cancellationToken).ConfigureAwait(false);
        }).ConfigureAwait(false);
    }

    /// <summary>Rows are applied together when the last has come, since a plan can be applied once.</summary>
    /// <param name="cancellationToken">Cancelled by Ctrl+C.</param>
    protected override async Task EndAsync(CancellationToken cancellationToken)
    {
        if (_plan is not { } plan)
            return;

        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        var job = await OffThread(() => store.Jobs.OfPlan(plan), cancellationToken).ConfigureAwait(false);
        var selection = new PlanSelection(plan, _wholePlan ? [] : [.. _rows]);
        await RunAsync(store, new SyncRequest { Job = job, Selection = selection, MaxApiCalls = MaxApiCalls }, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>A plan is applied whole or not at all.</summary>
    private protected override bool IsFatal(AlloyScanException exception) => ParameterSetName == PlanSet || base.IsFatal(exception);

    private void Collect()
    {
        if (PlanId is not { } plan)
        {
            throw new AlloyScanException(
                ErrorKind.InvalidArgument, "PlanNotSaved", "This change is from a rehearsal, which keeps no plan that could be applied.", null,
                "Pipe the objects of Get-AlloyScanSyncPlan.");
        }

        if (_plan is { } other && other != plan)
        {
            // Which of the two is meant nobody knows, so nothing of either is applied.
            throw new AlloyScanException(
                ErrorKind.InvalidArgument, "MixedPlans", $"The rows come from two plans, {other} and {plan}. Nothing was applied.", plan,
                "Pipe the rows of one plan at a time.");
        }

        _plan = plan;
        if (Row is null)
            _wholePlan = true;
        else
            _rows.UnionWith(Row);
    }

    private async Task RunAsync(AlloyStore store, SyncRequest request, CancellationToken cancellationToken)
    {
        var (proceed, rehearse) = await DecideAsync(request, cancellationToken).ConfigureAwait(false);
        if (!proceed && !rehearse)
            return;

        var run = await ExecuteAsync(store, rehearse ? request with { Mode = SyncMode.WhatIf } : request, cancellationToken).ConfigureAwait(false);
        if (!rehearse)
            EmitFrom(store, run);

        Judge(run, rehearse);
    }

    /// <summary>Asks whether to go on; with -WhatIf the answer is a rehearsal.</summary>
    private async Task<(bool Proceed, bool Rehearse)> DecideAsync(SyncRequest request, CancellationToken cancellationToken)
    {
        var action = request.Selection switch
        {
            null when request.ErrorsOnly => $"Read the devices of {request.Job.SiteUrl} that failed again, into the CMDB '{request.Job.Target}'",
            null => $"Synchronise {request.Job.SiteUrl} into the CMDB '{request.Job.Target}'",
            { Rows.Count: 0 } all => $"Apply plan {all.PlanId}",
            { Rows.Count: var count } some => $"Apply {count} rows of plan {some.PlanId}",
        };
        var (proceed, reason) = await ConfirmWithReasonAsync(request.Job.Name, action, cancellationToken).ConfigureAwait(false);
        return (proceed, reason.HasFlag(ShouldProcessReason.WhatIf));
    }
}
