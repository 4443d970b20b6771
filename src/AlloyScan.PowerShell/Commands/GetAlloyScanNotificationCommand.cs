using System.Management.Automation;
using AlloyScan.Engine.Reporting;
using AlloyScan.PowerShell.Abstractions;
using AlloyScan.PowerShell.Completion;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Lists who is told how runs of sync jobs ended, and whether that worked the last time.</summary>
[Cmdlet(VerbsCommon.Get, "AlloyScanNotification")]
[OutputType(typeof(Notification))]
public sealed class GetAlloyScanNotificationCommand : StoreCmdlet
{
    /// <summary>Names, with wildcards. Without them all are listed.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(NotificationNameCompleter))]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public string[]? Name { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        await EachAsync(Name ?? ["*"], async name =>
        {
            // A name without wildcards that is not there is a mistake; a pattern that fits none is not.
            if (!WildcardPattern.ContainsWildcardCharacters(name))
                EmitFrom(store, await OffThread(() => store.Notifications.Get(name), cancellationToken).ConfigureAwait(false));
            else
                await EmitAllAsync(store, store.Notifications.List(name), cancellationToken).ConfigureAwait(false);
        }).ConfigureAwait(false);
    }
}
