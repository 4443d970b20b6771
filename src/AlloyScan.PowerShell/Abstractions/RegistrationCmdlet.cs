using System.ComponentModel;
using System.Management.Automation;
using System.Security;
using AlloyScan.Engine.Credentials;

namespace AlloyScan.PowerShell.Abstractions;

/// <summary>Base of the cmdlets that write an app registration, or the one of a job: the ways in which a client secret is given.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public abstract class RegistrationCmdlet : StoreCmdlet
{
    /// <summary>The app registration: client ID as user name, client secret as password. The store keeps the secret encrypted for this account of this machine.</summary>
    [Parameter(Mandatory = true, ValueFromPipelineByPropertyName = true, ParameterSetName = RegistrationSets.Credential)]
    [Credential]
    public PSCredential Credential { get; set; } = null!;

    /// <summary>Client secret of the app registration. The store keeps it encrypted for this account of this machine.</summary>
    [Parameter(Mandatory = true, ParameterSetName = RegistrationSets.ClientSecret)]
    public SecureString ClientSecret { get; set; } = null!;

    /// <summary>Name of the environment variable that holds the client secret when it is needed.</summary>
    [Parameter(Mandatory = true, ParameterSetName = RegistrationSets.ClientSecretVariable)]
    [ValidateNotNullOrEmpty]
    public string ClientSecretVariable { get; set; } = null!;

    /// <summary>Path of the file that holds the client secret when it is needed. A bare name that is no file here is looked for in the folder that CREDENTIALS_DIRECTORY names then.</summary>
    [Parameter(Mandatory = true, ParameterSetName = RegistrationSets.ClientSecretFile)]
    [ValidateNotNullOrEmpty]
    public string ClientSecretFile { get; set; } = null!;

    /// <summary>Name of the secret in a vault of SecretManagement, asked for with Get-Secret when it is needed. Only PowerShell can open it: the Automation Server cannot.</summary>
    [Parameter(Mandatory = true, ParameterSetName = RegistrationSets.VaultSecret)]
    [ValidateNotNullOrEmpty]
    public string VaultSecret { get; set; } = null!;

    /// <summary>Name of the vault. Without it SecretManagement looks in all.</summary>
    [Parameter(ParameterSetName = RegistrationSets.VaultSecret)]
    [ValidateNotNullOrEmpty]
    public string? Vault { get; set; }

    /// <summary>What the current parameter set says of a registration; <see langword="null"/> when it speaks of none. On the pipeline thread.</summary>
    /// <param name="clientId">The client ID, which a credential brings itself.</param>
    private protected Registration? GivenRegistration(string? clientId) => ParameterSetName switch
    {
        RegistrationSets.Credential => Registration.From(Credential),
        RegistrationSets.ClientSecret => Registration.From(clientId ?? string.Empty, ClientSecret),
        RegistrationSets.ClientSecretVariable => new Registration(clientId ?? string.Empty, SecretReference.FromEnvironment(ClientSecretVariable)),
        RegistrationSets.ClientSecretFile => new Registration(clientId ?? string.Empty, SecretInFile(ClientSecretFile)),
        RegistrationSets.VaultSecret => new Registration(clientId ?? string.Empty, SecretReference.FromVault(VaultSecret, Vault)),
        _ => null,
    };
}
