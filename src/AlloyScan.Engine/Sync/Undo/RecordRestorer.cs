using AlloyScan.Engine.Cmdb;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Store;
using AlloyScan.Engine.Sync.Map;

namespace AlloyScan.Engine.Sync.Undo;

/// <summary>
/// Takes back what the journal says was done to a CI, last things first, and only what is still as it was left:
/// field by field, the set of installations as a whole, each link by its state.
/// </summary>
internal sealed class RecordRestorer
{
    private readonly StoreSession _session;
    private readonly long _targetId;
    private readonly TimeProvider _timeProvider;
    private readonly Journal _journal;
    private readonly BuiltInCmdb _cmdb;
    private readonly ProductCatalog _catalog;
    private readonly InstallationSets _installations;
    private readonly Statement _software;

    public RecordRestorer(StoreSession session, long targetId, TimeProvider timeProvider, Journal journal)
    {
        _session = session;
        _targetId = targetId;
        _timeProvider = timeProvider;
        _journal = journal;
        _cmdb = new BuiltInCmdb(session, targetId);
        _catalog = new ProductCatalog(session, targetId, new SoftwareGroups([]));
        _installations = new InstallationSets(session, _catalog);
        _software = session.Prepare("""
            SELECT p.name, p.version, p.publisher, i.install_date, i.install_key, i.serial_number FROM installations i JOIN products p ON p.id = i.product WHERE i.record = @p0
            """);
    }

    /// <summary>Installations and products that what was written added and removed.</summary>
    public int InstallationsAdded { get; private set; }

    public int InstallationsRemoved { get; private set; }

    public int ProductsAdded { get; private set; }

    public int ProductsRemoved { get; private set; }

    /// <summary>Where links stand that a rehearsal has put back; a real run asks the store.</summary>
    public Func<long, LinkImage?>? RehearsedLink { get; set; }

    /// <summary>Forgets what work that was rolled back left in memory.</summary>
    public void Reset()
    {
        _cmdb.Reset();
        _catalog.Reset();
    }

    /// <summary>Decides what can be put back on a CI.</summary>
    /// <param name="recordClass">Its class.</param>
    /// <param name="number">Its number.</param>
    /// <param name="rows">What is to be taken back, last things first.</param>
    /// <param name="moving">Link that goes elsewhere afterwards and is not put back here.</param>
    public Restoration Plan(RecordClass recordClass, long number, IReadOnlyList<JournalRow> rows, long? moving = null)
    {
        var plan = new Restoration(recordClass, number) { Record = _cmdb.Get(recordClass, number) };
        if (rows.FirstOrDefault(r => r.Action == "Create") is { } created)
        {
            PlanRemoval(plan, created);
            return plan;
        }

        var work = new Work(plan, plan.Record?.Values.ToArray());
        if (rows.FirstOrDefault(r => r.Action == "Split") is { Link: { } split } && (Current(split) is not { } back || back.Class != recordClass || back.Number != number))
        {
            // The CI that the device got then has its own life by now.
            plan.LeaveAlone(null, "The device that was split off is linked elsewhere now.");
            return plan;
        }

        foreach (var row in rows)
        {
            if (row.Action == "DeleteInAlloyScan")
                plan.LeaveAlone("link", "The device was deleted in AlloyScan, which cannot be taken back.");
            else if (row.Field == "software")
                TakeBackSoftware(work, row);
            else if (row.Field is not (null or "link") && row.Action != "LeftAlone")
                TakeBackField(work, row);
            if (row.Action == "Split" || (row.Action == "Link" && row.Link == moving))
                TakeBackIdentifiers(plan, row);
            else if (row.Action != "DeleteInAlloyScan" && row.Link != moving)
                TakeBackLink(work, row);
            if (row.Detail is { Separated: true } or { Rejoined: true })
                TakeBackSeparation(plan, row);
        }

        Finish(work);
        return plan;
    }

    /// <summary>Writes what was decided, with the rows of the run that does it. Call inside a transaction.</summary>
    /// <param name="plan">The decision.</param>
    /// <param name="runId">Number of the run that takes back.</param>
    public void Write(Restoration plan, long runId)
    {
        foreach (var link in plan.Links)
            WriteLink(plan, link, runId);
        if (plan.Remove)
        {
            WriteRemoval(plan, runId);
        }
        else if (plan.Record is { } record)
        {
            WriteFields(plan, record, runId);
            if (plan.Software is not null)
                WriteSoftware(plan, record, runId);
            _cmdb.RemoveIdentifiers(record.Id, plan.IdentifiersOut);
            _cmdb.AddIdentifiers(record.Id, plan.IdentifiersIn);
            // What the CI's own fields say identifies it, whoever wrote them.
            if (plan.Fields.Count > 0 || plan.IdentifiersOut.Count > 0)
                _cmdb.AddIdentifiers(record.Id, BuiltInCmdb.IdentifiersOf(_cmdb.Get(record.Id)!.Values));
            foreach (var (site, device, separated) in plan.Separations)
                Separate(site, device, record.Id, separated);
        }

        foreach (var outcome in plan.Outcomes)
        {
            if (outcome.Outcome == UndoOutcome.LeftAlone)
                _journal.Add(runId, plan.Class, plan.Number, "LeftAlone", outcome.Field, null, outcome.Reason);
        }
    }

    /// <summary>Writes the counts of installations, after which products without one leave the catalog. Call before the commit.</summary>
    public void Flush()
    {
        var (added, removed) = _catalog.Flush();
        ProductsAdded += added;
        ProductsRemoved += removed;
    }

    /// <summary>The installations of a CI, spelt as in the catalog.</summary>
    public List<InstalledSoftware> SoftwareOf(long record) => [.. ReadSoftware(record).Values];

    /// <summary>Remembers that a device and a CI do not belong together, or forgets it.</summary>
    public void Separate(long siteId, string deviceId, long record, bool separated)
    {
        if (separated)
        {
            _session.Prepare("INSERT INTO separations (target_id, site_id, device_id, record, created_at) VALUES (@p0, @p1, @p2, @p3, @p4) ON CONFLICT DO NOTHING")
                .Set(0, _targetId).Set(1, siteId).Set(2, deviceId).Set(3, record).Set(4, _timeProvider.NowMilliseconds()).Execute();
        }
        else
        {
            _session.Prepare("DELETE FROM separations WHERE target_id = @p0 AND site_id = @p1 AND device_id = @p2 AND record = @p3")
                .Set(0, _targetId).Set(1, siteId).Set(2, deviceId).Set(3, record).Execute();
        }
    }

    private void PlanRemoval(Restoration plan, JournalRow created)
    {
        if (plan.Record is not { } record)
        {
            plan.LeaveAlone(null, "The CI was deleted from the CMDB since.");
            return;
        }

        // Each change of ours is in the journal; a version that has more is somebody's edit.
        if (record.Version != 1 + _journal.Writes(record.Class, record.Number))
        {
            plan.LeaveAlone(null, "The CI was created by the run, and somebody changed it since.");
            return;
        }

        var link = created.Link is { } id ? Current(id) : FindLink(record);
        if (_session.Prepare("SELECT device_id FROM links WHERE record = @p0 AND state IN (1, 2) AND id <> @p1 LIMIT 1").Set(0, record.Id).Set(1, link?.Id ?? 0).Text() is { } other)
        {
            plan.LeaveAlone(null, $"The CI was created by the run, and the device {other} is linked to it since.");
            return;
        }

        if (link is not null && link.Class == record.Class && link.Number == record.Number)
            plan.Links.Add(new LinkRestoration(link.Id, link, created.Detail.Link, created.Detail, Quiet: true));
        plan.Remove = true;
        plan.Say(null, UndoOutcome.Removed, plan.RecordName, null);
    }

    private void TakeBackField(Work work, JournalRow row)
    {
        if (_cmdb.Schema.Find(work.Plan.Class, row.Field!) is not { } field)
        {
            work.Plan.LeaveAlone(row.Field, "The CI has no such field any more.");
            return;
        }

        if (work.Values is null)
        {
            if (work.Broken.Add(field.Name))
                work.Plan.LeaveAlone(field.Name, "The CI was deleted from the CMDB since.");
            return;
        }

        if (work.Broken.Contains(field.Name))
            return;

        ref var value = ref work.Values[field.Index];
        if (field.IsSame(value, row.NewValue))
        {
            value = row.OldValue;
            work.Fields.Add(field);
            return;
        }

        work.Broken.Add(field.Name);
        if (!work.Fields.Contains(field))
        {
            work.Plan.LeaveAlone(field.Name, field.IsSame(value, row.OldValue)
                ? "It holds the former value already."
                : $"It holds {Quote(value)} now, not {Quote(row.NewValue)} as the run left it.");
        }
    }

    private void TakeBackSoftware(Work work, JournalRow row)
    {
        if (work.SoftwareBroken || work.Plan.Record is not { } record)
        {
            if (!work.SoftwareBroken)
                work.BreakSoftware("The CI was deleted from the CMDB since.");
            return;
        }

        var set = work.Software ??= ReadSoftware(record.Id);
        if (row.Detail.Installation is not { } installation || ProductCatalog.KeyOf(installation) is not { } key)
        {
            work.BreakSoftware("The journal of this run is from an older version, which did not keep what is needed.");
            return;
        }

        var same = row.Action switch
        {
            "InstallationAdded" => set.Remove(key, out var now) && Same(now, installation),
            "InstallationUpdated" => set.TryGetValue(key, out var now) && Same(now, row.Detail.InstallationAfter ?? default),
            _ => !set.ContainsKey(key),
        };
        if (!same)
        {
            work.BreakSoftware("The installations are not as the run left them.");
            return;
        }

        if (row.Action != "InstallationAdded")
        {
            set[key] = installation;
            if (row.Detail.SoftwareGroup is { } group)
                work.Plan.Groups[key] = group;
        }
    }

    private void TakeBackLink(Work work, JournalRow row)
    {
        var visible = row.Field == "link";
        var after = row.Detail.State ?? (visible && Enum.TryParse<LinkState>(row.NewValue, out var parsed) ? parsed : row.Action == "Link" ? LinkState.Live : null);
        if (after is null)
            return;

        var current = row.Link is { } id ? work.Links.GetValueOrDefault(id) ?? Current(id) : work.Plan.Record is { } record ? FindLink(record) : null;
        if (current is null || current.State != after || current.Class != work.Plan.Class || current.Number != work.Plan.Number)
        {
            if (visible)
                work.Plan.LeaveAlone("link", current is null ? "The link is gone." : $"The link is {Describe(current)} now.");
            return;
        }

        var image = row.Detail.Link;
        if (image is null && row.Action != "Link" && Enum.TryParse<LinkState>(row.OldValue, out var before))
            image = current with { State = before, MissingSince = before == LinkState.Missing ? current.MissingSince ?? current.LastSeen : null, ClosedReason = null };
        if (image is null && row.Action != "Link")
            return;

        work.Plan.Links.Add(new LinkRestoration(current.Id, current, image, row.Detail, Quiet: !visible));
        if (image is not null)
            work.Links[current.Id] = image with { Id = current.Id };
        if (visible)
            work.Plan.Say("link", UndoOutcome.Restored, Describe(current), image is null ? null : Describe(image));
        if (row.Detail.Source is null)
            TakeBackIdentifiers(work.Plan, row);
    }

    private void TakeBackSeparation(Restoration plan, JournalRow row)
    {
        using var reader = _session.Prepare("SELECT site_id, device_id FROM links WHERE id = @p0").Set(0, row.Link ?? 0).Read();
        if (!reader.Read())
            return;

        plan.Separations.Add((reader.GetInt64(0), reader.GetString(1), row.Detail.Rejoined));
        if (row.Detail.Separated)
            plan.Say("link", UndoOutcome.Restored, null, LinkState.Live.ToString());
    }

    /// <summary>What a device carries now leaves the CI with its link; what the CI had before comes back.</summary>
    private void TakeBackIdentifiers(Restoration plan, JournalRow row)
    {
        if (row.Action == "Link" && row.Link is { } link && _session.Prepare("SELECT source FROM link_values WHERE link = @p0").Set(0, link).Text() is { } source)
            plan.IdentifiersOut.AddRange(DeviceFacts.FromJson(source).Identifiers());
        plan.IdentifiersOut.AddRange(row.Detail.IdentifiersAdded ?? []);
        plan.IdentifiersIn.AddRange(row.Detail.IdentifiersRemoved ?? []);
        plan.IdentifiersIn.AddRange(row.Detail.IdentifiersShared ?? []);
    }

    private static void Finish(Work work)
    {
        var plan = work.Plan;
        if (plan.Record is { } record && work.Values is { } values)
        {
            foreach (var field in work.Fields)
            {
                var (now, then) = (record.Values[field.Index], values[field.Index]);
                if (string.Equals(now, then, StringComparison.Ordinal))
                    continue;

                plan.Fields.Add((field, now, then));
                plan.Say(field.Name, UndoOutcome.Restored, now, then);
            }
        }

        if (work is { SoftwareBroken: false, Software: { } software })
        {
            plan.Software = [.. software.Values];
            plan.Say("software", UndoOutcome.Restored, Count(work.SoftwareNow), Count(software.Count));
        }

        // The books of a link are put back with what they are about: if nothing of it is, they stay.
        if (plan.Fields.Count == 0 && plan.Software is null)
            plan.Links.RemoveAll(l => l.Quiet);
    }

    private void WriteLink(Restoration plan, LinkRestoration link, long runId)
    {
        if (link.Image is not { } image)
        {
            foreach (var table in new[] { "link_values", "link_grounds" })
                _session.Prepare($"DELETE FROM {table} WHERE link = @p0").Set(0, link.Id).Execute();
            _session.Prepare("DELETE FROM links WHERE id = @p0").Set(0, link.Id).Execute();
        }
        else
        {
            // If the set of installations stays as it is, so does what the link says of it.
            var software = plan.Software is null && image.State == link.Current.State && !plan.Remove;
            (software ? image with { SoftwareImported = link.Current.SoftwareImported, SoftwareCount = link.Current.SoftwareCount, EmptyAudit = link.Current.EmptyAudit } : image)
                .RestoreState(_session, link.Id);
            if (link.Detail.Written is { } written)
                _session.Prepare("UPDATE link_values SET written = @p1 WHERE link = @p0").Set(0, link.Id).Set(1, written).Execute();
            if (link.Detail.Source is { } source)
                WriteSource(plan, link.Id, source);
            if (image.State is LinkState.Live or LinkState.Missing)
            {
                // The device has its CI again, so nobody needs to be asked.
                _session.Prepare("""
                    UPDATE conflicts SET state = 'Linked', updated_at = @p1, resolved_at = @p1 WHERE state = 'Open' AND kind = 'Unlinked'
                        AND (target_id, site_id, device_id) IN (SELECT target_id, site_id, device_id FROM links WHERE id = @p0)
                    """).Set(0, link.Id).Set(1, _timeProvider.NowMilliseconds()).Execute();
            }
        }

        if (link.Detail.Conflict is { } conflict)
        {
            Reopen(conflict);
        }

        if (!link.Quiet)
        {
            _journal.Add(runId, plan.Class, plan.Number, "Restore", "link", link.Current.State.ToString(), link.Image?.State.ToString(), link.Id,
                new JournalDetail { Link = link.Current, State = link.Image?.State });
        }
    }

    /// <summary>Opens a conflict again; what its device carries counts again.</summary>
    private void Reopen(long conflict)
    {
        _session.Prepare("UPDATE conflicts SET state = 'Open', resolved_at = NULL, updated_at = @p1 WHERE id = @p0").Set(0, conflict).Set(1, _timeProvider.NowMilliseconds()).Execute();
        // A linked device counts by its link.
        if (_session.Prepare("SELECT facts FROM conflicts WHERE id = @p0 AND kind = 'Unlinked'").Set(0, conflict).Text() is not { } facts)
            return;

        foreach (var identifier in DeviceFacts.FromJson(facts).Identifiers())
        {
            _session.Prepare("INSERT INTO conflict_identifiers (kind, value, conflict) VALUES (@p0, @p1, @p2) ON CONFLICT DO NOTHING")
                .Set(0, (int)identifier.Kind).Set(1, identifier.Value).Set(2, conflict).Execute();
        }
    }

    /// <summary>Gives a link the facts that it kept before, and the CI the identifiers that go with them.</summary>
    private void WriteSource(Restoration plan, long link, string source)
    {
        if (_session.Prepare("SELECT source FROM link_values WHERE link = @p0").Set(0, link).Text() is not { } current)
            return;

        var now = DeviceFacts.FromJson(current).Identifiers();
        var then = DeviceFacts.FromJson(source).Identifiers();
        plan.IdentifiersOut.AddRange(now.Except(then));
        plan.IdentifiersIn.AddRange(then.Except(now));
        _session.Prepare("UPDATE link_values SET source = @p1 WHERE link = @p0").Set(0, link).Set(1, source).Execute();
    }

    private void WriteFields(Restoration plan, RecordState record, long runId)
    {
        if (plan.Fields.Count == 0)
            return;

        var detail = new JournalDetail { Version = record.Version + 1 };
        foreach (var (field, now, then) in plan.Fields)
        {
            _journal.Add(runId, plan.Class, plan.Number, "Restore", field.Name, now, then, null, detail);
            detail = null;
        }

        _cmdb.Update(record, [.. plan.Fields.Select(f => (f.Field, f.Then))], _timeProvider.NowMilliseconds());
    }

    private void WriteSoftware(Restoration plan, RecordState record, long runId)
    {
        var difference = _installations.Compare(record.Id, plan.Software!);
        var removed = difference.Removed.ConvertAll(p => _installations.Get(record.Id, p));
        var touched = difference.Touched.ConvertAll(t => (t.Product, Before: _installations.Get(record.Id, t.Product).Installation));
        _installations.Apply(record.Id, difference);
        foreach (var (installation, group) in removed)
        {
            _journal.Add(runId, plan.Class, plan.Number, "InstallationRemoved", "software", ProductCatalog.Describe(installation), null, null,
                new JournalDetail { Installation = installation, SoftwareGroup = group });
        }

        foreach (var (product, before) in touched)
        {
            var text = ProductCatalog.Describe(before);
            _journal.Add(runId, plan.Class, plan.Number, "InstallationUpdated", "software", text, text, null,
                new JournalDetail { Installation = before, InstallationAfter = _installations.Get(record.Id, product).Installation });
        }

        foreach (var (product, _) in difference.Added)
        {
            var (installation, _) = _installations.Get(record.Id, product);
            _journal.Add(runId, plan.Class, plan.Number, "InstallationAdded", "software", null, ProductCatalog.Describe(installation), null, new JournalDetail { Installation = installation });
            if (ProductCatalog.KeyOf(installation) is { } key && plan.Groups.TryGetValue(key, out var group))
                _session.Prepare("UPDATE products SET software_group = @p1 WHERE id = @p0 AND software_group IS NULL").Set(0, product).Set(1, group).Execute();
        }

        CountHidden(difference, _cmdb.Get(record.Id)!.IsRetired);
        InstallationsAdded += difference.Added.Count;
        InstallationsRemoved += difference.Removed.Count;
    }

    private void WriteRemoval(Restoration plan, long runId)
    {
        var record = plan.Record!;
        var difference = _installations.Compare(record.Id, []);
        _installations.Apply(record.Id, difference);
        CountHidden(difference, record.IsRetired);
        InstallationsRemoved += difference.Removed.Count;
        foreach (var table in new[] { "record_identifiers", "separations" })
            _session.Prepare($"DELETE FROM {table} WHERE record = @p0").Set(0, record.Id).Execute();
        _session.Prepare("DELETE FROM unsettled_fields WHERE target_id = @p0 AND class = @p1 AND number = @p2").Set(0, _targetId).Set(1, (int)record.Class).Set(2, record.Number).Execute();
        _session.Prepare("DELETE FROM records WHERE id = @p0").Set(0, record.Id).Execute();
        _journal.Add(runId, plan.Class, plan.Number, "Remove", null, plan.RecordName, null);
    }

    /// <summary>Installations of a retired CI are in the catalog and not counted for people.</summary>
    private void CountHidden(InstallationDifference difference, bool retired)
    {
        if (!retired)
            return;

        var count = _session.Prepare("UPDATE products SET hidden_uses = hidden_uses + @p1 WHERE id = @p0");
        foreach (var (product, _) in difference.Added)
            count.Set(0, product).Set(1, 1).Execute();
        foreach (var product in difference.Removed)
            count.Set(0, product).Set(1, -1).Execute();
    }

    private LinkImage? Current(long link) => RehearsedLink?.Invoke(link) ?? LinkImage.Read(_session, link);

    /// <summary>The link of a CI, for rows of a journal that did not say which.</summary>
    private LinkImage? FindLink(RecordState record) =>
        _session.Prepare("SELECT id FROM links WHERE record = @p0 ORDER BY state LIMIT 1").Set(0, record.Id).Number() is { } id ? Current(id) : null;

    private Dictionary<string, InstalledSoftware> ReadSoftware(long record)
    {
        var set = new Dictionary<string, InstalledSoftware>(StringComparer.Ordinal);
        using var reader = _software.Set(0, record).Read();
        while (reader.Read())
        {
            var software = new InstalledSoftware(reader.GetString(0), reader.Text(1), reader.Text(2), reader.Text(3), reader.Text(4), reader.Text(5));
            if (ProductCatalog.KeyOf(software) is { } key)
                set[key] = software;
        }

        return set;
    }

    private static bool Same(in InstalledSoftware a, in InstalledSoftware b) =>
        string.Equals(a.InstallDate, b.InstallDate, StringComparison.Ordinal) && string.Equals(a.InstallKey, b.InstallKey, StringComparison.Ordinal)
        && string.Equals(a.SerialNumber, b.SerialNumber, StringComparison.Ordinal);

    private static string Describe(LinkImage link) => link.ClosedReason is { } reason && link.State == LinkState.Closed ? $"{link.State} ({reason})" : link.State.ToString();

    private static string Quote(string? value) => value is null ? "nothing" : $"'{value}'";

    private static string Count(int installations) => installations == 1 ? "1 installation" : FormattableString.Invariant($"{installations} installations");

    /// <summary>What is known of a CI while its rows are gone through.</summary>
    private sealed class Work(Restoration plan, string?[]? values)
    {
        private Dictionary<string, InstalledSoftware>? _software;

        public Restoration Plan { get; } = plan;

        public string?[]? Values { get; } = values;

        public HashSet<CmdbField> Fields { get; } = [];

        public HashSet<string> Broken { get; } = new(StringComparer.Ordinal);

        public Dictionary<long, LinkImage> Links { get; } = [];

        public int SoftwareNow { get; private set; }

        public bool SoftwareBroken { get; private set; }

        public Dictionary<string, InstalledSoftware>? Software
        {
            get => _software;
            set
            {
                _software = value;
                SoftwareNow = value?.Count ?? 0;
            }
        }

        public void BreakSoftware(string reason)
        {
            SoftwareBroken = true;
            Plan.LeaveAlone("software", reason);
        }
    }
}
