using System.Collections.Concurrent;
using AlloyScan.Engine.Credentials;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Sync;
using AlloyScan.SampleSite;

namespace AlloyScan.Engine.Tests.Sync;

/// <summary>Whole runs through every fault that the sample site can be given, told at length and without a secret.</summary>
public sealed class FaultSyncTests
{
    /// <summary>Looks different in every form that a text may have it in.</summary>
    private const string Secret = "S3cret +/='&<\u00e9>\\ of \"0815\"";

    private static readonly ImpatientTime s_clock = new();
    private readonly Overheard _overheard = new();
    private readonly ConcurrentDictionary<string, int> _tries = new();

    /// <summary>Each preset with the status that a first run through it must end in.</summary>
    public static TheoryData<string, SyncRunStatus> Presets => new()
    {
        { "slow", SyncRunStatus.Succeeded },
        { "throttled-seconds", SyncRunStatus.Succeeded },
        { "throttled-date", SyncRunStatus.Succeeded },
        { "throttled-silent", SyncRunStatus.Succeeded },
        { "ceiling", SyncRunStatus.Succeeded },
        { "shaky", SyncRunStatus.Succeeded },
        { "reset", SyncRunStatus.Succeeded },
        { "truncated", SyncRunStatus.Succeeded },
        { "html", SyncRunStatus.Failed },
        { "empty", SyncRunStatus.Succeeded },
        { "empty-once", SyncRunStatus.Succeeded },
        { "short-pages", SyncRunStatus.Succeeded },
        { "collapsed-total", SyncRunStatus.PartiallySucceeded },
        { "shifting", SyncRunStatus.Succeeded },
        { "shifting-back", SyncRunStatus.Succeeded },
        { "duplicates", SyncRunStatus.PartiallySucceeded },
        { "revoked", SyncRunStatus.Succeeded },
        { "forbidden", SyncRunStatus.Failed },
        { "forbidden-details", SyncRunStatus.PartiallySucceeded },
        { "drip", SyncRunStatus.Succeeded },
        { "redirect", SyncRunStatus.Failed },
        { "wrong-types", SyncRunStatus.PartiallySucceeded },
        { "bad-snapshot", SyncRunStatus.PartiallySucceeded },
        { "large-page", SyncRunStatus.Succeeded },
        { "nested", SyncRunStatus.Failed },
        { "echo", SyncRunStatus.PartiallySucceeded },
        { "echo-token", SyncRunStatus.Failed },
        { "echo-list", SyncRunStatus.Failed },
    };

    [Fact]
    public void Every_preset_has_its_test() =>
        Assert.Equal(FaultPlan.Presets.Order(StringComparer.Ordinal), Presets.Select(p => (string)p[0]).Order(StringComparer.Ordinal));

    [Theory]
    [MemberData(nameof(Presets))]
    public async Task A_first_run_through_a_fault_ends_honestly_and_a_healthy_one_after_it_mends_all(string preset, SyncRunStatus status)
    {
        using var fixture = new SyncFixture(clock: s_clock);
        using var healthy = new SyncFixture(clock: s_clock);
        await using var site = await SampleSiteHost.StartAsync(new SampleSiteOptions { Devices = 40, MaxPageSize = 10, SoftwarePerComputer = 20, ClientSecret = Secret });
        await RunAsync(healthy, site);
        var expected = State(healthy);
        var calls = site.State.Log.Requests;
        site.State.Log.Reset();

        _tries.Clear();
        site.State.Faults.Faults = FaultPlan.Preset(preset);
        var run = await RunAsync(fixture, site);
        var struck = site.State.Faults.Struck.Sum();
        site.State.Faults.Faults = [];

        Assert.True(run.Status == status, $"{run.Status}: {run.Message}");
        Assert.True(struck > 0, "The fault did not strike.");
        // At most five tries for a call beside those that were put off by 429, and three passes over the list.
        foreach (var (call, tries) in _tries)
            Assert.True(tries <= (call.Contains("/devices?", StringComparison.Ordinal) ? 3 * 5 : 5), $"{tries} tries of {call}");
        Assert.InRange(site.State.Log.Requests, 1, (calls * 5) + 15);
        Assert.Empty(fixture.Rows("SELECT device_id FROM sync_links WHERE state <> 'Live'"));

        var after = await RunAsync(fixture, site);
        Assert.True(after.Status == SyncRunStatus.Succeeded, after.Message);
        Assert.Equal(expected, State(fixture));
        AssertNoSecretWasSaid(fixture, site);
    }

    [Theory]
    [MemberData(nameof(Presets))]
    public async Task A_later_run_through_a_fault_takes_nothing_away(string preset, SyncRunStatus firstStatus)
    {
        _ = firstStatus;
        using var fixture = new SyncFixture(clock: s_clock);
        await using var site = await SampleSiteHost.StartAsync(new SampleSiteOptions { Devices = 40, MaxPageSize = 10, SoftwarePerComputer = 20, LastSeenMoves = true, ClientSecret = Secret });
        await RunAsync(fixture, site);
        var records = fixture.Rows("SELECT device_id, name FROM computers UNION SELECT device_id, name FROM hardware ORDER BY 1");
        var installations = fixture.Scalar("SELECT count(*) FROM discovered_installations");

        site.State.Faults.Faults = FaultPlan.Preset(preset);
        await RunAsync(fixture, site);
        site.State.Faults.Faults = [];

        Assert.Empty(fixture.Rows("SELECT device_id FROM sync_links WHERE state <> 'Live'"));
        Assert.Equal(records, fixture.Rows("SELECT device_id, name FROM computers UNION SELECT device_id, name FROM hardware ORDER BY 1"));
        Assert.Equal(installations, fixture.Scalar("SELECT count(*) FROM discovered_installations"));
        AssertNoSecretWasSaid(fixture, site);
    }

    private void AssertNoSecretWasSaid(SyncFixture fixture, SampleSiteHost site)
    {
        _overheard.Add(string.Join('\n', fixture.Everything()));
        // What a server has on its disk is not ours to read; its rows are here.
        if (fixture.Store.Location.Postgres is null)
            _overheard.AddFiles(fixture.Store.Location.Path);
        Assert.NotEmpty(site.State.Tokens.Issued);
        _overheard.AssertSilentOn([Secret, .. site.State.Tokens.Issued]);
    }

    private async Task<SyncRun> RunAsync(SyncFixture fixture, SampleSiteHost site)
    {
        // A transport of its own has tokens of its own, as a process of its own would.
        using var transport = new CallCounter(_tries);
        var run = await fixture.Store.Sync.ExecuteAsync(
            new SyncRequest
            {
                Job = new SyncJob { Name = "Sample", SiteUrl = site.SiteUrl, ClientId = site.ClientId, ClientSecret = SecretReference.FromMemory(new Secret(site.ClientSecret)) },
                Transport = transport,
            },
            _overheard, default);
        _overheard.Add(run);
        return run;
    }

    [Fact]
    public async Task Under_a_ceiling_of_twenty_calls_a_second_no_more_than_a_fifth_of_it_is_waited_away()
    {
        var clock = new WaitRecorder();
        using var fixture = new SyncFixture(clock: clock);
        await using var site = await SampleSiteHost.StartAsync(new SampleSiteOptions { Devices = 90, SoftwarePerComputer = 2, ClientSecret = Secret, Faults = FaultPlan.Preset("ceiling") });

        var run = await RunAsync(fixture, site);

        Assert.True(run.Status == SyncRunStatus.Succeeded, run.Message);
        var served = site.State.Log.Calls.Where(c => c.Status == 200).Sum(c => c.Calls);
        var refused = site.State.Log.Calls.Where(c => c.Status == 429).Sum(c => c.Calls);

        // What a busy machine adds to the time is not waited: on an idle one the waits are nearly all of it.
        Assert.True(clock.Waited <= TimeSpan.FromSeconds(served / 20.0 / 0.8), $"{clock.Waited} waited for {served} calls.");
        Assert.True(refused * 4 <= served, $"{refused} calls refused, {served} served.");
    }

    /// <summary>CIs and software by device: the IDs of CIs depend on when each was created.</summary>
    private static List<string> State(SyncFixture fixture) =>
    [
        .. fixture.Rows("SELECT device_id, name, dns_name, serial_number, mac_address, bios_uuid, os_name, os_version, cpu, memory_bytes, user_name, status, audit_id, last_seen FROM computers ORDER BY 1"),
        .. fixture.Rows("SELECT device_id, name, type, serial_number, mac_address, status, last_seen FROM hardware ORDER BY 1"),
        .. fixture.Rows("SELECT c.device_id, i.name, i.version, i.publisher FROM discovered_installations i JOIN computers c ON c.id = i.computer_id ORDER BY 1, 2, 3, 4"),
        .. fixture.Rows("SELECT name, version, publisher, installations FROM software_products ORDER BY 1, 2, 3"),
        .. fixture.Rows("SELECT device_id, state FROM sync_links ORDER BY 1"),
        .. fixture.Rows("SELECT device_id, state FROM sync_conflicts ORDER BY 1"),
    ];

    /// <summary>The system's clock with waits a tenth as long, so that backoffs are gone through and not sat out.</summary>
    private sealed class ImpatientTime : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            base.CreateTimer(callback, state, dueTime > TimeSpan.Zero ? dueTime / 10 : dueTime, period);
    }

    /// <summary>The system's clock, which keeps how long somebody waited by it, time limits left out.</summary>
    private sealed class WaitRecorder : TimeProvider
    {
        private readonly Lock _lock = new();
        private DateTimeOffset _until;

        /// <summary>The time in which anybody waited; what several wait for together counts once.</summary>
        public TimeSpan Waited { get; private set; }

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            if (dueTime > TimeSpan.Zero && dueTime < TimeSpan.FromSeconds(20))
            {
                lock (_lock)
                {
                    var now = GetUtcNow();
                    var from = now > _until ? now : _until;
                    if (now + dueTime > from)
                    {
                        Waited += now + dueTime - from;
                        _until = now + dueTime;
                    }
                }
            }

            return base.CreateTimer(callback, state, dueTime, period);
        }
    }

    /// <summary>Counts how often each call was made, those left out that the site put off.</summary>
    private sealed class CallCounter(ConcurrentDictionary<string, int> tries) : DelegatingHandler(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false })
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var call = $"{request.Method} {request.RequestUri!.PathAndQuery}";
            if (!call.Contains("/token", StringComparison.Ordinal))
                tries.AddOrUpdate(call, 1, (_, n) => n + 1);
            var response = await base.SendAsync(request, cancellationToken);
            if ((int)response.StatusCode == 429)
                tries.AddOrUpdate(call, 0, (_, n) => n - 1);
            return response;
        }
    }
}
