using System.Management.Automation;
using AlloyScan.Engine.Sync.Identify;
using AlloyScan.PowerShell.Abstractions;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Lists the values that identify nothing: the administrator's own, those that runs learned, and the shipped list.</summary>
[Cmdlet(VerbsCommon.Get, "AlloyScanJunkIdentifier", DefaultParameterSetName = ListSet)]
[OutputType(typeof(JunkIdentifier), ParameterSetName = [ListSet])]
[OutputType(typeof(JunkCarrier), ParameterSetName = [CarriersSet])]
public sealed class GetAlloyScanJunkIdentifierCommand : StoreCmdlet
{
    private const string ListSet = "List";
    private const string CarriersSet = "Carriers";

    /// <summary>Values in any form, with wildcards. Without it all are listed.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public string[]? Value { get; set; }

    /// <summary>What they are values of: Name, SerialNumber, MacAddress, BiosUuid or AssetTag. All by default.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public IdentificationAttribute? Attribute { get; set; }

    /// <summary>Who says that they are junk: Shipped, Own or Learned. All by default.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public JunkSource? Source { get; set; }

    /// <summary>Name of the site at which they were learned.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [AllowNull]
    public string? Site { get; set; }

    /// <summary>Emits the devices that carry them instead, one object for each device.</summary>
    [Parameter(Mandatory = true, ParameterSetName = CarriersSet)]
    public SwitchParameter Carriers { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        foreach (var value in Value ?? [null!])
        {
            var junk = store.JunkIdentifiers.List(Attribute, Source, value, string.IsNullOrEmpty(Site) ? null : Site);
            if (Carriers)
                await EmitAllAsync(store, junk.SelectMany(store.JunkIdentifiers.Carriers), cancellationToken).ConfigureAwait(false);
            else
                await EmitAllAsync(store, junk, cancellationToken).ConfigureAwait(false);
        }
    }
}
