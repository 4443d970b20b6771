using AlloyScan.Engine.Cmdb;
using AlloyScan.Engine.Store;

namespace AlloyScan.Engine.Jobs;

/// <summary>Whether the products of one software group of a site are imported.</summary>
public sealed record SoftwareGroupChoice
{
    /// <summary>Name of the site.</summary>
    public string Site { get; init; } = string.Empty;

    /// <summary>The group: <c>Required</c>, <c>Forbidden</c> or <c>Regular</c>.</summary>
    public string SoftwareGroup { get; init; } = string.Empty;

    /// <summary>Whether its products are imported.</summary>
    public bool Tracked { get; init; }

    /// <summary>Products of this group in the CMDB, as far as their group is known; a site's groups are read once one of them is not tracked.</summary>
    public int Products { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"{SoftwareGroup} of {Site}: {(Tracked ? "tracked" : "not tracked")}";
}

/// <summary>The software groups that are tracked for each site. All are, until somebody chooses otherwise.</summary>
public sealed class SoftwareGroupChoices
{
    private readonly AlloyStore _store;

    internal SoftwareGroupChoices(AlloyStore store) => _store = store;

    /// <summary>The groups of a site, or of all sites in order of name.</summary>
    /// <param name="site">Name of the site; <see langword="null"/> for all.</param>
    /// <exception cref="AlloyScanException">There is no such site (<c>SiteNotFound</c>).</exception>
    public IReadOnlyList<SoftwareGroupChoice> List(string? site = null)
    {
        using var session = _store.NewSession();
        var result = new List<SoftwareGroupChoice>();
        foreach (var (id, name) in Find(session, site))
            result.AddRange(Read(session, id, name));
        return result;
    }

    /// <summary>Says whether groups of a site are tracked. The next run adds or removes what that means.</summary>
    /// <param name="site">Name of the site.</param>
    /// <param name="groups">The groups.</param>
    /// <param name="tracked">Whether their products are imported.</param>
    /// <returns>The changed groups.</returns>
    /// <exception cref="AlloyScanException">
    /// There is no such site (<c>SiteNotFound</c>) or group (<c>SoftwareGroupNotFound</c>), or no group would be left (<c>NoSoftwareGroupLeft</c>).
    /// </exception>
    public IReadOnlyList<SoftwareGroupChoice> Set(string site, IReadOnlyCollection<string> groups, bool tracked)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(site);
        ArgumentNullException.ThrowIfNull(groups);
        var names = groups.Select(g => SoftwareGroups.Find(g) ?? throw new AlloyScanException(
            ErrorKind.NotFound, "SoftwareGroupNotFound", $"There is no software group '{g}'.", g, $"The groups are {string.Join(", ", SoftwareGroups.All)}.")).Distinct().ToList();
        using var session = _store.NewSession();
        var (id, name) = Find(session, site)[0];
        session.InTransactionDo(() =>
        {
            foreach (var group in names)
            {
                session.Prepare(tracked
                    ? "DELETE FROM untracked_groups WHERE site_id = @p0 AND software_group = @p1"
                    : "INSERT INTO untracked_groups (site_id, software_group) VALUES (@p0, @p1) ON CONFLICT DO NOTHING").Set(0, id).Set(1, group).Execute();
            }

            if (session.Prepare("SELECT count(*) FROM untracked_groups WHERE site_id = @p0").Set(0, id).Number() >= SoftwareGroups.All.Count)
            {
                throw new AlloyScanException(
                    ErrorKind.InvalidArgument, "NoSoftwareGroupLeft", $"No software group of {name} would be tracked, and all its software would be removed from the CMDB.", name,
                    "Track one group at least. To import no software at all, use Set-AlloyScanSyncJob -ImportSoftware None, which leaves what is there.");
            }
        });
        return [.. Read(session, id, name).Where(c => names.Contains(c.SoftwareGroup))];
    }

    private static List<SoftwareGroupChoice> Read(StoreSession session, long siteId, string site)
    {
        var untracked = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        using (var reader = session.Prepare("SELECT software_group FROM untracked_groups WHERE site_id = @p0").Set(0, siteId).Read())
        {
            while (reader.Read())
                untracked.Add(reader.GetString(0));
        }

        return [.. SoftwareGroups.All.Select(group => new SoftwareGroupChoice
        {
            Site = site,
            SoftwareGroup = group,
            Tracked = !untracked.Contains(group),
            Products = (int)(session.Prepare("SELECT count(*) FROM products WHERE software_group = @p0").Set(0, group).Number() ?? 0),
        })];
    }

    private static List<(long Id, string Name)> Find(StoreSession session, string? site)
    {
        var sites = new List<(long, string)>();
        using (var reader = session.Prepare("SELECT id, name FROM sites WHERE @p0 IS NULL OR lower(name) = lower(@p0) ORDER BY lower(name)").Set(0, site).Read())
        {
            while (reader.Read())
                sites.Add((reader.GetInt64(0), reader.GetString(1)));
        }

        if (sites.Count == 0 && site is not null)
            throw new AlloyScanException(ErrorKind.NotFound, "SiteNotFound", $"There is no site named '{site}' in the store.", site, "A site is made with its first job; Get-AlloyScanSyncJob shows the sites of the jobs.");
        return sites;
    }
}
