using System.Management.Automation;
using System.Security;
using AlloyScan.Engine.Jobs;
using AlloyScan.PowerShell.Abstractions;
using AlloyScan.PowerShell.Completion;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Changes settings of sync jobs. What is not named stays as it is.</summary>
[Cmdlet(VerbsCommon.Set, "AlloyScanSyncJob", SupportsShouldProcess = true, DefaultParameterSetName = RegistrationSets.Connection)]
[OutputType(typeof(SyncJob))]
public sealed class SetAlloyScanSyncJobCommand : JobSettingsCmdlet
{
    /// <summary>Names of the jobs to change.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(JobNameCompleter))]
    [ValidateNotNullOrEmpty]
    public string[] Name { get; set; } = null!;

    /// <summary>New name of the job.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? NewName { get; set; }

    /// <summary>New address of the site.</summary>
    [Parameter]
    [ValidateNotNull]
    public Uri? SiteUrl { get; set; }

    /// <summary>New app registration: client ID as user name, client secret as password. The job keeps the secret encrypted for this account of this machine.</summary>
    [Parameter(Mandatory = true, ParameterSetName = RegistrationSets.Credential)]
    [Credential]
    public PSCredential Credential { get; set; } = null!;

    /// <summary>Client ID of the new app registration.</summary>
    [Parameter(Mandatory = true, ParameterSetName = RegistrationSets.ClientSecret)]
    [Parameter(Mandatory = true, ParameterSetName = RegistrationSets.ClientSecretVariable)]
    [Parameter(Mandatory = true, ParameterSetName = RegistrationSets.ClientSecretFile)]
    [ValidateNotNullOrEmpty]
    public string ClientId { get; set; } = null!;

    /// <summary>Client secret of the new app registration. The job keeps it encrypted for this account of this machine.</summary>
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

    /// <summary>Name of an app registration of the store: client ID and secret come from it from now on.</summary>
    [Parameter(Mandatory = true, ParameterSetName = RegistrationSets.AppRegistration)]
    [ArgumentCompleter(typeof(AppRegistrationNameCompleter))]
    [ValidateNotNullOrEmpty]
    public string? AppRegistration { get; set; }

    /// <summary>What a new address or client ID is: the same site, whose links go on, or another site, whose devices are all new. Needed when the job has linked devices.</summary>
    [Parameter]
    public SiteChange? SiteChange { get; set; }

    /// <summary>Emits the changed jobs.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        var change = Change();
        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        await EachAsync(Name, async name =>
        {
            var job = change(await OffThread(() => store.Jobs.Get(name), cancellationToken).ConfigureAwait(false));
            if (!await ConfirmAsync(name, "Change the settings of the sync job", cancellationToken).ConfigureAwait(false))
                return;

            var saved = await OffThread(() => store.Jobs.Update(job, SiteChange), cancellationToken).ConfigureAwait(false);
            if (PassThru)
                EmitFrom(store, saved);
        }).ConfigureAwait(false);
    }

    /// <summary>Reads what the user gave, on the pipeline thread, into a change that fits any job.</summary>
    private Func<SyncJob, SyncJob> Change()
    {
        var connection = Connection?.Resolve();
        var registration = ParameterSetName == RegistrationSets.Connection
            ? null
            : AppRegistration is not null ? null : GivenRegistration(Credential, ClientId, ClientSecret, ClientSecretVariable, ClientSecretFile);
        return job =>
        {
            if (connection is not null)
                job = Apply(job, connection);

            if (registration is not null)
                job = job with { ClientId = registration.ClientId, ClientSecret = registration.Secret, AppRegistration = null };

            if (AppRegistration is not null)
                job = job with { AppRegistration = AppRegistration };

            return Apply(job with { Name = NewName ?? job.Name, SiteUrl = SiteUrl ?? job.SiteUrl });
        };
    }
}
