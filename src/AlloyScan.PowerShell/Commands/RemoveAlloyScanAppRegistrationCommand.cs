using System.Management.Automation;
using AlloyScan.PowerShell.Abstractions;
using AlloyScan.PowerShell.Completion;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Removes app registrations from the store, not from AlloyScan. What they spent stays counted.</summary>
[Cmdlet(VerbsCommon.Remove, "AlloyScanAppRegistration", SupportsShouldProcess = true)]
[OutputType(typeof(void))]
public sealed class RemoveAlloyScanAppRegistrationCommand : StoreCmdlet
{
    /// <summary>Names of the registrations to remove.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(AppRegistrationNameCompleter))]
    [ValidateNotNullOrEmpty]
    public string[] Name { get; set; } = null!;

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        await EachAsync(Name, async name =>
        {
            var registration = await OffThread(() => store.AppRegistrations.Get(name), cancellationToken).ConfigureAwait(false);
            if (await ConfirmAsync(registration.Name, "Remove the app registration", cancellationToken).ConfigureAwait(false))
                await OffThread(() => store.AppRegistrations.Remove(registration.Name), cancellationToken).ConfigureAwait(false);
        }).ConfigureAwait(false);
    }
}
