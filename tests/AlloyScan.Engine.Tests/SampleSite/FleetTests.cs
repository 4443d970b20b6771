using System.Security.Cryptography;
using AlloyScan.SampleSite;
using Xunit;

namespace AlloyScan.Engine.Tests.SampleSite;

public sealed class FleetTests
{
    private static readonly SampleFleet s_fleet = new(new SampleSiteOptions { Devices = 5000 });

    private static readonly SampleDevice[] s_devices = [.. s_fleet.Devices(0)];

    [Fact]
    public void The_same_seed_gives_the_same_fleet_and_another_seed_another_one()
    {
        var again = new SampleFleet(new SampleSiteOptions { Devices = 5000 });
        var other = new SampleFleet(new SampleSiteOptions { Devices = 5000, Seed = 2 });

        Assert.Equal(s_devices.Take(300), again.Devices(0).Take(300));
        Assert.Equal(s_fleet.Describe(4321, 12), again.Describe(4321, 12));
        Assert.Equal(s_fleet.Software(0, 30), again.Software(0, 30));
        Assert.Empty(s_devices.Select(d => d.Id).Intersect(other.Devices(0).Select(d => d.Id)));
        Assert.NotEqual(s_devices.Take(100).Select(d => d.SerialNumber), other.Devices(0).Take(100).Select(d => d.SerialNumber));
    }

    /// <summary>Whoever changes the generator or its tables changes everybody's fleet, and should know it: then the new value goes in here.</summary>
    [Fact]
    public void The_fleet_of_a_seed_is_the_same_on_all_machines_and_changes_knowingly()
    {
        var options = new SampleSiteOptions { Devices = 5000, JunkRate = 0.1 };
        var fleet = new SampleFleet(options);
        var writer = new DeviceWriter(new SampleSiteState(options, fleet, new SampleSiteLog(null, options.Clock)), options);
        using var buffer = JsonBuffer.Rent();
        buffer.Writer.WriteStartArray();
        foreach (var index in (int[])[.. Enumerable.Range(0, 300), .. Enumerable.Range(5000, 200)])
        {
            var device = fleet.History.At(index, 40);
            writer.WriteDetail(buffer.Writer, device);
            writer.WriteSnapshot(buffer.Writer, device);
        }

        buffer.Writer.WriteEndArray();
        buffer.Writer.Flush();

        Assert.Equal("NYC-LT-0007 PF2PRD5L", $"{fleet.Describe(7, 0).Name} {fleet.Describe(7, 0).SerialNumber}");
        Assert.Equal("a5117da73757b9ef", Convert.ToHexStringLower(SHA256.HashData(buffer.Written.Span))[..16]);
    }

    [Fact]
    public void An_ID_leads_back_to_its_device()
    {
        foreach (var index in (int[])[0, 1, 4999, 123_456, SampleSiteOptions.MaxDevices])
        {
            var id = s_fleet.DeviceId(index);

            Assert.True(s_fleet.TryGetIndex(id, out var back));
            Assert.Equal(index, back);
            Assert.Equal('4', id.ToString()[14]);
            Assert.Contains(id.ToString()[19], "89ab");
        }

        Assert.False(s_fleet.TryGetIndex(Guid.NewGuid(), out _));
        Assert.False(s_fleet.TryGetIndex(Guid.Empty, out _));
        Assert.False(s_fleet.TryGetIndex(s_devices[0].AuditId, out _));
        Assert.False(s_fleet.TryGetIndex(new SampleFleet(new SampleSiteOptions { Seed = 9 }).DeviceId(0), out _));
    }

    [Fact]
    public void IDs_keep_kind_number_and_detail_apart()
    {
        var ids = new FleetIds(1);
        foreach (var kind in Enum.GetValues<IdKind>())
        {
            Assert.True(ids.TryDecode(ids.Encode(kind, 77, FleetIds.MaxDetail), kind, out var number, out var detail));
            Assert.Equal((77, FleetIds.MaxDetail), (number, detail));
            Assert.False(ids.TryDecode(ids.Encode(kind, 77), kind == IdKind.Device ? IdKind.Snapshot : IdKind.Device, out _, out _));
        }

        for (var value = 1UL; value != 0; value <<= 1)
            Assert.Equal(value, Hash.Unmix(Hash.Mix(value)));
    }

    [Fact]
    public void The_mix_is_that_of_a_company()
    {
        Assert.InRange(Share(d => d.Class == SampleDeviceClass.Computer), 0.78, 0.86);
        Assert.InRange(Share(d => d.Platform == "Windows"), 0.5, 0.65);
        Assert.InRange(Share(d => d.Platform == "Linux"), 0.1, 0.2);
        Assert.InRange(Share(d => d.Platform == "macOS"), 0.05, 0.12);
        Assert.InRange(Share(d => d.Type == "vmware-esxi"), 0.01, 0.03);
        Assert.InRange(Share(d => d.Type == "printer"), 0.05, 0.09);
        Assert.InRange(Share(d => d.Type == "network-device"), 0.07, 0.12);
        Assert.InRange(Share(d => d.Type is null), 0.003, 0.02);
        Assert.InRange(Share(d => d.AssetTag is not null), 0.2, 0.7);
        Assert.Contains(s_devices, d => d.Type is null && d.Class == SampleDeviceClass.Computer);
        Assert.Contains(s_devices, d => d.Type is null && d.Class == SampleDeviceClass.Hardware);
        Assert.All(s_devices.Where(d => d.Class == SampleDeviceClass.Hardware), d => Assert.Null(d.Platform));

        static double Share(Func<SampleDevice, bool> what) => s_devices.Count(what) / (double)s_devices.Length;
    }

    [Fact]
    public void No_two_machines_share_a_good_serial_number_or_UUID_unless_they_are_clones()
    {
        var fleet = new SampleFleet(new SampleSiteOptions { Devices = 30_000, SoftwarePerComputer = 0 });
        var devices = fleet.Devices(0).ToList();

        Assert.All(devices.Where(d => d.HasGoodSerialNumber).GroupBy(d => d.SerialNumber), AreOneMachineOrClones);
        Assert.All(devices.Where(d => d.HasGoodBiosUuid).GroupBy(d => d.BiosUuid), AreOneMachineOrClones);
        Assert.All(devices.Where(d => !d.HasSharedMacAddress).GroupBy(d => d.MacAddress), g => Assert.Single(g));
        Assert.Contains(devices.Where(d => d.CloneGroup >= 0).GroupBy(d => d.SerialNumber), g => g.Count() > 1);

        static void AreOneMachineOrClones(IGrouping<string?, SampleDevice> group) =>
            Assert.True(group.Count() == 1 || (group.First().CloneGroup >= 0 && group.Select(d => d.CloneGroup).Distinct().Count() == 1), group.Key);
    }

    [Theory]
    [InlineData("To be filled by O.E.M.")]
    [InlineData("Default string")]
    [InlineData("System Serial Number")]
    [InlineData("0")]
    [InlineData("123456789")]
    [InlineData("")]
    public void Real_world_junk_is_there(string serial)
    {
        Assert.Contains(s_devices, d => d.SerialNumber == serial && !d.HasGoodSerialNumber);
    }

    [Fact]
    public void Junk_UUIDs_and_shared_docks_are_there()
    {
        Assert.Contains(s_devices, d => d.BiosUuid == "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF");
        Assert.Contains(s_devices, d => d.BiosUuid == "03000200-0400-0500-0006-000700080009");
        Assert.Contains(s_devices.Where(d => d.HasSharedMacAddress).GroupBy(d => d.MacAddress), g => g.Count() > 3);
        Assert.Contains(s_devices, d => d.Name == "localhost");
        Assert.Contains(s_devices, d => d.Name is null);
    }

    [Fact]
    public void Without_junk_there_is_none()
    {
        var clean = new SampleFleet(new SampleSiteOptions { Devices = 3000, JunkRate = 0, SoftwarePerComputer = 0 }).Devices(0).ToList();

        Assert.All(clean, d => Assert.True(!d.HasSharedMacAddress && d.CloneGroup < 0 && d.Name is not null));
        Assert.All(clean.Where(d => !d.HasGoodSerialNumber), d => Assert.Equal("VirtualMachine", d.Form));
    }

    [Fact]
    public void A_computer_has_as_much_software_as_asked_for_on_average()
    {
        foreach (var average in (int[])[0, 10, 80, 300])
        {
            var fleet = new SampleFleet(new SampleSiteOptions { Devices = 3000, SoftwarePerComputer = average });
            var computers = fleet.Devices(0).Where(d => d.Platform is not null).ToList();

            Assert.InRange(computers.Average(d => d.Installations), average * 0.95, (average * 1.05) + 0.01);
            Assert.Equal(fleet.CountInstallations(0), computers.Sum(d => (long)d.Installations));
        }
    }

    [Fact]
    public void The_truth_about_software_is_the_list_itself()
    {
        var odd = 0;
        foreach (var device in s_devices.Where(d => d.Platform is not null).Take(1500))
        {
            var rows = s_fleet.Software(device.Index, 0);
            var products = rows.Where(r => r.Name.Length > 0).Select(r => (Plain(r.Name), r.Version, r.Publisher)).ToHashSet();

            Assert.Equal(device.SoftwareRows, rows.Count);
            Assert.Equal(device.Installations, products.Count);
            odd += rows.Count - products.Count;
        }

        Assert.InRange(odd, 5, 100);

        static string Plain(string name) => string.Join(' ', name.Split(' ', StringSplitOptions.RemoveEmptyEntries)).ToUpperInvariant();
    }

    [Fact]
    public void Products_are_many_and_each_version_is_one_product()
    {
        var products = SoftwareCatalog.For(80).Products;
        var versions = products.SelectMany(p => p.Versions.Select(v => (p.Name.ToUpperInvariant(), v, p.Publisher))).ToList();

        Assert.True(products.Select(p => p.Name).Distinct().Count() > 500);
        Assert.Equal(versions.Count, versions.Distinct().Count());
        Assert.All(products, p => Assert.DoesNotContain(p.Versions, v => v.Contains("..", StringComparison.Ordinal) || v.StartsWith('-')));
    }

    [Fact]
    public void Listed_indexes_are_found_by_place()
    {
        foreach (var day in (int[])[0, 1, 45])
        {
            var indexes = s_fleet.Indexes(day).ToList();

            Assert.Equal(s_fleet.Count(day), indexes.Count);
            Assert.Equal(indexes, Enumerable.Range(0, indexes.Count).Select(place => s_fleet.IndexAt(place, day)));
            Assert.Equal(indexes, Enumerable.Range(0, s_fleet.Born(day)).Where(index => s_fleet.IsListed(index, day)));
        }
    }
}
