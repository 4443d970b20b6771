using System.Collections;
using System.ComponentModel;
using System.Globalization;
using System.Management.Automation;
using System.Text;
using AlloyScan.Engine;
using AlloyScan.Engine.Cmdb;
using AlloyScan.Engine.Inventory;

namespace AlloyScan.PowerShell.Abstractions;

/// <summary>Base of the cmdlets that edit configuration items by hand. Each field is a parameter; an empty value empties the field.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public abstract class RecordEditCmdlet : StoreCmdlet
{
    private protected RecordEditCmdlet()
    {
    }

    /// <summary>IDs of the CIs to change, for example C000001.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    [Alias("RecordId")]
    [ValidateNotNullOrEmpty]
    public string[] Id { get; set; } = null!;

    /// <summary>New name.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Name { get; set; }

    /// <summary>New full DNS name; an empty value empties the field.</summary>
    [Parameter]
    [AllowNull]
    [AllowEmptyString]
    public string? DnsName { get; set; }

    /// <summary>New serial number; an empty value empties the field.</summary>
    [Parameter]
    [AllowNull]
    [AllowEmptyString]
    public string? SerialNumber { get; set; }

    /// <summary>New asset tag; an empty value empties the field.</summary>
    [Parameter]
    [AllowNull]
    [AllowEmptyString]
    public string? AssetTag { get; set; }

    /// <summary>New MAC address; an empty value empties the field.</summary>
    [Parameter]
    [AllowNull]
    [AllowEmptyString]
    public string? MacAddress { get; set; }

    /// <summary>New IP address; an empty value empties the field.</summary>
    [Parameter]
    [AllowNull]
    [AllowEmptyString]
    public string? IpAddress { get; set; }

    /// <summary>New maker; an empty value empties the field.</summary>
    [Parameter]
    [AllowNull]
    [AllowEmptyString]
    public string? Manufacturer { get; set; }

    /// <summary>New model; an empty value empties the field.</summary>
    [Parameter]
    [AllowNull]
    [AllowEmptyString]
    public string? Model { get; set; }

    /// <summary>New status, for example In Use or Retired. A retired CI is not updated any more.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Status { get; set; }

    /// <summary>New values of custom fields, by field: @{ cost_center = 42 }. A value that is empty or null empties the field.</summary>
    [Parameter]
    [ValidateNotNull]
    public IDictionary? Custom { get; set; }

    /// <summary>Emits the changed CIs.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    private protected abstract RecordClass RecordClass { get; }

    private protected abstract ConfigurationItem? Find(CmdbRepository cmdb, string id);

    /// <summary>Parameters that are fields; a field's name is the parameter's in snake case.</summary>
    private protected virtual IEnumerable<string> FieldParameters =>
        [nameof(Name), nameof(DnsName), nameof(SerialNumber), nameof(AssetTag), nameof(MacAddress), nameof(IpAddress), nameof(Manufacturer), nameof(Model), nameof(Status)];

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        var changes = Changes();
        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        await EachAsync(Id, async id =>
        {
            var item = await OffThread(() => Find(store.Cmdb, id), cancellationToken).ConfigureAwait(false)
                ?? throw Errors.RecordNotFound(RecordClass == RecordClass.Computer ? "computer" : "hardware", "ID", id);
            var action = "Set " + string.Join(", ", changes.Select(change => $"{change.Key} to '{change.Value}'"));
            if (!await ConfirmAsync($"{item.Name} ({item.Id})", action, cancellationToken).ConfigureAwait(false))
                return;

            var changed = await OffThread(() => store.Cmdb.Update(RecordClass, item.Id, changes), cancellationToken).ConfigureAwait(false);
            if (PassThru)
                EmitFrom(store, changed);
        }).ConfigureAwait(false);
    }

    /// <summary>What the user gave, by field name as in the store's views.</summary>
    private Dictionary<string, string?> Changes()
    {
        var given = MyInvocation.BoundParameters;
        var changes = FieldParameters
            .Where(given.ContainsKey)
            .ToDictionary(FieldName, name => Convert.ToString(given[name], CultureInfo.InvariantCulture) is { Length: > 0 } text ? text : null);
        foreach (var (name, value) in Custom is null ? [] : FieldTexts.From(Custom, nameof(Custom)))
        {
            if (!changes.TryAdd(name, value))
                throw new AlloyScanException(ErrorKind.InvalidArgument, "InvalidFieldTable", $"The field '{name}' is given twice: as a parameter and in -Custom.", name, "Give each field once.");
        }

        return changes.Count > 0
            ? changes
            : throw new AlloyScanException(
                ErrorKind.InvalidArgument, "NothingToSet", "No field to change was given.", advice: "Name a field and its new value, for example -AssetTag A-100.");
    }

    /// <summary>Turns <c>SerialNumber</c> into <c>serial_number</c>.</summary>
    private static string FieldName(string parameter)
    {
        var name = new StringBuilder();
        foreach (var c in parameter)
        {
            if (char.IsUpper(c) && name.Length > 0)
                name.Append('_');

            name.Append(char.ToLowerInvariant(c));
        }

        return name.ToString();
    }
}
