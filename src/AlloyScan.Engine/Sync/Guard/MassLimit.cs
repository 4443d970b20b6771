namespace AlloyScan.Engine.Sync.Guard;

/// <summary>How many changes of a guarded kind one run may make: a share of the live links and a count, which must both be exceeded to block it.</summary>
/// <param name="Count">Changes up to which no share is asked for.</param>
/// <param name="Share">Share of the site's live links.</param>
internal sealed record MassLimit(int Count, double Share)
{
    public static readonly MassLimit Default = new(10, 0.10);

    public bool IsExceeded(long changes, long live) => changes > Count && changes > live * Share;

    /// <summary>The limit in words, for the sentence that says what was held back.</summary>
    public string Words => $"more than {Count} and more than {Share:P0}";

    public static long LiveLinks(RunContext context) =>
        context.Session.Prepare("SELECT count(*) FROM links WHERE target_id = @p0 AND site_id = @p1 AND state = 1").Set(0, context.TargetId).Set(1, context.SiteId).Number() ?? 0;
}
