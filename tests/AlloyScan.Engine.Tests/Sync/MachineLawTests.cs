using AlloyScan.Engine.Sync;

namespace AlloyScan.Engine.Tests.Sync;

/// <summary>Laws about machines that are hard to tell apart, over many seeds, several days and any order of the list. A failure names its seed.</summary>
public sealed class MachineLawTests
{
    private const int Days = 7;

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 40)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task Machines_are_told_apart_whatever_happens_to_them(int seed)
    {
        using var fixture = new SyncFixture();
        var shuffle = new Random(seed * 31);
        fixture.Source.Order = devices => devices.OrderBy(_ => shuffle.Next());
        fixture.Source.PageSize = 3 + shuffle.Next(40);
        var machines = new RandomMachines(seed, fixture.Source, 30);
        for (var day = 0; day < Days; day++)
        {
            if (day > 0)
                machines.NextDay();
            await fixture.RunWellAsync();

            // Two machines in one CI: only one after the other, and only where nothing could have told them apart: the one was not
            // seen any more when the other one came.
            foreach (var row in fixture.Rows("SELECT record_id, string_agg(device_id, ',') FROM sync_links GROUP BY record_id HAVING count(*) > 1"))
            {
                var devices = row.Split('|')[1].Split(',').OrderBy(d => machines.Seen[d].First).ToList();
                for (var i = 1; i < devices.Count; i++)
                {
                    Assert.True(
                        machines.MachineOf[devices[i]] == machines.MachineOf[devices[i - 1]] || machines.Seen[devices[i - 1]].Last <= machines.Seen[devices[i]].First,
                        $"Seed {seed}, day {day}: {row} belongs to the machines {string.Join(", ", devices.Select(d => machines.MachineOf[d]))}, which were seen side by side.");
                }
            }

            // Whoever is listed has a CI of its own or is a question, and no CI has two devices.
            Assert.Empty(fixture.Rows("SELECT record_id FROM sync_links WHERE state IN ('Live', 'Missing') GROUP BY record_id HAVING count(*) > 1"));
            var live = fixture.Rows("SELECT device_id FROM sync_links WHERE state = 'Live'").ToHashSet();
            var open = fixture.Rows("SELECT device_id FROM sync_conflicts WHERE state = 'Open' AND reason <> ''").ToHashSet();
            Assert.All(fixture.Source.Devices, d => Assert.True(live.Contains(d.Id) || open.Contains(d.Id), $"Seed {seed}, day {day}: {d.Id} is neither linked nor a conflict."));

            // A value on its way back from junk may be good in the next run, which is no change of the site's.
            if (fixture.Scalar("SELECT count(*) FROM learned_junk WHERE good_runs > 0") == "0")
                await AssertNothingIsPlannedAsync(fixture, seed, day);
        }

        for (var i = 0; i < 3; i++)
            await fixture.RunWellAsync();
        await AssertNothingIsPlannedAsync(fixture, seed, Days);
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task The_order_of_the_list_decides_nothing(int seed)
    {
        List<string>? expected = null;
        foreach (var order in (int[])[0, 1, 2])
        {
            using var fixture = new SyncFixture();
            var machines = new RandomMachines(seed, fixture.Source, 25);
            for (var day = 0; day < 4; day++)
            {
                if (day > 0)
                    machines.NextDay();
                var shuffle = new Random((order * 7919) + day);
                fixture.Source.Order = devices => order == 0 ? devices : devices.OrderBy(_ => shuffle.Next());
                fixture.Source.PageSize = order == 2 ? 4 : 50;
                await fixture.RunWellAsync();
            }

            var dump = fixture.Dump();
            expected ??= dump;
            Assert.Equal(expected, dump);
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task A_machine_that_comes_back_with_its_good_serial_number_finds_its_CI(int seed)
    {
        using var fixture = new SyncFixture();
        var machines = new RandomMachines(seed, fixture.Source, 30);
        await fixture.RunWellAsync();
        var random = new Random(seed);
        var counts = fixture.Source.Devices.CountBy(d => d.SerialNumber!).ToDictionary();
        var afresh = fixture.Source.Devices.Where(d => d.SerialNumber!.StartsWith("SN-", StringComparison.Ordinal) && counts[d.SerialNumber] == 1).OrderBy(_ => random.Next()).Take(5).ToList();
        var records = afresh.ConvertAll(d => fixture.Scalar($"SELECT record_id FROM sync_links WHERE device_id = '{d.Id}'"));

        foreach (var device in afresh)
        {
            var snapshot = fixture.Source.Snapshots[device.AuditId!];
            fixture.Source.Devices.Remove(device);
            fixture.Source.Add(device with { Id = "again-" + device.Id, Name = "NEW-" + device.Name, LastSeen = device.LastSeen!.Value.AddDays(1) }, snapshot with { Id = "again-" + snapshot.Id });
        }

        await fixture.RunWellAsync();

        Assert.Equal(records, afresh.ConvertAll(d => fixture.Scalar($"SELECT record_id FROM sync_links WHERE state = 'Live' AND device_id = 'again-{d.Id}'")));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_CI_does_not_go_to_a_device_that_was_there_beside_its_own(bool afresh)
    {
        using var fixture = new SyncFixture();
        var first = SyncFixture.Device("a", "VM-1", "SN-1");
        var second = SyncFixture.Device("b", "VM-2", "SN-1") with { LastSeen = first.LastSeen!.Value.AddHours(1) };
        fixture.Source.Add(first, SyncFixture.Snapshot("s-a"));
        fixture.Source.Add(SyncFixture.Device("x", "PC-1", "SN-2"));
        fixture.Source.Add(SyncFixture.Device("y", "PC-2", "SN-3"));
        fixture.Source.Add(SyncFixture.Device("z", "PC-3", "SN-4"));
        fixture.Source.Add(SyncFixture.Device("zz", "PC-4", "SN-5"));
        await fixture.RunWellAsync();
        fixture.Source.Add(second, SyncFixture.Snapshot("s-b"));
        await fixture.RunWellAsync();
        Assert.Contains("which belongs to the live device a", fixture.Scalar("SELECT reason FROM sync_conflicts WHERE device_id = 'b'"), StringComparison.Ordinal);

        // Installed afresh, the machine is not seen under its old ID any more; the original of a clone is.
        if (!afresh)
            fixture.Source.Replace("a", d => d with { LastSeen = d.LastSeen!.Value.AddDays(1) });
        fixture.Source.Replace("b", d => d with { LastSeen = d.LastSeen!.Value.AddDays(2) });
        await fixture.RunWellAsync();
        fixture.Source.Devices.RemoveAll(d => d.Id == "a");
        await fixture.RunWellAsync();

        Assert.Equal(afresh ? "C000001|b|Live" : "C000001|a|Missing", fixture.Scalar("SELECT record_id || '|' || device_id || '|' || state FROM sync_links WHERE state <> 'Closed' AND device_id IN ('a', 'b')"));
        if (!afresh)
            Assert.Contains("whose device a is gone, but was still seen when this one was there already", fixture.Scalar("SELECT reason FROM sync_conflicts WHERE state = 'Open' AND device_id = 'b'"), StringComparison.Ordinal);
        await AssertNothingIsPlannedAsync(fixture, 0, 0);
    }

    [Theory]
    [InlineData("record_identifiers")]
    [InlineData("installations")]
    [InlineData("links")]
    public void What_belongs_to_one_CI_is_found_without_looking_through_that_of_all(string table)
    {
        using var fixture = new SyncFixture(postgres: false);

        var plan = string.Join("; ", fixture.Rows($"EXPLAIN QUERY PLAN DELETE FROM {table} WHERE record = 1"));

        Assert.Contains("SEARCH", plan, StringComparison.Ordinal);
        Assert.DoesNotContain("SCAN", plan, StringComparison.Ordinal);
    }

    private static async Task AssertNothingIsPlannedAsync(SyncFixture fixture, int seed, int day)
    {
        var plan = await fixture.RunAsync(SyncMode.SavePlan);
        Assert.True(fixture.Heard.Changes.Count == 0, $"Seed {seed}, day {day}: the second plan is not empty: {fixture.Heard.Changes.FirstOrDefault()?.Action} {fixture.Heard.Changes.FirstOrDefault()?.Reason}.");
        Assert.Equal(SyncRunStatus.Succeeded, plan.Status);
    }
}
