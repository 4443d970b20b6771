using AlloyScan.Engine.Inventory;

namespace AlloyScan.Engine.Site;

/// <summary>One step of a connection test.</summary>
/// <param name="Step">DNS, TLS, Token, Permission, Devices.</param>
/// <param name="Passed">Whether the step passed; <see langword="null"/> when it was not reached.</param>
/// <param name="Detail">What was found, or what failed in the other side's words.</param>
/// <param name="Advice">What to try; <see langword="null"/> when it passed.</param>
/// <param name="Elapsed">Time that the step took.</param>
public sealed record ConnectionCheck(string Step, bool? Passed, string Detail, string? Advice, TimeSpan Elapsed);

/// <summary>The result of a connection test.</summary>
public sealed record ConnectionTestResult
{
    /// <summary>The site's address.</summary>
    public required Uri SiteUrl { get; init; }

    /// <summary>Client ID that was tried.</summary>
    public required string ClientId { get; init; }

    /// <summary>Whether every step passed.</summary>
    public bool Succeeded { get; init; }

    /// <summary>The step that failed; <see langword="null"/> when none did.</summary>
    public string? FailedStep { get; init; }

    /// <summary>What failed, or a word of success.</summary>
    public string Message { get; init; } = string.Empty;

    /// <summary>What to try.</summary>
    public string? Advice { get; init; }

    /// <summary>Round-trip time of the device call; <see langword="null"/> when it was not reached.</summary>
    public TimeSpan? RoundTrip { get; init; }

    /// <summary>Devices that the site counts; <see langword="null"/> when it was not reached.</summary>
    public int? DeviceCount { get; init; }

    /// <summary>All steps in order.</summary>
    public IReadOnlyList<ConnectionCheck> Steps { get; init; } = [];
}

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

/// <summary>Filter of the software catalog, done by the site.</summary>
public sealed record SoftwareQuery
{
    /// <summary>Software group: <c>Regular</c>, <c>Required</c>, <c>Forbidden</c>.</summary>
    public string? SoftwareGroup { get; init; }

    /// <summary>Free text over the product name.</summary>
    public string? Search { get; init; }

    /// <summary>Sums over versions instead of one row a version.</summary>
    public bool GroupByName { get; init; }
}

/// <summary>The REST client of one AlloyScan site. Safe for concurrent use; one instance serves a whole process.</summary>
public sealed class SiteClient : IInventorySource, IDisposable
{
    /// <summary>Makes a client. No request is sent.</summary>
    /// <param name="options">How to reach the site.</param>
    /// <exception cref="AlloyScanException">The address is not HTTPS and not loopback (<c>InsecureSiteUrl</c>), or is no web address (<c>InvalidSiteUrl</c>).</exception>
    public SiteClient(SiteConnectionOptions options) => Options = options;

    /// <summary>How the site is reached.</summary>
    public SiteConnectionOptions Options { get; }

    /// <inheritdoc/>
    public SiteUsage Usage => throw new NotSupportedException();

    /// <summary>When the current token expires, UTC; <see langword="null"/> before the first.</summary>
    public DateTimeOffset? TokenExpiresAt => throw new NotSupportedException();

    /// <summary>Checks step by step whether the site can be used. Never throws for a failed check.</summary>
    /// <param name="cancellationToken">Stops the test.</param>
    public Task<ConnectionTestResult> TestAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <summary>Gets a token now, so that wrong credentials are found before any work.</summary>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <exception cref="AlloyScanException">No token was given.</exception>
    public Task AuthenticateAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <summary>Streams devices; a device that cannot be understood is reported to <paramref name="onUnreadable"/> and left out.</summary>
    /// <param name="query">Filter; <see langword="null"/> for all.</param>
    /// <param name="onUnreadable">Receives what could not be understood; <see langword="null"/> to ignore it.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    public IAsyncEnumerable<Device> ReadDevicesAsync(DeviceQuery? query, Action<UnreadableDevice>? onUnreadable, CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <summary>Streams the software catalog.</summary>
    /// <param name="query">Filter; <see langword="null"/> for all.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    public IAsyncEnumerable<CatalogProduct> ReadSoftwareAsync(SoftwareQuery? query, CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <inheritdoc/>
    public IAsyncEnumerable<DevicePage> ReadDevicePagesAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <inheritdoc/>
    public Task<Device?> ReadDeviceAsync(string deviceId, CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <inheritdoc/>
    public Task<AuditSnapshot?> ReadSnapshotAsync(string auditId, CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <inheritdoc/>
    public Task DeleteDeviceAsync(string deviceId, CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
