using AlloyScan.Engine.Cmdb;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Store;
using AlloyScan.Engine.Sync.Guard;
using AlloyScan.Engine.Sync.Identify;
using AlloyScan.Engine.Sync.Map;
using AlloyScan.Engine.Sync.Undo;
using Newtonsoft.Json;

namespace AlloyScan.Engine.Sync.Apply;

/// <summary>
/// Plans the change of one CI and, in a real run, writes it with its link and journal, or leaves it planned until the guard has judged
/// it. Plan and apply are the same code, so a rehearsal shows what a run does. A real run calls this inside the transaction of a batch.
/// </summary>
internal sealed class ChangeWriter
{
    private readonly RunContext _context;
    private readonly StoreSession _session;
    private readonly Identification _identification;
    private readonly MassGuard? _guard;
    private readonly BuiltInCmdb _cmdb;
    private readonly ProductCatalog _catalog;
    private readonly InstallationSets _installations;
    private readonly Statement _journal;
    private readonly Statement _upsertLink;
    private readonly Statement _insertLink;
    private readonly Statement _upsertValues;
    private readonly Statement _dropGrounds;
    private int _row;
    private bool? _anyOpen;
    private JournalDetail? _detail;

    /// <param name="context">The run.</param>
    /// <param name="identification">Where decisions look for CIs.</param>
    /// <param name="guard">Counts what is planned; <see langword="null"/> for what a person decides one by one.</param>
    public ChangeWriter(RunContext context, Identification identification, MassGuard? guard = null)
    {
        _guard = guard;
        _context = context;
        _session = context.Session;
        _identification = identification;
        _cmdb = new BuiltInCmdb(_session, context.TargetId, context.Schema);
        _catalog = new ProductCatalog(_session, context.TargetId, context.SoftwareGroups);
        _installations = new InstallationSets(_session, _catalog);
        Unsettled = new UnsettledFields(context, _cmdb);
        _journal = _session.Prepare("""
            INSERT INTO changes (run_id, target_id, class, number, action, field, old_value, new_value, link, detail) VALUES (@p0, @p1, @p2, @p3, @p4, @p5, @p6, @p7, @p8, @p9)
            """).Set(1, context.TargetId);
        _upsertLink = _session.Prepare("""
            INSERT INTO links (target_id, site_id, device_id, class, record, record_number, state, list_hash, fingerprint, record_version, platform, audit_id, audited_at,
                last_seen, first_seen, synced_at, software_imported, software_count)
            VALUES (@p0, @p1, @p2, @p3, @p4, @p5, 1, @p6, @p7, @p8, @p9, @p10, @p11, @p12, @p13, @p13, @p14, @p15)
            ON CONFLICT (target_id, site_id, device_id) DO UPDATE SET class = excluded.class, record = excluded.record, record_number = excluded.record_number, state = 1,
                list_hash = excluded.list_hash, fingerprint = excluded.fingerprint, record_version = excluded.record_version, platform = excluded.platform,
                audit_id = excluded.audit_id, audited_at = excluded.audited_at, last_seen = excluded.last_seen, synced_at = excluded.synced_at,
                missing_since = NULL, missing_runs = 0, retired_at = NULL, retired_from = NULL, taken_back = 0, closed_reason = NULL, software_imported = excluded.software_imported, software_count = excluded.software_count, empty_audit = NULL, rule = NULL
            RETURNING id
            """).Set(0, context.TargetId).Set(1, context.SiteId);
        _insertLink = _session.Prepare("""
            INSERT INTO links (target_id, site_id, device_id, class, record, record_number, state, list_hash, fingerprint, record_version, platform, audit_id, audited_at,
                last_seen, first_seen, synced_at, software_imported, software_count, id)
            VALUES (@p0, @p1, @p2, @p3, @p4, @p5, 1, @p6, @p7, @p8, @p9, @p10, @p11, @p12, @p13, @p13, @p14, @p15, @p16)
            """).Set(0, context.TargetId).Set(1, context.SiteId);
        _dropGrounds = _session.Prepare("DELETE FROM link_grounds WHERE link = @p0");
        _upsertValues = _session.Prepare("""
            INSERT INTO link_values (link, source, written, excluded) VALUES (@p0, @p1, @p2, @p3)
            ON CONFLICT (link) DO UPDATE SET source = excluded.source, written = excluded.written, excluded = excluded.excluded
            """);
    }

    /// <summary>Fields that do not hold what is written to them.</summary>
    public UnsettledFields Unsettled { get; }

    /// <summary>Takes back what a failed batch left in memory.</summary>
    public void Reset()
    {
        _cmdb.Reset();
        _installations.Reset();
        _catalog.Reset();
        _anyOpen = null;
        _detail = null;
    }

    /// <summary>Writes what a batch gathered in memory. Call before the commit.</summary>
    public void Flush()
    {
        _cmdb.Flush();
        _installations.Flush();
        var (added, removed) = _catalog.Flush();
        _context.Counts.ProductsAdded += added;
        _context.Counts.ProductsRemoved += removed;
        _anyOpen = null;
    }

    /// <summary>Creates a CI for a device.</summary>
    public SyncChange Create(DeviceFacts facts, string? reason)
    {
        var values = _context.Mapper(facts.Class, ServiceActionKind.Create).NewValues(facts);
        var difference = facts.Class == RecordClass.Computer && facts.Software is { } software && _context.ImportsSoftware(facts.Platform)
            ? _installations.Compare(0, software)
            : null;
        var kinds = _guard?.OfCreation ?? GuardKinds.None;
        var slice = new GuardSlice(facts.Class, facts.Platform);
        var spools = Spools(kinds != GuardKinds.None);
        NoteGuarded(kinds, slice, []);
        string? recordId = null;
        if (!spools)
        {
            _context.Counts.Created++;
            Count(difference);
        }

        if (_context.Applying && !spools)
        {
            var now = _context.TimeProvider.NowMilliseconds();
            var (id, number) = _cmdb.Create(facts.Class, values, now);
            recordId = RunContext.RecordId(facts.Class, number);
            _cmdb.PutIdentifiers(id, facts.Identifiers());
            if (difference is not null)
                _installations.Put(id, difference);
            var before = FormerLink(facts.DeviceId);
            var link = WriteLink(facts, id, number, 1, difference is not null, difference?.Total ?? 0, now, isNew: before is null);
            var written = new Dictionary<string, string?>();
            foreach (var field in _context.Schema.Of(facts.Class))
            {
                if (values[field.Index] is { } value)
                    written[field.Name] = value;
            }

            WriteValues(link, facts, written, SoftwareGroups.Pack(difference?.LeftOut ?? []));
            Unsettled.LookAtNew(facts, id, number, values, written);
            var conflict = CloseConflict(facts.DeviceId, "Created");
            Journal(facts.Class, number, "Create", null, null, facts.DisplayName, link,
                before is null && conflict is null ? null : new JournalDetail { Link = before?.Image, Written = before?.Written, State = LinkState.Live, Conflict = conflict });
            _identification.Index.NoteCreated(id, facts);
        }
        else
        {
            _identification.Index.NotePlannedCreate(facts);
        }

        return Change(ChangeAction.Create, facts, recordId, reason) with
        {
            Fields = [.. _context.Schema.Of(facts.Class).Where(f => values[f.Index] is not null).Select(f => new FieldChange(f.Name, null, values[f.Index]))],
            SoftwareAdded = difference?.Added.Count ?? 0,
            Kind = kinds,
            Platform = slice.Platform,
            IsSpooled = spools,
        };
    }

    /// <summary>Creates a CI anew for a linked device whose CI is gone from the CMDB; the link goes on with the new one.</summary>
    public SyncChange Recreate(DeviceFacts facts, LinkDetails link)
    {
        if (_context.Applying)
            _catalog.Sweep();
        return Create(facts, $"Its CI {RunContext.RecordId(link.Class, link.RecordNumber)} was deleted from the CMDB");
    }

    /// <summary>Links a device to an existing CI and brings the CI up to date.</summary>
    public SyncChange Link(DeviceFacts facts, Decision decision)
    {
        var record = _cmdb.Get(decision.Record) ?? throw new InvalidOperationException($"The CI that device {facts.DeviceId} was recognised as is gone.");
        // Fields never written by this link count as edited where they hold a value; so a hand-kept CI keeps what people typed.
        var written = new Dictionary<string, string?>();
        var changes = _context.Mapper(facts.Class, ServiceActionKind.Update).Changes(facts, record.Values, written);
        var difference = CompareSoftware(record, facts, null);
        var deferred = DeferRemovals(difference);
        var former = decision.CloseLink == 0 ? null : LinkDetails.Get(_session, decision.CloseLink);
        var outdated = former is null ? [] : OutdatedIdentifiers(DeviceFacts.FromJson(former.Source).Identifiers(), record, changes, facts.Identifiers());
        var fields = Fields(record, changes);
        var kinds = _guard?.OfUpdate(fields, difference?.Lost.Count > 0) ?? GuardKinds.None;
        var slice = new GuardSlice(record.Class, facts.Platform);
        var spools = Spools(changes.Count > 0 || kinds != GuardKinds.None);
        NoteGuarded(kinds, slice, fields);
        if (!spools)
            Count(changes.Count > 0, difference);
        if (_context.Applying && !spools)
        {
            var now = _context.TimeProvider.NowMilliseconds();
            if (former is not null)
                TakeOver(former);

            // The row of the link comes first: it says where what the link brought to the CI begins.
            var before = FormerLink(facts.DeviceId);
            var removed = _cmdb.RemoveIdentifiers(record.Id, outdated);
            var identifiers = facts.Identifiers();
            var added = _cmdb.AddIdentifiers(record.Id, identifiers);
            var link = WriteLink(facts, record.Id, record.Number, changes.Count > 0 ? record.Version + 1 : record.Version, difference is not null, difference?.Total ?? 0, now, isNew: before is null);
            Journal(facts.Class, record.Number, "Link", "link", null, facts.DeviceId, link, new JournalDetail
            {
                Link = before?.Image,
                Written = before?.Written,
                State = LinkState.Live,
                Version = changes.Count > 0 ? record.Version + 1 : null,
                IdentifiersAdded = added.Count > 0 ? added : null,
                IdentifiersRemoved = removed.Count > 0 ? removed : null,
                IdentifiersShared = added.Count < identifiers.Count ? [.. identifiers.Except(added)] : null,
                Conflict = CloseConflict(facts.DeviceId, "Linked"),
            });
            WriteFields(record, changes, now, link);
            if (difference is not null)
                WriteSoftware(record, difference, link);
            foreach (var (field, value) in changes)
                written[field.Name] = value;
            WriteValues(link, facts, written, SoftwareGroups.Pack(difference?.LeftOut ?? []));
            Unsettled.LookAt(facts, record, changes, written);
            WriteGrounds(link, decision);
            if (deferred)
                ReadAgain(link);
            _identification.Index.NoteUpdated(record.Id, facts);
        }
        else
        {
            _identification.Index.NotePlannedLink(record.Id, facts, decision.CloseLink, outdated);
        }

        return Change(changes.Count > 0 ? ChangeAction.Update : ChangeAction.Link, facts, RunContext.RecordId(record.Class, record.Number), decision.Reason) with
        {
            Fields = fields,
            SoftwareAdded = difference?.Added.Count ?? 0,
            SoftwareRemoved = difference?.Removed.Count ?? 0,
            Kind = kinds,
            Platform = slice.Platform,
            IsSpooled = spools,
        };
    }

    /// <summary>Brings the CI of a linked device up to date. Returns <see langword="null"/> when nothing of the CI changes.</summary>
    public SyncChange? Update(DeviceFacts facts, LinkDetails link)
    {
        if (_cmdb.Get(link.Record) is not { } record)
            return null;

        var revived = record.IsRetired && link.RetiredAt is not null;
        if (record.IsRetired && !revived)
        {
            // Retired since the list was read; a retired CI is left alone.
            _context.Counts.Skipped++;
            return null;
        }

        var written = JsonConvert.DeserializeObject<Dictionary<string, string?>>(link.Written) ?? [];
        var changes = _context.Mapper(facts.Class, ServiceActionKind.Update).Changes(facts, record.Values, written);
        var difference = CompareSoftware(record, facts, link);
        var deferred = DeferRemovals(difference);
        var returned = link.State == LinkState.Missing;
        var mapped = changes.Count;
        var kept = DeviceFacts.FromJson(link.Source);
        var mappedFields = Fields(record, changes);
        var kinds = _guard?.OfUpdate(mappedFields, difference?.Lost.Count > 0) ?? GuardKinds.None;
        var slice = new GuardSlice(link.Class, kept.Platform);
        var spools = Spools(mapped > 0 || kinds != GuardKinds.None);
        NoteGuarded(kinds, slice, mappedFields);
        if (revived && !changes.Exists(c => c.Field == CmdbFields.Status))
            changes.Add((CmdbFields.Status, link.RetiredFrom is { Length: > 0 } status ? status : null));
        if (!spools)
            Count(changes.Count > 0, difference);

        var before = kept.Identifiers();
        var after = facts.Identifiers();
        var outdated = OutdatedIdentifiers(before, record, changes, after);
        if (_context.Applying && !spools)
        {
            var now = _context.TimeProvider.NowMilliseconds();
            // What a person typed into the CI since the last run identifies it as well.
            var removed = _cmdb.RemoveIdentifiers(record.Id, outdated);
            var added = _cmdb.AddIdentifiers(record.Id, after.Except(before));
            if (changes.Count > 0 || difference is { IsEmpty: false } || returned)
            {
                _detail = new JournalDetail
                {
                    Link = LinkImage.Read(_session, link.Id),
                    State = LinkState.Live,
                    Version = changes.Count > 0 ? record.Version + 1 : null,
                    IdentifiersAdded = added.Count > 0 ? added : null,
                    IdentifiersRemoved = removed.Count > 0 ? removed : null,
                    Source = added.Count + removed.Count > 0 ? link.Source : null,
                };
            }

            if (returned)
                Journal(facts.Class, record.Number, "Return", "link", LinkState.Missing.ToString(), LinkState.Live.ToString(), link.Id);
            var version = WriteFields(record, changes, now, link.Id, revived);
            if (difference is not null)
                WriteSoftware(record, difference, link.Id);
            foreach (var (field, value) in changes.Take(mapped))
                written[field.Name] = value;
            _session.Prepare("""
                UPDATE links SET state = 1, list_hash = @p1, fingerprint = @p2, record_version = @p3, platform = @p4, audit_id = @p5, audited_at = @p6, last_seen = @p7,
                    synced_at = @p8, missing_since = NULL, missing_runs = 0, retired_at = NULL, retired_from = NULL, taken_back = 0, software_imported = @p9, software_count = @p10, empty_audit = @p11 WHERE id = @p0
                """)
                .Set(0, link.Id).Set(1, facts.ListHash).Set(2, deferred ? 0 : _context.Fingerprint).Set(3, version).Set(4, facts.Platform).Set(5, facts.AuditId).Set(6, facts.AuditedAt)
                .Set(7, facts.LastSeen).Set(8, now).Set(9, IsSoftwareCurrent(facts, link, difference) ? 1 : 0).Set(10, difference?.Total ?? link.SoftwareCount)
                .Set(11, IsUnconfirmedEmpty(facts, link) ? facts.AuditId : null).Post();
            WriteValues(link.Id, facts, written, LeftOut(link, difference));
            Unsettled.LookAt(facts, record, changes, written);
            _identification.Index.NoteUpdated(record.Id, facts);
        }
        else
        {
            _identification.Index.NotePlannedUpdate(record.Id, facts, outdated, after.Except(before));
            if (returned)
                _identification.Index.NotePlannedReturn(link.Id);
        }

        // What was spooled was noted when it was planned, before junk was judged.
        if (!before.SequenceEqual(after) && _guard?.Phase != GuardPhase.Applying)
            _identification.Junk.Touch(after.Except(before));

        var softwareChanged = difference is { Added.Count: > 0 } or { Removed.Count: > 0 };
        if (changes.Count == 0 && !softwareChanged && !returned)
            return null;

        var action = revived ? ChangeAction.Revive : changes.Count == 0 && !softwareChanged ? ChangeAction.Return : ChangeAction.Update;
        var reason = revived ? "The device is back; its CI had been retired for absence" : returned ? "The device is back" : null;
        return Change(action, facts, RunContext.RecordId(record.Class, record.Number), reason) with
        {
            Fields = Fields(record, changes),
            SoftwareAdded = difference?.Added.Count ?? 0,
            SoftwareRemoved = difference?.Removed.Count ?? 0,
            Kind = kinds,
            Platform = slice.Platform,
            IsSpooled = spools,
        };
    }

    /// <summary>Puts a device on the conflict list. Returns <see langword="null"/> when it stands there already for the same reason.</summary>
    /// <param name="facts">The device.</param>
    /// <param name="reason">Why.</param>
    /// <param name="candidates">The CIs that come into question.</param>
    /// <param name="isDecision">Whether it was decided beside what is planned, so that it waits until that is written and is decided again.</param>
    public SyncChange? Conflict(DeviceFacts facts, string reason, IReadOnlyList<long> candidates, bool isDecision = false)
    {
        using (var reader = _session.Prepare("SELECT reason, state, list_hash, last_seen, kind FROM conflicts WHERE target_id = @p0 AND site_id = @p1 AND device_id = @p2")
            .Set(0, _context.TargetId).Set(1, _context.SiteId).Set(2, facts.DeviceId).Read())
        {
            if (reader.Read() && reader.GetString(4) == "Unlinked" && reader.GetString(1) == "Open" && reader.GetString(0) == reason && reader.GetInt64(2) == facts.ListHash && reader.Number(3) == facts.LastSeen)
                return null;
        }

        if (isDecision && Spools(_context.AnyPlanned))
            return Change(ChangeAction.Conflict, facts, null, reason) with { Platform = facts.Platform, IsSpooled = true };

        _context.Counts.Conflicts++;
        if (_context.Applying)
        {
            _anyOpen = true;
            var ids = new List<string>();
            foreach (var candidate in candidates)
            {
                if (candidate > 0 && _cmdb.Get(candidate) is { } record)
                    ids.Add(RunContext.RecordId(record.Class, record.Number));
            }

            var now = _context.TimeProvider.NowMilliseconds();
            var conflict = _session.Prepare("""
                INSERT INTO conflicts (job, target_id, site_id, device_id, device_name, class, reason, candidates, state, list_hash, last_seen, first_seen, facts, created_at, updated_at)
                VALUES (@p0, @p1, @p2, @p3, @p4, @p5, @p6, @p7, 'Open', @p8, @p9, @p9, @p10, @p11, @p11)
                ON CONFLICT (target_id, site_id, device_id) DO UPDATE SET job = excluded.job, device_name = excluded.device_name, class = excluded.class, reason = excluded.reason,
                    first_seen = CASE WHEN conflicts.state IN ('Open', 'Gone') AND conflicts.kind = 'Unlinked' THEN conflicts.first_seen ELSE excluded.first_seen END,
                    candidates = excluded.candidates, state = 'Open', kind = 'Unlinked', junk = NULL, resolved_at = NULL,
                    list_hash = excluded.list_hash, last_seen = excluded.last_seen, facts = excluded.facts, updated_at = excluded.updated_at
                RETURNING id
                """)
                .Set(0, _context.Job.Name).Set(1, _context.TargetId).Set(2, _context.SiteId).Set(3, facts.DeviceId).Set(4, facts.DisplayName).Set(5, (int)facts.Class)
                .Set(6, reason).Set(7, string.Join(", ", ids)).Set(8, facts.ListHash).Set(9, facts.LastSeen).Set(10, facts.ToKeptJson()).Set(11, now).Number() ?? throw new InvalidOperationException("The conflict was not written.");
            DropConflictIdentifiers(conflict);
            foreach (var identifier in facts.Identifiers())
            {
                _session.Prepare("INSERT INTO conflict_identifiers (kind, value, conflict) VALUES (@p0, @p1, @p2) ON CONFLICT DO NOTHING")
                    .Set(0, (int)identifier.Kind).Set(1, identifier.Value).Set(2, conflict).Post();
            }
        }

        return Change(ChangeAction.Conflict, facts, null, reason);
    }

    /// <summary>
    /// Asks a person about a link that rests on junk. Returns <see langword="null"/> when it was asked before, or a person answered for
    /// the same values.
    /// </summary>
    public SyncChange? RestsOnJunk(LinkDetails link, string reason, string junk)
    {
        string? before = null;
        string? known = null;
        using (var reader = _session.Prepare("SELECT state, junk FROM conflicts WHERE target_id = @p0 AND site_id = @p1 AND device_id = @p2 AND kind = 'RestsOnJunk'")
            .Set(0, _context.TargetId).Set(1, _context.SiteId).Set(2, link.DeviceId).Read())
        {
            if (reader.Read())
                (before, known) = (reader.GetString(0), reader.Text(1));
        }

        var asked = known is not null && !junk.Split('\n').Except(known.Split('\n')).Any();
        if (asked && before != "Open")
            return null;

        var facts = DeviceFacts.FromJson(link.Source);
        if (_context.Applying)
        {
            _anyOpen = true;
            // Written again only when it says something else, such as another count of carriers.
            _session.Prepare("""
                INSERT INTO conflicts (job, target_id, site_id, device_id, device_name, class, kind, junk, reason, candidates, state, list_hash, last_seen, facts, created_at, updated_at)
                VALUES (@p0, @p1, @p2, @p3, @p4, @p5, 'RestsOnJunk', @p6, @p7, @p8, 'Open', @p9, @p10, @p11, @p12, @p12)
                ON CONFLICT (target_id, site_id, device_id) DO UPDATE SET job = excluded.job, device_name = excluded.device_name, class = excluded.class, kind = excluded.kind,
                    junk = excluded.junk, reason = excluded.reason, candidates = excluded.candidates, state = 'Open', resolved_at = NULL, list_hash = excluded.list_hash,
                    last_seen = excluded.last_seen, facts = excluded.facts, updated_at = excluded.updated_at
                WHERE conflicts.reason <> excluded.reason OR conflicts.state <> 'Open' OR conflicts.kind <> excluded.kind OR coalesce(conflicts.junk, '') <> excluded.junk
                """)
                .Set(0, _context.Job.Name).Set(1, _context.TargetId).Set(2, _context.SiteId).Set(3, link.DeviceId).Set(4, link.DeviceName).Set(5, (int)link.Class)
                .Set(6, junk).Set(7, reason).Set(8, RunContext.RecordId(link.Class, link.RecordNumber)).Set(9, facts.ListHash).Set(10, link.LastSeen).Set(11, link.Source)
                .Set(12, _context.TimeProvider.NowMilliseconds()).Execute();
        }

        if (asked)
            return null;

        _context.Counts.Conflicts++;
        return LinkChange(ChangeAction.Conflict, link, reason);
    }

    /// <summary>Closes the link of a CI that is gone from the CMDB and asks a person what to do.</summary>
    public SyncChange? CloseForDeletedRecord(DeviceFacts facts, LinkDetails link)
    {
        if (_context.Applying)
        {
            var before = LinkImage.Read(_session, link.Id);
            _session.Prepare("UPDATE links SET state = 4 WHERE id = @p0").Set(0, link.Id).Execute();
            _catalog.Sweep();
            JournalLink(link.Class, link.RecordNumber, "CloseLink", link.Id, before, LinkState.RecordDeleted);
        }

        var recordId = RunContext.RecordId(link.Class, link.RecordNumber);
        var reason = $"The CI {recordId} of this device was deleted from the CMDB";
        Conflict(facts, reason, []);
        return Change(ChangeAction.CloseLink, facts, recordId, reason);
    }

    /// <summary>Marks a link whose device is gone from the site.</summary>
    public SyncChange MarkMissing(LinkDetails link)
    {
        _context.Counts.Missing++;
        if (_context.Applying)
        {
            var before = LinkImage.Read(_session, link.Id);
            _session.Prepare("UPDATE links SET state = 2, missing_since = @p1, missing_runs = 1 WHERE id = @p0").Set(0, link.Id).Set(1, _context.TimeProvider.NowMilliseconds()).Execute();
            JournalLink(link.Class, link.RecordNumber, "MarkMissing", link.Id, before, LinkState.Missing);
        }
        else
        {
            _identification.Index.NotePlannedMissing(link.Id);
        }

        return LinkChange(ChangeAction.MarkMissing, link, "The device is gone from the site");
    }

    /// <summary>Retires the CI of a device that has been absent long enough. Returns <see langword="null"/> when something has changed meanwhile.</summary>
    public SyncChange? Retire(LinkDetails link)
    {
        // The device may have come back under another ID in this run, and the link may have been closed for it.
        if (_cmdb.Get(link.Record) is not { IsRetired: false } record || LinkDetails.Get(_session, link.Id) is not { State: LinkState.Missing } || _identification.Index.IsPlannedLink(link.Record))
            return null;

        var spools = Spools(true);
        if (!spools)
            _context.Counts.Retired++;
        var before = record.Values[CmdbFields.Status.Index];
        if (_context.Applying && !spools)
        {
            var now = _context.TimeProvider.NowMilliseconds();
            var detail = new JournalDetail { Link = LinkImage.Read(_session, link.Id), State = LinkState.Missing, Version = record.Version + 1 };
            Journal(record.Class, record.Number, nameof(ChangeAction.Retire), CmdbFields.Status.Name, before, RecordStatus.Retired, link.Id, detail);
            var version = _cmdb.Update(record, [(CmdbFields.Status, RecordStatus.Retired)], now);
            _session.Prepare("UPDATE links SET retired_at = @p1, retired_from = @p2, record_version = @p3 WHERE id = @p0")
                .Set(0, link.Id).Set(1, now).Set(2, before ?? string.Empty).Set(3, version).Execute();
        }

        return LinkChange(ChangeAction.Retire, link, $"The device has been missing for {_context.Job.RetireAfterDays} days and {_context.Job.RetireAfterRuns} complete runs or more") with
        {
            Fields = [new FieldChange(CmdbFields.Status.Name, before, RecordStatus.Retired)],
            Kind = GuardKinds.Retirement,
            IsSpooled = spools,
        };
    }

    /// <summary>Closes the link of a device whose CI goes to another device of the same machine.</summary>
    private void TakeOver(LinkDetails former)
    {
        var before = LinkImage.Read(_session, former.Id);
        _session.Prepare("UPDATE links SET state = 3, closed_reason = @p1 WHERE id = @p0").Set(0, former.Id).Set(1, ClosedReason.TakenOver).Execute();
        // What was doubtful about that link is settled with it.
        _session.Prepare("DELETE FROM conflicts WHERE target_id = @p0 AND device_id = @p1 AND kind = 'RestsOnJunk' AND state = 'Open' AND site_id = (SELECT site_id FROM links WHERE id = @p2)")
            .Set(0, _context.TargetId).Set(1, former.DeviceId).Set(2, former.Id).Execute();
        JournalLink(former.Class, former.RecordNumber, "CloseLink", former.Id, before, LinkState.Closed);
    }

    /// <summary>What a CI carries no more: neither its device nor its fields give it. What a person typed stays.</summary>
    private static List<Identifier> OutdatedIdentifiers(List<Identifier> before, RecordState record, List<(CmdbField Field, string? Value)> changes, List<Identifier> after)
    {
        var values = (string?[])record.Values.Clone();
        foreach (var (field, value) in changes)
            values[field.Index] = value;
        return [.. before.Concat(BuiltInCmdb.IdentifiersOf(record.Values)).Except(after).Except(BuiltInCmdb.IdentifiersOf(values))];
    }

    /// <summary>Remembers which rule made a link and what device and CI shared then.</summary>
    private void WriteGrounds(long link, Decision decision)
    {
        _session.Prepare("UPDATE links SET rule = @p1 WHERE id = @p0").Set(0, link).Set(1, decision.Rule).Execute();
        foreach (var ground in decision.Grounds)
        {
            _session.Prepare("INSERT INTO link_grounds (link, kind, value) VALUES (@p0, @p1, @p2) ON CONFLICT DO NOTHING")
                .Set(0, link).Set(1, (int)ground.Kind).Set(2, ground.Value).Post();
        }
    }

    /// <summary>A change that concerns the link alone.</summary>
    public SyncChange LinkChange(ChangeAction action, LinkDetails link, string reason) => new()
    {
        Row = ++_row,
        Job = _context.Job.Name,
        Target = _context.Job.Target,
        Action = action,
        Class = link.Class,
        RecordId = RunContext.RecordId(link.Class, link.RecordNumber),
        DeviceId = link.DeviceId,
        DeviceName = link.DeviceName,
        Reason = reason,
        Platform = DeviceFacts.FromJson(link.Source).Platform,
    };

    /// <summary>A deletion in AlloyScan that is planned or held back.</summary>
    public SyncChange PlanDeletion(LinkDetails link)
    {
        var spools = Spools(true);
        if (!spools)
            _context.Counts.DeletedInAlloyScan++;
        return LinkChange(ChangeAction.DeleteInAlloyScan, link, "Its CI is retired") with { Kind = GuardKinds.Deletion, IsSpooled = spools };
    }

    /// <summary>Writes a row of the journal.</summary>
    /// <param name="recordClass">Class of the CI.</param>
    /// <param name="number">Number of the CI.</param>
    /// <param name="action">What was done.</param>
    /// <param name="field">The field, <c>software</c> or <c>link</c>.</param>
    /// <param name="oldValue">Before.</param>
    /// <param name="newValue">After.</param>
    /// <param name="link">Key of the link through which it was done.</param>
    /// <param name="detail">What an undo needs beyond the values.</param>
    public void Journal(RecordClass recordClass, long number, string action, string? field, string? oldValue, string? newValue, long? link = null, JournalDetail? detail = null)
    {
        if (_detail is not null)
        {
            // What was noted of the change as a whole stands on its first row.
            detail = detail is null ? _detail : _detail with { Installation = detail.Installation, InstallationAfter = detail.InstallationAfter, SoftwareGroup = detail.SoftwareGroup };
            _detail = null;
        }

        _journal.Set(0, _context.RunId).Set(2, (int)recordClass).Set(3, number).Set(4, action).Set(5, field).Set(6, oldValue).Set(7, newValue).Set(8, link).Set(9, detail?.ToJson()).Post();
    }

    /// <summary>Writes the row of a link whose state changed.</summary>
    /// <param name="recordClass">Class of the CI.</param>
    /// <param name="number">Number of the CI.</param>
    /// <param name="action">What was done.</param>
    /// <param name="link">Key of the link.</param>
    /// <param name="before">The link before.</param>
    /// <param name="after">Its state now.</param>
    public void JournalLink(RecordClass recordClass, long number, string action, long link, LinkImage? before, LinkState after) =>
        Journal(recordClass, number, action, "link", before?.State.ToString(), after.ToString(), link, new JournalDetail { Link = before, State = after });

    private InstallationDifference? CompareSoftware(RecordState record, DeviceFacts facts, LinkDetails? link)
    {
        if (record.Class != RecordClass.Computer)
            return null;

        if (!_context.ImportsSoftware(facts.Platform))
        {
            // With no import at all nothing is touched; a choice that was narrowed takes out what it excludes.
            return _context.Job.ImportSoftware != SoftwarePlatforms.None && link is { SoftwareCount: > 0 }
                ? _installations.Compare(record.Id, [])
                : null;
        }

        // An empty list where there was software may be a failed collection: a second audit has to say the same.
        if (facts.Software is not { } software || (link is not null && IsUnconfirmedEmpty(facts, link)))
        {
            return link is not null && link.Fingerprint != _context.Fingerprint && _context.SoftwareGroups.IsFiltering
                ? _installations.Narrow(record.Id, _context.SoftwareGroups)
                : null;
        }

        return _installations.Compare(record.Id, software);
    }

    private static bool IsUnconfirmedEmpty(DeviceFacts facts, LinkDetails link) =>
        facts.Software is { Count: 0 } && link.SoftwareCount > 0 && (link.EmptyAudit is null || link.EmptyAudit == facts.AuditId);

    /// <summary>Whether the CMDB holds the software of the audit that the link names, so that it need not be read when it is wanted again.</summary>
    private bool IsSoftwareCurrent(DeviceFacts facts, LinkDetails link, InstallationDifference? difference) => _context.ImportsSoftware(facts.Platform)
        ? difference is { IsNarrowing: false } || link.SoftwareImported
        : difference is null && link.SoftwareImported && facts.AuditId == link.AuditId;

    /// <summary>The products that are left out now: of the snapshot when it was read, else what was left out before and what a narrower choice took out.</summary>
    private static string? LeftOut(LinkDetails link, InstallationDifference? difference)
    {
        if (difference is null)
            return link.Excluded;
        return SoftwareGroups.Pack(difference.IsNarrowing ? [.. SoftwareGroups.Unpack(link.Excluded), .. difference.LeftOut] : difference.LeftOut);
    }

    /// <summary>Whether a change that the guard may hold back is left planned for now.</summary>
    private bool Spools(bool guarded) => guarded && _guard is { IsSpooling: true };

    private void NoteGuarded(GuardKinds kinds, GuardSlice slice, List<FieldChange> fields)
    {
        if (_guard is { Phase: GuardPhase.Planning } && (kinds != GuardKinds.None || fields.Count > 0))
            _guard.Count(kinds, slice, fields);
    }

    /// <summary>Leaves software where it is that would go on the word of a site that is not to be believed. The next run reads the device again.</summary>
    private bool DeferRemovals(InstallationDifference? difference)
    {
        if (_context.RemovalsAllowed || difference is not { Lost.Count: > 0 })
            return false;

        InstallationSets.KeepLost(difference);
        return true;
    }

    private void ReadAgain(long link) => _session.Prepare("UPDATE links SET fingerprint = 0 WHERE id = @p0").Set(0, link).Execute();

    private void Count(bool updated, InstallationDifference? difference)
    {
        if (updated)
            _context.Counts.Updated++;
        else
            _context.Counts.Unchanged++;
        Count(difference);
    }

    private void Count(InstallationDifference? difference)
    {
        _context.Counts.NamelessSoftware += difference?.Nameless ?? 0;
        _context.Counts.InstallationsAdded += difference?.Added.Count ?? 0;
        _context.Counts.InstallationsRemoved += difference?.Removed.Count ?? 0;
    }

    private long WriteFields(RecordState record, List<(CmdbField Field, string? Value)> changes, long now, long link, bool revived = false)
    {
        if (changes.Count == 0)
            return record.Version;

        foreach (var (field, value) in changes)
            Journal(record.Class, record.Number, revived && field == CmdbFields.Status ? nameof(ChangeAction.Revive) : "Update", field.Name, record.Values[field.Index], value, link);
        return _cmdb.Update(record, changes, now);
    }

    private void WriteSoftware(RecordState record, InstallationDifference difference, long link)
    {
        foreach (var product in difference.Removed)
        {
            var (installation, group) = _installations.Get(record.Id, product);
            Journal(record.Class, record.Number, "InstallationRemoved", "software", ProductCatalog.Describe(installation), null, link,
                new JournalDetail { Installation = installation, SoftwareGroup = group });
        }

        var touched = difference.Touched.ConvertAll(t => (t.Product, Before: _installations.Get(record.Id, t.Product).Installation));
        _installations.Apply(record.Id, difference);
        foreach (var (product, before) in touched)
        {
            // Other date or keys of the same product: nothing that anybody counts, and yet to be put back.
            var text = ProductCatalog.Describe(before);
            Journal(record.Class, record.Number, "InstallationUpdated", "software", text, text, link,
                new JournalDetail { Installation = before, InstallationAfter = _installations.Get(record.Id, product).Installation });
        }

        foreach (var (product, _) in difference.Added)
        {
            var (installation, _) = _installations.Get(record.Id, product);
            Journal(record.Class, record.Number, "InstallationAdded", "software", null, ProductCatalog.Describe(installation), link, new JournalDetail { Installation = installation });
        }
    }

    /// <summary>The link that a device had before, with the values that it wrote when they matter for going back to it.</summary>
    private (LinkImage Image, string? Written)? FormerLink(string deviceId) => !_context.MayHaveFormerLinks ? null
        : LinkImage.Read(_session, _context.TargetId, _context.SiteId, deviceId) is { } image
            ? (image, image.State is LinkState.Live or LinkState.Missing ? _session.Prepare("SELECT written FROM link_values WHERE link = @p0").Set(0, image.Id).Text() : null)
            : null;

    private long WriteLink(DeviceFacts facts, long record, long number, long version, bool softwareImported, int softwareCount, long now, bool isNew)
    {
        var key = isNew ? _session.NewKey("links") : null;
        var statement = (key is null ? _upsertLink : _insertLink).Set(2, facts.DeviceId).Set(3, (int)facts.Class).Set(4, record).Set(5, number).Set(6, facts.ListHash).Set(7, _context.Fingerprint).Set(8, version)
            .Set(9, facts.Platform).Set(10, facts.AuditId).Set(11, facts.AuditedAt).Set(12, facts.LastSeen).Set(13, now)
            .Set(14, softwareImported ? 1 : 0).Set(15, softwareCount);
        if (key is { } known)
        {
            statement.Set(16, known).Post();
            return known;
        }

        var link = statement.Number() ?? throw new InvalidOperationException("The link was not written.");
        // A link that was closed and is used again rests on nothing of what it rested on then.
        _dropGrounds.Set(0, link).Post();
        return link;
    }

    private void WriteValues(long link, DeviceFacts facts, Dictionary<string, string?> written, string? leftOut) =>
        _upsertValues.Set(0, link).Set(1, facts.ToKeptJson()).Set(2, JsonConvert.SerializeObject(written)).Set(3, leftOut).Post();

    /// <returns>The conflict that was closed.</returns>
    private long? CloseConflict(string deviceId, string state)
    {
        // One question for a batch, in whose transaction nobody else makes a conflict.
        _anyOpen ??= _session.Prepare("SELECT 1 FROM conflicts WHERE target_id = @p0 AND site_id = @p1 AND state IN ('Open', 'Gone') LIMIT 1").Set(0, _context.TargetId).Set(1, _context.SiteId).Number() is not null;
        if (_anyOpen == false)
            return null;

        var conflict = _session.Prepare("""
            UPDATE conflicts SET state = @p3, updated_at = @p4, resolved_at = @p4 WHERE target_id = @p0 AND site_id = @p1 AND device_id = @p2 AND state IN ('Open', 'Gone') RETURNING id
            """)
            .Set(0, _context.TargetId).Set(1, _context.SiteId).Set(2, deviceId).Set(3, state).Set(4, _context.TimeProvider.NowMilliseconds()).Number();
        if (conflict is { } closed)
            DropConflictIdentifiers(closed);
        return conflict;
    }

    private void DropConflictIdentifiers(long conflict) => _session.Prepare("DELETE FROM conflict_identifiers WHERE conflict = @p0").Set(0, conflict).Post();

    private static List<FieldChange> Fields(RecordState record, List<(CmdbField Field, string? Value)> changes) =>
        [.. changes.Select(c => new FieldChange(c.Field.Name, record.Values[c.Field.Index], c.Value))];

    private SyncChange Change(ChangeAction action, DeviceFacts facts, string? recordId, string? reason) => new()
    {
        Row = ++_row,
        Job = _context.Job.Name,
        Target = _context.Job.Target,
        Action = action,
        Class = facts.Class,
        RecordId = recordId,
        DeviceId = facts.DeviceId,
        DeviceName = facts.DisplayName,
        Reason = reason,
    };
}
