using System.Management.Automation;
using AlloyScan.Engine.Sync.Identify;
using AlloyScan.PowerShell.Abstractions;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Says that values identify nothing: from the next run on they count as blank for identification.</summary>
[Cmdlet(VerbsCommon.Add, "AlloyScanJunkIdentifier", SupportsShouldProcess = true)]
[OutputType(typeof(JunkIdentifier))]
public sealed class AddAlloyScanJunkIdentifierCommand : StoreCmdlet
{
    /// <summary>What they are values of: Name, SerialNumber, MacAddress, BiosUuid or AssetTag.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    public IdentificationAttribute Attribute { get; set; }

    /// <summary>The values, each as a whole and in any form; they are compared without case, surplus space and separators.</summary>
    [Parameter(Mandatory = true, Position = 1, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    public string[] Value { get; set; } = null!;

    /// <summary>Why they are junk, for whoever reads the list later.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Note { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        await EachAsync(Value, async value =>
        {
            if (!await ConfirmAsync($"{Attribute} {value}", "Add to the junk identifiers", cancellationToken).ConfigureAwait(false))
                return;

            var junk = await OffThread(() => store.JunkIdentifiers.Add(Attribute, value, Note), cancellationToken).ConfigureAwait(false);
            EmitFrom(store, junk);
            if (junk.LiveLinks > 0)
                Warn($"The {Attribute} '{junk.Value}' stands on {junk.LiveLinks} linked CIs. Their links stay; Get-AlloyScanJunkIdentifier '{junk.Value}' -Carriers shows them.");
        }).ConfigureAwait(false);
    }
}
