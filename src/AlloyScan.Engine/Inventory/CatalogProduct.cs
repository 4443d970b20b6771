namespace AlloyScan.Engine.Inventory;

/// <summary>A row of a site's software catalog: one product in one version.</summary>
public sealed record CatalogProduct
{
    /// <summary>Product UUID in the site.</summary>
    public required string Id { get; init; }

    /// <summary>Product name.</summary>
    public string? Name { get; init; }

    /// <summary>Version; <see langword="null"/> when the catalog was asked to group by name.</summary>
    public string? Version { get; init; }

    /// <summary>Publisher.</summary>
    public string? Publisher { get; init; }

    /// <summary>Software group: <c>Regular</c>, <c>Required</c> or <c>Forbidden</c>.</summary>
    public string? SoftwareGroup { get; init; }

    /// <summary>Number of installations that the site counts.</summary>
    public int? Installations { get; init; }

    /// <inheritdoc/>
    public override string ToString() => Version is null ? Name ?? Id : $"{Name} {Version}";
}
