using AlloyScan.Engine.Inventory;

namespace AlloyScan.Engine.Cmdb;

/// <summary>A field of a configuration item.</summary>
/// <param name="Index">Position in a value array.</param>
/// <param name="Name">Name in the store and its views.</param>
/// <param name="IsNumber">Whether it holds a whole number.</param>
/// <param name="OnComputer">Whether computers have it.</param>
/// <param name="OnHardware">Whether hardware has it.</param>
internal sealed record CmdbField(int Index, string Name, bool IsNumber, bool OnComputer, bool OnHardware);

/// <summary>The fields of the built-in CMDB, in the order of a record's value array.</summary>
internal static class CmdbFields
{
    public static readonly IReadOnlyList<CmdbField> All = Make(
        ("name", "CH"), ("type", "H"), ("dns_name", "CH"), ("serial_number", "CH"), ("asset_tag", "CH"), ("mac_address", "CH"), ("ip_address", "CH"),
        ("manufacturer", "CH"), ("model", "CH"), ("bios_uuid", "C"), ("os_platform", "C"), ("os_name", "C"), ("os_version", "C"), ("cpu", "C"),
        ("memory_bytes", "CN"), ("user_name", "C"), ("status", "CH"));

    public static readonly CmdbField Name = Get("name");
    public static readonly CmdbField SerialNumber = Get("serial_number");
    public static readonly CmdbField AssetTag = Get("asset_tag");
    public static readonly CmdbField MacAddress = Get("mac_address");
    public static readonly CmdbField BiosUuid = Get("bios_uuid");
    public static readonly CmdbField Status = Get("status");

    /// <summary>Column list of the records table, in array order.</summary>
    public static readonly string Columns = string.Join(", ", All.Select(f => f.Name));

    public static CmdbField? Find(RecordClass recordClass, string name) =>
        All.FirstOrDefault(f => (recordClass == RecordClass.Computer ? f.OnComputer : f.OnHardware) && string.Equals(f.Name, name, StringComparison.OrdinalIgnoreCase));

    public static IEnumerable<CmdbField> Of(RecordClass recordClass) =>
        All.Where(f => recordClass == RecordClass.Computer ? f.OnComputer : f.OnHardware);

    private static CmdbField Get(string name) => All.First(f => f.Name == name);

    private static CmdbField[] Make(params (string Name, string Traits)[] fields) =>
        [.. fields.Select((f, i) => new CmdbField(i, f.Name, f.Traits.Contains('N', StringComparison.Ordinal), f.Traits.Contains('C', StringComparison.Ordinal), f.Traits.Contains('H', StringComparison.Ordinal)))];
}
