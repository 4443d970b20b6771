using AlloyScan.Engine.Inventory;

namespace AlloyScan.Engine.Cmdb;

/// <summary>The service actions that each store has, numbered as in Alloy Navigator.</summary>
internal static class DefaultServiceActions
{
    public const int NewComputer = 2943;
    public const int ExistingComputer = 2944;
    public const int NewHardware = 2945;
    public const int ExistingHardware = 2946;

    // What the audit measures follows the audit; what people maintain is theirs once they touched it.
    private static readonly FieldMapping[] s_common =
    [
        Measured("name", SourceAttributes.Name), Measured("dns_name", SourceAttributes.DnsName), Measured("serial_number", SourceAttributes.SerialNumber),
        Kept("asset_tag", SourceAttributes.AssetTag), Measured("mac_address", SourceAttributes.MacAddress), Measured("ip_address", SourceAttributes.IpAddress),
        Measured("manufacturer", SourceAttributes.Manufacturer), Measured("model", SourceAttributes.Model),
    ];

    private static readonly FieldMapping[] s_computer =
    [
        .. s_common, Measured("bios_uuid", SourceAttributes.BiosUuid), Measured("os_platform", SourceAttributes.OsPlatform), Measured("os_name", SourceAttributes.OsName),
        Measured("os_version", SourceAttributes.OsVersion), Measured("cpu", SourceAttributes.CpuName), Measured("memory_bytes", SourceAttributes.MemoryBytes), Kept("user_name", SourceAttributes.UserName),
    ];

    private static readonly FieldMapping[] s_hardware = [.. s_common, Measured("type", SourceAttributes.DeviceKind)];

    public static readonly IReadOnlyList<ServiceAction> All =
    [
        Make(NewComputer, "Create Computer (AlloyScan Connector)", RecordClass.Computer, ServiceActionKind.Create, s_computer),
        Make(ExistingComputer, "Update Computer (AlloyScan Connector)", RecordClass.Computer, ServiceActionKind.Update, s_computer),
        Make(NewHardware, "Create Hardware (AlloyScan Connector)", RecordClass.Hardware, ServiceActionKind.Create, s_hardware),
        Make(ExistingHardware, "Update Hardware (AlloyScan Connector)", RecordClass.Hardware, ServiceActionKind.Update, s_hardware),
    ];

    public static ServiceAction? Find(int id) => All.FirstOrDefault(a => a.Id == id);

    /// <summary>How a mapping of a field replaces when nobody says it.</summary>
    public static ReplacementMode ModeOf(CmdbField field) =>
        field.IsCustom || field == CmdbFields.AssetTag || field == CmdbFields.UserName ? ReplacementMode.UnlessEdited : ReplacementMode.WhenSourceHasValue;

    private static FieldMapping Measured(string field, string attribute) => new() { Field = field, Attribute = attribute, Mode = ReplacementMode.WhenSourceHasValue };

    private static FieldMapping Kept(string field, string attribute) => new() { Field = field, Attribute = attribute, Mode = ReplacementMode.UnlessEdited };

    private static ServiceAction Make(int id, string name, RecordClass recordClass, ServiceActionKind kind, FieldMapping[] mappings) => new()
    {
        Id = id,
        Name = name,
        Class = recordClass,
        Kind = kind,
        IsDefault = true,
        InitialValues = kind == ServiceActionKind.Create ? new Dictionary<string, string> { ["status"] = RecordStatus.AutoAdded } : new Dictionary<string, string>(),
        Mappings = mappings,
    };
}
