using AlloyScan.Engine.Inventory;

namespace AlloyScan.Engine.Site;

/// <summary>One page of the device list.</summary>
public sealed record DevicePage
{
    /// <summary>The devices of the page, as read, with those left out that could not be understood.</summary>
    public required IReadOnlyList<Device> Devices { get; init; }

    /// <summary>Devices on the page that could not be understood, with the reason.</summary>
    public IReadOnlyList<UnreadableDevice> Unreadable { get; init; } = [];

    /// <summary>Position of the first item of the page in the list.</summary>
    public int Offset { get; init; }

    /// <summary>Items on the page as the site sent them, readable or not.</summary>
    public int ItemCount { get; init; }

    /// <summary>The site's own total at the time of this page; <see langword="null"/> when it gives none.</summary>
    public int? Total { get; init; }
}

/// <summary>An item of the device list that could not be understood.</summary>
/// <param name="DeviceId">Its ID, if that much could be read.</param>
/// <param name="Name">Its name, if that much could be read.</param>
/// <param name="Reason">What was wrong, naming the field.</param>
public sealed record UnreadableDevice(string? DeviceId, string? Name, string Reason);

/// <summary>
/// Where a synchronisation reads from. The site client is the real one; tests hand in others.
/// Implementations are safe for concurrent calls.
/// </summary>
public interface IInventorySource
{
    /// <summary>Calls made and bytes received so far, token requests included.</summary>
    SiteUsage Usage { get; }

    /// <summary>
    /// Reads the device list once, page by page: the offset advances by the items received, until the total is covered.
    /// An empty page before that ends the pass early; the caller judges whether the read is complete.
    /// </summary>
    /// <param name="cancellationToken">Stops the reading between and within pages.</param>
    /// <exception cref="AlloyScanException">The list cannot be read.</exception>
    IAsyncEnumerable<DevicePage> ReadDevicePagesAsync(CancellationToken cancellationToken);

    /// <summary>Reads one device with its audit reference; <see langword="null"/> when the site says 404.</summary>
    /// <param name="deviceId">The device's ID.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <exception cref="AlloyScanException">The device cannot be read.</exception>
    Task<Device?> ReadDeviceAsync(string deviceId, CancellationToken cancellationToken);

    /// <summary>Reads one audit snapshot; <see langword="null"/> when the site says 404.</summary>
    /// <param name="auditId">The snapshot's ID.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <exception cref="AlloyScanException">The snapshot cannot be read.</exception>
    Task<AuditSnapshot?> ReadSnapshotAsync(string auditId, CancellationToken cancellationToken);

    /// <summary>Deletes a device in the site. A device that is gone already (404) counts as deleted.</summary>
    /// <param name="deviceId">The device's ID.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <exception cref="AlloyScanException">The site refuses or fails.</exception>
    Task DeleteDeviceAsync(string deviceId, CancellationToken cancellationToken);
}

/// <summary>What a source has cost so far.</summary>
/// <param name="Calls">HTTP requests sent, retries and token requests included.</param>
/// <param name="BytesReceived">Bytes of response bodies as read, after decompression.</param>
public readonly record struct SiteUsage(long Calls, long BytesReceived)
{
    /// <summary>The cost between two readings.</summary>
    /// <param name="later">The later reading.</param>
    /// <param name="earlier">The earlier reading.</param>
    public static SiteUsage operator -(SiteUsage later, SiteUsage earlier) => later.Subtract(earlier);

    /// <summary>The cost since an earlier reading.</summary>
    /// <param name="earlier">The earlier reading.</param>
    public SiteUsage Subtract(SiteUsage earlier) => new(Calls - earlier.Calls, BytesReceived - earlier.BytesReceived);
}
