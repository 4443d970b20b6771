using AlloyScan.Engine;
using AlloyScan.Engine.Jobs.Schedules;
using AlloyScan.Engine.Store;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace AlloyScan.AutomationServer.Serving;

/// <summary>
/// Keeps one alarm for the next occurrence of each job, and looks at the jobs table every few seconds: jobs that came, changed, were switched on or off, or
/// went need no restart.
/// </summary>
internal sealed class ScheduleWatcher(AlloyStore store, IAlarmClock alarms, JobRunner runner, ServeMetrics metrics, ServeSettings settings, TimeProvider timeProvider, ILogger<ScheduleWatcher> logger)
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
                _lastFailure = null;
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                // The store may be back at the next look. A failure that lasts is said once.
                var failure = e as AlloyScanException ?? new AlloyScanException(ErrorKind.Unspecified, "Unexpected", $"{e.Message} ({e.GetType().Name})", innerException: e);
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
        var jobs = store.Schedules.List();
        foreach (var gone in _known.Keys.Except(jobs.Select(j => j.Id)).ToList())
        {
            await ClearAsync(gone, _known[gone], cancellationToken);
            logger.Disarmed(_known[gone].Name, "removed, or has no schedule any more");
            _known.Remove(gone);
        }

        foreach (var job in jobs)
            await LookAsync(job, cancellationToken);
        metrics.Scheduled(jobs);
    }

    private async Task LookAsync(ScheduledJob job, CancellationToken cancellationToken)
    {
        var before = _known.GetValueOrDefault(job.Id);
        if (runner.IsBusy(job.Id))
        {
            // What is due next follows from the end of the run.
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
        if (now == before && now.Due is { } same && same > timeProvider.GetUtcNow())
            return;

        if (before is not null && before.Due != now.Due)
            await ClearAsync(job.Id, before, cancellationToken);
        _known[job.Id] = now;
        if (now.Due is { } due)
        {
            await alarms.SetAsync(job.Id, due, cancellationToken);
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

    private async ValueTask ClearAsync(long jobId, Known known, CancellationToken cancellationToken)
    {
        if (known.Due is { } due)
            await alarms.ClearAsync(jobId, due, cancellationToken);
    }

    private sealed record Known(string Name, DateTimeOffset? Due, bool Enabled, string? Problem, string? Words);
}
