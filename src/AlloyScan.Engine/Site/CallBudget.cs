using System.Globalization;

namespace AlloyScan.Engine.Site;

/// <summary>
/// The gate that every request passes before it is sent, token requests, retries and redirects included: it counts them, and stops
/// those that a run's budget or the registration's month does not allow. Safe for concurrent use.
/// </summary>
public sealed class CallBudget : IDisposable
{
    private long _spent;

    /// <summary>Makes a gate.</summary>
    /// <param name="limit">Most requests; <see langword="null"/> for no limit.</param>
    public CallBudget(long? limit) => Limit = limit;

    /// <summary>Counts what the registration spends; <see langword="null"/> when nobody does. Set before the first request.</summary>
    internal ICallMeter? Meter { get; set; }

    /// <summary>Most requests of the run; <see langword="null"/> for no limit.</summary>
    public long? Limit { get; }

    /// <summary>Requests that have been let through.</summary>
    public long Spent => Interlocked.Read(ref _spent);

    /// <summary>Requests that are still allowed, by the run's limit and the registration's month; <see langword="null"/> for no limit.</summary>
    public long? Left => (Limit - Spent, Meter?.Left) switch
    {
        ({ } run, { } month) => Math.Max(0, Math.Min(run, month)),
        var (run, month) => run is null && month is null ? null : Math.Max(0, run ?? month!.Value),
    };

    /// <summary>Requests that the registration's month still allows, as far as is known; <see langword="null"/> without a monthly budget.</summary>
    internal long? MonthLeft => Meter?.Left;

    /// <summary>Whether anything is limited at all.</summary>
    internal bool IsLimited => Limit is not null || Meter?.Left is not null;

    /// <summary>Which of the two budgets is nearer its end, in words.</summary>
    internal BudgetSpentException Refusal() =>
        Meter?.Left is { } month && !(Limit - Spent <= month) ? Meter.Refusal() : new BudgetSpentException(
            string.Create(CultureInfo.InvariantCulture, $"The budget of {Limit} API {(Limit == 1 ? "call" : "calls")} is spent."),
            "The next run goes on from here.");

    /// <summary>Stops whoever would have to wait for a request that the run's budget does not allow.</summary>
    /// <exception cref="BudgetSpentException">It does not.</exception>
    internal void RequireLeft()
    {
        if (Spent >= Limit)
            throw Refusal();
    }

    /// <summary>Lets one request through, or stops it.</summary>
    /// <exception cref="BudgetSpentException">It is not allowed.</exception>
    internal void Spend()
    {
        if (Interlocked.Increment(ref _spent) > Limit)
        {
            Interlocked.Decrement(ref _spent);
            throw Refusal();
        }

        try
        {
            Meter?.Spend();
        }
        catch
        {
            Interlocked.Decrement(ref _spent);
            throw;
        }
    }

    /// <summary>Counts bytes of an answer.</summary>
    internal void AddBytes(int count) => Meter?.AddBytes(count);

    /// <summary>Writes down what has been spent so far, where it is counted in a store.</summary>
    public void Settle() => Meter?.Settle();

    /// <summary>Writes down what has been spent, and counts no more.</summary>
    public void Dispose() => Meter?.Dispose();
}

/// <summary>Counts what a registration spends.</summary>
internal interface ICallMeter : IDisposable
{
    /// <summary>Requests that its month still allows, as far as is known; <see langword="null"/> without a monthly budget.</summary>
    long? Left { get; }

    /// <summary>Says that the month is spent, and until when.</summary>
    BudgetSpentException Refusal();

    /// <summary>Writes down what has been counted.</summary>
    void Settle();

    /// <summary>Counts a request that is about to be sent.</summary>
    /// <exception cref="BudgetSpentException">The month does not allow it.</exception>
    void Spend();

    /// <summary>Counts bytes of an answer.</summary>
    void AddBytes(int count);
}
