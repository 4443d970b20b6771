using System.Management.Automation;
using AlloyScan.Engine;
using AlloyScan.Engine.Cmdb;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Store;
using AlloyScan.PowerShell.Abstractions;
using AlloyScan.PowerShell.Completion;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Lists service actions: what a run does to new and existing CIs.</summary>
[Cmdlet(VerbsCommon.Get, "AlloyScanServiceAction", DefaultParameterSetName = NameSet)]
[OutputType(typeof(ServiceAction), typeof(FieldMapping))]
public sealed class GetAlloyScanServiceActionCommand : StoreCmdlet
{
    private const string NameSet = "Name";
    private const string IdSet = "Id";

    /// <summary>Numbers of service actions.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true, ParameterSetName = IdSet)]
    [ArgumentCompleter(typeof(ServiceActionCompleter))]
    public int[] Id { get; set; } = [];

    /// <summary>Names of service actions, with wildcards. Without it all are listed.</summary>
    [Parameter(ParameterSetName = NameSet)]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public string[]? Name { get; set; }

    /// <summary>Class of the CIs: Computer or Hardware. Both by default.</summary>
    [Parameter(ParameterSetName = NameSet)]
    public RecordClass? Class { get; set; }

    /// <summary>Create for the actions that make CIs, Update for those that change them. Both by default.</summary>
    [Parameter(ParameterSetName = NameSet)]
    public ServiceActionKind? Kind { get; set; }

    /// <summary>Emits the mappings of the actions instead, one a line.</summary>
    [Parameter]
    public SwitchParameter ExpandMapping { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        if (ParameterSetName == IdSet)
        {
            await EachAsync(Id, id => OffThread(() => Give(store, id), cancellationToken)).ConfigureAwait(false);
            return;
        }

        await EachAsync(Name ?? ["*"], async name =>
        {
            var ids = await OffThread(() => store.ServiceActions.Find(name), cancellationToken).ConfigureAwait(false);
            if (ids.Count == 0 && !WildcardPattern.ContainsWildcardCharacters(name))
            {
                throw new AlloyScanException(
                    ErrorKind.NotFound, "ServiceActionNotFound", $"There is no service action named '{name}'.", name, "Patterns with * and ? find similar ones.");
            }

            // One that cannot be read does not hide the others.
            await EachAsync(ids, id => OffThread(() => Give(store, id), cancellationToken)).ConfigureAwait(false);
        }).ConfigureAwait(false);
    }

    private void Give(AlloyStore store, int id)
    {
        var action = store.ServiceActions.Get(id);
        if ((Class is { } wanted && action.Class != wanted) || (Kind is { } kind && action.Kind != kind))
            return;

        if (!ExpandMapping)
        {
            EmitFrom(store, action);
            return;
        }

        foreach (var mapping in action.Mappings)
            Emit(mapping);
    }
}
