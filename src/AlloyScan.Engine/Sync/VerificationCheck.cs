namespace AlloyScan.Engine.Sync;

/// <summary>Verdict of one check.</summary>
public enum Verdict
{
    /// <summary>As it should be.</summary>
    Passed,

    /// <summary>Worth a look.</summary>
    Warning,

    /// <summary>Not as it should be.</summary>
    Failed,

    /// <summary>Could not be checked; the advice says why.</summary>
    NotChecked,
}

/// <summary>One row of a verification: what was expected, what was found.</summary>
/// <param name="Check">What was looked at.</param>
/// <param name="Expected">What should be.</param>
/// <param name="Actual">What is.</param>
/// <param name="Verdict">The judgement.</param>
/// <param name="Advice">What to do about it; <see langword="null"/> when it passed.</param>
public sealed record VerificationCheck(string Check, string Expected, string Actual, Verdict Verdict, string? Advice)
{
    /// <summary>Whether the verdict counts when all are taken together; false for what nobody can check yet.</summary>
    public bool IsRequired { get; init; } = true;

    /// <summary>Name of the verified job.</summary>
    public string Job { get; init; } = string.Empty;

    /// <inheritdoc/>
    public override string ToString() => $"{Check}: {Verdict}";
}
