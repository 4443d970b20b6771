using System.Management.Automation;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Sync.Identify;
using AlloyScan.PowerShell.Abstractions;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Lists the rules that recognise a device without a link as a CI, in the order in which they are tried.</summary>
[Cmdlet(VerbsCommon.Get, "AlloyScanIdentificationRule")]
[OutputType(typeof(IdentificationRule))]
public sealed class GetAlloyScanIdentificationRuleCommand : StoreCmdlet
{
    /// <summary>Names of rules, with wildcards. Without it all are listed.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public string[]? Name { get; set; }

    /// <summary>Class of the CIs that the rules recognise: Computer or Hardware. Both by default.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public RecordClass? Class { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        await EachAsync(Name ?? ["*"], name => OffThread(
            () =>
            {
                var rules = store.IdentificationRules.List(Class, name);
                // A name that is no pattern and fits nothing is an error that lists the names there are.
                if (rules.Count == 0 && !WildcardPattern.ContainsWildcardCharacters(name))
                    store.IdentificationRules.Get(Class, name);
                foreach (var rule in rules)
                    EmitFrom(store, rule);
            },
            cancellationToken)).ConfigureAwait(false);
    }
}
