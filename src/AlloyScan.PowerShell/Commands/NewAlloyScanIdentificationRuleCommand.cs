using System.Management.Automation;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Sync.Identify;
using AlloyScan.PowerShell.Abstractions;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Makes a rule that recognises a device without a link as a CI.</summary>
[Cmdlet(VerbsCommon.New, "AlloyScanIdentificationRule", SupportsShouldProcess = true)]
[OutputType(typeof(IdentificationRule))]
public sealed class NewAlloyScanIdentificationRuleCommand : StoreCmdlet
{
    /// <summary>Name of the rule, unique in its class.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    public string Name { get; set; } = null!;

    /// <summary>Class of the CIs that it recognises: Computer or Hardware.</summary>
    [Parameter(Mandatory = true, ValueFromPipelineByPropertyName = true)]
    public RecordClass Class { get; set; }

    /// <summary>
    /// Conditions, joined by AND: an attribute (Name, SerialNumber, MacAddress, BiosUuid, AssetTag, AuditId) and an operator (matches, does not match, equals, does not equal), as in 'SerialNumber matches'.
    /// </summary>
    [Parameter(Mandatory = true, Position = 1, ValueFromPipelineByPropertyName = true)]
    [Alias("Conditions")]
    [ValidateNotNullOrEmpty]
    public object[] Condition { get; set; } = null!;

    /// <summary>What the rule does with the CI that it finds: Overwrite it with the device's data, or put the device on the list of conflicts (Conflict).</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public RuleAction Action { get; set; }

    /// <summary>Place in the order of the class, from 1. By default the last place before the system rule Default.</summary>
    [Parameter]
    [ValidateRange(1, int.MaxValue)]
    public int? Position { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        var rule = new IdentificationRule { Class = Class, Name = Name, Conditions = RuleConditions.From(Condition), Action = Action };
        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        if (!await ConfirmAsync(rule.ToString(), $"Make the identification rule {string.Join(" and ", rule.Conditions)}", cancellationToken).ConfigureAwait(false))
            return;

        EmitFrom(store, await OffThread(() => store.IdentificationRules.Create(rule, Position), cancellationToken).ConfigureAwait(false));
        foreach (var doubt in IdentificationRules.Doubts(rule))
            Warn(doubt);
    }
}
