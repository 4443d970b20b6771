
namespace AlloyScan.Engine.Sync.Guard;

/// <summary>
/// Judges the site before anything is done on its word. A list that shrank suddenly, or that hardly knows our links,
/// says more about the source than about the devices.
/// </summary>
/// <param name="StopReason">Why nothing at all may be done; <see langword="null"/> to go on.</param>
/// <param name="NoRemovalReason">Why nothing may be marked missing, retired, deleted or removed; <see langword="null"/> when it may.</param>
internal sealed record SourceHealth(string? StopReason, string? NoRemovalReason)
{
    /// <summary>A drop of the device count by more than this share forbids removals.</summary>
    private const double MostDrop = 0.20;

    public static SourceHealth Judge(RunContext context, int listed, int seenLinks, long liveLinks)
    {
        var session = context.Session;
        if (listed == 0)
        {
            return liveLinks == 0
                ? new SourceHealth(null, null)
                : new SourceHealth($"The site lists no device at all, but {liveLinks} are linked. Nothing was changed; look at the site and at the rights of the app registration.", null);
        }

        if (seenLinks * 2L < liveLinks)
        {
            return new SourceHealth(
                $"Is this another site? Of {liveLinks} linked devices only {seenLinks} are in its list. Nothing was changed; check the site address and the app registration of the job.", null);
        }

        var last = session.Prepare("SELECT devices_read FROM runs WHERE target_id = @p0 AND site_id = @p1 AND kind = 'Sync' AND complete = 1 AND status <> 'Running' ORDER BY id DESC LIMIT 1")
            .Set(0, context.TargetId).Set(1, context.SiteId).Number();
        return last is { } before && listed < before * (1 - MostDrop)
            ? new SourceHealth(null, $"The site lists {listed} devices, more than {MostDrop:P0} fewer than the {before} of the last complete run: nothing is marked missing, retired, deleted or removed.")
            : new SourceHealth(null, null);
    }
}
