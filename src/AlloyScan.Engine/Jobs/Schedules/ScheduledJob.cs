namespace AlloyScan.Engine.Jobs.Schedules;

/// <summary>What a host needs to know of a job to run it by its schedule.</summary>
public sealed record ScheduledJob
{
    /// <summary>Number of the job in the store.</summary>
    public required long Id { get; init; }

    /// <summary>Name of the job.</summary>
    public required string Name { get; init; }

    /// <summary>Name of the target that the job writes to.</summary>
    public required string Target { get; init; }

    /// <summary>Whether the schedule runs the job.</summary>
    public bool Enabled { get; init; }

    /// <summary>The schedule; <see langword="null"/> when the job has none that can be used.</summary>
    public Schedule? Schedule { get; init; }

    /// <summary>Why the stored schedule cannot be used; <see langword="null"/> when there is nothing wrong with it.</summary>
    public string? Problem { get; init; }

    /// <summary>What the schedule has up to this time is settled, UTC.</summary>
    public DateTimeOffset SettledUntil { get; init; }

    /// <summary>
    /// The occurrence that is to run next, UTC. One in the past was missed; the run for it is the run for all missed ones.
    /// <see langword="null"/> when the schedule runs the job no more.
    /// </summary>
    public DateTimeOffset? Due => Enabled ? Schedule?.NextAfter(SettledUntil) : null;

    /// <summary>Whether a host that lives has taken the job on.</summary>
    public bool IsClaimed { get; init; }

    /// <summary>The schedule as stored.</summary>
    internal string? Stored { get; init; }
}
