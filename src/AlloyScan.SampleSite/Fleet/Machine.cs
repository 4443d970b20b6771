namespace AlloyScan.SampleSite;

/// <summary>A physical or virtual machine. A device of the site is one audit history of it; a re-imaged machine has two.</summary>
internal readonly struct Machine
{
    public required int Number { get; init; }

    public required ulong Key { get; init; }

    /// <summary>The key of what the firmware reports: shared by the clones of one virtual machine.</summary>
    public required ulong IdentityKey { get; init; }

    public required Form Form { get; init; }

    public required Platform Platform { get; init; }

    public required HardwareModel Model { get; init; }

    /// <summary>The group of clones it belongs to, or -1.</summary>
    public required int CloneGroup { get; init; }

    /// <summary>How many boards it had before this one.</summary>
    public int Board { get; init; }

    /// <summary>The machine that its wired network card was sold with.</summary>
    public required int Card { get; init; }

    /// <summary>The machine at whose desk it stands, if it took that over with the dock.</summary>
    public required int Desk { get; init; }

    /// <summary>The last audit read the BIOS UUID in the other byte order.</summary>
    public bool IsTurned { get; init; }

    public bool IsComputer => Form <= Form.Hypervisor;

    public bool IsPhysicalComputer => Form is Form.Laptop or Form.Desktop or Form.Server;

    public bool HasUser => Form is Form.Laptop or Form.Desktop;
}

/// <summary>Machines, each a pure function of the seed and its number.</summary>
internal sealed class Machines(SampleSiteOptions options)
{
    /// <summary>Numbers of this many machines in a row share docks and cloned virtual machines.</summary>
    private const int Neighbourhood = 512;

    private const int SerialNumbers = 30 * 30 * 30 * 30 * 30;
    private const int MacNumbers = 1 << 24;

    private static readonly WeightedTable<(Form Form, Platform Platform, WeightedTable<HardwareModel> Models)> s_kinds = new(
    [
        ((Form.Laptop, Platform.Windows, HardwareModels.WindowsLaptops), 2880),
        ((Form.Desktop, Platform.Windows, HardwareModels.WindowsDesktops), 1267),
        ((Form.Server, Platform.Windows, HardwareModels.Servers), 346),
        ((Form.VirtualMachine, Platform.Windows, HardwareModels.VirtualMachines), 1267),
        ((Form.Laptop, Platform.Linux, HardwareModels.LinuxLaptops), 101),
        ((Form.Desktop, Platform.Linux, HardwareModels.LinuxDesktops), 115),
        ((Form.Server, Platform.Linux, HardwareModels.Servers), 360),
        ((Form.VirtualMachine, Platform.Linux, HardwareModels.VirtualMachines), 864),
        ((Form.Laptop, Platform.MacOS, HardwareModels.MacLaptops), 640),
        ((Form.Desktop, Platform.MacOS, HardwareModels.MacDesktops), 160),
        ((Form.Hypervisor, Platform.None, HardwareModels.Hypervisors), 200),
        ((Form.Printer, Platform.None, HardwareModels.Printers), 700),
        ((Form.Switch, Platform.None, HardwareModels.Switches), 500),
        ((Form.Router, Platform.None, HardwareModels.Routers), 120),
        ((Form.AccessPoint, Platform.None, HardwareModels.AccessPoints), 330),
        ((Form.Other, Platform.None, HardwareModels.Others), 150),
    ]);

    private static readonly byte[][] s_junkSerials =
        ["To be filled by O.E.M."u8.ToArray(), "Default string"u8.ToArray(), "System Serial Number"u8.ToArray(), "0"u8.ToArray(), "123456789"u8.ToArray(), []];

    /// <summary>What makers of small series put into all of their machines; on no list, so only its many carriers give it away.</summary>
    private static readonly byte[][] s_vendorSerials =
        ["NB-STD-2023-01"u8.ToArray(), "WKS7700-SERIES"u8.ToArray(), "EB1000-00417"u8.ToArray(), "C1-2024-SAMPLE-B"u8.ToArray(), "MB1047-REV2"u8.ToArray(), "PROD.SN.7781"u8.ToArray()];

    private static readonly string[] s_junkUuids =
        ["FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF", "03000200-0400-0500-0006-000700080009", "00000000-0000-0000-0000-000000000000"];

    /// <summary>Makers of wireless adapters; none of them makes a wired one of ours, so addresses stay unique.</summary>
    private static readonly int[] s_wirelessOuis = [0xF4CE23, 0x8C1759, 0xA0E70B, 0x34C93D, 0xDC2148];

    /// <summary>Makers of the network chips on spare boards, one for each board that a machine can have had.</summary>
    private static readonly int[] s_spareOuis = [0x04421A, 0x7C10C9, 0xD45D64, 0x24FB65];

    private static readonly int[] s_bluetoothOuis = [0x5CCD5B, 0xE02E0B, 0x7C214A];

    private readonly ulong _key = Hash.Of((uint)options.Seed, Trait.Machine);
    private readonly ulong _serialOffset = Hash.Of((uint)options.Seed, Trait.Serial) % SerialNumbers;
    private readonly ulong _macOffset = Hash.Of((uint)options.Seed, Trait.Mac) % MacNumbers;
    private readonly ulong _junk = Hash.Threshold(options.JunkRate);
    private readonly ulong _vendor = Hash.Threshold(options.Doubts.VendorSerials);
    private readonly ulong _turned = Hash.Threshold(options.Doubts.TurnedUuids);
    private readonly int _boardDays = DaysOf(options.Doubts.BoardSwaps);
    private readonly int _adapterDays = DaysOf(options.Doubts.AdapterMoves);
    private readonly ulong _junkUuid = Hash.Threshold(options.JunkRate / 2);

    public Machine At(int number)
    {
        var key = Hash.Mix(_key ^ (uint)number);
        var (form, platform, models) = s_kinds.Pick(Hash.Of(key, Trait.Kind));
        var identityKey = key;
        var group = -1;
        if (form == Form.VirtualMachine && Hash.Chance(Hash.Of(key, Trait.Clone), _junk))
        {
            group = (number / Neighbourhood * 4) + (int)platform;
            identityKey = Hash.Of(_key, Trait.CloneIdentity, group);
        }

        var model = models.Pick(Hash.Of(identityKey, Trait.Model));
        if (group >= 0 && model.SerialMask is "@ec2" or "@none")
            (group, identityKey) = (-1, key);

        return new Machine
        {
            Number = number,
            Key = key,
            IdentityKey = identityKey,
            Form = form,
            Platform = platform,
            Model = model,
            CloneGroup = group,
            Card = number,
            Desk = number,
        };
    }

    /// <summary>The day on which a machine gets another board while its device stays; past the last day if it never does.</summary>
    public int BoardSwapOn(in Machine machine) =>
        _boardDays == 0 || !machine.IsPhysicalComputer ? int.MaxValue : 1 + Hash.Pick(Hash.Of(machine.Key, Trait.BoardSwap), _boardDays);

    /// <summary>The day on which two neighbours exchange their network cards; past the last day if they never do.</summary>
    public int AdapterMoveOn(in Machine machine, out int partner)
    {
        partner = machine.Number ^ 1;
        if (_adapterDays == 0 || !(machine.IsPhysicalComputer || !machine.IsComputer))
            return int.MaxValue;

        var other = At(partner);
        return other.IsPhysicalComputer != machine.IsPhysicalComputer || other.IsComputer != machine.IsComputer
            ? int.MaxValue
            : 1 + Hash.Pick(Hash.Of(_key, Trait.AdapterMove, machine.Number >> 1), _adapterDays);
    }

    /// <summary>Whether the audit of a day reads the BIOS UUID in the other byte order.</summary>
    public bool IsTurnedOn(in Machine machine, int day) =>
        Hash.Chance(Hash.Of(machine.Key, Trait.UuidOrder), _turned) && (Hash.Of(machine.Key, Trait.UuidOrder, day) & 1) == 1;

    /// <summary>Whether the dock of a machine is one that others use too.</summary>
    public bool HasSharedDock(in Machine machine) => machine.Form == Form.Laptop && Hash.Chance(Hash.Of(machine.Key, Trait.DockMac), _junk);

    public ReadOnlySpan<byte> FormatSerial(scoped in Machine machine, Span<byte> buffer, out bool good)
    {
        if (machine.Board > 0)
            return FormatSpareSerial(machine, buffer, out good);

        var hash = Hash.Of(machine.Key, Trait.SerialJunk);
        if (machine.IsPhysicalComputer && Hash.Chance(hash, _junk))
        {
            good = false;
            return s_junkSerials[Hash.Pick(hash, s_junkSerials.Length)];
        }

        hash = Hash.Of(machine.Key, Trait.VendorSerial);
        if (machine.IsPhysicalComputer && Hash.Chance(hash, _vendor))
        {
            good = false;
            return s_vendorSerials[Hash.Pick(hash, s_vendorSerials.Length)];
        }

        var text = new Utf8Text(buffer);
        good = true;
        hash = Hash.Of(machine.IdentityKey, Trait.Serial);
        switch (machine.Model.SerialMask)
        {
            case "@none":
                good = false;
                break;
            case "@vmware":
                AppendVMwareSerial(ref text, Uuid(machine));
                break;
            case "@hyperv":
                for (var group = 0; group < 7; group++)
                {
                    if (group > 0)
                        text.Append((byte)'-');

                    text.AppendNumber((long)(hash >> (group * 9)) % (group < 6 ? 10_000 : 100), group < 6 ? 4 : 2);
                }

                break;
            case "@ec2":
            case "@uuid":
                AppendUuid(ref text, Uuid(machine), lower: true);
                break;
            default:
                AppendMaskedSerial(ref text, machine, hash);
                break;
        }

        return text.Written;
    }

    /// <summary>The BIOS UUID as this platform reports it; empty for devices that have none.</summary>
    public ReadOnlySpan<byte> FormatUuid(scoped in Machine machine, Span<byte> buffer, out bool good)
    {
        good = false;
        if (!machine.IsComputer)
            return [];

        var text = new Utf8Text(buffer);
        var hash = Hash.Of(machine.Key, Trait.UuidJunk);
        if (machine.IsPhysicalComputer && machine.Board == 0 && Hash.Chance(hash, _junkUuid))
        {
            text.Append(s_junkUuids[Hash.Pick(hash, s_junkUuids.Length)]);
            return text.Written;
        }

        good = true;
        var (high, low) = Uuid(machine);

        // Firmware older than SMBIOS 2.6 has the first three groups in the other byte order.
        if ((machine.Model.SerialMask == "@vmware" && (high & 1) == 1) != machine.IsTurned)
            high = SwapGroups(high);

        AppendUuid(ref text, (high, low), lower: machine.Platform == Platform.Linux);
        return text.Written;
    }

    /// <summary>The address in the device list: of the dock, for some laptops.</summary>
    public ulong PrimaryMac(in Machine machine, out bool shared)
    {
        shared = HasSharedDock(machine) || machine.Desk != machine.Number;
        return shared ? 0x00E04C_000000 | (Hash.Of(_key, Trait.DockMac, machine.Desk / Neighbourhood) & 0xFFFFFF) : WiredMac(machine);
    }

    /// <summary>Every second dock has a name that does not give it away.</summary>
    public bool HasPlainDockName(in Machine machine) => options.Doubts.Any && machine.Desk / Neighbourhood % 2 == 1;

    public ulong WiredMac(in Machine machine)
    {
        if (machine.Card != machine.Number)
        {
            var seller = At(machine.Card);
            return Mac(seller, seller.Model.Ouis, Trait.Mac);
        }

        return machine.Board > 0
            ? Mac(machine, [s_spareOuis[Math.Min(machine.Board, s_spareOuis.Length) - 1]], Trait.Mac)
            : Mac(machine, machine.Model.Ouis, Trait.Mac);
    }

    public ulong WirelessMac(in Machine machine) => Mac(machine, s_wirelessOuis, Trait.Adapters);

    public ulong BluetoothMac(in Machine machine) => Mac(machine, s_bluetoothOuis, Trait.Bluetooth);

    private ulong Mac(in Machine machine, int[] makers, Trait trait)
    {
        var oui = makers[Hash.Pick(Hash.Of(machine.Key, trait), makers.Length)];
        return ((ulong)oui << 24) | ((((ulong)(uint)machine.Number * 0x9E3779B1) + _macOffset) % MacNumbers);
    }

    /// <summary>What a technician sets on a spare board, or what came with it.</summary>
    private ReadOnlySpan<byte> FormatSpareSerial(scoped in Machine machine, Span<byte> buffer, out bool good)
    {
        var letters = "123456789BCDFGHJKLMNPQRSTVWXYZ"u8;
        var unique = (((ulong)(uint)machine.Number * 15_485_863) + _serialOffset) % SerialNumbers;
        var text = new Utf8Text(buffer);
        text.Append("SPB"u8);
        text.AppendNumber(machine.Board);
        for (var i = 0; i < 5; i++)
        {
            text.Append(letters[(int)(unique % 30)]);
            unique /= 30;
        }

        text.Append("/88"u8);
        good = true;
        return text.Written;
    }

    private static int DaysOf(double share) => share > 0 ? (int)Math.Ceiling(1 / share) : 0;

    /// <summary>Five places of the mask hold the machine's number, scrambled: no two machines of a model can have the same serial number.</summary>
    private void AppendMaskedSerial(ref Utf8Text text, in Machine machine, ulong hash)
    {
        var letters = "123456789BCDFGHJKLMNPQRSTVWXYZ"u8;
        var unique = (((ulong)(uint)machine.Number * 15_485_863) + _serialOffset) % SerialNumbers;
        foreach (var c in machine.Model.Mask)
        {
            switch (c)
            {
                case (byte)'?':
                    text.Append(letters[(int)(unique % 30)]);
                    unique /= 30;
                    break;
                case (byte)'*':
                    text.Append(letters[(int)(hash % 30)]);
                    hash /= 30;
                    break;
                case (byte)'#':
                    text.Append((byte)('0' + (hash % 10)));
                    hash /= 10;
                    break;
                default:
                    text.Append(c);
                    break;
            }
        }
    }

    private static (ulong High, ulong Low) Uuid(in Machine machine)
    {
        var high = machine.Board == 0 ? Hash.Of(machine.IdentityKey, Trait.Uuid) : Hash.Of(machine.Key, Trait.Board, machine.Board);
        var low = Hash.Mix(high);
        return machine.Model.SerialMask switch
        {
            "@vmware" => ((high & 0x0000_FFFF_FFFF_FFFF) | ((high & 2) == 0 ? 0x564D_0000_0000_0000UL : 0x4229_0000_0000_0000UL), low),
            "@ec2" => ((high & 0x000F_FFFF_FFFF_0FFF) | 0xEC20_0000_0000_4000, (low & (ulong.MaxValue >> 2)) | (1UL << 63)),
            _ => ((high & 0xFFFF_FFFF_FFFF_0FFF) | 0x4000, (low & (ulong.MaxValue >> 2)) | (1UL << 63)),
        };
    }

    private static ulong SwapGroups(ulong high)
    {
        var first = System.Buffers.Binary.BinaryPrimitives.ReverseEndianness((uint)(high >> 32));
        var second = System.Buffers.Binary.BinaryPrimitives.ReverseEndianness((ushort)(high >> 16));
        var third = System.Buffers.Binary.BinaryPrimitives.ReverseEndianness((ushort)high);
        return ((ulong)first << 32) | ((ulong)second << 16) | third;
    }

    private static void AppendUuid(ref Utf8Text text, (ulong High, ulong Low) uuid, bool lower)
    {
        text.AppendHex(uuid.High >> 32, 8, lower);
        text.Append((byte)'-');
        text.AppendHex(uuid.High >> 16, 4, lower);
        text.Append((byte)'-');
        text.AppendHex(uuid.High, 4, lower);
        text.Append((byte)'-');
        text.AppendHex(uuid.Low >> 48, 4, lower);
        text.Append((byte)'-');
        text.AppendHex(uuid.Low, 12, lower);
    }

    /// <summary><c>VMware-56 4d 0f 27 a7 6f 36 c5-8c 4c 5b f1 5a 8f 9f 2e</c></summary>
    private static void AppendVMwareSerial(ref Utf8Text text, (ulong High, ulong Low) uuid)
    {
        text.Append("VMware-"u8);
        for (var i = 0; i < 16; i++)
        {
            if (i > 0)
                text.Append(i == 8 ? (byte)'-' : (byte)' ');

            text.AppendHex((i < 8 ? uuid.High : uuid.Low) >> (56 - (8 * (i % 8))), 2, lower: true);
        }
    }
}
