using System.Management.Automation;
using AlloyScan.Engine;
using AlloyScan.Engine.Credentials;
using AlloyScan.PowerShell.Abstractions;
using AlloyScan.PowerShell.Completion;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Changes app registrations of the store. What is not named stays: a renewal gives a new date only, a replacement a new client ID and secret, which the jobs then use.</summary>
[Cmdlet(VerbsCommon.Set, "AlloyScanAppRegistration", SupportsShouldProcess = true, DefaultParameterSetName = SettingsSet)]
[OutputType(typeof(AppRegistration))]
public sealed class SetAlloyScanAppRegistrationCommand : AppRegistrationCmdlet
{
    private const string SettingsSet = "Settings";

    /// <summary>Names of the registrations to change.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(AppRegistrationNameCompleter))]
    [ValidateNotNullOrEmpty]
    public string[] Name { get; set; } = null!;

    /// <summary>New name of the registration.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? NewName { get; set; }

    /// <summary>New client ID. The jobs that use the former one are moved to it.</summary>
    // In the set without a secret too, so that a client ID alone is told as that.
    [Parameter(DontShow = true, ParameterSetName = SettingsSet)]
    [Parameter(ParameterSetName = RegistrationSets.ClientSecret)]
    [Parameter(ParameterSetName = RegistrationSets.ClientSecretVariable)]
    [Parameter(ParameterSetName = RegistrationSets.ClientSecretFile)]
    [Parameter(ParameterSetName = RegistrationSets.VaultSecret)]
    [ValidateNotNullOrEmpty]
    public string? ClientId { get; set; }

    /// <summary>Emits the changed registrations.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        if (ParameterSetName == SettingsSet && ClientId is not null)
        {
            throw new AlloyScanException(
                ErrorKind.InvalidArgument, "CredentialMissing", $"The client ID '{ClientId}' is given without its secret.", ClientId,
                "A new client ID comes with a new secret: give -Credential, or say where it is with -ClientSecretVariable, -ClientSecretFile or -VaultSecret.");
        }

        var change = Given(ClientId);
        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        await EachAsync(Name, async name =>
        {
            var before = await OffThread(() => store.AppRegistrations.Get(name), cancellationToken).ConfigureAwait(false);
            var after = change(before) with { Name = NewName ?? before.Name };
            var action = after.ClientId == before.ClientId || before.Jobs.Count == 0
                ? "Change the app registration"
                : $"Replace the app registration by {after.ClientId} and move {(before.Jobs.Count == 1 ? $"the job '{before.Jobs[0]}'" : $"{before.Jobs.Count} jobs")} to it";
            if (!await ConfirmAsync(before.Name, action, cancellationToken).ConfigureAwait(false))
                return;

            var saved = await OffThread(() => store.AppRegistrations.Update(after), cancellationToken).ConfigureAwait(false);
            if (PassThru)
                EmitFrom(store, saved);
            if (saved.Warning is { } warning)
                Warn(warning);
            foreach (var job in saved.Jobs)
                WarnOf(await OffThread(() => store.Jobs.Get(job), cancellationToken).ConfigureAwait(false));
        }).ConfigureAwait(false);
    }
}
