using System.Collections;
using System.Data.Common;
using AlloyScan.Engine.Cmdb;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Site;
using AlloyScan.Engine.Store;
using AlloyScan.Engine.Sync.Map;

namespace AlloyScan.Engine.Sync;

/// <summary>What is to be done with a listed device.</summary>
internal enum StagedKind
{
    /// <summary>Linked, and something moved.</summary>
    Linked = 1,

    /// <summary>Not linked.</summary>
    Unlinked = 2,

    /// <summary>Linked to a CI that is gone from the CMDB.</summary>
    RecordDeleted = 3,

    /// <summary>Linked to a retired CI whose device the job wants deleted.</summary>
    Retired = 4,

    /// <summary>Nothing to do; kept so that it is counted once.</summary>
    Ignored = 5,

    /// <summary>Its CI was taken over by another device when it was stale; whether it still is shows when all are listed.</summary>
    TakenOver = 9,

    /// <summary>Linked, and something moved, but stale: a new device of the machine may get its CI.</summary>
    StaleLinked = 10,
}

/// <summary>A link as the comparison with the list needs it.</summary>
internal readonly record struct LinkRow(
    long Id, LinkState State, long ListHash, long Fingerprint, long AppliedVersion, long? LastSeen, long? RecordVersion, bool Retired, bool RetiredByUs, string? ClosedReason, long SyncedAt);

/// <summary>Where the facts of an unlinked device come from.</summary>
internal enum FactsSource
{
    /// <summary>Read in this run.</summary>
    Site,

    /// <summary>Kept whole by an earlier run that stopped before it decided.</summary>
    EarlierRun,

    /// <summary>Kept with the conflict that the device is, without its software.</summary>
    Conflict,
}

/// <summary>A listed device that needs work.</summary>
/// <param name="Kind">What is to be done.</param>
/// <param name="Device">The list row.</param>
/// <param name="ListHash">Hash of what the list says.</param>
/// <param name="LinkId">Its link; 0 for none.</param>
/// <param name="SyncedAt">When the link was synced last; 0 where that plays no part.</param>
internal sealed record StagedDevice(StagedKind Kind, Device Device, long ListHash, long LinkId, long SyncedAt = 0);

/// <summary>
/// The device list of one run, staged in temporary tables of the store. A device that is linked and unmoved leaves
/// one bit behind and nothing else, which keeps an unchanged run free of writes and small in memory.
/// </summary>
internal sealed class Staging
{
    private const int LookupSize = 100;
    private const int ChunkSize = 256;
    private const int IdentifiersAtOnce = 8;
    private readonly RunContext _context;
    private readonly StoreSession _session;
    private readonly bool _full;
    private readonly Statement _lookup;
    private readonly Statement _insert;
    private readonly Statement _staged;
    private readonly Statement?[] _insertIdentifiers = new Statement?[IdentifiersAtOnce];
    private readonly HashSet<string> _stagedBefore = new(StringComparer.Ordinal);
    private readonly Dictionary<string, LinkRow> _links = new(StringComparer.Ordinal);
    private readonly HashSet<string> _unreadable = new(StringComparer.Ordinal);
    private readonly HashSet<string> _unknownTypes = new(StringComparer.OrdinalIgnoreCase);
    private BitArray _seen = new(4096);
    private int _seenCount;
    private bool _anyStaged;

    public Staging(RunContext context, bool full)
    {
        _context = context;
        _session = context.Session;
        _full = full;
        _session.Execute("""
            CREATE TEMP TABLE staged (
                device_id TEXT PRIMARY KEY, kind INTEGER NOT NULL, link INTEGER NOT NULL, list_hash INTEGER NOT NULL, last_seen INTEGER,
                name TEXT, dns_name TEXT, mac_address TEXT, ip_address TEXT, serial_number TEXT, asset_tag TEXT, type TEXT, synced_at INTEGER NOT NULL) WITHOUT ROWID;
            CREATE TEMP TABLE staged_identifiers (
                kind INTEGER NOT NULL, value TEXT NOT NULL, device_id TEXT NOT NULL, PRIMARY KEY (kind, value, device_id)) WITHOUT ROWID;
            CREATE TEMP TABLE waiting (stale INTEGER NOT NULL, device_id TEXT NOT NULL, facts TEXT, PRIMARY KEY (stale, device_id)) WITHOUT ROWID;
            """);
        // On a server a question for each device: one that knows nothing of the table yet reads all links of the site for a list of them.
        var wanted = _session.IsRemote
            ? $"l.id IN ({string.Join(", ", Enumerable.Range(2, LookupSize).Select(i => FormattableString.Invariant($"(SELECT id FROM links WHERE target_id = @p0 AND site_id = @p1 AND device_id = @p{i})")))})"
            : $"l.target_id = @p0 AND l.site_id = @p1 AND l.device_id IN ({string.Join(", ", Enumerable.Range(2, LookupSize).Select(i => FormattableString.Invariant($"@p{i}")))})";
        _lookup = _session.Prepare($"""
            SELECT l.device_id, l.id, l.state, l.list_hash, l.fingerprint, l.record_version, l.last_seen, r.version, r.status, l.closed_reason, l.retired_at, l.synced_at
            FROM links l LEFT JOIN records r ON r.id = l.record
            WHERE {wanted}
            """).Set(0, context.TargetId).Set(1, context.SiteId);
        _insert = _session.Prepare("""
            INSERT INTO temp.staged (device_id, kind, link, list_hash, last_seen, name, dns_name, mac_address, ip_address, serial_number, asset_tag, type, synced_at)
            VALUES (@p0, @p1, @p2, @p3, @p4, @p5, @p6, @p7, @p8, @p9, @p10, @p11, @p12) ON CONFLICT (device_id) DO NOTHING
            """);
        _staged = _session.Prepare($"SELECT device_id FROM temp.staged WHERE device_id IN ({string.Join(", ", Enumerable.Range(0, LookupSize).Select(i => FormattableString.Invariant($"@p{i}")))})");
    }

    /// <summary>Distinct devices listed so far, unreadable ones with an ID included.</summary>
    public int Distinct { get; private set; }

    /// <summary>Of those, the ones with a live or missing link.</summary>
    public int SeenLinks => _seenCount;

    /// <summary>Whether a listed device has a link that is out of use, so that one for which a CI is created may have had one.</summary>
    public bool AnyFormerLink { get; private set; }

    /// <summary>A listed device, for proving that the device path works before a 404 on it is believed.</summary>
    public string? FirstDeviceId { get; private set; }

    /// <summary>Another one if there is one, for proving that it still does: a site may answer for some devices only.</summary>
    public string? LastDeviceId { get; private set; }

    /// <summary>Takes in one page. Must be called inside a transaction only when the store's own tables are written too.</summary>
    public void Add(DevicePage page)
    {
        var devices = page.Devices;
        for (var from = 0; from < devices.Count; from += LookupSize)
        {
            var count = Math.Min(LookupSize, devices.Count - from);
            FindLinks(devices, from, count);
            FindStaged(devices, from, count);
            for (var i = from; i < from + count; i++)
                Add(devices[i]);
        }
    }

    /// <summary>Counts a listed device that could not be understood. False when it was counted before.</summary>
    public bool AddUnreadable(string deviceId)
    {
        _links.Clear();
        _lookup.Set(2, deviceId);
        for (var i = 1; i < LookupSize; i++)
            _lookup.Set(2 + i, (string?)null);
        ReadLinks();
        if (_links.TryGetValue(deviceId, out var link) && link.State is LinkState.Live or LinkState.Missing)
        {
            // Listed, so not absent; left alone otherwise.
            _unreadable.Add(deviceId);
            if (!MarkSeen(link.Id))
                return false;

            Distinct++;
            return true;
        }

        var device = new Device { Id = deviceId };
        FindStaged([device], 0, 1);
        return Insert(device, StagedKind.Ignored, 0, 0);
    }

    /// <summary>Whether the list names a linked device in a row that could not be understood.</summary>
    public bool IsUnreadable(string deviceId) => _unreadable.Contains(deviceId);

    /// <summary>Whether a listed device is staged for something to be done with it.</summary>
    public bool NeedsWork(string deviceId) =>
        _session.Prepare("SELECT kind FROM temp.staged WHERE device_id = @p0").Set(0, deviceId).Number() is not (null or (long)StagedKind.Ignored or (long)StagedKind.Retired);

    public bool IsSeen(long linkId) => linkId < _seen.Length && _seen[(int)linkId];

    /// <summary>How many devices of a kind are staged.</summary>
    public int Count(StagedKind kind) =>
        (int)(_session.Prepare("SELECT count(*) FROM temp.staged WHERE kind = @p0").Set(0, (int)kind).Number() ?? 0);

    /// <summary>The next staged devices of a kind: linked ones from the one synced longest ago on, others in order of device ID.</summary>
    public List<StagedDevice> Next(StagedKind kind, StagedDevice? after)
    {
        var result = new List<StagedDevice>(ChunkSize);
        var bySync = kind is StagedKind.Linked or StagedKind.StaleLinked;
        var statement = bySync
            ? _session.Prepare($"""
                SELECT device_id, link, list_hash, last_seen, name, dns_name, mac_address, ip_address, serial_number, asset_tag, type, synced_at
                FROM temp.staged WHERE kind = @p1 AND (synced_at, device_id) > (@p2, @p0) ORDER BY synced_at, device_id LIMIT {ChunkSize}
                """).Set(2, after?.SyncedAt ?? -1)
            : _session.Prepare($"""
                SELECT device_id, link, list_hash, last_seen, name, dns_name, mac_address, ip_address, serial_number, asset_tag, type, synced_at
                FROM temp.staged WHERE device_id > @p0 AND kind = @p1 ORDER BY device_id LIMIT {ChunkSize}
                """);
        using var reader = statement.Set(0, after?.Device.Id ?? string.Empty).Set(1, (int)kind).Read();
        while (reader.Read())
            result.Add(new StagedDevice(kind, Load(reader), reader.GetInt64(2), reader.GetInt64(1), reader.GetInt64(11)));
        return result;
    }

    /// <summary>Puts the linked devices in the order in which they are worked on. Call when the list is read and stale devices are set aside.</summary>
    public void SettleOrder()
    {
        // One chunk is sorted as quickly without.
        if (Count(StagedKind.Linked) + Count(StagedKind.StaleLinked) > ChunkSize)
            _session.Execute("CREATE INDEX temp.staged_order ON staged (kind, synced_at, device_id)");
    }

    /// <summary>A staged device by its ID.</summary>
    public Device? Find(string deviceId)
    {
        using var reader = _session.Prepare("""
            SELECT device_id, link, list_hash, last_seen, name, dns_name, mac_address, ip_address, serial_number, asset_tag, type FROM temp.staged WHERE device_id = @p0
            """).Set(0, deviceId).Read();
        return reader.Read() ? Load(reader) : null;
    }

    private static Device Load(DbDataReader reader) => new()
    {
        Id = reader.GetString(0),
        LastSeen = Clock.Time(reader.Number(3)),
        Name = reader.Text(4),
        DnsName = reader.Text(5),
        MacAddress = reader.Text(6),
        IpAddress = reader.Text(7),
        SerialNumber = reader.Text(8),
        AssetTag = reader.Text(9),
        Type = reader.Text(10),
    };

    public void AddIdentifiers(string deviceId, IEnumerable<Identifier> identifiers)
    {
        foreach (var some in identifiers.Chunk(IdentifiersAtOnce))
        {
            var insert = _insertIdentifiers[some.Length - 1] ??= _session.PrepareRows("INSERT INTO temp.staged_identifiers (kind, value, device_id) VALUES ... ON CONFLICT DO NOTHING", 3, some.Length);
            for (var i = 0; i < some.Length; i++)
                insert.Set(i * 3, (int)some[i].Kind).Set((i * 3) + 1, some[i].Value).Set((i * 3) + 2, deviceId);
            insert.Post();
        }
    }

    /// <summary>Drops identifiers of the list row that the device itself does not confirm.</summary>
    public void RemoveIdentifiers(string deviceId, IEnumerable<Identifier> identifiers)
    {
        foreach (var identifier in identifiers)
        {
            _session.Prepare("DELETE FROM temp.staged_identifiers WHERE kind = @p0 AND value = @p1 AND device_id = @p2")
                .Set(0, (int)identifier.Kind).Set(1, identifier.Value).Set(2, deviceId).Post();
        }
    }

    /// <summary>
    /// Sets linked devices aside that moved and are stale all the same. They come after the unlinked ones, so that a CI which another
    /// device takes over is not brought up to date for the former one first. Call when the list is read.
    /// </summary>
    public void SettleStale() =>
        _session.Prepare("UPDATE temp.staged SET kind = @p1 WHERE kind = @p0 AND last_seen <= @p2")
            .Set(0, (int)StagedKind.Linked).Set(1, (int)StagedKind.StaleLinked).Set(2, _context.StaleSince).Execute();

    /// <summary>
    /// Passes over devices whose CI went to another device as long as they stay stale. One that is seen again freshly
    /// is an unlinked device like any other. Call when the list is read.
    /// </summary>
    public void SettleTakenOver()
    {
        StagedDevice? after = null;
        while (Next(StagedKind.TakenOver, after) is { Count: > 0 } chunk)
        {
            foreach (var staged in chunk)
            {
                after = staged;
                var id = staged.Device.Id;
                var fresh = !_context.IsStale(Clock.Milliseconds(staged.Device.LastSeen));
                _session.Prepare("UPDATE temp.staged SET kind = @p1, link = 0 WHERE device_id = @p0").Set(0, id).Set(1, (int)(fresh ? StagedKind.Unlinked : StagedKind.Ignored)).Execute();
                if (fresh)
                    AddIdentifiers(id, DeviceFacts.ListIdentifiers(staged.Device));
                else
                    _context.Counts.Skipped++;
            }
        }
    }

    /// <summary>
    /// Lets a device wait until all are staged. What was read of it is kept in the store by a real run, so that the next one
    /// need not read it again should this one stop before.
    /// </summary>
    /// <param name="facts">The device.</param>
    /// <param name="from">Where the facts come from.</param>
    public void Wait(DeviceFacts facts, FactsSource from = FactsSource.Conflict)
    {
        string? json = null;
        if (from == FactsSource.Site && _context.Applying)
            Keep(facts);
        else if (from != FactsSource.EarlierRun)
            json = facts.ToJson();

        _session.Prepare("INSERT INTO temp.waiting (stale, device_id, facts) VALUES (@p0, @p1, @p2) ON CONFLICT (stale, device_id) DO UPDATE SET facts = excluded.facts")
            .Set(0, _context.IsStale(facts.LastSeen) ? 1 : 0).Set(1, facts.DeviceId).Set(2, json).Post();
    }

    /// <summary>Keeps what was read of a device without a link for the next run.</summary>
    public void Keep(DeviceFacts facts) =>
        _session.Prepare("""
            INSERT INTO waiting_devices (target_id, site_id, device_id, list_hash, last_seen, facts) VALUES (@p0, @p1, @p2, @p3, @p4, @p5)
            ON CONFLICT (target_id, site_id, device_id) DO UPDATE SET list_hash = excluded.list_hash, last_seen = excluded.last_seen, facts = excluded.facts
            """).Set(0, _context.TargetId).Set(1, _context.SiteId).Set(2, facts.DeviceId).Set(3, facts.ListHash).Set(4, facts.LastSeen).Set(5, facts.ToJson()).Post();

    /// <summary>What an earlier run that stopped kept of a device whose list row has not moved since; <see langword="null"/> when there is nothing.</summary>
    public string? KeptFacts(StagedDevice staged) => staged.Device.LastSeen is null
        ? null
        : _session.Prepare("SELECT facts FROM waiting_devices WHERE target_id = @p0 AND site_id = @p1 AND device_id = @p2 AND list_hash = @p3 AND last_seen = @p4")
            .Set(0, _context.TargetId).Set(1, _context.SiteId).Set(2, staged.Device.Id).Set(3, staged.ListHash).Set(4, Clock.Milliseconds(staged.Device.LastSeen)).Text();

    /// <summary>Drops what is kept of a waiting device, in the transaction that decides on it.</summary>
    public void DropKept(string deviceId) =>
        _session.Prepare("DELETE FROM waiting_devices WHERE target_id = @p0 AND site_id = @p1 AND device_id = @p2")
            .Set(0, _context.TargetId).Set(1, _context.SiteId).Set(2, deviceId).Post();

    /// <summary>Whether the store keeps devices of this site that wait, from this run or from one that stopped.</summary>
    public bool HasKept => _session.Prepare("SELECT 1 FROM waiting_devices WHERE target_id = @p0 AND site_id = @p1 LIMIT 1").Set(0, _context.TargetId).Set(1, _context.SiteId).Number() is not null;

    /// <summary>Drops what is left of devices that wait. Call when all are decided.</summary>
    public void DropAllKept() => _session.Prepare("DELETE FROM waiting_devices WHERE target_id = @p0 AND site_id = @p1").Set(0, _context.TargetId).Set(1, _context.SiteId).Execute();

    public long WaitingCount => _session.Prepare("SELECT count(*) FROM temp.waiting").Number() ?? 0;

    /// <summary>Takes a device from those that this run has yet to decide on.</summary>
    public void StopWaiting(string deviceId) => _session.Prepare("DELETE FROM temp.waiting WHERE stale IN (0, 1) AND device_id = @p0").Set(0, deviceId).Post();

    /// <summary>The next devices that wait, in order of device ID, stale ones or fresh ones.</summary>
    public List<DeviceFacts> NextWaiting(bool stale, string after)
    {
        var result = new List<DeviceFacts>();
        using var reader = _session.Prepare("""
            SELECT coalesce(w.facts, k.facts) FROM temp.waiting w LEFT JOIN waiting_devices k ON k.target_id = @p2 AND k.site_id = @p3 AND k.device_id = w.device_id
            WHERE w.stale = @p1 AND w.device_id > @p0 ORDER BY w.device_id LIMIT 64
            """).Set(0, after).Set(1, stale ? 1 : 0).Set(2, _context.TargetId).Set(3, _context.SiteId).Read();
        while (reader.Read())
            result.Add(UnlinkedDevices.Kept(_context, reader.GetString(0)));
        return result;
    }

    /// <summary>Notes which of some devices are staged already, since a list may name one twice.</summary>
    private void FindStaged(IReadOnlyList<Device> devices, int from, int count)
    {
        _stagedBefore.Clear();
        if (!_anyStaged || !_session.IsRemote)
            return;

        for (var i = 0; i < LookupSize; i++)
            _staged.Set(i, i < count ? devices[from + i].Id : null);
        using var reader = _staged.Read();
        while (reader.Read())
            _stagedBefore.Add(reader.GetString(0));
    }

    private void FindLinks(IReadOnlyList<Device> devices, int from, int count)
    {
        _links.Clear();
        for (var i = 0; i < LookupSize; i++)
            _lookup.Set(2 + i, i < count ? devices[from + i].Id : null);
        ReadLinks();
    }

    private void ReadLinks()
    {
        using var reader = _lookup.Read();
        while (reader.Read())
        {
            _links[reader.GetString(0)] = new LinkRow(
                reader.GetInt64(1), (LinkState)reader.GetInt32(2), reader.GetInt64(3), reader.GetInt64(4), reader.GetInt64(5),
                reader.Number(6), reader.Number(7), RecordStatus.IsRetired(reader.Text(8)), !reader.IsDBNull(10), reader.Text(9), reader.GetInt64(11));
        }
    }

    private void Add(Device device)
    {
        FirstDeviceId ??= device.Id;
        LastDeviceId = device.Id;
        _context.NoteSeen(Clock.Milliseconds(device.LastSeen));
        if (!_links.TryGetValue(device.Id, out var link) || link.State == LinkState.Closed)
        {
            AnyFormerLink |= link.State == LinkState.Closed;
            var meaning = _context.MeaningOf(device.Type);
            if (meaning == DeviceTypes.Meaning.CloudResource)
            {
                if (Insert(device, StagedKind.Ignored, 0, 0))
                    _context.Counts.Skipped++;
                return;
            }

            if (meaning == DeviceTypes.Meaning.Unknown && _unknownTypes.Add(device.Type!))
                _context.Observer.OnWarning($"The site has devices of the type '{device.Type}', which is not known here; they are taken as Hardware.");

            if (link is { State: LinkState.Closed, ClosedReason: ClosedReason.TakenOver })
            {
                Insert(device, StagedKind.TakenOver, link.Id, DeviceFacts.HashList(device));
                return;
            }

            // A device that was deleted on purpose and is found again is a question for a person; the link's ID says so.
            var deleted = link.State == LinkState.Closed && link.ClosedReason == ClosedReason.DeletedInAlloyScan;
            if (Insert(device, StagedKind.Unlinked, deleted ? link.Id : 0, DeviceFacts.HashList(device)))
                AddIdentifiers(device.Id, DeviceFacts.ListIdentifiers(device));
            return;
        }

        if (link.State == LinkState.RecordDeleted)
        {
            AnyFormerLink = true;
            if (_context.Job.DeletedRecord == Jobs.DeletedRecord.Recreate)
                Insert(device, StagedKind.RecordDeleted, link.Id, 0);
            else if (Insert(device, StagedKind.Ignored, link.Id, 0))
                _context.Counts.Skipped++;
            return;
        }

        if (!MarkSeen(link.Id))
            return;

        Distinct++;
        if (link.RecordVersion is null)
        {
            AnyFormerLink = true;
            Insert(device, StagedKind.RecordDeleted, link.Id, 0, counted: true);
            return;
        }

        // A CI that we retired for absence is revived with its device; one that somebody else retired stays as it is.
        if (link.Retired && !link.RetiredByUs)
        {
            if (_context.Job.RetiredOriginal == Jobs.RetiredOriginal.Delete)
                Insert(device, StagedKind.Retired, link.Id, 0, counted: true);
            else
                _context.Counts.Skipped++;
            return;
        }

        var hash = DeviceFacts.HashList(device);
        if (!_full && link.State == LinkState.Live && link.ListHash == hash && link.LastSeen == Clock.Milliseconds(device.LastSeen)
            && link.AppliedVersion == link.RecordVersion && link.Fingerprint == _context.Fingerprint)
        {
            _context.Counts.Unchanged++;
            return;
        }

        Insert(device, StagedKind.Linked, link.Id, hash, counted: true, link.SyncedAt);
    }

    private bool MarkSeen(long linkId)
    {
        var bit = checked((int)linkId);
        if (bit >= _seen.Length)
            _seen.Length = Math.Max(bit + 1, _seen.Length * 2);
        if (_seen[bit])
            return false;

        _seen[bit] = true;
        _seenCount++;
        return true;
    }

    private bool Insert(Device device, StagedKind kind, long link, long hash, bool counted = false, long syncedAt = 0)
    {
        if (_session.IsRemote && !_stagedBefore.Add(device.Id))
            return false;

        _anyStaged = true;
        _insert.Set(0, device.Id).Set(1, (int)kind).Set(2, link).Set(3, hash).Set(4, Clock.Milliseconds(device.LastSeen))
            .Set(5, device.Name).Set(6, device.DnsName).Set(7, device.MacAddress).Set(8, device.IpAddress)
            .Set(9, device.SerialNumber).Set(10, device.AssetTag).Set(11, device.Type).Set(12, syncedAt);
        // A server is not waited for; a file says at once whether the device is new.
        if (_session.IsRemote)
            _insert.Post();
        else if (_insert.Execute() == 0)
            return false;

        if (!counted)
            Distinct++;
        return true;
    }
}
