using System.Management.Automation;
using AlloyScan.Engine.Inventory;
using AlloyScan.PowerShell.Abstractions;
using AlloyScan.PowerShell.Completion;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Removes custom fields that no service action uses, with the values that CIs hold. The values cannot be brought back.</summary>
[Cmdlet(VerbsCommon.Remove, "AlloyCmdbField", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
[OutputType(typeof(void))]
public sealed class RemoveAlloyCmdbFieldCommand : StoreCmdlet
{
    /// <summary>Names of the fields to remove.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(FieldNameCompleter))]
    [ValidateNotNullOrEmpty]
    public string[] Name { get; set; } = null!;

    /// <summary>Class of the CIs: Computer or Hardware.</summary>
    [Parameter(Mandatory = true, Position = 1, ValueFromPipelineByPropertyName = true)]
    public RecordClass Class { get; set; }

    /// <summary>Removes without asking.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        // -Force takes the question away, and nothing else: -WhatIf and a -Confirm that was typed keep their meaning.
        var ask = !Force || IsSwitchedOn("Confirm") || IsSwitchedOn("WhatIf") || LanguagePrimitives.IsTrue(GetVariableValue("WhatIfPreference"));
        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        await EachAsync(Name, async name =>
        {
            var values = await OffThread(
                () =>
                {
                    store.Fields.CheckRemovable(Class, name);
                    return store.Fields.CountValues(Class, name);
                },
                cancellationToken).ConfigureAwait(false);
            var action = $"Remove the custom field and the {values} {(values == 1 ? "value" : "values")} that CIs hold";
            if (!ask || await ConfirmAsync($"{Class}: {name}", action, cancellationToken).ConfigureAwait(false))
                await OffThread(() => store.Fields.Remove(Class, name), cancellationToken).ConfigureAwait(false);
        }).ConfigureAwait(false);
    }

    private bool IsSwitchedOn(string parameter) => MyInvocation.BoundParameters.TryGetValue(parameter, out var value) && LanguagePrimitives.IsTrue(value);
}
