namespace AlloyScan.Engine.Site.Transport;

/// <summary>
/// One try of a call failed. Stays inside the client: the retry policy reads <see cref="Transient"/>, and what is left in the end is
/// turned into an <see cref="AlloyScanException"/> in one place, where secrets are taken out of its text.
/// </summary>
internal sealed class AttemptException(ErrorKind kind, string errorId, string message, Exception? innerException = null)
    : Exception(message, innerException)
{
    internal ErrorKind Kind { get; } = kind;

    internal string ErrorId { get; } = errorId;

    /// <summary>Whether the same call may succeed a little later.</summary>
    internal bool Transient { get; init; }

    /// <summary>How long the site asks to wait; <see langword="null"/> when it says nothing.</summary>
    internal TimeSpan? RetryAfter { get; init; }

    internal string? Advice { get; init; }

    /// <summary>HTTP status when the site answered; <see langword="null"/> when it did not.</summary>
    internal int? StatusCode { get; init; }

    internal string? ServerMessage { get; init; }

    /// <summary>The request that failed, which may be the one for a token inside another call.</summary>
    internal RequestName? Request { get; private set; }

    /// <summary>Notes the request, unless that is done already.</summary>
    internal AttemptException At(RequestName request)
    {
        Request ??= request;
        return this;
    }
}

/// <summary>Verb and address of a request.</summary>
internal sealed record RequestName(RestSharp.Method Method, string Url)
{
    /// <summary>Path without host and query.</summary>
    internal string Path => new Uri(Url).AbsolutePath;

    public override string ToString() => $"{Method.ToString().ToUpperInvariant()} {Path}";
}
