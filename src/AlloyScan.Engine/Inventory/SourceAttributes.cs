using System.Collections.Frozen;
using AlloyScan.Engine.Cmdb;

namespace AlloyScan.Engine.Inventory;

/// <summary>
/// The attributes of a device that mappings read, by name. Values stand in arrays in this order; custom audit
/// fields are named <c>custom.NAME</c> and stand beside the array.
/// </summary>
internal static class SourceAttributes
{
    public const string Name = "name";
    public const string DnsName = "dnsName";
    public const string MacAddress = "macAddress";
    public const string IpAddress = "ipAddress";
    public const string SerialNumber = "serialNumber";
    public const string AssetTag = "assetTag";
    public const string DeviceType = "deviceType";
    public const string DeviceKind = "deviceKind";
    public const string Manufacturer = "manufacturer";
    public const string Model = "model";
    public const string BiosUuid = "biosUuid";
    public const string Chassis = "chassis";
    public const string CpuName = "cpuName";
    public const string CpuCores = "cpuCores";
    public const string MemoryBytes = "memoryBytes";
    public const string OsPlatform = "osPlatform";
    public const string OsName = "osName";
    public const string OsVersion = "osVersion";
    public const string OsBuild = "osBuild";
    public const string OsInstallDate = "osInstallDate";
    public const string HostName = "hostName";
    public const string DnsDomain = "dnsDomain";
    public const string UserName = "userName";
    public const string UserLogin = "userLogin";
    public const string UserEmail = "userEmail";
    public const string UserDepartment = "userDepartment";
    public const string AuditSource = "auditSource";

    /// <summary>Prefix of custom audit fields.</summary>
    public const string CustomPrefix = "custom.";

    /// <summary>All names but the custom ones. Those up to <see cref="ListCount"/> come from the device list.</summary>
    public static readonly string[] All =
    [
        Name, DnsName, MacAddress, IpAddress, SerialNumber, AssetTag, DeviceType, DeviceKind,
        Manufacturer, Model, BiosUuid, Chassis, CpuName, CpuCores, MemoryBytes, OsPlatform, OsName, OsVersion, OsBuild, OsInstallDate,
        HostName, DnsDomain, UserName, UserLogin, UserEmail, UserDepartment, AuditSource,
    ];

    /// <summary>How many of <see cref="All"/> the device list gives.</summary>
    public const int ListCount = 8;

    private static readonly FrozenDictionary<string, int> s_index =
        All.Select((name, i) => (name, i)).ToFrozenDictionary(p => p.name, p => p.i, StringComparer.OrdinalIgnoreCase);

    /// <summary>Position of an attribute, found without case; -1 for custom and unknown ones.</summary>
    public static int IndexOf(string name) => s_index.GetValueOrDefault(name, -1);

    /// <summary>What an attribute holds; <see langword="null"/> for custom ones, which may hold anything.</summary>
    public static FieldType? TypeOf(string attribute) => attribute switch
    {
        MemoryBytes or CpuCores => FieldType.Number,
        OsInstallDate => FieldType.Date,
        _ => CustomName(attribute) is null ? FieldType.Text : null,
    };

    /// <summary>The name behind the prefix of a custom audit field; <see langword="null"/> for another attribute.</summary>
    public static string? CustomName(string attribute) =>
        attribute.StartsWith(CustomPrefix, StringComparison.OrdinalIgnoreCase) && attribute.AsSpan(CustomPrefix.Length).Trim() is { IsEmpty: false } name ? name.ToString() : null;

    /// <summary>An attribute's name as it is written; <see langword="null"/> for one that does not exist.</summary>
    public static string? Find(string attribute) =>
        CustomName(attribute) is { } custom ? CustomPrefix + custom : s_index.TryGetValue(attribute, out var index) ? All[index] : null;
}
