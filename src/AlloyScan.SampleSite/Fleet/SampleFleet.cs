using System.Globalization;

namespace AlloyScan.SampleSite;

/// <summary>
/// The devices of a sample site: any number of them, none of them stored. Device <c>i</c> on day <c>d</c> is a pure
/// function of the seed, <c>i</c> and <c>d</c>, the same on every platform and in every process.
/// </summary>
/// <remarks>
/// The list of a day is in order of the index. New devices come at its end; a device that is gone leaves a gap and
/// never returns. All members can be used from several threads at once.
/// </remarks>
public sealed class SampleFleet
{
    /// <summary>The last day that a fleet can be on.</summary>
    public const int MaxDay = 3650;

    /// <summary>The site's time on day 0.</summary>
    public static readonly DateTime Epoch = new(2026, 1, 5, 0, 0, 0, DateTimeKind.Utc);

    private readonly FleetCalendar _calendar;
    private readonly DeviceHistory _history;
    private readonly DeviceFacts _facts;
    private readonly SoftwareLists _software;

    /// <summary>A fleet as the options say: number of devices, seed, software, and the shares of what changes and of junk.</summary>
    public SampleFleet(SampleSiteOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        Options = options;
        Catalog = SoftwareCatalog.For(options.SoftwarePerComputer);
        _calendar = new FleetCalendar(options);
        var machines = new Machines(options);
        _history = new DeviceHistory(options, _calendar, machines);
        _facts = new DeviceFacts(options, new FleetIds(options.Seed), _history, machines);
        _software = new SoftwareLists(_history, Catalog, options);
    }

    internal SampleSiteOptions Options { get; }

    internal SoftwareCatalog Catalog { get; }

    internal FleetCalendar Calendar => _calendar;

    internal DeviceHistory History => _history;

    internal DeviceFacts Facts => _facts;

    internal SoftwareLists SoftwareLists => _software;

    internal FleetIds Ids => _facts.Ids;

    /// <summary>How many devices are in the list on this day.</summary>
    public int Count(int day) => _calendar.Day(Checked(day)).Count;

    /// <summary>How many devices there have been up to this day; their indexes are 0 to one less.</summary>
    public int Born(int day) => _calendar.Born(Checked(day));

    /// <summary>Whether the device is in the list on this day.</summary>
    public bool IsListed(int index, int day) => _calendar.IsListed(index, Checked(day));

    /// <summary>The index of the device at this place of the list, from 0.</summary>
    public int IndexAt(int position, int day)
    {
        var list = _calendar.Day(Checked(day));
        ArgumentOutOfRangeException.ThrowIfNegative(position);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(position, list.Count);
        return list.IndexAt(position);
    }

    /// <summary>The indexes of the list, in order.</summary>
    public IEnumerable<int> Indexes(int day)
    {
        var list = _calendar.Day(Checked(day));
        for (int index = 0, gap = 0; index < list.Born; index++)
        {
            if (gap < list.Gone.Length && list.Gone[gap] == index)
                gap++;
            else
                yield return index;
        }
    }

    /// <summary>The truth about all devices of the list, in order.</summary>
    public IEnumerable<SampleDevice> Devices(int day) => Indexes(day).Select(index => Describe(index, day));

    /// <summary>What happened to the device on this day.</summary>
    public SampleChange ChangeOn(int index, int day)
    {
        var born = _calendar.BornOn(index);
        if (day < born || (day > born && !_calendar.IsListed(index, day - 1)))
            return SampleChange.None;

        if (day == born)
            return SampleChange.Added;

        return _calendar.IsListed(index, day) ? _history.EventOn(_history.At(index, day - 1), day, out _) : SampleChange.Removed;
    }

    /// <summary>The device ID of an index.</summary>
    public Guid DeviceId(int index) => Ids.Encode(IdKind.Device, index);

    /// <summary>The index of a device ID, if it is one of this fleet's.</summary>
    public bool TryGetIndex(Guid id, out int index) => Ids.TryDecode(id, IdKind.Device, out index, out var detail) && detail == 0;

    /// <summary>The truth about a device; also about one that is gone by then.</summary>
    public SampleDevice Describe(int index, int day)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Born(day));
        var device = _history.At(index, day);
        var machine = device.Machine;
        Span<byte> buffer = stackalloc byte[128];
        var serial = DeviceFacts.Text(_facts.Machines.FormatSerial(machine, buffer, out var goodSerial));
        var uuid = DeviceFacts.Text(_facts.Machines.FormatUuid(machine, buffer, out var goodUuid));
        var mac = _facts.Machines.PrimaryMac(machine, out var sharedMac);
        var rows = new SoftwareCount();
        _software.Visit(device, ref rows, static (in SoftwareEntry entry, ref SoftwareCount count) =>
        {
            count.Rows++;
            if (entry.Oddity == 0)
                count.Installations++;
        });
        return new SampleDevice
        {
            Index = index,
            Day = day,
            Id = DeviceId(index),
            MachineNumber = machine.Number,
            Origin = device.Origin,
            FormerIndex = device.Former,
            IsSilent = day >= device.SilentFrom,
            IsListed = IsListed(index, day),
            Class = machine.IsComputer ? SampleDeviceClass.Computer : SampleDeviceClass.Hardware,
            Type = DeviceFacts.TypeOf(device),
            Form = machine.Form.ToString(),
            Platform = OperatingSystems.PlatformName(device.Platform),
            Name = NullIfEmpty(_facts.FormatName(device, buffer)),
            DnsName = NullIfEmpty(DeviceFacts.FormatDnsName(device, buffer)),
            SerialNumber = serial,
            HasGoodSerialNumber = goodSerial,
            BiosUuid = uuid.Length == 0 ? null : uuid,
            HasGoodBiosUuid = goodUuid,
            MacAddress = DeviceFacts.Text(DeviceFacts.FormatMac(mac, buffer)),
            HasSharedMacAddress = sharedMac,
            IPAddress = DeviceFacts.Text(DeviceFacts.FormatAddress(device, buffer)),
            AssetTag = NullIfEmpty(DeviceFacts.FormatAssetTag(device, buffer)),
            CloneGroup = machine.CloneGroup,
            AuditId = _facts.AuditId(device),
            AuditDate = DeviceHistory.AuditTime(device, device.ChangedOn),
            LastSeen = DeviceHistory.SeenTime(device, device.SeenOn),
            BornOn = device.BornOn,
            ChangedOn = device.ChangedOn,
            LastChange = device.LastChange,
            OperatingSystem = device.System is { } system
                ? string.Create(CultureInfo.InvariantCulture, $"{system.Name} {system.Version} {DeviceFacts.Text(system.FormatBuild(device.SystemMonths, buffer))}")
                : null,
            MemoryBytes = DeviceFacts.MemoryBytes(device),
            UserLogin = _facts.UserOf(device) is { } person ? DeviceFacts.Text(DeviceFacts.FormatLogin(person, buffer)) : null,
            SoftwareRows = rows.Rows,
            Installations = rows.Installations,
        };
    }

    /// <summary>The network adapters of a device, exactly as its snapshot lists them.</summary>
    public IReadOnlyList<SampleAdapter> Adapters(int index, int day)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Born(day));
        var device = _history.At(index, day);
        return _facts.AdaptersOf(device).ConvertAll(adapter =>
        {
            Span<byte> buffer = stackalloc byte[40];
            return new SampleAdapter(adapter.Name, DeviceFacts.Text(DeviceFacts.FormatMac(adapter.Address, buffer, device.Platform)), adapter.IsVirtual, adapter.IsShared);
        });
    }

    /// <summary>The software rows of a device, exactly as its snapshot lists them.</summary>
    public IReadOnlyList<SampleSoftware> Software(int index, int day)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Born(day));
        var device = _history.At(index, day);
        var collected = (Device: device, Rows: new List<SampleSoftware>());
        _software.Visit(device, ref collected, static (in SoftwareEntry entry, ref (DeviceState Device, List<SampleSoftware> Rows) all) =>
        {
            Span<byte> buffer = stackalloc byte[40];
            var product = entry.Product;
            all.Rows.Add(new SampleSoftware(
                entry.Oddity switch { SoftwareLists.Repeated => Shout(product.Name), SoftwareLists.Nameless => "", _ => product.Name },
                product.Versions[entry.Release],
                product.Publisher,
                DateOnly.FromDateTime(Epoch.AddDays(entry.InstalledOn)),
                product.HasInstallKey ? DeviceFacts.Text(DeviceFacts.FormatInstallKey(all.Device, product, buffer)) : null,
                product.HasSerialNumber ? DeviceFacts.Text(DeviceFacts.FormatLicence(all.Device, product, buffer)) : null));
        });
        return collected.Rows;
    }

    /// <summary>Installations of all listed computers on this day.</summary>
    public long CountInstallations(int day)
    {
        var count = new SoftwareCount();
        foreach (var index in Indexes(day))
        {
            _software.Visit(_history.At(index, day), ref count, static (in SoftwareEntry entry, ref SoftwareCount c) =>
            {
                if (entry.Oddity == 0)
                    c.Installations++;
            });
        }

        return count.Installations;
    }

    /// <summary>The same name with other letters and surplus space, as a second entry in a registry often has it.</summary>
    internal static string Shout(string name) => name.ToUpperInvariant().Replace(" ", "  ", StringComparison.Ordinal);

    private static string? NullIfEmpty(ReadOnlySpan<byte> utf8) => utf8.IsEmpty ? null : DeviceFacts.Text(utf8);

    private static int Checked(int day)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(day);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(day, MaxDay);
        return day;
    }

    private struct SoftwareCount
    {
        public int Rows;
        public int Installations;
    }
}
