using System.Globalization;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Store;
using Newtonsoft.Json;
using Newtonsoft.Json.Converters;

namespace AlloyScan.Engine.Cmdb;

/// <summary>When a mapping replaces what a CI's field holds.</summary>
internal enum ReplacementMode
{
    /// <summary>Always; an empty source value only if the mapping allows empty.</summary>
    Always,

    /// <summary>Only while the target is empty.</summary>
    WhenTargetEmpty,

    /// <summary>Whenever the source has a value.</summary>
    WhenSourceHasValue,

    /// <summary>Whenever the source has a value and the target still holds what we last wrote.</summary>
    UnlessEdited,
}

/// <summary>Whether a service action makes CIs or changes them.</summary>
internal enum ServiceActionKind
{
    Create,
    Update,
}

/// <summary>One line of a field mapping. Exactly one of attribute, constant and template gives the value.</summary>
internal sealed record FieldMapping
{
    public required string Field { get; init; }

    public string? Attribute { get; init; }

    public string? Constant { get; init; }

    /// <summary>Text with attribute names in braces, for example <c>{name}.{dnsDomain}</c>.</summary>
    public string? Template { get; init; }

    public ReplacementMode Mode { get; init; } = ReplacementMode.WhenSourceHasValue;

    public bool AllowEmpty { get; init; }
}

/// <summary>What is done to a new or existing CI: initial values and field mapping.</summary>
internal sealed record ServiceAction
{
    [JsonIgnore]
    public int Id { get; init; }

    [JsonIgnore]
    public string Name { get; init; } = string.Empty;

    [JsonIgnore]
    public RecordClass Class { get; init; }

    [JsonIgnore]
    public ServiceActionKind Kind { get; init; }

    public IReadOnlyDictionary<string, string> InitialValues { get; init; } = new Dictionary<string, string>();

    public IReadOnlyList<FieldMapping> Mappings { get; init; } = [];
}

/// <summary>The service actions of a store and their defaults, numbered as in Alloy Navigator.</summary>
internal static class ServiceActions
{
    public const int NewComputer = 2943;
    public const int ExistingComputer = 2944;
    public const int NewHardware = 2945;
    public const int ExistingHardware = 2946;

    private static readonly JsonSerializerSettings s_json = new()
    {
        Culture = CultureInfo.InvariantCulture,
        NullValueHandling = NullValueHandling.Ignore,
        Converters = [new StringEnumConverter()],
    };

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

    public static readonly IReadOnlyList<ServiceAction> Defaults =
    [
        Default(NewComputer, "Create Computer (AlloyScan Connector)", RecordClass.Computer, ServiceActionKind.Create, s_computer),
        Default(ExistingComputer, "Update Computer (AlloyScan Connector)", RecordClass.Computer, ServiceActionKind.Update, s_computer),
        Default(NewHardware, "Create Hardware (AlloyScan Connector)", RecordClass.Hardware, ServiceActionKind.Create, s_hardware),
        Default(ExistingHardware, "Update Hardware (AlloyScan Connector)", RecordClass.Hardware, ServiceActionKind.Update, s_hardware),
    ];

    /// <summary>Adds the defaults to a store that has none yet.</summary>
    public static void Seed(StoreSession session)
    {
        if (session.Prepare("SELECT count(*) FROM service_actions").Number() > 0)
            return;

        session.InTransactionDo(() =>
        {
            foreach (var action in Defaults)
            {
                session.Execute(
                    "INSERT INTO service_actions (id, name, class, kind, definition) VALUES (@p0, @p1, @p2, @p3, @p4) ON CONFLICT (id) DO NOTHING",
                    action.Id, action.Name, (int)action.Class, action.Kind.ToString(), Definition(action));
            }
        });
    }

    public static string Definition(ServiceAction action) => JsonConvert.SerializeObject(action, s_json);

    /// <summary>Finds an action and checks that it is of the class and kind that its place in a job asks for.</summary>
    public static ServiceAction Get(StoreSession session, int id, RecordClass recordClass, ServiceActionKind kind)
    {
        using var reader = session.Prepare("SELECT name, class, kind, definition FROM service_actions WHERE id = @p0").Set(0, id).Read();
        if (!reader.Read())
        {
            throw new AlloyScanException(
                ErrorKind.NotFound, "ServiceActionNotFound", $"There is no service action #{id}.", id, $"The defaults are #{NewComputer} to #{ExistingHardware}.");
        }

        var action = JsonConvert.DeserializeObject<ServiceAction>(reader.GetString(3), s_json)! with
        {
            Id = id,
            Name = reader.GetString(0),
            Class = (RecordClass)reader.GetInt32(1),
            Kind = Enum.Parse<ServiceActionKind>(reader.GetString(2)),
        };
        if (action.Class != recordClass || action.Kind != kind)
        {
            throw new AlloyScanException(
                ErrorKind.InvalidArgument, "InvalidServiceAction",
                $"Service action #{id} '{action.Name}' is for {Words(action.Class, action.Kind)}, not for {Words(recordClass, kind)}.", id,
                "Name an action of the right class and kind.");
        }

        return action;
    }

    private static string Words(RecordClass recordClass, ServiceActionKind kind) =>
        $"{(kind == ServiceActionKind.Create ? "new" : "existing")} {(recordClass == RecordClass.Computer ? "computers" : "hardware")}";

    private static FieldMapping Measured(string field, string attribute) => new() { Field = field, Attribute = attribute };

    private static FieldMapping Kept(string field, string attribute) => new() { Field = field, Attribute = attribute, Mode = ReplacementMode.UnlessEdited };

    private static ServiceAction Default(int id, string name, RecordClass recordClass, ServiceActionKind kind, FieldMapping[] mappings) => new()
    {
        Id = id,
        Name = name,
        Class = recordClass,
        Kind = kind,
        InitialValues = kind == ServiceActionKind.Create ? new Dictionary<string, string> { ["status"] = RecordStatus.AutoAdded } : new Dictionary<string, string>(),
        Mappings = mappings,
    };
}
