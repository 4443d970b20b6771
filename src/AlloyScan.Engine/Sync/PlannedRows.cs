using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Sync.Identify;
using AlloyScan.Engine.Sync.Plan;

namespace AlloyScan.Engine.Sync;

/// <summary>
/// Writes rows that were planned before, from what was kept of the device. A row whose CI or link is not as it was then, or whose device would be
/// recognised as something else now, is skipped with the reason.
/// </summary>
/// <param name="scope">The run.</param>
/// <param name="skipped">Hears what was skipped, once a row.</param>
internal sealed class PlannedRows(RunScope scope, Action<PlanRow, string> skipped)
{
    private readonly HashSet<int> _told = [];
    private readonly DoubtfulLinks _doubtful = new(scope);

    /// <summary>Writes one row. Call inside a batch: what it rests on is looked at in the same transaction.</summary>
    public SyncChange? Apply(PlanRow row)
    {
        var link = LinkOf(row.DeviceId);
        return row.Action switch
        {
            ChangeAction.MarkMissing => link is { State: LinkState.Live } ? scope.Writer.MarkMissing(link) : Skip(row, "its link is not live any more"),
            ChangeAction.Retire => IsChanged(row) ? Skip(row, "its CI has changed since the plan was made")
                : link is { State: LinkState.Missing } && link.Record == row.Record ? scope.Writer.Retire(link)
                : Skip(row, "its link is not missing any more"),
            ChangeAction.Conflict when row.Facts is null =>
                link is { State: LinkState.Live } && _doubtful.Judge(link) is { } resting ? _doubtful.Write(link, resting) : Skip(row, "its link does not rest on junk any more"),
            _ => ApplyFacts(row, link),
        };
    }

    /// <summary>Says that a row is skipped.</summary>
    public SyncChange? Skip(PlanRow row, string reason)
    {
        scope.Context.Counts.Skipped++;
        // A batch that failed is done again row by row.
        if (_told.Add(row.Row))
            skipped(row, reason);
        return null;
    }

    /// <summary>The link of a device, in use.</summary>
    public LinkDetails? LinkOf(string deviceId) =>
        scope.Session.Prepare("SELECT id FROM links WHERE target_id = @p0 AND site_id = @p1 AND device_id = @p2 AND state IN (1, 2)")
            .Set(0, scope.Context.TargetId).Set(1, scope.Context.SiteId).Set(2, deviceId).Number() is { } id
            ? LinkDetails.Get(scope.Session, id)
            : null;

    private SyncChange? ApplyFacts(PlanRow row, LinkDetails? link)
    {
        if (row.Facts is not { } facts)
            return null;

        if (IsChanged(row))
            return Skip(row, "its CI has changed since the plan was made");

        if (row.Action == ChangeAction.Create && scope.Context.Job.DeletedRecord == DeletedRecord.Recreate && LinkOfDeletedRecord(row.DeviceId) is { } former)
            return scope.Writer.Recreate(facts, former);

        if (link is { State: LinkState.Live or LinkState.Missing })
        {
            if (row.Action == ChangeAction.CloseLink)
            {
                return scope.Session.Prepare("SELECT 1 FROM records WHERE id = @p0").Set(0, link.Record).Number() is null
                    ? scope.Writer.CloseForDeletedRecord(facts, link)
                    : Skip(row, "its CI is there again");
            }

            return row.Record == link.Record ? scope.Writer.Update(facts, link) : Skip(row, "the device has been linked since the plan was made");
        }

        var decision = scope.Identification.Decide(facts);
        var expected = row.Action switch
        {
            ChangeAction.Create => DecisionKind.Create,
            ChangeAction.Conflict => DecisionKind.Conflict,
            _ => DecisionKind.Link,
        };
        return decision.Kind != expected || (expected == DecisionKind.Link && decision.Record != row.Record)
            ? Skip(row, $"what the device is recognised as has changed since: {decision.Reason}")
            : scope.Apply(facts, decision);
    }

    /// <summary>Whether the CI of a row has another version than when it was planned, or is gone.</summary>
    public bool IsChanged(PlanRow row) =>
        row.Record is { } record && row.RecordVersion is { } version && scope.Session.Prepare("SELECT version FROM records WHERE id = @p0").Set(0, record).Number() != version;

    private LinkDetails? LinkOfDeletedRecord(string deviceId) =>
        scope.Session.Prepare("""
            SELECT id FROM links l WHERE target_id = @p0 AND site_id = @p1 AND device_id = @p2 AND state IN (1, 2, 4) AND NOT EXISTS (SELECT 1 FROM records r WHERE r.id = l.record)
            """).Set(0, scope.Context.TargetId).Set(1, scope.Context.SiteId).Set(2, deviceId).Number() is { } id
            ? LinkDetails.Get(scope.Session, id)
            : null;
}
