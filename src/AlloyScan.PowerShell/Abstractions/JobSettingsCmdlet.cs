using System.ComponentModel;
using System.Management.Automation;
using System.Security;
using AlloyScan.Engine.Credentials;
using AlloyScan.Engine.Jobs;
using AlloyScan.PowerShell.Completion;
using AlloyScan.PowerShell.Connections;

namespace AlloyScan.PowerShell.Abstractions;

/// <summary>Base of the cmdlets that write the settings of a job.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public abstract class JobSettingsCmdlet : StoreCmdlet
{
    /// <summary>A connection, or its name, whose site and app registration the job takes over.</summary>
    [Parameter(ParameterSetName = RegistrationSets.Connection)]
    [ArgumentCompleter(typeof(ConnectionNameCompleter))]
    [ValidateNotNull]
    public ConnectionReference? Connection { get; set; }

    /// <summary>Service action for new computers. New jobs use 2943.</summary>
    [Parameter]
    [ValidateRange(1, int.MaxValue)]
    public int NewComputerAction { get; set; }

    /// <summary>Service action for existing computers. New jobs use 2944.</summary>
    [Parameter]
    [ValidateRange(1, int.MaxValue)]
    public int ExistingComputerAction { get; set; }

    /// <summary>Service action for new hardware. New jobs use 2945.</summary>
    [Parameter]
    [ValidateRange(1, int.MaxValue)]
    public int NewHardwareAction { get; set; }

    /// <summary>Service action for existing hardware. New jobs use 2946.</summary>
    [Parameter]
    [ValidateRange(1, int.MaxValue)]
    public int ExistingHardwareAction { get; set; }

    /// <summary>Platforms whose software is imported: All, None, or one or more of Windows, Linux, MacOS. New jobs use All.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(PlatformCompleter))]
    [ValidateNotNullOrEmpty]
    public string[] ImportSoftware { get; set; } = [];

    /// <summary>What happens in AlloyScan to the device of a CI that somebody retired: Keep or Delete. New jobs use Keep.</summary>
    [Parameter]
    public RetiredOriginal RetiredOriginal { get; set; }

    /// <summary>Most requests at once, from 1 to 64. New jobs use 8.</summary>
    [Parameter]
    [ValidateRange(1, 64)]
    public int ThrottleLimit { get; set; }

    /// <summary>JSON file with overrides of the API profile, for a site whose API differs from the documented one. The job keeps a copy.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? ApiProfilePath { get; set; }

    /// <summary>A job with the settings that the user gave; the others stay.</summary>
    private protected SyncJob Apply(SyncJob job) => job with
    {
        NewComputerAction = Given(nameof(NewComputerAction), NewComputerAction, job.NewComputerAction),
        ExistingComputerAction = Given(nameof(ExistingComputerAction), ExistingComputerAction, job.ExistingComputerAction),
        NewHardwareAction = Given(nameof(NewHardwareAction), NewHardwareAction, job.NewHardwareAction),
        ExistingHardwareAction = Given(nameof(ExistingHardwareAction), ExistingHardwareAction, job.ExistingHardwareAction),
        ImportSoftware = IsGiven(nameof(ImportSoftware)) ? Platforms.Parse(ImportSoftware) : job.ImportSoftware,
        RetiredOriginal = Given(nameof(RetiredOriginal), RetiredOriginal, job.RetiredOriginal),
        ThrottleLimit = Given(nameof(ThrottleLimit), ThrottleLimit, job.ThrottleLimit),
        ApiProfile = ApiProfileFile.Read(this, ApiProfilePath) ?? job.ApiProfile,
    };

    /// <summary>The job with the site and registration of a connection.</summary>
    private protected static SyncJob Apply(SyncJob job, AlloyScanConnection connection) => job with
    {
        SiteUrl = connection.SiteUrl,
        ClientId = connection.ClientId,
        ClientSecret = SecretReference.FromMemory(connection.Client.Options.ClientSecret),
        ApiProfile = connection.ApiProfile ?? job.ApiProfile,
    };

    /// <summary>The registration that the current parameter set speaks of.</summary>
    private protected Registration GivenRegistration(
        PSCredential? credential, string? clientId, SecureString? secret, string? variable, string? file) => ParameterSetName switch
        {
            RegistrationSets.ClientSecret => Registration.From(clientId!, secret!),
            RegistrationSets.ClientSecretVariable => new Registration(clientId!, SecretReference.FromEnvironment(variable!)),
            RegistrationSets.ClientSecretFile => new Registration(clientId!, SecretReference.FromFile(GetUnresolvedProviderPathFromPSPath(file!))),
            _ => Registration.From(credential!),
        };

    private protected bool IsGiven(string parameter) => MyInvocation.BoundParameters.ContainsKey(parameter);

    private T Given<T>(string parameter, T value, T otherwise) => IsGiven(parameter) ? value : otherwise;
}
