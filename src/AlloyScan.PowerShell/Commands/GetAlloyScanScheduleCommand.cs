using System.Management.Automation;
using AlloyScan.Engine;
using AlloyScan.Engine.Jobs.Schedules;
using AlloyScan.PowerShell.Abstractions;
using AlloyScan.PowerShell.Completion;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Lists when jobs, or a schedule, occur next.</summary>
[Cmdlet(VerbsCommon.Get, "AlloyScanSchedule", DefaultParameterSetName = JobSet)]
[OutputType(typeof(ScheduleOccurrence))]
public sealed class GetAlloyScanScheduleCommand : StoreCmdlet
{
    private const string JobSet = "Job";
    private const string ScheduleSet = "Schedule";

    /// <summary>Names of jobs, or jobs.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ParameterSetName = JobSet)]
    [Alias("Name")]
    [ArgumentCompleter(typeof(JobNameCompleter))]
    [ValidateNotNullOrEmpty]
    public JobName[] Job { get; set; } = null!;

    /// <summary>A schedule: an object of New-AlloyScanSchedule, a hashtable or JSON text.</summary>
    [Parameter(Mandatory = true, ValueFromPipeline = true, ParameterSetName = ScheduleSet)]
    [ValidateNotNull]
    public ScheduleReference Schedule { get; set; } = null!;

    /// <summary>How many occurrences to list. Without it 10.</summary>
    [Parameter]
    [ValidateRange(1, 100_000)]
    public int Next { get; set; } = 10;

    /// <summary>Lists those after this time. Without it those after now.</summary>
    [Parameter]
    public DateTime? After { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        if (ParameterSetName == ScheduleSet)
        {
            List(Schedule.Resolve(), job: null, cancellationToken);
            return;
        }

        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        await EachAsync(Job, async name =>
        {
            var job = await OffThread(() => store.Jobs.Get(name.Name), cancellationToken).ConfigureAwait(false);
            if (job.Schedule is not { } schedule)
            {
                throw new AlloyScanException(
                    ErrorKind.NotFound, "JobNotScheduled", job.ScheduleProblem is { } problem ? $"The schedule of the job '{job.Name}' cannot be used: {problem}" : $"The job '{job.Name}' has no schedule.",
                    job.Name, "Give it one with Set-AlloyScanSyncJob -Schedule.");
            }

            if (!job.Enabled)
                Warn($"The job '{job.Name}' is disabled, so that its schedule does not run it.");
            List(schedule, job.Name, cancellationToken);
        }).ConfigureAwait(false);
    }

    private void List(Schedule schedule, string? job, CancellationToken cancellationToken)
    {
        var after = After is { } given ? new DateTimeOffset(given) : DateTimeOffset.UtcNow;
        foreach (var occurrence in schedule.After(after).Take(Next))
        {
            cancellationToken.ThrowIfCancellationRequested();
            Emit(occurrence with { Job = job });
        }
    }
}
