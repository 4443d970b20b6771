using System.Diagnostics;

namespace AlloyScan.Engine.Store;

/// <summary>Waits for a store that somebody else has locked, in short steps, so that the waiting can be stopped.</summary>
internal struct BusyWait(CancellationToken stop)
{
    /// <summary>How long another writer is waited for.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    /// <summary>What is left to those who are stopped, so that a run can still say that it was.</summary>
    private static readonly TimeSpan s_grace = TimeSpan.FromMilliseconds(200);

    private static readonly TimeSpan s_step = TimeSpan.FromMilliseconds(5);

    private readonly long _started = Stopwatch.GetTimestamp();

    /// <summary>Whether to try again.</summary>
    /// <exception cref="OperationCanceledException">The waiting is stopped.</exception>
    public readonly bool GoesOn()
    {
        var waited = Stopwatch.GetElapsedTime(_started);
        if (stop.IsCancellationRequested && waited > s_grace)
            throw new OperationCanceledException("Stopped while the store was locked by another program.", stop);
        if (waited > s_patience)
            return false;

        // SQLite is called synchronously, always off the thread that the user sees, so there is nothing to await.
        Thread.Sleep(s_step);
        return true;
    }
}
