using System.Collections;
using System.Globalization;

namespace AlloyScan.PowerShell.Completion;

/// <summary>Numbers of the service actions in the default store; the defaults' where there is none.</summary>
public sealed class ServiceActionCompleter : StoreCompleter
{
    private static readonly string[] s_defaults = ["2943", "2944", "2945", "2946"];

    /// <inheritdoc/>
    private protected override IEnumerable<string> Words(IDictionary boundParameters) =>
        s_defaults.Union(FromStore(boundParameters, store => store.ServiceActions.Find().Select(id => id.ToString(CultureInfo.InvariantCulture))));
}
