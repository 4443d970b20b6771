namespace AlloyScan.Engine.Site;

/// <summary>Paths, token endpoints, envelope, paging and JSON locations of a site's API, as data.</summary>
public sealed record ApiProfile
{
    /// <summary>The documented API.</summary>
    public static ApiProfile Default { get; } = new();

    /// <summary>Reads overrides from JSON over the default.</summary>
    /// <param name="json">A JSON object with any of the profile's properties.</param>
    /// <exception cref="AlloyScanException">The text is no such object (<c>InvalidApiProfile</c>).</exception>
    public static ApiProfile Parse(string json) => throw new NotSupportedException();
}
