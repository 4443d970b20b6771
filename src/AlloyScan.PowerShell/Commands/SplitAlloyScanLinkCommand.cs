using System.Management.Automation;
using AlloyScan.Engine.Sync.Links;
using AlloyScan.PowerShell.Abstractions;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Undoes a wrong merge and keeps it undone: the CI gets back what it held before, and the device gets a CI of its own.</summary>
[Cmdlet(VerbsCommon.Split, "AlloyScanLink", SupportsShouldProcess = true)]
[OutputType(typeof(SyncLink))]
public sealed class SplitAlloyScanLinkCommand : StoreCmdlet
{
    /// <summary>IDs of the devices that were linked to the wrong CI. Taken from links, computers and hardware of the pipeline.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    public string[] DeviceId { get; set; } = null!;

    /// <summary>Name of the site, when several sites have a device of that ID.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    public string? Site { get; set; }

    /// <summary>Emits the links of the devices to their own CIs.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        await EachAsync(DeviceId, async device =>
        {
            var link = await OffThread(() => store.Links.Find(device, Site), cancellationToken).ConfigureAwait(false);
            if (!await ConfirmAsync($"{link.DeviceName} ({device})", $"Split the device from {link.RecordId} and give it a CI of its own", cancellationToken).ConfigureAwait(false))
                return;

            var own = await OffThread(() => store.Links.Split(device, Site, Warn), cancellationToken).ConfigureAwait(false);
            if (PassThru)
                EmitFrom(store, own);
        }).ConfigureAwait(false);
    }
}
