using System.CommandLine.Parsing;

namespace AlloyScan.AutomationServer.Commands;

/// <summary>Checks of option values.</summary>
internal static class Validate
{
    /// <summary>A whole number with a lower bound, said in words.</summary>
    /// <param name="least">The bound.</param>
    /// <param name="most">The upper bound, if there is one.</param>
    public static Action<OptionResult> AtLeast(int least, int? most = null) => result =>
    {
        if (result.Tokens.Count == 1 && int.TryParse(result.Tokens[0].Value, out var value) && (value < least || value > most))
            result.AddError(most is null ? $"{result.Option.Name} must be at least {least}, but is {value}." : $"{result.Option.Name} must be from {least} to {most}, but is {value}.");
    };
}
