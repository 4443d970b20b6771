using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Store;

namespace AlloyScan.Engine.Sync.Conflicts;

/// <summary>The list of conflicts: devices about which a person has to decide, and the decisions.</summary>
public sealed partial class SyncConflicts
{
    private const string Columns = """
        c.id AS Id, c.job AS Job, t.name AS Target, s.name AS Site, c.device_id AS DeviceId, c.device_name AS DeviceName, c.class AS Class, c.kind AS Kind, c.reason AS Reason,
        c.candidates AS Candidates, c.state AS State, c.created_at AS CreatedAt, c.updated_at AS UpdatedAt, c.resolved_at AS ResolvedAt
        FROM conflicts c JOIN targets t ON t.id = c.target_id JOIN sites s ON s.id = c.site_id
        """;

    private readonly AlloyStore _store;

    internal SyncConflicts(AlloyStore store) => _store = store;

    /// <summary>Streams conflicts in the order in which they were found.</summary>
    /// <param name="filter">Which; <see langword="null"/> for all.</param>
    public IEnumerable<SyncConflict> List(ConflictFilter? filter = null) =>
        _store.Stream<ConflictRow>(
            $"""
            SELECT {Columns}
            WHERE (@Id IS NULL OR c.id = @Id) AND (@Job IS NULL OR c.job = @Job COLLATE NOCASE) AND (@Site IS NULL OR lower(s.name) GLOB @Site)
                AND (@Device IS NULL OR c.device_id = @Device OR lower(c.device_name) GLOB @Name) AND (@Class IS NULL OR c.class = @Class)
                AND (@Kind IS NULL OR c.kind = @Kind) AND (@State IS NULL OR c.state = @State) ORDER BY c.id
            """,
            new
            {
                filter?.Id,
                filter?.Job,
                Site = SqlPattern.Glob(filter?.Site),
                filter?.Device,
                Name = SqlPattern.Glob(filter?.Device),
                Class = (int?)filter?.Class,
                Kind = filter?.Kind?.ToString(),
                State = filter?.State?.ToString(),
            }).Select(ToConflict);

    /// <summary>One conflict.</summary>
    /// <param name="id">Its number.</param>
    /// <exception cref="AlloyScanException">There is none (<c>ConflictNotFound</c>).</exception>
    public SyncConflict Get(long id) =>
        List(new ConflictFilter { Id = id }).FirstOrDefault()
        ?? throw new AlloyScanException(ErrorKind.NotFound, "ConflictNotFound", $"There is no conflict {id} in the store.", id, "List the conflicts with Get-AlloyScanConflict.");

    private static SyncConflict ToConflict(ConflictRow row) => new()
    {
        Id = row.Id,
        Job = row.Job,
        Target = row.Target,
        Site = row.Site,
        DeviceId = row.DeviceId,
        DeviceName = row.DeviceName ?? row.DeviceId,
        Class = (RecordClass)row.Class,
        Kind = Enum.Parse<ConflictKind>(row.Kind),
        Reason = row.Reason,
        Candidates = row.Candidates.Split(", ", StringSplitOptions.RemoveEmptyEntries),
        State = Enum.Parse<ConflictState>(row.State),
        CreatedAt = Clock.Time(row.CreatedAt)!.Value,
        UpdatedAt = Clock.Time(row.UpdatedAt)!.Value,
        ResolvedAt = Clock.Time(row.ResolvedAt),
    };

    // What Dapper fills: columns as the database gives them.
    private sealed class ConflictRow
    {
        public long Id { get; init; }
        public string Job { get; init; } = string.Empty;
        public string Target { get; init; } = string.Empty;
        public string Site { get; init; } = string.Empty;
        public string DeviceId { get; init; } = string.Empty;
        public string? DeviceName { get; init; }
        public long Class { get; init; }
        public string Kind { get; init; } = string.Empty;
        public string Reason { get; init; } = string.Empty;
        public string Candidates { get; init; } = string.Empty;
        public string State { get; init; } = string.Empty;
        public long CreatedAt { get; init; }
        public long UpdatedAt { get; init; }
        public long? ResolvedAt { get; init; }
    }
}
