using System.Globalization;
using AlloyScan.Engine.Site;
using AlloyScan.Engine.Store;

namespace AlloyScan.Engine.Credentials;

/// <summary>
/// Counts in the store what a registration spends, for all jobs and processes together. With a monthly budget, calls are taken from it in
/// advance, a few at a time and fewer towards its end, so that nobody can overdraw it; what was not used is given back. Without one
/// they are written with the batches of the run. A process that is killed leaves a wrong count by no more than that.
/// </summary>
internal sealed class RegistrationMeter : ICallMeter
{
    /// <summary>Most calls that are taken in advance.</summary>
    private const long MostGranted = 256;

    /// <summary>Calls after which a meter without batches writes.</summary>
    private const long MostPending = 64;

    /// <summary>Calls after which a meter writes although batches are to come: a long list has none.</summary>
    private const long MostPendingBetweenBatches = 1000;

    private readonly object _gate = new();
    private readonly AlloyStore _store;
    private readonly long _siteId;
    private readonly string _clientId;
    private readonly long _mostPending;
    private readonly bool _refuses;
    private readonly CancellationToken _stop;
    private StoreSession? _session;
    private AppRegistration? _registration;
    private BudgetMonth _month;
    private long _left;
    private long _granted;
    private long _grantedDay;
    private long _pendingCalls;
    private long _pendingBytes;

    /// <summary>Makes a meter, and reads what is left.</summary>
    /// <param name="store">The store.</param>
    /// <param name="siteId">The site.</param>
    /// <param name="clientId">Client ID of the registration, which need not be a record of the store.</param>
    /// <param name="hasBatches">Whether somebody calls <see cref="Write"/> often.</param>
    /// <param name="refuses">Whether a spent month stops requests; else they are only counted.</param>
    /// <param name="stop">Ends the waiting for a store that others keep locked.</param>
    public RegistrationMeter(AlloyStore store, long siteId, string clientId, bool hasBatches, bool refuses = true, CancellationToken stop = default)
    {
        _stop = stop;
        _store = store;
        _siteId = siteId;
        _clientId = clientId;
        _mostPending = hasBatches ? MostPendingBetweenBatches : MostPending;
        _refuses = refuses;
        using var session = store.NewStoppableSession(stop);
        Read(session);
    }

    /// <summary>The registration's record; <see langword="null"/> when the store has none.</summary>
    public AppRegistration? Registration => _registration;

    /// <summary>When the budget is renewed; <see langword="null"/> without one.</summary>
    public DateTimeOffset? RechargesAt => _registration?.MonthlyBudget is null ? null : _month.RechargesAt;

    public long? Left => !_refuses || _registration?.MonthlyBudget is null ? null : Math.Max(0, Interlocked.Read(ref _left)) + Interlocked.Read(ref _granted);

    public BudgetSpentException Refusal() => new(
        string.Create(CultureInfo.InvariantCulture, $"The monthly budget of {_registration?.MonthlyBudget:N0} API calls of the app registration '{_registration?.Name}' is spent."),
        string.Create(CultureInfo.InvariantCulture, $"It recharges on {_month.Next:yyyy-MM-dd} (UTC), and a run after that goes on from here. Set-AlloyScanAppRegistration -MonthlyBudget changes it."),
        _registration?.Name);

    public void Spend()
    {
        if (!_refuses || _registration?.MonthlyBudget is null)
        {
            if (Interlocked.Increment(ref _pendingCalls) >= _mostPending)
                Flush();
            return;
        }

        lock (_gate)
        {
            if (_granted == 0)
                Grant();
            _granted--;
        }
    }

    public void AddBytes(int count) => Interlocked.Add(ref _pendingBytes, count);

    /// <summary>Writes what is not written yet, inside a transaction of the caller; takes no lock, since others may wait for that transaction.</summary>
    /// <returns>What <see cref="Written"/> is to be told once it is committed.</returns>
    public (long Calls, long Bytes) Write(StoreSession session)
    {
        var (calls, bytes) = (Interlocked.Read(ref _pendingCalls), Interlocked.Read(ref _pendingBytes));
        if (calls > 0 || bytes > 0)
            Add(session, Today, calls, bytes);
        return (calls, bytes);
    }

    /// <summary>Takes note that something is written for good.</summary>
    public void Written((long Calls, long Bytes) written)
    {
        Interlocked.Add(ref _pendingCalls, -written.Calls);
        Interlocked.Add(ref _pendingBytes, -written.Bytes);
    }

    /// <summary>Writes what is not written yet, and gives back what was taken in advance. Never throws: it comes last, when all is said.</summary>
    public void Settle()
    {
        try
        {
            lock (_gate)
            {
                if (_granted == 0 && Interlocked.Read(ref _pendingCalls) == 0 && Interlocked.Read(ref _pendingBytes) == 0)
                    return;

                using var session = _store.NewStoppableSession(_stop);
                var written = (Calls: 0L, Bytes: 0L);
                session.InTransactionDo(() =>
                {
                    written = Write(session);
                    if (_granted > 0)
                        Add(session, _grantedDay, -_granted, 0);
                });
                Written(written);
                _left += _granted;
                _granted = 0;
            }
        }
        catch (Exception e) when (e is AlloyScanException or OperationCanceledException)
        {
            // The store is out of reach, or nobody waits for it any more. What the run did is told by other means, and the count is short by these calls.
        }
    }

    public void Dispose()
    {
        Settle();
        _session?.Dispose();
    }

    private long Today => BudgetMonth.NumberOf(DateOnly.FromDateTime(_store.TimeProvider.GetUtcNow().UtcDateTime));

    private void Flush()
    {
        lock (_gate)
        {
            if (Interlocked.Read(ref _pendingCalls) < _mostPending)
                return;

            _session ??= _store.NewStoppableSession(_stop);
            var written = (Calls: 0L, Bytes: 0L);
            _session.InTransactionDo(() => written = Write(_session));
            Written(written);
        }
    }

    /// <summary>Takes calls from the month. Under the lock.</summary>
    private void Grant()
    {
        _session ??= _store.NewStoppableSession(_stop);
        _session.InTransactionDo(() =>
        {
            // Others spend from the same budget, and somebody may have changed it. Whoever holds the day's row has the word,
            // where a transaction alone does not keep others out.
            Add(_session, Today, 0, 0);
            Read(_session);
            var granted = Math.Clamp(_left / 16, 1, MostGranted);
            if (_left <= 0)
                throw Refusal();

            _grantedDay = Today;
            Add(_session, _grantedDay, granted, 0);
            _granted = granted;
            _left -= granted;
        });
    }

    private void Read(StoreSession session)
    {
        _registration = AppRegistrations.Find(session, _siteId, _clientId, _store.TimeProvider);
        if (_registration?.MonthlyBudget is not { } budget)
        {
            // Without a budget nothing is refused; calls that were taken before are spent like others.
            _left = long.MaxValue / 2;
            return;
        }

        _month = BudgetMonth.Of(BudgetMonth.DayOf(Today), _registration.RechargeDay);
        var used = session.Prepare("SELECT sum(calls) FROM api_usage WHERE site_id = @p0 AND client_id = @p1 AND day >= @p2")
            .Set(0, _siteId).Set(1, _clientId).Set(2, BudgetMonth.NumberOf(_month.Start)).Number() ?? 0;
        _left = budget - used;
    }

    private void Add(StoreSession session, long day, long calls, long bytes) =>
        session.Prepare("""
            INSERT INTO api_usage (site_id, client_id, day, calls, bytes_received) VALUES (@p0, @p1, @p2, @p3, @p4)
            ON CONFLICT (site_id, client_id, day) DO UPDATE SET calls = api_usage.calls + excluded.calls, bytes_received = api_usage.bytes_received + excluded.bytes_received
            """).Set(0, _siteId).Set(1, _clientId).Set(2, day).Set(3, calls).Set(4, bytes).Execute();
}
