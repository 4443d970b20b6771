using System.Management.Automation;
using AlloyScan.Engine.Sync.Identify;
using AlloyScan.PowerShell.Abstractions;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Removes own entries from the junk identifiers: from the next run on the values count again.</summary>
[Cmdlet(VerbsCommon.Remove, "AlloyScanJunkIdentifier", SupportsShouldProcess = true)]
[OutputType(typeof(void))]
public sealed class RemoveAlloyScanJunkIdentifierCommand : StoreCmdlet
{
    /// <summary>What they are values of: Name, SerialNumber, MacAddress, BiosUuid or AssetTag.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    public IdentificationAttribute Attribute { get; set; }

    /// <summary>The values, in any form.</summary>
    [Parameter(Mandatory = true, Position = 1, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    public string[] Value { get; set; } = null!;

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        await EachAsync(Value, async value =>
        {
            var junk = await OffThread(() => store.JunkIdentifiers.Find(Attribute, value), cancellationToken).ConfigureAwait(false);
            if (await ConfirmAsync(junk.ToString(), "Remove from the junk identifiers", cancellationToken).ConfigureAwait(false))
                await OffThread(() => store.JunkIdentifiers.Remove(junk.Attribute, junk.Value), cancellationToken).ConfigureAwait(false);
        }).ConfigureAwait(false);
    }
}
