using System.Management.Automation;
using AlloyScan.Engine.Jobs;
using AlloyScan.PowerShell.Abstractions;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Enables sync jobs: they run on their schedule.</summary>
[Cmdlet(VerbsLifecycle.Enable, "AlloyScanSyncJob", SupportsShouldProcess = true)]
[OutputType(typeof(SyncJob))]
public sealed class EnableAlloyScanSyncJobCommand : JobSwitchCmdlet
{
    private protected override bool Enabled => true;
}
