using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Store;
using AlloyScan.Engine.Sync.Apply;
using AlloyScan.Engine.Sync.Identify;
using AlloyScan.Engine.Sync.Map;

namespace AlloyScan.Engine.Sync.Undo;

/// <summary>
/// Undoes a wrong merge: the CI gets back what it held before a device was linked to it, the device gets a CI of its own, and the
/// two are remembered as separated. One transaction, as a run of its own.
/// </summary>
internal sealed class LinkSplit
{
    private readonly StoreSession _session;
    private readonly TimeProvider _timeProvider;
    private readonly LinkImage _link;
    private readonly long _siteId;
    private readonly string _deviceId;
    private readonly Journal _journal;
    private readonly RecordRestorer _restorer;

    public LinkSplit(StoreSession session, TimeProvider timeProvider, LinkImage link, long siteId, string deviceId)
    {
        _session = session;
        _timeProvider = timeProvider;
        _link = link;
        _siteId = siteId;
        _deviceId = deviceId;
        _journal = new Journal(session, RunContext.BuiltInTarget);
        _restorer = new RecordRestorer(session, RunContext.BuiltInTarget, timeProvider, _journal);
    }

    private string RecordId => RunContext.RecordId(_link.Class, _link.Number);

    /// <summary>Splits the link.</summary>
    /// <param name="job">Whose service actions make the new CI.</param>
    /// <param name="lease">The right to write.</param>
    /// <param name="warn">Hears what could not be put back.</param>
    /// <returns>ID of the device's new CI.</returns>
    public string Split(SyncJob job, Lease lease, Action<string> warn)
    {
        var linkedAt = LinkedAt(warn);
        var context = new RunContext(_session, job, _siteId, SyncMode.Apply, SilentObserver.Instance, _timeProvider);
        LearnGroups(context);
        _ = new Staging(context, false);
        var writer = new ChangeWriter(context, new Identification(context));
        RunRow.Begin(context, SyncRunKind.Split);
        var newId = string.Empty;
        Restoration plan = null!;
        RunRow.Do(context, lease, $"The device {_deviceId} was split from {RecordId}.", () =>
        {
            var facts = Facts();
            plan = _restorer.Plan(_link.Class, _link.Number, linkedAt is { } row ? Rows(row) : [], _link.Id);
            if (linkedAt is null)
                plan.IdentifiersOut.AddRange(facts.Identifiers());
            _restorer.Write(plan, context.RunId);
            _journal.Add(context.RunId, _link.Class, _link.Number, "Split", "link", _deviceId, null, _link.Id, new JournalDetail
            {
                Separated = true,
                IdentifiersAdded = plan.IdentifiersIn,
                IdentifiersRemoved = plan.IdentifiersOut,
            });
            _restorer.Separate(_siteId, _deviceId, _link.Record, separated: true);
            newId = writer.Create(facts, $"Split from {RecordId}").RecordId!;
            KeepState();
            writer.Flush();
            _restorer.Flush();
            context.Counts.Updated = plan.Outcomes.Exists(o => o.Outcome == UndoOutcome.Restored) ? 1 : 0;
            context.Counts.InstallationsAdded += _restorer.InstallationsAdded;
            context.Counts.InstallationsRemoved += _restorer.InstallationsRemoved;
        });
        foreach (var outcome in plan.Outcomes.Where(o => o.Outcome == UndoOutcome.LeftAlone))
            warn($"{outcome.RecordId}: {outcome.Field ?? "the CI"} was left as it is. {outcome.Reason}");
        return newId;
    }

    /// <summary>Without the site's catalog, the groups of the installed products are known from our own.</summary>
    private void LearnGroups(RunContext context)
    {
        if (!context.SoftwareGroups.IsFiltering)
            return;

        using var reader = _session.Prepare("""
            SELECT p.name, p.version, p.software_group FROM installations i JOIN products p ON p.id = i.product WHERE i.record = @p0 AND p.software_group IS NOT NULL
            """).Set(0, _link.Record).Read();
        while (reader.Read())
            context.SoftwareGroups.Add(new CatalogProduct { Id = string.Empty, Name = reader.GetString(0), Version = reader.Text(1), SoftwareGroup = reader.GetString(2) });
    }

    /// <summary>The row of the journal that made the link; <see langword="null"/> when the journal does not reach back so far.</summary>
    private long? LinkedAt(Action<string> warn)
    {
        long? linked = null, created = null;
        foreach (var row in _journal.Since(_link.Class, _link.Number, 0))
        {
            if (row.Link == _link.Id || (row.Link is null && row.NewValue == _deviceId))
                linked ??= row.Action == "Link" ? row.Id : null;
            if (row.Link == _link.Id || row.Link is null)
                created ??= row.Action == "Create" ? row.Id : null;
        }

        if (linked > (created ?? 0))
            return linked;

        using var reader = _session.Prepare("SELECT r.created_at, l.first_seen FROM links l JOIN records r ON r.id = l.record WHERE l.id = @p0").Set(0, _link.Id).Read();
        if (created is not null || (_link.Rule is null && reader.Read() && reader.GetInt64(0) >= reader.GetInt64(1)))
        {
            throw new AlloyScanException(
                ErrorKind.InvalidArgument, "NothingToSplit", $"The CI {RecordId} was created for the device {_deviceId}: nothing was merged into it through this link.", _deviceId,
                "If another device was merged into the CI before, take that run back with Undo-AlloyScanSync; if the CI is not wanted, retire it.");
        }

        warn($"The journal does not reach back to when {_deviceId} was linked to {RecordId}: the CI keeps its values as they are, and the device gets its own CI.");
        return null;
    }

    /// <summary>What is to be taken back on the CI, last things first: all since the link was made, and the takeover that came before.</summary>
    private List<JournalRow> Rows(long linkedAt)
    {
        var rows = _journal.Since(_link.Class, _link.Number, linkedAt);
        var run = rows[^1].RunId;
        rows.AddRange(_journal.OfRun(_link.Class, _link.Number, run).Where(r => r.Id < linkedAt && r.Action == "CloseLink"));
        return rows;
    }

    private DeviceFacts Facts()
    {
        var facts = DeviceFacts.FromJson(_session.Prepare("SELECT source FROM link_values WHERE link = @p0").Set(0, _link.Id).Text() ?? "{}");
        facts.Class = _link.Class;
        if (_link.SoftwareImported)
        {
            facts.Software = _restorer.SoftwareOf(_link.Record);
            facts.SnapshotRead = true;
        }

        return facts;
    }

    /// <summary>What the link knew of its device stays: whether it is missing, and whether it has to be read again.</summary>
    private void KeepState()
    {
        if (_link.Fingerprint == 0)
            _session.Prepare("UPDATE links SET fingerprint = 0 WHERE id = @p0").Set(0, _link.Id).Execute();
        if (_link.State == LinkState.Missing)
        {
            _session.Prepare("UPDATE links SET state = 2, missing_since = @p1, missing_runs = @p2 WHERE id = @p0")
                .Set(0, _link.Id).Set(1, _link.MissingSince).Set(2, _link.MissingRuns).Execute();
        }
    }
}
