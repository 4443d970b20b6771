namespace AlloyScan.Benchmarks.Floor;

/// <summary>What the floor knows of a device: list row, detail and snapshot in one flat object.</summary>
internal sealed class FloorDevice
{
    public string Id = "";
    public string? Name;
    public string? DnsName;
    public string? MacAddress;
    public string? IpAddress;
    public string? SerialNumber;
    public string? AssetTag;
    public string? Type;
    public string? LastSeen;
    public string? AuditId;
    public string? AuditDate;
    public string? OsPlatform;
    public string? Manufacturer;
    public string? Model;
    public string? BiosUuid;
    public string? Cpu;
    public long? MemoryBytes;
    public string? OsName;
    public string? OsVersion;
    public string? UserName;
    public List<FloorSoftware> Software = [];

    public bool HasSystem => OsName is not null || OsPlatform is not null;
}

internal readonly record struct FloorSoftware(string? Name, string? Version, string? Publisher, string? InstallDate, string? InstallKey, string? SerialNumber);

internal sealed class FloorPage
{
    public List<FloorDevice> Devices { get; } = new(200);

    public int Total { get; set; }
}
