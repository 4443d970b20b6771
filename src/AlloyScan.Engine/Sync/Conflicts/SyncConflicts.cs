using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Store;
using AlloyScan.Engine.Sync.Links;
using AlloyScan.Engine.Sync.Undo;

namespace AlloyScan.Engine.Sync.Conflicts;

/// <summary>The list of conflicts: devices about which a person has to decide, and the decisions.</summary>
public sealed class SyncConflicts
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
            WHERE (@Id IS NULL OR c.id = @Id) AND (@Job IS NULL OR lower(c.job) = lower(@Job)) AND (@Site IS NULL OR lower(s.name) GLOB @Site)
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

    /// <summary>
    /// Decides a conflict. Linking and creating act at once, as a run of their own, which can be taken back; the next run of the job reads what is not known yet, such as software.
    /// </summary>
    /// <param name="id">Number of the conflict.</param>
    /// <param name="resolution">The decision.</param>
    /// <param name="recordId">ID of the CI, for <see cref="ConflictResolution.Link"/>.</param>
    /// <param name="warn">Hears what a person should know.</param>
    /// <returns>The conflict as it is now.</returns>
    /// <exception cref="AlloyScanException">
    /// No such conflict (<c>ConflictNotFound</c>), or it is decided already (<c>ConflictNotOpen</c>); its job is gone (<c>JobNotFound</c>); another run is going on (<c>JobRunning</c>);
    /// the CI is not there (<c>RecordNotFound</c>), of the other class (<c>WrongClass</c>), retired (<c>RecordRetired</c>) or another device's (<c>RecordLinked</c>).
    /// </exception>
    public SyncConflict Resolve(long id, ConflictResolution resolution, string? recordId = null, Action<string>? warn = null)
    {
        if (resolution == ConflictResolution.Link)
            ArgumentException.ThrowIfNullOrWhiteSpace(recordId);
        var conflict = Check(Get(id), resolution);
        if (resolution is ConflictResolution.Ignore or ConflictResolution.Reopen)
        {
            Mark(conflict, resolution == ConflictResolution.Ignore ? ConflictState.Ignored : ConflictState.Open);
            return Get(id);
        }

        if (conflict.Kind == ConflictKind.RestsOnJunk)
        {
            ResolveJunk(conflict, resolution, recordId, warn);
            return Get(id);
        }

        using var session = _store.NewSession();
        var job = _store.Jobs.Get(conflict.Job);
        var lease = Lease.Acquire(session, RunContext.BuiltInTarget, job.Name);
        try
        {
            // A run may have decided it while this one waited.
            var resolver = new ConflictResolver(session, job, Check(Get(id), resolution), _store.TimeProvider);
            if (resolution == ConflictResolution.Link)
                resolver.Link(recordId!.Trim().ToUpperInvariant(), lease, warn ?? (_ => { }));
            else
                resolver.Create(lease);
        }
        finally
        {
            UndoService.Release(lease);
        }

        return Get(id);
    }

    private static SyncConflict Check(SyncConflict conflict, ConflictResolution resolution)
    {
        if (resolution == ConflictResolution.Reopen)
        {
            return conflict.State == ConflictState.Ignored
                ? conflict
                : throw ConflictResolver.NotOpen(conflict, $"only an ignored one can be opened again, and it is {conflict.State}");
        }

        return conflict.State == ConflictState.Open ? conflict : throw ConflictResolver.NotOpen(conflict, $"it is {conflict.State}");
    }

    private void Mark(SyncConflict conflict, ConflictState state)
    {
        var now = _store.TimeProvider.NowMilliseconds();
        using var session = _store.NewSession();
        if (session.Execute("UPDATE conflicts SET state = @p1, updated_at = @p2, resolved_at = @p3 WHERE id = @p0 AND state = @p4",
            conflict.Id, state.ToString(), now, state == ConflictState.Open ? null : now, conflict.State.ToString()) == 0)
        {
            throw ConflictResolver.NotOpen(conflict, "somebody else has just decided it");
        }
    }

    /// <summary>The device is linked, by a rule on a value that turned junk: the link is confirmed or split.</summary>
    private void ResolveJunk(SyncConflict conflict, ConflictResolution resolution, string? recordId, Action<string>? warn)
    {
        if (resolution == ConflictResolution.Create)
        {
            _store.Links.Split(conflict.DeviceId, conflict.Site, warn);
            // If the link has been split otherwise before, the conflict is settled all the same.
            if (Get(conflict.Id) is { State: ConflictState.Open } open)
                Mark(open, ConflictState.Created);
            return;
        }

        var link = _store.Links.List(new LinkFilter { DeviceId = conflict.DeviceId }).FirstOrDefault(l => l.Site == conflict.Site && l.State is LinkState.Live or LinkState.Missing);
        if (link is null || !string.Equals(link.RecordId, recordId!.Trim(), StringComparison.OrdinalIgnoreCase))
        {
            throw new AlloyScanException(
                ErrorKind.InvalidArgument, "RecordLinked", $"The device {conflict.DeviceName} is linked to {link?.RecordId ?? "no CI any more"}, and conflict {conflict.Id} asks whether that is right.", recordId,
                "Confirm it with -Link and the ID of that CI, or give the device its own CI with -Create.");
        }

        Mark(conflict, ConflictState.Linked);
    }

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
