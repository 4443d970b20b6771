using System.Runtime.CompilerServices;
using AlloyScan.Engine.Inventory;

namespace AlloyScan.Engine.Site;

/// <summary>What a source was asked for, by kind; a call counts once, however many requests it took.</summary>
internal readonly record struct AskedCalls(long Pages, long Products, long Devices, long Snapshots, long Deletions);

/// <summary>
/// A source whose calls are counted by kind. The site's own client has its budget where its requests leave; for any other source a
/// call is taken for one request, which is stopped here.
/// </summary>
internal sealed class MeteredSource(IInventorySource inner, CallBudget budget) : IInventorySource
{
    private readonly CallBudget? _gate = inner is SiteClient ? null : budget;
    private long _pages;
    private long _products;
    private long _devices;
    private long _snapshots;
    private long _deletions;

    /// <summary>Whether calls are stopped here, and not where requests leave.</summary>
    public bool IsGated => _gate is not null;

    public SiteUsage Usage => inner.Usage;

    /// <summary>What was asked for so far.</summary>
    public AskedCalls Asked => new(
        Interlocked.Read(ref _pages), Interlocked.Read(ref _products), Interlocked.Read(ref _devices), Interlocked.Read(ref _snapshots), Interlocked.Read(ref _deletions));

    public IAsyncEnumerable<DevicePage> ReadDevicePagesAsync(CancellationToken cancellationToken) => Counted(inner.ReadDevicePagesAsync(cancellationToken), cancellationToken);

    public Task<Device?> ReadDeviceAsync(string deviceId, CancellationToken cancellationToken)
    {
        _gate?.Spend();
        Interlocked.Increment(ref _devices);
        return inner.ReadDeviceAsync(deviceId, cancellationToken);
    }

    public Task<AuditSnapshot?> ReadSnapshotAsync(string auditId, CancellationToken cancellationToken)
    {
        _gate?.Spend();
        Interlocked.Increment(ref _snapshots);
        return inner.ReadSnapshotAsync(auditId, cancellationToken);
    }

    public async IAsyncEnumerable<CatalogProduct> ReadSoftwareAsync(SoftwareQuery? query, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        _gate?.Spend();
        var before = inner.Usage.Calls;
        try
        {
            await foreach (var product in inner.ReadSoftwareAsync(query, cancellationToken).ConfigureAwait(false))
                yield return product;
        }
        finally
        {
            // Where a page of products ends is not seen from outside; at least one there was.
            Interlocked.Add(ref _products, Math.Max(1, inner.Usage.Calls - before));
        }
    }

    public Task DeleteDeviceAsync(string deviceId, CancellationToken cancellationToken)
    {
        _gate?.Spend();
        Interlocked.Increment(ref _deletions);
        return inner.DeleteDeviceAsync(deviceId, cancellationToken);
    }

    private async IAsyncEnumerable<DevicePage> Counted(IAsyncEnumerable<DevicePage> pages, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var reader = pages.GetAsyncEnumerator(cancellationToken);
        await using (reader.ConfigureAwait(false))
        {
            while (true)
            {
                // Whether another page comes is known to the source only, and one that has ended makes no call: whoever reads asks for room before.
                if (!await reader.MoveNextAsync().ConfigureAwait(false))
                    yield break;

                _gate?.Spend();
                Interlocked.Increment(ref _pages);
                yield return reader.Current;
            }
        }
    }
}
