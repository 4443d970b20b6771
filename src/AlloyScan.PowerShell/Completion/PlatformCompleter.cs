using System.Collections;

namespace AlloyScan.PowerShell.Completion;

/// <summary>Platforms whose software can be imported.</summary>
public sealed class PlatformCompleter : Completer
{
    /// <inheritdoc/>
    private protected override IEnumerable<string> Words(IDictionary boundParameters) => Platforms.Words;
}
