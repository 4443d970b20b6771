namespace AlloyScan.Engine.Sync;

/// <summary>How a device is fetched: the calls to make, whose answer gives the work on the store.</summary>
/// <param name="RunAsync">Makes the calls.</param>
/// <param name="Calls">How many calls that takes at most.</param>
internal readonly record struct Fetch(Func<CancellationToken, Task<Action>> RunAsync, int Calls = 2)
{
    /// <summary>Work that needs no call, and so no budget.</summary>
    public static Fetch Free(Action work) => new(_ => Task.FromResult(work), 0);
}

/// <summary>
/// Fetches staged devices several at once and takes the answers in order of device ID, so that the outcome does not
/// depend on who answered first. All work on the store is done here, on one flow.
/// </summary>
internal sealed class DeviceQueue(RunScope scope)
{
    /// <summary>Goes through the staged devices of a kind.</summary>
    /// <param name="kind">Which.</param>
    /// <param name="total">How many there are, for progress.</param>
    /// <param name="prepare">Run on the flow of the store: gives the calls to make; <see langword="null"/> to pass over.</param>
    /// <param name="cancellationToken">Stops the calls.</param>
    /// <returns>False when the budget ended it early.</returns>
    public async Task<bool> ForEachAsync(
        StagedKind kind, int total, Func<StagedDevice, Fetch?> prepare, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var window = new Queue<(StagedDevice Staged, Task<Action> Fetch, int Calls)>();
        var chunk = new Queue<StagedDevice>();
        var after = string.Empty;
        var ended = false;
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
                    after = next.Device.Id;
                    if ((known ?? prepare(next)) is not { } fetch)
                    {
                        scope.Done++;
                        continue;
                    }

                    if (fetch.Calls > 0 && scope.Request.MaxApiCalls is not null)
                    {
                        // Those that have their answer are counted in the usage already. One under way may be counted in part as
                        // well, so that only when none is left it is known what the budget still allows.
                        var underWay = window.Sum(w => w.Fetch.IsCompleted ? 0 : w.Calls);
                        if (underWay > 0 && scope.IsOverBudget(underWay + fetch.Calls))
                        {
                            held = (next, fetch);
                            break;
                        }

                        if (scope.IsBudgetSpent(underWay + fetch.Calls))
                        {
                            ended = true;
                            break;
                        }
                    }

                    window.Enqueue((next, fetch.Calls == 0 ? fetch.RunAsync(stop.Token) : Task.Run(() => fetch.RunAsync(stop.Token), stop.Token), fetch.Calls));
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
                catch (AlloyScanException e) when (!scope.IsFatal(e))
                {
                    scope.Batch.AddError(device.Device.Id, device.Device.DisplayName, "Read", e.ErrorId, e.Message);
                }

                scope.Spend("Read", ref started);
                cancellationToken.ThrowIfCancellationRequested();
                consume?.Invoke();
                scope.Progress(kind == StagedKind.Linked ? "Update" : "Create", ++scope.Done, total);
            }

            scope.Batch.Flush();
            scope.Spend("Apply", ref started);
            return !scope.BudgetSpent;
        }
        finally
        {
            // Whatever is still under way is not wanted any more; its failures are nobody's business.
            await stop.CancelAsync().ConfigureAwait(false);
            foreach (var (_, fetch, _) in window)
                await fetch.ContinueWith(static t => _ = t.Exception, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default).ConfigureAwait(false);
        }
    }
}
