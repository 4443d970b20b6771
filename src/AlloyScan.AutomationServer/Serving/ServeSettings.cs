namespace AlloyScan.AutomationServer.Serving;

/// <summary>How the server runs.</summary>
internal sealed record ServeSettings
{
    /// <summary>Most runs at the same time.</summary>
    public const int DefaultMaxConcurrent = 4;

    /// <summary>Port of the health page, unless another one is given.</summary>
    public const int DefaultHealthPort = 9464;

    /// <summary>Seconds that runs get to end when the server is stopped.</summary>
    public const int DefaultStopSeconds = 30;

    /// <summary>Most runs at the same time.</summary>
    public int MaxConcurrent { get; init; } = DefaultMaxConcurrent;

    /// <summary>Port of the health page on the loopback address; 0 for any free one, <see langword="null"/> for no page.</summary>
    public int? HealthPort { get; init; } = DefaultHealthPort;

    /// <summary>Path of the log file; <see langword="null"/> for none.</summary>
    public string? LogFile { get; init; }

    /// <summary>Whether the console gets a JSON object a line in place of text.</summary>
    public bool JsonLog { get; init; }

    /// <summary>Whether every decision is logged.</summary>
    public bool Verbose { get; init; }

    /// <summary>How long runs get to end when the server is stopped.</summary>
    public TimeSpan StopPatience { get; init; } = TimeSpan.FromSeconds(DefaultStopSeconds);

    /// <summary>How often the jobs are looked at.</summary>
    public TimeSpan Poll { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How long a run waits before it asks again for a CMDB that somebody else writes.</summary>
    public TimeSpan LeasePause { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>How long a job is left alone after the store failed.</summary>
    public TimeSpan FailurePause { get; init; } = TimeSpan.FromSeconds(30);
}
