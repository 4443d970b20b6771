using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Store;
using Newtonsoft.Json;

namespace AlloyScan.Engine.Sync.Undo;

/// <summary>A link as it stood before it was changed: what the journal keeps of it and an undo puts back.</summary>
internal sealed record LinkImage
{
    private const string Columns = """
        id, class, record, record_number, state, list_hash, fingerprint, record_version, platform, audit_id, audited_at, last_seen, missing_since, closed_reason,
        software_imported, software_count, empty_audit, rule, missing_runs, retired_at, retired_from, taken_back
        """;

    [JsonIgnore]
    public long Id { get; init; }

    public RecordClass Class { get; init; }

    public long Record { get; init; }

    public long Number { get; init; }

    public LinkState State { get; init; }

    public long ListHash { get; init; }

    public long Fingerprint { get; init; }

    public long Version { get; init; }

    public string? Platform { get; init; }

    public string? AuditId { get; init; }

    public long? AuditedAt { get; init; }

    public long? LastSeen { get; init; }

    public long? MissingSince { get; init; }

    public string? ClosedReason { get; init; }

    public bool SoftwareImported { get; init; }

    public int SoftwareCount { get; init; }

    public string? EmptyAudit { get; init; }

    public string? Rule { get; init; }

    public int MissingRuns { get; init; }

    public long? RetiredAt { get; init; }

    public string? RetiredFrom { get; init; }

    public bool TakenBack { get; init; }

    /// <summary>The link with this key; <see langword="null"/> when there is none.</summary>
    public static LinkImage? Read(StoreSession session, long id) =>
        Read(session.Prepare($"SELECT {Columns} FROM links WHERE id = @p0").Set(0, id));

    /// <summary>The link of a device; <see langword="null"/> when it never had one.</summary>
    public static LinkImage? Read(StoreSession session, long targetId, long siteId, string deviceId) =>
        Read(session.Prepare($"SELECT {Columns} FROM links WHERE target_id = @p0 AND site_id = @p1 AND device_id = @p2").Set(0, targetId).Set(1, siteId).Set(2, deviceId));

    private static LinkImage? Read(Statement statement)
    {
        using var reader = statement.Read();
        return !reader.Read() ? null : new LinkImage
        {
            Id = reader.GetInt64(0),
            Class = (RecordClass)reader.GetInt32(1),
            Record = reader.GetInt64(2),
            Number = reader.GetInt64(3),
            State = (LinkState)reader.GetInt32(4),
            ListHash = reader.GetInt64(5),
            Fingerprint = reader.GetInt64(6),
            Version = reader.GetInt64(7),
            Platform = reader.Text(8),
            AuditId = reader.Text(9),
            AuditedAt = reader.Number(10),
            LastSeen = reader.Number(11),
            MissingSince = reader.Number(12),
            ClosedReason = reader.Text(13),
            SoftwareImported = reader.GetInt32(14) != 0,
            SoftwareCount = reader.GetInt32(15),
            EmptyAudit = reader.Text(16),
            Rule = reader.Text(17),
            MissingRuns = reader.GetInt32(18),
            RetiredAt = reader.Number(19),
            RetiredFrom = reader.Text(20),
            TakenBack = reader.GetInt32(21) != 0,
        };
    }

    /// <summary>
    /// Puts the link back to what the image says of its place and state. What the site said of the device since stays,
    /// and a fingerprint of 0 makes the next run read the device again, since that may not be in the CI any more.
    /// </summary>
    public void RestoreState(StoreSession session, long id) =>
        session.Prepare("""
            UPDATE links SET class = @p1, record = @p2, record_number = @p3, state = @p4, fingerprint = 0, missing_since = @p5, closed_reason = @p6, software_imported = @p7,
                software_count = @p8, empty_audit = @p9, rule = @p10, missing_runs = @p11, retired_at = @p12, retired_from = @p13, taken_back = @p14 WHERE id = @p0
            """)
            .Set(0, id).Set(1, (int)Class).Set(2, Record).Set(3, Number).Set(4, (int)State).Set(5, MissingSince).Set(6, ClosedReason).Set(7, SoftwareImported ? 1 : 0)
            .Set(8, SoftwareCount).Set(9, EmptyAudit).Set(10, Rule).Set(11, MissingRuns).Set(12, RetiredAt).Set(13, RetiredFrom).Set(14, TakenBack ? 1 : 0).Execute();
}
