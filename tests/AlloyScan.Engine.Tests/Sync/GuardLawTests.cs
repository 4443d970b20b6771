using System.Text.RegularExpressions;
using AlloyScan.Engine.Sync;
using AlloyScan.Engine.Sync.Guard;

namespace AlloyScan.Engine.Tests.Sync;

/// <summary>Laws of what is held back and approved, over random fleets. A failure names its seed.</summary>
public sealed class GuardLawTests
{
    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 12)];

    private static SyncFixture NewFixture(string limit) =>
        new(job => job with { GuardLimits = GuardLimit.Kinds.ToDictionary(k => k, k => GuardLimit.Parse(k, limit)) });

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task Approving_all_that_is_held_leads_to_the_same_end_as_a_run_without_guard(int seed)
    {
        using var free = NewFixture("1000000");
        using var strict = NewFixture("0");
        var fleets = (new RandomFleet(seed), new RandomFleet(seed));
        fleets.Item1.Fill(free.Source, 40);
        fleets.Item2.Fill(strict.Source, 40);
        for (var day = 0; day < 5; day++)
        {
            var runs = 0;
            while (true)
            {
                runs++;
                Assert.True(runs < 10, $"Seed {seed}, day {day}: the approvals do not come to an end.");
                var run = await strict.RunAsync();
                Assert.Equal(run.Held > 0, run.Status == SyncRunStatus.Blocked);
                if (run.Held == 0)
                    break;

                var waiting = strict.Store.Plans.Blocked("HQ").ToList();
                Assert.Equal(run.Held, waiting.Count);
                Assert.DoesNotContain(waiting, c => c.Kind == GuardKinds.None);
                await strict.RunAsync(selection: new PlanSelection(run.PlanId!.Value, []) { Approved = true });
            }

            // As many complete runs, so that junk is judged as often.
            for (var i = 0; i < runs; i++)
                await free.RunAsync();
            var (expected, actual) = (WithoutNumbers(free.Dump()), WithoutNumbers(strict.Dump()));
            Assert.True(
                expected.SequenceEqual(actual),
                $"Seed {seed}, day {day}: {string.Join(Environment.NewLine, expected.Except(actual).Select(r => "free: " + r).Concat(actual.Except(expected).Select(r => "strict: " + r)))}");
            Assert.Equal("0", strict.Scalar("SELECT count(*) FROM plan_rows WHERE plan_id < 0"));
            fleets.Item1.Mutate(free.Source);
            fleets.Item2.Mutate(strict.Source);
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task What_is_held_changes_nothing(int seed)
    {
        using var fixture = NewFixture("0");
        var fleet = new RandomFleet(seed);
        fleet.Fill(fixture.Source, 30);
        await fixture.RunAsync();
        for (var day = 0; day < 3; day++)
        {
            fleet.Mutate(fixture.Source);
            var run = await fixture.RunAsync();
            var held = fixture.Store.Plans.Blocked("HQ").ToList();
            Assert.Equal(run.Held, held.Count);
            foreach (var change in held.Where(c => c.Kind.HasFlag(GuardKinds.Creation)))
                Assert.Equal("0", fixture.Scalar($"SELECT count(*) FROM links WHERE device_id = '{change.DeviceId}' AND state IN (1, 2)"));
            foreach (var change in held.Where(c => c.Kind.HasFlag(GuardKinds.Update) && c.RecordId is not null))
            {
                foreach (var field in change.Fields.Where(f => f.Field is "name" or "serial_number" or "asset_tag"))
                    Assert.Equal(field.OldValue, fixture.Scalar($"SELECT {field.Field} FROM {(change.RecordId![0] == 'C' ? "computers" : "hardware")} WHERE id = '{change.RecordId}'"));
            }

            // The same is held again, and nothing else is left to do.
            var dump = fixture.Dump();
            var again = await fixture.RunAsync();
            Assert.Equal(run.Held, again.Held);
            Assert.Empty(fixture.Heard.Changes);
            Assert.Equal(dump, fixture.Dump());
        }
    }

    private static List<string> WithoutNumbers(IEnumerable<string> dump) =>
        [.. dump.Where(r => !r.StartsWith("N|", StringComparison.Ordinal)).Select(r => Regex.Replace(r, @"\b[CH]\d{6}\b", "#")).Order(StringComparer.Ordinal)];
}
