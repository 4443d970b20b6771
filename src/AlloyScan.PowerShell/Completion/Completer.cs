using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;

namespace AlloyScan.PowerShell.Completion;

/// <summary>Completes from a list of words by prefix. Never throws: a failing completion must not disturb the prompt.</summary>
public abstract class Completer : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        try
        {
            var prefix = (wordToComplete ?? string.Empty).Trim('\'', '"');
            return
            [
                .. Words(prefix, fakeBoundParameters)
                    .Where(word => word.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))
                    .Select(word => new CompletionResult(Quote(word), word, CompletionResultType.ParameterValue, word)),
            ];
        }
        catch (Exception)
        {
            return [];
        }
    }

    /// <summary>The words.</summary>
    /// <param name="boundParameters">What the user has typed so far.</param>
    private protected abstract IEnumerable<string> Words(IDictionary boundParameters);

    /// <summary>The words, for a completer that looks at what stands there already.</summary>
    /// <param name="prefix">What stands there.</param>
    /// <param name="boundParameters">What the user has typed so far.</param>
    private protected virtual IEnumerable<string> Words(string prefix, IDictionary boundParameters) => Words(boundParameters);

    private static string Quote(string word) =>
        word.All(static c => char.IsLetterOrDigit(c) || c is '-' or '_' or '.') ? word : $"'{word.Replace("'", "''", StringComparison.Ordinal)}'";
}
