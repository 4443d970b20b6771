using System.Management.Automation;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Sync.Conflicts;
using AlloyScan.PowerShell.Abstractions;
using AlloyScan.PowerShell.Completion;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Lists devices about which a person has to decide, with the reason and the CIs that come into question.</summary>
[Cmdlet(VerbsCommon.Get, "AlloyScanConflict", DefaultParameterSetName = FilterSet)]
[OutputType(typeof(SyncConflict))]
public sealed class GetAlloyScanConflictCommand : StoreCmdlet
{
    private const string FilterSet = "Filter";
    private const string IdSet = "Id";

    /// <summary>Names of the jobs whose conflicts are listed. Without it those of all jobs are.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ParameterSetName = FilterSet)]
    [ArgumentCompleter(typeof(JobNameCompleter))]
    [ValidateNotNullOrEmpty]
    public JobName[]? Job { get; set; }

    /// <summary>Device: its ID, or its name with wildcards.</summary>
    [Parameter(ParameterSetName = FilterSet)]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public string? Device { get; set; }

    /// <summary>Name of the site, with wildcards.</summary>
    [Parameter(ParameterSetName = FilterSet)]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public string? Site { get; set; }

    /// <summary>Class of the devices.</summary>
    [Parameter(ParameterSetName = FilterSet)]
    public RecordClass? Class { get; set; }

    /// <summary>What sort of question it is: Unlinked for a device without CI, RestsOnJunk for a link made on a value that turned out to identify nothing.</summary>
    [Parameter(ParameterSetName = FilterSet)]
    public ConflictKind? Kind { get; set; }

    /// <summary>States to list; Open by default. Linked, Created and Ignored are decisions; Gone is a device that left the site before anybody decided.</summary>
    [Parameter(ParameterSetName = FilterSet)]
    [ValidateNotNullOrEmpty]
    public ConflictState[] State { get; set; } = [ConflictState.Open];

    /// <summary>Numbers of conflicts, in whatever state.</summary>
    [Parameter(Mandatory = true, ParameterSetName = IdSet)]
    [ValidateNotNullOrEmpty]
    public long[] Id { get; set; } = null!;

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        if (ParameterSetName == IdSet)
        {
            await EachAsync(Id, async id => EmitFrom(store, await OffThread(() => store.Conflicts.Get(id), cancellationToken).ConfigureAwait(false))).ConfigureAwait(false);
            return;
        }

        await EachAsync(Job?.Select(job => job.Name) ?? [string.Empty], async job =>
        {
            var filter = new ConflictFilter
            {
                Job = job.Length == 0 ? null : job, Device = Device, Site = Site, Class = Class, Kind = Kind, State = State.Length == 1 ? State[0] : null,
            };
            var any = await EmitAllAsync(store, store.Conflicts.List(filter).Where(c => State.Contains(c.State)), cancellationToken).ConfigureAwait(false);
            // A job without conflicts is no error, a job that never was is one.
            if (!any && filter.Job is not null)
                await OffThread(() => store.Jobs.Get(job), cancellationToken).ConfigureAwait(false);
        }).ConfigureAwait(false);
    }
}
