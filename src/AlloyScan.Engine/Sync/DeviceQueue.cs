using AlloyScan.Engine.Site;

namespace AlloyScan.Engine.Sync;

/// <summary>How a device is fetched: the calls to make, whose answer gives the work on the store.</summary>
/// <param name="RunAsync">Makes the calls.</param>
/// <param name="Calls">How many calls that takes at most.</param>
/// <param name="IsReady">Whether there is nothing to fetch at all.</param>
internal readonly record struct Fetch(Func<CancellationToken, Task<Action>> RunAsync, int Calls = 2, bool IsReady = false)
{
    /// <summary>Work that needs no call, and so no budget.</summary>
    public static Fetch Free(Action work) => new(_ => Task.FromResult(work), 0, IsReady: true);
}

/// <summary>
/// Fetches staged devices several at once and takes the answers in order of device ID, so that the outcome does not
/// depend on who answered first. All work on the store is done here, on one flow.
/// </summary>
internal sealed class DeviceQueue(RunScope scope)
{
    /// <summary>Whether the budget left out a device before others that were fetched already.</summary>
    public bool HasGap { get; private set; }

    /// <summary>Goes through the staged devices of a kind.</summary>
    /// <param name="kind">Which.</param>
    /// <param name="total">How many there are, for progress.</param>
    /// <param name="prepare">Run on the flow of the store: gives the calls to make; <see langword="null"/> to pass over.</param>
    /// <param name="cancellationToken">Stops the calls.</param>
    /// <param name="most">Most calls to plan for; what takes more is left to the next run.</param>
    /// <returns>False when the budget ended it early.</returns>
    public async Task<bool> ForEachAsync(
        StagedKind kind, int total, Func<StagedDevice, Fetch?> prepare, CancellationToken cancellationToken, long most = long.MaxValue)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var window = new Queue<(StagedDevice Staged, Task<Action> Fetch, int Calls)>();
        var chunk = new Queue<StagedDevice>();
        StagedDevice? after = null;
        var ended = false;
        var stopped = false;
        HasGap = false;
        (StagedDevice Staged, Fetch? Fetch)? held = null;
        var started = scope.Context.TimeProvider.GetTimestamp();
        try
        {
            while (true)
            {
                while (!ended && window.Count < scope.Window)
                {
                    if (held is null && chunk.Count == 0)
                    {
                        foreach (var staged in scope.Staging.Next(kind, after))
                            chunk.Enqueue(staged);
                        if (chunk.Count == 0)
                        {
                            ended = true;
                            break;
                        }
                    }

                    var (next, known) = held ?? (chunk.Dequeue(), null);
                    held = null;
                    after = next;
                    if ((known ?? Prepare(next, prepare)) is not { } fetch)
                    {
                        scope.Done++;
                        continue;
                    }

                    if (fetch.Calls > 0 && scope.Budget.IsLimited)
                    {
                        if (fetch.Calls > most)
                        {
                            scope.LeaveForNextRun();
                            (ended, stopped) = (true, true);
                            break;
                        }

                        // Those that have their answer have spent their calls already. One under way may have spent a part as
                        // well, so that only when none is left it is known what the budget still allows.
                        var underWay = window.Sum(w => w.Fetch.IsCompleted ? 0 : w.Calls);
                        if (underWay > 0 && scope.IsOverBudget(underWay + fetch.Calls))
                        {
                            held = (next, fetch);
                            break;
                        }

                        if (scope.IsBudgetSpent(underWay + fetch.Calls))
                        {
                            (ended, stopped) = (true, true);
                            break;
                        }

                        most -= fetch.Calls;
                    }

                    window.Enqueue((next, fetch.IsReady ? fetch.RunAsync(stop.Token) : Task.Run(() => fetch.RunAsync(stop.Token), stop.Token), fetch.Calls));
                }

                if (window.Count == 0)
                    break;

                var (device, task, _) = window.Dequeue();
                scope.Spend("Apply", ref started);
                Action? consume = null;
                try
                {
                    consume = await task.ConfigureAwait(false);
                    scope.CallSucceeded();
                }
                catch (BudgetSpentException)
                {
                    // Retries and tokens took what was meant for this device. It did not fail, and those behind it have their answers.
                    scope.EndForBudget();
                    (HasGap, ended, stopped) = (true, true, true);
                }
                catch (Exception e) when (!scope.IsFatal(e))
                {
                    scope.Batch.AddError(device.Device.Id, device.Device.DisplayName, DeviceFailure.Read(e));
                }

                scope.Spend("Read", ref started);
                cancellationToken.ThrowIfCancellationRequested();
                consume?.Invoke();
                scope.Progress(kind == StagedKind.Linked ? "Update" : "Create", ++scope.Done, total);
            }

            scope.Batch.Flush();
            scope.Spend("Apply", ref started);
            return !stopped;
        }
        finally
        {
            // Whatever is still under way is not wanted any more; its failures are nobody's business.
            await stop.CancelAsync().ConfigureAwait(false);
            foreach (var (_, fetch, _) in window)
                await fetch.ContinueWith(static t => _ = t.Exception, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default).ConfigureAwait(false);
        }
    }

    /// <summary>Gives the calls to make, unless the device is parked or cannot even be looked up.</summary>
    private Fetch? Prepare(StagedDevice staged, Func<StagedDevice, Fetch?> prepare)
    {
        try
        {
            var fetch = prepare(staged);
            if (fetch is null || !scope.Failing.IsParked(staged.Device.Id, ListedAs.Of(staged.Device)))
                return fetch;

            scope.Context.Counts.Parked++;
            return null;
        }
        catch (Exception e) when (!DeviceFailure.IsOfRun(e))
        {
            scope.Batch.AddError(staged.Device.Id, staged.Device.DisplayName, DeviceFailure.Of(e, "Identify"));
            return null;
        }
    }
}
