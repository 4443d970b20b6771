using System.ComponentModel;
using System.Management.Automation;
using System.Security;
using AlloyScan.Engine.Credentials;

namespace AlloyScan.PowerShell.Abstractions;

/// <summary>Base of the cmdlets that write app registrations.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public abstract class AppRegistrationCmdlet : StoreCmdlet
{
    /// <summary>Client ID as user name, client secret as password. The store keeps the secret encrypted for this account of this machine.</summary>
    [Parameter(Mandatory = true, ParameterSetName = RegistrationSets.Credential)]
    [Credential]
    public PSCredential Credential { get; set; } = null!;

    /// <summary>Client secret. The store keeps it encrypted for this account of this machine.</summary>
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

    /// <summary>Name of the secret in a vault of SecretManagement, asked for with Get-Secret when it is needed.</summary>
    [Parameter(Mandatory = true, ParameterSetName = RegistrationSets.VaultSecret)]
    [ValidateNotNullOrEmpty]
    public string VaultSecret { get; set; } = null!;

    /// <summary>Name of the vault. Without it SecretManagement looks in all.</summary>
    [Parameter(ParameterSetName = RegistrationSets.VaultSecret)]
    [ValidateNotNullOrEmpty]
    public string? Vault { get; set; }

    /// <summary>The day on which the registration expires, as AlloyScan shows it.</summary>
    [Parameter]
    [AllowNull]
    public DateTime? ExpirationDate { get; set; }

    /// <summary>Most API calls from one recharge day to the next, 1 or more; $null for no limit.</summary>
    [Parameter]
    [AllowNull]
    public long? MonthlyBudget { get; set; }

    /// <summary>Day of the month, UTC, on which the budget is renewed, from 1 to 31; in a month without that day, its last one. New registrations use 1.</summary>
    [Parameter]
    [ValidateRange(1, 31)]
    public int RechargeDay { get; set; }

    /// <summary>The registration with the settings that the user gave; the others stay. On the pipeline thread.</summary>
    private protected Func<AppRegistration, AppRegistration> Given(string? clientId)
    {
        var given = MyInvocation.BoundParameters;
        var (hasDate, hasBudget, hasDay) = (given.ContainsKey(nameof(ExpirationDate)), given.ContainsKey(nameof(MonthlyBudget)), given.ContainsKey(nameof(RechargeDay)));
        var registration = ParameterSetName == RegistrationSets.Credential ? Registration.From(Credential) : null;
        var secret = ParameterSetName switch
        {
            RegistrationSets.Credential => registration!.Secret,
            RegistrationSets.ClientSecret => Registration.From(clientId ?? string.Empty, ClientSecret).Secret,
            RegistrationSets.ClientSecretVariable => SecretReference.FromEnvironment(ClientSecretVariable),
            RegistrationSets.ClientSecretFile => SecretInFile(ClientSecretFile),
            RegistrationSets.VaultSecret => SecretReference.FromVault(VaultSecret, Vault),
            _ => null,
        };
        return before => before with
        {
            ClientId = registration?.ClientId ?? clientId ?? before.ClientId,
            ClientSecret = secret ?? before.ClientSecret,
            ExpirationDate = hasDate ? ExpirationDate?.Date : before.ExpirationDate,
            MonthlyBudget = hasBudget ? MonthlyBudget : before.MonthlyBudget,
            RechargeDay = hasDay ? RechargeDay : before.RechargeDay,
        };
    }
}
