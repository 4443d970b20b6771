namespace AlloyScan.Engine.Site.Transport;

/// <summary>An answer of the site, body read to its end.</summary>
internal sealed class SiteResponse(RequestName request, int statusCode, string? contentType, TimeSpan? retryAfter, BodyBuffer body) : IDisposable
{
    /// <summary>What was asked.</summary>
    internal RequestName Request { get; } = request;

    internal int StatusCode { get; } = statusCode;

    internal bool IsSuccess => StatusCode is >= 200 and < 300;

    internal string? ContentType { get; } = contentType;

    /// <summary>How long the site asks to wait.</summary>
    internal TimeSpan? RetryAfter { get; } = retryAfter;

    internal ReadOnlyMemory<byte> Body => body.Memory;

    /// <summary>Whether the content type says HTML. Some sites answer with a sign-in page and status 200.</summary>
    internal bool IsHtml => ContentType is "text/html" or "application/xhtml+xml";

    public void Dispose() => body.Dispose();
}
