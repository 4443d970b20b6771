using AlloyScan.Engine.Cmdb;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Store;
using AlloyScan.Engine.Sync;
using Newtonsoft.Json;

namespace AlloyScan.Engine.Jobs;

/// <summary>What runs did: their records, journal and errors.</summary>
public sealed class RunHistory
{
    private const string RunColumns = """
        r.id AS Id, r.job AS Job, t.name AS Target, s.name AS Site, r.started_at AS StartedAt, r.ended_at AS EndedAt, r.status AS Status, r.message AS Message, r.complete AS Complete,
        r.devices_read AS DevicesRead, r.created AS Created, r.updated AS Updated, r.unchanged AS Unchanged, r.conflicts AS Conflicts, r.missing AS Missing, r.retired AS Retired,
        r.deleted_in_alloyscan AS DeletedInAlloyScan, r.installations_added AS InstallationsAdded, r.installations_removed AS InstallationsRemoved,
        r.products_added AS ProductsAdded, r.products_removed AS ProductsRemoved, r.skipped AS Skipped, r.errors AS Errors, r.api_calls AS ApiCalls, r.bytes_received AS BytesReceived,
        r.stage_seconds AS StageSeconds, r.nameless_software AS NamelessSoftware, r.unsettled AS Unsettled, r.kind AS Kind, r.undoes AS Undoes, r.undone_by AS UndoneBy, r.held AS Held, r.parked AS Parked,
        (SELECT max(p.id) FROM plans p WHERE p.run_id = r.id OR p.approved_by = r.id) AS PlanId
        FROM runs r JOIN targets t ON t.id = r.target_id JOIN sites s ON s.id = r.site_id
        """;

    // A run of an unsaved job parks as a new job does.
    private const string Parked = """
        CASE WHEN coalesce(j.park_after, 5) > 0 AND EXISTS (
            SELECT 1 FROM failing_devices f WHERE f.site_id = r.site_id AND f.device_id = e.device_id AND f.run_id = e.run_id AND f.attempts >= coalesce(j.park_after, 5)) THEN 1 ELSE 0 END
        """;

    private readonly AlloyStore _store;

    internal RunHistory(AlloyStore store) => _store = store;

    /// <summary>Runs, newest first.</summary>
    /// <param name="job">Name of a job; <see langword="null"/> for all.</param>
    /// <param name="limit">Most to return; <see langword="null"/> for all.</param>
    public IEnumerable<SyncRun> List(string? job = null, int? limit = null) =>
        _store.Stream<RunRow>(
            $"SELECT {RunColumns} WHERE @job IS NULL OR lower(r.job) = lower(@job) ORDER BY r.id DESC LIMIT @limit", new { job, limit = limit ?? int.MaxValue }).Select(ToRun);

    /// <summary>One run.</summary>
    /// <param name="id">Its number.</param>
    /// <exception cref="AlloyScanException">There is none (<c>RunNotFound</c>).</exception>
    public SyncRun Get(long id) =>
        _store.Stream<RunRow>($"SELECT {RunColumns} WHERE r.id = @id", new { id }).Select(ToRun).FirstOrDefault()
        ?? throw new AlloyScanException(ErrorKind.NotFound, "RunNotFound", $"There is no run {id} in the store.", id, "List the runs to see their numbers.");

    /// <summary>The journal, streamed in the order it was written.</summary>
    /// <param name="runId">Number of a run; <see langword="null"/> for all.</param>
    /// <param name="recordId">ID of a CI; <see langword="null"/> for all.</param>
    public IEnumerable<JournalEntry> Changes(long? runId = null, string? recordId = null)
    {
        var (recordClass, number) = recordId is null ? (null, null) : RecordIds.Parse(recordId);
        return _store.Stream<JournalRow>(
            """
            SELECT c.run_id AS RunId, t.name AS Target, c.class AS Class, c.number AS Number, c.action AS Action, c.field AS Field, c.old_value AS OldValue, c.new_value AS NewValue
            FROM changes c JOIN targets t ON t.id = c.target_id
            WHERE (@runId IS NULL OR c.run_id = @runId) AND (@recordClass IS NULL OR (c.class = @recordClass AND c.number = @number)) ORDER BY c.id
            """,
            new { runId, recordClass, number }).Select(row => new JournalEntry
            {
                RunId = row.RunId,
                Target = row.Target,
                Class = (RecordClass)row.Class,
                RecordId = RunContext.RecordId((RecordClass)row.Class, row.Number),
                Action = row.Action,
                Field = row.Field,
                OldValue = row.OldValue,
                NewValue = row.NewValue,
            });
    }

    /// <summary>The error rows, streamed.</summary>
    /// <param name="runId">Number of a run; <see langword="null"/> for all.</param>
    /// <param name="parkedOnly">Only the newest row of each device that is parked.</param>
    public IEnumerable<SyncError> Errors(long? runId = null, bool parkedOnly = false) =>
        _store.Stream<ErrorRow>(
            $"""
            SELECT e.run_id AS RunId, e.device_id AS DeviceId, e.device_name AS DeviceName, e.stage AS Stage, e.error_id AS ErrorId, e.message AS Message, e.attempts AS Attempts,
                {Parked} AS Parked
            FROM errors e JOIN runs r ON r.id = e.run_id LEFT JOIN jobs j ON j.id = r.job_id WHERE (@runId IS NULL OR e.run_id = @runId) AND (@parkedOnly = 0 OR {Parked} = 1) ORDER BY e.id
            """,
            new { runId, parkedOnly = parkedOnly ? 1 : 0 }).Select(row => new SyncError
            {
                RunId = row.RunId,
                DeviceId = row.DeviceId,
                DeviceName = row.DeviceName,
                Stage = row.Stage,
                ErrorId = row.ErrorId,
                Message = row.Message,
                Attempts = (int)row.Attempts,
                Parked = row.Parked != 0,
            });

    private static SyncRun ToRun(RunRow row) => new()
    {
        Id = row.Id,
        Kind = Enum.Parse<SyncRunKind>(row.Kind),
        Undoes = row.Undoes,
        UndoneBy = row.UndoneBy,
        PlanId = row.PlanId,
        Job = row.Job,
        Target = row.Target,
        Site = row.Site,
        StartedAt = Clock.Time(row.StartedAt)!.Value,
        EndedAt = Clock.Time(row.EndedAt),
        Status = Enum.Parse<SyncRunStatus>(row.Status),
        Message = row.Message,
        Complete = row.Complete != 0,
        DevicesRead = (int)row.DevicesRead,
        Created = (int)row.Created,
        Updated = (int)row.Updated,
        Unchanged = (int)row.Unchanged,
        Conflicts = (int)row.Conflicts,
        Missing = (int)row.Missing,
        Retired = (int)row.Retired,
        DeletedInAlloyScan = (int)row.DeletedInAlloyScan,
        InstallationsAdded = (int)row.InstallationsAdded,
        InstallationsRemoved = (int)row.InstallationsRemoved,
        ProductsAdded = (int)row.ProductsAdded,
        ProductsRemoved = (int)row.ProductsRemoved,
        NamelessSoftware = (int)row.NamelessSoftware,
        Unsettled = (int)row.Unsettled,
        Skipped = (int)row.Skipped,
        Parked = (int)row.Parked,
        Held = (int)row.Held,
        Errors = (int)row.Errors,
        ApiCalls = row.ApiCalls,
        BytesReceived = row.BytesReceived,
        StageSeconds = row.StageSeconds is null ? new Dictionary<string, double>() : JsonConvert.DeserializeObject<Dictionary<string, double>>(row.StageSeconds)!,
    };

    // What Dapper fills: the types that SQLite gives, in the order of no particular constructor.
    private sealed class RunRow
    {
        public long Id { get; init; }
        public string Job { get; init; } = string.Empty;
        public string Target { get; init; } = string.Empty;
        public string Site { get; init; } = string.Empty;
        public long StartedAt { get; init; }
        public long? EndedAt { get; init; }
        public string Status { get; init; } = string.Empty;
        public string? Message { get; init; }
        public long Complete { get; init; }
        public long DevicesRead { get; init; }
        public long Created { get; init; }
        public long Updated { get; init; }
        public long Unchanged { get; init; }
        public long Conflicts { get; init; }
        public long Missing { get; init; }
        public long Retired { get; init; }
        public long DeletedInAlloyScan { get; init; }
        public long InstallationsAdded { get; init; }
        public long InstallationsRemoved { get; init; }
        public long ProductsAdded { get; init; }
        public long ProductsRemoved { get; init; }
        public long NamelessSoftware { get; init; }
        public long Unsettled { get; init; }
        public long Skipped { get; init; }
        public long Parked { get; init; }
        public long Errors { get; init; }
        public long ApiCalls { get; init; }
        public long BytesReceived { get; init; }
        public string? StageSeconds { get; init; }
        public string Kind { get; init; } = string.Empty;
        public long? Undoes { get; init; }
        public long? UndoneBy { get; init; }
        public long Held { get; init; }
        public long? PlanId { get; init; }
    }

    private sealed class JournalRow
    {
        public long RunId { get; init; }
        public string Target { get; init; } = string.Empty;
        public long Class { get; init; }
        public long Number { get; init; }
        public string Action { get; init; } = string.Empty;
        public string? Field { get; init; }
        public string? OldValue { get; init; }
        public string? NewValue { get; init; }
    }

    private sealed class ErrorRow
    {
        public long RunId { get; init; }
        public string? DeviceId { get; init; }
        public string? DeviceName { get; init; }
        public string Stage { get; init; } = string.Empty;
        public string ErrorId { get; init; } = string.Empty;
        public string Message { get; init; } = string.Empty;
        public long Attempts { get; init; }
        public long Parked { get; init; }
    }
}
