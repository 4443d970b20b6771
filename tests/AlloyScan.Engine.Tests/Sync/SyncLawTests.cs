using AlloyScan.Engine.Sync;

namespace AlloyScan.Engine.Tests.Sync;

/// <summary>Laws of the synchronisation over many random fleets. A failure names its seed.</summary>
public sealed class SyncLawTests
{
    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 25)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task A_second_run_on_an_unchanged_site_writes_nothing_and_reads_the_list_only(int seed)
    {
        using var fixture = new SyncFixture();
        new RandomFleet(seed).Fill(fixture.Source, 40);
        await fixture.RunWellAsync();
        var before = fixture.Everything().Where(r => !r.StartsWith("runs|", StringComparison.Ordinal) && !r.StartsWith("leases|", StringComparison.Ordinal)).ToList();

        var second = await fixture.RunWellAsync();

        Assert.Equal(before, fixture.Everything().Where(r => !r.StartsWith("runs|", StringComparison.Ordinal) && !r.StartsWith("leases|", StringComparison.Ordinal)));
        Assert.Empty(fixture.Heard.Changes);
        Assert.Equal((0, 0, 0, 0), (second.Created, second.Updated, second.InstallationsAdded, second.Conflicts));
        Assert.All(fixture.Source.Log, call => Assert.Equal("list", call));
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task The_order_and_size_of_pages_do_not_matter(int seed)
    {
        List<string>? expected = null;
        foreach (var (size, order) in new[] { (50, 0), (7, 1), (1, 2) })
        {
            using var fixture = new SyncFixture();
            var fleet = new RandomFleet(seed);
            fleet.Fill(fixture.Source, 40);
            fixture.Source.PageSize = size;
            var shuffle = new Random(order);
            if (order > 0)
                fixture.Source.Order = devices => devices.OrderBy(_ => shuffle.Next()).ToList();
            // A shuffled order differs between passes as well, which a complete read has to survive.
            await fixture.RunAsync();
            expected ??= fixture.Dump();
            Assert.Equal(expected, fixture.Dump());
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task A_rehearsal_shows_what_the_run_does_and_writes_nothing(int seed)
    {
        using var fixture = new SyncFixture();
        var fleet = new RandomFleet(seed);
        fleet.Fill(fixture.Source, 30);
        for (var day = 0; day < 4; day++)
        {
            var before = fixture.Everything();
            var rehearsal = await fixture.RunAsync(SyncMode.WhatIf);
            Assert.Equal(before, fixture.Everything());
            var planned = fixture.Heard.Changes.Select(Describe).Order().ToList();

            var run = await fixture.RunAsync();
            Assert.Equal(planned, fixture.Heard.Changes.Select(Describe).Order());
            Assert.Equal(
                (run.Status, run.DevicesRead, run.Created, run.Updated, run.Unchanged, run.Conflicts, run.Missing, run.InstallationsAdded, run.InstallationsRemoved, run.Skipped),
                (rehearsal.Status, rehearsal.DevicesRead, rehearsal.Created, rehearsal.Updated, rehearsal.Unchanged, rehearsal.Conflicts, rehearsal.Missing, rehearsal.InstallationsAdded, rehearsal.InstallationsRemoved, rehearsal.Skipped));
            fleet.Mutate(fixture.Source);
        }

        static string Describe(SyncChange c) =>
            $"{c.Action} {c.Class} {c.DeviceId} +{c.SoftwareAdded} -{c.SoftwareRemoved} {string.Join(';', c.Fields)}";
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task A_saved_plan_applied_whole_equals_a_run(int seed)
    {
        using var planned = new SyncFixture();
        using var direct = new SyncFixture();
        new RandomFleet(seed).Fill(planned.Source, 30);
        new RandomFleet(seed).Fill(direct.Source, 30);

        var plan = await planned.RunAsync(SyncMode.SavePlan);
        Assert.All(planned.Heard.Changes, c => Assert.Equal(plan.PlanId, c.PlanId));
        Assert.Equal("0", planned.Scalar("SELECT count(*) FROM records"));
        var run = await planned.RunAsync(selection: new PlanSelection(plan.PlanId!.Value, []));
        Assert.True(run.Status == SyncRunStatus.Succeeded, run.Message);
        Assert.Empty(planned.Heard.Warnings);

        await direct.RunWellAsync();
        Assert.Equal(direct.Dump(), planned.Dump());
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task A_run_stopped_anywhere_is_continued_to_the_same_end(int seed)
    {
        using var whole = new SyncFixture();
        using var broken = new SyncFixture();
        var fleets = (new RandomFleet(seed), new RandomFleet(seed));
        fleets.Item1.Fill(whole.Source, 130);
        fleets.Item2.Fill(broken.Source, 130);
        await whole.RunWellAsync();

        var random = new Random(seed);
        for (var attempt = 0; attempt < 4; attempt++)
        {
            var left = random.Next(1, 260);
            using var stop = new CancellationTokenSource();
            broken.Source.Before = _ =>
            {
                if (Interlocked.Decrement(ref left) == 0)
                    stop.Cancel();
            };
            var run = await broken.RunAsync(token: stop.Token);
            Assert.True(run.Status is SyncRunStatus.Canceled or SyncRunStatus.Succeeded, run.Message);
        }

        broken.Source.Before = null;
        await broken.RunWellAsync();
        Assert.Equal(WithoutNumbers(whole.Dump()), WithoutNumbers(broken.Dump()));
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task No_CI_ever_holds_two_devices_and_no_device_two_CIs(int seed)
    {
        using var fixture = new SyncFixture();
        var fleet = new RandomFleet(seed);
        fleet.Fill(fixture.Source, 30);
        for (var day = 0; day < 6; day++)
        {
            await fixture.RunAsync();
            Assert.Empty(fixture.Rows("SELECT record, count(*) FROM links WHERE state IN (1, 2) GROUP BY record HAVING count(*) > 1"));
            Assert.Empty(fixture.Rows("SELECT device_id, count(*) FROM links GROUP BY target_id, site_id, device_id HAVING count(*) > 1"));
            Assert.Equal(fixture.Scalar("SELECT count(*) FROM installations"), fixture.Scalar("SELECT coalesce(sum(uses), 0) FROM products"));
            Assert.Equal("0", fixture.Scalar("SELECT count(*) FROM products WHERE uses <= 0"));
            fleet.Mutate(fixture.Source);
        }
    }

    // A run that stopped handed out its numbers in another order; what counts is that each device has its CI with its content.
    private static List<string> WithoutNumbers(IEnumerable<string> dump) =>
        [.. dump.Where(r => !r.StartsWith("N|", StringComparison.Ordinal)).Select(r => System.Text.RegularExpressions.Regex.Replace(r, @"\b[CH]\d{6}\b", "#")).Order(StringComparer.Ordinal)];
}
