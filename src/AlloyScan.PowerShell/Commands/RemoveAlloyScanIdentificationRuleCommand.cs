using System.Management.Automation;
using AlloyScan.Engine.Inventory;
using AlloyScan.PowerShell.Abstractions;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Removes identification rules. Links that they made stay.</summary>
[Cmdlet(VerbsCommon.Remove, "AlloyScanIdentificationRule", SupportsShouldProcess = true)]
[OutputType(typeof(void))]
public sealed class RemoveAlloyScanIdentificationRuleCommand : StoreCmdlet
{
    /// <summary>Names of the rules to remove.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    public string[] Name { get; set; } = null!;

    /// <summary>Class of the rules: Computer or Hardware. Needed when both classes have a rule of that name.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public RecordClass? Class { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        await EachAsync(Name, async name =>
        {
            var rule = await OffThread(() => store.IdentificationRules.Get(Class, name), cancellationToken).ConfigureAwait(false);
            if (await ConfirmAsync(rule.ToString(), "Remove the identification rule", cancellationToken).ConfigureAwait(false))
                await OffThread(() => store.IdentificationRules.Remove(rule.Class, rule.Name), cancellationToken).ConfigureAwait(false);
        }).ConfigureAwait(false);
    }
}
