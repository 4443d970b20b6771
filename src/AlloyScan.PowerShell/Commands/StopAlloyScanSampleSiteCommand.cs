using System.Management.Automation;
using AlloyScan.PowerShell.Abstractions;
using AlloyScan.PowerShell.SampleSites;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Stops sample sites that this session's process started.</summary>
[Cmdlet(VerbsLifecycle.Stop, "AlloyScanSampleSite", SupportsShouldProcess = true)]
[OutputType(typeof(void))]
public sealed class StopAlloyScanSampleSiteCommand : AsyncCmdlet
{
    /// <summary>The sites to stop. Without it all are stopped.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true)]
    [ValidateNotNullOrEmpty]
    public SampleSite[]? Site { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        foreach (var site in Site ?? SampleSiteLauncher.Running)
        {
            // A site that has ended by itself is as good as stopped.
            if (site.IsRunning && !await ConfirmAsync(site.ToString(), "Stop the sample site", cancellationToken).ConfigureAwait(false))
                continue;

            await site.StopAsync(cancellationToken).ConfigureAwait(false);
            SampleSiteLauncher.Forget(site);
            site.Dispose();
        }
    }
}
