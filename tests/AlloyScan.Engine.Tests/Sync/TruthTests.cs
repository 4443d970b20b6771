using System.Globalization;
using AlloyScan.Engine.Credentials;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Sync;
using AlloyScan.SampleSite;
using Xunit.Abstractions;

namespace AlloyScan.Engine.Tests.Sync;

/// <summary>
/// A doubtful fleet over days, synchronised day by day over HTTP, against the truth and against what the default rules
/// allow: see <see cref="TruthModel"/>.
/// </summary>
public sealed class TruthTests(ITestOutputHelper output)
{
    [Fact]
    public Task Ten_thousand_doubtful_devices_over_ten_days_are_told_apart() =>
        CheckAsync(new SampleSiteOptions { Devices = 10_000, SoftwarePerComputer = 0 }.WithDoubts(), days: 10, isLarge: true);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public Task Small_doubtful_fleets_are_told_apart(int seed) =>
        CheckAsync(
            new SampleSiteOptions { Devices = 200, Seed = seed, SoftwarePerComputer = 1, MaxPageSize = 50 + (seed * 7) }.WithDoubts() with { JunkRate = 0.03 * seed, DuplicateRate = 0.02, ChangeRate = 6 },
            days: 8, isLarge: false);

    private async Task CheckAsync(SampleSiteOptions options, int days, bool isLarge)
    {
        using var fixture = new SyncFixture();
        await using var site = await SampleSiteHost.StartAsync(options);
        var fleet = site.State.Fleet;
        var model = new TruthModel(fleet);
        var job = new SyncJob { Name = "Truth", SiteUrl = site.SiteUrl, ClientId = site.ClientId, ClientSecret = SecretReference.FromMemory(new Secret(site.ClientSecret)) };
        var devicesOf = new Dictionary<string, HashSet<int>>();
        var itemOf = new Dictionary<string, int>();
        var counts = new SortedDictionary<string, int>(StringComparer.Ordinal);
        var faults = new List<string>();
        var cannotKnow = new HashSet<(int, int)>();
        int wrongMerges = 0, verdicts = 0;
        for (var day = 0; day <= days; day++)
        {
            site.State.Day = day;
            var listed = fleet.Devices(day).ToList();
            var truth = listed.ToDictionary(d => d.Index);
            var run = await fixture.Store.Sync.ExecuteAsync(new SyncRequest { Job = job }, SilentObserver.Instance, default);
            Assert.True(run.Status == SyncRunStatus.Succeeded, run.Message);
            model.Run(day, listed);

            // What the engine made of it.
            var live = new Dictionary<int, string>();
            var formers = new HashSet<int>();
            foreach (var row in fixture.Rows("SELECT device_id, record_id, state FROM sync_links"))
            {
                var cells = row.Split('|');
                Assert.True(fleet.TryGetIndex(Guid.Parse(cells[0]), out var index));
                if (cells[2] == "Live")
                    live.Add(index, cells[1]);
                if (cells[2] == "Closed")
                    formers.Add(index);
                if (!devicesOf.TryGetValue(cells[1], out var devices))
                    devicesOf.Add(cells[1], devices = []);
                devices.Add(index);
            }

            var conflicts = new Dictionary<int, string>();
            foreach (var row in fixture.Rows("SELECT device_id, reason FROM sync_conflicts WHERE state = 'Open'"))
            {
                var cells = row.Split('|', 2);
                Assert.True(fleet.TryGetIndex(Guid.Parse(cells[0]), out var index));
                if (truth.ContainsKey(index))
                    conflicts.Add(index, cells[1]);
            }

            // No two machines in one CI, ever.
            foreach (var (record, devices) in devicesOf)
            {
                if (devices.Select(i => fleet.Describe(i, day).MachineNumber).Distinct().Count() > 1)
                {
                    wrongMerges++;
                    faults.Add($"Day {day}: {record} belongs to several machines: {string.Join("; ", devices.Select(i => Describe(fleet, i, day)))}");
                }
            }

            // No machine in two live CIs, unless nothing that the rules may compare says that it is one.
            foreach (var rows in listed.Where(d => live.ContainsKey(d.Index)).GroupBy(d => d.MachineNumber).Where(g => g.Count() > 1))
            {
                var several = rows.OrderBy(d => d.BornOn).ThenBy(d => d.Index).ToList();
                for (var i = 1; i < several.Count; i++)
                {
                    if (!cannotKnow.Add((several[0].Index, several[i].Index)))
                        continue;

                    if (several[i].BornOn == day && model.CouldKnow(several[0], several[i], day))
                        faults.Add($"Day {day}: one machine in two CIs: {Describe(fleet, several[0].Index, day)}; {Describe(fleet, several[i].Index, day)}");
                }
            }

            foreach (var device in listed)
            {
                var expected = model.Verdicts.TryGetValue(device.Index, out var verdict) ? verdict : (TruthVerdict?)null;
                if (live.TryGetValue(device.Index, out var record))
                {
                    // Each of our CIs is one of the model's, for as long as both exist.
                    var item = model.ItemOf(device.Index) is { } own && model.HolderOf(own) == device.Index ? own : -1;
                    if (!itemOf.TryAdd(record, item) && itemOf[record] != item)
                        faults.Add($"Day {day}: {Describe(fleet, device.Index, day)} is linked to {record}, which is not its CI by the rules ({expected}).");
                    if (expected is not (null or TruthVerdict.Created or TruthVerdict.Linked))
                        faults.Add($"Day {day}: {Describe(fleet, device.Index, day)} is linked to {record}, and should be a conflict ({expected}).");
                }
                else if (model.Former.Contains(device.Index) || listed.Any(d => d.FormerIndex == device.Index && d.BornOn == day && live.ContainsKey(d.Index) && model.ItemOf(d.Index) == model.ItemOf(device.Index)))
                {
                    // Its CI has gone to the machine's new device, today or before.
                    if (!formers.Contains(device.Index) || conflicts.ContainsKey(device.Index))
                        faults.Add($"Day {day}: {Describe(fleet, device.Index, day)} should have given its CI up.");
                }
                else if (!conflicts.TryGetValue(device.Index, out var reason))
                {
                    faults.Add($"Day {day}: {Describe(fleet, device.Index, day)} is neither linked nor a conflict ({expected}).");
                }
                else if (VerdictOf(reason) != expected)
                {
                    faults.Add($"Day {day}: {Describe(fleet, device.Index, day)} is a conflict, \"{reason}\", and should be {expected}.");
                }

                if (expected is not null && (day == device.BornOn || day == 0))
                {
                    var what = $"{device.Origin}{(device.CloneGroup >= 0 ? " (clone)" : "")}: {expected}";
                    counts[what] = counts.GetValueOrDefault(what) + 1;
                }
                else if (expected is TruthVerdict.Linked or TruthVerdict.Created)
                {
                    var what = $"{device.Origin}{(device.CloneGroup >= 0 ? " (clone)" : "")}: {expected} on a later day";
                    counts[what] = counts.GetValueOrDefault(what) + 1;
                }

                verdicts += expected is null ? 0 : 1;
            }

            if (model.Verdicts.Count(v => v.Value == TruthVerdict.Created) != run.Created)
                faults.Add($"Day {day}: {run.Created} CIs created, where the rules ask for {model.Verdicts.Count(v => v.Value == TruthVerdict.Created)}.");
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"Day {day}: {listed.Count} listed, {run.Created} created, {model.Verdicts.Count(v => v.Value == TruthVerdict.Linked)} recognised, {conflicts.Count} open conflicts, {run.ApiCalls} calls, {(run.EndedAt - run.StartedAt)?.TotalSeconds:0.0} s"));
        }

        output.WriteLine($"{verdicts} verdicts, {wrongMerges} wrong merges, {cannotKnow.Count} machines in two CIs that the rules cannot know to be one");
        foreach (var (what, count) in counts)
            output.WriteLine($"  {count,6}  {what}");

        foreach (var fault in faults.Take(20))
            output.WriteLine(fault);
        Assert.True(faults.Count == 0, $"Seed {options.Seed}: {faults.Count} faults, the first: {faults.FirstOrDefault()}");
        Assert.Equal(0, wrongMerges);
        if (isLarge)
            AssertAllKindsOccur(counts);
    }

    /// <summary>A fleet without one of the doubts would prove nothing about it.</summary>
    private static void AssertAllKindsOccur(IReadOnlyDictionary<string, int> counts)
    {
        foreach (var origin in Enum.GetNames<SampleOrigin>())
            Assert.Contains(counts, c => c.Key.StartsWith(origin + ":", StringComparison.Ordinal));
    }

    private static TruthVerdict? VerdictOf(string reason) =>
        reason.Contains("but on ", StringComparison.Ordinal) ? TruthVerdict.Several
        : reason.Contains("was still seen", StringComparison.Ordinal) ? TruthVerdict.SeenBeside
        : reason.Contains("serial numbers differ", StringComparison.Ordinal) ? TruthVerdict.SerialsDiffer
        : reason.Contains("the live device", StringComparison.Ordinal) ? TruthVerdict.HolderLives
        : reason.Contains("the missing device", StringComparison.Ordinal) || reason.Contains("the stale device", StringComparison.Ordinal) ? TruthVerdict.HolderGone
        : null;

    private static string Describe(SampleFleet fleet, int index, int day)
    {
        var d = fleet.Describe(index, Math.Max(day, 0));
        return $"#{index} {d.Form} {d.Origin} of #{d.FormerIndex}, machine {d.MachineNumber}, clone {d.CloneGroup}, born {d.BornOn}{(d.IsListed ? "" : ", gone")}{(d.IsSilent ? ", silent" : "")}, '{d.Name}' '{d.SerialNumber}' {d.BiosUuid}";
    }
}
