using System.Collections;
using System.ComponentModel;
using System.Globalization;
using System.Management.Automation;
using AlloyScan.Engine;
using AlloyScan.Engine.Credentials;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Jobs;
using AlloyScan.PowerShell.Completion;
using AlloyScan.PowerShell.Connections;

namespace AlloyScan.PowerShell.Abstractions;

/// <summary>Base of the cmdlets that write the settings of a job.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public abstract class JobSettingsCmdlet : RegistrationCmdlet
{
    /// <summary>A connection, or its name, whose site and app registration the job takes over.</summary>
    [Parameter(ParameterSetName = RegistrationSets.Connection)]
    [ArgumentCompleter(typeof(ConnectionNameCompleter))]
    [ValidateNotNull]
    public ConnectionReference? Connection { get; set; }

    /// <summary>Client ID of the app registration.</summary>
    // In the set of connections too, so that a client ID without its secret is told as that.
    [Parameter(DontShow = true, ParameterSetName = RegistrationSets.Connection)]
    [Parameter(Mandatory = true, ParameterSetName = RegistrationSets.ClientSecret)]
    [Parameter(Mandatory = true, ParameterSetName = RegistrationSets.ClientSecretVariable)]
    [Parameter(Mandatory = true, ParameterSetName = RegistrationSets.ClientSecretFile)]
    [Parameter(Mandatory = true, ParameterSetName = RegistrationSets.VaultSecret)]
    [ValidateNotNullOrEmpty]
    public string ClientId { get; set; } = null!;

    /// <summary>Name of an app registration of the store: client ID and secret come from it from now on, and the site of a new job or copy too.</summary>
    [Parameter(Mandatory = true, ParameterSetName = RegistrationSets.AppRegistration)]
    [ArgumentCompleter(typeof(AppRegistrationNameCompleter))]
    [ValidateNotNullOrEmpty]
    public string? AppRegistration { get; set; }

    /// <summary>Service action for new computers. New jobs use 2943.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(ServiceActionCompleter))]
    [ValidateRange(1, int.MaxValue)]
    public int NewComputerAction { get; set; }

    /// <summary>Service action for existing computers. New jobs use 2944.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(ServiceActionCompleter))]
    [ValidateRange(1, int.MaxValue)]
    public int ExistingComputerAction { get; set; }

    /// <summary>Service action for new hardware. New jobs use 2945.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(ServiceActionCompleter))]
    [ValidateRange(1, int.MaxValue)]
    public int NewHardwareAction { get; set; }

    /// <summary>Service action for existing hardware. New jobs use 2946.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(ServiceActionCompleter))]
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

    /// <summary>What happens to the CI of a device that is gone from the site: Keep (the link is marked missing) or Retire. New jobs use Keep.</summary>
    [Parameter]
    public MissingDevice MissingDevice { get; set; }

    /// <summary>Complete runs that a device must have been absent from before its CI is retired. New jobs use 3.</summary>
    [Parameter]
    [ValidateRange(1, 1000)]
    public int RetireAfterRuns { get; set; }

    /// <summary>Days that a device must have been missing before its CI is retired. New jobs use 7.</summary>
    [Parameter]
    [ValidateRange(0, 3650)]
    public int RetireAfterDays { get; set; }

    /// <summary>What happens when a linked CI is gone from the CMDB: Ask (the device becomes a conflict) or Recreate. New jobs use Ask.</summary>
    [Parameter]
    public DeletedRecord DeletedRecord { get; set; }

    /// <summary>Days behind the newest device of the site after which a device is stale, so that a new device with its serial number or BIOS UUID may take its CI over. New jobs use 30.</summary>
    [Parameter]
    [ValidateRange(1, 3650)]
    public int StaleAfterDays { get; set; }

    /// <summary>Most devices of the site that may carry an identifier; one that more carry counts as junk. New jobs use 3.</summary>
    [Parameter]
    [ValidateRange(1, 1000)]
    public int MostCarriers { get; set; }

    /// <summary>Runs in a row that a device may fail before it is parked: left alone until its row in the site's list changes. 0 never parks any. New jobs use 5.</summary>
    [Parameter]
    [ValidateRange(0, 1000)]
    public int ParkAfter { get; set; }

    /// <summary>Names of further sites whose CIs the identification rules see. New jobs see those of their own site, and those of no site.</summary>
    [Parameter]
    [AllowEmptyCollection]
    [ValidateNotNull]
    public string[] IdentificationSite { get; set; } = [];

    /// <summary>Class by device type, where it is to differ: @{ 'Thin client' = 'Computer' }. An empty hashtable removes the map.</summary>
    [Parameter]
    [ValidateNotNull]
    public Hashtable TypeMap { get; set; } = [];

    /// <summary>
    /// Limits of the guard by kind of change (Creation, Update, Removal, Retirement, Deletion), each a count and a share that must both be exceeded in one slice of the site:
    /// @{ Retirement = '20, 5 %'; Creation = 0 }. 0 lets nothing of the kind through without approval. A kind that is absent has the default: 10 and 10 %, for Update 100 and 20 %.
    /// The hashtable replaces the former one as a whole; an empty one gives every kind its default.
    /// </summary>
    [Parameter]
    [ValidateNotNull]
    public Hashtable GuardLimit { get; set; } = [];

    /// <summary>Further fields whose updates count as suspicious to the guard, next to name, serial_number, asset_tag, mac_address and bios_uuid. An empty list removes them.</summary>
    [Parameter]
    [AllowEmptyCollection]
    [ArgumentCompleter(typeof(FieldNameCompleter))]
    [ValidateNotNull]
    public string[] GuardedField { get; set; } = [];

    /// <summary>Most requests at once, from 1 to 64. New jobs use 8.</summary>
    [Parameter]
    [ValidateRange(1, 64)]
    public int ThrottleLimit { get; set; }

    /// <summary>JSON file with overrides of the API profile, for a site whose API differs from the documented one. The job keeps a copy.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? ApiProfilePath { get; set; }

    /// <summary>
    /// When the Automation Server runs the job: an object of New-AlloyScanSchedule, a hashtable or JSON text. $null takes the schedule away. New jobs have none.
    /// </summary>
    [Parameter]
    [AllowNull]
    public ScheduleReference? Schedule { get; set; }

    /// <summary>A job with the settings that the user gave; the others stay.</summary>
    private protected SyncJob Apply(SyncJob job) => (IsGiven(nameof(Schedule)) ? job.WithSchedule(Schedule?.Resolve().CheckAhead(TimeProvider.System)) : job) with
    {
        NewComputerAction = Given(nameof(NewComputerAction), NewComputerAction, job.NewComputerAction),
        ExistingComputerAction = Given(nameof(ExistingComputerAction), ExistingComputerAction, job.ExistingComputerAction),
        NewHardwareAction = Given(nameof(NewHardwareAction), NewHardwareAction, job.NewHardwareAction),
        ExistingHardwareAction = Given(nameof(ExistingHardwareAction), ExistingHardwareAction, job.ExistingHardwareAction),
        ImportSoftware = IsGiven(nameof(ImportSoftware)) ? Platforms.Parse(ImportSoftware) : job.ImportSoftware,
        RetiredOriginal = Given(nameof(RetiredOriginal), RetiredOriginal, job.RetiredOriginal),
        MissingDevice = Given(nameof(MissingDevice), MissingDevice, job.MissingDevice),
        RetireAfterRuns = Given(nameof(RetireAfterRuns), RetireAfterRuns, job.RetireAfterRuns),
        RetireAfterDays = Given(nameof(RetireAfterDays), RetireAfterDays, job.RetireAfterDays),
        DeletedRecord = Given(nameof(DeletedRecord), DeletedRecord, job.DeletedRecord),
        StaleAfterDays = Given(nameof(StaleAfterDays), StaleAfterDays, job.StaleAfterDays),
        MostCarriers = Given(nameof(MostCarriers), MostCarriers, job.MostCarriers),
        ParkAfter = Given(nameof(ParkAfter), ParkAfter, job.ParkAfter),
        IdentificationSites = IsGiven(nameof(IdentificationSite)) ? IdentificationSite : job.IdentificationSites,
        TypeMap = IsGiven(nameof(TypeMap)) ? ReadTypeMap(TypeMap) : job.TypeMap,
        GuardLimits = IsGiven(nameof(GuardLimit)) ? GuardLimitTable.From(GuardLimit) : job.GuardLimits,
        GuardedFields = IsGiven(nameof(GuardedField)) ? GuardedField : job.GuardedFields,
        ThrottleLimit = Given(nameof(ThrottleLimit), ThrottleLimit, job.ThrottleLimit),
        ApiProfile = ApiProfileFile.Read(this, ApiProfilePath) ?? job.ApiProfile,
    };

    /// <summary>The job with the site and registration of a connection.</summary>
    private protected static SyncJob Apply(SyncJob job, AlloyScanConnection connection) => job with
    {
        SiteUrl = connection.SiteUrl,
        ClientId = connection.ClientId,
        ClientSecret = SecretReference.FromMemory(connection.Client.Options.ClientSecret),
        AppRegistration = connection.AppRegistration,
        ApiProfile = connection.ApiProfile ?? job.ApiProfile,
    };

    /// <summary>What the current parameter set says of the job's registration; <see langword="null"/> when it says nothing.</summary>
    /// <exception cref="AlloyScanException">There is a client ID without a secret (<c>CredentialMissing</c>).</exception>
    private protected Registration? GivenRegistration()
    {
        if (ParameterSetName == RegistrationSets.Connection && ClientId is not null)
        {
            throw new AlloyScanException(
                ErrorKind.InvalidArgument, "CredentialMissing", $"The client ID '{ClientId}' is given without its secret.", ClientId,
                "Say where the secret is with -ClientSecretVariable, -ClientSecretFile or -VaultSecret, or give it with -ClientSecret or -Credential.");
        }

        return GivenRegistration(ClientId);
    }

    /// <summary>The job with another registration of its own.</summary>
    private protected static SyncJob Apply(SyncJob job, Registration? registration) =>
        registration is null ? job : job with { ClientId = registration.ClientId, ClientSecret = registration.Secret, AppRegistration = null };

    private static Dictionary<string, RecordClass> ReadTypeMap(Hashtable map)
    {
        var result = new Dictionary<string, RecordClass>(StringComparer.OrdinalIgnoreCase);
        foreach (DictionaryEntry entry in map)
        {
            var type = Convert.ToString(entry.Key, CultureInfo.InvariantCulture)!;
            if (!Enum.TryParse<RecordClass>(Convert.ToString(entry.Value, CultureInfo.InvariantCulture), ignoreCase: true, out var recordClass) || !Enum.IsDefined(recordClass))
            {
                throw new AlloyScanException(
                    ErrorKind.InvalidArgument, "InvalidTypeMap", $"The type map gives '{type}' the class '{entry.Value}', which does not exist.", type, "The classes are Computer and Hardware.");
            }

            result[type.Trim()] = recordClass;
        }

        return result;
    }

    private T Given<T>(string parameter, T value, T otherwise) => IsGiven(parameter) ? value : otherwise;
}
