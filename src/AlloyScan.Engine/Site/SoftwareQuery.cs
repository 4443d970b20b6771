namespace AlloyScan.Engine.Site;

/// <summary>Filter of the software catalog, done by the site.</summary>
public sealed record SoftwareQuery
{
    /// <summary>Software group: <c>Regular</c>, <c>Required</c>, <c>Forbidden</c>.</summary>
    public string? SoftwareGroup { get; init; }

    /// <summary>Free text over the product name.</summary>
    public string? Search { get; init; }

    /// <summary>Sums over versions instead of one row a version.</summary>
    public bool GroupByName { get; init; }
}
