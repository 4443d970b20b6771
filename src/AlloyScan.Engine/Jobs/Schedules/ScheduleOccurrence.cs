namespace AlloyScan.Engine.Jobs.Schedules;

/// <summary>One time at which a schedule occurs.</summary>
public sealed record ScheduleOccurrence
{
    /// <summary>Name of the job; <see langword="null"/> for a schedule that belongs to none.</summary>
    public string? Job { get; init; }

    /// <summary>The instant, UTC.</summary>
    public DateTimeOffset Instant { get; init; }

    /// <summary>The same instant as the clocks of the schedule's zone show it.</summary>
    public DateTimeOffset LocalTime { get; init; }

    /// <summary>The zone of the schedule.</summary>
    public string TimeZone { get; init; } = string.Empty;

    /// <summary>What daylight saving makes of it: moved out of an hour that is skipped, or the first of two. <see langword="null"/> on all other days.</summary>
    public string? Note { get; init; }

    /// <inheritdoc/>
    public override string ToString() => FormattableString.Invariant($"{LocalTime:yyyy-MM-dd HH:mm zzz} ({TimeZone})");
}
