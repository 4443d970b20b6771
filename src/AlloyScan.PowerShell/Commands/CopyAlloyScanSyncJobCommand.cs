using System.Management.Automation;
using System.Security;
using AlloyScan.Engine.Jobs;
using AlloyScan.PowerShell.Abstractions;
using AlloyScan.PowerShell.Completion;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Copies sync jobs within the store: same settings under another name, as far as no others are given.</summary>
[Cmdlet(VerbsCommon.Copy, "AlloyScanSyncJob", SupportsShouldProcess = true, DefaultParameterSetName = RegistrationSets.Connection)]
[OutputType(typeof(SyncJob))]
public sealed class CopyAlloyScanSyncJobCommand : JobSettingsCmdlet
{
    /// <summary>Name of the job to copy.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(JobNameCompleter))]
    [ValidateNotNullOrEmpty]
    public string Name { get; set; } = null!;

    /// <summary>Name of the copy. With jobs from the pipeline, a script block that makes a name of each: { "$($_.Name) test" }.</summary>
    [Parameter(Mandatory = true, Position = 1, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    public string NewName { get; set; } = null!;

    /// <summary>Address of another site for the copy.</summary>
    [Parameter]
    [ValidateNotNull]
    public Uri? SiteUrl { get; set; }

    /// <summary>Another app registration for the copy: client ID as user name, client secret as password. The copy keeps the secret encrypted for this account of this machine.</summary>
    [Parameter(Mandatory = true, ParameterSetName = RegistrationSets.Credential)]
    [Credential]
    public PSCredential Credential { get; set; } = null!;

    /// <summary>Client ID of another app registration for the copy.</summary>
    [Parameter(Mandatory = true, ParameterSetName = RegistrationSets.ClientSecret)]
    [Parameter(Mandatory = true, ParameterSetName = RegistrationSets.ClientSecretVariable)]
    [Parameter(Mandatory = true, ParameterSetName = RegistrationSets.ClientSecretFile)]
    [ValidateNotNullOrEmpty]
    public string ClientId { get; set; } = null!;

    /// <summary>Client secret of that app registration. The copy keeps it encrypted for this account of this machine.</summary>
    [Parameter(Mandatory = true, ParameterSetName = RegistrationSets.ClientSecret)]
    public SecureString ClientSecret { get; set; } = null!;

    /// <summary>Name of the environment variable that holds the client secret when the copy runs.</summary>
    [Parameter(Mandatory = true, ParameterSetName = RegistrationSets.ClientSecretVariable)]
    [ValidateNotNullOrEmpty]
    public string ClientSecretVariable { get; set; } = null!;

    /// <summary>Path of the file that holds the client secret when the copy runs.</summary>
    [Parameter(Mandatory = true, ParameterSetName = RegistrationSets.ClientSecretFile)]
    [ValidateNotNullOrEmpty]
    public string ClientSecretFile { get; set; } = null!;

    /// <summary>Enables the copy, so that it runs on its schedule. A copy is disabled otherwise.</summary>
    [Parameter]
    public SwitchParameter Enabled { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        var connection = Connection?.Resolve();
        var registration = ParameterSetName == RegistrationSets.Connection ? null : GivenRegistration(Credential, ClientId, ClientSecret, ClientSecretVariable, ClientSecretFile);
        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        var job = await OffThread(() => store.Jobs.Get(Name), cancellationToken).ConfigureAwait(false);
        if (connection is not null)
            job = Apply(job, connection);
        if (registration is not null)
            job = job with { ClientId = registration.ClientId, ClientSecret = registration.Secret, AppRegistration = null };

        // Two enabled jobs of one schedule would do everything twice.
        job = Apply(job with { Id = 0, Name = NewName, SiteUrl = SiteUrl ?? job.SiteUrl, Enabled = Enabled });
        if (await ConfirmAsync(Name, $"Copy the sync job as '{NewName}'", cancellationToken).ConfigureAwait(false))
            EmitFrom(store, await OffThread(() => store.Jobs.Create(job), cancellationToken).ConfigureAwait(false));
    }
}
