using System.Management.Automation;
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
            WarnOf(saved);
        }).ConfigureAwait(false);
    }

    /// <summary>Reads what the user gave, on the pipeline thread, into a change that fits any job.</summary>
    private Func<SyncJob, SyncJob> Change()
    {
        var connection = Connection?.Resolve();
        var registration = GivenRegistration();
        return job =>
        {
            if (connection is not null)
                job = Apply(job, connection);

            job = Apply(job, registration);
            if (AppRegistration is not null)
                job = job with { AppRegistration = AppRegistration };

            return Apply(job with { Name = NewName ?? job.Name, SiteUrl = SiteUrl ?? job.SiteUrl });
        };
    }
}
