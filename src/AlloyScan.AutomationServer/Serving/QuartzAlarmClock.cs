using System.Globalization;
using Quartz;

namespace AlloyScan.AutomationServer.Serving;

/// <summary>Alarms as one-shot triggers of Quartz. Where Quartz keeps them, in memory or in a database for several hosts, is a matter of its own settings.</summary>
internal sealed class QuartzAlarmClock(ISchedulerFactory factory) : IAlarmClock
{
    private static readonly JobKey s_job = new("run", "alloyscan");
    private bool _hasJob;

    public async ValueTask SetAsync(long jobId, DateTimeOffset instant, CancellationToken cancellationToken)
    {
        var scheduler = await factory.GetScheduler(cancellationToken);
        if (!_hasJob)
        {
            await scheduler.AddJob(JobBuilder.Create<DueJob>().WithIdentity(s_job).StoreDurably(true).Build(), new AddJobOptions { Replace = true }, cancellationToken);
            _hasJob = true;
        }

        // One that is set already stays: that is what the key is for.
        await scheduler.ScheduleTrigger(TriggerBuilder.Create().WithIdentity(KeyOf(jobId, instant)).ForJob(s_job).StartAt(instant).Build(), TriggerConflict.Keep, cancellationToken);
    }

    public async ValueTask ClearAsync(long jobId, DateTimeOffset instant, CancellationToken cancellationToken)
    {
        var scheduler = await factory.GetScheduler(cancellationToken);
        await scheduler.UnscheduleJob(KeyOf(jobId, instant), cancellationToken);
    }

    private static TriggerKey KeyOf(long jobId, DateTimeOffset instant) =>
        new(instant.ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture), "job-" + jobId.ToString(CultureInfo.InvariantCulture));

    /// <summary>Hands a due job over and returns: waiting and running are the runner's business.</summary>
    public sealed class DueJob(JobRunner runner) : IJob
    {
        /// <inheritdoc/>
        public ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken = default)
        {
            runner.Begin(long.Parse(context.Trigger.Key.Group.AsSpan("job-".Length), CultureInfo.InvariantCulture));
            return ValueTask.CompletedTask;
        }
    }
}
