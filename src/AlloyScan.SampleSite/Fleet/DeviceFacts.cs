using System.Text;

namespace AlloyScan.SampleSite;

/// <summary>A user of a computer.</summary>
internal readonly record struct Person(int First, int Last, int Number, int Department);

/// <summary>A network adapter of a device.</summary>
internal readonly record struct NetworkAdapter(string Name, ulong Address, bool IsConnected, bool IsWireless = false, bool IsVirtual = false, bool IsShared = false);

/// <summary>What is said about a device, each fact a pure function of its state.</summary>
internal sealed class DeviceFacts(SampleSiteOptions options, FleetIds ids, DeviceHistory history, Machines machines)
{
    private static readonly string[] s_agentless = ["Service", "Service", "Service", "Service", "Service", "Import", "Manual", "Service"];

    /// <summary>Adapters that software brings along, with the same address on every computer in the world.</summary>
    private static readonly NetworkAdapter[] s_softwareAdapters =
    [
        new("Cisco AnyConnect Virtual Miniport Adapter for Windows x64", 0x00059A3C7A00, IsConnected: false, IsVirtual: true, IsShared: true),
        new("PANGP Virtual Ethernet Adapter Secure", 0x025041000001, IsConnected: false, IsVirtual: true, IsShared: true),
        new("VMware Virtual Ethernet Adapter for VMnet1", 0x005056C00001, IsConnected: false, IsVirtual: true, IsShared: true),
        new("VMware Virtual Ethernet Adapter for VMnet8", 0x005056C00008, IsConnected: false, IsVirtual: true, IsShared: true),
    ];

    private readonly ulong _junk = Hash.Threshold(options.JunkRate / 2);

    public FleetIds Ids => ids;

    public DeviceHistory History => history;

    public Machines Machines => machines;

    public static string? TypeOf(in DeviceState device) => device.Untyped ? null : device.Machine.Form switch
    {
        Form.Hypervisor => "vmware-esxi",
        Form.Printer => "printer",
        Form.Switch or Form.Router or Form.AccessPoint => "network-device",
        Form.Other => "other",
        _ => "computer",
    };

    public static string Source(in DeviceState device)
    {
        var hash = Hash.Of(device.Key, Trait.Seen);
        return device.Machine.Form == Form.Laptop && Hash.Pick(hash, 4) > 0 ? "Agent" : device.Machine.IsComputer ? s_agentless[hash & 7] : "Service";
    }

    public static int Office(in DeviceState device)
    {
        // A machine that was installed afresh may have moved, and so has one with a new name.
        return (Hash.Pick(Hash.Of(device.Named.Key, Trait.Office), Names.Offices.Length) + device.Moves + device.Renames) % Names.Offices.Length;
    }

    /// <summary>The name; empty for a few devices of which the site knows none.</summary>
    public ReadOnlySpan<byte> FormatName(scoped in DeviceState device, Span<byte> buffer)
    {
        if (Hash.Chance(Hash.Of(device.Key, Trait.NameJunk), _junk))
        {
            switch (device.Machine)
            {
                case { Platform: Platform.Linux }:
                    return "localhost"u8;
                case { Platform: Platform.MacOS, Form: Form.Laptop }:
                    return "MacBook Pro"u8;
                case { IsComputer: false }:
                    return [];
            }
        }

        var text = new Utf8Text(buffer);
        AppendHost(ref text, device, lower: false);
        return text.Written;
    }

    public static ReadOnlySpan<byte> FormatDnsName(scoped in DeviceState device, Span<byte> buffer)
    {
        var text = new Utf8Text(buffer);
        AppendHost(ref text, device, lower: true);
        text.Append((byte)'.');
        text.Append(Names.Domain);
        return text.Written;
    }

    /// <summary>What an administrator entered on a sticker; empty without one.</summary>
    public static ReadOnlySpan<byte> FormatAssetTag(scoped in DeviceState device, Span<byte> buffer)
    {
        if (device.Machine.Form is Form.VirtualMachine or Form.AccessPoint or Form.Other || Hash.Pick(Hash.Of(device.Machine.Key, Trait.AssetTag), 10) < 4)
            return [];

        var text = new Utf8Text(buffer);
        text.Append("AT-"u8);
        text.AppendNumber(100_000L + device.Machine.Number, 6);
        return text.Written;
    }

    public static ReadOnlySpan<byte> FormatAddress(scoped in DeviceState device, Span<byte> buffer, bool wireless = false)
    {
        var hash = Hash.Of(device.Machine.Key, Trait.Address) >> (wireless ? 24 : 0);
        var text = new Utf8Text(buffer);
        text.Append("10."u8);
        text.AppendNumber((Office(device) * 8) + (wireless ? 4 : 0) + (long)(hash & 3));
        text.Append((byte)'.');
        text.AppendNumber((long)(hash >> 8) & 0xFF);
        text.Append((byte)'.');
        text.AppendNumber(1 + ((long)((hash >> 16) & 0xFF) % 254));
        return text.Written;
    }

    /// <summary>An address as it is written on this platform: with colons in the list and on Unix, with hyphens by Windows.</summary>
    public static ReadOnlySpan<byte> FormatMac(ulong address, Span<byte> buffer, Platform platform = Platform.None)
    {
        var text = new Utf8Text(buffer);
        for (var shift = 40; shift >= 0; shift -= 8)
        {
            text.AppendHex(address >> shift, 2, lower: platform is Platform.Linux or Platform.MacOS);
            if (shift > 0)
                text.Append(platform == Platform.Windows ? (byte)'-' : (byte)':');
        }

        return text.Written;
    }

    /// <summary>The network adapters as the snapshot lists them.</summary>
    public List<NetworkAdapter> AdaptersOf(in DeviceState device)
    {
        var machine = device.Machine;
        var adapters = new List<NetworkAdapter>(5);
        var primary = machines.PrimaryMac(machine, out var shared);
        if (shared)
            adapters.Add(new(machines.HasPlainDockName(machine) ? "Ethernet 3" : "Realtek USB GbE Family Controller", primary, IsConnected: true, IsShared: true));

        adapters.Add(new(machine.Form == Form.VirtualMachine ? "vmxnet3 Ethernet Adapter" : machine.IsComputer ? "Intel(R) Ethernet Connection I219-LM" : "eth0", machines.WiredMac(machine), !shared));
        if (machine.Form == Form.Laptop)
        {
            adapters.Add(new(machine.Platform == Platform.MacOS ? "en0" : "Intel(R) Wi-Fi 6E AX211 160MHz", machines.WirelessMac(machine), IsConnected: true, IsWireless: true));
            adapters.Add(new("Bluetooth Device (Personal Area Network)", machines.BluetoothMac(machine), IsConnected: false));
        }

        var extra = Hash.Of(machine.Key, Trait.Adapters) & 0xF;
        if (machine.Platform == Platform.Windows && machine.HasUser && extra < (ulong)s_softwareAdapters.Length)
            adapters.Add(s_softwareAdapters[extra]);

        return adapters;
    }

    public static Processor? ProcessorOf(in DeviceState device)
    {
        var processors = device.Machine.Model.Processors;
        return processors.Length == 0 ? null : processors[Hash.Pick(Hash.Of(device.Machine.Key, Trait.Processor), processors.Length)];
    }

    public static long MemoryBytes(in DeviceState device)
    {
        var sizes = device.Machine.Model.MemoryGigabytes;
        return sizes.Length == 0 ? 0 : (long)sizes[Hash.Pick(Hash.Of(device.Machine.Key, Trait.Memory), sizes.Length)] << (30 + device.MemoryUpgrades);
    }

    public Person? UserOf(in DeviceState device)
    {
        if (!device.Machine.HasUser)
            return null;

        var hash = Hash.Of(device.Machine.Key, Trait.Person, device.UserChanges);
        return new Person(
            (int)((hash & 0xFFFF) % (uint)Names.First.Length),
            (int)(((hash >> 16) & 0xFFFF) % (uint)Names.Last.Length),
            (int)((hash >> 32) % (uint)Math.Max(40, options.Devices / 400)),
            (int)((hash >> 56) % (uint)Names.Departments.Length));
    }

    /// <summary><c>jmueller7</c></summary>
    public static ReadOnlySpan<byte> FormatLogin(Person person, Span<byte> buffer)
    {
        var text = new Utf8Text(buffer);
        AppendLogin(ref text, person);
        return text.Written;
    }

    public static ReadOnlySpan<byte> FormatMail(Person person, Span<byte> buffer)
    {
        var text = new Utf8Text(buffer);
        text.Append(Names.FirstLogin[person.First]);
        text.Append((byte)'.');
        text.Append(Names.LastLogin[person.Last]);
        if (person.Number > 0)
            text.AppendNumber(person.Number);

        text.Append("@example.com"u8);
        return text.Written;
    }

    public static ReadOnlySpan<byte> FormatDisplayName(Person person, Span<byte> buffer)
    {
        var text = new Utf8Text(buffer);
        text.Append(Names.FirstUtf8[person.First]);
        text.Append((byte)' ');
        text.Append(Names.LastUtf8[person.Last]);
        return text.Written;
    }

    public static DateTime SystemInstalled(in DeviceState device) =>
        SampleFleet.Epoch.AddDays(device.BornOn - (device.BornOn == 0 ? 10 + Hash.Pick(Hash.Of(device.Key, Trait.OperatingSystem), 1000) : 1));

    /// <summary>Tags of a device as bits by number.</summary>
    public static uint TagsOf(in DeviceState device)
    {
        var hash = Hash.Of(device.Machine.Key, Trait.Tags);
        uint tags = 0;
        for (var count = (hash & 0xF) switch { < 6 => 0, < 12 => 1, < 15 => 2, _ => 3 }; count > 0; count--)
        {
            hash >>= 8;
            tags |= 1u << (int)((hash & 0xFF) % (uint)Names.Tags.Length);
        }

        return tags;
    }

    public static ReadOnlySpan<byte> FormatInstallKey(in DeviceState device, SoftwareProduct product, Span<byte> buffer)
    {
        var letters = "BCDFGHJKMPQRTVWXY2346789"u8;
        var hash = Hash.Mix(device.Key ^ ((ulong)(uint)product.Number << 32));
        var text = new Utf8Text(buffer);
        for (var i = 0; i < 25; i++)
        {
            if (i is 5 or 10 or 15 or 20)
                text.Append((byte)'-');

            if (i == 13)
                hash = Hash.Mix(hash);

            text.Append(letters[(int)(hash % 24)]);
            hash /= 24;
        }

        return text.Written;
    }

    public static ReadOnlySpan<byte> FormatLicence(in DeviceState device, SoftwareProduct product, Span<byte> buffer)
    {
        var hash = Hash.Mix(device.Key ^ ((ulong)(uint)product.Number << 24));
        var text = new Utf8Text(buffer);
        text.AppendNumber(100 + (long)(hash % 900));
        text.Append((byte)'-');
        text.AppendNumber((long)((hash >> 16) % 100_000_000), 8);
        return text.Written;
    }

    public Guid AuditId(in DeviceState device) => ids.Encode(IdKind.Snapshot, device.Index, device.ChangedOn);

    private static void AppendHost(ref Utf8Text text, in DeviceState device, bool lower)
    {
        var start = text.Written.Length;
        text.Append(Names.OfficesUtf8[Office(device)]);
        text.Append((byte)'-');
        text.Append(device.Named.Form switch
        {
            Form.Laptop => device.Named.Platform == Platform.MacOS ? "MB"u8 : "LT"u8,
            Form.Desktop => "WS"u8,
            Form.Server => "SRV"u8,
            Form.VirtualMachine => "VM"u8,
            Form.Hypervisor => "ESX"u8,
            Form.Printer => "PRN"u8,
            Form.Switch => "SW"u8,
            Form.Router => "RT"u8,
            Form.AccessPoint => "AP"u8,
            _ => "DEV"u8,
        });
        text.Append((byte)'-');
        text.AppendNumber(device.Named.Number, 4);
        if (lower)
            text.ToLower(start);
    }

    private static void AppendLogin(ref Utf8Text text, Person person)
    {
        text.Append(Names.FirstLogin[person.First].AsSpan(0, 1));
        text.Append(Names.LastLogin[person.Last]);
        if (person.Number > 0)
            text.AppendNumber(person.Number);
    }

    public static string Text(ReadOnlySpan<byte> utf8) => Encoding.UTF8.GetString(utf8);
}
