using AlloyScan.Engine.Cmdb;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Store;
using AlloyScan.Engine.Sync.Map;

namespace AlloyScan.Engine.Sync.Identify;

/// <summary>
/// Finds CIs by what they carry, each question by an index. Sees CIs of the target that have a link to the job's site, or
/// to a site that the job names, or no link at all. What a rehearsal would have written, and what a real run sets aside until the guard
/// has judged it, stands in temporary tables beside the real ones; all kinds of run therefore decide alike.
/// </summary>
internal sealed class CandidateIndex
{
    /// <summary>CIs that one question looks at; when there are more, the value identifies nothing.</summary>
    public const int MostLooked = 256;

    private readonly RunContext _context;
    private readonly StoreSession _session;
    private readonly RuleSet _rules;
    private readonly Statement _find;
    private readonly Statement _findPlanned;
    private readonly Statement _has;
    private readonly Statement _hasPlanned;
    private readonly Statement _any;
    private readonly Statement _anyPlanned;
    private bool _masksBuilt;
    private long _nextPlanned = -1;

    public CandidateIndex(RunContext context, RuleSet rules)
    {
        _context = context;
        _session = context.Session;
        _rules = rules;
        _session.Execute("""
            CREATE TEMP TABLE scope_sites (site_id INTEGER PRIMARY KEY);
            CREATE TEMP TABLE planned_records (id INTEGER PRIMARY KEY, class INTEGER NOT NULL, device_id TEXT NOT NULL);
            CREATE TEMP TABLE planned_identifiers (kind INTEGER NOT NULL, value TEXT NOT NULL, record INTEGER NOT NULL, PRIMARY KEY (kind, value, record)) WITHOUT ROWID;
            CREATE INDEX temp.planned_identifiers_record ON planned_identifiers (record);
            CREATE TEMP TABLE planned_removed (kind INTEGER NOT NULL, value TEXT NOT NULL, record INTEGER NOT NULL, PRIMARY KEY (kind, value, record)) WITHOUT ROWID;
            CREATE TEMP TABLE planned_links (record INTEGER PRIMARY KEY, device_id TEXT NOT NULL);
            CREATE TEMP TABLE planned_missing (link INTEGER PRIMARY KEY);
            CREATE TEMP TABLE planned_returned (link INTEGER PRIMARY KEY);
            """);
        _session.Prepare("INSERT INTO temp.scope_sites (site_id) VALUES (@p0)").Set(0, context.SiteId).Execute();
        foreach (var site in context.Job.IdentificationSites)
            _session.Prepare("INSERT INTO temp.scope_sites (site_id) SELECT id FROM sites WHERE lower(name) = lower(@p0) ON CONFLICT DO NOTHING").Set(0, site).Execute();

        const string removed = "NOT EXISTS (SELECT 1 FROM temp.planned_removed x WHERE x.kind = i.kind AND x.value = i.value AND x.record = i.record)";
        // The plus keeps class and target from being looked up in an index: the few CIs with the value come first, not the many of a class.
        var find = $"SELECT i.record FROM record_identifiers i JOIN records r ON r.id = i.record WHERE i.kind = @p0 AND i.value = @p1 AND +r.class = @p2 AND {InScope("@p3")}";
        var limit = FormattableString.Invariant($" LIMIT {MostLooked}");
        _find = _session.Prepare(find + limit).Set(3, context.TargetId);
        _findPlanned = _session.Prepare(
            $"""
            {find} AND {removed}
            UNION SELECT i.record FROM temp.planned_identifiers i LEFT JOIN temp.planned_records p ON p.id = i.record LEFT JOIN records r ON r.id = i.record
            WHERE i.kind = @p0 AND i.value = @p1 AND coalesce(p.class, r.class) = @p2
            """ + limit).Set(3, context.TargetId);
        const string has = "SELECT 1 FROM record_identifiers i WHERE i.kind = @p0 AND i.value = @p1 AND i.record = @p2";
        _has = _session.Prepare(has);
        _hasPlanned = _session.Prepare($"{has} AND {removed} UNION SELECT 1 FROM temp.planned_identifiers WHERE kind = @p0 AND value = @p1 AND record = @p2");
        _any = _session.Prepare($"SELECT 1 FROM record_identifiers i JOIN records r ON r.id = i.record WHERE i.kind = @p0 AND i.value = @p1 AND {InScope("@p2")} LIMIT 1").Set(2, context.TargetId);
        _anyPlanned = _session.Prepare("SELECT 1 FROM temp.planned_identifiers WHERE kind = @p0 AND value = @p1 LIMIT 1");
        WasEmpty = _session.Prepare("SELECT 1 FROM records LIMIT 1").Number() is null;
        if (rules.UsesAuditId)
            BuildAudits();
    }

    /// <summary>Says of a value whether it is junk; set before the first question.</summary>
    public Func<Identifier, bool> IsJunk { get; set; } = _ => false;

    /// <summary>Whether the CMDB held no CI when the run began, so that every CI comes from a device of this run.</summary>
    public bool WasEmpty { get; }

    /// <summary>Whether any CI in scope carries a value, whatever its class.</summary>
    public bool Any(Identifier identifier)
    {
        if (identifier.Kind == IdentifierKind.AuditId)
            return _session.Prepare("SELECT 1 FROM temp.link_audits WHERE audit_id = @p0 LIMIT 1").Set(0, identifier.Value).Number() is not null;
        return !WasEmpty && (_any.Set(0, (int)identifier.Kind).Set(1, identifier.Value).Number() is not null
            || (_context.AnyPlanned && _anyPlanned.Set(0, (int)identifier.Kind).Set(1, identifier.Value).Number() is not null));
    }

    /// <summary>CIs of a class that carry a value, <see cref="MostLooked"/> at most.</summary>
    public void Find(Identifier identifier, RecordClass recordClass, ICollection<long> found)
    {
        if (identifier.Kind == IdentifierKind.AuditId)
        {
            var audits = _session.Prepare(FormattableString.Invariant($"""
                SELECT a.record FROM temp.link_audits a LEFT JOIN temp.planned_records p ON p.id = a.record LEFT JOIN records r ON r.id = a.record
                WHERE a.audit_id = @p0 AND coalesce(p.class, r.class) = @p1 LIMIT {MostLooked}
                """)).Set(0, identifier.Value).Set(1, (int)recordClass);
            Collect(audits, found);
            return;
        }

        Collect((_context.AnyPlanned ? _findPlanned : _find).Set(0, (int)identifier.Kind).Set(1, identifier.Value).Set(2, (int)recordClass), found);
    }

    /// <summary>CIs of a class by what is blank on them and what is not, <see cref="MostLooked"/> at most.</summary>
    /// <param name="recordClass">The class.</param>
    /// <param name="blank">Attributes that have to be blank, as bits.</param>
    /// <param name="filled">Attributes that must not be blank, as bits.</param>
    /// <param name="found">Takes them.</param>
    public void FindByBlanks(RecordClass recordClass, int blank, int filled, ICollection<long> found)
    {
        BuildMasks();
        var masks = new List<long>();
        using (var reader = _session.Prepare("SELECT DISTINCT mask FROM temp.record_masks WHERE class = @p0").Set(0, (int)recordClass).Read())
        {
            while (reader.Read())
                masks.Add(reader.GetInt64(0));
        }

        foreach (var mask in masks)
        {
            if ((mask & blank) == 0 && (mask & filled) == filled && found.Count < MostLooked)
                Collect(_session.Prepare(FormattableString.Invariant($"SELECT record FROM temp.record_masks WHERE class = @p0 AND mask = @p1 ORDER BY record LIMIT {MostLooked}")).Set(0, (int)recordClass).Set(1, mask), found);
        }
    }

    /// <summary>Whether a CI carries a value.</summary>
    public bool Has(long record, Identifier identifier) => identifier.Kind == IdentifierKind.AuditId
        ? _session.Prepare("SELECT 1 FROM temp.link_audits WHERE audit_id = @p0 AND record = @p1").Set(0, identifier.Value).Set(1, record).Number() is not null
        : (_context.AnyPlanned ? _hasPlanned : _has).Set(0, (int)identifier.Kind).Set(1, identifier.Value).Set(2, record).Number() is not null;

    /// <summary>Whether a CI has no good value of an attribute.</summary>
    public bool IsBlank(long record, IdentificationAttribute attribute)
    {
        BuildMasks();
        return ((_session.Prepare("SELECT mask FROM temp.record_masks WHERE record = @p0").Set(0, record).Number() ?? 0) & Bit(attribute)) == 0;
    }

    /// <summary>What a CI's fields and its device give for an attribute, junk included.</summary>
    public List<Identifier> ValuesOf(long record, IdentificationAttribute attribute)
    {
        var result = new List<Identifier>();
        if (attribute == IdentificationAttribute.AuditId)
        {
            if (_rules.UsesAuditId)
            {
                using var audits = _session.Prepare("SELECT audit_id FROM temp.link_audits WHERE record = @p0").Set(0, record).Read();
                while (audits.Read())
                    result.Add(new Identifier(IdentifierKind.AuditId, audits.GetString(0)));
            }

            return result;
        }

        if (record > 0)
        {
            using (var fields = _session.Prepare($"SELECT {CmdbFields.Columns} FROM records WHERE id = @p0").Set(0, record).Read())
            {
                if (fields.Read())
                {
                    var values = new string?[CmdbFields.All.Count];
                    foreach (var field in CmdbFields.All)
                        values[field.Index] = field.Type == FieldType.Number ? null : fields.Text(field.Index);
                    Take(BuiltInCmdb.IdentifiersOf(values));
                }
            }

            if (_session.Prepare("SELECT v.source FROM links l JOIN link_values v ON v.link = l.id WHERE l.record = @p0 AND l.state IN (1, 2) ORDER BY l.state LIMIT 1").Set(0, record).Text() is { } source)
                Take(DeviceFacts.FromJson(source).Identifiers());
        }

        if (_context.AnyPlanned)
        {
            result.RemoveAll(i => _session.Prepare("SELECT 1 FROM temp.planned_removed WHERE kind = @p0 AND value = @p1 AND record = @p2").Set(0, (int)i.Kind).Set(1, i.Value).Set(2, record).Number() is not null);
            using var planned = _session.Prepare("SELECT kind, value FROM temp.planned_identifiers WHERE record = @p0").Set(0, record).Read();
            var more = new List<Identifier>();
            while (planned.Read())
                more.Add(new Identifier((IdentifierKind)planned.GetInt32(0), planned.GetString(1)));
            Take(more);
        }

        return result;

        void Take(IEnumerable<Identifier> identifiers)
        {
            foreach (var identifier in identifiers)
            {
                if (AttributeOf(identifier.Kind) == attribute && !result.Contains(identifier))
                    result.Add(identifier);
            }
        }
    }

    /// <summary>A CI in words.</summary>
    public string Describe(long record)
    {
        if (record < 0)
            return $"the CI of device {PlannedDevice(record)}";

        using var reader = _session.Prepare("SELECT class, number FROM records WHERE id = @p0").Set(0, record).Read();
        return reader.Read() ? RunContext.RecordId((RecordClass)reader.GetInt32(0), reader.GetInt64(1)) : "a CI that is gone";
    }

    // A retired CI whose device a rehearsal takes as back would have been revived.
    public bool IsRetired(long record) => record > 0 && RecordStatus.IsRetired(_session.Prepare("SELECT status FROM records WHERE id = @p0").Set(0, record).Text())
        && (!_context.AnyPlanned || _session.Prepare("SELECT 1 FROM links l JOIN temp.planned_returned b ON b.link = l.id WHERE l.record = @p0").Set(0, record).Number() is null);

    /// <summary>A link that is taken as not there, to see what the rules alone say of its device; 0 for none.</summary>
    public long IgnoredLink { get; set; }

    /// <summary>The device that holds a CI; <see langword="null"/> when none does.</summary>
    public Holder? HolderOf(long record)
    {
        if (record < 0)
            return new Holder(0, PlannedDevice(record)!, LinkState.Live, null, null);
        if (_context.AnyPlanned && _session.Prepare("SELECT device_id FROM temp.planned_links WHERE record = @p0").Set(0, record).Text() is { } planned)
            return new Holder(0, planned, LinkState.Live, null, null);

        // A device that moved stands in the staged list with its newest lastSeen, which a rehearsal does not write to the link.
        using var reader = _session.Prepare("""
            SELECT l.id, l.device_id, l.state, CASE WHEN d.device_id IS NULL THEN l.last_seen ELSE d.last_seen END, m.link, CASE WHEN l.site_id = @p1 THEN NULL ELSE s.name END, b.link
            FROM links l JOIN sites s ON s.id = l.site_id LEFT JOIN temp.planned_missing m ON m.link = l.id LEFT JOIN temp.planned_returned b ON b.link = l.id LEFT JOIN temp.staged d ON d.device_id = l.device_id AND l.site_id = @p1
            WHERE l.record = @p0 AND l.state IN (1, 2) AND l.id <> @p2 ORDER BY l.state
            """).Set(0, record).Set(1, _context.SiteId).Set(2, IgnoredLink).Read();
        return reader.Read()
            ? new Holder(reader.GetInt64(0), reader.GetString(1), !reader.IsDBNull(4) ? LinkState.Missing : !reader.IsDBNull(6) ? LinkState.Live : (LinkState)reader.GetInt32(2), reader.Number(3), reader.Text(5))
            : null;
    }

    // ---- What changes during the run ----

    /// <summary>A CI was created for a device.</summary>
    public void NoteCreated(long record, DeviceFacts facts)
    {
        NoteAudit(record, facts.AuditId);
        NoteMask(record, facts.Class);
    }

    /// <summary>A CI was linked or brought up to date.</summary>
    public void NoteUpdated(long record, DeviceFacts facts)
    {
        if (_rules.UsesAuditId)
            _session.Prepare("DELETE FROM temp.link_audits WHERE record = @p0").Set(0, record).Execute();
        NoteAudit(record, facts.AuditId);
        NoteMask(record, facts.Class);
    }

    /// <summary>Notes a CI that is planned to be created.</summary>
    public void NotePlannedCreate(DeviceFacts facts)
    {
        _context.AnyPlanned = true;
        var id = _nextPlanned--;
        _session.Prepare("INSERT INTO temp.planned_records (id, class, device_id) VALUES (@p0, @p1, @p2)").Set(0, id).Set(1, (int)facts.Class).Set(2, facts.DeviceId).Execute();
        Plan(id, [], facts.Identifiers());
        NoteCreated(id, facts);
    }

    /// <summary>Notes that the identifiers of a CI are planned to change.</summary>
    public void NotePlannedUpdate(long record, DeviceFacts facts, IEnumerable<Identifier> removed, IEnumerable<Identifier> added)
    {
        Plan(record, removed, added);
        NoteUpdated(record, facts);
    }

    /// <summary>Notes that a CI is planned to be linked to a device.</summary>
    /// <param name="record">The CI.</param>
    /// <param name="facts">The device.</param>
    /// <param name="closed">The link of the device that would have given it up; 0 for none.</param>
    /// <param name="removed">What only that device carried.</param>
    public void NotePlannedLink(long record, DeviceFacts facts, long closed, IEnumerable<Identifier> removed)
    {
        if (closed != 0)
            NotePlannedMissing(closed);
        _session.Prepare("INSERT INTO temp.planned_links (record, device_id) VALUES (@p0, @p1) ON CONFLICT (record) DO UPDATE SET device_id = excluded.device_id")
            .Set(0, record).Set(1, facts.DeviceId).Execute();
        NotePlannedUpdate(record, facts, removed, facts.Identifiers());
    }

    /// <summary>Whether a CI is planned to be linked to a device.</summary>
    public bool IsPlannedLink(long record) => _session.Prepare("SELECT 1 FROM temp.planned_links WHERE record = @p0").Set(0, record).Number() is not null;

    /// <summary>Notes that a link is planned to go out of use: to be marked missing or closed.</summary>
    public void NotePlannedMissing(long link)
    {
        _context.AnyPlanned = true;
        _session.Prepare("INSERT INTO temp.planned_missing (link) VALUES (@p0) ON CONFLICT DO NOTHING").Set(0, link).Execute();
    }

    /// <summary>Notes that the link of a missing device is planned to be live again.</summary>
    public void NotePlannedReturn(long link)
    {
        _context.AnyPlanned = true;
        _session.Prepare("INSERT INTO temp.planned_returned (link) VALUES (@p0) ON CONFLICT DO NOTHING").Set(0, link).Execute();
    }

    /// <summary>Forgets what was planned, when it is to be written after all, or held back.</summary>
    public void ClearPlanned()
    {
        if (!_context.AnyPlanned)
            return;

        _context.AnyPlanned = false;
        _session.Execute("""
            DELETE FROM temp.planned_records; DELETE FROM temp.planned_identifiers; DELETE FROM temp.planned_removed; DELETE FROM temp.planned_links;
            DELETE FROM temp.planned_missing; DELETE FROM temp.planned_returned;
            """);
        if (_rules.UsesAuditId)
            FillAudits();
        if (_masksBuilt)
            _session.Execute("DROP TABLE temp.record_masks");
        _masksBuilt = false;
    }

    public static IdentificationAttribute AttributeOf(IdentifierKind kind) =>
        kind == IdentifierKind.WeakMacAddress ? IdentificationAttribute.MacAddress : (IdentificationAttribute)kind;

    public static int Bit(IdentificationAttribute attribute) => 1 << (int)attribute;

    private static string InScope(string target) => $"""
        +r.target_id = {target} AND (NOT EXISTS (SELECT 1 FROM links l WHERE l.record = r.id)
            OR EXISTS (SELECT 1 FROM links l WHERE l.record = r.id AND l.site_id IN (SELECT site_id FROM temp.scope_sites)))
        """;

    private static void Collect(Statement statement, ICollection<long> found)
    {
        using var reader = statement.Read();
        while (reader.Read())
            found.Add(reader.GetInt64(0));
    }

    private string? PlannedDevice(long record) => _session.Prepare("SELECT device_id FROM temp.planned_records WHERE id = @p0").Set(0, record).Text();

    private void Plan(long record, IEnumerable<Identifier> removed, IEnumerable<Identifier> added)
    {
        _context.AnyPlanned = true;
        foreach (var identifier in removed)
        {
            _session.Prepare("INSERT INTO temp.planned_removed (kind, value, record) VALUES (@p0, @p1, @p2) ON CONFLICT DO NOTHING")
                .Set(0, (int)identifier.Kind).Set(1, identifier.Value).Set(2, record).Execute();
            _session.Prepare("DELETE FROM temp.planned_identifiers WHERE kind = @p0 AND value = @p1 AND record = @p2")
                .Set(0, (int)identifier.Kind).Set(1, identifier.Value).Set(2, record).Execute();
        }

        foreach (var identifier in added)
        {
            _session.Prepare("DELETE FROM temp.planned_removed WHERE kind = @p0 AND value = @p1 AND record = @p2")
                .Set(0, (int)identifier.Kind).Set(1, identifier.Value).Set(2, record).Execute();
            _session.Prepare("INSERT INTO temp.planned_identifiers (kind, value, record) VALUES (@p0, @p1, @p2) ON CONFLICT DO NOTHING")
                .Set(0, (int)identifier.Kind).Set(1, identifier.Value).Set(2, record).Execute();
        }
    }

    /// <summary>Audit IDs of CIs in scope. They stand on links, which have no index of them, since only a rule of the administrator's asks.</summary>
    private void BuildAudits()
    {
        _session.Execute("CREATE TEMP TABLE link_audits (audit_id TEXT NOT NULL, record INTEGER NOT NULL, PRIMARY KEY (audit_id, record)) WITHOUT ROWID; CREATE INDEX temp.link_audits_record ON link_audits (record)");
        FillAudits();
    }

    private void FillAudits()
    {
        _session.Execute("DELETE FROM temp.link_audits");
        _session.Prepare("""
            INSERT INTO temp.link_audits (audit_id, record) SELECT DISTINCT upper(l.audit_id), l.record FROM links l
            WHERE l.audit_id IS NOT NULL AND l.target_id = @p0 AND l.state IN (1, 2, 3) AND l.site_id IN (SELECT site_id FROM temp.scope_sites)
            """).Set(0, _context.TargetId).Execute();
    }

    private void NoteAudit(long record, string? auditId)
    {
        if (_rules.UsesAuditId && !string.IsNullOrWhiteSpace(auditId))
            _session.Prepare("INSERT INTO temp.link_audits (audit_id, record) VALUES (upper(@p0), @p1) ON CONFLICT DO NOTHING").Set(0, auditId.Trim()).Set(1, record).Execute();
    }

    /// <summary>Which attributes of each CI in scope hold a good value. Made once, and only when a rule asks for blanks.</summary>
    private void BuildMasks()
    {
        if (_masksBuilt)
            return;

        _masksBuilt = true;
        _session.Execute("""
            CREATE TEMP TABLE record_masks (record INTEGER PRIMARY KEY, class INTEGER NOT NULL, mask INTEGER NOT NULL);
            CREATE INDEX temp.record_masks_mask ON record_masks (class, mask);
            CREATE TEMP TABLE IF NOT EXISTS junk_now (kind INTEGER NOT NULL, value TEXT NOT NULL, PRIMARY KEY (kind, value)) WITHOUT ROWID;
            """);
        var audits = _rules.UsesAuditId ? "UNION ALL SELECT 7, audit_id, record FROM temp.link_audits" : string.Empty;
        _session.Prepare($"""
            INSERT INTO temp.record_masks (record, class, mask)
            SELECT r.id, r.class, coalesce(m.mask, 0) FROM
                (SELECT r.id, r.class FROM records r WHERE {InScope("@p0")} UNION ALL SELECT id, class FROM temp.planned_records) r
                LEFT JOIN (SELECT record, sum(bit) AS mask FROM (
                    SELECT DISTINCT record, 1 << CAST(CASE kind WHEN 6 THEN 3 ELSE kind END AS INTEGER) AS bit FROM (
                        SELECT i.kind, i.value, i.record FROM record_identifiers i
                            WHERE NOT EXISTS (SELECT 1 FROM temp.planned_removed x WHERE x.kind = i.kind AND x.value = i.value AND x.record = i.record)
                        UNION ALL SELECT kind, value, record FROM temp.planned_identifiers {audits}) v
                    WHERE NOT EXISTS (SELECT 1 FROM temp.junk_now j WHERE j.kind = v.kind AND j.value = v.value)) b
                GROUP BY record) m ON m.record = r.id
            """).Set(0, _context.TargetId).Execute();
    }

    private void NoteMask(long record, RecordClass recordClass)
    {
        if (!_masksBuilt)
            return;

        var mask = 0;
        foreach (var attribute in Enum.GetValues<IdentificationAttribute>())
        {
            if (ValuesOf(record, attribute).Exists(i => !IsJunk(i)))
                mask |= Bit(attribute);
        }

        _session.Prepare("INSERT INTO temp.record_masks (record, class, mask) VALUES (@p0, @p1, @p2) ON CONFLICT (record) DO UPDATE SET mask = excluded.mask")
            .Set(0, record).Set(1, (int)recordClass).Set(2, mask).Execute();
    }

}

/// <summary>The device that holds a CI.</summary>
/// <param name="Link">Its link; 0 when it is only planned.</param>
/// <param name="DeviceId">Its ID.</param>
/// <param name="State">Live or missing.</param>
/// <param name="LastSeen">When the site last saw it.</param>
/// <param name="OtherSite">Name of its site, when that is not the job's.</param>
internal sealed record Holder(long Link, string DeviceId, LinkState State, long? LastSeen, string? OtherSite);
