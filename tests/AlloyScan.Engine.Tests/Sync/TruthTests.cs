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
        var check = new Check(site.State.Fleet);
        var job = new SyncJob { Name = "Truth", SiteUrl = site.SiteUrl, ClientId = site.ClientId, ClientSecret = SecretReference.FromMemory(new Secret(site.ClientSecret)) };
        for (var day = 0; day <= days; day++)
        {
            site.State.Day = day;
            var run = await fixture.Store.Sync.ExecuteAsync(new SyncRequest { Job = job }, SilentObserver.Instance, default);
            Assert.True(run.Status == SyncRunStatus.Succeeded, run.Message);
            output.WriteLine(check.Day(day, run, Outcome.Read(fixture, site.State.Fleet)));
        }

        foreach (var line in check.Summary.Concat(check.Faults.Take(20)))
            output.WriteLine(line);
        Assert.True(check.Faults.Count == 0, $"Seed {options.Seed}: {check.Faults.Count} faults, the first: {check.Faults.FirstOrDefault()}");

        // A fleet without one of the doubts would prove nothing about it.
        if (isLarge)
            Assert.All(Enum.GetNames<SampleOrigin>(), origin => Assert.Contains(check.Counts, c => c.Key.StartsWith(origin, StringComparison.Ordinal)));
    }

    /// <summary>What the engine made of the devices, by index.</summary>
    private sealed record Outcome(Dictionary<int, string> Live, HashSet<int> Closed, Dictionary<int, string> Conflicts, Dictionary<string, HashSet<int>> DevicesOf)
    {
        public static Outcome Read(SyncFixture fixture, SampleFleet fleet)
        {
            var outcome = new Outcome([], [], [], []);
            foreach (var cells in fixture.Rows("SELECT device_id, record_id, state FROM sync_links").Select(r => r.Split('|')))
            {
                var index = IndexOf(cells[0]);
                if (cells[2] == "Live")
                    outcome.Live.Add(index, cells[1]);
                if (cells[2] == "Closed")
                    outcome.Closed.Add(index);
                if (!outcome.DevicesOf.TryGetValue(cells[1], out var devices))
                    outcome.DevicesOf.Add(cells[1], devices = []);
                devices.Add(index);
            }

            foreach (var cells in fixture.Rows("SELECT device_id, reason FROM sync_conflicts WHERE state = 'Open'").Select(r => r.Split('|', 2)))
                outcome.Conflicts.Add(IndexOf(cells[0]), cells[1]);
            return outcome;

            int IndexOf(string deviceId) => fleet.TryGetIndex(Guid.Parse(deviceId), out var index) ? index : throw new InvalidOperationException($"{deviceId} is no device of the fleet.");
        }
    }

    /// <summary>Holds each day's outcome against the truth and the model.</summary>
    private sealed class Check(SampleFleet fleet)
    {
        private readonly TruthModel _model = new(fleet);
        private readonly Dictionary<string, int> _itemOf = [];
        private readonly Dictionary<string, HashSet<int>> _devicesOf = [];
        private readonly HashSet<(int, int)> _twice = [];
        private int _verdicts;
        private int _wrongMerges;

        public List<string> Faults { get; } = [];

        public SortedDictionary<string, int> Counts { get; } = new(StringComparer.Ordinal);

        public IEnumerable<string> Summary =>
            Counts.Select(c => $"  {c.Value,6}  {c.Key}").Prepend($"{_verdicts} verdicts, {_wrongMerges} wrong merges, {_twice.Count} machines in two CIs that the rules cannot know to be one");

        public string Day(int day, SyncRun run, Outcome outcome)
        {
            var listed = fleet.Devices(day).ToList();
            _model.Run(day, listed);
            CheckMerges(day, outcome);
            CheckTwice(day, listed, outcome);
            foreach (var device in listed)
                CheckDevice(day, device, outcome);

            var created = _model.Verdicts.Count(v => v.Value == TruthVerdict.Created);
            if (created != run.Created)
                Faults.Add($"Day {day}: {run.Created} CIs created, where the rules ask for {created}.");
            return string.Create(
                CultureInfo.InvariantCulture,
                $"Day {day}: {listed.Count} listed, {run.Created} created, {_model.Verdicts.Count(v => v.Value == TruthVerdict.Linked)} recognised, {outcome.Conflicts.Count} open conflicts, {run.ApiCalls} calls, {(run.EndedAt - run.StartedAt)?.TotalSeconds:0.0} s");
        }

        /// <summary>No two machines in one CI, ever: not at once and not one after the other.</summary>
        private void CheckMerges(int day, Outcome outcome)
        {
            foreach (var (record, now) in outcome.DevicesOf)
            {
                if (!_devicesOf.TryGetValue(record, out var devices))
                    _devicesOf.Add(record, devices = []);
                devices.UnionWith(now);
                if (devices.Count > 1 && devices.Select(i => fleet.Describe(i, day).MachineNumber).Distinct().Count() > 1)
                {
                    _wrongMerges++;
                    Faults.Add($"Day {day}: {record} belongs to several machines: {string.Join("; ", devices.Select(i => Describe(i, day)))}");
                }
            }
        }

        /// <summary>No machine in two live CIs, unless nothing that the rules may compare says that it is one.</summary>
        private void CheckTwice(int day, List<SampleDevice> listed, Outcome outcome)
        {
            foreach (var rows in listed.Where(d => outcome.Live.ContainsKey(d.Index)).GroupBy(d => d.MachineNumber).Where(g => g.Count() > 1))
            {
                var several = rows.OrderBy(d => d.BornOn).ThenBy(d => d.Index).ToList();
                foreach (var other in several.Skip(1))
                {
                    if (_twice.Add((several[0].Index, other.Index)) && other.BornOn == day && _model.CouldKnow(several[0], other, day))
                        Faults.Add($"Day {day}: one machine in two CIs: {Describe(several[0].Index, day)}; {Describe(other.Index, day)}");
                }
            }
        }

        /// <summary>Each device is where the rules want it: in its CI, or on the conflict list for that reason.</summary>
        private void CheckDevice(int day, SampleDevice device, Outcome outcome)
        {
            TruthVerdict? expected = _model.Verdicts.TryGetValue(device.Index, out var verdict) ? verdict : null;
            var fault = outcome.Live.TryGetValue(device.Index, out var record) ? LinkFault(device, record, expected)
                : _model.HasGivenUp(device.Index) ? outcome.Closed.Contains(device.Index) && !outcome.Conflicts.ContainsKey(device.Index) ? null : "should have given its CI up"
                : !outcome.Conflicts.TryGetValue(device.Index, out var reason) ? $"is neither linked nor a conflict ({expected})"
                : VerdictOf(reason) != expected ? $"is a conflict, \"{reason}\", and should be {expected}"
                : null;
            if (fault is not null)
                Faults.Add($"Day {day}: {Describe(device.Index, day)} {fault}.");
            if (expected is null)
                return;

            _verdicts++;
            var first = day == device.BornOn;
            if (first || expected is TruthVerdict.Linked or TruthVerdict.Created)
            {
                var what = $"{device.Origin}{(device.CloneGroup >= 0 ? " (clone)" : "")}: {expected}{(first ? "" : " on a later day")}";
                Counts[what] = Counts.GetValueOrDefault(what) + 1;
            }
        }

        private string? LinkFault(SampleDevice device, string record, TruthVerdict? expected)
        {
            // Each of the engine's CIs is one of the model's, for as long as both exist.
            var item = _model.ItemOf(device.Index) is { } own && _model.HolderOf(own) == device.Index ? own : -1;
            if (!_itemOf.TryAdd(record, item) && _itemOf[record] != item)
                return $"is linked to {record}, which is not its CI by the rules ({expected})";

            return expected is null or TruthVerdict.Created or TruthVerdict.Linked ? null : $"is linked to {record}, and should be a conflict ({expected})";
        }

        private string Describe(int index, int day)
        {
            var d = fleet.Describe(index, day);
            return $"#{index} {d.Form} {d.Origin} of #{d.FormerIndex}, machine {d.MachineNumber}, clone {d.CloneGroup}, born {d.BornOn}{(d.IsListed ? "" : ", gone")}{(d.IsSilent ? ", silent" : "")}, '{d.Name}' '{d.SerialNumber}' {d.BiosUuid}";
        }
    }

    private static TruthVerdict? VerdictOf(string reason) =>
        reason.Contains("but on ", StringComparison.Ordinal) ? TruthVerdict.Several
        : reason.Contains("was still seen", StringComparison.Ordinal) ? TruthVerdict.SeenBeside
        : reason.Contains("serial numbers differ", StringComparison.Ordinal) ? TruthVerdict.SerialsDiffer
        : reason.Contains("the live device", StringComparison.Ordinal) ? TruthVerdict.HolderLives
        : reason.Contains("the missing device", StringComparison.Ordinal) || reason.Contains("the stale device", StringComparison.Ordinal) ? TruthVerdict.HolderGone
        : null;
}
