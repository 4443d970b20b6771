using AlloyScan.Engine.Store;

namespace AlloyScan.Engine.Sync;

/// <summary>Works on linked devices that the list does not name any more.</summary>
internal sealed class AbsentDevices(RunScope scope)
{
    /// <summary>Confirms absences one by one and marks the links.</summary>
    public async Task ProcessAsync(CancellationToken cancellationToken)
    {
        var unseen = new List<(long? LastSeen, long Id)>();
        // Sorted here and not there: as a rule nearly all links are seen and only the few others are of interest.
        using (var reader = scope.Session.Prepare("SELECT id, last_seen FROM links WHERE target_id = @p0 AND site_id = @p1 AND state = 1")
            .Set(0, scope.Context.TargetId).Set(1, scope.Context.SiteId).Read())
        {
            while (reader.Read())
            {
                if (!scope.Staging.IsSeen(reader.GetInt64(0)))
                    unseen.Add((reader.Number(1), reader.GetInt64(0)));
            }
        }

        unseen.Sort();
        var absent = unseen.ConvertAll(u => u.Id);
        if (absent.Count == 0)
            return;

        // A tenth of a run's budget goes into confirmations, those unseen for longest first.
        if (scope.Request.MaxApiCalls is { } budget && absent.Count > budget / 10)
            absent.RemoveRange(budget / 10, absent.Count - (budget / 10));

        if (!await DevicePathAnswersAsync(cancellationToken).ConfigureAwait(false))
        {
            scope.Context.Observer.OnWarning("The site did not answer for a device that it lists, so its 404 for others is not believed: nothing is marked missing.");
            return;
        }

        var confirmed = new List<LinkDetails>();
        var started = scope.Context.TimeProvider.GetTimestamp();
        for (var from = 0; from < absent.Count; from += scope.Window)
        {
            var links = absent.Skip(from).Take(scope.Window).Select(id => LinkDetails.Get(scope.Session, id)).OfType<LinkDetails>().ToList();
            var answers = await Task.WhenAll(links.Select(l => IsGoneAsync(l, cancellationToken))).ConfigureAwait(false);
            confirmed.AddRange(links.Where((_, i) => answers[i]));
            scope.Progress("Confirm", Math.Min(from + scope.Window, absent.Count), absent.Count);
        }

        scope.Spend("Confirm", ref started);
        if (confirmed.Count > 0 && !await DevicePathAnswersAsync(cancellationToken).ConfigureAwait(false))
        {
            scope.Context.Observer.OnWarning("The site stopped answering for a device that it lists, so its 404 for others is not believed: nothing is marked missing.");
            return;
        }

        foreach (var link in confirmed)
            scope.Batch.Add(link.DeviceId, link.DeviceName, () => scope.Writer.MarkMissing(link), null, link.Record);
        scope.Batch.Flush();
    }

    private async Task<bool> DevicePathAnswersAsync(CancellationToken cancellationToken)
    {
        try
        {
            return scope.Staging.AnyDeviceId is { } id && await scope.Source.ReadDeviceAsync(id, cancellationToken).ConfigureAwait(false) is not null;
        }
        catch (AlloyScanException e) when (!scope.IsFatal(e))
        {
            return false;
        }
    }

    private async Task<bool> IsGoneAsync(LinkDetails link, CancellationToken cancellationToken)
    {
        try
        {
            return await scope.Source.ReadDeviceAsync(link.DeviceId, cancellationToken).ConfigureAwait(false) is null;
        }
        catch (AlloyScanException e) when (!scope.IsFatal(e))
        {
            scope.Context.Observer.OnVerbose($"The absence of {link.DeviceName} could not be confirmed: {e.Message}");
            return false;
        }
    }
}
