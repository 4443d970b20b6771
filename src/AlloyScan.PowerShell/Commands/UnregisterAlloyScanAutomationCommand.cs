using System.Management.Automation;
using AlloyScan.Engine;
using AlloyScan.PowerShell.Abstractions;
using AlloyScan.PowerShell.Automation;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Takes back what Register-AlloyScanAutomation registered: stops the server and removes its unit, agent, task or service.</summary>
[Cmdlet(VerbsLifecycle.Unregister, "AlloyScanAutomation", SupportsShouldProcess = true)]
[OutputType(typeof(void))]
public sealed class UnregisterAlloyScanAutomationCommand : AsyncCmdlet
{
    /// <summary>Names of the units, agents, tasks or services.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    public string[] Name { get; set; } = null!;

    /// <summary>User or System, where both have one of that name.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public AutomationScope? Scope { get; set; }

    /// <summary>What starts it, where several have one of that name: on Windows TaskScheduler or WindowsService.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ValidateSet("systemd", "launchd", "TaskScheduler", "WindowsService")]
    public string? Manager { get; set; }

    /// <summary>Removes the file and runs no command.</summary>
    [Parameter]
    public SwitchParameter NoCommand { get; set; }

    /// <inheritdoc/>
    protected override Task ProcessAsync(CancellationToken cancellationToken) => EachAsync(Name, async name =>
    {
        var found = AutomationManager.List().Where(a => a.Name == name && (Scope is null || a.Scope == Scope) && (Manager is null || a.Manager.Equals(Manager, StringComparison.OrdinalIgnoreCase))).ToList();
        if (found.Count == 0)
            throw new AlloyScanException(ErrorKind.NotFound, "AutomationNotFound", $"Nothing is registered under the name '{name}'.", name, "Get-AlloyScanAutomation lists what is.");
        if (found.Count > 1)
            throw new AlloyScanException(ErrorKind.InvalidArgument, "AutomationAmbiguous", $"'{name}' is registered more than once: {string.Join(", ", found.Select(a => $"{a.Manager} of the {(a.Scope == AutomationScope.User ? "user" : "machine")}"))}.", name, "Say which with -Scope or -Manager.");

        var automation = found[0];
        var plan = AutomationManager.Plan(new AutomationRequest { Name = automation.Name, Scope = automation.Scope, Program = "alloyscan", Arguments = [], Manager = automation.Manager });
        await RunAsync(plan.Stop, cancellationToken).ConfigureAwait(false);
        if (await ConfirmAsync(automation.Path, "Remove the file", cancellationToken).ConfigureAwait(false))
            await OffThread(() => AutomationManager.Delete(automation.Path), cancellationToken).ConfigureAwait(false);
        await RunAsync(plan.Removed, cancellationToken).ConfigureAwait(false);
    });

    private async Task RunAsync(IReadOnlyList<IReadOnlyList<string>> commands, CancellationToken cancellationToken)
    {
        if (NoCommand)
            return;

        foreach (var command in commands)
        {
            if (await ConfirmAsync(AutomationPlan.Line(command), "Run the command", cancellationToken).ConfigureAwait(false))
                await AutomationManager.ExecuteAsync(command, cancellationToken).ConfigureAwait(false);
        }
    }
}
