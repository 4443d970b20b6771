using System.Management.Automation;
using AlloyScan.PowerShell.Abstractions;
using AlloyScan.PowerShell.Automation;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Lists the Automation Servers that this machine starts by itself.</summary>
[Cmdlet(VerbsCommon.Get, "AlloyScanAutomation")]
[OutputType(typeof(AlloyScanAutomation))]
public sealed class GetAlloyScanAutomationCommand : AsyncCmdlet
{
    /// <summary>Names, with wildcards. Without it all are listed.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true)]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public string[]? Name { get; set; }

    /// <summary>Only those of the user, or of the machine.</summary>
    [Parameter]
    public AutomationScope? Scope { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        var patterns = (Name ?? ["*"]).Select(n => new WildcardPattern(n, WildcardOptions.IgnoreCase)).ToList();
        foreach (var automation in AutomationManager.List().Where(a => (Scope is null || a.Scope == Scope) && patterns.Any(p => p.IsMatch(a.Name))))
            Emit(automation with { State = await AutomationManager.StateAsync(automation, cancellationToken).ConfigureAwait(false) });
    }
}
