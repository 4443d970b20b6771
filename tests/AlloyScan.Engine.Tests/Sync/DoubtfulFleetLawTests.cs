using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Sync;
using AlloyScan.Engine.Sync.Identify;

namespace AlloyScan.Engine.Tests.Sync;

/// <summary>
/// Laws of the decisions over fleets in which nothing is certain: machines imaged anew, stale devices, junk that comes and goes, odd
/// rules, several sites. A failure names its seed.
/// </summary>
public sealed class DoubtfulFleetLawTests
{
    private static readonly string[][] s_rules =
    [
        [],
        ["Computer: Name matches, SerialNumber equals", "Hardware: Name matches, MacAddress does not match"],
        ["Computer: AuditId matches", "Computer: AssetTag equals, Name matches, SerialNumber does not equal", "Hardware: SerialNumber equals, MacAddress equals"],
        ["Computer: MacAddress equals, BiosUuid does not match", "Computer: AssetTag equals, SerialNumber equals", "Hardware: Name equals"],
    ];

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 20)];

    internal static SyncFixture NewFixture(int seed)
    {
        var fixture = new SyncFixture(job => job with { MostCarriers = 1 + (seed % 3) });
        foreach (var text in s_rules[seed % s_rules.Length])
        {
            var (recordClass, conditions) = (text.Split(": ")[0], text.Split(": ")[1].Split(", "));
            fixture.Store.IdentificationRules.Create(
                new IdentificationRule { Class = Enum.Parse<RecordClass>(recordClass), Name = text, Conditions = [.. conditions.Select(RuleCondition.Parse)] }, 1);
        }

        return fixture;
    }

    private static string Describe(SyncChange c) => $"{c.Action} {c.Class} {c.DeviceId} +{c.SoftwareAdded} -{c.SoftwareRemoved} {string.Join(';', c.Fields)}";

    private static void AssertSame(List<SyncChange> planned, SyncFixture fixture, int seed)
    {
        var more = fixture.Heard.Changes.ExceptBy(planned.Select(Describe), Describe).Select(c => $"done: {Describe(c)} ({c.Reason})");
        var less = planned.ExceptBy(fixture.Heard.Changes.Select(Describe), Describe).Select(c => $"planned: {Describe(c)} ({c.Reason})");
        Assert.True(!more.Any() && !less.Any(), $"Seed {seed}: {string.Join(Environment.NewLine, less.Concat(more))}");
        Assert.Equal(planned.Count, fixture.Heard.Changes.Count);
    }

    private static void CheckLinks(SyncFixture fixture)
    {
        Assert.Empty(fixture.Rows("SELECT record, count(*) FROM links WHERE state IN (1, 2) GROUP BY record HAVING count(*) > 1"));
        Assert.Empty(fixture.Rows("SELECT device_id FROM conflicts c WHERE state = 'Open' AND kind = 'Unlinked' AND EXISTS (SELECT 1 FROM links l WHERE l.device_id = c.device_id AND l.site_id = c.site_id AND l.state IN (1, 2))"));
        Assert.Empty(fixture.Rows("SELECT device_id FROM conflicts c WHERE state = 'Open' AND kind = 'RestsOnJunk' AND NOT EXISTS (SELECT 1 FROM links l WHERE l.device_id = c.device_id AND l.site_id = c.site_id AND l.state = 1)"));
        Assert.Empty(fixture.Rows("SELECT conflict FROM conflict_identifiers WHERE conflict NOT IN (SELECT id FROM conflicts WHERE state = 'Open' AND kind = 'Unlinked')"));
        Assert.Empty(fixture.Rows("SELECT link FROM link_grounds WHERE link NOT IN (SELECT id FROM links WHERE rule IS NOT NULL)"));
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task Each_day_a_rehearsal_equals_the_run_and_a_second_run_plans_nothing(int seed)
    {
        using var fixture = NewFixture(seed);
        var fleet = new RandomFleet(seed);
        fleet.Fill(fixture.Source, 30);
        for (var day = 0; day < 6; day++)
        {
            var before = fixture.Everything();
            await fixture.RunAsync(SyncMode.WhatIf);
            Assert.Equal(before, fixture.Everything());
            var planned = fixture.Heard.Changes;
            var gone = Gone();

            var run = await fixture.RunAsync();
            AssertSame(planned, fixture, seed);
            CheckLinks(fixture);
            if (run.Complete)
                Assert.Equal("0", fixture.Scalar("SELECT count(*) FROM waiting_devices"));

            // Every complete run is one of the three after which junk is good again, which is a change of its own.
            if (run.Complete && fixture.Scalar("SELECT count(*) FROM learned_junk WHERE good_runs > 0") == "0")
            {
                var after = fixture.Dump();
                await fixture.RunAsync();
                Assert.Equal([], fixture.Heard.Changes.Where(c => c.Action != ChangeAction.MarkMissing).Select(Describe));
                // A conflict put aside with its device counts as a carrier no more, and reasons say how many there are.
                if (fixture.Heard.Changes.Count == 0 && Gone() == gone)
                    Assert.Equal(after, fixture.Dump());
            }

            fleet.Doubt(fixture.Source);
        }

        string? Gone() => fixture.Scalar("SELECT count(*) FROM conflicts WHERE state = 'Gone'");
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task The_order_of_reading_kills_and_budgets_do_not_matter(int seed)
    {
        using var whole = NewFixture(seed);
        using var broken = NewFixture(seed);
        var fleets = (new RandomFleet(seed), new RandomFleet(seed));
        fleets.Item1.Fill(whole.Source, 40);
        fleets.Item2.Fill(broken.Source, 40);
        var random = new Random(seed);
        broken.Source.PageSize = 1 + random.Next(12);
        for (var day = 0; day < 3; day++)
        {
            var order = random.Next();
            broken.Source.Order = devices => devices.OrderBy(d => d.Id.GetHashCode(StringComparison.Ordinal) ^ order);
            // Some runs are stopped or run out of budget; a tenth of a budget goes into confirmations, so the last run has none.
            var ended = 0;
            for (var attempt = 0; attempt < 4; attempt++)
            {
                using var stop = new CancellationTokenSource();
                var left = random.Next(1, 120);
                broken.Source.Before = _ =>
                {
                    if (Interlocked.Decrement(ref left) == 0)
                        stop.Cancel();
                };
                var run = attempt == 3 ? await broken.RunAsync()
                    : attempt % 2 == 0 ? await broken.RunAsync(token: stop.Token)
                    : await broken.RunAsync(maxApiCalls: (40 / broken.Source.PageSize) + 15);
                broken.Source.Before = null;
                ended += run.Status is SyncRunStatus.Succeeded or SyncRunStatus.Blocked ? 1 : 0;
            }

            // As many complete runs, so that junk is judged as often.
            for (var i = 0; i < Math.Max(1, ended); i++)
                await whole.RunAsync();
            var (expected, actual) = (WithoutNumbers(whole.Dump()), WithoutNumbers(broken.Dump()));
            Assert.True(expected.SequenceEqual(actual), $"Seed {seed}, day {day}, {ended} complete runs: {string.Join(Environment.NewLine, expected.Except(actual).Select(r => "whole: " + r).Concat(actual.Except(expected).Select(r => "broken: " + r)))}");
            fleets.Item1.Doubt(whole.Source);
            fleets.Item2.Doubt(broken.Source);
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task Two_sites_never_share_a_CI(int seed)
    {
        using var fixture = NewFixture(seed);
        var first = (fixture.Job, Source: new FakeSource(), Fleet: new RandomFleet(seed));
        first.Fleet.Fill(first.Source, 25);
        fixture.Source = first.Source;
        await fixture.RunAsync();
        fixture.Job = fixture.Store.Jobs.Create(fixture.Job with
        {
            Id = 0, Name = "Branch", SiteUrl = new Uri("https://site.example/branch"), IdentificationSites = seed % 2 == 0 ? [first.Job.Site] : [],
        });
        // Half of the machines are the same, under other device IDs.
        var second = (fixture.Job, Source: new FakeSource(), Fleet: new RandomFleet(seed));
        second.Fleet.Fill(second.Source, 20);
        foreach (var device in second.Source.Devices.ToList())
            second.Source.Replace(device.Id, d => d with { Id = "x" + d.Id });
        for (var day = 0; day < 3; day++)
        {
            foreach (var (job, source, fleet) in new[] { second, first })
            {
                (fixture.Job, fixture.Source) = (job, source);
                await fixture.RunAsync(SyncMode.WhatIf);
                var planned = fixture.Heard.Changes;
                await fixture.RunAsync();
                AssertSame(planned, fixture, seed);
                CheckLinks(fixture);
                fleet.Doubt(source);
            }
        }

        if (seed % 2 == 1)
            Assert.Empty(fixture.Rows("SELECT record FROM links GROUP BY record HAVING count(DISTINCT site_id) > 1"));
    }

    // Numbers of CIs depend on which run created them; what counts is that each device has its CI with its content.
    private static List<string> WithoutNumbers(IEnumerable<string> dump) =>
        [.. dump.Where(r => !r.StartsWith("N|", StringComparison.Ordinal)).Select(r => System.Text.RegularExpressions.Regex.Replace(r, @"\b[CH]\d{6}\b", "#")).Order(StringComparer.Ordinal)];
}
