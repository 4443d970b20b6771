namespace AlloyScan.Benchmarks;

/// <summary>What one child process did and used.</summary>
internal sealed record SyncFigures
{
    public int Read { get; set; }

    public int Created { get; set; }

    public int Updated { get; set; }

    public int Unchanged { get; set; }

    public int Missing { get; set; }

    public int Conflicts { get; set; }

    public int Errors { get; set; }

    public long Installations { get; set; }

    public string? Status { get; set; }

    public string? Message { get; set; }

    /// <summary>Seconds of each stage, as the engine counts them.</summary>
    public IReadOnlyDictionary<string, double>? Stages { get; set; }

    /// <summary>User and system time of the whole process, in seconds, its start included.</summary>
    public double Cpu { get; set; }

    /// <summary>Seconds since the process was started.</summary>
    public double Wall { get; set; }

    /// <summary>Peak working set in MB.</summary>
    public double PeakMegabytes { get; set; }

    /// <summary>Statements that write, by table; only when they were traced.</summary>
    public IReadOnlyDictionary<string, int>? Writes { get; set; }
}
