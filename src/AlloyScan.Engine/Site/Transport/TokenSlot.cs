using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using AlloyScan.Engine.Credentials;

namespace AlloyScan.Engine.Site.Transport;

/// <summary>An access token and when it ends.</summary>
/// <param name="Value">The token; sent, and shown to nobody.</param>
/// <param name="ExpiresAt">When the site stops taking it.</param>
/// <param name="RenewAt">When we stop using it.</param>
internal sealed record AccessToken(string Value, DateTimeOffset ExpiresAt, DateTimeOffset RenewAt)
{
    private volatile bool _hasServed;

    /// <summary>The forms in which a text may hold it.</summary>
    internal SecretForms Forms { get; } = Redaction.Know(Value);

    /// <summary>Whether the site has taken it at least once.</summary>
    internal bool HasServed
    {
        get => _hasServed;
        set => _hasServed = value;
    }

    public override string ToString() => "********";
}

/// <summary>
/// The one place where the token of a registration on a site is kept. Shared by all clients of the process, since each token request
/// counts against the registration's month.
/// </summary>
internal sealed class TokenSlot
{
    private static readonly ConcurrentDictionary<Key, TokenSlot> s_slots = new();

    // A transport that was handed in is its own little world, of tests mostly: its tokens are not to be mixed with those of real sockets.
    private static readonly ConditionalWeakTable<HttpMessageHandler, ConcurrentDictionary<Key, TokenSlot>> s_slotsByTransport = [];

    // A token of an hour ago may still stand in an answer; one of last week does not.
    private const int MostIssued = 64;

    private readonly ConcurrentQueue<AccessToken> _issued = new();
    private volatile AccessToken? _current;

    /// <summary>Held by the one caller that asks for a token.</summary>
    internal SemaphoreSlim Gate { get; } = new(1, 1);

    /// <summary>The newest token.</summary>
    internal AccessToken? Current => _current;

    /// <summary>The token endpoint that answered last. Read and written under <see cref="Gate"/>.</summary>
    internal string? WorkingPath { get; set; }

    /// <summary>Number of token requests that ended, well or badly.</summary>
    internal int Generation { get; private set; }

    /// <summary>How the last token request failed; <see langword="null"/> when it did not.</summary>
    internal AttemptException? LastFailure { get; private set; }

    /// <summary>The newest tokens, for taking them out of texts.</summary>
    internal IEnumerable<AccessToken> Issued => _issued;

    internal static TokenSlot For(SiteConnectionOptions options, SiteAddress address)
    {
        string hash = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(options.ClientSecret.Reveal())));
        Key key = new(address.Origin, options.ClientId, hash, options.Profile.Scope);
        ConcurrentDictionary<Key, TokenSlot> slots = options.Transport is null ? s_slots : s_slotsByTransport.GetValue(options.Transport, static _ => new());
        return slots.GetOrAdd(key, static _ => new TokenSlot());
    }

    /// <summary>Keeps a new token. Called under <see cref="Gate"/>.</summary>
    internal void Succeeded(AccessToken token)
    {
        _issued.Enqueue(token);
        while (_issued.Count > MostIssued)
        {
            _issued.TryDequeue(out _);
        }

        _current = token;
        LastFailure = null;
        Generation++;
    }

    /// <summary>Keeps a failure for those who were waiting for the same answer. Called under <see cref="Gate"/>.</summary>
    internal void Failed(AttemptException failure)
    {
        LastFailure = failure;
        Generation++;
    }

    private readonly record struct Key(string Origin, string ClientId, string SecretHash, string? Scope);
}
