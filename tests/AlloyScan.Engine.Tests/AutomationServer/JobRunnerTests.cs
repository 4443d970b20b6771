using System.Collections.Concurrent;
using System.Diagnostics;
using AlloyScan.AutomationServer.Serving;
using AlloyScan.Engine.Credentials;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Jobs.Schedules;
using AlloyScan.Engine.Store;
using AlloyScan.SampleSite;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Quartz;

namespace AlloyScan.Engine.Tests.AutomationServer;

/// <summary>The parts of the server in this process, with a clock that tests set.</summary>
public sealed class JobRunnerTests : IAsyncLifetime, IDisposable
{
    private const int ServingFailed = 40;

    private static readonly DateTimeOffset s_noon = new(2026, 3, 10, 12, 0, 0, TimeSpan.Zero);

    private readonly TemporaryFolder _folder = new();
    private readonly SetClock _clock = new() { Now = s_noon.AddMinutes(10) };
    private readonly RecordedAlarms _alarms = new();
    private readonly RecordedLog _log = new();
    private readonly ServeEnd _end = new();
    private readonly ServeSettings _settings = new() { Poll = TimeSpan.FromMilliseconds(20), LeasePause = TimeSpan.FromMilliseconds(20), HealthPort = null };
    private SampleSiteHost _site = null!;
    private AlloyStore _store = null!;
    private ServeMetrics _metrics = null!;
    private JobRunner _runner = null!;

    public async Task InitializeAsync()
    {
        _site = await SampleSiteHost.StartAsync(new SampleSiteOptions { Devices = 2, SoftwarePerComputer = 1 });
        await File.WriteAllTextAsync(_folder.File("secret"), _site.ClientSecret);
        _store = AlloyStore.Open(StoreLocation.Resolve(_folder.File("store.db")), _clock);
        _store.Jobs.Create(new SyncJob
        {
            Name = "Hourly", SiteUrl = _site.SiteUrl, ClientId = _site.ClientId, ClientSecret = SecretReference.FromFile(_folder.File("secret")),
            Schedule = Schedule.Parse("""{"occurs":"Daily","everyHours":1,"timeZone":"UTC"}""", _clock),
        });
        _metrics = new ServeMetrics(_clock);
        _runner = new JobRunner(_store, _settings, _metrics, _clock, _log);
    }

    public async Task DisposeAsync()
    {
        await _runner.StopAsync();
        await _site.DisposeAsync();
    }

    public void Dispose()
    {
        _runner.Dispose();
        _metrics.Dispose();
        _store.Dispose();
        _folder.Dispose();
    }

    private ScheduledJob Job => Assert.Single(_store.Schedules.List());

    private int Runs => _store.Runs.List("Hourly").Count();

    [Fact]
    public async Task A_clock_that_is_set_leads_to_one_run_at_most()
    {
        // Nothing is due yet, whoever calls.
        await RunAsync();
        Assert.Equal(0, Runs);

        _clock.Now = s_noon.AddHours(1);
        await RunAsync();
        await RunAsync();
        Assert.Equal(1, Runs);

        // Back by an hour: 13:00 comes again and is settled.
        _clock.Now = s_noon.AddMinutes(30);
        await RunAsync();
        _clock.Now = s_noon.AddHours(1).AddMinutes(1);
        await RunAsync();
        Assert.Equal(1, Runs);

        // Ahead by a day: many have passed, one runs.
        _clock.Now = s_noon.AddHours(25.5);
        await RunAsync();
        await RunAsync();
        Assert.Equal(2, Runs);
        Assert.Equal(s_noon.AddHours(26), Job.Due);
    }

    [Fact]
    public async Task Calls_at_the_same_time_run_a_job_once()
    {
        _clock.Now = s_noon.AddHours(1);
        Parallel.For(0, 20, _ => _runner.Begin(Job.Id));
        await UntilAsync(() => !_runner.IsBusy(Job.Id));
        Assert.Equal(1, Runs);
    }

    [Fact]
    public async Task A_store_that_is_locked_leaves_the_occurrence_due()
    {
        _clock.Now = s_noon.AddHours(1);
        using (var connection = new SqliteConnection($"Data Source={_store.Location.Path};Pooling=False"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = "BEGIN IMMEDIATE";
            command.ExecuteNonQuery();
            _runner.Begin(Job.Id);
            // It waits for the lock for ten seconds, gives up, and leaves the job alone for a while.
            await UntilAsync(() => _log.Events.Contains(ServingFailed));
        }

        await UntilAsync(() =>
        {
            _clock.Now += _settings.FailurePause;
            return !_runner.IsBusy(Job.Id);
        });
        var before = Runs;
        await RunAsync();
        Assert.Equal((0, 1), (before, Runs));
    }

    [Fact]
    public async Task The_watcher_keeps_one_alarm_for_each_job_and_corrects_a_clock_that_was_ahead()
    {
        using var watcher = new ScheduleWatcher(_store, _alarms, _runner, _metrics, _end, _settings, _clock, NullLogger<ScheduleWatcher>.Instance);
        await watcher.StartAsync(CancellationToken.None);
        await UntilAsync(() => _alarms.Are(s_noon.AddHours(1)));

        var job = _store.Jobs.Get("Hourly");
        job = _store.Jobs.Update(job.WithSchedule(job.Schedule! with { EveryMinutes = 120 }));
        await UntilAsync(() => _alarms.Are(s_noon.AddHours(2)));
        _store.Jobs.Update(job with { Enabled = false });
        await UntilAsync(() => _alarms.Are());
        _store.Jobs.Update(job);
        await UntilAsync(() => _alarms.Are(s_noon.AddHours(2)));

        // A run ended while the clock was a year ahead.
        _clock.Now = s_noon.AddYears(1);
        _store.Schedules.Claim(Job)!.Settle(_clock.Now);
        _clock.Now = s_noon.AddMinutes(10);
        await UntilAsync(() => _alarms.Are(s_noon.AddHours(2)));

        _store.Jobs.Remove("Hourly");
        await UntilAsync(() => _alarms.Are());
        await watcher.StopAsync(CancellationToken.None);
    }

    [Fact]
    public async Task Alarms_are_made_to_say_what_the_jobs_say()
    {
        // Left over from a job that is gone and from another schedule; and somebody throws one away that is needed.
        await _alarms.SetAsync(new Alarm(4711, s_noon.AddHours(3)), CancellationToken.None);
        await _alarms.SetAsync(new Alarm(Job.Id, s_noon.AddHours(5)), CancellationToken.None);
        using var watcher = new ScheduleWatcher(_store, _alarms, _runner, _metrics, _end, _settings, _clock, NullLogger<ScheduleWatcher>.Instance);
        await watcher.StartAsync(CancellationToken.None);
        await UntilAsync(() => _alarms.Are(s_noon.AddHours(1)));
        await _alarms.ClearAsync([new Alarm(Job.Id, s_noon.AddHours(1))], CancellationToken.None);
        await UntilAsync(() => _alarms.Are(s_noon.AddHours(1)));

        // While a host has the job, its alarm is not set again.
        _clock.Now = s_noon.AddHours(1);
        var claim = _store.Schedules.Claim(Job)!;
        Assert.True(Job.IsClaimed);
        await _alarms.ClearAsync([new Alarm(Job.Id, s_noon.AddHours(1))], CancellationToken.None);
        var looked = _metrics.PolledAt;
        _clock.Now += TimeSpan.FromSeconds(1);
        await UntilAsync(() => _metrics.PolledAt > looked);
        _clock.Now += TimeSpan.FromSeconds(1);
        looked = _metrics.PolledAt;
        await UntilAsync(() => _metrics.PolledAt > looked);
        Assert.True(_alarms.Are());
        claim.Release();
        await UntilAsync(() => _alarms.Are(s_noon.AddHours(1)));
        await watcher.StopAsync(CancellationToken.None);
    }

    [Fact]
    public async Task A_store_that_a_newer_version_has_brought_up_to_date_ends_the_server()
    {
        using var watcher = new ScheduleWatcher(_store, _alarms, _runner, _metrics, _end, _settings, _clock, NullLogger<ScheduleWatcher>.Instance);
        await watcher.StartAsync(CancellationToken.None);
        await UntilAsync(() => _alarms.Are(s_noon.AddHours(1)));
        Assert.False(_end.Failed.IsCompleted);
        using (var connection = new SqliteConnection($"Data Source={_store.Location.Path};Pooling=False"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = "PRAGMA user_version = 999";
            command.ExecuteNonQuery();
        }

        Assert.Equal("StoreTooNew", (await _end.Failed.WaitAsync(TimeSpan.FromMinutes(2))).ErrorId);
        // Who writes without having looked is stopped too.
        Assert.Equal("StoreTooNew", Assert.Throws<AlloyScanException>(() => _store.Schedules.Claim(Job)).ErrorId);
        await watcher.StopAsync(CancellationToken.None);
    }

    [Fact]
    public async Task An_alarm_that_is_set_twice_goes_off_once_and_one_taken_back_does_not()
    {
        _clock.Now = s_noon.AddHours(1);
        using var host = new HostBuilder().ConfigureServices(services =>
        {
            services.AddSingleton(_runner);
            QuartzAlarmClock.Add(services, connections: null);
        }).Build();
        await host.StartAsync();
        var alarms = host.Services.GetRequiredService<IAlarmClock>();
        var soon = DateTimeOffset.UtcNow.AddMilliseconds(500);

        await alarms.SetAsync(new Alarm(Job.Id, soon.AddDays(1)), CancellationToken.None);
        await alarms.SetAsync(new Alarm(Job.Id, soon), CancellationToken.None);
        await alarms.SetAsync(new Alarm(Job.Id, soon), CancellationToken.None);
        Assert.Equal(2, (await alarms.ListAsync(CancellationToken.None)).Count);
        await alarms.ClearAsync([new Alarm(Job.Id, soon.AddDays(1))], CancellationToken.None);
        await UntilAsync(() => Runs == 1 && !_runner.IsBusy(Job.Id));
        Assert.Empty(await alarms.ListAsync(CancellationToken.None));
        await host.StopAsync();
    }

    private async Task RunAsync()
    {
        _runner.Begin(Job.Id);
        await UntilAsync(() => !_runner.IsBusy(Job.Id));
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        for (var patience = Stopwatch.StartNew(); !condition(); await Task.Delay(5))
            Assert.True(patience.Elapsed < TimeSpan.FromMinutes(2), "It did not happen.");
    }

    private sealed class SetClock : TimeProvider
    {
        private long _ticks;

        public DateTimeOffset Now
        {
            get => new(Interlocked.Read(ref _ticks), TimeSpan.Zero);
            set => Interlocked.Exchange(ref _ticks, value.UtcTicks);
        }

        public override DateTimeOffset GetUtcNow() => Now;
    }

    private sealed class RecordedLog : ILogger<JobRunner>
    {
        public ConcurrentQueue<int> Events { get; } = new();

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => Events.Enqueue(eventId.Id);
    }

    private sealed class RecordedAlarms : IAlarmClock
    {
        private readonly ConcurrentDictionary<Alarm, bool> _set = new();

        public bool Are(params DateTimeOffset[] expected) => _set.Keys.Select(a => a.Instant).Order().SequenceEqual(expected);

        public ValueTask<IReadOnlySet<Alarm>> ListAsync(CancellationToken cancellationToken) => ValueTask.FromResult<IReadOnlySet<Alarm>>(_set.Keys.ToHashSet());

        public ValueTask SetAsync(Alarm alarm, CancellationToken cancellationToken)
        {
            _set[alarm] = true;
            return ValueTask.CompletedTask;
        }

        public ValueTask ClearAsync(IReadOnlyCollection<Alarm> alarms, CancellationToken cancellationToken)
        {
            foreach (var alarm in alarms)
                _set.TryRemove(alarm, out _);
            return ValueTask.CompletedTask;
        }

        public AlloyScanException? Translate(Exception exception) => null;
    }
}
