using System.Management.Automation;
using AlloyScan.Engine;
using AlloyScan.Engine.Credentials;
using AlloyScan.Engine.Jobs;
using AlloyScan.PowerShell.Abstractions;
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

    /// <summary>The site's address, with or without slug. With -Connection, in place of its own.</summary>
    [Parameter(ParameterSetName = RegistrationSets.Connection)]
    [Parameter(Mandatory = true, ValueFromPipelineByPropertyName = true, ParameterSetName = RegistrationSets.Credential)]
    [Parameter(Mandatory = true, ParameterSetName = RegistrationSets.ClientSecret)]
    [Parameter(Mandatory = true, ParameterSetName = RegistrationSets.ClientSecretVariable)]
    [Parameter(Mandatory = true, ParameterSetName = RegistrationSets.ClientSecretFile)]
    [Parameter(Mandatory = true, ParameterSetName = RegistrationSets.VaultSecret)]
    public Uri SiteUrl { get; set; } = null!;

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
        var job = given ?? settings(await OffThread(() => Start(store.AppRegistrations.Get(AppRegistration!)), cancellationToken).ConfigureAwait(false));
        if (await ConfirmAsync(Name ?? SyncJob.DefaultName, $"Create a sync job for {job.SiteUrl}", cancellationToken).ConfigureAwait(false))
        {
            var saved = await OffThread(() => store.Jobs.Create(job), cancellationToken).ConfigureAwait(false);
            EmitFrom(store, saved);
            WarnOf(saved);
        }
    }

    private static SyncJob Start(AppRegistration registration) => new()
    {
        SiteUrl = registration.SiteUrl, ClientId = registration.ClientId, ClientSecret = registration.ClientSecret, AppRegistration = registration.Name,
    };

    private SyncJob Start()
    {
        if (GivenRegistration() is not { } registration)
        {
            if (SiteUrl is not null && Connection is null)
            {
                throw new AlloyScanException(
                    ErrorKind.InvalidArgument, "CredentialMissing", $"A job for {SiteUrl} needs the credentials of an app registration of that site.", SiteUrl,
                    "Give -Credential, or -ClientId with where the secret is (-ClientSecretVariable, -ClientSecretFile, -VaultSecret), or -AppRegistration in place of the address.");
            }

            var connection = Connection?.Resolve() ?? ConnectionTable.OfThisRunspace.Current ?? throw Errors.NotConnected();
            return Apply(
                new SyncJob
                {
                    SiteUrl = connection.SiteUrl,
                    ClientId = connection.ClientId,
                    ClientSecret = null!,
                    ThrottleLimit = connection.ThrottleLimit,
                },
                connection) with { SiteUrl = SiteUrl ?? connection.SiteUrl };
        }

        return new SyncJob { SiteUrl = SiteUrl, ClientId = registration.ClientId, ClientSecret = registration.Secret };
    }
}
