namespace AlloyScan.Engine.Site;

/// <summary>Where the parts of a list's answer stand.</summary>
public sealed record ApiEnvelope
{
    /// <summary>Location of the items; an empty text means that the answer itself is the array.</summary>
    public string Items { get; init; } = "items";

    /// <summary>Location of the total; <see langword="null"/> when the site gives none.</summary>
    public string? Total { get; init; } = "total";

    /// <summary>Location of the address of the next page; used by <see cref="PagingStyle.NextLink"/> only.</summary>
    public string? NextLink { get; init; } = "next";
}
