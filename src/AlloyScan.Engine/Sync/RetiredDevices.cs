using AlloyScan.Engine.Cmdb;
using AlloyScan.Engine.Site;
using AlloyScan.Engine.Store;
using AlloyScan.Engine.Sync.Guard;
using AlloyScan.Engine.Sync.Map;
using AlloyScan.Engine.Sync.Undo;

namespace AlloyScan.Engine.Sync;

/// <summary>Works on devices whose CI was retired, for jobs that delete the originals.</summary>
internal sealed class RetiredDevices(RunScope scope)
{
    /// <summary>Counts the devices that are due to be deleted.</summary>
    public void CountDue()
    {
        foreach (var link in Links())
            scope.Guard.Count(GuardKinds.Deletion, new GuardSlice(link.Class, DeviceFacts.FromJson(link.Source).Platform), []);
    }

    /// <summary>Plans the deletions that are held back.</summary>
    public void Hold()
    {
        foreach (var link in Links())
            Plan(link);
    }

    /// <summary>Deletes the devices in AlloyScan.</summary>
    public async Task ProcessAsync(CancellationToken cancellationToken)
    {
        scope.Batch.Flush();
        foreach (var link in Links())
        {
            if (scope.Context.Applying)
                await DeleteAsync(link, cancellationToken).ConfigureAwait(false);
            else
                Plan(link);
        }

        scope.Batch.Flush();
    }

    private IEnumerable<LinkDetails> Links()
    {
        StagedDevice? after = null;
        while (scope.Staging.Next(StagedKind.Retired, after) is { Count: > 0 } chunk)
        {
            foreach (var staged in chunk)
            {
                after = staged;
                if (LinkDetails.Get(scope.Session, staged.LinkId) is { } link)
                    yield return link;
            }
        }
    }

    private void Plan(LinkDetails link) => scope.Batch.Add(link.DeviceId, link.DeviceName, () => scope.Writer.PlanDeletion(link), null, link.Record, scope.Session.Prepare("SELECT version FROM records WHERE id = @p0").Set(0, link.Record).Number());

    /// <summary>Deletes one device. The intent is committed before the call, so that a run that dies in between is settled by the next.</summary>
    public async Task DeleteAsync(LinkDetails link, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (scope.IsBudgetSpent(1))
            return;

        long intent = 0;
        var mayDelete = false;
        scope.Write(() =>
        {
            mayDelete = IsRetiredBySomebody(link);
            if (!mayDelete)
                return;

            intent = scope.Session.Insert(
                "INSERT INTO intents (run_id, action, link, device_id, created_at) VALUES (@p0, 'DeleteInAlloyScan', @p1, @p2, @p3) RETURNING id",
                scope.Context.RunId, link.Id, link.DeviceId, scope.Context.TimeProvider.NowMilliseconds());
        });
        if (!mayDelete)
        {
            scope.Context.Counts.Skipped++;
            return;
        }

        try
        {
            await scope.Source.DeleteDeviceAsync(link.DeviceId, cancellationToken).ConfigureAwait(false);
        }
        catch (BudgetSpentException)
        {
            // A first try may have got through before its retry was stopped: the intent stays open, and the next run asks the site.
            throw;
        }
        catch (AlloyScanException e)
        {
            scope.Session.Execute("UPDATE intents SET outcome = @p1 WHERE id = @p0", intent, "Failed: " + e.ErrorId);
            scope.Batch.AddError(link.DeviceId, link.DeviceName, "Apply", e.ErrorId, e.Message);
            if (scope.IsFatal(e))
                throw;
            return;
        }

        scope.Batch.Add(link.DeviceId, link.DeviceName, () => CloseDeleted(link, intent), null, link.Record);
        scope.Batch.Flush();
    }

    /// <summary>
    /// Whether the CI is retired, by somebody else than us, and still belongs to the device. All is read again here: somebody may
    /// have taken the CI back, or given it to another device, since the list was read.
    /// </summary>
    private bool IsRetiredBySomebody(LinkDetails link) =>
        RecordStatus.IsRetired(scope.Session.Prepare("SELECT r.status FROM links l JOIN records r ON r.id = l.record WHERE l.id = @p0 AND l.record = @p1 AND l.state IN (1, 2) AND l.retired_at IS NULL")
            .Set(0, link.Id).Set(1, link.Record).Text());

    private SyncChange CloseDeleted(LinkDetails link, long intent)
    {
        scope.Session.Prepare("UPDATE intents SET outcome = 'Deleted' WHERE id = @p0").Set(0, intent).Execute();
        var before = LinkImage.Read(scope.Session, link.Id);
        scope.Session.Prepare("UPDATE links SET state = 3, closed_reason = @p1 WHERE id = @p0").Set(0, link.Id).Set(1, ClosedReason.DeletedInAlloyScan).Execute();
        scope.Writer.JournalLink(link.Class, link.RecordNumber, "DeleteInAlloyScan", link.Id, before, LinkState.Closed);
        scope.Context.Counts.DeletedInAlloyScan++;
        return scope.Writer.LinkChange(ChangeAction.DeleteInAlloyScan, link, "Its CI is retired") with { Kind = GuardKinds.Deletion };
    }

    /// <summary>
    /// Settles deletions of a run that died between the call and its outcome: the site knows whether they happened, if its word on devices
    /// that are there can be trusted. Otherwise they stay open. Call when the list is read.
    /// </summary>
    public async Task SettleIntentsAsync(CancellationToken cancellationToken)
    {
        var open = new List<(long Intent, long Link)>();
        using (var reader = scope.Session.Prepare("SELECT i.id, i.link FROM intents i JOIN links l ON l.id = i.link WHERE i.outcome IS NULL AND l.site_id = @p0").Set(0, scope.Context.SiteId).Read())
        {
            while (reader.Read())
                open.Add((reader.GetInt64(0), reader.GetInt64(1)));
        }

        foreach (var (intent, linkId) in open)
        {
            if (LinkDetails.Get(scope.Session, linkId) is not { } link)
                continue;

            if (await scope.Source.ReadDeviceAsync(link.DeviceId, cancellationToken).ConfigureAwait(false) is null)
            {
                if (await AnswersForAnotherAsync(link.DeviceId, cancellationToken).ConfigureAwait(false))
                    scope.Batch.Add(link.DeviceId, link.DeviceName, () => CloseDeleted(link, intent), null, link.Record);
            }
            else
            {
                scope.Write(() => scope.Session.Execute("UPDATE intents SET outcome = 'NotDone' WHERE id = @p0", intent));
            }
        }

        scope.Batch.Flush();
    }

    private Task<bool> AnswersForAnotherAsync(string deviceId, CancellationToken cancellationToken) =>
        scope.AnswersForAsync(scope.Staging.FirstDeviceId == deviceId ? scope.Staging.LastDeviceId : scope.Staging.FirstDeviceId, cancellationToken);
}
