using AlloyScan.Engine.Cmdb;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Store;
using AlloyScan.Engine.Sync.Map;

namespace AlloyScan.Engine.Sync.Identify;

/// <summary>What identification says of an unlinked device.</summary>
internal enum DecisionKind
{
    Create,
    Link,
    Conflict,
}

/// <summary>The decision on one unlinked device.</summary>
/// <param name="Kind">What to do.</param>
/// <param name="Reason">The rule that fitted, or why it is a conflict.</param>
/// <param name="Record">The CI to link.</param>
/// <param name="Candidates">All CIs that came into question, for a conflict.</param>
/// <param name="CloseLink">Link of a device that gives its CI up.</param>
internal sealed record Decision(DecisionKind Kind, string Reason, long Record = 0, IReadOnlyList<long>? Candidates = null, long CloseLink = 0)
{
    public static readonly Decision Create = new(DecisionKind.Create, "No rule matched");
}

/// <summary>
/// Recognises unlinked devices as existing CIs. Sees CIs of the target that are linked to the job's site or to none.
/// A rehearsal writes no CI, so what it would have written stands in temporary tables beside the real ones; both
/// kinds of run therefore decide alike.
/// </summary>
internal sealed class Identification
{
    /// <summary>A value that more devices than this carry identifies none of them.</summary>
    public const int MostCarriers = 3;

    private const int MostCandidates = 64;

    private readonly RunContext _context;
    private readonly StoreSession _session;
    private readonly Statement _listedWith;
    private readonly Statement _recordsWith;
    private readonly Statement _anyRecordWith;
    private readonly Dictionary<Identifier, bool> _junk = [];
    private readonly bool _cmdbWasEmpty;
    private readonly IReadOnlyList<IdentificationRule> _rules;
    private long _nextPlanned = -1;

    public Identification(RunContext context)
    {
        _context = context;
        _session = context.Session;
        _rules = IdentificationPolicy.Load(_session);
        _session.Execute("""
            CREATE TEMP TABLE planned_records (id INTEGER PRIMARY KEY, class INTEGER NOT NULL, serial TEXT, device_id TEXT NOT NULL);
            CREATE TEMP TABLE planned_identifiers (kind INTEGER NOT NULL, value TEXT NOT NULL, record INTEGER NOT NULL, PRIMARY KEY (kind, value, record)) WITHOUT ROWID;
            CREATE TEMP TABLE planned_replaced (record INTEGER PRIMARY KEY);
            CREATE TEMP TABLE planned_links (record INTEGER PRIMARY KEY, device_id TEXT NOT NULL);
            CREATE TEMP TABLE planned_missing (link INTEGER PRIMARY KEY);
            """);
        _listedWith = _session.Prepare("SELECT 1 FROM temp.staged_identifiers WHERE kind = @p0 AND value = @p1 AND device_id <> @p2 LIMIT 1");
        // The plus keeps class and target from being looked up in an index: the few CIs with the value come first, not the many of a class.
        const string inScope = """
            +r.target_id = @p2 AND (NOT EXISTS (SELECT 1 FROM links l WHERE l.record = r.id) OR EXISTS (SELECT 1 FROM links l WHERE l.record = r.id AND l.site_id = @p3))
            """;
        _anyRecordWith = _session.Prepare($"SELECT 1 FROM record_identifiers i JOIN records r ON r.id = i.record WHERE i.kind = @p0 AND i.value = @p1 AND {inScope} LIMIT 1")
            .Set(2, context.TargetId).Set(3, context.SiteId);
        _recordsWith = _session.Prepare($"""
            SELECT i.record FROM record_identifiers i JOIN records r ON r.id = i.record
            WHERE i.kind = @p0 AND i.value = @p1 AND +r.class = @p4 AND {inScope} AND i.record NOT IN (SELECT record FROM temp.planned_replaced)
            UNION SELECT i.record FROM temp.planned_identifiers i LEFT JOIN temp.planned_records p ON p.id = i.record LEFT JOIN records r ON r.id = i.record
            WHERE i.kind = @p0 AND i.value = @p1 AND coalesce(p.class, r.class) = @p4
            LIMIT {MostCandidates}
            """).Set(2, context.TargetId).Set(3, context.SiteId);
        _cmdbWasEmpty = _session.Prepare("SELECT 1 FROM records LIMIT 1").Number() is null;
    }

    /// <summary>
    /// Whether a device can be created at once: no rule could fit it, because for none of them do all the identifiers that
    /// it compares stand on a CI or on another listed or staged device. Anything else waits until all devices of the run
    /// are staged, so that the order of reading does not matter.
    /// </summary>
    public bool IsAlone(DeviceFacts facts, List<Identifier> identifiers)
    {
        var shared = 0;
        foreach (var (kind, value) in identifiers)
        {
            // Into an empty CMDB every CI comes from a staged device of this run, which the first look sees.
            if (_listedWith.Set(0, (int)kind).Set(1, value).Set(2, facts.DeviceId).Number() is not null
                || (!_cmdbWasEmpty && _anyRecordWith.Set(0, (int)kind).Set(1, value).Number() is not null))
            {
                shared |= 1 << (int)kind;
            }
        }

        if (shared == 0)
            return true;

        foreach (var rule in _rules)
        {
            if (rule.Class == facts.Class && rule.Conditions.All(c => IsShared((IdentifierKind)c.Attribute, rule, shared)))
                return false;
        }

        return true;
    }

    private static bool IsShared(IdentifierKind kind, IdentificationRule rule, int shared) =>
        (shared & (1 << (int)kind)) != 0
        || (kind == IdentifierKind.MacAddress && rule.Conditions.Count > 1 && (shared & (1 << (int)IdentifierKind.WeakMacAddress)) != 0);

    /// <summary>Decides on a device after all are staged.</summary>
    public Decision Decide(DeviceFacts facts)
    {
        var identifiers = facts.Identifiers();
        var carriers = new Dictionary<IdentifierKind, HashSet<long>>();
        var serial = identifiers.FirstOrDefault(i => i.Kind == IdentifierKind.SerialNumber).Value;
        if (serial is not null && IsJunk(new Identifier(IdentifierKind.SerialNumber, serial)))
            serial = null;

        foreach (var identifier in identifiers)
        {
            if (IsJunk(identifier))
                continue;

            if (!carriers.TryGetValue(identifier.Kind, out var records))
                carriers.Add(identifier.Kind, records = []);
            using var reader = _recordsWith.Set(0, (int)identifier.Kind).Set(1, identifier.Value).Set(4, (int)facts.Class).Read();
            while (reader.Read())
                records.Add(reader.GetInt64(0));
        }

        foreach (var rule in _rules)
        {
            if (rule.Class != facts.Class)
                continue;

            var candidates = Candidates(rule, carriers);
            if (candidates.Count == 0)
                continue;

            return Judge(rule, candidates, serial);
        }

        return Decision.Create;
    }

    /// <summary>Notes a CI that a rehearsal would have created. Returns its stand-in number, below zero.</summary>
    public void NotePlannedCreate(DeviceFacts facts)
    {
        var id = _nextPlanned--;
        var identifiers = facts.Identifiers();
        _session.Prepare("INSERT INTO temp.planned_records (id, class, serial, device_id) VALUES (@p0, @p1, @p2, @p3)")
            .Set(0, id).Set(1, (int)facts.Class).Set(2, identifiers.FirstOrDefault(i => i.Kind == IdentifierKind.SerialNumber).Value).Set(3, facts.DeviceId).Execute();
        NotePlannedIdentifiers(id, identifiers);
    }

    /// <summary>Notes that a rehearsal would have given a CI other identifiers.</summary>
    public void NotePlannedUpdate(long record, DeviceFacts facts)
    {
        _session.Prepare("INSERT OR IGNORE INTO temp.planned_replaced (record) VALUES (@p0)").Set(0, record).Execute();
        NotePlannedIdentifiers(record, facts.Identifiers());
    }

    /// <summary>Notes that a rehearsal would have linked a CI to a device.</summary>
    public void NotePlannedLink(long record, DeviceFacts facts)
    {
        _session.Prepare("INSERT OR REPLACE INTO temp.planned_links (record, device_id) VALUES (@p0, @p1)").Set(0, record).Set(1, facts.DeviceId).Execute();
        NotePlannedUpdate(record, facts);
    }

    /// <summary>Whether a rehearsal would have linked a CI to a device.</summary>
    public bool IsPlannedLink(long record) => _session.Prepare("SELECT 1 FROM temp.planned_links WHERE record = @p0").Set(0, record).Number() is not null;

    /// <summary>Notes that a rehearsal would have marked a link missing.</summary>
    public void NotePlannedMissing(long link) =>
        _session.Prepare("INSERT OR IGNORE INTO temp.planned_missing (link) VALUES (@p0)").Set(0, link).Execute();

    private void NotePlannedIdentifiers(long record, List<Identifier> identifiers)
    {
        foreach (var identifier in identifiers)
        {
            _session.Prepare("INSERT OR IGNORE INTO temp.planned_identifiers (kind, value, record) VALUES (@p0, @p1, @p2)")
                .Set(0, (int)identifier.Kind).Set(1, identifier.Value).Set(2, record).Execute();
        }
    }

    /// <summary>The CIs on which all conditions of a rule hold.</summary>
    private static HashSet<long> Candidates(IdentificationRule rule, Dictionary<IdentifierKind, HashSet<long>> carriers)
    {
        HashSet<long>? result = null;
        foreach (var condition in rule.Conditions)
        {
            HashSet<long> matching = carriers.TryGetValue((IdentifierKind)condition.Attribute, out var found) ? [.. found] : [];
            // A weak address supports a rule that has another condition; alone it identifies nothing.
            if (condition.Attribute == IdentificationAttribute.MacAddress && rule.Conditions.Count > 1 && carriers.TryGetValue(IdentifierKind.WeakMacAddress, out var weak))
                matching.UnionWith(weak);
            if (result is null)
                result = matching;
            else
                result.IntersectWith(matching);
            if (result.Count == 0)
                return result;
        }

        return result ?? [];
    }

    private Decision Judge(IdentificationRule rule, HashSet<long> candidates, string? serial)
    {
        var ordered = candidates.OrderBy(c => c).ToList();
        var names = string.Join(", ", ordered.Take(5).Select(Describe)) + (ordered.Count > 5 ? ", ..." : string.Empty);
        if (ordered.Count > 1)
            return new Decision(DecisionKind.Conflict, $"{rule.Name}, but on {ordered.Count} CIs: {names}", 0, ordered);

        var record = ordered[0];
        if (rule.Action == RuleAction.Conflict)
            return new Decision(DecisionKind.Conflict, $"{rule.Name} on {names}", 0, ordered);

        var otherSerial = SerialOf(record);
        if (serial is not null && otherSerial is not null && serial != otherSerial)
            return new Decision(DecisionKind.Conflict, $"{rule.Name} on {names}, but the serial numbers differ", 0, ordered);

        if (record > 0 && IsRetired(record))
            return new Decision(DecisionKind.Conflict, $"{rule.Name} on {names}, which is retired", 0, ordered);

        if (HolderOf(record) is not { } holder)
            return new Decision(DecisionKind.Link, rule.Name, record);

        if (holder.Missing && rule.IsStrong)
            return new Decision(DecisionKind.Link, $"{rule.Name}; the CI's former device {holder.DeviceId} is gone", record, null, holder.Link);

        return new Decision(
            DecisionKind.Conflict, $"{rule.Name} on {names}, which belongs to the {(holder.Missing ? "missing" : "live")} device {holder.DeviceId}", 0, ordered);
    }

    /// <summary>
    /// Whether more than <see cref="MostCarriers"/> machines carry a value: CIs with a live link, and unlinked devices of this run.
    /// Names are shared in honest ways and are never junk.
    /// </summary>
    private bool IsJunk(Identifier identifier)
    {
        if (identifier.Kind is IdentifierKind.Name or IdentifierKind.AssetTag)
            return false;
        if (_junk.TryGetValue(identifier, out var known))
            return known;

        var count = _session.Prepare($"""
            SELECT count(*) FROM (
                SELECT device_id FROM temp.staged_identifiers WHERE kind = @p0 AND value = @p1
                UNION SELECT l.device_id FROM record_identifiers i JOIN links l ON l.record = i.record AND l.state = 1 AND l.site_id = @p2
                WHERE i.kind = @p0 AND i.value = @p1 AND i.record NOT IN (SELECT record FROM temp.planned_replaced) AND l.id NOT IN (SELECT link FROM temp.planned_missing)
                UNION SELECT l.device_id FROM temp.planned_identifiers i JOIN links l ON l.record = i.record AND l.state = 1 AND l.site_id = @p2
                WHERE i.kind = @p0 AND i.value = @p1
                LIMIT {MostCarriers + 1})
            """).Set(0, (int)identifier.Kind).Set(1, identifier.Value).Set(2, _context.SiteId).Number() ?? 0;
        var junk = count > MostCarriers;
        _junk.Add(identifier, junk);
        return junk;
    }

    private string? SerialOf(long record)
    {
        if (record < 0)
            return _session.Prepare("SELECT serial FROM temp.planned_records WHERE id = @p0").Set(0, record).Text();

        var serial = Identifiers.SerialNumber(_session.Prepare("SELECT serial_number FROM records WHERE id = @p0").Set(0, record).Text());
        return serial is not null && IsJunk(new Identifier(IdentifierKind.SerialNumber, serial)) ? null : serial;
    }

    private bool IsRetired(long record) => RecordStatus.IsRetired(_session.Prepare("SELECT status FROM records WHERE id = @p0").Set(0, record).Text());

    private (long Link, string DeviceId, bool Missing)? HolderOf(long record)
    {
        if (record < 0)
            return (0, _session.Prepare("SELECT device_id FROM temp.planned_records WHERE id = @p0").Set(0, record).Text()!, false);
        if (_session.Prepare("SELECT device_id FROM temp.planned_links WHERE record = @p0").Set(0, record).Text() is { } planned)
            return (0, planned, false);

        using var reader = _session.Prepare("""
            SELECT l.id, l.device_id, l.state, m.link FROM links l LEFT JOIN temp.planned_missing m ON m.link = l.id
            WHERE l.record = @p0 AND l.state IN (1, 2) ORDER BY l.state
            """).Set(0, record).Read();
        return reader.Read() ? (reader.GetInt64(0), reader.GetString(1), reader.GetInt32(2) == (int)LinkState.Missing || !reader.IsDBNull(3)) : null;
    }

    private string Describe(long record)
    {
        if (record < 0)
            return $"the CI of device {_session.Prepare("SELECT device_id FROM temp.planned_records WHERE id = @p0").Set(0, record).Text()}";

        using var reader = _session.Prepare("SELECT class, number FROM records WHERE id = @p0").Set(0, record).Read();
        return reader.Read() ? RunContext.RecordId((RecordClass)reader.GetInt32(0), reader.GetInt64(1)) : "a CI that is gone";
    }
}
