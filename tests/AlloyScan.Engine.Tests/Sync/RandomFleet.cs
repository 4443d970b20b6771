using AlloyScan.Engine.Inventory;

namespace AlloyScan.Engine.Tests.Sync;

/// <summary>
/// Small fleets whose identifiers come from small pools, so that every kind of sharing, junk and contradiction occurs.
/// The same seed gives the same fleet.
/// </summary>
internal sealed class RandomFleet(int seed)
{
    private static readonly string[] s_serials = ["SN-A", "SN-B", "SN-C", "sn-d ", "To be filled by O.E.M.", "Default string", "0", "", "SN-E", "SN-F", "SN-G", "SN-H"];
    private static readonly string[] s_types = ["computer", "computer", "computer", "computer", "printer", "network-device", "vmware-esxi", "", "aws-s3-bucket", "toaster"];
    private static readonly string[] s_platforms = ["Windows", "Linux", "macOS"];
    private static readonly string[] s_software = ["Editor", "Browser", "browser ", "Mail", "Shell", "Viewer", "", "Agent"];
    private readonly Random _random = new(seed);
    private int _next;
    private int _hours;

    public void Fill(FakeSource source, int count)
    {
        for (var i = 0; i < count; i++)
            AddOne(source);
    }

    /// <summary>Some days pass: renames, new audits, devices come and go.</summary>
    public void Mutate(FakeSource source)
    {
        foreach (var device in source.Devices.ToList())
        {
            switch (_random.Next(12))
            {
                case 0:
                    source.Replace(device.Id, d => d with { Name = "PC-" + _random.Next(8), LastSeen = d.LastSeen?.AddHours(2) });
                    break;
                case 1 when device.AuditId is not null:
                    source.Audit(device.Id, s => s with { Software = Software(), Hardware = s.Hardware! with { MemoryBytes = _random.Next(4) * 1024L } });
                    break;
                case 2 when source.Devices.Count > 10 && _random.Next(3) == 0:
                    source.Devices.RemoveAll(d => d.Id == device.Id);
                    break;
                case 3:
                    source.Replace(device.Id, d => d with { AssetTag = "TAG-" + _random.Next(5) });
                    break;
                default:
                    break;
            }
        }

        Fill(source, _random.Next(3));
    }

    private void AddOne(FakeSource source)
    {
        var number = _next++;
        // IDs in no order that the list shares.
        var id = Convert.ToHexString(BitConverter.GetBytes(number * 2654435761u)) + "-" + number.ToString(System.Globalization.CultureInfo.InvariantCulture);
        var type = Pick(s_types);
        var device = new Device
        {
            Id = id,
            Name = _random.Next(10) == 0 ? null : "PC-" + _random.Next(14),
            SerialNumber = _random.Next(3) == 0 ? "UNIQUE-" + number : Pick(s_serials),
            MacAddress = _random.Next(4) == 0 ? $"00:50:56:00:00:{_random.Next(6):X2}" : $"3C:52:82:00:{number / 256:X2}:{number % 256:X2}",
            AssetTag = _random.Next(3) == 0 ? "TAG-" + _random.Next(5) : null,
            Type = type.Length == 0 ? null : type,
            LastSeen = FakeSource.T(_hours + _random.Next(5)),
            DnsName = "host" + number + ".example",
        };
        var hasSystem = type is "computer" or "vmware-esxi" || (type.Length == 0 && _random.Next(2) == 0);
        source.Add(device, _random.Next(12) == 0 ? null : new AuditSnapshot
        {
            Id = "audit-" + id,
            Hardware = new SnapshotHardware { Manufacturer = "M" + _random.Next(3), BiosUuid = _random.Next(4) == 0 ? $"00000000-0000-0000-0000-0000000000{_random.Next(4):D2}" : $"4C4C4544-0000-1000-8000-{number:X12}" },
            OperatingSystem = hasSystem ? new SnapshotOperatingSystem { Platform = Pick(s_platforms), Name = "OS" } : null,
            Network = new SnapshotNetwork { Adapters = [new SnapshotAdapter { Name = "USB dock", MacAddress = $"00:E0:4C:68:00:{_random.Next(3):X2}" }] },
            Software = hasSystem ? Software() : null,
        });
    }

    private List<InstalledSoftware> Software() =>
        [.. Enumerable.Range(0, _random.Next(6)).Select(_ => new InstalledSoftware(Pick(s_software), _random.Next(2) == 0 ? "1.0" : "2.0", "V", $"2026-01-0{_random.Next(1, 9)}", null, null))];

    /// <summary>Twelve days pass: most devices are seen again and some are not, machines are imaged anew, and the rest of what happens to fleets.</summary>
    public void Doubt(FakeSource source)
    {
        _hours += 12 * 24;
        foreach (var device in source.Devices.ToList())
        {
            if (_random.Next(4) > 0)
                source.Replace(device.Id, d => d with { LastSeen = d.LastSeen is null ? null : FakeSource.T(_hours + _random.Next(5)) });
            if (_random.Next(6) == 0)
                Reimage(source, device);
        }

        Mutate(source);
    }

    /// <summary>The same machine under a new device ID; the old device goes, or stays and is not seen any more.</summary>
    private void Reimage(FakeSource source, Device device)
    {
        var number = _next++;
        var id = Convert.ToHexString(BitConverter.GetBytes(number * 2654435761u)) + "-" + number.ToString(System.Globalization.CultureInfo.InvariantCulture);
        var snapshot = device.AuditId is null ? null : source.Snapshots[device.AuditId] with { Id = "audit-" + id };
        source.Add(
            device with { Id = id, AuditId = null, Name = _random.Next(2) == 0 ? device.Name : "NEW-" + number, AssetTag = null, LastSeen = FakeSource.T(_hours + 5) }, snapshot);
        if (_random.Next(2) == 0)
            source.Devices.RemoveAll(d => d.Id == device.Id);
        else if (_random.Next(2) == 0)
            source.Replace(device.Id, d => d with { LastSeen = null });
    }

    private string Pick(string[] pool) => pool[_random.Next(pool.Length)];
}
