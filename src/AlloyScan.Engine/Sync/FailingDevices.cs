using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Store;
using AlloyScan.Engine.Sync.Map;

namespace AlloyScan.Engine.Sync;

/// <summary>What the list says of a device: when it is the same, the device has not changed.</summary>
internal readonly record struct ListedAs(long Hash, long? LastSeen)
{
    public static ListedAs Of(Device device) => new(DeviceFacts.HashList(device), Clock.Milliseconds(device.LastSeen));

    /// <summary>Of a device whose row in the list cannot be understood: the reason stands for what it says.</summary>
    public static ListedAs Unreadable(string reason)
    {
        var hash = new StableHash();
        hash.Add(reason);
        return new ListedAs(hash.Value, null);
    }
}

/// <summary>
/// The devices of a site that failed in its newest run that tried them. One that failed too many runs in a row is parked: it is left alone
/// until what the list says of it changes, or until somebody has it tried by hand.
/// </summary>
internal sealed class FailingDevices
{
    private const int ChunkSize = 200;
    private const string OfRun = "(CAST(@p1 AS BIGINT) IS NULL OR EXISTS (SELECT 1 FROM errors e WHERE e.run_id = @p1 AND e.device_id = f.device_id))";

    private readonly RunContext _context;
    private readonly StoreSession _session;
    private readonly int _parkAfter;
    private readonly bool _byHand;
    private bool _any;

    /// <param name="context">The run.</param>
    /// <param name="byHand">Whether parked devices are tried as well.</param>
    public FailingDevices(RunContext context, bool byHand)
    {
        _context = context;
        _session = context.Session;
        _parkAfter = context.Job.ParkAfter;
        _byHand = byHand;
        _any = _session.Prepare("SELECT 1 FROM failing_devices WHERE site_id = @p0 LIMIT 1").Set(0, context.SiteId).Number() is not null;
    }

    /// <summary>Whether so many failures in a row park a device.</summary>
    public bool IsTooMany(int attempts) => _parkAfter > 0 && attempts >= _parkAfter;

    /// <summary>Whether a device is to be left alone. Costs nothing while no device fails.</summary>
    public bool IsParked(string deviceId, ListedAs listed)
    {
        if (!_any || _byHand || _parkAfter == 0)
            return false;

        using var reader = _session.Prepare("SELECT attempts, list_hash, last_seen FROM failing_devices WHERE site_id = @p0 AND device_id = @p1").Set(0, _context.SiteId).Set(1, deviceId).Read();
        return reader.Read() && IsTooMany(reader.GetInt32(0)) && reader.Number(1) == listed.Hash && reader.Number(2) == listed.LastSeen;
    }

    /// <summary>How many runs a device has failed in a row when it fails in this one. A second failure in the same run does not count.</summary>
    public int AttemptsNow(string deviceId)
    {
        if (!_any)
            return 1;

        using var reader = _session.Prepare("SELECT attempts, run_id FROM failing_devices WHERE site_id = @p0 AND device_id = @p1").Set(0, _context.SiteId).Set(1, deviceId).Read();
        return !reader.Read() ? 1 : _context.RunId != 0 && reader.GetInt64(1) == _context.RunId ? reader.GetInt32(0) : reader.GetInt32(0) + 1;
    }

    /// <summary>Keeps that a device failed. Call in the transaction that keeps the error.</summary>
    public void Failed(string deviceId, int attempts, ListedAs? listed)
    {
        _any = true;
        _session.Prepare("""
            INSERT INTO failing_devices (site_id, device_id, attempts, run_id, list_hash, last_seen) VALUES (@p0, @p1, @p2, @p3, @p4, @p5)
            ON CONFLICT (site_id, device_id) DO UPDATE SET attempts = excluded.attempts, run_id = excluded.run_id, list_hash = excluded.list_hash, last_seen = excluded.last_seen
            """).Set(0, _context.SiteId).Set(1, deviceId).Set(2, attempts).Set(3, _context.RunId).Set(4, listed?.Hash).Set(5, listed?.LastSeen).Execute();
    }

    /// <summary>Forgets the failures of a device that is right now. Call in the transaction that writes what was read of it.</summary>
    public void Succeeded(string deviceId)
    {
        if (_any)
            _session.Prepare("DELETE FROM failing_devices WHERE site_id = @p0 AND device_id = @p1").Set(0, _context.SiteId).Set(1, deviceId).Execute();
    }

    /// <summary>Whether the device has failed in the newest run that tried it.</summary>
    public bool IsFailing(string deviceId) =>
        _any && _session.Prepare("SELECT 1 FROM failing_devices WHERE site_id = @p0 AND device_id = @p1").Set(0, _context.SiteId).Set(1, deviceId).Number() is not null;

    /// <summary>How many devices fail.</summary>
    /// <param name="ofRun">Only those that failed in this run too; <see langword="null"/> for all.</param>
    public long Count(long? ofRun = null) =>
        _session.Prepare($"SELECT count(*) FROM failing_devices f WHERE f.site_id = @p0 AND {OfRun}").Set(0, _context.SiteId).Set(1, ofRun).Number() ?? 0;

    /// <summary>Devices that failed, in order of device ID.</summary>
    /// <param name="after">Device after which they come.</param>
    /// <param name="ofRun">Only those that failed in this run too; <see langword="null"/> for all.</param>
    public List<string> Next(string after, long? ofRun = null)
    {
        var ids = new List<string>();
        using var reader = _session.Prepare($"""
            SELECT f.device_id FROM failing_devices f WHERE f.site_id = @p0 AND {OfRun} AND f.device_id > @p2 ORDER BY f.device_id LIMIT {ChunkSize}
            """).Set(0, _context.SiteId).Set(1, ofRun).Set(2, after).Read();
        while (reader.Read())
            ids.Add(reader.GetString(0));
        return ids;
    }

    /// <summary>
    /// Forgets devices that the list does not name any more, and those that need no work, so that nothing tried them. Call when the list was
    /// read completely and all that it asked for is done.
    /// </summary>
    public void Settle(Staging staging, Action<Action> write)
    {
        if (!_any || !_context.Applying)
            return;

        var over = new List<string>();
        for (var chunk = Next(string.Empty); chunk.Count > 0; chunk = Next(chunk[^1]))
            over.AddRange(chunk.Where(id => IsOver(id, staging)));
        if (over.Count > 0)
            write(() => over.ForEach(Succeeded));
    }

    private bool IsOver(string deviceId, Staging staging)
    {
        using var reader = _session.Prepare("SELECT run_id FROM failing_devices WHERE site_id = @p0 AND device_id = @p1").Set(0, _context.SiteId).Set(1, deviceId).Read();
        return reader.Read() && reader.GetInt64(0) != _context.RunId && staging.Find(deviceId) is null && !staging.IsUnreadable(deviceId);
    }
}
