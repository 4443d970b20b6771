using System.Collections;

namespace AlloyScan.PowerShell.Completion;

/// <summary>Names of the jobs in the default store.</summary>
public sealed class JobNameCompleter : StoreCompleter
{
    /// <inheritdoc/>
    private protected override IEnumerable<string> Words(IDictionary boundParameters) => FromStore(boundParameters, store => store.Jobs.List().Select(job => job.Name));
}
