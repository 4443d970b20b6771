using System.Collections;
using AlloyScan.Engine.Jobs.Schedules;

namespace AlloyScan.PowerShell.Completion;

/// <summary>Names of time zones.</summary>
public sealed class TimeZoneCompleter : Completer
{
    /// <inheritdoc/>
    private protected override IEnumerable<string> Words(IDictionary boundParameters) => TimeZones.Names;
}
