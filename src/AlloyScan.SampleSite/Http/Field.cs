using System.Text.Json;

namespace AlloyScan.SampleSite;

/// <summary>Names of JSON fields, encoded once.</summary>
internal static class Field
{
    public static readonly JsonEncodedText Adapters = JsonEncodedText.Encode("adapters");
    public static readonly JsonEncodedText AgentId = JsonEncodedText.Encode("agentId");
    public static readonly JsonEncodedText AssetTag = JsonEncodedText.Encode("assetTag");
    public static readonly JsonEncodedText AuditDate = JsonEncodedText.Encode("auditDate");
    public static readonly JsonEncodedText AuditId = JsonEncodedText.Encode("auditId");
    public static readonly JsonEncodedText AuditServiceId = JsonEncodedText.Encode("auditServiceId");
    public static readonly JsonEncodedText AuditSource = JsonEncodedText.Encode("auditSource");
    public static readonly JsonEncodedText AutoTagId = JsonEncodedText.Encode("autoTagId");
    public static readonly JsonEncodedText BiosUuid = JsonEncodedText.Encode("biosUuid");
    public static readonly JsonEncodedText Build = JsonEncodedText.Encode("build");
    public static readonly JsonEncodedText Chassis = JsonEncodedText.Encode("chassis");
    public static readonly JsonEncodedText Color = JsonEncodedText.Encode("color");
    public static readonly JsonEncodedText Cores = JsonEncodedText.Encode("cores");
    public static readonly JsonEncodedText Cpu = JsonEncodedText.Encode("cpu");
    public static readonly JsonEncodedText Custom = JsonEncodedText.Encode("custom");
    public static readonly JsonEncodedText Department = JsonEncodedText.Encode("department");
    public static readonly JsonEncodedText DeviceCount = JsonEncodedText.Encode("deviceCount");
    public static readonly JsonEncodedText DeviceId = JsonEncodedText.Encode("deviceId");
    public static readonly JsonEncodedText DisplayName = JsonEncodedText.Encode("displayName");
    public static readonly JsonEncodedText DnsName = JsonEncodedText.Encode("dnsName");
    public static readonly JsonEncodedText Domain = JsonEncodedText.Encode("domain");
    public static readonly JsonEncodedText Email = JsonEncodedText.Encode("email");
    public static readonly JsonEncodedText Error = JsonEncodedText.Encode("error");
    public static readonly JsonEncodedText Hardware = JsonEncodedText.Encode("hardware");
    public static readonly JsonEncodedText HostName = JsonEncodedText.Encode("hostName");
    public static readonly JsonEncodedText Id = JsonEncodedText.Encode("id");
    public static readonly JsonEncodedText InstallDate = JsonEncodedText.Encode("installDate");
    public static readonly JsonEncodedText Installations = JsonEncodedText.Encode("installations");
    public static readonly JsonEncodedText IPAddress = JsonEncodedText.Encode("ipAddress");
    public static readonly JsonEncodedText IPAddresses = JsonEncodedText.Encode("ipAddresses");
    public static readonly JsonEncodedText Items = JsonEncodedText.Encode("items");
    public static readonly JsonEncodedText LastScan = JsonEncodedText.Encode("lastScan");
    public static readonly JsonEncodedText LastSeen = JsonEncodedText.Encode("lastSeen");
    public static readonly JsonEncodedText Login = JsonEncodedText.Encode("login");
    public static readonly JsonEncodedText MacAddress = JsonEncodedText.Encode("macAddress");
    public static readonly JsonEncodedText Manufacturer = JsonEncodedText.Encode("manufacturer");
    public static readonly JsonEncodedText MemoryBytes = JsonEncodedText.Encode("memoryBytes");
    public static readonly JsonEncodedText Message = JsonEncodedText.Encode("message");
    public static readonly JsonEncodedText Model = JsonEncodedText.Encode("model");
    public static readonly JsonEncodedText Name = JsonEncodedText.Encode("name");
    public static readonly JsonEncodedText Network = JsonEncodedText.Encode("network");
    public static readonly JsonEncodedText OperatingSystem = JsonEncodedText.Encode("operatingSystem");
    public static readonly JsonEncodedText OsPlatform = JsonEncodedText.Encode("osPlatform");
    public static readonly JsonEncodedText Platform = JsonEncodedText.Encode("platform");
    public static readonly JsonEncodedText Publisher = JsonEncodedText.Encode("publisher");
    public static readonly JsonEncodedText ScheduleId = JsonEncodedText.Encode("scheduleId");
    public static readonly JsonEncodedText SerialNumber = JsonEncodedText.Encode("serialNumber");
    public static readonly JsonEncodedText Software = JsonEncodedText.Encode("software");
    public static readonly JsonEncodedText SoftwareGroup = JsonEncodedText.Encode("softwareGroup");
    public static readonly JsonEncodedText Source = JsonEncodedText.Encode("source");
    public static readonly JsonEncodedText Tags = JsonEncodedText.Encode("tags");
    public static readonly JsonEncodedText Total = JsonEncodedText.Encode("total");
    public static readonly JsonEncodedText Type = JsonEncodedText.Encode("type");
    public static readonly JsonEncodedText Usage = JsonEncodedText.Encode("usage");
    public static readonly JsonEncodedText User = JsonEncodedText.Encode("user");
    public static readonly JsonEncodedText Version = JsonEncodedText.Encode("version");
    public static readonly JsonEncodedText Versions = JsonEncodedText.Encode("versions");
    public static readonly JsonEncodedText Virtual = JsonEncodedText.Encode("virtual");
}
