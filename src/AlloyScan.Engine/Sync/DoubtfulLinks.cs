using AlloyScan.Engine.Sync.Identify;

namespace AlloyScan.Engine.Sync;

/// <summary>Lists links that rest on values which turned junk, and takes those from the list that do not any more. The links stay as they are.</summary>
internal sealed class DoubtfulLinks(RunScope scope)
{
    private readonly RestingLinks _resting = new(scope.Context, scope.Identification);

    /// <summary>Looks at all links of the site. Call when junk is judged.</summary>
    public void Process()
    {
        var open = new Dictionary<string, long>(StringComparer.Ordinal);
        using (var reader = scope.Session.Prepare("SELECT device_id, id FROM conflicts WHERE target_id = @p0 AND site_id = @p1 AND kind = 'RestsOnJunk' AND state = 'Open'")
            .Set(0, scope.Context.TargetId).Set(1, scope.Context.SiteId).Read())
        {
            while (reader.Read())
                open.Add(reader.GetString(0), reader.GetInt64(1));
        }

        foreach (var resting in _resting.Find())
        {
            if (LinkDetails.Get(scope.Session, resting.Link) is not { } link)
                continue;

            open.Remove(link.DeviceId);
            Add(link, resting);
        }

        scope.Batch.Flush();
        if (open.Count > 0 && scope.Context.Applying)
        {
            scope.Write(() =>
            {
                foreach (var conflict in open.Values)
                    scope.Session.Prepare("DELETE FROM conflicts WHERE id = @p0").Set(0, conflict).Execute();
            });
        }
    }

    /// <summary>Whether one link still rests on junk; <see langword="null"/> when it does not.</summary>
    public RestingLink? Judge(LinkDetails link) => _resting.Judge(link.Id);

    /// <summary>Lists one link. Call inside a batch.</summary>
    public SyncChange? Write(LinkDetails link, RestingLink resting) => scope.Writer.RestsOnJunk(link, _resting.Reason(resting), RestingLinks.Key(resting));

    private void Add(LinkDetails link, RestingLink resting)
    {
        var reason = _resting.Reason(resting);
        scope.Batch.Add(link.DeviceId, link.DeviceName, () => scope.Writer.RestsOnJunk(link, reason, RestingLinks.Key(resting)), null, link.Record);
    }
}
