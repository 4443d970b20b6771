using System.Management.Automation;
using AlloyScan.Engine;
using AlloyScan.Engine.Cmdb;
using AlloyScan.Engine.Inventory;
using AlloyScan.PowerShell.Abstractions;
using AlloyScan.PowerShell.Completion;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Lists the fields that CIs have: built-in and custom ones, which mappings write to.</summary>
[Cmdlet(VerbsCommon.Get, "AlloyCmdbField")]
[OutputType(typeof(RecordField))]
public sealed class GetAlloyCmdbFieldCommand : StoreCmdlet
{
    /// <summary>Names of fields, with wildcards. Without it all are listed.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(FieldNameCompleter))]
    [ValidateNotNullOrEmpty]
    public string[]? Name { get; set; }

    /// <summary>Class of the CIs: Computer or Hardware. Both by default.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public RecordClass? Class { get; set; }

    /// <summary>Leaves the built-in fields out.</summary>
    [Parameter]
    public SwitchParameter Custom { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        await EachAsync(Name ?? ["*"], name => OffThread(
            () =>
            {
                var pattern = WildcardPattern.Get(name, WildcardOptions.IgnoreCase);
                var any = false;
                foreach (var recordClass in Class is { } given ? [given] : Enum.GetValues<RecordClass>())
                {
                    foreach (var field in store.Fields.List(recordClass).Where(field => pattern.IsMatch(field.Name) && (field.IsCustom || !Custom)))
                    {
                        any = true;
                        EmitFrom(store, field);
                    }
                }

                if (!any && !WildcardPattern.ContainsWildcardCharacters(name))
                    throw new AlloyScanException(ErrorKind.NotFound, "FieldNotFound", $"{Class?.ToString() ?? "No class"} has {(Class is null ? "a" : "no")} field '{name}'.", name, "Patterns with * and ? find similar ones.");
            },
            cancellationToken)).ConfigureAwait(false);
    }
}
