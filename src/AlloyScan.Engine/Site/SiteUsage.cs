namespace AlloyScan.Engine.Site;

/// <summary>What a source has cost so far.</summary>
/// <param name="Calls">HTTP requests sent, retries and token requests included.</param>
/// <param name="BytesReceived">Bytes of response bodies as read, after decompression.</param>
public readonly record struct SiteUsage(long Calls, long BytesReceived)
{
    /// <summary>The cost between two readings.</summary>
    /// <param name="later">The later reading.</param>
    /// <param name="earlier">The earlier reading.</param>
    public static SiteUsage operator -(SiteUsage later, SiteUsage earlier) => later.Subtract(earlier);

    /// <summary>The cost since an earlier reading.</summary>
    /// <param name="earlier">The earlier reading.</param>
    public SiteUsage Subtract(SiteUsage earlier) => new(Calls - earlier.Calls, BytesReceived - earlier.BytesReceived);
}
