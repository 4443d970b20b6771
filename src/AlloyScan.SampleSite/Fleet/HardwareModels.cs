using System.Globalization;
using System.Text;
using System.Text.Json;

namespace AlloyScan.SampleSite;

/// <summary>What a machine physically is.</summary>
internal enum Form
{
    Laptop,
    Desktop,
    Server,
    VirtualMachine,
    Hypervisor,
    Printer,
    Switch,
    Router,
    AccessPoint,
    Other,
}

internal enum Platform
{
    None,
    Windows,
    Linux,
    MacOS,
}

/// <summary>What a machine runs on, for software that belongs to certain machines only.</summary>
[Flags]
internal enum Hosts
{
    Any = 0,
    Dell = 1,
    Hp = 2,
    Lenovo = 4,
    Hpe = 8,
    VMware = 16,
    Qemu = 32,
    Physical = 64,
}

internal sealed record Processor(string Name, JsonEncodedText Json, int Cores);

/// <summary>One model as its maker sells it, with the shape of its serial numbers.</summary>
internal sealed record HardwareModel(string Manufacturer, string Model, string Chassis, string SerialMask, int[] Ouis, Processor[] Processors, int[] MemoryGigabytes)
{
    public JsonEncodedText ManufacturerJson { get; } = DataFile.Encode(Manufacturer);

    public JsonEncodedText ModelJson { get; } = DataFile.Encode(Model);

    public JsonEncodedText ChassisJson { get; } = DataFile.Encode(Chassis);

    public Hosts Host { get; } = Manufacturer.ToUpperInvariant() switch
    {
        "VMWARE, INC." => Hosts.VMware,
        "QEMU" => Hosts.Qemu,
        "AMAZON EC2" or "NUTANIX" => Hosts.Any,
        "MICROSOFT CORPORATION" when Model == "Virtual Machine" => Hosts.Any,
        "DELL INC." => Hosts.Physical | Hosts.Dell,
        "HP" => Hosts.Physical | Hosts.Hp,
        "HPE" => Hosts.Physical | Hosts.Hpe,
        "LENOVO" => Hosts.Physical | Hosts.Lenovo,
        _ => Hosts.Physical,
    };

    public byte[] Mask { get; } = Encoding.ASCII.GetBytes(SerialMask);
}

internal static class HardwareModels
{
    private static readonly Dictionary<string, WeightedTable<HardwareModel>> s_pools = Read();

    public static readonly WeightedTable<HardwareModel> WindowsLaptops = s_pools["WL"];
    public static readonly WeightedTable<HardwareModel> MacLaptops = s_pools["ML"];
    public static readonly WeightedTable<HardwareModel> LinuxLaptops = s_pools["LL"];
    public static readonly WeightedTable<HardwareModel> WindowsDesktops = s_pools["WD"];
    public static readonly WeightedTable<HardwareModel> MacDesktops = s_pools["MD"];
    public static readonly WeightedTable<HardwareModel> LinuxDesktops = s_pools["LD"];
    public static readonly WeightedTable<HardwareModel> Servers = s_pools["SV"];
    public static readonly WeightedTable<HardwareModel> VirtualMachines = s_pools["VM"];
    public static readonly WeightedTable<HardwareModel> Hypervisors = s_pools["HV"];
    public static readonly WeightedTable<HardwareModel> Printers = s_pools["PR"];
    public static readonly WeightedTable<HardwareModel> Switches = s_pools["SW"];
    public static readonly WeightedTable<HardwareModel> Routers = s_pools["RT"];
    public static readonly WeightedTable<HardwareModel> AccessPoints = s_pools["AP"];
    public static readonly WeightedTable<HardwareModel> Others = s_pools["OT"];

    private static Dictionary<string, WeightedTable<HardwareModel>> Read()
    {
        var pools = new Dictionary<string, List<(HardwareModel, int)>>();
        foreach (var line in DataFile.Lines("models.txt"))
        {
            var cells = line.Split('|');
            foreach (var pool in cells[0].Split(','))
            {
                var model = new HardwareModel(cells[2], cells[3], Chassis(pool, cells[3]), cells[4],
                    Array.ConvertAll(cells[5].Split(','), oui => int.Parse(oui, NumberStyles.HexNumber, CultureInfo.InvariantCulture)),
                    Array.ConvertAll(cells[6].Split('~', StringSplitOptions.RemoveEmptyEntries), ParseProcessor),
                    Array.ConvertAll(cells[7].Split(',', StringSplitOptions.RemoveEmptyEntries), size => int.Parse(size, CultureInfo.InvariantCulture)));
                if (!pools.TryGetValue(pool, out var models))
                    pools[pool] = models = [];

                models.Add((model, int.Parse(cells[1], CultureInfo.InvariantCulture)));
            }
        }

        return pools.ToDictionary(p => p.Key, p => new WeightedTable<HardwareModel>(p.Value));
    }

    private static Processor ParseProcessor(string cell)
    {
        var end = cell.LastIndexOf(';');
        return new Processor(cell[..end], DataFile.Encode(cell[..end]), int.Parse(cell.AsSpan(end + 1), CultureInfo.InvariantCulture));
    }

    private static string Chassis(string pool, string model) => pool switch
    {
        "WL" or "LL" or "ML" => "Notebook",
        "WD" or "LD" or "MD" when model.Contains("Mini", StringComparison.OrdinalIgnoreCase) || model.StartsWith("NUC", StringComparison.Ordinal) => "Mini PC",
        "MD" when model.StartsWith("iMac", StringComparison.Ordinal) => "All in One",
        "WD" or "LD" or "MD" => "Desktop",
        "SV" or "HV" => "Rack Mount Chassis",
        "VM" => "Other",
        _ => "",
    };
}
