using System.Globalization;
using AlloyScan.Engine;
using AlloyScan.Engine.Store;
using Microsoft.Extensions.DependencyInjection;
using Quartz;

namespace AlloyScan.AutomationServer.Serving;

/// <summary>
/// Alarms as one-shot triggers of Quartz: in memory for a SQLite store, in the store's own database for PostgreSQL, where hosts share them. There
/// Quartz lets each go off on one of the hosts, and on another when that one dies over it. It promises no more than that, and its word is no part of
/// the transaction that writes a run's end: what makes an occurrence run once is the claim with which it is taken on and settled.
/// </summary>
internal sealed class QuartzAlarmClock(ISchedulerFactory factory, StoreConnections? connections) : IAlarmClock
{
    private const string GroupStart = "job-";
    private const int Page = 500;

    // A host that is silent for both together is taken for dead, and alarms that it was about to let go off do so elsewhere.
    private static readonly TimeSpan s_beat = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    private static readonly JobKey s_job = new("run", "alloyscan");
    private bool _hasJob;

    /// <summary>Sets Quartz up as the store needs it.</summary>
    /// <param name="services">The services of the host.</param>
    /// <param name="connections">The database that the hosts share; <see langword="null"/> for one host.</param>
    public static void Add(IServiceCollection services, StoreConnections? connections)
    {
        services.AddSingleton<IAlarmClock>(provider => new QuartzAlarmClock(provider.GetRequiredService<ISchedulerFactory>(), connections));
        services.AddQuartz(quartz =>
        {
            quartz.UseDefaultThreadPool(4);
            if (connections is null)
            {
                quartz.UseInMemoryStore();
                return;
            }

            quartz.ConfigureScheduler(scheduler =>
            {
                // One name makes them one cluster. A process that starts anew is another one: what its predecessor left is for whoever is there.
                scheduler.InstanceName = "AlloyScan";
                scheduler.InstanceId = string.Create(CultureInfo.InvariantCulture, $"{Environment.MachineName}-{Environment.ProcessId}-{Guid.NewGuid():N}");
                // How long an alarm that another host set can be overlooked.
                scheduler.IdleWaitTime = s_beat;
                // One at a time, so that of several that are due each host gets some.
                scheduler.MaxBatchSize = 1;
                scheduler.PropagateTraceContext = false;
            });
            quartz.UsePersistentStore(store =>
            {
                store.UsePostgres(database => database.DataSourceFactory = _ => connections.Source);
                store.UseSystemTextJsonSerializer();
                store.UseClustering(cluster =>
                {
                    cluster.CheckinInterval = s_beat;
                    cluster.CheckinMisfireThreshold = s_patience;
                });
                store.ConfigureStore(options =>
                {
                    options.TablePrefix = connections.AlarmTables;
                    options.StoreJobDataAsStrings = true;
                    options.UseBackgroundThreads = true;
                    options.DbRetryInterval = s_beat;
                    // Without it a host that clears an old alarm and one that lets it go off can wait for each other.
                    options.LockFreeFiringRounds = false;
                });
            });
        });
        // It begins with the host and not after it, so that a database that it cannot use is found then.
        services.AddQuartzHostedService(options => (options.WaitForJobsToComplete, options.AwaitApplicationStarted) = (true, false));
    }

    public async ValueTask<IReadOnlySet<Alarm>> ListAsync(CancellationToken cancellationToken)
    {
        var scheduler = await factory.GetScheduler(cancellationToken);
        var alarms = new HashSet<Alarm>();
        var useless = new List<TriggerKey>();
        for (var skip = 0; ; skip += Page)
        {
            var page = await scheduler.QueryTriggers(new TriggerQuery { Job = s_job, Skip = skip, Take = Page }, cancellationToken);
            foreach (var trigger in page.Items)
            {
                if (trigger.State is not TriggerState.Error && AlarmOf(trigger.Key) is { } alarm)
                    alarms.Add(alarm);
                else
                    useless.Add(trigger.Key);
            }

            if (!page.HasMore)
                break;
        }

        if (useless.Count > 0)
            await scheduler.UnscheduleJobs(useless, cancellationToken);
        return alarms;
    }

    public async ValueTask SetAsync(Alarm alarm, CancellationToken cancellationToken)
    {
        var scheduler = await factory.GetScheduler(cancellationToken);
        // Late is no reason to let it go off otherwise.
        var trigger = TriggerBuilder.Create().WithIdentity(KeyOf(alarm)).ForJob(s_job).StartAt(alarm.Instant)
            .WithSimpleSchedule(schedule => schedule.WithMisfireInstruction(SimpleTriggerMisfireInstruction.IgnoreMisfires)).Build();
        try
        {
            if (!_hasJob)
                await scheduler.AddJob(JobBuilder.Create<DueJob>().WithIdentity(s_job).StoreDurably(true).Build(), new AddJobOptions { Replace = true }, cancellationToken);
            _hasJob = true;
            // One that is set already stays: that is what the key is for.
            await scheduler.ScheduleTrigger(trigger, TriggerConflict.Keep, cancellationToken);
        }
        catch
        {
            // Whatever was wrong, the next look begins from the start.
            _hasJob = false;
            throw;
        }
    }

    public async ValueTask ClearAsync(IReadOnlyCollection<Alarm> alarms, CancellationToken cancellationToken)
    {
        var scheduler = await factory.GetScheduler(cancellationToken);
        await scheduler.UnscheduleJobs([.. alarms.Select(KeyOf)], cancellationToken);
    }

    public AlloyScanException? Translate(Exception exception) => connections?.Translate(exception);

    private static TriggerKey KeyOf(Alarm alarm) =>
        new(alarm.Instant.ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture), GroupStart + alarm.JobId.ToString(CultureInfo.InvariantCulture));

    private static Alarm? AlarmOf(TriggerKey key) =>
        key.Group.StartsWith(GroupStart, StringComparison.Ordinal)
        && long.TryParse(key.Group.AsSpan(GroupStart.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var jobId)
        && long.TryParse(key.Name, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var instant)
            ? new Alarm(jobId, DateTimeOffset.FromUnixTimeMilliseconds(instant))
            : null;

    /// <summary>Hands a due job over and returns: waiting and running are the runner's business.</summary>
    public sealed class DueJob(JobRunner runner) : IJob
    {
        /// <inheritdoc/>
        public ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken = default)
        {
            if (AlarmOf(context.Trigger.Key) is { } alarm)
                runner.Begin(alarm.JobId);
            return ValueTask.CompletedTask;
        }
    }
}
