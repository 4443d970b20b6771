using AlloyScan.Engine.Cmdb;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Store;
using AlloyScan.Engine.Sync.Map;
using AlloyScan.Engine.Sync.Undo;

namespace AlloyScan.Engine.Sync.Links;

/// <summary>The links between devices and CIs.</summary>
public sealed class SyncLinks
{
    private readonly AlloyStore _store;

    internal SyncLinks(AlloyStore store) => _store = store;

    /// <summary>Streams links in the order in which they were made.</summary>
    /// <param name="filter">Which; <see langword="null"/> for all.</param>
    public IEnumerable<SyncLink> List(LinkFilter? filter = null)
    {
        var (recordClass, number) = filter?.RecordId is { } id ? RecordIds.Parse(id) : (null, null);
        return _store.Stream<LinkRow>(
            """
            SELECT t.name AS Target, s.name AS Site, l.device_id AS DeviceId, v.source AS Source, l.class AS Class, l.record_number AS Number, l.state AS State,
                l.closed_reason AS ClosedReason, l.rule AS Rule, l.first_seen AS FirstSeen, l.last_seen AS LastSeen, l.missing_since AS MissingSince
            FROM links l JOIN targets t ON t.id = l.target_id JOIN sites s ON s.id = l.site_id LEFT JOIN link_values v ON v.link = l.id
            WHERE (@Site IS NULL OR lower(s.name) GLOB @Site) AND (@DeviceId IS NULL OR l.device_id = @DeviceId) AND (@State IS NULL OR l.state = @State)
                AND (@Class IS NULL OR l.class = @Class) AND (@number IS NULL OR (l.class = @recordClass AND l.record_number = @number)) ORDER BY l.id
            """,
            new { Site = SqlPattern.Glob(filter?.Site), filter?.DeviceId, State = (int?)filter?.State, Class = (int?)filter?.Class, recordClass, number }).Select(ToLink);
    }

    /// <summary>The link that a device has now.</summary>
    /// <param name="deviceId">ID of the device.</param>
    /// <param name="site">Name of its site, when several have a device of that ID.</param>
    /// <exception cref="AlloyScanException">The device has no link (<c>LinkNotFound</c>), or several sites have it (<c>DeviceAmbiguous</c>).</exception>
    public SyncLink Find(string deviceId, string? site = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(deviceId);
        using var session = _store.NewSession();
        var (link, _, name) = Find(session, deviceId, site);
        return List(new LinkFilter { DeviceId = deviceId, RecordId = RunContext.RecordId(link.Class, link.Number) }).First(l => l.Site == name);
    }

    /// <summary>
    /// Undoes a wrong merge and keeps it undone. The CI gets back, field by field, what it held before the device was linked to it, where it still holds what
    /// the link wrote; the device gets a CI of its own; no rule brings the two together again.
    /// </summary>
    /// <param name="deviceId">ID of the device.</param>
    /// <param name="site">Name of its site, when several have a device of that ID.</param>
    /// <param name="warn">Hears what could not be put back.</param>
    /// <returns>The link of the device to its own CI.</returns>
    /// <exception cref="AlloyScanException">The device has no link (<c>LinkNotFound</c>), or several sites have it (<c>DeviceAmbiguous</c>); the CI was created for it (<c>NothingToSplit</c>); no job reads its site (<c>JobNotFound</c>); another run is going on (<c>JobRunning</c>).</exception>
    public SyncLink Split(string deviceId, string? site = null, Action<string>? warn = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(deviceId);
        using var session = _store.NewSession();
        Find(session, deviceId, site);
        var lease = Lease.Acquire(session, RunContext.BuiltInTarget, $"split of {deviceId}");
        try
        {
            var (link, siteId, _) = Find(session, deviceId, site);
            var job = JobOf(session, siteId, deviceId);
            var id = new LinkSplit(session, _store.TimeProvider, link, siteId, deviceId).Split(job, lease, warn ?? (_ => { }));
            return List(new LinkFilter { DeviceId = deviceId, RecordId = id }).First();
        }
        finally
        {
            UndoService.Release(lease);
        }
    }

    private static (LinkImage Link, long SiteId, string Site) Find(StoreSession session, string deviceId, string? site)
    {
        var found = new List<(long Link, long Site, string Name)>();
        using (var reader = session.Prepare("SELECT l.id, s.id, s.name FROM links l JOIN sites s ON s.id = l.site_id WHERE l.device_id = @p0 AND l.state IN (1, 2) AND (@p1 IS NULL OR lower(s.name) = lower(@p1))")
            .Set(0, deviceId).Set(1, site).Read())
        {
            while (reader.Read())
                found.Add((reader.GetInt64(0), reader.GetInt64(1), reader.GetString(2)));
        }

        return found.Count switch
        {
            1 => (LinkImage.Read(session, found[0].Link)!, found[0].Site, found[0].Name),
            0 => throw new AlloyScanException(
                ErrorKind.NotFound, "LinkNotFound", $"The device '{deviceId}' is linked to no CI{(site is null ? string.Empty : $" in the site '{site}'")}.", deviceId, "List the links with Get-AlloyScanLink."),
            _ => throw new AlloyScanException(
                ErrorKind.InvalidArgument, "DeviceAmbiguous", $"Several sites have a device '{deviceId}': {string.Join(", ", found.Select(f => $"'{f.Name}'"))}.", deviceId, "Name the site as well."),
        };
    }

    private SyncJob JobOf(StoreSession session, long siteId, string deviceId) =>
        session.Prepare("SELECT name FROM jobs WHERE site_id = @p0 ORDER BY id LIMIT 1").Set(0, siteId).Text() is { } name
            ? _store.Jobs.Get(name)
            : throw new AlloyScanException(
                ErrorKind.NotFound, "JobNotFound", $"No job reads the site of the device '{deviceId}', so nothing says how its own CI is to be made.", deviceId, "Make a job for the site with New-AlloyScanSyncJob.");

    private static SyncLink ToLink(LinkRow row) => new()
    {
        Target = row.Target,
        Site = row.Site,
        DeviceId = row.DeviceId,
        DeviceName = row.Source is null ? row.DeviceId : DeviceFacts.FromJson(row.Source).DisplayName,
        Class = (RecordClass)row.Class,
        RecordId = RunContext.RecordId((RecordClass)row.Class, row.Number),
        State = (LinkState)row.State,
        ClosedReason = row.ClosedReason,
        Rule = row.Rule,
        FirstSeen = Clock.Time(row.FirstSeen)!.Value,
        LastSeen = Clock.Time(row.LastSeen),
        MissingSince = Clock.Time(row.MissingSince),
    };

    // What Dapper fills: columns as the database gives them.
    private sealed class LinkRow
    {
        public string Target { get; init; } = string.Empty;
        public string Site { get; init; } = string.Empty;
        public string DeviceId { get; init; } = string.Empty;
        public string? Source { get; init; }
        public long Class { get; init; }
        public long Number { get; init; }
        public long State { get; init; }
        public string? ClosedReason { get; init; }
        public string? Rule { get; init; }
        public long FirstSeen { get; init; }
        public long? LastSeen { get; init; }
        public long? MissingSince { get; init; }
    }
}
