using System.ComponentModel;
using System.Management.Automation;
using AlloyScan.PowerShell.Completion;

namespace AlloyScan.PowerShell.Abstractions;

/// <summary>Base of the two cmdlets that enable and disable jobs.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public abstract class JobSwitchCmdlet : StoreCmdlet
{
    /// <summary>Names of the jobs.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(JobNameCompleter))]
    [ValidateNotNullOrEmpty]
    public string[] Name { get; set; } = null!;

    /// <summary>Emits the jobs as they are now.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    private protected abstract bool Enabled { get; }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        await EachAsync(Name, async name =>
        {
            var job = await OffThread(() => store.Jobs.Get(name), cancellationToken).ConfigureAwait(false);
            if (job.Enabled != Enabled)
            {
                if (!await ConfirmAsync(name, Enabled ? "Enable the sync job" : "Disable the sync job", cancellationToken).ConfigureAwait(false))
                    return;

                job = await OffThread(() => store.Jobs.Update(job with { Enabled = Enabled }), cancellationToken).ConfigureAwait(false);
            }

            if (PassThru)
                EmitFrom(store, job);
            WarnOf(job);
        }).ConfigureAwait(false);
    }
}
