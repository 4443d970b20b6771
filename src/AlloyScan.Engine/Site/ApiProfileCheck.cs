namespace AlloyScan.Engine.Site;

/// <summary>What became of one location of an API profile.</summary>
public enum LocationVerdict
{
    /// <summary>There is something at it, be it null.</summary>
    Found,

    /// <summary>There is nothing at it, and nothing of its name elsewhere: the site may have left it out.</summary>
    Missing,

    /// <summary>There is nothing at it, but something of its name elsewhere: the profile is most likely wrong.</summary>
    Guessed,

    /// <summary>It could not be looked at.</summary>
    NotTested,

    /// <summary>The profile says not to read it.</summary>
    NotRead,
}

/// <summary>One location of an API profile, held against what a site answers.</summary>
public sealed record ApiProfileCheck
{
    /// <summary>Section of the profile, for example <c>snapshot</c>.</summary>
    public string Section { get; init; } = string.Empty;

    /// <summary>Field of the section, for example <c>cpuName</c>.</summary>
    public string Field { get; init; } = string.Empty;

    /// <summary>Its location in the profile; <see langword="null"/> when it is not read.</summary>
    public string? Location { get; init; }

    /// <summary>What became of it.</summary>
    public LocationVerdict Verdict { get; init; }

    /// <summary>Where something of the name stands, for a guess; else why it was not tested.</summary>
    public string? Detail { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"{Section}.{Field}: {Verdict}";
}

/// <summary>An API profile, held against what a site answers.</summary>
/// <param name="Passed">
/// Whether devices may be marked missing on the word of this profile: all calls were answered, the list says how long it is or where it
/// ends, IDs and audits were found, and no location looks wrong.
/// </param>
/// <param name="Message">Why not; <see langword="null"/> when it passed.</param>
/// <param name="Checks">Each location.</param>
public sealed record ApiProfileTestResult(bool Passed, string? Message, IReadOnlyList<ApiProfileCheck> Checks);
