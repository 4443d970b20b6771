namespace AlloyScan.Engine.Inventory;

/// <summary>The JSON of one audit of one device, as far as we read it. Every part may be absent.</summary>
public sealed record AuditSnapshot
{
    /// <summary>The snapshot's UUID (the <c>auditId</c> of its device).</summary>
    public required string Id { get; init; }

    /// <summary>UUID of the audited device.</summary>
    public string? DeviceId { get; init; }

    /// <summary>When the audit was made, UTC.</summary>
    public DateTimeOffset? AuditDate { get; init; }

    /// <summary>Where the audit came from: <c>Service</c>, <c>Agent</c>, <c>Import</c> or <c>Manual</c>.</summary>
    public string? Source { get; init; }

    /// <summary>The machine itself.</summary>
    public SnapshotHardware? Hardware { get; init; }

    /// <summary>Its operating system; <see langword="null"/> for devices without one.</summary>
    public SnapshotOperatingSystem? OperatingSystem { get; init; }

    /// <summary>Its names and adapters.</summary>
    public SnapshotNetwork? Network { get; init; }

    /// <summary>Its user.</summary>
    public SnapshotUser? User { get; init; }

    /// <summary>
    /// Installed software. <see langword="null"/> when the audit does not speak of software, which is not the same as an empty list.
    /// </summary>
    public IReadOnlyList<InstalledSoftware>? Software { get; init; }

    /// <summary>Custom audit fields by name.</summary>
    public IReadOnlyDictionary<string, string?> Custom { get; init; } = new Dictionary<string, string?>();

    /// <inheritdoc/>
    public override string ToString() => Id;
}

/// <summary>Hardware part of an audit.</summary>
public sealed record SnapshotHardware
{
    /// <summary>Maker of the machine.</summary>
    public string? Manufacturer { get; init; }

    /// <summary>Model name.</summary>
    public string? Model { get; init; }

    /// <summary>Serial number of the machine; may be junk.</summary>
    public string? SerialNumber { get; init; }

    /// <summary>SMBIOS UUID; byte order of its first three groups varies by reader.</summary>
    public string? BiosUuid { get; init; }

    /// <summary>Chassis kind, for example <c>Notebook</c>.</summary>
    public string? Chassis { get; init; }

    /// <summary>Processor name.</summary>
    public string? CpuName { get; init; }

    /// <summary>Processor cores.</summary>
    public int? CpuCores { get; init; }

    /// <summary>Installed memory in bytes.</summary>
    public long? MemoryBytes { get; init; }
}

/// <summary>Operating system part of an audit.</summary>
public sealed record SnapshotOperatingSystem
{
    /// <summary>Family: <c>Windows</c>, <c>Linux</c> or <c>macOS</c>.</summary>
    public string? Platform { get; init; }

    /// <summary>Product name.</summary>
    public string? Name { get; init; }

    /// <summary>Version.</summary>
    public string? Version { get; init; }

    /// <summary>Build.</summary>
    public string? Build { get; init; }

    /// <summary>Installation date as written by the site.</summary>
    public string? InstallDate { get; init; }
}

/// <summary>Network part of an audit.</summary>
public sealed record SnapshotNetwork
{
    /// <summary>Host name without domain.</summary>
    public string? HostName { get; init; }

    /// <summary>DNS or Windows domain.</summary>
    public string? Domain { get; init; }

    /// <summary>Network adapters.</summary>
    public IReadOnlyList<SnapshotAdapter> Adapters { get; init; } = [];
}

/// <summary>One network adapter.</summary>
public sealed record SnapshotAdapter
{
    /// <summary>Adapter name; tells docks, tunnels and Bluetooth apart.</summary>
    public string? Name { get; init; }

    /// <summary>MAC address as written by the site.</summary>
    public string? MacAddress { get; init; }

    /// <summary>IP addresses.</summary>
    public IReadOnlyList<string> IpAddresses { get; init; } = [];

    /// <summary>Whether the audit calls the adapter virtual.</summary>
    public bool Virtual { get; init; }
}

/// <summary>User part of an audit.</summary>
public sealed record SnapshotUser
{
    /// <summary>Login, for example <c>CORP\mmiller</c>.</summary>
    public string? Login { get; init; }

    /// <summary>Full name.</summary>
    public string? DisplayName { get; init; }

    /// <summary>E-mail address.</summary>
    public string? Email { get; init; }

    /// <summary>Department.</summary>
    public string? Department { get; init; }
}

/// <summary>One product found on one machine. A struct, because an audit has a hundred of them.</summary>
/// <param name="Name">Product name.</param>
/// <param name="Version">Version, or <see langword="null"/>.</param>
/// <param name="Publisher">Publisher, or <see langword="null"/>.</param>
/// <param name="InstallDate">Installation date as written by the site.</param>
/// <param name="InstallKey">Installation (licence) key; shown masked.</param>
/// <param name="SerialNumber">Serial number of the licence; shown masked.</param>
public readonly record struct InstalledSoftware(
    string? Name, string? Version, string? Publisher, string? InstallDate, string? InstallKey, string? SerialNumber);
