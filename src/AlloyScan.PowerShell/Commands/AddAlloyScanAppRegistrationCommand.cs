using System.Management.Automation;
using AlloyScan.Engine;
using AlloyScan.Engine.Credentials;
using AlloyScan.PowerShell.Abstractions;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Keeps an app registration of an AlloyScan site in the store: client ID, where its secret is, when it expires, and what it may spend in a month.</summary>
[Cmdlet(VerbsCommon.Add, "AlloyScanAppRegistration", SupportsShouldProcess = true, DefaultParameterSetName = RegistrationSets.Credential)]
[OutputType(typeof(AppRegistration))]
public sealed class AddAlloyScanAppRegistrationCommand : AppRegistrationCmdlet
{
    /// <summary>Name of the registration, for -AppRegistration of other cmdlets.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    [ValidateNotNullOrEmpty]
    public string Name { get; set; } = null!;

    /// <summary>The site's address, with or without slug.</summary>
    [Parameter(Mandatory = true, Position = 1, ValueFromPipelineByPropertyName = true)]
    public Uri SiteUrl { get; set; } = null!;

    /// <summary>Client ID of the registration.</summary>
    // In the default set too, so that of a client ID alone PowerShell says that the credential is missing.
    [Parameter(DontShow = true, ParameterSetName = RegistrationSets.Credential)]
    [Parameter(Mandatory = true, ValueFromPipelineByPropertyName = true, ParameterSetName = RegistrationSets.ClientSecret)]
    [Parameter(Mandatory = true, ValueFromPipelineByPropertyName = true, ParameterSetName = RegistrationSets.ClientSecretVariable)]
    [Parameter(Mandatory = true, ValueFromPipelineByPropertyName = true, ParameterSetName = RegistrationSets.ClientSecretFile)]
    [Parameter(Mandatory = true, ValueFromPipelineByPropertyName = true, ParameterSetName = RegistrationSets.VaultSecret)]
    [ValidateNotNullOrEmpty]
    public string ClientId { get; set; } = null!;

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        if (ParameterSetName == RegistrationSets.Credential && ClientId is not null && ClientId != Credential.UserName)
        {
            throw new AlloyScanException(
                ErrorKind.InvalidArgument, "InvalidAppRegistration", $"The app registration '{Name}' is given two client IDs, '{ClientId}' and that of the credential, '{Credential.UserName}'.", Name, "A credential brings its client ID as user name: leave -ClientId out.");
        }

        var registration = Given(ClientId)(new AppRegistration { Name = Name, SiteUrl = SiteUrl, ClientId = ClientId ?? string.Empty, ClientSecret = null! });
        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        if (!await ConfirmAsync(Name, $"Add the app registration {registration.ClientId} of {SiteUrl}", cancellationToken).ConfigureAwait(false))
            return;

        var saved = await OffThread(() => store.AppRegistrations.Add(registration), cancellationToken).ConfigureAwait(false);
        EmitFrom(store, saved);
        if (saved.Warning is { } warning)
            Warn(warning);
    }
}
