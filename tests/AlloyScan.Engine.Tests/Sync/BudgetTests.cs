using AlloyScan.Engine.Credentials;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Site;
using AlloyScan.Engine.Sync;
using AlloyScan.SampleSite;
using static AlloyScan.Engine.Tests.Sync.SyncFixture;

namespace AlloyScan.Engine.Tests.Sync;

/// <summary>The budget of a run: exact, foreseen, and whatever it is, the work gets on.</summary>
public sealed class BudgetTests
{
    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 20)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task Whatever_the_budgets_are_the_runs_get_to_the_end_of_an_unlimited_one(int seed)
    {
        using var whole = new SyncFixture();
        using var limited = new SyncFixture();
        var fleets = (new RandomFleet(seed), new RandomFleet(seed));
        fleets.Item1.Fill(whole.Source, 30);
        fleets.Item2.Fill(limited.Source, 30);
        var random = new Random(seed);
        for (var day = 0; day < 3; day++)
        {
            var ended = 0;
            SyncRun run;
            for (var runs = 1; ; runs++)
            {
                Assert.True(runs <= 120, $"Seed {seed}, day {day}: {runs} runs and no end.");
                limited.Source.PageSize = 1 + random.Next(12);
                var pages = (limited.Source.Devices.Count + limited.Source.PageSize - 1) / limited.Source.PageSize;
                var budget = pages + 3 + random.Next(12);
                run = await limited.RunAsync(maxApiCalls: budget);
                Assert.True(run.ApiCalls <= budget, $"Seed {seed}, day {day}: {run.ApiCalls} calls of {budget}.");
                Assert.True(run.Status is SyncRunStatus.Succeeded or SyncRunStatus.PartiallySucceeded or SyncRunStatus.Blocked, run.Message);
                Assert.Equal(0, run.Errors);
                ended += run.StoppedByBudget ? 0 : 1;
                if (!run.StoppedByBudget)
                    break;

                Assert.Contains("budget", run.Message, StringComparison.Ordinal);
            }

            for (var i = 0; i < ended; i++)
                await whole.RunAsync();
            var (expected, actual) = (WithoutNumbers(whole.Dump()), WithoutNumbers(limited.Dump()));
            Assert.True(expected.SequenceEqual(actual), $"Seed {seed}, day {day}: {string.Join(Environment.NewLine, expected.Except(actual).Select(r => "whole: " + r).Concat(actual.Except(expected).Select(r => "limited: " + r)))}");
            fleets.Item1.Mutate(whole.Source);
            fleets.Item2.Mutate(limited.Source);
        }
    }

    [Theory]
    [InlineData("shaky")]
    [InlineData("throttled-seconds")]
    [InlineData("reset")]
    [InlineData("tokens")]
    public async Task A_budget_is_never_exceeded_whatever_is_tried_again_and_no_device_pays_for_it(string fault)
    {
        var clock = new ImpatientTime();
        using var fixture = new SyncFixture(clock: clock);
        using var healthy = new SyncFixture(clock: clock);
        await using var site = await SampleSiteHost.StartAsync(new SampleSiteOptions
        {
            Devices = 40, MaxPageSize = 10, SoftwarePerComputer = 5, TokenLifetime = fault == "tokens" ? TimeSpan.FromSeconds(1) : TimeSpan.FromHours(1),
        });
        await RunAsync(healthy, site, budget: null);
        if (fault != "tokens")
            site.State.Faults.Faults = FaultPlan.Preset(fault);
        var random = new Random(7);
        SyncRun run;
        var runs = 0;
        do
        {
            site.State.Log.Reset();
            var budget = 4 + random.Next(25);
            run = await RunAsync(fixture, site, budget);
            var sent = site.State.Log.Requests;
            Assert.True(sent <= budget && run.ApiCalls <= budget, $"{sent} requests and {run.ApiCalls} calls of {budget}.");
            Assert.True(run.Status is SyncRunStatus.Succeeded or SyncRunStatus.PartiallySucceeded, run.Message);
            Assert.True(run.Errors == 0, run.Message);
            Assert.Equal("0", fixture.Scalar("SELECT count(*) FROM failing_devices"));
        }
        while (run.StoppedByBudget && ++runs < 150);

        Assert.Equal(SyncRunStatus.Succeeded, run.Status);
        Assert.Equal(WithoutNumbers(healthy.Dump()), WithoutNumbers(fixture.Dump()));
    }

    [Fact]
    public async Task A_request_that_the_budget_does_not_allow_is_not_sent()
    {
        await using var site = await SampleSiteHost.StartAsync(new SampleSiteOptions { Devices = 5 });
        var budget = new CallBudget(3);
        using var client = new SiteClient(new SiteConnectionOptions { SiteUrl = site.SiteUrl, ClientId = site.ClientId, ClientSecret = new Secret(site.ClientSecret), Budget = budget });
        var id = site.State.Fleet.Devices(0).First().Id.ToString();
        await client.ReadDeviceAsync(id, default);
        await client.ReadDeviceAsync(id, default);

        var spent = await Assert.ThrowsAsync<BudgetSpentException>(() => client.ReadDeviceAsync(id, default));
        await Assert.ThrowsAsync<BudgetSpentException>(() => Task.WhenAll(Enumerable.Range(0, 20).Select(_ => client.ReadDeviceAsync(id, default))));

        Assert.Equal("BudgetSpent", spent.ErrorId);
        Assert.Equal((3, 3L, 0L), (site.State.Log.Requests, budget.Spent, budget.Left));
    }

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(13)]
    public async Task A_budget_smaller_than_the_list_says_so_after_the_first_page(int budget)
    {
        using var fixture = new SyncFixture();
        await using var site = await SampleSiteHost.StartAsync(new SampleSiteOptions { Devices = 140, MaxPageSize = 10, SoftwarePerComputer = 5 });

        var run = await RunAsync(fixture, site, budget);

        Assert.Equal((SyncRunStatus.PartiallySucceeded, true, 0), (run.Status, run.StoppedByBudget, run.Created));
        Assert.Contains("140 devices on at least 14 pages", run.Message, StringComparison.Ordinal);
        Assert.Contains("at least 15", run.Message, StringComparison.Ordinal);
        // The token, the page that tells, and one that was asked for ahead.
        Assert.True(site.State.Log.Requests <= (budget == 13 ? 13 : 3), $"{site.State.Log.Requests} requests");
        Assert.Equal("0", fixture.Scalar("SELECT count(*) FROM records"));

        Assert.True((await RunAsync(fixture, site, 15)).Complete);
    }

    [Fact]
    public async Task A_rehearsal_tells_the_calls_of_the_run_and_what_it_cost_itself()
    {
        using var fixture = new SyncFixture();
        await using var site = await SampleSiteHost.StartAsync(new SampleSiteOptions { Devices = 30, MaxPageSize = 10, SoftwarePerComputer = 5 });

        var rehearsal = await RunAsync(fixture, site, budget: 500, SyncMode.WhatIf);
        var forecast = rehearsal.Forecast!;
        Assert.Equal((1L, 3L, 30L, 30L, 64L), (forecast.Token, forecast.Pages, forecast.Details, forecast.Snapshots, forecast.Total));
        Assert.Equal((rehearsal.ApiCalls, 500L, 500 - rehearsal.ApiCalls, true), (forecast.Spent, forecast.RunBudget, forecast.RunLeft, forecast.Fits));
        Assert.Contains("64 API calls (1 token, 3 pages of the device list, 30 devices, 30 snapshots)", forecast.Sentence, StringComparison.Ordinal);

        site.State.RevokeTokens();
        var run = await RunAsync(fixture, site, budget: null);
        // The token that was revoked costs the call that found out.
        Assert.InRange(run.ApiCalls, forecast.Total, forecast.Total + 8);
        Assert.Equal((3L, 30L, 30L), (run.Forecast!.Pages, run.Forecast.Details, run.Forecast.Snapshots));
    }

    [Fact]
    public async Task A_run_that_will_not_fit_says_so_before_it_reads_a_device()
    {
        using var fixture = new SyncFixture();
        for (var i = 0; i < 100; i++)
            fixture.Source.Add(Device($"d{i:000}", "PC-" + i), Snapshot("s" + i));
        string[]? heardBefore = null;
        fixture.Source.Before = call =>
        {
            // Devices are read several at once; the first of them decides.
            if (call.StartsWith("device", StringComparison.Ordinal))
                Interlocked.CompareExchange(ref heardBefore, [.. fixture.Heard.Warnings], null);
        };

        var run = await fixture.RunAsync(maxApiCalls: 60);

        Assert.Contains(heardBefore!, w => w.Contains("200 more API calls for 100 devices", StringComparison.Ordinal));
        Assert.Equal((2L, 100L, 100L, false), (run.Forecast!.Pages, run.Forecast.Details, run.Forecast.Snapshots, run.Forecast.Fits));
        Assert.Equal("0", fixture.Scalar("SELECT reached_end FROM runs"));
    }

    [Fact]
    public async Task Links_are_synced_longest_ago_first_and_new_devices_get_their_turn_as_well()
    {
        using var fixture = new SyncFixture();
        for (var i = 0; i < 20; i++)
            fixture.Source.Add(Device($"d{i:00}", "PC-" + i), Snapshot("s" + i));
        await fixture.RunWellAsync();
        // The last one by ID was synced first.
        fixture.Sql("UPDATE links SET synced_at = synced_at - 1000000 - 1000 * CAST(substr(device_id, 2) AS INTEGER)");
        for (var i = 0; i < 20; i++)
            fixture.Source.Replace($"d{i:00}", d => d with { LastSeen = FakeSource.T(5) });
        for (var i = 20; i < 24; i++)
            fixture.Source.Add(Device($"d{i:00}", "PC-" + i), Snapshot("s" + i));

        var first = await fixture.RunAsync(maxApiCalls: 1 + 24);
        var read = fixture.Source.LogOf("device").ToList();

        Assert.True(first.Created > 0, "No new device got its turn.");
        var linked = read.Where(r => string.CompareOrdinal(r, "device d20") < 0).ToHashSet();
        Assert.InRange(linked.Count, 1, 19);
        Assert.Equal(Enumerable.Range(20 - linked.Count, linked.Count).Select(i => $"device d{i:00}").ToHashSet(), linked);

        // Linked devices move every day, and still the new ones come to an end.
        for (var day = 6; day < 20 && fixture.Scalar("SELECT count(*) FROM links") != "24"; day++)
        {
            for (var i = 0; i < 20; i++)
                fixture.Source.Replace($"d{i:00}", d => d with { LastSeen = FakeSource.T(day) });
            await fixture.RunAsync(maxApiCalls: 1 + 2);
        }

        Assert.Equal("24", fixture.Scalar("SELECT count(*) FROM links"));
    }

    private static async Task<SyncRun> RunAsync(SyncFixture fixture, SampleSiteHost site, int? budget, SyncMode mode = SyncMode.Apply)
    {
        var job = new SyncJob { Name = "Sample", SiteUrl = site.SiteUrl, ClientId = site.ClientId, ClientSecret = SecretReference.FromMemory(new Secret(site.ClientSecret)) };
        return await fixture.Store.Sync.ExecuteAsync(new SyncRequest { Job = job, MaxApiCalls = budget, Mode = mode }, SilentObserver.Instance, default);
    }

    private static List<string> WithoutNumbers(IEnumerable<string> dump) =>
        // Numbers go to whoever comes first, and so does the way that a product is written.
        [.. dump.Where(r => !r.StartsWith("N|", StringComparison.Ordinal)).Select(r => r.StartsWith("I|", StringComparison.Ordinal) || r.StartsWith("P|", StringComparison.Ordinal) ? r.ToLowerInvariant() : r).Select(r => System.Text.RegularExpressions.Regex.Replace(r, @"\b[CHch]\d{6}\b", "#")).Order(StringComparer.Ordinal)];

    /// <summary>The system's clock with waits a tenth as long, so that backoffs are gone through and not sat out.</summary>
    private sealed class ImpatientTime : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            base.CreateTimer(callback, state, dueTime > TimeSpan.Zero ? dueTime / 10 : dueTime, period);
    }
}
