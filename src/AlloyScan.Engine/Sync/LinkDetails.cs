using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Store;

namespace AlloyScan.Engine.Sync;

/// <summary>A link with all that it keeps.</summary>
internal sealed record LinkDetails
{
    public required long Id { get; init; }

    public required string DeviceId { get; init; }

    public required RecordClass Class { get; init; }

    public required long Record { get; init; }

    public required long RecordNumber { get; init; }

    public required LinkState State { get; init; }

    public required long Fingerprint { get; init; }

    public required string? AuditId { get; init; }

    public required long? LastSeen { get; init; }

    public required bool SoftwareImported { get; init; }

    public required int SoftwareCount { get; init; }

    public required string? EmptyAudit { get; init; }

    /// <summary>Products that the choice of software groups left out, as packed hashes.</summary>
    public required string? Excluded { get; init; }

    /// <summary>When we retired the CI for absence; <see langword="null"/> when we did not, whoever else may have.</summary>
    public required long? RetiredAt { get; init; }

    /// <summary>Status that the CI had before we retired it; empty for none.</summary>
    public required string? RetiredFrom { get; init; }

    /// <summary>The facts applied last, as JSON.</summary>
    public required string Source { get; init; }

    /// <summary>The values written last, as JSON.</summary>
    public required string Written { get; init; }

    /// <summary>Name of the CI, for people.</summary>
    public required string DeviceName { get; init; }

    public static LinkDetails? Get(StoreSession session, long id)
    {
        using var reader = session.Prepare("""
            SELECT l.device_id, l.class, l.record, l.record_number, l.state, l.fingerprint, l.audit_id, l.last_seen, l.software_imported, l.software_count, l.empty_audit,
                v.source, v.written, r.name, l.retired_at, l.retired_from, v.excluded
            FROM links l LEFT JOIN link_values v ON v.link = l.id LEFT JOIN records r ON r.id = l.record WHERE l.id = @p0
            """).Set(0, id).Read();
        return !reader.Read() ? null : new LinkDetails
        {
            Id = id,
            DeviceId = reader.GetString(0),
            Class = (RecordClass)reader.GetInt32(1),
            Record = reader.GetInt64(2),
            RecordNumber = reader.GetInt64(3),
            State = (LinkState)reader.GetInt32(4),
            Fingerprint = reader.GetInt64(5),
            AuditId = reader.Text(6),
            LastSeen = reader.Number(7),
            SoftwareImported = reader.GetInt32(8) != 0,
            SoftwareCount = reader.GetInt32(9),
            EmptyAudit = reader.Text(10),
            Source = reader.Text(11) ?? "{}",
            Written = reader.Text(12) ?? "{}",
            DeviceName = reader.Text(13) ?? reader.GetString(0),
            RetiredAt = reader.Number(14),
            RetiredFrom = reader.Text(15),
            Excluded = reader.Text(16),
        };
    }
}
