using AlloyScan.Engine.Sync;

namespace AlloyScan.Engine.Jobs;

/// <summary>What runs did: their records, journal and errors.</summary>
public sealed class RunHistory
{
    internal RunHistory()
    {
    }

    /// <summary>Runs, newest first.</summary>
    /// <param name="job">Name of a job; <see langword="null"/> for all.</param>
    /// <param name="limit">Most to return; <see langword="null"/> for all.</param>
    public IEnumerable<SyncRun> List(string? job = null, int? limit = null) => throw new NotSupportedException();

    /// <summary>One run.</summary>
    /// <param name="id">Its number.</param>
    /// <exception cref="AlloyScanException">There is none (<c>RunNotFound</c>).</exception>
    public SyncRun Get(long id) => throw new NotSupportedException();

    /// <summary>The journal, streamed in the order it was written.</summary>
    /// <param name="runId">Number of a run; <see langword="null"/> for all.</param>
    /// <param name="recordId">ID of a CI; <see langword="null"/> for all.</param>
    public IEnumerable<JournalEntry> Changes(long? runId = null, string? recordId = null) => throw new NotSupportedException();

    /// <summary>The error rows, streamed.</summary>
    /// <param name="runId">Number of a run; <see langword="null"/> for all.</param>
    public IEnumerable<SyncError> Errors(long? runId = null) => throw new NotSupportedException();
}
