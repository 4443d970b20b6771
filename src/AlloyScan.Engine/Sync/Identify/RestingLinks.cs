using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Store;

namespace AlloyScan.Engine.Sync.Identify;

/// <summary>A link that a rule made on a value that has turned junk since.</summary>
/// <param name="Link">Key of the link.</param>
/// <param name="Rule">The rule that made it.</param>
/// <param name="Junk">Of its grounds, the values that are junk now.</param>
internal sealed record RestingLink(long Link, string? Rule, IReadOnlyList<Identifier> Junk);

/// <summary>
/// Finds links that rest on junk: no rule would have fitted on what is left of the identifiers that device and CI shared when the
/// link was made. Such links stay as they are; a person looks at them.
/// </summary>
internal sealed class RestingLinks(RunContext context, Identification identification)
{
    private readonly StoreSession _session = context.Session;

    /// <summary>The links, in the order in which they were made.</summary>
    public List<RestingLink> Find()
    {
        var result = new List<RestingLink>();
        var suspects = new SortedSet<long>();
        if (_session.Prepare("SELECT 1 FROM link_grounds LIMIT 1").Number() is null)
            return result;

        foreach (var identifier in identification.Junk.All)
        {
            using var reader = _session.Prepare("""
                SELECT g.link FROM link_grounds g JOIN links l ON l.id = g.link AND (l.state = 1 OR l.id IN (SELECT link FROM temp.planned_returned)) AND l.target_id = @p2 AND l.site_id = @p3 WHERE g.kind = @p0 AND g.value = @p1 AND g.link NOT IN (SELECT link FROM temp.planned_missing)
                """).Set(0, (int)identifier.Kind).Set(1, identifier.Value).Set(2, context.TargetId).Set(3, context.SiteId).Read();
            while (reader.Read())
                suspects.Add(reader.GetInt64(0));
        }

        foreach (var link in suspects)
        {
            if (Judge(link) is { } resting)
                result.Add(resting);
        }

        return result;
    }

    /// <summary>Whether one link rests on junk; <see langword="null"/> when it does not.</summary>
    public RestingLink? Judge(long link)
    {
        RecordClass recordClass;
        string? rule;
        using (var reader = _session.Prepare("SELECT class, rule FROM links WHERE id = @p0 AND (state = 1 OR id IN (SELECT link FROM temp.planned_returned))").Set(0, link).Read())
        {
            if (!reader.Read())
                return null;

            recordClass = (RecordClass)reader.GetInt32(0);
            rule = reader.Text(1);
        }

        var good = new List<Identifier>();
        var junk = new List<Identifier>();
        using (var reader = _session.Prepare("SELECT kind, value FROM link_grounds WHERE link = @p0 ORDER BY kind, value").Set(0, link).Read())
        {
            while (reader.Read())
            {
                var identifier = new Identifier((IdentifierKind)reader.GetInt32(0), reader.GetString(1));
                (identification.Junk.IsKnownJunk(identifier) ? junk : good).Add(identifier);
            }
        }

        return junk.Count == 0 || identification.Rules.AnyFits(recordClass, rule, good) ? null : new RestingLink(link, rule, junk);
    }

    /// <summary>Why a link rests on junk, for people.</summary>
    public string Reason(RestingLink resting)
    {
        var values = resting.Junk.Select(j => $"{Identification.Words(CandidateIndex.AttributeOf(j.Kind))} {Identifiers.Display(j.Kind, j.Value)}, {identification.Junk.Why(j)}");
        return $"Linked by the rule '{resting.Rule}' on the {string.Join(", and the ", values)}";
    }

    /// <summary>The values that a conflict is about, as it keeps them.</summary>
    public static string Key(RestingLink resting) => string.Join('\n', resting.Junk.Select(j => FormattableString.Invariant($"{(int)j.Kind} {j.Value}")));
}
