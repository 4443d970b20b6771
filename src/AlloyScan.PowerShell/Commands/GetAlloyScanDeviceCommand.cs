using System.Management.Automation;
using AlloyScan.Engine;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Site;
using AlloyScan.PowerShell.Abstractions;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Reads devices of an AlloyScan site.</summary>
[Cmdlet(VerbsCommon.Get, "AlloyScanDevice", DefaultParameterSetName = ListSet)]
[OutputType(typeof(Device))]
public sealed class GetAlloyScanDeviceCommand : SiteCmdlet
{
    private const string ListSet = "List";
    private const string IdSet = "Id";

    /// <summary>Name of devices, with wildcards. The list is read as a whole and filtered here; use -Search to let the site filter.</summary>
    [Parameter(Position = 0, ParameterSetName = ListSet)]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public string? Name { get; set; }

    /// <summary>Type of devices, in the site's words, for example computer or printer. The site filters.</summary>
    [Parameter(ParameterSetName = ListSet)]
    [ValidateNotNullOrEmpty]
    public string? Type { get; set; }

    /// <summary>Name or ID of a tag that the devices carry. The site filters.</summary>
    [Parameter(ParameterSetName = ListSet)]
    [ValidateNotNullOrEmpty]
    public string? Tag { get; set; }

    /// <summary>Text to look for in name, DNS name, MAC address, IP address, serial number and asset tag. The site filters.</summary>
    [Parameter(ParameterSetName = ListSet)]
    [ValidateNotNullOrEmpty]
    public string? Search { get; set; }

    /// <summary>IDs of devices to read one by one. Unlike the rows of the list they say which audit snapshot is the newest.</summary>
    [Parameter(Mandatory = true, ValueFromPipelineByPropertyName = true, ParameterSetName = IdSet)]
    [Alias("Id")]
    [ValidateNotNullOrEmpty]
    public string[] DeviceId { get; set; } = null!;

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        var connection = ResolveConnection();
        if (ParameterSetName == IdSet)
        {
            await EachAsync(DeviceId, async id => EmitFrom(
                connection,
                await connection.Client.ReadDeviceAsync(id, cancellationToken).ConfigureAwait(false) ?? throw Errors.DeviceNotFound(id))).ConfigureAwait(false);
            return;
        }

        var pattern = Name is null ? null : WildcardPattern.Get(Name, WildcardOptions.IgnoreCase);
        var query = new DeviceQuery { Type = Type, Tag = Tag, Search = Search };
        var count = 0;
        await EmitAllAsync(connection.Client.ReadDevicesAsync(query, OnUnreadable, cancellationToken), Shape, cancellationToken).ConfigureAwait(false);

        object? Shape(Device device)
        {
            if (++count % 100 == 0)
                Report("Reading devices", $"{count} read", -1);

            return pattern is null || pattern.IsMatch(device.DisplayName) ? WithOrigin(connection, device) : null;
        }
    }

    private void OnUnreadable(UnreadableDevice device) => Fail(new AlloyScanException(
        ErrorKind.InvalidData, "DeviceUnreadable", $"The device '{device.Name ?? device.DeviceId ?? "without ID"}' cannot be understood: {device.Reason}", device.DeviceId,
        "The other devices are not affected. If all fail alike, the site's API differs from the documented one: see -ApiProfilePath of Connect-AlloyScan."));
}
