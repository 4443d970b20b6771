using AlloyScan.Engine.Inventory;

namespace AlloyScan.Engine.Cmdb;

/// <summary>A configuration item as the store's views show it. Columns that a class lacks stay <see langword="null"/>.</summary>
public abstract record ConfigurationItem
{
    /// <summary>ID, unique within its target, for example <c>C000001</c>.</summary>
    public string Id { get; init; } = string.Empty;

    /// <summary>Name.</summary>
    public string? Name { get; init; }

    /// <summary>Full DNS name.</summary>
    public string? DnsName { get; init; }

    /// <summary>Serial number.</summary>
    public string? SerialNumber { get; init; }

    /// <summary>Asset tag.</summary>
    public string? AssetTag { get; init; }

    /// <summary>MAC address.</summary>
    public string? MacAddress { get; init; }

    /// <summary>IP address.</summary>
    public string? IpAddress { get; init; }

    /// <summary>Maker.</summary>
    public string? Manufacturer { get; init; }

    /// <summary>Model.</summary>
    public string? Model { get; init; }

    /// <summary>Status, for example <c>Auto-Added</c> or <c>Retired</c>.</summary>
    public string? Status { get; init; }

    /// <summary>Name of the target.</summary>
    public string Target { get; init; } = string.Empty;

    /// <summary>Name of the site of the linked device; <see langword="null"/> when there is no link.</summary>
    public string? Site { get; init; }

    /// <summary>ID of the linked device.</summary>
    public string? DeviceId { get; init; }

    /// <summary>ID of the newest applied audit.</summary>
    public string? AuditId { get; init; }

    /// <summary>When that audit was made, UTC.</summary>
    public DateTimeOffset? AuditedAt { get; init; }

    /// <summary>When the site last saw the device, UTC.</summary>
    public DateTimeOffset? LastSeen { get; init; }

    /// <summary>Since when the device is missing from the site, UTC; <see langword="null"/> when it is not.</summary>
    public DateTimeOffset? MissingSince { get; init; }

    /// <summary>When the CI was created, UTC.</summary>
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>When a field of the CI was last changed, UTC.</summary>
    public DateTimeOffset UpdatedAt { get; init; }

    /// <summary>Values of custom fields by name, without case: numbers and booleans as such, dates as ISO 8601 text. A field without value is not in it.</summary>
    public IReadOnlyDictionary<string, object?> Custom { get; init; } = new Dictionary<string, object?>();

    /// <summary>Class of the CI.</summary>
    public abstract RecordClass Class { get; }
}

/// <summary>A CI of class Computer.</summary>
public sealed record Computer : ConfigurationItem
{
    /// <summary>SMBIOS UUID.</summary>
    public string? BiosUuid { get; init; }

    /// <summary>Operating system family.</summary>
    public string? OsPlatform { get; init; }

    /// <summary>Operating system.</summary>
    public string? OsName { get; init; }

    /// <summary>Operating system version.</summary>
    public string? OsVersion { get; init; }

    /// <summary>Processor.</summary>
    public string? Cpu { get; init; }

    /// <summary>Memory in bytes.</summary>
    public long? MemoryBytes { get; init; }

    /// <summary>User.</summary>
    public string? UserName { get; init; }

    /// <inheritdoc/>
    public override RecordClass Class => RecordClass.Computer;

    /// <inheritdoc/>
    public override string ToString() => Name ?? Id;
}

/// <summary>A CI of class Hardware.</summary>
public sealed record HardwareItem : ConfigurationItem
{
    /// <summary>Kind of hardware, for example <c>Printer</c>.</summary>
    public string? Type { get; init; }

    /// <inheritdoc/>
    public override RecordClass Class => RecordClass.Hardware;

    /// <inheritdoc/>
    public override string ToString() => Name ?? Id;
}

/// <summary>One software product found on one computer.</summary>
public sealed record DiscoveredInstallation
{
    /// <summary>ID of the computer.</summary>
    public string ComputerId { get; init; } = string.Empty;

    /// <summary>Name of the computer.</summary>
    public string? ComputerName { get; init; }

    /// <summary>Number of the product.</summary>
    public long ProductId { get; init; }

    /// <summary>Product name.</summary>
    public string Name { get; init; } = string.Empty;

    /// <summary>Version.</summary>
    public string? Version { get; init; }

    /// <summary>Publisher.</summary>
    public string? Publisher { get; init; }

    /// <summary>Installation date.</summary>
    public string? InstallDate { get; init; }

    /// <summary>Installation key, in full; views for people mask it.</summary>
    public string? InstallKey { get; init; }

    /// <summary>Licence serial number, in full; views for people mask it.</summary>
    public string? SerialNumber { get; init; }

    /// <summary>Name of the target.</summary>
    public string Target { get; init; } = string.Empty;

    /// <inheritdoc/>
    public override string ToString() => Version is null ? Name : $"{Name} {Version}";
}

/// <summary>A product of the CMDB's software catalog.</summary>
public sealed record SoftwareProduct
{
    /// <summary>Number of the product.</summary>
    public long Id { get; init; }

    /// <summary>Product name.</summary>
    public string Name { get; init; } = string.Empty;

    /// <summary>Version.</summary>
    public string? Version { get; init; }

    /// <summary>Publisher.</summary>
    public string? Publisher { get; init; }

    /// <summary>Software group.</summary>
    public string? SoftwareGroup { get; init; }

    /// <summary>Installations on computers that are not retired.</summary>
    public int Installations { get; init; }

    /// <inheritdoc/>
    public override string ToString() => Version is null ? Name : $"{Name} {Version}";
}
