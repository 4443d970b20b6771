using System.Management.Automation;
using AlloyScan.Engine.Jobs;
using AlloyScan.PowerShell.Abstractions;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Disables sync jobs: they run by Invoke-AlloyScanSync only.</summary>
[Cmdlet(VerbsLifecycle.Disable, "AlloyScanSyncJob", SupportsShouldProcess = true)]
[OutputType(typeof(SyncJob))]
public sealed class DisableAlloyScanSyncJobCommand : JobSwitchCmdlet
{
    private protected override bool Enabled => false;
}
