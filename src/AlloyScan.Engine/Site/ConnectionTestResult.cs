namespace AlloyScan.Engine.Site;

/// <summary>The result of a connection test.</summary>
public sealed record ConnectionTestResult
{
    /// <summary>The site's address.</summary>
    public required Uri SiteUrl { get; init; }

    /// <summary>Client ID that was tried.</summary>
    public required string ClientId { get; init; }

    /// <summary>Whether every step passed.</summary>
    public bool Succeeded { get; init; }

    /// <summary>The step that failed; <see langword="null"/> when none did.</summary>
    public string? FailedStep { get; init; }

    /// <summary>What failed, or a word of success.</summary>
    public string Message { get; init; } = string.Empty;

    /// <summary>What to try.</summary>
    public string? Advice { get; init; }

    /// <summary>Round-trip time of the device call; <see langword="null"/> when it was not reached.</summary>
    public TimeSpan? RoundTrip { get; init; }

    /// <summary>Devices that the site counts; <see langword="null"/> when it was not reached.</summary>
    public int? DeviceCount { get; init; }

    /// <summary>All steps in order.</summary>
    public IReadOnlyList<ConnectionCheck> Steps { get; init; } = [];
}
