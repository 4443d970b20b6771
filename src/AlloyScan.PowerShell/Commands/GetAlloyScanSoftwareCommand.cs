using System.Management.Automation;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Site;
using AlloyScan.PowerShell.Abstractions;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Reads the software catalog of an AlloyScan site.</summary>
[Cmdlet(VerbsCommon.Get, "AlloyScanSoftware")]
[OutputType(typeof(CatalogProduct))]
public sealed class GetAlloyScanSoftwareCommand : SiteCmdlet
{
    /// <summary>Name of products, with wildcards. The catalog is read as a whole and filtered here; use -Search to let the site filter.</summary>
    [Parameter(Position = 0)]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public string? Name { get; set; }

    /// <summary>Text to look for in the product name. The site filters.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Search { get; set; }

    /// <summary>Software group of the products. The site filters.</summary>
    [Parameter]
    [ValidateSet("Regular", "Required", "Forbidden")]
    public string? SoftwareGroup { get; set; }

    /// <summary>One row a product name instead of one a version.</summary>
    [Parameter]
    public SwitchParameter GroupByName { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        var connection = ResolveConnection();
        var pattern = Name is null ? null : WildcardPattern.Get(Name, WildcardOptions.IgnoreCase);
        var query = new SoftwareQuery { Search = Search, SoftwareGroup = SoftwareGroup, GroupByName = GroupByName };
        await EmitAllAsync(
            connection.Client.ReadSoftwareAsync(query, cancellationToken),
            product => pattern is null || pattern.IsMatch(product.Name ?? string.Empty) ? WithOrigin(connection, product) : null,
            cancellationToken).ConfigureAwait(false);
    }
}
