using System.Collections;
using AlloyScan.Engine.Cmdb;

namespace AlloyScan.PowerShell.Completion;

/// <summary>Completes the short form of a mapping: the field before the equals sign, attributes and modes behind it.</summary>
public sealed class MappingCompleter : Completer
{
    /// <inheritdoc/>
    private protected override IEnumerable<string> Words(IDictionary boundParameters) => FieldNameCompleter.Fields(boundParameters).Select(field => field + " = ");

    /// <inheritdoc/>
    private protected override IEnumerable<string> Words(string prefix, IDictionary boundParameters)
    {
        var equals = prefix.IndexOf('=', StringComparison.Ordinal);
        if (equals < 0)
            return Words(boundParameters);

        var source = equals + 1;
        while (source < prefix.Length && prefix[source] == ' ')
            source++;
        // An attribute in an open brace of a template, else a mode behind a source, else the source.
        var brace = prefix.LastIndexOf('{');
        var blank = prefix.LastIndexOf(' ');
        if (brace >= source && prefix.IndexOf('}', brace) < 0)
            return ServiceActions.SourceAttributeNames.Select(name => $"{prefix[..(brace + 1)]}{name}}}");
        if (blank >= source)
            return Enum.GetNames<ReplacementMode>().Select(mode => prefix[..(blank + 1)] + mode);
        return ServiceActions.SourceAttributeNames.Select(name => prefix[..source] + name);
    }
}
