using AlloyScan.Engine.Cmdb;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Store;
using AlloyScan.Engine.Sync.Apply;
using AlloyScan.Engine.Sync.Identify;
using AlloyScan.Engine.Sync.Map;
using AlloyScan.Engine.Sync.Undo;

namespace AlloyScan.Engine.Sync.Conflicts;

/// <summary>Acts on a decision at once, from what the conflict kept of its device, as a run of its own.</summary>
internal sealed class ConflictResolver
{
    private readonly StoreSession _session;
    private readonly SyncConflict _conflict;
    private readonly long _siteId;
    private readonly DeviceFacts _facts;
    private readonly RunContext _context;
    private readonly ChangeWriter _writer;

    public ConflictResolver(StoreSession session, SyncJob job, SyncConflict conflict, TimeProvider timeProvider)
    {
        _session = session;
        _conflict = conflict;
        using (var reader = session.Prepare("SELECT site_id, facts FROM conflicts WHERE id = @p0").Set(0, conflict.Id).Read())
        {
            reader.Read();
            _siteId = reader.GetInt64(0);
            _facts = DeviceFacts.FromJson(reader.GetString(1));
        }

        _facts.Class = conflict.Class;
        _context = new RunContext(session, job, _siteId, SyncMode.Apply, SilentObserver.Instance, timeProvider);
        _ = new Staging(_context, false);
        _writer = new ChangeWriter(_context, new Identification(_context));
    }

    /// <summary>Links the device to a CI.</summary>
    /// <exception cref="AlloyScanException">The CI cannot be the one (<c>RecordNotFound</c>, <c>WrongClass</c>, <c>RecordRetired</c>, <c>RecordLinked</c>).</exception>
    public void Link(string recordId, Lease lease, Action<string> warn)
    {
        var record = Find(recordId);
        var closed = HolderToClose(record);
        var separated = _session.Prepare("SELECT 1 FROM separations WHERE target_id = @p0 AND site_id = @p1 AND device_id = @p2 AND record = @p3")
            .Set(0, _context.TargetId).Set(1, _siteId).Set(2, _conflict.DeviceId).Set(3, record.Id).Number() is not null;
        Do(lease, $"The device {_conflict.DeviceName} was linked to {RunContext.RecordId(record.Class, record.Number)} by a person.", () =>
        {
            if (separated)
            {
                _session.Prepare("DELETE FROM separations WHERE target_id = @p0 AND site_id = @p1 AND device_id = @p2 AND record = @p3")
                    .Set(0, _context.TargetId).Set(1, _siteId).Set(2, _conflict.DeviceId).Set(3, record.Id).Execute();
            }

            _writer.Link(_facts, new Decision(DecisionKind.Link, "Decided by a person", record.Id, null, closed));
            if (separated)
                _writer.Journal(record.Class, record.Number, "Rejoin", "link", null, _conflict.DeviceId, LinkId(), new JournalDetail { Rejoined = true });
        });
        if (separated)
            warn($"The device {_conflict.DeviceName} and {recordId} had been separated by Split-AlloyScanLink; that is forgotten now.");
    }

    /// <summary>Creates a CI for the device.</summary>
    public void Create(Lease lease) =>
        Do(lease, $"A CI was created for the device {_conflict.DeviceName}, as a person decided.", () => _writer.Create(_facts, "Decided by a person"));

    private void Do(Lease lease, string message, Action work)
    {
        if (_session.Prepare("SELECT 1 FROM links WHERE target_id = @p0 AND site_id = @p1 AND device_id = @p2 AND state IN (1, 2)")
            .Set(0, _context.TargetId).Set(1, _siteId).Set(2, _conflict.DeviceId).Number() is not null)
        {
            throw NotOpen(_conflict, "its device has a CI by now");
        }

        RunRow.Begin(_context, SyncRunKind.Resolve);
        RunRow.Do(_context, lease, message, () =>
        {
            work();
            // The software was never kept: 0 makes the next run read device and snapshot, whatever moved.
            if (!_facts.SnapshotRead && _facts.AuditId is not null && _facts.Class == Inventory.RecordClass.Computer && _context.ImportsSoftware(_facts.Platform))
                _session.Prepare("UPDATE links SET fingerprint = 0 WHERE id = @p0").Set(0, LinkId()).Execute();
            _writer.Flush();
        });
    }

    private long LinkId() =>
        _session.Prepare("SELECT id FROM links WHERE target_id = @p0 AND site_id = @p1 AND device_id = @p2").Set(0, _context.TargetId).Set(1, _siteId).Set(2, _conflict.DeviceId).Number()
        ?? throw new InvalidOperationException("The link was not written.");

    private RecordState Find(string recordId)
    {
        var (recordClass, number) = RecordIds.Parse(recordId);
        var record = recordClass is 1 or 2 ? new BuiltInCmdb(_session, _context.TargetId, _context.Schema).Get((Inventory.RecordClass)recordClass, number!.Value) : null;
        if (record is null)
            throw new AlloyScanException(ErrorKind.NotFound, "RecordNotFound", $"There is no CI '{recordId}' in the CMDB.", recordId, "List them to see their IDs.");
        if (record.Class != _conflict.Class)
        {
            throw new AlloyScanException(
                ErrorKind.InvalidArgument, "WrongClass", $"The device {_conflict.DeviceName} of conflict {_conflict.Id} is a {_conflict.Class}, and {recordId} is a {record.Class}.", recordId,
                "Name a CI of the device's class, or create one with -Create.");
        }

        if (record.IsRetired)
        {
            throw new AlloyScanException(
                ErrorKind.InvalidArgument, "RecordRetired", $"The CI {recordId} is retired, and a retired CI is not updated.", recordId,
                $"Give it another status with Set-AlloyCmdb{record.Class} -Status first, or create a new CI with -Create.");
        }

        return record;
    }

    /// <summary>The link of a missing device that gives the CI up; 0 when nobody has it.</summary>
    private long HolderToClose(RecordState record)
    {
        using var reader = _session.Prepare("SELECT id, device_id, state FROM links WHERE record = @p0 AND state IN (1, 2) ORDER BY state LIMIT 1").Set(0, record.Id).Read();
        if (!reader.Read())
            return 0;
        if (reader.GetInt32(2) == (int)LinkState.Missing)
            return reader.GetInt64(0);

        var id = RunContext.RecordId(record.Class, record.Number);
        throw new AlloyScanException(
            ErrorKind.InvalidArgument, "RecordLinked", $"The CI {id} belongs to the device '{reader.GetString(1)}', which the site still has.", id,
            "If that device does not belong to it, split it off with Split-AlloyScanLink; if both are one machine, delete the old device in AlloyScan.");
    }

    internal static AlloyScanException NotOpen(SyncConflict conflict, string why) => new(
        ErrorKind.InvalidArgument, "ConflictNotOpen", $"Conflict {conflict.Id} of the device {conflict.DeviceName} cannot be decided: {why}.", conflict.Id,
        conflict.State == ConflictState.Ignored ? "Open it again with -Reopen first." : "List the open ones with Get-AlloyScanConflict.");
}
