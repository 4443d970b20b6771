namespace AlloyScan.Engine.Sync;

/// <summary>Where a run is.</summary>
/// <param name="Stage">Name of the stage: Read, Plan, Apply, ...</param>
/// <param name="Done">Devices done in this stage.</param>
/// <param name="Total">Devices to do; <see langword="null"/> while unknown.</param>
public readonly record struct SyncProgress(string Stage, int Done, int? Total);

/// <summary>
/// Listens to a run. Calls come from one thread at a time, not always the same one, and should return quickly;
/// an exception from a call ends the run as failed.
/// </summary>
public interface ISyncObserver
{
    /// <summary>The run has moved on. Called at most a few times a second by each stage.</summary>
    /// <param name="progress">Where it is.</param>
    void OnProgress(SyncProgress progress);

    /// <summary>A change was planned, or, in a real run, committed.</summary>
    /// <param name="change">The change.</param>
    void OnChange(SyncChange change);

    /// <summary>A device failed; the run goes on.</summary>
    /// <param name="error">The error row.</param>
    void OnError(SyncError error);

    /// <summary>Something that a person should know.</summary>
    /// <param name="message">One sentence, without secrets.</param>
    void OnWarning(string message);

    /// <summary>A decision or step, for those who want the story.</summary>
    /// <param name="message">One line, without secrets.</param>
    void OnVerbose(string message);
}

/// <summary>An observer that listens to nothing; a base for those that want one thing.</summary>
public class SilentObserver : ISyncObserver
{
    /// <summary>The shared instance.</summary>
    public static readonly SilentObserver Instance = new();

    /// <inheritdoc/>
    public virtual void OnProgress(SyncProgress progress)
    {
    }

    /// <inheritdoc/>
    public virtual void OnChange(SyncChange change)
    {
    }

    /// <inheritdoc/>
    public virtual void OnError(SyncError error)
    {
    }

    /// <inheritdoc/>
    public virtual void OnWarning(string message)
    {
    }

    /// <inheritdoc/>
    public virtual void OnVerbose(string message)
    {
    }
}
