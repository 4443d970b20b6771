using AlloyScan.Engine.Inventory;

namespace AlloyScan.Engine.Cmdb;

/// <summary>A field of a configuration item.</summary>
/// <param name="Index">Position in a value array.</param>
/// <param name="Name">Name in the store and its views.</param>
/// <param name="Type">What it holds.</param>
/// <param name="OnComputer">Whether computers have it.</param>
/// <param name="OnHardware">Whether hardware has it.</param>
/// <param name="IsCustom">Whether an administrator defined it. Custom values stand together in one column.</param>
internal sealed record CmdbField(int Index, string Name, FieldType Type, bool OnComputer, bool OnHardware, bool IsCustom = false)
{
    public bool IsOn(RecordClass recordClass) => recordClass == RecordClass.Computer ? OnComputer : OnHardware;

    /// <summary>A value in the one form in which the field holds it; <see langword="null"/> for one that it cannot hold.</summary>
    public string? Normalise(string value) => FieldValues.Normalise(value, Type, whole: !IsCustom);

    /// <summary>Whether two values are the same to this field: <c>007</c> and <c>7</c> are, in a number.</summary>
    public bool IsSame(string? one, string? other) =>
        string.Equals(one, other, StringComparison.Ordinal)
        || (Type != FieldType.Text && one is not null && other is not null && Normalise(one) is { } value && value == Normalise(other));
}

/// <summary>The built-in fields of the CMDB, which every record's value array starts with, in this order.</summary>
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
    public static readonly CmdbField UserName = Get("user_name");
    public static readonly CmdbField Status = Get("status");

    /// <summary>Column list of the records table, in array order.</summary>
    public static readonly string Columns = string.Join(", ", All.Select(f => f.Name));

    private static CmdbField Get(string name) => All.First(f => f.Name == name);

    private static CmdbField[] Make(params (string Name, string Traits)[] fields) =>
    [
        .. fields.Select((f, i) => new CmdbField(
            i, f.Name, f.Traits.Contains('N', StringComparison.Ordinal) ? FieldType.Number : FieldType.Text,
            f.Traits.Contains('C', StringComparison.Ordinal), f.Traits.Contains('H', StringComparison.Ordinal))),
    ];
}
