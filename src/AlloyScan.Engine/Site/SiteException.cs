using AlloyScan.Engine.Credentials;

namespace AlloyScan.Engine.Site;

/// <summary>The site answered, and its answer was a refusal or a failure.</summary>
public sealed class SiteException : AlloyScanException
{
    /// <summary>Makes the exception.</summary>
    /// <param name="kind">The sort of failure.</param>
    /// <param name="errorId">Stable identifier for scripts, in Pascal case, for example <c>WrongApiPath</c>.</param>
    /// <param name="message">What failed, on which address, and the site's own words.</param>
    /// <param name="statusCode">HTTP status of the answer.</param>
    /// <param name="serverMessage">The site's own words, shortened and free of secrets; <see langword="null"/> when it gave none.</param>
    /// <param name="requestPath">Path of the request, without host and query.</param>
    /// <param name="target">The item that the user named; <see langword="null"/> when there is none.</param>
    /// <param name="advice">What to try; <see langword="null"/> when the message already says it.</param>
    /// <param name="innerException">The cause, kept.</param>
    public SiteException(
        ErrorKind kind,
        string errorId,
        string message,
        int statusCode,
        string? serverMessage,
        string requestPath,
        object? target = null,
        string? advice = null,
        Exception? innerException = null)
        : base(kind, errorId, message, target, advice, innerException)
    {
        StatusCode = statusCode;
        ServerMessage = serverMessage is null ? null : Redaction.Clean(serverMessage);
        RequestPath = requestPath;
    }

    /// <summary>HTTP status of the answer.</summary>
    public int StatusCode { get; }

    /// <summary>The site's own words, shortened and free of secrets; <see langword="null"/> when it gave none.</summary>
    public string? ServerMessage { get; }

    /// <summary>Path of the request, without host and query.</summary>
    public string RequestPath { get; }
}
