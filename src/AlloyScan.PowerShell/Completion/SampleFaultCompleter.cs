using System.Collections;
using AlloyScan.PowerShell.SampleSites;

namespace AlloyScan.PowerShell.Completion;

/// <summary>Faults that a sample site can be given.</summary>
public sealed class SampleFaultCompleter : Completer
{
    /// <inheritdoc/>
    private protected override IEnumerable<string> Words(IDictionary boundParameters) => SampleFaults.Names;
}
