using AlloyScan.Engine.Site;

namespace AlloyScan.Engine.Sync;

/// <summary>
/// Asks the site for each device whether it is really gone. Its 404 is believed only where the same path answers for devices that are there, before
/// and after.
/// </summary>
internal sealed class AbsenceProof(RunScope scope)
{
    /// <summary>Goes through links, in their order.</summary>
    /// <param name="ids">The links.</param>
    /// <param name="first">A device that is there, asked for before.</param>
    /// <param name="last">A device that is there, asked for after.</param>
    /// <param name="what">What is to be done with those that are gone, for the warning.</param>
    /// <param name="cancellationToken">Stops the calls.</param>
    /// <returns>The links whose devices are gone.</returns>
    public async Task<List<LinkDetails>> ConfirmAsync(IReadOnlyList<long> ids, string? first, string? last, string what, CancellationToken cancellationToken)
    {
        try
        {
            return await AskAsync(ids, first, last, what, cancellationToken).ConfigureAwait(false);
        }
        catch (BudgetSpentException)
        {
            // Without the proof at the end no answer is believed.
            scope.EndForBudget();
            return [];
        }
    }

    private async Task<List<LinkDetails>> AskAsync(IReadOnlyList<long> ids, string? first, string? last, string what, CancellationToken cancellationToken)
    {
        var confirmed = new List<LinkDetails>();
        if (!await scope.AnswersForAsync(first, cancellationToken).ConfigureAwait(false))
        {
            scope.Context.Observer.OnWarning($"The site did not answer for a device that it lists, so its 404 for others is not believed: nothing is {what}.");
            return confirmed;
        }

        var started = scope.Context.TimeProvider.GetTimestamp();
        for (var from = 0; from < ids.Count; from += scope.Window)
        {
            var links = ids.Skip(from).Take(scope.Window).Select(id => LinkDetails.Get(scope.Session, id)).OfType<LinkDetails>().ToList();
            var answers = await Task.WhenAll(links.Select(l => IsGoneAsync(l, cancellationToken))).ConfigureAwait(false);
            confirmed.AddRange(links.Where((_, i) => answers[i]));
            scope.Progress("Confirm", Math.Min(from + scope.Window, ids.Count), ids.Count);
        }

        scope.Spend("Confirm", ref started);
        if (confirmed.Count > 0 && !await scope.AnswersForAsync(last, cancellationToken).ConfigureAwait(false))
        {
            scope.Context.Observer.OnWarning($"The site stopped answering for a device that it lists, so its 404 for others is not believed: nothing is {what}.");
            return [];
        }

        return confirmed;
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
