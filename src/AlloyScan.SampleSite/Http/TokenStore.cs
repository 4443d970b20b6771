using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;

namespace AlloyScan.SampleSite;

/// <summary>The app registration of the site, and the tokens it was given.</summary>
internal sealed class TokenStore
{
    private const int PruneAbove = 1000;

    private readonly ConcurrentDictionary<string, DateTimeOffset> _tokens = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<string> _issued = new();
    private readonly TimeProvider _clock;
    private readonly TimeSpan _lifetime;

    public TokenStore(SampleSiteOptions options)
    {
        (_clock, _lifetime) = (options.Clock, options.TokenLifetime);
        ClientId = options.ClientId ?? RandomNumberGenerator.GetString("abcdefghijklmnopqrstuvwxyz0123456789", 20);
        ClientSecret = options.ClientSecret ?? Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
    }

    public string ClientId { get; }

    public string ClientSecret { get; }

    /// <summary>The newest tokens that were given out, also those that ended.</summary>
    public IReadOnlyCollection<string> Issued => _issued;

    public int LifetimeSeconds => (int)_lifetime.TotalSeconds;

    public bool Knows(string clientId, string clientSecret) => Same(clientId, ClientId) & Same(clientSecret, ClientSecret);

    public string Issue()
    {
        var now = _clock.GetUtcNow();
        if (_tokens.Count > PruneAbove)
        {
            foreach (var (old, end) in _tokens)
            {
                if (end <= now)
                    _tokens.TryRemove(old, out _);
            }
        }

        var token = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
        _issued.Enqueue(token);
        if (_issued.Count > PruneAbove)
            _issued.TryDequeue(out _);
        _tokens[token] = now + _lifetime;
        return token;
    }

    /// <summary>Whether the value of an Authorization header holds a token that is good now. The scheme's case doesn't matter, as older documentation writes it in lower case.</summary>
    public bool Accepts(string? authorization)
    {
        const string Scheme = "Bearer ";
        return authorization is not null
            && authorization.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
            && _tokens.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(authorization.AsSpan(Scheme.Length), out var end)
            && end > _clock.GetUtcNow();
    }

    public void RevokeAll() => _tokens.Clear();

    private static bool Same(string given, string expected) =>
        CryptographicOperations.FixedTimeEquals(SHA256.HashData(Encoding.UTF8.GetBytes(given)), SHA256.HashData(Encoding.UTF8.GetBytes(expected)));
}
