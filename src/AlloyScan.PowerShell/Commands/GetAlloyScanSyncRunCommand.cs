using System.Management.Automation;
using AlloyScan.Engine.Sync;
using AlloyScan.PowerShell.Abstractions;
using AlloyScan.PowerShell.Completion;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Lists runs of sync jobs, newest first.</summary>
[Cmdlet(VerbsCommon.Get, "AlloyScanSyncRun", DefaultParameterSetName = JobSet)]
[OutputType(typeof(SyncRun))]
public sealed class GetAlloyScanSyncRunCommand : StoreCmdlet
{
    private const string JobSet = "Job";
    private const string RunSet = "Run";

    /// <summary>Names of the jobs. Without it the runs of all jobs are listed, those of removed jobs included.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true, ParameterSetName = JobSet)]
    [Alias("Name")]
    [ArgumentCompleter(typeof(JobNameCompleter))]
    [ValidateNotNullOrEmpty]
    public string[]? Job { get; set; }

    /// <summary>Only the newest runs, so many a job.</summary>
    [Parameter(ParameterSetName = JobSet)]
    [ValidateRange(1, int.MaxValue)]
    public int? Newest { get; set; }

    /// <summary>Numbers of runs.</summary>
    [Parameter(Mandatory = true, ValueFromPipelineByPropertyName = true, ParameterSetName = RunSet)]
    [ValidateNotNullOrEmpty]
    public long[] RunId { get; set; } = null!;

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        if (ParameterSetName == RunSet)
        {
            await EachAsync(RunId, async id => EmitFrom(store, await OffThread(() => store.Runs.Get(id), cancellationToken).ConfigureAwait(false))).ConfigureAwait(false);
            return;
        }

        if (Job is null)
        {
            await EmitAllAsync(store, store.Runs.List(null, Newest), cancellationToken).ConfigureAwait(false);
            return;
        }

        await EachAsync(Job, async name =>
        {
            if (!await EmitAllAsync(store, store.Runs.List(name, Newest), cancellationToken).ConfigureAwait(false))
                // A job without runs is no error, a job that never was is one.
                await OffThread(() => store.Jobs.Get(name), cancellationToken).ConfigureAwait(false);
        }).ConfigureAwait(false);
    }
}
