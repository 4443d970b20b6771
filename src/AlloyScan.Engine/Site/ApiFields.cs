namespace AlloyScan.Engine.Site;

/// <summary>
/// The fields that we read, by position: the readers index their slots with these numbers, and the arrays below name them for the
/// profile. The two must keep the same order; a test holds them together.
/// </summary>
internal static class ApiFields
{
    internal static readonly string[] DeviceFields =
    [
        "id", "name", "dnsName", "macAddress", "ipAddress", "serialNumber", "assetTag", "type", "lastSeen", "tags",
        "auditId", "auditDate", "auditSource", "osPlatform",
    ];

    internal static readonly string[] TagFields = ["id", "name"];

    internal static readonly string[] SnapshotFields =
    [
        "id", "deviceId", "auditDate", "source",
        "manufacturer", "model", "serialNumber", "biosUuid", "chassis", "cpuName", "cpuCores", "memoryBytes",
        "osPlatform", "osName", "osVersion", "osBuild", "osInstallDate",
        "hostName", "domain", "adapters",
        "userLogin", "userDisplayName", "userEmail", "userDepartment",
        "software", "custom",
    ];

    internal static readonly string[] SnapshotLocations =
    [
        "id", "deviceId", "auditDate", "source",
        "hardware.manufacturer", "hardware.model", "hardware.serialNumber", "hardware.biosUuid", "hardware.chassis",
        "hardware.cpu.name", "hardware.cpu.cores", "hardware.memoryBytes",
        "operatingSystem.platform", "operatingSystem.name", "operatingSystem.version", "operatingSystem.build", "operatingSystem.installDate",
        "network.hostName", "network.domain", "network.adapters",
        "user.login", "user.displayName", "user.email", "user.department",
        "software", "custom",
    ];

    internal static readonly string[] AdapterFields = ["name", "macAddress", "ipAddresses", "virtual"];

    internal static readonly string[] SoftwareFields = ["name", "version", "publisher", "installDate", "installKey", "serialNumber"];

    internal static readonly string[] ProductFields = ["id", "name", "version", "publisher", "softwareGroup", "installations"];

    internal static readonly string[] TokenFields = ["access_token", "expires_in", "token_type"];

    internal static class Device
    {
        internal const int Id = 0, Name = 1, DnsName = 2, MacAddress = 3, IpAddress = 4, SerialNumber = 5, AssetTag = 6, Type = 7,
            LastSeen = 8, Tags = 9, AuditId = 10, AuditDate = 11, AuditSource = 12, OsPlatform = 13;
    }

    internal static class Tag
    {
        internal const int Id = 0, Name = 1;
    }

    internal static class Snapshot
    {
        internal const int Id = 0, DeviceId = 1, AuditDate = 2, Source = 3,
            Manufacturer = 4, Model = 5, SerialNumber = 6, BiosUuid = 7, Chassis = 8, CpuName = 9, CpuCores = 10, MemoryBytes = 11,
            OsPlatform = 12, OsName = 13, OsVersion = 14, OsBuild = 15, OsInstallDate = 16,
            HostName = 17, Domain = 18, Adapters = 19,
            UserLogin = 20, UserDisplayName = 21, UserEmail = 22, UserDepartment = 23,
            Software = 24, Custom = 25;
    }

    internal static class Adapter
    {
        internal const int Name = 0, MacAddress = 1, IpAddresses = 2, Virtual = 3;
    }

    internal static class Software
    {
        internal const int Name = 0, Version = 1, Publisher = 2, InstallDate = 3, InstallKey = 4, SerialNumber = 5;
    }

    internal static class Product
    {
        internal const int Id = 0, Name = 1, Version = 2, Publisher = 3, SoftwareGroup = 4, Installations = 5;
    }

    internal static class Token
    {
        internal const int AccessToken = 0, ExpiresIn = 1, TokenType = 2;
    }
}
