using System.Management.Automation;
using AlloyScan.Engine;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Sync;
using AlloyScan.Engine.Sync.Links;
using AlloyScan.PowerShell.Abstractions;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Lists the links between devices and CIs: their state, the rule that made them, and when the device was seen.</summary>
[Cmdlet(VerbsCommon.Get, "AlloyScanLink")]
[OutputType(typeof(SyncLink))]
public sealed class GetAlloyScanLinkCommand : StoreCmdlet
{
    /// <summary>IDs of devices in AlloyScan. Without it the links of all are listed.</summary>
    [Parameter(Position = 0)]
    [ValidateNotNullOrEmpty]
    public string[]? DeviceId { get; set; }

    /// <summary>IDs of CIs, for example C000001: all links that the CI has or had.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [Alias("Id", "ComputerId")]
    [ValidateNotNullOrEmpty]
    public string[]? RecordId { get; set; }

    /// <summary>Name of the site, with wildcards.</summary>
    [Parameter]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public string? Site { get; set; }

    /// <summary>States to list; all by default.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public LinkState[]? State { get; set; }

    /// <summary>Class of the CIs.</summary>
    [Parameter]
    public RecordClass? Class { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        var wanted = from device in DeviceId ?? [null!] from record in RecordId ?? [null!] select (Device: (string?)device, Record: (string?)record);
        await EachAsync(wanted, async one =>
        {
            var filter = new LinkFilter { DeviceId = one.Device, RecordId = one.Record, Site = Site, Class = Class, State = State is { Length: 1 } ? State[0] : null };
            var any = await EmitAllAsync(store, store.Links.List(filter).Where(l => State is null || State.Contains(l.State)), cancellationToken).ConfigureAwait(false);
            if (!any && State is null && Site is null && Class is null && (one.Device ?? one.Record) is { } exact)
            {
                throw new AlloyScanException(
                    ErrorKind.NotFound, "LinkNotFound", one.Device is null ? $"The CI '{exact}' has no link to a device, nor had one." : $"The device '{exact}' has no link to a CI.", exact,
                    "A device without CI may be among the conflicts: Get-AlloyScanConflict.");
            }
        }).ConfigureAwait(false);
    }
}
