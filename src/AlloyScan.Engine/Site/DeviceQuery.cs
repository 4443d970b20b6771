namespace AlloyScan.Engine.Site;

/// <summary>Filter of the device list, done by the site.</summary>
public sealed record DeviceQuery
{
    /// <summary>Device type.</summary>
    public string? Type { get; init; }

    /// <summary>Tag name or ID.</summary>
    public string? Tag { get; init; }

    /// <summary>Free text over name, DNS name, MAC, IP, serial number and asset tag.</summary>
    public string? Search { get; init; }
}
