using System.Runtime.CompilerServices;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Site;

namespace AlloyScan.Engine.Tests.Sync;

/// <summary>A site in memory. Devices and snapshots can be changed between runs; every call is counted and can be made to fail.</summary>
internal sealed class FakeSource : IInventorySource
{
    private long _calls;

    public List<Device> Devices { get; } = [];

    public Dictionary<string, AuditSnapshot> Snapshots { get; } = new(StringComparer.Ordinal);

    /// <summary>The software catalog: what the site has put into a group. Products that are not here are regular.</summary>
    public List<CatalogProduct> Catalog { get; } = [];

    public List<string> Deleted { get; } = [];

    public List<string> Log { get; } = [];

    public int PageSize { get; set; } = 50;

    /// <summary>What the list claims; null for the true count.</summary>
    public int? ClaimedTotal { get; set; }

    /// <summary>Called before each call with its name; may throw.</summary>
    public Action<string>? Before { get; set; }

    /// <summary>Order in which the list gives the devices.</summary>
    public Func<IEnumerable<Device>, IEnumerable<Device>> Order { get; set; } = devices => devices;

    public Dictionary<string, string> UnreadableInList { get; } = [];

    public SiteUsage Usage => new(Interlocked.Read(ref _calls), 0);

    public IEnumerable<string> LogOf(string kind) => Log.Where(l => l.StartsWith(kind, StringComparison.Ordinal));

    public Device Add(Device device, AuditSnapshot? snapshot = null)
    {
        if (snapshot is not null)
        {
            Snapshots[snapshot.Id] = snapshot;
            device = device with { AuditId = snapshot.Id, AuditDate = snapshot.AuditDate ?? T(1), OsPlatform = device.OsPlatform ?? snapshot.OperatingSystem?.Platform };
        }

        Devices.Add(device);
        return device;
    }

    public void Replace(string id, Func<Device, Device> change)
    {
        var index = Devices.FindIndex(d => d.Id == id);
        Devices[index] = change(Devices[index]);
    }

    /// <summary>A new audit of a device: new audit ID, later lastSeen.</summary>
    public void Audit(string id, Func<AuditSnapshot, AuditSnapshot> change)
    {
        var device = Devices.Single(d => d.Id == id);
        var next = change(Snapshots[device.AuditId!]) with { Id = device.AuditId + "+" };
        Snapshots[next.Id] = next;
        Replace(id, d => d with { AuditId = next.Id, LastSeen = (d.LastSeen ?? T(0)).AddHours(1), OsPlatform = next.OperatingSystem?.Platform });
    }

    public async IAsyncEnumerable<DevicePage> ReadDevicePagesAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var all = Order(Devices).Select(d => d with { AuditId = null, AuditDate = null, AuditSource = null, OsPlatform = null }).ToList();
        for (var offset = 0; offset == 0 || offset < all.Count; offset += PageSize)
        {
            Call("list", cancellationToken);
            await Task.Yield();
            var page = all.Skip(offset).Take(PageSize).ToList();
            yield return new DevicePage
            {
                Devices = [.. page.Where(d => !UnreadableInList.ContainsKey(d.Id))],
                Unreadable = [.. page.Where(d => UnreadableInList.ContainsKey(d.Id)).Select(d => new UnreadableDevice(d.Id, d.Name, UnreadableInList[d.Id]))],
                Offset = offset,
                ItemCount = page.Count,
                Total = ClaimedTotal ?? all.Count,
            };
        }
    }

    public async Task<Device?> ReadDeviceAsync(string deviceId, CancellationToken cancellationToken)
    {
        Call("device " + deviceId, cancellationToken);
        await Task.Yield();
        return Devices.FirstOrDefault(d => d.Id == deviceId);
    }

    public async Task<AuditSnapshot?> ReadSnapshotAsync(string auditId, CancellationToken cancellationToken)
    {
        Call("snapshot " + auditId, cancellationToken);
        await Task.Yield();
        return Snapshots.GetValueOrDefault(auditId);
    }

    public async IAsyncEnumerable<CatalogProduct> ReadSoftwareAsync(SoftwareQuery? query, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        Call("software " + query?.SoftwareGroup, cancellationToken);
        await Task.Yield();
        foreach (var product in Catalog.Where(p => query?.SoftwareGroup is null || p.SoftwareGroup == query.SoftwareGroup).ToList())
            yield return product;
    }

    public void Classify(string name, string? version, string group)
    {
        Catalog.RemoveAll(p => p.Name == name && p.Version == version);
        Catalog.Add(new CatalogProduct { Id = name + version, Name = name, Version = version, SoftwareGroup = group });
    }

    public Task DeleteDeviceAsync(string deviceId, CancellationToken cancellationToken)
    {
        Call("delete " + deviceId, cancellationToken);
        Deleted.Add(deviceId);
        Devices.RemoveAll(d => d.Id == deviceId);
        return Task.CompletedTask;
    }

    public static DateTimeOffset T(int hours) => new DateTimeOffset(2026, 1, 5, 0, 0, 0, TimeSpan.Zero).AddHours(hours);

    private void Call(string what, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (Log)
            Log.Add(what);
        Interlocked.Increment(ref _calls);
        Before?.Invoke(what);
    }
}
