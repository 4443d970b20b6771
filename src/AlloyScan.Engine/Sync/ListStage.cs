namespace AlloyScan.Engine.Sync;

/// <summary>Reads the device list into the staging and says whether it was complete.</summary>
internal sealed class ListStage(RunScope scope)
{
    /// <summary>Passes over the list until it is complete.</summary>
    private const int MostPasses = 3;

    /// <summary>Passes over a list that gives no total at all: another one may only show that this was no slip.</summary>
    private const int PassesWithoutTotal = 2;

    private readonly HashSet<string> _unreadable = new(StringComparer.Ordinal);

    /// <summary>Stages the list; passes over it until it is complete, a few times at most.</summary>
    public async Task ReadAsync(CancellationToken cancellationToken)
    {
        var anyTotal = false;
        for (var pass = 1; pass <= (anyTotal ? MostPasses : PassesWithoutTotal) && !scope.Complete; pass++)
        {
            int? total = null;
            var steady = true;
            var nameless = 0;
            var items = 0;
            var saysLast = false;
            var started = scope.Context.TimeProvider.GetTimestamp();
            await foreach (var page in scope.Source.ReadDevicePagesAsync(cancellationToken).ConfigureAwait(false))
            {
                scope.Spend("Read", ref started);
                steady &= page.Total is not null && (total is null || total == page.Total);
                total = page.Total;
                anyTotal |= total is not null;
                items += page.ItemCount;
                saysLast = page.IsLast && page.ItemCount > 0;
                scope.Session.BeginRead();
                try
                {
                    scope.Staging.Add(page);
                    foreach (var item in page.Unreadable)
                    {
                        if (item.DeviceId is null)
                            nameless++;
                        else
                            scope.Staging.AddUnreadable(item.DeviceId);
                        if (item.DeviceId is null ? pass == 1 : _unreadable.Add(item.DeviceId))
                            scope.Batch.AddError(item.DeviceId, item.Name, "Read", "UnreadableDevice", item.Reason);
                    }

                    scope.Session.Commit();
                }
                catch
                {
                    scope.Session.Rollback();
                    throw;
                }

                scope.Spend("Compare", ref started);
                scope.Progress("Read", scope.Staging.Distinct, total);
                scope.Heartbeat();
                if ((total is null || scope.Staging.Distinct + nameless < total) && scope.IsBudgetSpent(1))
                    return;
            }

            // The distinct devices agree with a total that stayed put. A list without one has to say itself where it ends, and to name nobody twice.
            var distinct = scope.Staging.Distinct + nameless;
            scope.Complete = anyTotal ? steady && total == distinct : saysLast && items == distinct;
            if (!scope.Complete)
                scope.Context.Observer.OnVerbose($"Pass {pass} over the device list: {scope.Staging.Distinct} distinct devices, the site says {total?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "nothing"}.");
        }

        if (!scope.Complete)
        {
            scope.Say(anyTotal
                ? "The device list could not be read completely; nothing was marked missing or deleted."
                : "The device list has neither a total nor an explicit end, so that nobody can tell whether it was complete; nothing was marked missing or deleted.");
        }
    }
}
