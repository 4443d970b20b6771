using System.Management.Automation;
using AlloyScan.Engine.Cmdb;
using AlloyScan.PowerShell.Abstractions;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Reads discovered installations: which software is on which computer.</summary>
[Cmdlet(VerbsCommon.Get, "AlloyCmdbInstallation", DefaultParameterSetName = ComputerSet)]
[OutputType(typeof(DiscoveredInstallation))]
public sealed class GetAlloyCmdbInstallationCommand : StoreCmdlet
{
    private const string ComputerSet = "Computer";
    private const string ProductSet = "Product";

    /// <summary>Name of the product, with wildcards.</summary>
    [Parameter(Position = 0)]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public string? Name { get; set; }

    /// <summary>IDs of computers. Without it the installations of all computers that are not retired are listed.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = ComputerSet)]
    [Alias("Id", "RecordId")]
    [ValidateNotNullOrEmpty]
    public string[]? ComputerId { get; set; }

    /// <summary>Products whose installations are wanted.</summary>
    [Parameter(Mandatory = true, ValueFromPipeline = true, ParameterSetName = ProductSet)]
    [ValidateNotNullOrEmpty]
    public SoftwareProduct[] Product { get; set; } = null!;

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        if (ParameterSetName == ProductSet)
        {
            foreach (var product in Product)
                await EmitAllAsync(store, store.Cmdb.Installations(null, Name, product.Id), cancellationToken).ConfigureAwait(false);
            return;
        }

        foreach (var computer in ComputerId ?? [null!])
            await EmitAllAsync(store, store.Cmdb.Installations(computer, Name), cancellationToken).ConfigureAwait(false);
    }
}
