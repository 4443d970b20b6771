using AlloyScan.Engine;

namespace AlloyScan.AutomationServer.Serving;

/// <summary>An alarm: a job and when it is due.</summary>
/// <param name="JobId">The job.</param>
/// <param name="Instant">When it is due, to the millisecond.</param>
internal readonly record struct Alarm(long JobId, DateTimeOffset Instant);

/// <summary>
/// Calls the runner when a job is due, on one of the hosts that share a store. It knows nothing that the jobs table does not say: what is set here
/// can be lost and is set again. An alarm is known by job and instant, so that setting it twice, be it from two hosts, sets one.
/// </summary>
internal interface IAlarmClock
{
    /// <summary>The alarms that stand, whoever set them. One that could never go off is removed and not among them.</summary>
    /// <param name="cancellationToken">Stops it.</param>
    ValueTask<IReadOnlySet<Alarm>> ListAsync(CancellationToken cancellationToken);

    /// <summary>Sets an alarm. One in the past goes off at once.</summary>
    /// <param name="alarm">The alarm.</param>
    /// <param name="cancellationToken">Stops it.</param>
    ValueTask SetAsync(Alarm alarm, CancellationToken cancellationToken);

    /// <summary>Takes alarms back, as far as they are still set.</summary>
    /// <param name="alarms">The alarms.</param>
    /// <param name="cancellationToken">Stops it.</param>
    ValueTask ClearAsync(IReadOnlyCollection<Alarm> alarms, CancellationToken cancellationToken);

    /// <summary>What a failure of the clock means in our words.</summary>
    /// <param name="exception">What it threw.</param>
    /// <returns>Ours; <see langword="null"/> when it is none of the store.</returns>
    AlloyScanException? Translate(Exception exception);
}
