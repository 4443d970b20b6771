using System.Management.Automation;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Sync.Identify;
using AlloyScan.PowerShell.Abstractions;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Puts the shipped identification rules in place of those there are.</summary>
[Cmdlet(VerbsCommon.Reset, "AlloyScanIdentificationRule", SupportsShouldProcess = true)]
[OutputType(typeof(IdentificationRule))]
public sealed class ResetAlloyScanIdentificationRuleCommand : StoreCmdlet
{
    /// <summary>Class whose rules are reset: Computer or Hardware. Both by default.</summary>
    [Parameter(Position = 0, ValueFromPipelineByPropertyName = true)]
    public RecordClass? Class { get; set; }

    /// <summary>Emits the rules as they are then.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        foreach (var one in Class is { } given ? [given] : Enum.GetValues<RecordClass>())
        {
            var present = await OffThread(() => store.IdentificationRules.List(one), cancellationToken).ConfigureAwait(false);
            var names = string.Join(", ", present.Where(rule => !rule.IsSystem).Select(rule => $"'{rule.Name}'"));
            if (!await ConfirmAsync(one.ToString(), $"Put the shipped identification rules in place of {(names.Length == 0 ? "none" : names)}", cancellationToken).ConfigureAwait(false))
                continue;

            var rules = await OffThread(() => store.IdentificationRules.Reset(one), cancellationToken).ConfigureAwait(false);
            foreach (var rule in PassThru ? rules : [])
                EmitFrom(store, rule);
        }
    }
}
