namespace AlloyScan.AutomationServer.Serving;

/// <summary>
/// Calls the runner when a job is due. It knows nothing that the jobs table does not say: what is set here can be lost and is set again. An alarm
/// is known by job and instant, so that setting it twice, be it from two hosts, sets one.
/// </summary>
internal interface IAlarmClock
{
    /// <summary>Sets an alarm. One in the past goes off at once.</summary>
    /// <param name="jobId">The job.</param>
    /// <param name="instant">When it is due.</param>
    /// <param name="cancellationToken">Stops it.</param>
    ValueTask SetAsync(long jobId, DateTimeOffset instant, CancellationToken cancellationToken);

    /// <summary>Takes an alarm back, if it is still set.</summary>
    /// <param name="jobId">The job.</param>
    /// <param name="instant">When it was due.</param>
    /// <param name="cancellationToken">Stops it.</param>
    ValueTask ClearAsync(long jobId, DateTimeOffset instant, CancellationToken cancellationToken);
}
