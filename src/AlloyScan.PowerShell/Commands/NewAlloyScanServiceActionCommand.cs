using System.Collections;
using System.Management.Automation;
using AlloyScan.Engine.Cmdb;
using AlloyScan.Engine.Inventory;
using AlloyScan.PowerShell.Abstractions;
using AlloyScan.PowerShell.Completion;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Makes a service action: initial values and field mapping for new or existing CIs. Jobs use it once they name it.</summary>
[Cmdlet(VerbsCommon.New, "AlloyScanServiceAction", SupportsShouldProcess = true)]
[OutputType(typeof(ServiceAction))]
public sealed class NewAlloyScanServiceActionCommand : StoreCmdlet
{
    /// <summary>Name of the service action.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    [ValidateNotNullOrEmpty]
    public string Name { get; set; } = null!;

    /// <summary>Class of the CIs: Computer or Hardware.</summary>
    [Parameter(Mandatory = true, ValueFromPipelineByPropertyName = true)]
    public RecordClass Class { get; set; }

    /// <summary>Create for new CIs, Update for existing ones.</summary>
    [Parameter(Mandatory = true, ValueFromPipelineByPropertyName = true)]
    public ServiceActionKind Kind { get; set; }

    /// <summary>The mappings: text such as 'asset_tag = custom.AssetNo UnlessEdited', hashtables, or mappings of another action. See about_AlloyScan_Mapping.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [Alias("Mappings")]
    [ArgumentCompleter(typeof(MappingCompleter))]
    [AllowEmptyCollection]
    [ValidateNotNull]
    public object[] Mapping { get; set; } = [];

    /// <summary>Values that a new CI begins with, by field: @{ status = 'In Use' }. Only for Create; a mapping that has a value overrides them.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [Alias("InitialValues")]
    [ValidateNotNull]
    public IDictionary InitialValue { get; set; } = new Hashtable();

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        var action = new ServiceAction
        {
            Name = Name,
            Class = Class,
            Kind = Kind,
            Mappings = FieldMappings.From(Mapping),
            InitialValues = InitialValueTable.From(InitialValue),
        };
        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        if (await ConfirmAsync(Name, $"Make a service action for {(Kind == ServiceActionKind.Create ? "new" : "existing")} CIs of class {Class} with {action.Mappings.Count} mappings", cancellationToken).ConfigureAwait(false))
            EmitFrom(store, await OffThread(() => store.ServiceActions.Create(action), cancellationToken).ConfigureAwait(false));
    }
}
