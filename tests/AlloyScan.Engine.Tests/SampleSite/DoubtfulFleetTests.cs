using AlloyScan.SampleSite;
using Xunit;

namespace AlloyScan.Engine.Tests.SampleSite;

public sealed class DoubtfulFleetTests
{
    private const int Days = 10;

    private static readonly SampleSiteOptions s_options = new SampleSiteOptions { Devices = 10_000, SoftwarePerComputer = 0 }.WithDoubts();

    private static readonly SampleFleet s_fleet = new(s_options);

    private static readonly List<SampleDevice> s_arrivals =
        [.. Enumerable.Range(10_000, s_fleet.Born(Days) - 10_000).Select(i => s_fleet.Describe(i, s_fleet.Calendar.BornOn(i)))];

    public static TheoryData<SampleOrigin> Origins => [.. Enum.GetValues<SampleOrigin>()];

    [Theory]
    [MemberData(nameof(Origins))]
    public void Every_kind_of_arrival_comes_in_ten_days(SampleOrigin origin) => Assert.Contains(s_arrivals, d => d.Origin == origin);

    [Fact]
    public void It_does_not_matter_which_day_is_asked_for_first()
    {
        var backwards = new SampleFleet(s_options);
        for (var day = Days; day >= 0; day -= 5)
            Assert.Equal(s_fleet.Devices(day), backwards.Devices(day));
    }

    [Fact]
    public void The_list_of_each_day_holds_together()
    {
        for (var day = 0; day <= Days; day++)
        {
            var indexes = s_fleet.Indexes(day).ToList();
            Assert.Equal(s_fleet.Count(day), indexes.Count);
            Assert.Equal(indexes, Enumerable.Range(0, s_fleet.Born(day)).Where(i => s_fleet.IsListed(i, day)));
            Assert.Equal(indexes.Where((_, place) => place % 97 == 0), Enumerable.Range(0, indexes.Count).Where(place => place % 97 == 0).Select(place => s_fleet.IndexAt(place, day)));
        }
    }

    [Fact]
    public void A_machine_that_was_installed_afresh_is_the_same_machine()
    {
        foreach (var device in s_arrivals.Where(d => d.Origin is SampleOrigin.Reimaged or SampleOrigin.ReimagedBeside or SampleOrigin.ReimagedStale))
        {
            var former = s_fleet.Describe(device.FormerIndex, device.BornOn - 1);
            Assert.Equal((former.MachineNumber, former.SerialNumber), (device.MachineNumber, device.SerialNumber));
            var old = s_fleet.Describe(device.FormerIndex, device.BornOn);
            Assert.True(old.IsSilent || device.Origin == SampleOrigin.Reimaged);
            Assert.Equal(device.Origin != SampleOrigin.Reimaged, old.IsListed);
            Assert.Equal(device.Origin == SampleOrigin.ReimagedStale, old.LastSeen < SampleFleet.Epoch.AddDays(-30));
            Assert.True(old.LastSeen < device.LastSeen);
        }
    }

    [Fact]
    public void The_old_row_of_a_machine_stays_some_days_and_goes()
    {
        foreach (var device in s_arrivals.Where(d => d.Origin == SampleOrigin.ReimagedBeside))
        {
            Assert.True(s_fleet.IsListed(device.FormerIndex, device.BornOn + 1));
            Assert.False(s_fleet.IsListed(device.FormerIndex, device.BornOn + 5));
            Assert.Equal(SampleChange.None, s_fleet.ChangeOn(device.FormerIndex, device.BornOn));
        }
    }

    [Fact]
    public void A_new_board_brings_another_serial_number_and_UUID_and_leaves_the_machine()
    {
        foreach (var device in s_arrivals.Where(d => d.Origin == SampleOrigin.BoardReplaced))
        {
            var former = s_fleet.Describe(device.FormerIndex, device.BornOn - 1);
            Assert.Equal((former.MachineNumber, former.DnsName), (device.MachineNumber, device.DnsName));
            Assert.NotEqual(former.SerialNumber, device.SerialNumber);
            Assert.NotEqual(former.BiosUuid, device.BiosUuid);
        }

        var swapped = Enumerable.Range(0, 10_000).Where(i => s_fleet.IsListed(i, 1) && s_fleet.ChangeOn(i, 1) == SampleChange.Board).ToList();
        Assert.InRange(swapped.Count, 5, 25);
        Assert.All(swapped, i =>
        {
            var (before, after) = (s_fleet.Describe(i, 0), s_fleet.Describe(i, 1));
            Assert.Equal((before.Id, before.MachineNumber, before.DnsName), (after.Id, after.MachineNumber, after.DnsName));
            Assert.NotEqual(before.SerialNumber, after.SerialNumber);
            Assert.NotEqual(before.BiosUuid, after.BiosUuid);
            Assert.NotEqual(before.AuditId, after.AuditId);
        });
    }

    [Fact]
    public void A_second_row_is_seen_beside_the_first()
    {
        foreach (var device in s_arrivals.Where(d => d.Origin == SampleOrigin.SecondRow))
        {
            var first = s_fleet.Describe(device.FormerIndex, device.BornOn);
            Assert.True(first is { IsListed: true, IsSilent: false });
            Assert.Equal((first.MachineNumber, first.SerialNumber), (device.MachineNumber, device.SerialNumber));
        }
    }

    [Fact]
    public void Names_and_cards_are_taken_over_by_other_machines()
    {
        foreach (var device in s_arrivals.Where(d => d.Origin is SampleOrigin.NameReused or SampleOrigin.AdapterReused))
        {
            var former = s_fleet.Describe(device.FormerIndex, device.BornOn - 1);
            Assert.NotEqual(former.MachineNumber, device.MachineNumber);
            Assert.False(s_fleet.IsListed(device.FormerIndex, device.BornOn));
            if (device.Origin == SampleOrigin.NameReused)
                Assert.Equal(former.DnsName, device.DnsName);
            else
                Assert.Equal(former.MacAddress, device.MacAddress);
        }
    }

    [Fact]
    public void Two_neighbours_exchange_their_cards()
    {
        var moved = Enumerable.Range(0, 10_000).Where(i => s_fleet.IsListed(i, 1) && s_fleet.ChangeOn(i, 1) == SampleChange.Adapter && s_fleet.IsListed(i ^ 1, 1)).ToList();
        Assert.NotEmpty(moved);
        Assert.Contains(moved, i => Wired(i, 1) != Wired(i, 0) && Wired(i, 1) == Wired(i ^ 1, 0));

        static string Wired(int index, int day) => s_fleet.Adapters(index, day).First(a => !a.IsShared).MacAddress.Replace('-', ':').ToUpperInvariant();
    }

    [Fact]
    public void A_UUID_comes_in_both_byte_orders()
    {
        var turned = s_fleet.Devices(Days).Where(d => d is { BornOn: 0, HasGoodBiosUuid: true })
            .Select(d => (Before: s_fleet.Describe(d.Index, 0), After: d))
            .Where(d => d.Before.SerialNumber == d.After.SerialNumber && d.Before.BiosUuid != d.After.BiosUuid).ToList();
        Assert.True(turned.Count > 50);
        Assert.All(turned, d => Assert.Equal(new Guid(Guid.Parse(d.Before.BiosUuid!).ToByteArray(), bigEndian: true), Guid.Parse(d.After.BiosUuid!)));
    }

    [Fact]
    public void One_computer_in_twenty_has_a_serial_number_that_says_nothing()
    {
        var devices = s_fleet.Devices(0).Where(d => d.Form is "Laptop" or "Desktop" or "Server").ToList();
        var junk = devices.Where(d => !d.HasGoodSerialNumber).ToList();

        Assert.InRange(junk.Count / 10_000.0, 0.045, 0.06);
        // Half of it is on no list: makers' texts that many machines carry.
        var series = junk.Where(d => d.SerialNumber.Length > 6 && d.SerialNumber.Contains('-', StringComparison.Ordinal)).GroupBy(d => d.SerialNumber).ToList();
        Assert.True(series.Count >= 4);
        Assert.All(series, s => Assert.True(s.Count() > 10));
    }

    [Fact]
    public void All_is_seen_each_day_but_for_what_lies_in_a_drawer_or_has_a_successor()
    {
        foreach (var device in s_fleet.Devices(Days))
            Assert.Equal(device.IsSilent, device.LastSeen < SampleFleet.Epoch.AddDays(Days - 1));
    }

    [Fact]
    public void A_fleet_without_doubts_does_not_know_of_them()
    {
        var plain = new SampleFleet(new SampleSiteOptions { Devices = 2000, SoftwarePerComputer = 0 });
        Assert.All(plain.Devices(30), d => Assert.True(d.Origin is SampleOrigin.New or SampleOrigin.Reimaged && !d.IsSilent));
    }
}
