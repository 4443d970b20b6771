namespace AlloyScan.Engine.Site;

/// <summary>A request was not sent because the budget does not allow it. Nothing failed: what was asked for is for a later run.</summary>
public sealed class BudgetSpentException : AlloyScanException
{
    /// <summary>Makes the exception.</summary>
    /// <param name="message">Which budget is spent.</param>
    /// <param name="advice">When there is a new one, or what to do.</param>
    /// <param name="target">Whose budget it is: the name of an app registration; <see langword="null"/> for that of a run.</param>
    public BudgetSpentException(string message, string advice, object? target = null)
        : base(ErrorKind.LimitsExceeded, "BudgetSpent", message, target, advice)
    {
    }
}
