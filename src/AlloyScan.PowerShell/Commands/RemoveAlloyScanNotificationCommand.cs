using System.Management.Automation;
using AlloyScan.PowerShell.Abstractions;
using AlloyScan.PowerShell.Completion;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Removes notifications: nobody is told any more by these ways.</summary>
[Cmdlet(VerbsCommon.Remove, "AlloyScanNotification", SupportsShouldProcess = true)]
[OutputType(typeof(void))]
public sealed class RemoveAlloyScanNotificationCommand : StoreCmdlet
{
    /// <summary>Names of the notifications to remove.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(NotificationNameCompleter))]
    [ValidateNotNullOrEmpty]
    public string[] Name { get; set; } = null!;

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        await EachAsync(Name, async name =>
        {
            var notification = await OffThread(() => store.Notifications.Get(name), cancellationToken).ConfigureAwait(false);
            if (await ConfirmAsync(notification.Name, "Remove the notification", cancellationToken).ConfigureAwait(false))
                await OffThread(() => store.Notifications.Remove(notification.Name), cancellationToken).ConfigureAwait(false);
        }).ConfigureAwait(false);
    }
}
