using System.Runtime.CompilerServices;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Site.Reading;
using AlloyScan.Engine.Site.Transport;
using RestSharp;

namespace AlloyScan.Engine.Site;

/// <summary>The REST client of one AlloyScan site. Safe for concurrent use; one instance serves a whole process.</summary>
public sealed class SiteClient : IInventorySource, IDisposable
{
    private const string DevicesPathAdvice =
        "Check that the address is that of an AlloyScan site, and the path of the device list in the API profile against the API document of the site's release.";

    private readonly SiteAddress _address;
    private readonly CompiledProfile _compiled;
    private readonly UsageCounter _usage = new();
    private readonly SiteCaller _caller;
    private int _softwareCapacity = 64;
    private bool _disposed;

    /// <summary>Makes a client. No request is sent.</summary>
    /// <param name="options">How to reach the site.</param>
    /// <exception cref="AlloyScanException">
    /// The address is not HTTPS and not loopback (<c>InsecureSiteUrl</c>), is no web address (<c>InvalidSiteUrl</c>), the API profile is
    /// malformed (<c>InvalidApiProfile</c>), or another option is out of its range.
    /// </exception>
    public SiteClient(SiteConnectionOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (string.IsNullOrWhiteSpace(options.ClientId))
        {
            throw new AlloyScanException(ErrorKind.InvalidArgument, "InvalidClientId", "The client ID of the app registration is empty.");
        }

        if (options.ThrottleLimit is < 1 or > SiteConnectionOptions.MaxThrottleLimit)
        {
            throw new AlloyScanException(
                ErrorKind.InvalidArgument, "InvalidThrottleLimit", $"A throttle limit of {options.ThrottleLimit} is not possible; it is from 1 to {SiteConnectionOptions.MaxThrottleLimit}.", options.ThrottleLimit);
        }

        if (options.Timeout < SiteConnectionOptions.MinTimeout || options.Timeout > SiteConnectionOptions.MaxTimeout)
        {
            throw new AlloyScanException(
                ErrorKind.InvalidArgument, "InvalidTimeout", $"A time limit of {options.Timeout:c} is not possible; it is from {SiteConnectionOptions.MinTimeout:c} to {SiteConnectionOptions.MaxTimeout:c}.", options.Timeout);
        }

        Options = options;
        _address = SiteAddress.Parse(options.SiteUrl);
        options.Profile.Validate();
        _compiled = new CompiledProfile(options.Profile);

        // A profile that needs a slug on an address without one is better found now than in the middle of a run.
        foreach (string path in (string[])[options.Profile.Paths.Token, options.Profile.Paths.Devices, options.Profile.Paths.Device, options.Profile.Paths.Snapshot])
        {
            _ = _address.Url(path);
        }

        _caller = new SiteCaller(options, _address, _compiled, _usage);
    }

    /// <summary>How the site is reached.</summary>
    public SiteConnectionOptions Options { get; }

    /// <inheritdoc/>
    public SiteUsage Usage => _usage.Usage;

    /// <summary>When the current token expires, UTC; <see langword="null"/> before the first.</summary>
    public DateTimeOffset? TokenExpiresAt => _caller.Tokens.ExpiresAt;

    /// <summary>Requests that the rate governor allows at once now.</summary>
    public int CurrentConcurrency => _caller.Governor.Limit;

    /// <summary>Checks step by step whether the site can be used. Never throws for a failed check.</summary>
    /// <param name="cancellationToken">Stops the test.</param>
    public Task<ConnectionTestResult> TestAsync(CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return new ConnectionTest(Options, _address, _caller, _compiled).RunAsync(cancellationToken);
    }

    /// <summary>Reads one page, one device and one snapshot and says of each location of the profile whether there is something at it.</summary>
    /// <param name="cancellationToken">Stops the test.</param>
    /// <exception cref="AlloyScanException">No call is left, or the site still limits the rate.</exception>
    public Task<ApiProfileTestResult> TestProfileAsync(CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return new ProfileTest(Options.Profile, _address, _caller).RunAsync(cancellationToken);
    }

    /// <summary>Gets a token now, so that wrong credentials are found before any work.</summary>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <exception cref="AlloyScanException">No token was given.</exception>
    public Task AuthenticateAsync(CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return _caller.Tokens.RenewAsync(singleTry: true, cancellationToken);
    }

    /// <summary>Streams devices; a device that cannot be understood is reported to <paramref name="onUnreadable"/> and left out.</summary>
    /// <param name="query">Filter; <see langword="null"/> for all.</param>
    /// <param name="onUnreadable">Receives what could not be understood; <see langword="null"/> to ignore it.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="AlloyScanException">The list cannot be read.</exception>
    public async IAsyncEnumerable<Device> ReadDevicesAsync(
        DeviceQuery? query, Action<UnreadableDevice>? onUnreadable, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        PageSequence<Device> pages = Devices(query);
        await foreach (PlacedPage<Device> placed in pages.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            foreach (UnreadableDevice unreadable in placed.Page.Unreadable ?? [])
            {
                onUnreadable?.Invoke(unreadable);
            }

            // Whoever takes only the first few devices should not pay for a second page, so it is asked for when half of this one is used.
            List<Device> devices = placed.Page.Items;
            for (int i = 0; i < devices.Count; i++)
            {
                if (i == devices.Count / 2)
                {
                    pages.Prefetch();
                }

                yield return devices[i];
            }
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<CatalogProduct> ReadSoftwareAsync(SoftwareQuery? query, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        List<KeyValuePair<string, string>> filters = [];
        Add(filters, "softwareGroup", query?.SoftwareGroup);
        Add(filters, "q", query?.Search);
        Add(filters, "groupBy", query?.GroupByName == true ? "name" : null);
        PageSequence<CatalogProduct> pages = new(
            _caller, _address, Options.Profile, _compiled, Options.Profile.Paths.Software, filters,
            "The software catalog cannot be read",
            "Check the path of the software catalog in the API profile against the API document of the site's release.",
            () =>
            {
                ProductReader products = new(Options.Profile, _compiled);
                return (ref reader, page) =>
                {
                    CatalogProduct product = products.Read(ref reader);
                    page.Items.Add(product);
                    page.Fingerprint = HashCode.Combine(page.Fingerprint, product.Id);
                };
            });
        await foreach (PlacedPage<CatalogProduct> placed in pages.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            foreach (CatalogProduct product in placed.Page.Items)
            {
                yield return product;
            }
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<DevicePage> ReadDevicePagesAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        PageSequence<Device> pages = Devices(query: null);
        await foreach (PlacedPage<Device> placed in pages.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            pages.Prefetch();
            yield return new DevicePage
            {
                Devices = placed.Page.Items,
                Unreadable = placed.Page.Unreadable ?? (IReadOnlyList<UnreadableDevice>)[],
                Offset = placed.Offset,
                ItemCount = placed.Page.ItemCount,
                Total = placed.Page.Total,
                IsLast = placed.Page.SaysLast,
            };
        }
    }

    /// <inheritdoc/>
    public async Task<Device?> ReadDeviceAsync(string deviceId, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        CallInfo call = new(Method.Get, _address.Url(Options.Profile.Paths.Device, deviceId), $"Device '{deviceId}' cannot be read", deviceId);
        return await OrNullAsync(_caller.ReadAsync(
            call,
            (ref BodyReader reader) =>
            {
                Device device = new DeviceReader(Options.Profile, _compiled).Read(ref reader, out UnreadableDevice? unreadable)
                    ?? throw new BodyException(BodyFault.Shape, "UnreadableDevice", $"the device cannot be understood. {unreadable!.Reason}");

                // A cache that answers with its neighbour would write one machine's data on another's CI.
                return string.Equals(device.Id, deviceId, StringComparison.OrdinalIgnoreCase)
                    ? device
                    : throw new BodyException(BodyFault.Shape, "UnexpectedAnswer", $"the answer is another device, '{device.Id}'");
            },
            cancellationToken)).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async Task<AuditSnapshot?> ReadSnapshotAsync(string auditId, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        CallInfo call = new(Method.Get, _address.Url(Options.Profile.Paths.Snapshot, auditId), $"Audit snapshot '{auditId}' cannot be read", auditId);
        AuditSnapshot? snapshot = await OrNullAsync(_caller.ReadAsync(
            call,
            (ref BodyReader reader) => new SnapshotReader(Options.Profile, _compiled).Read(ref reader, Volatile.Read(ref _softwareCapacity)),
            cancellationToken)).ConfigureAwait(false);
        if (snapshot?.Software is { Count: > 0 } software)
        {
            // Machines of one site have much the same number of products; the next list is made large enough at once.
            Volatile.Write(ref _softwareCapacity, Math.Min(software.Count + 8, 1024));
        }

        return snapshot;
    }

    /// <inheritdoc/>
    public async Task DeleteDeviceAsync(string deviceId, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        CallInfo call = new(Method.Delete, _address.Url(Options.Profile.Paths.DeleteDevice, deviceId), $"Device '{deviceId}' cannot be deleted", deviceId);
        try
        {
            await _caller.SendAsync(call, cancellationToken).ConfigureAwait(false);
        }
        catch (SiteException e) when (e is { StatusCode: 404, ErrorId: "NotFound" })
        {
            // Gone already, or gone by an earlier try of this very call whose answer was lost.
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_disposed)
        {
            _disposed = true;
            _caller.Dispose();
        }
    }

    private static async Task<T?> OrNullAsync<T>(Task<T> call)
        where T : class
    {
        try
        {
            return await call.ConfigureAwait(false);
        }
        catch (SiteException e) when (e is { StatusCode: 404, ErrorId: "NotFound" })
        {
            return null;
        }
    }

    private static void Add(List<KeyValuePair<string, string>> filters, string name, string? value)
    {
        if (!string.IsNullOrWhiteSpace(value))
        {
            filters.Add(new(name, value));
        }
    }

    private PageSequence<Device> Devices(DeviceQuery? query)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        List<KeyValuePair<string, string>> filters = [];
        Add(filters, "type", query?.Type);
        Add(filters, "tag", query?.Tag);
        Add(filters, "q", query?.Search);
        return new PageSequence<Device>(
            _caller, _address, Options.Profile, _compiled, Options.Profile.Paths.Devices, filters,
            "The device list cannot be read", DevicesPathAdvice, DeviceItems);
    }

    private ItemRead<Device> DeviceItems()
    {
        DeviceReader devices = new(Options.Profile, _compiled);
        return (ref reader, page) =>
        {
            if (devices.Read(ref reader, out UnreadableDevice? unreadable) is { } device)
            {
                page.Items.Add(device);
                page.Fingerprint = HashCode.Combine(page.Fingerprint, device.Id);
            }
            else
            {
                (page.Unreadable ??= []).Add(unreadable! with { Reason = _caller.Clean(unreadable.Reason) });
                page.Fingerprint = HashCode.Combine(page.Fingerprint, unreadable!.DeviceId);
            }
        };
    }
}
