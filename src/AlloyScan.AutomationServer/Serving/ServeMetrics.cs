using System.Text;
using AlloyScan.Engine.Jobs.Schedules;
using AlloyScan.Engine.Sync;
using Prometheus;

namespace AlloyScan.AutomationServer.Serving;

/// <summary>What the server counted since it started, and what it is doing, for its health page and for Prometheus.</summary>
internal sealed class ServeMetrics : IDisposable
{
    private readonly Lock _gate = new();
    private readonly SortedSet<string> _running = [];
    private readonly SemaphoreSlim _writing = new(1);
    private readonly CollectorRegistry _registry = Metrics.NewCustomRegistry();
    private readonly MetricFactory _factory;
    private readonly Dictionary<string, Gauge> _readings = [];
    private readonly Counter _runs;
    private readonly Summary _durations;
    private readonly Counter _results;
    private readonly Counter _apiCalls;
    private readonly Gauge _lastPoll;
    private readonly Gauge _jobRunning;
    private readonly Gauge _jobEnabled;
    private readonly Gauge _jobNextRun;
    private IReadOnlyList<ScheduledJob> _jobs = [];
    private DateTimeOffset? _polledAt;

    public ServeMetrics(TimeProvider timeProvider)
    {
        StartedAt = timeProvider.GetUtcNow();
        _factory = Metrics.WithCustomRegistry(_registry);
        _factory.CreateGauge("alloyscan_server_start_time_seconds", "When the server started, in seconds since 1970.").Set(Seconds(StartedAt));
        _lastPoll = _factory.CreateGauge("alloyscan_server_last_poll_time_seconds", "When the jobs were last looked at.", new GaugeConfiguration { SuppressInitialValue = true });
        _runs = _factory.CreateCounter("alloyscan_runs_total", "Scheduled runs by job and status.", "job", "status");
        _durations = _factory.CreateSummary("alloyscan_run_duration_seconds", "Time that scheduled runs took.", "job");
        _results = _factory.CreateCounter("alloyscan_run_results_total", "What scheduled runs counted: devices read, CIs created, updated and so on.", "job", "kind");
        _apiCalls = _factory.CreateCounter("alloyscan_api_calls_total", "API calls of scheduled runs.", "job");
        _jobRunning = _factory.CreateGauge("alloyscan_job_running", "1 while a scheduled run of the job is under way.", "job");
        _jobEnabled = _factory.CreateGauge("alloyscan_job_enabled", "Whether the schedule runs the job.", "job");
        _jobNextRun = _factory.CreateGauge("alloyscan_job_next_run_time_seconds", "When the job is due next.", "job");
    }

    /// <summary>When the server started.</summary>
    public DateTimeOffset StartedAt { get; }

    /// <summary>When the jobs were last looked at.</summary>
    public DateTimeOffset? PolledAt
    {
        get
        {
            lock (_gate)
                return _polledAt;
        }
    }

    /// <summary>Jobs that run or wait for their turn to write.</summary>
    public IReadOnlyList<string> Running
    {
        get
        {
            lock (_gate)
                return [.. _running];
        }
    }

    /// <summary>The jobs as last seen.</summary>
    public IReadOnlyList<ScheduledJob> Jobs
    {
        get
        {
            lock (_gate)
                return _jobs;
        }
    }

    public void Dispose() => _writing.Dispose();

    public void Polled(DateTimeOffset at)
    {
        lock (_gate)
            _polledAt = at;
        _lastPoll.Set(Seconds(at));
    }

    public void Scheduled(IReadOnlyList<ScheduledJob> jobs)
    {
        lock (_gate)
            _jobs = jobs;
    }

    public void Begin(string job)
    {
        lock (_gate)
            _running.Add(job);
    }

    public void End(string job)
    {
        lock (_gate)
            _running.Remove(job);
    }

    /// <summary>Counts a run.</summary>
    public void Record(SyncRun run)
    {
        Count(run.Job, run.Status, run.Duration ?? TimeSpan.Zero);
        _apiCalls.WithLabels(run.Job).Inc(run.ApiCalls);
        (string Kind, long Number)[] results =
        [
            ("devices_read", run.DevicesRead), ("created", run.Created), ("updated", run.Updated), ("unchanged", run.Unchanged), ("conflicts", run.Conflicts), ("missing", run.Missing),
            ("retired", run.Retired), ("deleted_in_alloyscan", run.DeletedInAlloyScan), ("installations_added", run.InstallationsAdded), ("installations_removed", run.InstallationsRemoved), ("errors", run.Errors),
        ];
        foreach (var (kind, number) in results)
            _results.WithLabels(run.Job, kind).Inc(number);
    }

    /// <summary>Counts a run that could not begin.</summary>
    public void RecordFailure(string job, TimeSpan duration) => Count(job, SyncRunStatus.Failed, duration);

    /// <summary>Writes everything in the text format of Prometheus.</summary>
    /// <param name="more">Values that are read from the store when somebody asks. Those of a family have the same labels.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public async Task<string> WriteAsync(IEnumerable<Reading> more, CancellationToken cancellationToken)
    {
        // One at a time: what is set for one answer must not be half changed for another.
        await _writing.WaitAsync(cancellationToken);
        try
        {
            var running = Running;
            var jobs = Jobs;
            Set(_jobRunning, jobs.Select(j => (running.Contains(j.Name) ? 1.0 : 0, new[] { j.Name })));
            Set(_jobEnabled, jobs.Select(j => (j.Enabled ? 1.0 : 0, new[] { j.Name })));
            Set(_jobNextRun, jobs.Where(j => j.Due is not null).Select(j => (Seconds(j.Due!.Value), new[] { j.Name })));
            var families = more.ToLookup(r => r.Name);
            foreach (var family in families)
            {
                var first = family.First();
                _readings.TryAdd(family.Key, _factory.CreateGauge(first.Name, first.Help, [.. first.Labels.Select(l => l.Name)]));
            }

            // A family of which nothing was read this time has no values, and none of before.
            foreach (var (name, gauge) in _readings)
                Set(gauge, families[name].Select(r => (r.Value, r.Labels.Select(l => l.Value).ToArray())));

            using var stream = new MemoryStream();
            await _registry.CollectAndExportAsTextAsync(stream, cancellationToken);
            return Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length);
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>Gives a family these values and no others.</summary>
    private static void Set(Gauge gauge, IEnumerable<(double Value, string[] Labels)> values)
    {
        var old = gauge.GetAllLabelValues().Select(l => string.Join('\0', l)).ToHashSet(StringComparer.Ordinal);
        foreach (var (value, labels) in values)
        {
            gauge.WithLabels(labels).Set(value);
            old.Remove(string.Join('\0', labels));
        }

        foreach (var gone in old)
            gauge.RemoveLabelled(gone.Split('\0'));
    }

    private void Count(string job, SyncRunStatus status, TimeSpan duration)
    {
        _runs.WithLabels(job, status.ToString()).Inc();
        _durations.WithLabels(job).Observe(duration.TotalSeconds);
    }

    private static double Seconds(DateTimeOffset time) => time.ToUnixTimeMilliseconds() / 1000.0;

    /// <summary>A value that is read when somebody asks.</summary>
    /// <param name="Name">Name of its family.</param>
    /// <param name="Help">What it is.</param>
    /// <param name="Value">The value.</param>
    /// <param name="Labels">What it is of.</param>
    public readonly record struct Reading(string Name, string Help, double Value, params (string Name, string Value)[] Labels);
}
