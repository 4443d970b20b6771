using AlloyScan.Engine.Inventory;

namespace AlloyScan.Engine.Site;

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

    /// <summary>Streams the software catalog.</summary>
    /// <param name="query">Filter, done by the site; <see langword="null"/> for all.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="AlloyScanException">The catalog cannot be read.</exception>
    IAsyncEnumerable<CatalogProduct> ReadSoftwareAsync(SoftwareQuery? query, CancellationToken cancellationToken);

    /// <summary>Deletes a device in the site. A device that is gone already (404) counts as deleted.</summary>
    /// <param name="deviceId">The device's ID.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <exception cref="AlloyScanException">The site refuses or fails.</exception>
    Task DeleteDeviceAsync(string deviceId, CancellationToken cancellationToken);
}
