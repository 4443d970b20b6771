using AlloyScan.Engine.Site;
using AlloyScan.PowerShell.Abstractions;

namespace AlloyScan.PowerShell.Connections;

/// <summary>A connection to an AlloyScan site, made by Connect-AlloyScan and kept for the session.</summary>
public sealed class AlloyScanConnection : ConnectionReference, IDisposable
{
    internal AlloyScanConnection(string name, SiteConnectionOptions options, string? apiProfile)
        : base(name)
    {
        ApiProfile = apiProfile;
        // One client serves all cmdlets of the connection; its trace goes to the cmdlet that made it speak.
        Client = new SiteClient(options with { Trace = static line => AsyncCmdlet.Speaker?.Tell(line) });
    }

    /// <summary>The site's address.</summary>
    public Uri SiteUrl => Client.Options.SiteUrl;

    /// <summary>Client ID of the app registration.</summary>
    public string ClientId => Client.Options.ClientId;

    /// <summary>Most requests at once.</summary>
    public int ThrottleLimit => Client.Options.ThrottleLimit;

    /// <summary>How long one request may take.</summary>
    public TimeSpan Timeout => Client.Options.Timeout;

    /// <summary>When the connection was made.</summary>
    public DateTimeOffset ConnectedAt { get; } = DateTimeOffset.UtcNow;

    /// <summary>When the current token expires; a new one is fetched before that.</summary>
    public DateTimeOffset? TokenExpiresAt => Client.TokenExpiresAt;

    /// <summary>Requests sent so far, token requests and retries included.</summary>
    public long ApiCalls => Client.Usage.Calls;

    /// <summary>Whether cmdlets without -Connection use this one.</summary>
    public bool IsCurrent => ReferenceEquals(ConnectionTable.OfThisRunspace.Current, this);

    /// <summary>Name of the app registration of a store that the connection was made with; <see langword="null"/> when it was made otherwise.</summary>
    public string? AppRegistration { get; internal init; }

    /// <summary>What was to be known of that registration's date when the connection was made.</summary>
    internal string? RegistrationWarning { get; init; }

    internal SiteClient Client { get; }

    /// <summary>Overrides of the API profile as JSON, for jobs made from this connection.</summary>
    internal string? ApiProfile { get; }

    internal override AlloyScanConnection Resolve() => this;

    /// <summary>Closes the connection.</summary>
    public void Dispose()
    {
        Client.Dispose();
        Client.Options.Budget?.Dispose();
    }
}
