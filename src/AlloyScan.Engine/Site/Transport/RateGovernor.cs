using System.Globalization;

namespace AlloyScan.Engine.Site.Transport;

/// <summary>
/// Keeps the number of requests under way at what the site bears: it starts low, grows while all goes well, and halves at a 429, which
/// also makes everybody wait. Safe for concurrent use.
/// </summary>
internal sealed class RateGovernor(int maxConcurrency, TimeProvider time, Func<double> randomizer, Action<string> trace)
{
    /// <summary>Requests at once in the beginning.</summary>
    internal const int StartConcurrency = 4;

    /// <summary>First wait when the site gives none; the vendor's own rule.</summary>
    internal static readonly TimeSpan FirstWait = TimeSpan.FromSeconds(1);

    /// <summary>Longest wait of our own choosing.</summary>
    internal static readonly TimeSpan LongestOwnWait = TimeSpan.FromSeconds(60);

    private readonly object _lock = new();
    private readonly LinkedList<TaskCompletionSource> _waiting = new();
    private int _limit = Math.Min(StartConcurrency, maxConcurrency);
    private int _active;
    private int _successes;
    private int _throttledInARow;
    private long _epoch;
    // A time stamp and no time of day: a clock that is set back prolongs no pause.
    private long _pausedUntil = long.MinValue;

    /// <summary>Requests allowed at once now.</summary>
    internal int Limit
    {
        get
        {
            lock (_lock)
            {
                return _limit;
            }
        }
    }

    /// <summary>Waits for a place and for the end of a pause.</summary>
    /// <param name="cancellationToken">Stops the waiting.</param>
    /// <returns>The place; dispose it when the request is over.</returns>
    internal ValueTask<Place> EnterAsync(CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<Place>(cancellationToken);
        }

        TaskCompletionSource? turn = null;
        lock (_lock)
        {
            if (_active < _limit && _waiting.Count == 0)
            {
                _active++;
                if (_pausedUntil <= time.GetTimestamp())
                {
                    return new ValueTask<Place>(new Place(this, _epoch));
                }
            }
            else
            {
                turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                _waiting.AddLast(turn);
            }
        }

        return WaitAsync(turn, cancellationToken);
    }

    private async ValueTask<Place> WaitAsync(TaskCompletionSource? turn, CancellationToken cancellationToken)
    {
        if (turn is not null)
        {
            using CancellationTokenRegistration registration = cancellationToken.Register(
                static (state, token) => ((TaskCompletionSource)state!).TrySetCanceled(token), turn);
            await turn.Task.ConfigureAwait(false);
        }

        try
        {
            while (true)
            {
                TimeSpan pause;
                long epoch;
                lock (_lock)
                {
                    long now = time.GetTimestamp();
                    pause = _pausedUntil <= now ? TimeSpan.Zero : time.GetElapsedTime(now, _pausedUntil);
                    epoch = _epoch;
                }

                if (pause <= TimeSpan.Zero)
                {
                    return new Place(this, epoch);
                }

                await Task.Delay(pause, time, cancellationToken).ConfigureAwait(false);
            }
        }
        catch
        {
            Leave();
            throw;
        }
    }

    private void Leave()
    {
        lock (_lock)
        {
            _active--;
            Admit();
        }
    }

    private void Succeeded()
    {
        lock (_lock)
        {
            _throttledInARow = 0;
            if (_limit < maxConcurrency && ++_successes >= _limit)
            {
                _successes = 0;
                _limit++;
                Admit();
            }
        }
    }

    private TimeSpan Throttled(TimeSpan? retryAfter, long epoch)
    {
        TimeSpan wait;
        int limit;
        lock (_lock)
        {
            // Several requests of one burst are refused together. They count once: a second halving would punish twice for one mistake.
            bool first = epoch == _epoch;
            if (first)
            {
                _epoch++;
                _limit = Math.Max(1, _limit / 2);
                _successes = 0;
                _throttledInARow++;
            }

            wait = retryAfter ?? OwnWait();
            long until = time.GetTimestamp() + (long)(wait.TotalSeconds * time.TimestampFrequency);
            if (until > _pausedUntil && (first || retryAfter is not null))
            {
                _pausedUntil = until;
            }

            limit = _limit;
        }

        trace(string.Create(
            CultureInfo.InvariantCulture,
            $"The site limits the rate (429): all requests wait {wait.TotalSeconds:0.#} s{(retryAfter is null ? string.Empty : " as it asks")}, then {limit} at once."));
        return wait;
    }

    private TimeSpan OwnWait()
    {
        double seconds = FirstWait.TotalSeconds * Math.Pow(2, Math.Min(_throttledInARow - 1, 16)) * (1 + (randomizer() / 2));
        return TimeSpan.FromSeconds(Math.Min(seconds, LongestOwnWait.TotalSeconds));
    }

    // Called under the lock.
    private void Admit()
    {
        while (_active < _limit && _waiting.First is { } next)
        {
            _waiting.RemoveFirst();

            // One that was cancelled while it waited gives its turn to the next.
            if (next.Value.TrySetResult())
            {
                _active++;
            }
        }
    }

    /// <summary>A request's place among those under way.</summary>
    internal sealed class Place(RateGovernor governor, long epoch) : IDisposable
    {
        private bool _left;

        /// <summary>The site served the request.</summary>
        internal void Succeeded() => governor.Succeeded();

        /// <summary>The site refused the request with 429. New requests of everybody wait.</summary>
        /// <param name="retryAfter">How long it asks to wait.</param>
        /// <returns>How long everybody waits.</returns>
        internal TimeSpan Throttled(TimeSpan? retryAfter) => governor.Throttled(retryAfter, epoch);

        public void Dispose()
        {
            if (!_left)
            {
                _left = true;
                governor.Leave();
            }
        }
    }
}
