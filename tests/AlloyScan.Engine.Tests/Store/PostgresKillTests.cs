using System.Diagnostics;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Sync;
using AlloyScan.Engine.Sync.Guard;
using AlloyScan.Engine.Tests.AutomationServer;
using AlloyScan.Engine.Tests.Sync;
using AlloyScan.SampleSite;
using Xunit.Abstractions;

namespace AlloyScan.Engine.Tests;

/// <summary>
/// Processes on PostgreSQL that are killed at random moments: every store that they leave is consistent, and the next run ends where one ends that
/// nobody disturbed.
/// </summary>
[Trait("Store", "PostgreSQL")]
public sealed class PostgresKillTests(ITestOutputHelper output)
{
    private const int Stores = 4;
    private const int Days = 4;

    private static readonly SampleSiteOptions s_fleet = new() { Devices = 330, SoftwarePerComputer = 3, MaxPageSize = 100, ChangeRate = 10, Latency = TimeSpan.FromMilliseconds(2) };

    private static readonly Func<SyncJob, SyncJob> s_unguarded = job => job with { GuardLimits = GuardLimit.Kinds.ToDictionary(kind => kind, _ => new GuardLimit(1000, 1)) };

    [PostgresFact]
    public async Task First_loads_and_runs_with_changes_that_are_killed()
    {
        // How long the part of a run is that begins with its first request, and where each day leads.
        var lengths = new List<TimeSpan>();
        var expected = new List<List<string>>();
        using (var calm = new SyncFixture(s_unguarded, postgres: true))
        {
            for (var day = 0; day < Days; day++)
            {
                await using var site = await StartAsync(calm, day);
                using var process = Start(calm);
                await ChildProgram.UntilAsync(() => site.State.Log.Requests > 0, process);
                var watch = Stopwatch.StartNew();
                await process.WaitForExitAsync();
                lengths.Add(watch.Elapsed);
                Assert.True(process.ExitCode is 0 or 2, $"The calm run ended with {process.ExitCode}.");
                KillTests.AssertConsistent(calm, "the calm run");
                expected.Add(KillTests.State(calm));
            }
        }

        var random = new Random(16);
        var (midway, partly) = (0, 0);
        for (var store = 0; store < Stores; store++)
        {
            using var fixture = new SyncFixture(s_unguarded, postgres: true);
            for (var day = 0; day < Days; day++)
            {
                await using var site = await StartAsync(fixture, day);
                var changes = fixture.Scalar("SELECT count(*) FROM changes");
                using (var process = Start(fixture))
                {
                    await ChildProgram.UntilAsync(() => site.State.Log.Requests > 0, process);
                    await Task.Delay(lengths[day] * random.NextDouble() * 0.95);
                    var killed = await KillTests.KillAsync(process);
                    midway += killed ? 1 : 0;
                    partly += killed && fixture.Scalar("SELECT count(*) FROM changes") != changes ? 1 : 0;
                }

                var when = $"the kill on day {day} of store {store}";
                KillTests.AssertConsistent(fixture, when);
                var next = await fixture.Store.Sync.ExecuteAsync(new SyncRequest { Job = fixture.Job }, SilentObserver.Instance, default);
                Assert.True(next.Status is SyncRunStatus.Succeeded or SyncRunStatus.PartiallySucceeded, next.Message);
                KillTests.AssertConsistent(fixture, "the run after " + when);
                var actual = KillTests.State(fixture);
                Assert.True(expected[day].SequenceEqual(actual), $"After {when}: instead of {string.Join(" / ", expected[day].Except(actual).Take(4))} there is {string.Join(" / ", actual.Except(expected[day]).Take(4))}");
                Assert.Equal("0", fixture.Scalar("SELECT count(*) FROM runs WHERE status = 'Running'"));
            }
        }

        output.WriteLine($"{Stores * Days} runs killed, {midway} of them before they ended, {partly} after they had committed something.");
        // A machine that is suddenly quicker ends some before their time.
        Assert.InRange(midway, Stores * Days / 3, Stores * Days);
    }

    private static async Task<SampleSiteHost> StartAsync(SyncFixture fixture, int day)
    {
        var site = await SampleSiteHost.StartAsync(s_fleet with { Day = day });
        // The same site at another port.
        fixture.Job = fixture.Store.Jobs.Update(KillTests.Job(fixture.Job, site), SiteChange.SameSite);
        return site;
    }

    private static Process Start(SyncFixture fixture) => ChildProgram.Start("alloyscan.dll", "run", "HQ", "--store", fixture.Store.Location.ToString(), "--json");
}
