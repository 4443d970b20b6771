using AlloyScan.Engine;
using AlloyScan.Engine.Jobs.Schedules;
using AlloyScan.Engine.Store;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace AlloyScan.AutomationServer.Serving;

/// <summary>
/// Keeps one alarm for the next occurrence of each job, and looks at the jobs table every few seconds: jobs that came, changed, were switched on or off, or
/// went need no restart. The alarms are made to say what the table says, so that whatever was lost, left over or written by somebody else is right after one look.
/// </summary>
internal sealed class ScheduleWatcher(AlloyStore store, IAlarmClock alarms, JobRunner runner, ServeMetrics metrics, ServeEnd end, ServeSettings settings, TimeProvider timeProvider, ILogger<ScheduleWatcher> logger)
    : BackgroundService
{
    private readonly Dictionary<long, Known> _known = [];
    private string? _lastFailure;

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await LookAsync(stoppingToken);
                metrics.Polled(timeProvider.GetUtcNow());
                if (_lastFailure is not null)
                    logger.ServingAgain();
                _lastFailure = null;
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (AlloyScanException e) when (e.ErrorId == "StoreTooNew")
            {
                // What this program knows of the store is no longer so: it ends before it does anything wrong.
                end.Fail(e);
                return;
            }
            catch (Exception e)
            {
                // The store may be back at the next look. A failure that lasts is said once.
                var failure = e as AlloyScanException ?? alarms.Translate(e) ?? new AlloyScanException(ErrorKind.Unspecified, "Unexpected", $"{e.Message} ({e.GetType().Name})", innerException: e);
                if (_lastFailure != failure.Message)
                    logger.ServingFailed(failure.ErrorId, failure.MessageWithAdvice);
                _lastFailure = failure.Message;
            }

            try
            {
                await Task.Delay(settings.Poll, timeProvider, stoppingToken);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private async Task LookAsync(CancellationToken cancellationToken)
    {
        // Before the jobs are read: what another host sets for a job that has just changed is not taken for an old one.
        var standing = await alarms.ListAsync(cancellationToken);
        store.CheckVersion();
        var jobs = store.Schedules.List();
        foreach (var gone in _known.Keys.Except(jobs.Select(j => j.Id)).ToList())
        {
            logger.Disarmed(_known[gone].Name, "removed, or has no schedule any more");
            _known.Remove(gone);
        }

        // Alarms that no job asks for: it changed, or went, while no server looked.
        var wanted = jobs.Where(j => j.Due is not null).Select(AlarmOf).ToHashSet();
        if (standing.Where(a => !wanted.Contains(a)).ToList() is { Count: > 0 } stale)
            await alarms.ClearAsync(stale, cancellationToken);
        foreach (var job in jobs)
            await LookAsync(job, standing, cancellationToken);
        metrics.Scheduled(jobs);
    }

    private async Task LookAsync(ScheduledJob job, IReadOnlySet<Alarm> standing, CancellationToken cancellationToken)
    {
        var before = _known.GetValueOrDefault(job.Id);
        if (job.IsClaimed || runner.IsBusy(job.Id))
        {
            // What is due next follows from the end of the run, here or elsewhere.
            if (before is not null)
                _known[job.Id] = before with { Due = null };
            return;
        }

        if (store.Schedules.CorrectClock(job))
        {
            logger.ClockCorrected(job.Name, job.SettledUntil);
            return;
        }

        var now = new Known(job.Name, job.Due, job.Enabled, job.Problem, job.Schedule?.ToString());
        _known[job.Id] = now;
        if (now.Due is { } due)
        {
            // One that went off without anybody taking the job on, since a host was full or died, is set again.
            if (!standing.Contains(AlarmOf(job)))
                await alarms.SetAsync(AlarmOf(job), cancellationToken);
            if (now != before)
                logger.Armed(job.Name, due, now.Words!);
        }
        else if (now != before)
        {
            if (job.Problem is not null)
                logger.UnusableSchedule(job.Name, job.Problem);
            else
                logger.Disarmed(job.Name, job.Enabled ? "past its last occurrence" : "disabled");
        }
    }

    private static Alarm AlarmOf(ScheduledJob job) => new(job.Id, DateTimeOffset.FromUnixTimeMilliseconds(job.Due!.Value.ToUnixTimeMilliseconds()));

    private sealed record Known(string Name, DateTimeOffset? Due, bool Enabled, string? Problem, string? Words);
}
