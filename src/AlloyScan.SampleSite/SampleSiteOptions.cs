namespace AlloyScan.SampleSite;

/// <summary>How a sample site is set up: its fleet, its app registration, and how well it behaves.</summary>
public sealed record SampleSiteOptions
{
    /// <summary>The token path of the current documentation.</summary>
    public const string DefaultTokenPath = "/api/oauth/token";

    /// <summary>Where the API is by the documentation.</summary>
    public const string DefaultApiPath = "/api/v1";

    /// <summary>The token path of the older documentation, used by some deployments.</summary>
    public const string IdentityServerTokenPath = "/identity-server/connect/token";

    /// <summary>The largest fleet that can be generated: identifiers stay unique up to here.</summary>
    public const int MaxDevices = 10_000_000;

    /// <summary>Number of devices on day 0.</summary>
    public int Devices { get; init; } = 500;

    /// <summary>The fleet is a pure function of the seed: same seed, same fleet, on every machine.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>The day that the site shows at first. Each day, a small share of the fleet changes.</summary>
    public int Day { get; init; }

    /// <summary>TCP port on 127.0.0.1; 0 takes a free one.</summary>
    public int Port { get; init; }

    /// <summary>Client ID of the app registration, 20 characters; made up at random if absent.</summary>
    public string? ClientId { get; init; }

    /// <summary>Client secret of the app registration; made up at random if absent, and never derived from the seed.</summary>
    public string? ClientSecret { get; init; }

    /// <summary>How long an access token lives.</summary>
    public TimeSpan TokenLifetime { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Path of the token endpoint. The other known path then answers 404.</summary>
    public string TokenPath { get; init; } = DefaultTokenPath;

    /// <summary>Path under which the API is. Under <see cref="DefaultApiPath"/> there is nothing then.</summary>
    public string ApiPath { get; init; } = DefaultApiPath;

    /// <summary>The site gives at most this many items a page, however many are asked for.</summary>
    public int MaxPageSize { get; init; } = 200;

    /// <summary>Slug of the site's URL, such as <c>hq</c>. API paths carry none.</summary>
    public string? Slug { get; init; }

    /// <summary>Software rows of a computer, on average.</summary>
    public int SoftwarePerComputer { get; init; } = 80;

    /// <summary>Share of devices that carry an identifier which identifies nothing: placeholder serial numbers, shared dock adapters, cloned BIOS UUIDs.</summary>
    public double JunkRate { get; init; } = 0.02;

    /// <summary>Share of devices that are a second row of a machine which is in the list already.</summary>
    public double DuplicateRate { get; init; }

    /// <summary>Traits that make machines hard to tell apart, over the days; none by default.</summary>
    public SampleDoubts Doubts { get; init; } = SampleDoubts.None;

    /// <summary>Multiplies the share of devices that change, come and go each day; 0 freezes the fleet.</summary>
    public double ChangeRate { get; init; } = 1;

    /// <summary>All devices are seen each day. By default <c>lastSeen</c> moves only for the changed ones and a small share of others.</summary>
    public bool LastSeenMoves { get; init; }

    /// <summary>The same site with a fleet in which machines are hard to tell apart: much junk, all <see cref="SampleDoubts"/>, and everything alive seen each day.</summary>
    public SampleSiteOptions WithDoubts() => this with { JunkRate = 0.045, LastSeenMoves = true, Doubts = SampleDoubts.Many };

    /// <summary>Extra time that each request takes.</summary>
    public TimeSpan Latency { get; init; }

    /// <summary>Requests allowed in a second before the site answers 429; 0 for no limit.</summary>
    public int RateLimitPerSecond { get; init; }

    /// <summary>Whether a 429 says in a <c>Retry-After</c> header how long to wait.</summary>
    public bool RetryAfter { get; init; } = true;

    /// <summary>Compresses bodies for clients that accept gzip.</summary>
    public bool Gzip { get; init; }

    /// <summary>Sends bodies in chunks, without a <c>Content-Length</c>.</summary>
    public bool Chunked { get; init; }

    /// <summary>Adds fields to every object that no documentation mentions.</summary>
    public bool UnknownFields { get; init; }

    /// <summary>The app registration is past its expiration date.</summary>
    public bool RegistrationExpired { get; init; }

    /// <summary>The app registration is switched off.</summary>
    public bool RegistrationDisabled { get; init; }

    /// <summary>How the site misbehaves at first, see <see cref="FaultPlan"/>; not at all by default.</summary>
    public IReadOnlyList<Fault> Faults { get; init; } = [];

    /// <summary>File that gets one line a request; none by default. Tokens and secrets are never in it.</summary>
    public string? AccessLogPath { get; init; }

    /// <summary>The clock for token lifetimes and rate limits. The fleet has its own time, which only <see cref="Day"/> moves.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>What the fleet is, without the secret that a record would show.</summary>
    public override string ToString() => $"{Devices} devices, seed {Seed}, day {Day}";

    internal void Validate()
    {
        InRange(Devices, 0, MaxDevices, nameof(Devices));
        InRange(Day, 0, SampleFleet.MaxDay, nameof(Day));
        InRange(Port, 0, 65535, nameof(Port));
        InRange(MaxPageSize, 1, 100_000, nameof(MaxPageSize));
        InRange(SoftwarePerComputer, 0, 1000, nameof(SoftwarePerComputer));
        InRange(RateLimitPerSecond, 0, int.MaxValue, nameof(RateLimitPerSecond));
        InRange(JunkRate, 0, 1, nameof(JunkRate));
        InRange(DuplicateRate, 0, 1, nameof(DuplicateRate));
        InRange(ChangeRate, 0, 10, nameof(ChangeRate));
        foreach (var (share, name) in Doubts.Shares)
            InRange(share, 0, 1, name);

        InRange(TokenLifetime, TimeSpan.FromSeconds(1), TimeSpan.FromDays(365), nameof(TokenLifetime));
        InRange(Latency, TimeSpan.Zero, TimeSpan.FromMinutes(10), nameof(Latency));
        if (TokenPath.Length < 2 || TokenPath[0] != '/' || TokenPath.Any("{}?#* ".Contains))
            throw new ArgumentException($"{nameof(TokenPath)} must be a plain path that starts with a slash, but is '{TokenPath}'.", nameof(TokenPath));

        if (ApiPath.Length < 2 || ApiPath[0] != '/' || ApiPath[^1] == '/' || ApiPath.Any("{}?#* ".Contains))
            throw new ArgumentException($"{nameof(ApiPath)} must be a plain path that starts with a slash and ends without one, but is '{ApiPath}'.", nameof(ApiPath));

        if (Slug is not null && (Slug.Length == 0 || !Slug.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-')))
            throw new ArgumentException($"{nameof(Slug)} takes lower-case letters, digits and hyphens, but is '{Slug}'.", nameof(Slug));

        if (ClientSecret is { Length: 0 } || ClientId is { Length: 0 })
            throw new ArgumentException("A client ID and a client secret can be left out, but not be empty.");
    }

    private static void InRange<T>(T value, T least, T most, string name)
        where T : IComparable<T>
    {
        if (value.CompareTo(least) < 0 || value.CompareTo(most) > 0)
            throw new ArgumentOutOfRangeException(name, $"{name} must be between {least} and {most}, but is {value}.");
    }
}
