using AlloyScan.Engine.Cmdb;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Store;
using AlloyScan.Engine.Sync.Map;

namespace AlloyScan.Engine.Sync.Links;

/// <summary>The links between devices and CIs.</summary>
public sealed partial class SyncLinks
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
