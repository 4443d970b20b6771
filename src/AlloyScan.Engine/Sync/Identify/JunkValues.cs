using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Store;

namespace AlloyScan.Engine.Sync.Identify;

/// <summary>
/// What counts as blank at one site in one run: the administrator's entries, and values that more devices carry than the job
/// allows. A value turns junk at once; it is good again only after some complete runs that count few enough carriers.
/// </summary>
internal sealed class JunkValues
{
    /// <summary>Complete runs with few enough carriers after which a value is good again.</summary>
    public const int RunsUntilGood = 3;

    /// <summary>Carriers are not counted any further.</summary>
    public const int MostCounted = 1000;

    private const int MostRemembered = 10_000;

    private readonly RunContext _context;
    private readonly StoreSession _session;
    private readonly OwnJunk _own;
    private readonly bool _wasEmpty;
    private readonly Dictionary<Identifier, Learned> _learned = [];
    private readonly Dictionary<Identifier, bool> _looked = [];
    private bool _judged;
    private bool _touched;
    private readonly bool _judgesAll;

    /// <param name="context">The run.</param>
    /// <param name="wasEmpty">Whether the CMDB held no CI when the run began.</param>
    public JunkValues(RunContext context, bool wasEmpty)
    {
        _context = context;
        _session = context.Session;
        _wasEmpty = wasEmpty;
        _own = OwnJunk.Load(_session);
        _judgesAll = !wasEmpty && _session.Prepare("SELECT junk_judged FROM sites WHERE id = @p0").Set(0, context.SiteId).Number() != 1;
        _session.Execute("""
            CREATE TEMP TABLE IF NOT EXISTS junk_now (kind INTEGER NOT NULL, value TEXT NOT NULL, PRIMARY KEY (kind, value)) WITHOUT ROWID;
            CREATE TEMP TABLE touched_identifiers (kind INTEGER NOT NULL, value TEXT NOT NULL, PRIMARY KEY (kind, value)) WITHOUT ROWID;
            """);
        using var reader = _session.Prepare("SELECT kind, value, carriers, good_runs FROM learned_junk WHERE site_id = @p0").Set(0, context.SiteId).Read();
        while (reader.Read())
            _learned[new Identifier((IdentifierKind)reader.GetInt32(0), reader.GetString(1))] = new Learned(reader.GetInt32(2), reader.GetInt32(3));
    }

    /// <summary>A learned value: its carriers when last counted, and the complete runs in a row that counted few enough.</summary>
    private readonly record struct Learned(int Carriers, int GoodRuns);

    /// <summary>Values that are junk now, own ones included, with why.</summary>
    public IEnumerable<Identifier> All => _learned.Keys.Concat(_own.All);

    /// <summary>Whether a value is junk for the whole of this run, whatever the site turns out to hold.</summary>
    public bool IsSettled(Identifier identifier) =>
        _own.Contains(identifier) || (_learned.TryGetValue(identifier, out var known) && (_judged || known.GoodRuns < RunsUntilGood - 1));

    /// <summary>Whether a value is on one of the lists, without counting anything.</summary>
    public bool IsKnownJunk(Identifier identifier) => _own.Contains(identifier) || _learned.ContainsKey(identifier);

    /// <summary>Whether a value was junk before, and may be good again by the end of this run.</summary>
    public bool IsInDoubt(Identifier identifier) => _learned.ContainsKey(identifier) && !IsSettled(identifier);

    /// <summary>Whether a value identifies nothing at this site.</summary>
    public bool IsJunk(Identifier identifier) => IsJunk(identifier, staged: false);

    /// <summary>Whether a value identifies nothing at this site.</summary>
    /// <param name="identifier">The value.</param>
    /// <param name="staged">Whether a device of this run carries it, so that it was judged with all the others.</param>
    public bool IsJunk(Identifier identifier, bool staged)
    {
        if (_own.Contains(identifier) || _learned.ContainsKey(identifier))
            return true;
        if (!IsLearnable(identifier.Kind) || (staged && _judged))
            return false;

        if (!_looked.TryGetValue(identifier, out var junk))
        {
            if (_looked.Count >= MostRemembered)
                _looked.Clear();
            junk = Count(identifier, _context.Job.MostCarriers + 1) > _context.Job.MostCarriers;
            _looked.Add(identifier, junk);
        }

        return junk;
    }

    /// <summary>Why a value is junk, for people.</summary>
    public string Why(Identifier identifier)
    {
        if (_own.Contains(identifier))
            return "which was added to the junk identifiers";

        var carriers = _learned.TryGetValue(identifier, out var known) ? known.Carriers : Count(identifier, MostCounted);
        return carriers >= MostCounted ? $"which {MostCounted} devices or more carry" : $"which {carriers} devices carry";
    }

    /// <summary>
    /// Notes that a run has begun. Should it end before it judges, the next one counts all values and not only those that it touches
    /// itself. Call inside a transaction.
    /// </summary>
    public void Begin() => _session.Prepare("UPDATE sites SET junk_judged = 0 WHERE id = @p0 AND junk_judged <> 0").Set(0, _context.SiteId).Execute();

    /// <summary>Notes that a CI got new identifiers.</summary>
    public void Touch(IEnumerable<Identifier> identifiers)
    {
        // Too late for this run, so the next one counts all.
        if (_judged && _context.Applying)
            Begin();
        foreach (var identifier in identifiers)
        {
            _touched = true;
            if (IsLearnable(identifier.Kind))
                _session.Prepare("INSERT INTO temp.touched_identifiers (kind, value) VALUES (@p0, @p1) ON CONFLICT DO NOTHING").Set(0, (int)identifier.Kind).Set(1, identifier.Value).Execute();
        }
    }

    /// <summary>
    /// Counts the carriers of all values that this run touched, and of those that were junk before. Call when all unlinked devices are
    /// staged, and before the first decision.
    /// </summary>
    /// <param name="complete">Whether the list was read completely, so that few carriers mean something.</param>
    /// <param name="write">Does work in a transaction of the run.</param>
    public void Judge(bool complete, Action<Action> write)
    {
        if (_judged)
            return;

        _judged = true;
        var most = _context.Job.MostCarriers;
        var writes = new List<Action>();
        var now = _context.TimeProvider.NowMilliseconds();
        var before = _learned.ToList();
        foreach (var identifier in Suspects(most))
        {
            if (_learned.ContainsKey(identifier) || _own.Contains(identifier))
                continue;

            var carriers = Count(identifier, MostCounted);
            if (carriers <= most)
                continue;

            _learned.Add(identifier, new Learned(carriers, 0));
            writes.Add(() => _session.Prepare("INSERT INTO learned_junk (site_id, kind, value, carriers, good_runs, learned_at) VALUES (@p0, @p1, @p2, @p3, 0, @p4)")
                .Set(0, _context.SiteId).Set(1, (int)identifier.Kind).Set(2, identifier.Value).Set(3, carriers).Set(4, now).Execute());
        }

        foreach (var (identifier, learned) in before)
            Rejudge(identifier, learned, most, complete, writes);
        _looked.Clear();

        if (_context.Applying)
        {
            writes.Add(() => _session.Prepare("UPDATE sites SET junk_judged = 1 WHERE id = @p0").Set(0, _context.SiteId).Execute());
            write(() => writes.ForEach(w => w()));
        }

        foreach (var identifier in All)
            _session.Prepare("INSERT INTO temp.junk_now (kind, value) VALUES (@p0, @p1) ON CONFLICT DO NOTHING").Set(0, (int)identifier.Kind).Set(1, identifier.Value).Execute();
    }

    private void Rejudge(Identifier identifier, Learned before, int most, bool complete, List<Action> writes)
    {
        // Where nothing changed, that they are too many is enough to know.
        var carriers = Count(identifier, _touched ? MostCounted : most + 1);
        if (!_touched && carriers > most && before.Carriers > most)
            carriers = before.Carriers;
        var goodRuns = carriers > most ? 0 : complete ? before.GoodRuns + 1 : before.GoodRuns;
        if (goodRuns >= RunsUntilGood)
        {
            _learned.Remove(identifier);
            writes.Add(() => _session.Prepare("DELETE FROM learned_junk WHERE site_id = @p0 AND kind = @p1 AND value = @p2")
                .Set(0, _context.SiteId).Set(1, (int)identifier.Kind).Set(2, identifier.Value).Execute());
            return;
        }

        var after = new Learned(carriers, goodRuns);
        _learned[identifier] = after;
        if (after != before)
        {
            writes.Add(() => _session.Prepare("UPDATE learned_junk SET carriers = @p3, good_runs = @p4 WHERE site_id = @p0 AND kind = @p1 AND value = @p2")
                .Set(0, _context.SiteId).Set(1, (int)identifier.Kind).Set(2, identifier.Value).Set(3, carriers).Set(4, goodRuns).Execute());
        }
    }

    /// <summary>Names are shared in honest ways, and an audit has one device. An asset tag that many carry is a department's, not a machine's.</summary>
    private static bool IsLearnable(IdentifierKind kind) => kind is not (IdentifierKind.Name or IdentifierKind.AuditId);

    /// <summary>Values touched in this run that could have too many carriers.</summary>
    private List<Identifier> Suspects(int most)
    {
        var result = new List<Identifier>();
        // Into an empty CMDB all came with this run's devices, so those are all the carriers there are.
        var others = _wasEmpty ? "0" : $"""
            (SELECT count(*) FROM (SELECT 1 FROM record_identifiers i WHERE i.kind = s.kind AND i.value = s.value LIMIT {most + 1}) f)
            + (SELECT count(*) FROM (SELECT 1 FROM conflict_identifiers i WHERE i.kind = s.kind AND i.value = s.value LIMIT {most + 1}) f)
            """;
        using (var reader = _session.Prepare($"SELECT s.kind, s.value FROM temp.staged_identifiers s WHERE s.kind NOT IN (1, 7) GROUP BY s.kind, s.value HAVING count(*) + {others} > {most}").Read())
        {
            while (reader.Read())
                result.Add(new Identifier((IdentifierKind)reader.GetInt32(0), reader.GetString(1)));
        }

        if (_judgesAll)
        {
            using var reader = _session.Prepare("SELECT kind, value FROM record_identifiers WHERE kind NOT IN (1, 7) GROUP BY kind, value HAVING count(*) > @p0").Set(0, most).Read();
            while (reader.Read())
                result.Add(new Identifier((IdentifierKind)reader.GetInt32(0), reader.GetString(1)));
        }

        _touched |= _judgesAll || result.Count > 0 || _session.Prepare("SELECT 1 FROM temp.staged_identifiers LIMIT 1").Number() is not null;
        using (var reader = _session.Prepare("SELECT kind, value FROM temp.touched_identifiers").Read())
        {
            while (reader.Read())
                result.Add(new Identifier((IdentifierKind)reader.GetInt32(0), reader.GetString(1)));
        }

        return result;
    }

    /// <summary>Devices of the site that carry a value: staged ones, those with a live link, open conflicts.</summary>
    private int Count(Identifier identifier, int most)
    {
        var overlay = !_context.AnyPlanned
            ? string.Empty
            : """
                    AND NOT EXISTS (SELECT 1 FROM temp.planned_removed x WHERE x.kind = i.kind AND x.value = i.value AND x.record = i.record) AND l.id NOT IN (SELECT link FROM temp.planned_missing)
                UNION SELECT l.device_id FROM temp.planned_identifiers i JOIN links l ON l.record = i.record AND (l.state = 1 OR l.id IN (SELECT link FROM temp.planned_returned)) AND l.site_id = @p2
                    WHERE i.kind = @p0 AND i.value = @p1 AND l.id NOT IN (SELECT link FROM temp.planned_missing)
                UNION SELECT l.device_id FROM record_identifiers i JOIN links l ON l.record = i.record AND l.site_id = @p2 JOIN temp.planned_returned b ON b.link = l.id
                    WHERE i.kind = @p0 AND i.value = @p1
                        AND NOT EXISTS (SELECT 1 FROM temp.planned_removed x WHERE x.kind = i.kind AND x.value = i.value AND x.record = i.record)
                """;
        return (int)(_session.Prepare($"""
            SELECT count(*) FROM (
                SELECT device_id FROM (SELECT device_id FROM temp.staged_identifiers WHERE kind = @p0 AND value = @p1 LIMIT @p3) s
                UNION SELECT device_id FROM (SELECT l.device_id FROM record_identifiers i JOIN links l ON l.record = i.record AND l.state = 1 AND l.site_id = @p2
                    WHERE i.kind = @p0 AND i.value = @p1 {overlay} LIMIT @p3) l
                UNION SELECT device_id FROM (SELECT c.device_id FROM conflict_identifiers i JOIN conflicts c ON c.id = i.conflict AND c.site_id = @p2 AND c.state = 'Open' AND c.kind = 'Unlinked'
                    WHERE i.kind = @p0 AND i.value = @p1 LIMIT @p3) c
                LIMIT @p3) d
            """).Set(0, (int)identifier.Kind).Set(1, identifier.Value).Set(2, _context.SiteId).Set(3, most).Number() ?? 0);
    }
}
