using System.Management.Automation;
using System.Security;
using AlloyScan.Engine.Credentials;
using AlloyScan.Engine.Jobs;
using AlloyScan.PowerShell.Abstractions;
using AlloyScan.PowerShell.Completion;
using AlloyScan.PowerShell.Connections;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Makes a sync job: a synchronisation of one AlloyScan site into the CMDB, with its settings.</summary>
[Cmdlet(VerbsCommon.New, "AlloyScanSyncJob", SupportsShouldProcess = true, DefaultParameterSetName = RegistrationSets.Connection)]
[OutputType(typeof(SyncJob))]
public sealed class NewAlloyScanSyncJobCommand : JobSettingsCmdlet
{
    /// <summary>Name of the job. Without it the name is AlloyScan Synchronization, with a number if that is taken.</summary>
    [Parameter(Position = 0)]
    [ValidateNotNullOrEmpty]
    public string? Name { get; set; }

    /// <summary>The site's address, with or without slug.</summary>
    [Parameter(Mandatory = true, ValueFromPipelineByPropertyName = true, ParameterSetName = RegistrationSets.Credential)]
    [Parameter(Mandatory = true, ParameterSetName = RegistrationSets.ClientSecret)]
    [Parameter(Mandatory = true, ParameterSetName = RegistrationSets.ClientSecretVariable)]
    [Parameter(Mandatory = true, ParameterSetName = RegistrationSets.ClientSecretFile)]
    public Uri SiteUrl { get; set; } = null!;

    /// <summary>The app registration: client ID as user name, client secret as password. The job keeps the secret encrypted for this account of this machine.</summary>
    [Parameter(Mandatory = true, ValueFromPipelineByPropertyName = true, ParameterSetName = RegistrationSets.Credential)]
    [Credential]
    public PSCredential Credential { get; set; } = null!;

    /// <summary>Client ID of the app registration.</summary>
    [Parameter(Mandatory = true, ParameterSetName = RegistrationSets.ClientSecret)]
    [Parameter(Mandatory = true, ParameterSetName = RegistrationSets.ClientSecretVariable)]
    [Parameter(Mandatory = true, ParameterSetName = RegistrationSets.ClientSecretFile)]
    [ValidateNotNullOrEmpty]
    public string ClientId { get; set; } = null!;

    /// <summary>Client secret of the app registration. The job keeps it encrypted for this account of this machine.</summary>
    [Parameter(Mandatory = true, ParameterSetName = RegistrationSets.ClientSecret)]
    public SecureString ClientSecret { get; set; } = null!;

    /// <summary>Name of the environment variable that holds the client secret when the job runs.</summary>
    [Parameter(Mandatory = true, ParameterSetName = RegistrationSets.ClientSecretVariable)]
    [ValidateNotNullOrEmpty]
    public string ClientSecretVariable { get; set; } = null!;

    /// <summary>Path of the file that holds the client secret when the job runs.</summary>
    [Parameter(Mandatory = true, ParameterSetName = RegistrationSets.ClientSecretFile)]
    [ValidateNotNullOrEmpty]
    public string ClientSecretFile { get; set; } = null!;

    /// <summary>Name of an app registration of the store, whose site, client ID and secret the job uses.</summary>
    [Parameter(Mandatory = true, ParameterSetName = RegistrationSets.AppRegistration)]
    [ArgumentCompleter(typeof(AppRegistrationNameCompleter))]
    [ValidateNotNullOrEmpty]
    public string AppRegistration { get; set; } = null!;

    /// <summary>Makes the job disabled: it runs by Invoke-AlloyScanSync only.</summary>
    [Parameter]
    public SwitchParameter Disabled { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        Func<SyncJob, SyncJob> settings = job => Apply(job with { Name = Name ?? string.Empty, Enabled = !Disabled });
        // What is the pipeline thread's comes before the first wait.
        var given = ParameterSetName == RegistrationSets.AppRegistration ? null : settings(Start());
        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        var job = given ?? settings(await OffThread(() => Start(store.AppRegistrations.Get(AppRegistration)), cancellationToken).ConfigureAwait(false));
        if (await ConfirmAsync(Name ?? SyncJob.DefaultName, $"Create a sync job for {job.SiteUrl}", cancellationToken).ConfigureAwait(false))
            EmitFrom(store, await OffThread(() => store.Jobs.Create(job), cancellationToken).ConfigureAwait(false));
    }

    private static SyncJob Start(AppRegistration registration) => new()
    {
        SiteUrl = registration.SiteUrl, ClientId = registration.ClientId, ClientSecret = registration.ClientSecret, AppRegistration = registration.Name,
    };

    private SyncJob Start()
    {
        if (ParameterSetName == RegistrationSets.Connection)
        {
            var connection = Connection?.Resolve() ?? ConnectionTable.OfThisRunspace.Current ?? throw Errors.NotConnected();
            return Apply(
                new SyncJob
                {
                    SiteUrl = connection.SiteUrl,
                    ClientId = connection.ClientId,
                    ClientSecret = null!,
                    ThrottleLimit = connection.ThrottleLimit,
                },
                connection);
        }

        var registration = GivenRegistration(Credential, ClientId, ClientSecret, ClientSecretVariable, ClientSecretFile);
        return new SyncJob { SiteUrl = SiteUrl, ClientId = registration.ClientId, ClientSecret = registration.Secret };
    }
}
