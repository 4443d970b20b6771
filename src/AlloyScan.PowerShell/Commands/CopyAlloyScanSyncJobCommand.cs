using System.Management.Automation;
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

    /// <summary>Enables the copy, so that it runs on its schedule. A copy is disabled otherwise.</summary>
    [Parameter]
    public SwitchParameter Enabled { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        var connection = Connection?.Resolve();
        var registration = GivenRegistration();
        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        var job = await OffThread(() => store.Jobs.Get(Name), cancellationToken).ConfigureAwait(false);
        if (connection is not null)
            job = Apply(job, connection);
        job = Apply(job, registration);
        if (AppRegistration is { } name)
        {
            var kept = await OffThread(() => store.AppRegistrations.Get(name), cancellationToken).ConfigureAwait(false);
            job = job with { AppRegistration = kept.Name, SiteUrl = kept.SiteUrl };
        }

        // Two enabled jobs of one schedule would do everything twice.
        job = Apply(job with { Id = 0, Name = NewName, SiteUrl = SiteUrl ?? job.SiteUrl, Enabled = Enabled });
        if (await ConfirmAsync(Name, $"Copy the sync job as '{NewName}'", cancellationToken).ConfigureAwait(false))
        {
            var copy = await OffThread(() => store.Jobs.Create(job), cancellationToken).ConfigureAwait(false);
            EmitFrom(store, copy);
            WarnOf(copy);
        }
    }
}
