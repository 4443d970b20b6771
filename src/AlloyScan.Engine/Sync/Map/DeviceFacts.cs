using System.Globalization;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Store;
using Newtonsoft.Json;

namespace AlloyScan.Engine.Sync.Map;

/// <summary>
/// What one run knows of one device: list row, audit reference and, when it was read or kept, what the snapshot said.
/// This is the form in which devices travel from Read to Apply, wait for a decision and stand in a saved plan.
/// </summary>
internal sealed class DeviceFacts
{
    private static readonly JsonSerializerSettings s_json = new()
    {
        Culture = CultureInfo.InvariantCulture,
        NullValueHandling = NullValueHandling.Ignore,
        DateParseHandling = DateParseHandling.None,
    };

    public required string DeviceId { get; init; }

    public required string DisplayName { get; init; }

    /// <summary>Hash of the list fields, see <see cref="HashList"/>.</summary>
    public required long ListHash { get; init; }

    public long? LastSeen { get; init; }

    public string? AuditId { get; init; }

    public long? AuditedAt { get; init; }

    /// <summary>Values in the order of <see cref="SourceAttributes.All"/>.</summary>
    public required string?[] Values { get; init; }

    /// <summary>Custom audit fields, found without case; <see langword="null"/> when there are none.</summary>
    public Dictionary<string, string>? Custom
    {
        get => _custom;
        // What comes from JSON comes with case.
        init => _custom = value is null || value.Comparer == StringComparer.OrdinalIgnoreCase ? value : new Dictionary<string, string>(value, StringComparer.OrdinalIgnoreCase);
    }

    private readonly Dictionary<string, string>? _custom;

    /// <summary>All adapters' addresses as compared, the weak ones with a minus sign before them.</summary>
    public IReadOnlyList<string> Adapters { get; init; } = [];

    /// <summary>Class of the CI: of the link, or by the type until there is one.</summary>
    public RecordClass Class { get; set; }

    /// <summary>Whether a snapshot was read in this run, so that <see cref="Software"/> means something.</summary>
    public bool SnapshotRead { get; set; }

    /// <summary>Software as the snapshot lists it; <see langword="null"/> when the snapshot does not speak of it.</summary>
    public IReadOnlyList<InstalledSoftware>? Software { get; set; }

    [JsonIgnore]
    public string? Platform => Values[s_platform];

    /// <summary>The site's device type.</summary>
    [JsonIgnore]
    public string? Type => Values[s_type];

    private static readonly int s_platform = SourceAttributes.IndexOf(SourceAttributes.OsPlatform);
    private static readonly int s_type = SourceAttributes.IndexOf(SourceAttributes.DeviceType);
    private static readonly int s_name = SourceAttributes.IndexOf(SourceAttributes.Name);
    private static readonly int s_serialNumber = SourceAttributes.IndexOf(SourceAttributes.SerialNumber);
    private static readonly int s_macAddress = SourceAttributes.IndexOf(SourceAttributes.MacAddress);
    private static readonly int s_biosUuid = SourceAttributes.IndexOf(SourceAttributes.BiosUuid);
    private static readonly int s_assetTag = SourceAttributes.IndexOf(SourceAttributes.AssetTag);

    /// <summary>Hash of the seven list fields that mappings and rules read.</summary>
    public static long HashList(Device device)
    {
        var hash = new StableHash();
        hash.Add(device.Name);
        hash.Add(device.DnsName);
        hash.Add(device.MacAddress);
        hash.Add(device.IpAddress);
        hash.Add(device.SerialNumber);
        hash.Add(device.AssetTag);
        hash.Add(device.Type);
        return hash.Value;
    }

    /// <summary>The class by what the site's type means, else by whether there is an operating system; <see langword="null"/> for what is no CI.</summary>
    public static RecordClass? ClassOf(DeviceTypes.Meaning meaning, bool hasOperatingSystem) => meaning switch
    {
        DeviceTypes.Meaning.Computer => RecordClass.Computer,
        DeviceTypes.Meaning.Untyped => hasOperatingSystem ? RecordClass.Computer : RecordClass.Hardware,
        DeviceTypes.Meaning.CloudResource => null,
        _ => RecordClass.Hardware,
    };

    /// <summary>From what the site said in this run.</summary>
    /// <param name="list">The row of the list, or the device itself.</param>
    /// <param name="detail">The device itself; its own list fields are newer and win.</param>
    /// <param name="snapshot">Its snapshot; <see langword="null"/> when the device was never audited.</param>
    /// <param name="recordClass">Class of an existing link, which a later change of type keeps; <see langword="null"/> to decide it.</param>
    /// <param name="meaning">What the type means to the job; <see langword="null"/> for what it means by itself.</param>
    public static DeviceFacts FromSite(Device list, Device detail, AuditSnapshot? snapshot, RecordClass? recordClass, DeviceTypes.Meaning? meaning = null)
    {
        var values = ListValues(detail);
        Fill(values, SourceAttributes.SerialNumber, snapshot?.Hardware?.SerialNumber);
        Fill(values, SourceAttributes.Manufacturer, snapshot?.Hardware?.Manufacturer);
        Fill(values, SourceAttributes.Model, snapshot?.Hardware?.Model);
        Fill(values, SourceAttributes.BiosUuid, snapshot?.Hardware?.BiosUuid);
        Fill(values, SourceAttributes.Chassis, snapshot?.Hardware?.Chassis);
        Fill(values, SourceAttributes.CpuName, snapshot?.Hardware?.CpuName);
        Fill(values, SourceAttributes.CpuCores, snapshot?.Hardware?.CpuCores?.ToString(CultureInfo.InvariantCulture));
        Fill(values, SourceAttributes.MemoryBytes, snapshot?.Hardware?.MemoryBytes?.ToString(CultureInfo.InvariantCulture));
        Fill(values, SourceAttributes.OsPlatform, DeviceTypes.Platform(detail.OsPlatform) ?? DeviceTypes.Platform(snapshot?.OperatingSystem?.Platform));
        Fill(values, SourceAttributes.OsName, snapshot?.OperatingSystem?.Name);
        Fill(values, SourceAttributes.OsVersion, snapshot?.OperatingSystem?.Version);
        Fill(values, SourceAttributes.OsBuild, snapshot?.OperatingSystem?.Build);
        Fill(values, SourceAttributes.OsInstallDate, snapshot?.OperatingSystem?.InstallDate);
        Fill(values, SourceAttributes.HostName, snapshot?.Network?.HostName);
        Fill(values, SourceAttributes.DnsDomain, snapshot?.Network?.Domain);
        Fill(values, SourceAttributes.UserName, string.IsNullOrWhiteSpace(snapshot?.User?.DisplayName) ? snapshot?.User?.Login : snapshot.User.DisplayName);
        Fill(values, SourceAttributes.UserLogin, snapshot?.User?.Login);
        Fill(values, SourceAttributes.UserEmail, snapshot?.User?.Email);
        Fill(values, SourceAttributes.UserDepartment, snapshot?.User?.Department);
        Fill(values, SourceAttributes.AuditSource, detail.AuditSource ?? snapshot?.Source);

        Dictionary<string, string>? custom = null;
        if (snapshot is not null)
        {
            foreach (var (name, value) in snapshot.Custom)
            {
                if (!string.IsNullOrWhiteSpace(value))
                    (custom ??= new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase))[name.Trim()] = value.Trim();
            }
        }

        return new DeviceFacts
        {
            DeviceId = list.Id,
            DisplayName = detail.DisplayName,
            // The hash is of the list row, which the next run compares with its own list row.
            ListHash = HashList(list),
            LastSeen = Clock.Milliseconds(list.LastSeen),
            AuditId = detail.AuditId,
            AuditedAt = Clock.Milliseconds(detail.AuditDate ?? snapshot?.AuditDate),
            Values = values,
            Custom = custom,
            Adapters = AdaptersOf(snapshot),
            Class = recordClass ?? ClassOf(meaning ?? DeviceTypes.Of(detail.Type), snapshot?.OperatingSystem is not null || detail.OsPlatform is not null) ?? RecordClass.Hardware,
            SnapshotRead = snapshot is not null,
            Software = snapshot?.Software,
        };
    }

    /// <summary>From the list row of this run and the values that the link kept, without reading a snapshot.</summary>
    /// <param name="list">The row of the list.</param>
    /// <param name="current">The newest reading of the list fields: the row again, or the device itself.</param>
    /// <param name="kept">What the link kept.</param>
    /// <param name="recordClass">Class of the link.</param>
    public static DeviceFacts FromKept(Device list, Device current, DeviceFacts kept, RecordClass recordClass)
    {
        var values = ListValues(current);
        for (var i = 0; i < values.Length; i++)
        {
            // The list may lack a serial number that the snapshot had; any other list field is the list's alone.
            if (i >= SourceAttributes.ListCount || (i == s_serialNumber && values[i] is null))
                values[i] = kept.Values[i];
        }

        return new DeviceFacts
        {
            DeviceId = list.Id,
            DisplayName = current.DisplayName,
            ListHash = HashList(list),
            LastSeen = Clock.Milliseconds(list.LastSeen),
            AuditId = kept.AuditId,
            AuditedAt = kept.AuditedAt,
            Values = values,
            Custom = kept.Custom,
            Adapters = kept.Adapters,
            Class = recordClass,
        };
    }

    /// <summary>The identifiers in the form in which rules compare them, each once.</summary>
    public List<Identifier> Identifiers()
    {
        var result = new List<Identifier>(6);
        Add(result, IdentifierKind.Name, Inventory.Identifiers.Name(Values[s_name]));
        Add(result, IdentifierKind.SerialNumber, Inventory.Identifiers.SerialNumber(Values[s_serialNumber]));
        Add(result, IdentifierKind.BiosUuid, Inventory.Identifiers.BiosUuid(Values[s_biosUuid]));
        Add(result, IdentifierKind.AssetTag, Inventory.Identifiers.AssetTag(Values[s_assetTag]));
        if (Inventory.Identifiers.MacAddress(Values[s_macAddress], out var weak) is { } listed && !Adapters.Contains("-" + listed))
            Add(result, weak ? IdentifierKind.WeakMacAddress : IdentifierKind.MacAddress, listed);
        foreach (var adapter in Adapters)
        {
            if (adapter[0] == '-')
                Add(result, IdentifierKind.WeakMacAddress, adapter[1..]);
            else
                Add(result, IdentifierKind.MacAddress, adapter);
        }

        return result;
    }

    /// <summary>The identifiers that a list row alone gives.</summary>
    public static IEnumerable<Identifier> ListIdentifiers(Device device)
    {
        if (Inventory.Identifiers.Name(device.DisplayName) is { } name)
            yield return new Identifier(IdentifierKind.Name, name);
        if (Inventory.Identifiers.SerialNumber(device.SerialNumber) is { } serial)
            yield return new Identifier(IdentifierKind.SerialNumber, serial);
        if (Inventory.Identifiers.MacAddress(device.MacAddress, out var weak) is { } mac)
            yield return new Identifier(weak ? IdentifierKind.WeakMacAddress : IdentifierKind.MacAddress, mac);
    }

    public string ToJson() => JsonConvert.SerializeObject(this, s_json);

    /// <summary>What a link keeps: everything but the software, which the CMDB holds.</summary>
    public string ToKeptJson() => new DeviceFacts
    {
        DeviceId = DeviceId,
        DisplayName = DisplayName,
        ListHash = ListHash,
        LastSeen = LastSeen,
        AuditId = AuditId,
        AuditedAt = AuditedAt,
        Values = Values,
        Custom = Custom,
        Adapters = Adapters,
        Class = Class,
    }.ToJson();

    public static DeviceFacts FromJson(string json) =>
        JsonConvert.DeserializeObject<DeviceFacts>(json, s_json) ?? throw new InvalidOperationException("The store holds facts that cannot be read.");

    private static string?[] ListValues(Device device)
    {
        var values = new string?[SourceAttributes.All.Length];
        Fill(values, SourceAttributes.Name, device.DisplayName);
        Fill(values, SourceAttributes.DnsName, device.DnsName);
        Fill(values, SourceAttributes.MacAddress, device.MacAddress);
        Fill(values, SourceAttributes.IpAddress, device.IpAddress);
        Fill(values, SourceAttributes.SerialNumber, device.SerialNumber);
        Fill(values, SourceAttributes.AssetTag, device.AssetTag);
        Fill(values, SourceAttributes.DeviceType, device.Type);
        Fill(values, SourceAttributes.DeviceKind, DeviceTypes.Label(device.Type));
        return values;
    }

    private static readonly Dictionary<string, int> s_index =
        SourceAttributes.All.Select((name, i) => (name, i)).ToDictionary(p => p.name, p => p.i, StringComparer.Ordinal);

    /// <summary>Sets a value if it is not blank and none is there yet.</summary>
    private static void Fill(string?[] values, string attribute, string? value)
    {
        if (string.IsNullOrWhiteSpace(value))
            return;

        ref var slot = ref values[s_index[attribute]];
        slot ??= value.Trim();
    }

    private static List<string> AdaptersOf(AuditSnapshot? snapshot)
    {
        var result = new List<string>();
        foreach (var adapter in snapshot?.Network?.Adapters ?? [])
        {
            if (Inventory.Identifiers.MacAddress(adapter.MacAddress, out var weak) is not { } mac)
                continue;

            weak |= adapter.Virtual || ShippedJunk.IsSharedAdapterName(adapter.Name);
            var entry = weak ? "-" + mac : mac;
            if (!result.Contains(entry))
                result.Add(entry);
        }

        return result;
    }

    private static void Add(List<Identifier> list, IdentifierKind kind, string? value)
    {
        if (value is null)
            return;

        var identifier = new Identifier(kind, value);
        if (!list.Contains(identifier))
            list.Add(identifier);
    }
}
