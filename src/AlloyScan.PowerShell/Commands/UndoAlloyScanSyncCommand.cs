using System.Globalization;
using System.Management.Automation;
using AlloyScan.Engine.Store;
using AlloyScan.Engine.Sync;
using AlloyScan.Engine.Sync.Undo;
using AlloyScan.PowerShell.Abstractions;
using AlloyScan.PowerShell.Completion;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Takes runs back. With -WhatIf it emits what would become of each change and writes nothing.</summary>
[Cmdlet(VerbsCommon.Undo, "AlloyScanSync", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High, DefaultParameterSetName = JobSet)]
[OutputType(typeof(UndoneChange))]
public sealed class UndoAlloyScanSyncCommand : StoreCmdlet
{
    private const string JobSet = "Job";
    private const string RunIdSet = "RunId";
    private const string RunSet = "Run";

    /// <summary>Names of the jobs whose newest run is taken back, of those that are not taken back already.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ParameterSetName = JobSet)]
    [Alias("Job")]
    [ArgumentCompleter(typeof(JobNameCompleter))]
    [ValidateNotNullOrEmpty]
    public JobName[] Name { get; set; } = null!;

    /// <summary>Numbers of the runs to take back.</summary>
    [Parameter(Mandatory = true, ParameterSetName = RunIdSet)]
    [ValidateNotNullOrEmpty]
    public long[] RunId { get; set; } = null!;

    /// <summary>Runs to take back, from Get-AlloyScanSyncRun or Invoke-AlloyScanSync.</summary>
    [Parameter(Mandatory = true, ValueFromPipeline = true, ParameterSetName = RunSet)]
    [ValidateNotNullOrEmpty]
    public SyncRun[] Run { get; set; } = null!;

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        switch (ParameterSetName)
        {
            case JobSet:
                await EachAsync(Name, async job => await UndoAsync(store, await OffThread(() => store.Undo.Newest(job.Name), cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
                break;
            case RunIdSet:
                await EachAsync(RunId, async id => await UndoAsync(store, await OffThread(() => store.Runs.Get(id), cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
                break;
            default:
                await EachAsync(Run, run => UndoAsync(store, run, cancellationToken)).ConfigureAwait(false);
                break;
        }
    }

    private async Task UndoAsync(AlloyStore store, SyncRun run, CancellationToken cancellationToken)
    {
        // What cannot be taken back is said before anybody is asked.
        await OffThread(() => store.Undo.Check(run.Id), cancellationToken).ConfigureAwait(false);
        var target = string.Create(CultureInfo.InvariantCulture, $"run {run.Id} of '{run.Job}' ({run.StartedAt.ToLocalTime():yyyy-MM-dd HH:mm})");
        var (proceed, reason) = await ConfirmWithReasonAsync(target, "Take back what the run changed, and disable the job for its schedule", cancellationToken).ConfigureAwait(false);
        var rehearse = reason.HasFlag(ShouldProcessReason.WhatIf);
        if (!proceed && !rehearse)
            return;

        var undo = await OffThread(() => store.Undo.Undo(run.Id, rehearse, change => EmitFrom(store, change), cancellationToken), cancellationToken).ConfigureAwait(false);
        if (undo.Message is not { } message)
            return;

        if (rehearse || (undo.Status == SyncRunStatus.Succeeded && !undo.DisabledJob))
            Tell(message);
        else
            Warn(message);
    }
}
