namespace AlloyScan.Engine.Jobs;

/// <summary>The database product of a store.</summary>
public enum StoreKind
{
    /// <summary>A file, for one host.</summary>
    SQLite,

    /// <summary>A database server, for several hosts.</summary>
    PostgreSQL,
}

/// <summary>What a store is, what it holds and how long it keeps its history.</summary>
public sealed record StoreInfo
{
    /// <summary>Path of the file, or address of the database, without a password.</summary>
    public string Location { get; init; } = string.Empty;

    /// <summary>Its database product.</summary>
    public StoreKind Kind { get; init; }

    /// <summary>Version of the schema.</summary>
    public int Version { get; init; }

    /// <summary>What it takes on the disk, in bytes, indexes and free pages included.</summary>
    public long SizeBytes { get; init; }

    /// <summary>Sync jobs.</summary>
    public long Jobs { get; init; }

    /// <summary>CIs of class Computer.</summary>
    public long Computers { get; init; }

    /// <summary>CIs of class Hardware.</summary>
    public long Hardware { get; init; }

    /// <summary>Runs that are kept.</summary>
    public long Runs { get; init; }

    /// <summary>Start of the oldest of them.</summary>
    public DateTimeOffset? OldestRunAt { get; init; }

    /// <summary>Days for which runs, their changes and their errors are kept.</summary>
    public int KeepRunDays { get; init; }

    /// <summary>Days for which plans are kept.</summary>
    public int KeepPlanDays { get; init; }

    /// <inheritdoc/>
    public override string ToString() => Location;
}
