using System.Collections;

namespace AlloyScan.PowerShell.Completion;

/// <summary>Names of the app registrations in the default store.</summary>
public sealed class AppRegistrationNameCompleter : StoreCompleter
{
    /// <inheritdoc/>
    private protected override IEnumerable<string> Words(IDictionary boundParameters) => FromStore(boundParameters, store => store.AppRegistrations.List().Select(registration => registration.Name));
}
