using System.Collections;
using System.Globalization;
using System.Management.Automation;
using AlloyScan.Engine;
using AlloyScan.Engine.Cmdb;
using AlloyScan.PowerShell.Abstractions;
using AlloyScan.PowerShell.Completion;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Changes service actions: single mappings or all of them, initial values, name. What is not named stays as it is.</summary>
[Cmdlet(VerbsCommon.Set, "AlloyScanServiceAction", SupportsShouldProcess = true, DefaultParameterSetName = SingleSet)]
[OutputType(typeof(ServiceAction))]
public sealed class SetAlloyScanServiceActionCommand : StoreCmdlet
{
    private const string SingleSet = "Single";
    private const string AllSet = "All";

    /// <summary>Numbers of the service actions to change.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(ServiceActionCompleter))]
    public int[] Id { get; set; } = [];

    /// <summary>Mappings in place of all present ones: text such as 'asset_tag = custom.AssetNo UnlessEdited', hashtables, or mappings of an action.</summary>
    [Parameter(Mandatory = true, ParameterSetName = AllSet)]
    [ArgumentCompleter(typeof(MappingCompleter))]
    [AllowEmptyCollection]
    [ValidateNotNull]
    public object[] Mapping { get; set; } = [];

    /// <summary>Mappings to add. One of a field that is mapped already takes the place of that.</summary>
    [Parameter(ParameterSetName = SingleSet)]
    [ArgumentCompleter(typeof(MappingCompleter))]
    [ValidateNotNullOrEmpty]
    public object[] AddMapping { get; set; } = [];

    /// <summary>Fields that are not to be mapped any more.</summary>
    [Parameter(ParameterSetName = SingleSet)]
    [ArgumentCompleter(typeof(FieldNameCompleter))]
    [ValidateNotNullOrEmpty]
    public string[] RemoveMapping { get; set; } = [];

    /// <summary>Values that a new CI begins with, by field, in place of all present ones: @{ status = 'In Use' }. An empty hashtable leaves none.</summary>
    [Parameter]
    [ValidateNotNull]
    public IDictionary? InitialValue { get; set; }

    /// <summary>New name.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? NewName { get; set; }

    /// <summary>Emits the changed service actions.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        var (words, apply) = Changes();
        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        await EachAsync(Id, async id =>
        {
            var action = await OffThread(() => store.ServiceActions.Get(id), cancellationToken).ConfigureAwait(false);
            var changed = apply(action);
            if (!await ConfirmAsync(action.ToString(), words, cancellationToken).ConfigureAwait(false))
                return;

            changed = await OffThread(() => store.ServiceActions.Update(changed), cancellationToken).ConfigureAwait(false);
            if (PassThru)
                EmitFrom(store, changed);
        }).ConfigureAwait(false);
    }

    private (string Words, Func<ServiceAction, ServiceAction> Apply) Changes()
    {
        var all = ParameterSetName == AllSet ? FieldMappings.From(Mapping) : null;
        var added = FieldMappings.From(AddMapping);
        var initial = InitialValue is null ? null : InitialValueTable.From(InitialValue);
        var words = new List<string>();
        if (all is not null)
            words.Add($"Set the mapping to {(all.Length == 0 ? "nothing" : string.Join("; ", (object[])all))}");
        if (RemoveMapping.Length > 0)
            words.Add($"Remove the mapping of {string.Join(", ", RemoveMapping)}");
        if (added.Length > 0)
            words.Add($"Add the mapping {string.Join("; ", (object[])added)}");
        if (initial is not null)
            words.Add($"Set the initial values to {(initial.Count == 0 ? "nothing" : string.Join("; ", initial.Select(pair => $"{pair.Key} = {pair.Value}")))}");
        if (NewName is not null)
            words.Add($"Set the name to '{NewName}'");
        if (words.Count == 0)
        {
            throw new AlloyScanException(
                ErrorKind.InvalidArgument, "NothingToSet", "Nothing to change was given.", advice: "Name what is to change, for example -AddMapping 'asset_tag = custom.AssetNo'.");
        }

        return (string.Join(", ", words), action => action with
        {
            Mappings = all ?? [.. Without(action, RemoveMapping).Where(mapping => !added.Any(a => IsOf(mapping, a.Field))), .. added],
            InitialValues = initial ?? action.InitialValues,
            Name = NewName ?? action.Name,
        });
    }

    private static IEnumerable<FieldMapping> Without(ServiceAction action, string[] fields)
    {
        foreach (var field in fields)
        {
            if (!action.Mappings.Any(mapping => IsOf(mapping, field)))
            {
                throw new AlloyScanException(
                    ErrorKind.NotFound, "MappingNotFound", string.Create(CultureInfo.InvariantCulture, $"The service action {action} has no mapping of the field '{field}'."), field,
                    $"It maps {string.Join(", ", action.Mappings.Select(mapping => mapping.Field))}.");
            }
        }

        return action.Mappings.Where(mapping => !fields.Any(field => IsOf(mapping, field)));
    }

    private static bool IsOf(FieldMapping mapping, string field) => string.Equals(mapping.Field, field.Trim(), StringComparison.OrdinalIgnoreCase);
}
