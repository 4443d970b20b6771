using System.Management.Automation;
using AlloyScan.Engine.Cmdb;
using AlloyScan.Engine.Inventory;
using AlloyScan.PowerShell.Abstractions;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Defines custom fields of CIs, which mappings can write to like built-in ones.</summary>
[Cmdlet(VerbsCommon.New, "AlloyCmdbField", SupportsShouldProcess = true)]
[OutputType(typeof(RecordField))]
public sealed class NewAlloyCmdbFieldCommand : StoreCmdlet
{
    /// <summary>Names of the fields: a letter, then letters, digits and underscores.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    public string[] Name { get; set; } = null!;

    /// <summary>Classes of the CIs that get the field: Computer, Hardware or both.</summary>
    [Parameter(Mandatory = true, Position = 1, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    public RecordClass[] Class { get; set; } = [];

    /// <summary>What the field holds: Text, Number, Date or Boolean. Text by default.</summary>
    [Parameter(Position = 2, ValueFromPipelineByPropertyName = true)]
    public FieldType Type { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        await EachAsync(Name.SelectMany(name => Class.Select(recordClass => (name, recordClass))), async field =>
        {
            if (await ConfirmAsync($"{field.recordClass}: {field.name}", $"Define a custom field of type {Type}", cancellationToken).ConfigureAwait(false))
                EmitFrom(store, await OffThread(() => store.Fields.Create(field.recordClass, field.name, Type), cancellationToken).ConfigureAwait(false));
        }).ConfigureAwait(false);
    }
}
