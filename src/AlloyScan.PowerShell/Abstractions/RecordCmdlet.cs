using System.ComponentModel;
using System.Management.Automation;
using AlloyScan.Engine.Cmdb;
using AlloyScan.Engine.Inventory;

namespace AlloyScan.PowerShell.Abstractions;

/// <summary>Base of the cmdlets that read configuration items of one class.</summary>
/// <typeparam name="T">Type of the CIs.</typeparam>
[EditorBrowsable(EditorBrowsableState.Never)]
public abstract class RecordCmdlet<T> : StoreCmdlet
    where T : ConfigurationItem
{
    private protected const string FilterSet = "Filter";
    private protected const string IdSet = "Id";
    private protected const string DeviceSet = "Device";

    /// <summary>Names, with wildcards, or IDs. Without it all are listed.</summary>
    [Parameter(Position = 0, ParameterSetName = FilterSet)]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public string[]? Name { get; set; }

    /// <summary>Serial number, with wildcards.</summary>
    [Parameter(ParameterSetName = FilterSet)]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public string? SerialNumber { get; set; }

    /// <summary>Status, with wildcards, for example Auto-Added or Retired.</summary>
    [Parameter(ParameterSetName = FilterSet)]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public string? Status { get; set; }

    /// <summary>ID of the linked device in AlloyScan.</summary>
    [Parameter(ParameterSetName = FilterSet)]
    [ValidateNotNullOrEmpty]
    public string? DeviceId { get; set; }

    /// <summary>IDs in the CMDB, for example C000001.</summary>
    [Parameter(Mandatory = true, ValueFromPipelineByPropertyName = true, ParameterSetName = IdSet)]
    [Alias("RecordId", "ComputerId")]
    [ValidateNotNullOrEmpty]
    public string[] Id { get; set; } = null!;

    /// <summary>Devices of AlloyScan whose CI is wanted.</summary>
    [Parameter(Mandatory = true, ValueFromPipeline = true, ParameterSetName = DeviceSet)]
    [ValidateNotNullOrEmpty]
    public Device[] Device { get; set; } = null!;

    private protected abstract string ClassName { get; }

    private protected abstract IEnumerable<T> Query(CmdbRepository cmdb, RecordFilter filter);

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        await EachAsync(Wanted(), async wanted =>
        {
            var any = await EmitAllAsync(store, Query(store.Cmdb, wanted.Filter), cancellationToken).ConfigureAwait(false);
            if (!any && wanted.Exact is { } exact)
                throw Errors.RecordNotFound(ClassName, wanted.By, exact);
        }).ConfigureAwait(false);
    }

    private IEnumerable<Search> Wanted() => ParameterSetName switch
    {
        IdSet => Id.Select(id => new Search(new RecordFilter { Id = id }, "ID", id)),
        DeviceSet => Device.Select(device => new Search(new RecordFilter { DeviceId = device.Id }, "device ID", device.Id)),
        _ => (Name ?? [null!]).Select(name => new Search(
            new RecordFilter { Name = name, SerialNumber = SerialNumber, Status = Status, DeviceId = DeviceId },
            "name or ID", name is null || WildcardPattern.ContainsWildcardCharacters(name) ? null : name)),
    };

    private sealed record Search(RecordFilter Filter, string By, string? Exact);
}
