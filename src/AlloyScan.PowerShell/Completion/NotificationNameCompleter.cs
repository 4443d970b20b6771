using System.Collections;

namespace AlloyScan.PowerShell.Completion;

/// <summary>Completes names of notifications.</summary>
public sealed class NotificationNameCompleter : StoreCompleter
{
    /// <inheritdoc/>
    private protected override IEnumerable<string> Words(IDictionary boundParameters) => FromStore(boundParameters, store => store.Notifications.List().Select(notification => notification.Name));
}
