using System.Management.Automation;
using AlloyScan.Engine;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Sync.Identify;
using AlloyScan.PowerShell.Abstractions;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Changes identification rules: conditions, action, name, and place in the order. What is not named stays as it is.</summary>
[Cmdlet(VerbsCommon.Set, "AlloyScanIdentificationRule", SupportsShouldProcess = true)]
[OutputType(typeof(IdentificationRule))]
public sealed class SetAlloyScanIdentificationRuleCommand : StoreCmdlet
{
    /// <summary>Names of the rules to change.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    public string[] Name { get; set; } = null!;

    /// <summary>Class of the rules: Computer or Hardware. Needed when both classes have a rule of that name.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public RecordClass? Class { get; set; }

    /// <summary>New conditions in place of all present ones, as in 'SerialNumber matches', 'Name does not match'.</summary>
    [Parameter]
    [Alias("Conditions")]
    [ValidateNotNullOrEmpty]
    public object[]? Condition { get; set; }

    /// <summary>New action: Overwrite or Conflict.</summary>
    [Parameter]
    public RuleAction? Action { get; set; }

    /// <summary>New place in the order of the class, from 1; the other rules make room.</summary>
    [Parameter]
    [ValidateRange(1, int.MaxValue)]
    public int? Position { get; set; }

    /// <summary>New name.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? NewName { get; set; }

    /// <summary>Emits the changed rules.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        var changes = Changes();
        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        await EachAsync(Name, async name =>
        {
            var rule = await OffThread(() => store.IdentificationRules.Get(Class, name), cancellationToken).ConfigureAwait(false);
            if (!await ConfirmAsync(rule.ToString(), $"Set {changes.Words}", cancellationToken).ConfigureAwait(false))
                return;

            var saved = await OffThread(() => store.IdentificationRules.Update(changes.Apply(rule)), cancellationToken).ConfigureAwait(false);
            foreach (var doubt in IdentificationRules.Doubts(saved))
                Warn(doubt);
            if (PassThru)
                EmitFrom(store, saved);
        }).ConfigureAwait(false);
    }

    private (string Words, Func<IdentificationRule, IdentificationRule> Apply) Changes()
    {
        var conditions = Condition is null ? null : RuleConditions.From(Condition);
        var words = new List<string>();
        if (conditions is not null)
            words.Add($"the conditions to {string.Join(" and ", (IEnumerable<RuleCondition>)conditions)}");
        if (Action is { } action)
            words.Add($"the action to {action}");
        if (Position is { } position)
            words.Add($"the position to {position}");
        if (NewName is not null)
            words.Add($"the name to '{NewName}'");
        if (words.Count == 0)
        {
            throw new AlloyScanException(
                ErrorKind.InvalidArgument, "NothingToSet", "Nothing to change was given.", advice: "Name what is to change, for example -Position 1 or -Action Conflict.");
        }

        return (string.Join(", ", words), rule => rule with
        {
            Conditions = conditions ?? rule.Conditions,
            Action = Action ?? rule.Action,
            Position = Position ?? rule.Position,
            Name = NewName ?? rule.Name,
        });
    }
}
