using AlloyScan.Engine.Credentials;

namespace AlloyScan.Engine.Site;

/// <summary>How to reach one AlloyScan site.</summary>
public sealed record SiteConnectionOptions
{
    /// <summary>Default of <see cref="ThrottleLimit"/>.</summary>
    public const int DefaultThrottleLimit = 8;

    /// <summary>Largest <see cref="ThrottleLimit"/>.</summary>
    public const int MaxThrottleLimit = 64;

    /// <summary>Shortest <see cref="Timeout"/>.</summary>
    public static readonly TimeSpan MinTimeout = TimeSpan.FromMilliseconds(100);

    /// <summary>Longest <see cref="Timeout"/>.</summary>
    public static readonly TimeSpan MaxTimeout = TimeSpan.FromHours(12);

    /// <summary>Default of <see cref="Timeout"/>.</summary>
    public static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(100);

    /// <summary>
    /// The site's address, with or without slug: <c>https://&lt;instance&gt;/&lt;slug&gt;</c>. HTTPS, or plain HTTP on a loopback host only.
    /// </summary>
    public required Uri SiteUrl { get; init; }

    /// <summary>Client ID of the app registration.</summary>
    public required string ClientId { get; init; }

    /// <summary>Client secret of the app registration.</summary>
    public required Secret ClientSecret { get; init; }

    /// <summary>Paths, envelope, paging and JSON locations of the API.</summary>
    public ApiProfile Profile { get; init; } = ApiProfile.Default;

    /// <summary>Most requests at once. From 1 to 64, default 8; the governor starts at 4 and adapts below this.</summary>
    public int ThrottleLimit { get; init; } = DefaultThrottleLimit;

    /// <summary>How long one request may take, headers and body. From 100 ms to 12 h, default 100 s.</summary>
    public TimeSpan Timeout { get; init; } = DefaultTimeout;

    /// <summary>Clock, for tests.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Random numbers from 0 to 1 for jitter, for tests.</summary>
    public Func<double> Randomizer { get; init; } = Random.Shared.NextDouble;

    /// <summary>Transport, for tests; <see langword="null"/> for real sockets. It is not disposed by the client.</summary>
    public HttpMessageHandler? Transport { get; init; }

    /// <summary>The gate that every request passes; <see langword="null"/> for none.</summary>
    public CallBudget? Budget { get; init; }

    /// <summary>Called before each request that changes something in the site; what it throws keeps the request from being sent.</summary>
    internal Action<CancellationToken>? BeforeWrite { get; init; }

    /// <summary>Receives one line for each decision (a retry, a wait, a new token). Never a secret.</summary>
    public Action<string>? Trace { get; init; }
}
