namespace AlloyScan.Engine.Site;

/// <summary>
/// Paths of a site's API. Each starts with <c>/</c> and is relative to scheme, host and port of the site's address; <c>{slug}</c>
/// stands for the slug of that address and <c>{id}</c> for the ID of the item.
/// </summary>
public sealed record ApiPaths
{
    /// <summary>Token endpoint that is tried first.</summary>
    public string Token { get; init; } = "/api/oauth/token";

    /// <summary>Token endpoint that is tried when the first answers 404; <see langword="null"/> for none.</summary>
    public string? TokenFallback { get; init; } = "/identity-server/connect/token";

    /// <summary>The device list.</summary>
    public string Devices { get; init; } = "/api/v1/devices";

    /// <summary>One device.</summary>
    public string Device { get; init; } = "/api/v1/devices/{id}";

    /// <summary>The audit snapshots of one device.</summary>
    public string DeviceSnapshots { get; init; } = "/api/v1/devices/{id}/snapshots";

    /// <summary>One audit snapshot.</summary>
    public string Snapshot { get; init; } = "/api/v1/snapshots/{id}";

    /// <summary>The software catalog.</summary>
    public string Software { get; init; } = "/api/v1/software";

    /// <summary>Deletion of one device.</summary>
    public string DeleteDevice { get; init; } = "/api/v1/devices/{id}";
}
