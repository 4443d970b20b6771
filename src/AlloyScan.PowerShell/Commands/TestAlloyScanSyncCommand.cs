using System.Management.Automation;
using AlloyScan.Engine.Sync;
using AlloyScan.PowerShell.Abstractions;
using AlloyScan.PowerShell.Completion;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Compares a job's site with the CMDB: one object a check, with what was expected, what was found, a verdict and advice.</summary>
[Cmdlet(VerbsDiagnostic.Test, "AlloyScanSync")]
[OutputType(typeof(VerificationCheck))]
public sealed class TestAlloyScanSyncCommand : SyncCmdlet
{
    /// <summary>Names of the jobs to verify.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("Job")]
    [ArgumentCompleter(typeof(JobNameCompleter))]
    [ValidateNotNullOrEmpty]
    public string[] Name { get; set; } = null!;

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        await EachAsync(Name, async name =>
        {
            var job = await WithSecretAsync(await OffThread(() => store.Jobs.Get(name), cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
            await foreach (var check in store.Sync.VerifyAsync(new SyncRequest { Job = job }, cancellationToken).ConfigureAwait(false))
            {
                Report($"Verifying '{job.Name}'", check.Check, -1);
                EmitFrom(store, check);
            }
        }).ConfigureAwait(false);
    }
}
