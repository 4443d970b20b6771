namespace AlloyScan.Engine.Inventory;

/// <summary>A tag that a site put on a device.</summary>
/// <param name="Id">The tag's UUID.</param>
/// <param name="Name">The tag's name, unique in its site.</param>
public sealed record DeviceTag(string Id, string Name)
{
    /// <inheritdoc/>
    public override string ToString() => Name;
}

/// <summary>
/// What AlloyScan says of one machine: a row of the device list, or the device itself with its audit reference.
/// Only <see cref="Id"/> is certain; every other value may be absent.
/// </summary>
public sealed record Device
{
    /// <summary>The device's UUID in its site.</summary>
    public required string Id { get; init; }

    /// <summary>The device's name as the site holds it; use <see cref="DisplayName"/> for showing.</summary>
    public string? Name { get; init; }

    /// <summary>Full DNS name.</summary>
    public string? DnsName { get; init; }

    /// <summary>One MAC address, as written by the site.</summary>
    public string? MacAddress { get; init; }

    /// <summary>One IP address.</summary>
    public string? IpAddress { get; init; }

    /// <summary>Serial number, as written by the site; may be junk.</summary>
    public string? SerialNumber { get; init; }

    /// <summary>Asset tag.</summary>
    public string? AssetTag { get; init; }

    /// <summary>The site's device type, for example <c>computer</c> or <c>vmware-esxi</c>.</summary>
    public string? Type { get; init; }

    /// <summary>When the site last saw the device, UTC.</summary>
    public DateTimeOffset? LastSeen { get; init; }

    /// <summary>Tags on the device.</summary>
    public IReadOnlyList<DeviceTag> Tags { get; init; } = [];

    /// <summary>UUID of the newest audit snapshot; <see langword="null"/> on rows of the list.</summary>
    public string? AuditId { get; init; }

    /// <summary>When that audit was made, UTC; <see langword="null"/> on rows of the list.</summary>
    public DateTimeOffset? AuditDate { get; init; }

    /// <summary>Where that audit came from (<c>Service</c>, <c>Agent</c>, <c>Import</c>, <c>Manual</c>); <see langword="null"/> on rows of the list.</summary>
    public string? AuditSource { get; init; }

    /// <summary>Operating system family by the site's words; <see langword="null"/> on rows of the list and on devices without one.</summary>
    public string? OsPlatform { get; init; }

    /// <summary>A name to show: the name, else DNS name, IP address, serial number, device ID.</summary>
    public string DisplayName =>
        FirstText(Name) ?? FirstText(DnsName) ?? FirstText(IpAddress) ?? FirstText(SerialNumber) ?? Id;

    private static string? FirstText(string? value) => string.IsNullOrWhiteSpace(value) ? null : value.Trim();

    /// <inheritdoc/>
    public override string ToString() => DisplayName;
}
