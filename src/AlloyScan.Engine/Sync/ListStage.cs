using System.Globalization;
using AlloyScan.Engine.Site;

namespace AlloyScan.Engine.Sync;

/// <summary>Reads the device list into the staging and says whether it was complete.</summary>
internal sealed class ListStage(RunScope scope)
{
    /// <summary>Passes over the list until it is complete.</summary>
    private const int MostPasses = 3;

    /// <summary>Passes over a list that gives no total at all: another one may only show that this was no slip.</summary>
    private const int PassesWithoutTotal = 2;

    private readonly HashSet<string> _unreadable = new(StringComparer.Ordinal);
    private bool _anyTotal;
    private bool _readOnce;
    private long _before;
    private int _largestPage;
    private int? _total;

    /// <summary>Stages the list; passes over it until it is complete, a few times at most.</summary>
    /// <returns>False when the budget does not reach to the end of the list; the message says how much it takes.</returns>
    public async Task<bool> ReadAsync(CancellationToken cancellationToken)
    {
        // A run of its own begins with a token.
        _before = scope.Source.IsGated ? scope.Budget.Spent : Math.Max(1, scope.Budget.Spent);
        try
        {
            if (!scope.IsBudgetSpent(1))
                await ReadPassesAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (BudgetSpentException)
        {
            scope.EndForBudget();
        }

        if (scope.BudgetSpent && !_readOnce)
        {
            scope.Complete = false;
            SayTooSmall();
            return false;
        }

        if (!scope.Complete)
        {
            scope.Say(_anyTotal
                ? "The device list could not be read completely; nothing was marked missing, retired, deleted or removed."
                : "The device list has neither a total nor an explicit end, so that nobody can tell whether it was complete; nothing was marked missing or deleted.");
        }

        return true;
    }

    /// <summary>Pages that the list has at least; <see langword="null"/> when the site has not said how many devices it lists.</summary>
    private int? Pages => _total is { } total && _largestPage > 0 ? Math.Max(1, (total + _largestPage - 1) / _largestPage) : null;

    private async Task ReadPassesAsync(CancellationToken cancellationToken)
    {
        for (var pass = 1; pass <= (_anyTotal ? MostPasses : PassesWithoutTotal) && !scope.Complete; pass++)
        {
            // A pass that the budget cannot end would be a waste; what is listed so far is worked on, as incomplete.
            if (pass > 1 && scope.IsOverBudget(Pages ?? 1))
                break;

            int? total = null;
            var steady = true;
            var nameless = 0;
            var items = 0;
            var saysLast = false;
            var unreadable = new List<UnreadableDevice>();
            var started = scope.Context.TimeProvider.GetTimestamp();
            await foreach (var page in scope.Source.ReadDevicePagesAsync(cancellationToken).ConfigureAwait(false))
            {
                scope.Spend("Read", ref started);
                steady &= page.Total is not null && (total is null || total == page.Total);
                total = page.Total;
                _anyTotal |= total is not null;
                items += page.ItemCount;
                saysLast = page.IsLast && page.ItemCount > 0;
                (_total, _largestPage) = (total, Math.Max(_largestPage, page.ItemCount));
                // The next page may have been asked for already, so that one call is given the benefit of the doubt.
                if (pass == 1 && page.Offset == 0 && scope.IsOverBudget((Pages ?? 1) - (scope.Source.IsGated ? 1 : 2)))
                {
                    scope.EndForBudget();
                    return;
                }

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
                            unreadable.Add(item);
                    }

                    scope.Session.Commit();
                }
                catch
                {
                    scope.Session.Rollback();
                    throw;
                }

                unreadable.ForEach(NoteUnreadable);
                unreadable.Clear();
                scope.Spend("Compare", ref started);
                scope.Progress("Read", scope.Staging.Distinct, total);
                if ((total is null ? !page.IsLast : page.Offset + page.ItemCount < total) && scope.Source.IsGated && scope.IsBudgetSpent(1))
                    return;
            }

            _readOnce = true;
            // The distinct devices agree with a total that stayed put. A list without one has to say itself where it ends, and to name nobody twice.
            var distinct = scope.Staging.Distinct + nameless;
            scope.Complete = _anyTotal ? steady && total == distinct : saysLast && items == distinct;
            if (!scope.Complete)
                scope.Context.Observer.OnVerbose($"Pass {pass} over the device list: {scope.Staging.Distinct} distinct devices, the site says {total?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "nothing"}.");
        }
    }

    /// <summary>Says at once what the list takes, so that nobody waits for a budget that never gets anywhere.</summary>
    private void SayTooSmall()
    {
        var refusal = scope.Budget.Refusal();
        if (Pages is not { } pages)
        {
            scope.Say($"{refusal.MessageWithAdvice} The device list could not be read: nothing was synchronised.");
            return;
        }

        var list = string.Create(
            CultureInfo.InvariantCulture,
            $"The device list has {_total:N0} devices on at least {pages:N0} {(pages == 1 ? "page" : "pages")}, and the budget does not reach to its end: nothing was synchronised.");
        scope.Say(refusal.Target is null
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"{list} A budget of {scope.Budget.Limit:N0} API {(scope.Budget.Limit == 1 ? "call" : "calls")} is too small for this site: the list takes at least {_before + pages:N0}, and then every device that moved takes up to 2.")
            : $"{list} {refusal.MessageWithAdvice}");
    }

    private void NoteUnreadable(UnreadableDevice item)
    {
        var listed = ListedAs.Unreadable(item.Reason);
        if (item.DeviceId is not null && scope.Failing.IsParked(item.DeviceId, listed))
            scope.Context.Counts.Parked++;
        else
            scope.Batch.AddError(item.DeviceId, item.Name, "Read", "UnreadableDevice", item.Reason, listed);
    }
}
