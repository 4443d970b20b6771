using AlloyScan.SampleSite;
using Xunit;

namespace AlloyScan.Engine.Tests.SampleSite;

public sealed class FleetChangeTests
{
    private static readonly SampleFleet s_fleet = new(new SampleSiteOptions { Devices = 20_000 });

    [Fact]
    public void Shares_of_change_are_those_of_a_real_fleet()
    {
        const int Days = 5;
        var changes = Enumerable.Range(1, Days)
            .SelectMany(day => Enumerable.Range(0, s_fleet.Born(day)).Select(index => s_fleet.ChangeOn(index, day)))
            .CountBy(change => change)
            .ToDictionary(c => c.Key, c => c.Value / (20_000.0 * Days));

        Assert.InRange(changes[SampleChange.Renamed], 0.007, 0.013);
        Assert.InRange(changes[SampleChange.Software], 0.015, 0.03);
        Assert.InRange(changes[SampleChange.OperatingSystem], 0.005, 0.012);
        Assert.InRange(changes[SampleChange.User], 0.001, 0.005);
        Assert.InRange(changes[SampleChange.Memory], 0.0002, 0.002);
        Assert.InRange(changes[SampleChange.Added], 0.0045, 0.0055);
        Assert.InRange(changes[SampleChange.Removed], 0.002, 0.004);
    }

    [Fact]
    public void A_change_moves_audit_and_last_seen_and_nothing_else_does()
    {
        foreach (var index in s_fleet.Indexes(1).TakeWhile(i => i < 5000))
        {
            var before = s_fleet.Describe(index, 0);
            var after = s_fleet.Describe(index, 1);
            switch (s_fleet.ChangeOn(index, 1))
            {
                case SampleChange.None:
                    Assert.Equal(before with { Day = 1 }, after);
                    break;
                case SampleChange.Seen:
                    Assert.True(after.LastSeen > before.LastSeen);
                    Assert.Equal(before with { Day = 1, LastSeen = after.LastSeen }, after);
                    break;
                default:
                    Assert.NotEqual(before.AuditId, after.AuditId);
                    Assert.True(after.LastSeen > before.LastSeen && after.AuditDate > before.AuditDate);
                    Assert.True(after.AuditDate < after.LastSeen);
                    break;
            }
        }
    }

    [Fact]
    public void Each_change_changes_what_it_says()
    {
        var seen = new HashSet<SampleChange>();
        for (var index = 0; index < 8000; index++)
        {
            if (!s_fleet.IsListed(index, 1))
                continue;

            var change = s_fleet.ChangeOn(index, 1);
            var before = s_fleet.Describe(index, 0);
            var after = s_fleet.Describe(index, 1);
            Assert.Equal(change is SampleChange.Renamed, before.DnsName != after.DnsName);
            Assert.Equal(change is SampleChange.OperatingSystem, before.OperatingSystem != after.OperatingSystem);
            Assert.Equal(change is SampleChange.Memory, before.MemoryBytes != after.MemoryBytes);
            if (change is SampleChange.Software)
                Assert.NotEqual(s_fleet.Software(index, 0), s_fleet.Software(index, 1));
            else if (change is not SampleChange.None)
                Assert.Equal(s_fleet.Software(index, 0), s_fleet.Software(index, 1));

            Assert.Equal(before.SerialNumber, after.SerialNumber);
            seen.Add(change);
        }

        Assert.Superset(new HashSet<SampleChange> { SampleChange.Renamed, SampleChange.OperatingSystem, SampleChange.Memory, SampleChange.Software, SampleChange.User, SampleChange.Seen }, seen);
    }

    [Fact]
    public void New_devices_come_at_the_end_and_gone_ones_stay_away()
    {
        var first = s_fleet.Indexes(3).ToList();
        var later = s_fleet.Indexes(10).ToList();
        var gone = first.Except(later).ToList();
        var added = later.Except(first).ToList();

        Assert.NotEmpty(gone);
        Assert.NotEmpty(added);
        Assert.True(added.Min() >= s_fleet.Born(3));
        Assert.All(gone, index => Assert.False(s_fleet.IsListed(index, 200)));
        Assert.All(added, index => Assert.InRange(s_fleet.Describe(index, 10).BornOn, 4, 10));
    }

    [Fact]
    public void Some_new_devices_are_machines_that_were_installed_afresh()
    {
        var afresh = Enumerable.Range(20_000, s_fleet.Born(30) - 20_000).Select(index => s_fleet.Describe(index, 30)).Where(d => d.MachineNumber != d.Index).ToList();

        Assert.NotEmpty(afresh);
        foreach (var device in afresh)
        {
            var earlier = s_fleet.Describe(device.MachineNumber, device.BornOn);
            Assert.False(earlier.IsListed);
            Assert.Equal(earlier.SerialNumber, device.SerialNumber);
            Assert.Equal(earlier.BiosUuid, device.BiosUuid);
            Assert.NotEqual(earlier.Id, device.Id);
        }
    }

    [Fact]
    public void One_machine_is_never_listed_twice_unless_asked_for()
    {
        Assert.Equal(s_fleet.Count(30), s_fleet.Devices(30).Select(d => d.MachineNumber).Distinct().Count());

        var doubled = new SampleFleet(new SampleSiteOptions { Devices = 2000, DuplicateRate = 0.1, SoftwarePerComputer = 0 }).Devices(0).ToList();
        var second = doubled.Where(d => d.MachineNumber != d.Index).ToList();
        Assert.InRange(second.Count, 50, 250);
        Assert.All(second, d => Assert.Equal(doubled[d.MachineNumber].SerialNumber, d.SerialNumber));
    }

    [Fact]
    public void A_frozen_fleet_does_not_change()
    {
        var frozen = new SampleFleet(new SampleSiteOptions { Devices = 300, ChangeRate = 0 });

        Assert.Equal(frozen.Devices(0), frozen.Devices(50).Select(d => d with { Day = 0 }));
    }

    [Fact]
    public void With_last_seen_moving_all_are_seen_and_only_the_changed_audited()
    {
        var fleet = new SampleFleet(new SampleSiteOptions { Devices = 1000, LastSeenMoves = true });

        Assert.All(fleet.Indexes(2).Where(i => fleet.IsListed(i, 1) && i < 1000), index =>
        {
            var (before, after) = (fleet.Describe(index, 1), fleet.Describe(index, 2));
            Assert.True(after.LastSeen > before.LastSeen);
            Assert.Equal(after.ChangedOn == 2, before.AuditId != after.AuditId);
        });
    }
}
