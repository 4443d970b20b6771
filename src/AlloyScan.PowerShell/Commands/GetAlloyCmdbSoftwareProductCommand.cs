using System.Management.Automation;
using AlloyScan.Engine.Cmdb;
using AlloyScan.PowerShell.Abstractions;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Reads the software catalog of the CMDB.</summary>
[Cmdlet(VerbsCommon.Get, "AlloyCmdbSoftwareProduct")]
[OutputType(typeof(SoftwareProduct))]
public sealed class GetAlloyCmdbSoftwareProductCommand : StoreCmdlet
{
    /// <summary>Name of products, with wildcards. Without it all are listed.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true)]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public string[]? Name { get; set; }

    /// <summary>Publisher, with wildcards.</summary>
    [Parameter]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public string? Publisher { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        foreach (var name in Name ?? [null!])
            await EmitAllAsync(store, store.Cmdb.Products(name, Publisher), cancellationToken).ConfigureAwait(false);
    }
}
