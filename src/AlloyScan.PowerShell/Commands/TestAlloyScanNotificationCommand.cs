using System.Management.Automation;
using AlloyScan.Engine.Reporting;
using AlloyScan.PowerShell.Abstractions;
using AlloyScan.PowerShell.Completion;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Sends a trial by notifications and says whether the receivers took it.</summary>
[Cmdlet(VerbsDiagnostic.Test, "AlloyScanNotification")]
[OutputType(typeof(NotificationResult))]
public sealed class TestAlloyScanNotificationCommand : StoreCmdlet
{
    /// <summary>Names of the notifications to try.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(NotificationNameCompleter))]
    [ValidateNotNullOrEmpty]
    public string[] Name { get; set; } = null!;

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        await EachAsync(Name, async name => EmitFrom(store, await store.Notifications.TestAsync(name, cancellationToken).ConfigureAwait(false))).ConfigureAwait(false);
    }
}
