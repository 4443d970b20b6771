using System.Globalization;
using System.Text;
using AlloyScan.Engine.Jobs.Schedules;
using AlloyScan.Engine.Sync;

namespace AlloyScan.AutomationServer.Serving;

/// <summary>What the server counted since it started, in the text format of Prometheus. A small writer of ours, since only this format is needed.</summary>
internal sealed class ServeMetrics(TimeProvider timeProvider)
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<(string Job, string Status), long> _runs = [];
    private readonly SortedDictionary<string, (double Seconds, long Count)> _durations = [];
    private readonly SortedDictionary<(string Job, string Kind), long> _changes = [];
    private readonly SortedDictionary<string, long> _apiCalls = [];
    private readonly SortedSet<string> _running = [];
    private IReadOnlyList<ScheduledJob> _jobs = [];
    private DateTimeOffset? _polledAt;

    /// <summary>When the server started.</summary>
    public DateTimeOffset StartedAt { get; } = timeProvider.GetUtcNow();

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

    public void Polled(DateTimeOffset at)
    {
        lock (_gate)
            _polledAt = at;
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
        lock (_gate)
        {
            Count(run.Job, run.Status, run.Duration ?? TimeSpan.Zero);
            _apiCalls[run.Job] = _apiCalls.GetValueOrDefault(run.Job) + run.ApiCalls;
            (string Kind, long Number)[] changes =
            [
                ("devices_read", run.DevicesRead), ("created", run.Created), ("updated", run.Updated), ("unchanged", run.Unchanged), ("conflicts", run.Conflicts), ("missing", run.Missing),
                ("retired", run.Retired), ("deleted_in_alloyscan", run.DeletedInAlloyScan), ("installations_added", run.InstallationsAdded), ("installations_removed", run.InstallationsRemoved), ("errors", run.Errors),
            ];
            foreach (var (kind, number) in changes)
                _changes[(run.Job, kind)] = _changes.GetValueOrDefault((run.Job, kind)) + number;
        }
    }

    /// <summary>Counts a run that could not begin.</summary>
    public void RecordFailure(string job, TimeSpan duration)
    {
        lock (_gate)
            Count(job, SyncRunStatus.Failed, duration);
    }

    /// <summary>Writes everything.</summary>
    /// <param name="more">Values that are read from the store when somebody asks.</param>
    public string Write(IEnumerable<Gauge> more)
    {
        var text = new StringBuilder();
        lock (_gate)
        {
            Head(text, "alloyscan_server_start_time_seconds", "gauge", "When the server started, in seconds since 1970.");
            Line(text, "alloyscan_server_start_time_seconds", Seconds(StartedAt));
            if (_polledAt is { } polled)
            {
                Head(text, "alloyscan_server_last_poll_time_seconds", "gauge", "When the jobs were last looked at.");
                Line(text, "alloyscan_server_last_poll_time_seconds", Seconds(polled));
            }

            Head(text, "alloyscan_runs_total", "counter", "Scheduled runs by job and status.");
            foreach (var ((job, status), count) in _runs)
                Line(text, "alloyscan_runs_total", count, ("job", job), ("status", status));
            Head(text, "alloyscan_run_duration_seconds", "summary", "Time that scheduled runs took.");
            foreach (var (job, (seconds, count)) in _durations)
            {
                Line(text, "alloyscan_run_duration_seconds_sum", seconds, ("job", job));
                Line(text, "alloyscan_run_duration_seconds_count", count, ("job", job));
            }

            Head(text, "alloyscan_run_results_total", "counter", "What scheduled runs counted: devices read, CIs created, updated and so on.");
            foreach (var ((job, kind), count) in _changes)
                Line(text, "alloyscan_run_results_total", count, ("job", job), ("kind", kind));
            Head(text, "alloyscan_api_calls_total", "counter", "API calls of scheduled runs.");
            foreach (var (job, calls) in _apiCalls)
                Line(text, "alloyscan_api_calls_total", calls, ("job", job));
            // A reader of the format takes the lines of a family only together.
            Head(text, "alloyscan_job_running", "gauge", "1 while a scheduled run of the job is under way.");
            foreach (var job in _jobs)
                Line(text, "alloyscan_job_running", _running.Contains(job.Name) ? 1 : 0, ("job", job.Name));
            Head(text, "alloyscan_job_enabled", "gauge", "Whether the schedule runs the job.");
            foreach (var job in _jobs)
                Line(text, "alloyscan_job_enabled", job.Enabled ? 1 : 0, ("job", job.Name));
            Head(text, "alloyscan_job_next_run_time_seconds", "gauge", "When the job is due next.");
            foreach (var job in _jobs)
            {
                if (job.Due is { } due)
                    Line(text, "alloyscan_job_next_run_time_seconds", Seconds(due), ("job", job.Name));
            }
        }

        foreach (var family in more.GroupBy(g => (g.Name, g.Help)))
        {
            Head(text, family.Key.Name, "gauge", family.Key.Help);
            foreach (var gauge in family)
                Line(text, gauge.Name, gauge.Value, gauge.Labels);
        }

        return text.ToString();
    }

    private void Count(string job, SyncRunStatus status, TimeSpan duration)
    {
        _runs[(job, status.ToString())] = _runs.GetValueOrDefault((job, status.ToString())) + 1;
        var (seconds, count) = _durations.GetValueOrDefault(job);
        _durations[job] = (seconds + duration.TotalSeconds, count + 1);
    }

    private static double Seconds(DateTimeOffset time) => time.ToUnixTimeMilliseconds() / 1000.0;

    private static void Head(StringBuilder text, string name, string type, string help) =>
        text.Append(CultureInfo.InvariantCulture, $"# HELP {name} {help}\n# TYPE {name} {type}\n");

    private static void Line(StringBuilder text, string name, double value, params (string Name, string Value)[] labels)
    {
        text.Append(name);
        if (labels.Length > 0)
            text.Append('{').AppendJoin(',', labels.Select(l => $"{l.Name}=\"{Escaped(l.Value)}\"")).Append('}');
        text.Append(' ').Append(value.ToString("R", CultureInfo.InvariantCulture)).Append('\n');
    }

    private static string Escaped(string value) =>
        value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);

    /// <summary>A value that stands by itself.</summary>
    /// <param name="Name">Name of its family.</param>
    /// <param name="Help">What it is.</param>
    /// <param name="Value">The value.</param>
    /// <param name="Labels">What it is of.</param>
    public readonly record struct Gauge(string Name, string Help, double Value, params (string Name, string Value)[] Labels);
}
