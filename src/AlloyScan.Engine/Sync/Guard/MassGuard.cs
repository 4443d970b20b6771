using AlloyScan.Engine.Cmdb;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Store;

namespace AlloyScan.Engine.Sync.Guard;

/// <summary>What the guard of a run is doing.</summary>
internal enum GuardPhase
{
    /// <summary>What is written was judged before, or by a person.</summary>
    Off,

    /// <summary>Changes are planned and counted; a real run spools those that may turn out to be too many.</summary>
    Planning,

    /// <summary>The spooled changes that are not held back are written.</summary>
    Applying,
}

/// <summary>What came of the counting.</summary>
/// <param name="Slices">Each kind in each slice.</param>
/// <param name="Held">The kinds of which nothing is applied.</param>
/// <param name="Values">Fields and values that too many CIs would get.</param>
internal sealed record GuardFindings(IReadOnlyList<SyncPlanSlice> Slices, GuardKinds Held, IReadOnlySet<(string Field, string Value)> Values)
{
    /// <summary>The slices that tripped, in words.</summary>
    public string Words => string.Join("; ", Slices.Where(s => s.Tripped));
}

/// <summary>
/// The brake on mass changes: counts the changes of each guarded kind by slice while a run plans, and says at the end which kinds are too
/// many. A kind that is too many in one slice is held back in all, since a source that is wrong about one is not to be believed about others.
/// The counts stand in temporary tables, so that a batch that is taken back takes back what it counted.
/// </summary>
internal sealed class MassGuard
{
    private readonly RunContext _context;
    private readonly StoreSession _session;
    private readonly HashSet<string> _suspicious;
    private readonly Statement _count;
    private readonly Statement _countValue;
    private readonly Dictionary<GuardSlice, (long Live, long Linked)> _links = [];

    public MassGuard(RunContext context)
    {
        _context = context;
        _session = context.Session;
        _suspicious = new(
            [CmdbFields.Name.Name, CmdbFields.SerialNumber.Name, CmdbFields.AssetTag.Name, CmdbFields.MacAddress.Name, CmdbFields.BiosUuid.Name, .. context.Job.GuardedFields], StringComparer.OrdinalIgnoreCase);
        IsFirstLoad = _session.Prepare("SELECT 1 FROM runs WHERE (job_id = @p0 OR (job_id IS NULL AND job = @p1)) AND site_id = @p2 AND kind = 'Sync' AND reached_end = 1 LIMIT 1")
            .Set(0, context.Job.Id).Set(1, context.Job.Name).Set(2, context.SiteId).Number() is null;
        _session.Execute("""
            CREATE TEMP TABLE guard_counts (kind INTEGER NOT NULL, class INTEGER NOT NULL, platform TEXT NOT NULL, changes INTEGER NOT NULL, PRIMARY KEY (kind, class, platform)) WITHOUT ROWID;
            CREATE TEMP TABLE guard_values (field TEXT NOT NULL, value TEXT NOT NULL, class INTEGER NOT NULL, platform TEXT NOT NULL, changes INTEGER NOT NULL, PRIMARY KEY (field, value, class, platform)) WITHOUT ROWID;
            """);
        _count = _session.Prepare("INSERT INTO temp.guard_counts (kind, class, platform, changes) VALUES (@p0, @p1, @p2, 1) ON CONFLICT (kind, class, platform) DO UPDATE SET changes = guard_counts.changes + 1");
        _countValue = _session.Prepare(
            "INSERT INTO temp.guard_values (field, value, class, platform, changes) VALUES (@p0, @p1, @p2, @p3, 1) ON CONFLICT (field, value, class, platform) DO UPDATE SET changes = guard_values.changes + 1");
    }

    public GuardPhase Phase { get; set; }

    /// <summary>Whether guarded changes are set aside for now instead of written.</summary>
    public bool IsSpooling => Phase == GuardPhase.Planning && _context.Applying;

    /// <summary>Whether this job has yet to reach the end of a run on this site, so that its creations are no mass change.</summary>
    public bool IsFirstLoad { get; }

    /// <summary>Links that were live when they were counted.</summary>
    public long LiveLinks { get; private set; }

    /// <summary>Counts what is linked in each slice. Call before anything is changed.</summary>
    public void CountLinks()
    {
        _links.Clear();
        LiveLinks = 0;
        using var reader = _session.Prepare("SELECT class, platform, state, count(*) FROM links WHERE target_id = @p0 AND site_id = @p1 AND state IN (1, 2) GROUP BY class, platform, state")
            .Set(0, _context.TargetId).Set(1, _context.SiteId).Read();
        while (reader.Read())
        {
            var slice = new GuardSlice((RecordClass)reader.GetInt32(0), reader.Text(1) ?? string.Empty);
            var count = reader.GetInt64(3);
            var live = reader.GetInt32(2) == (int)LinkState.Live ? count : 0;
            var before = _links.GetValueOrDefault(slice);
            _links[slice] = (before.Live + live, before.Linked + count);
            LiveLinks += live;
        }
    }

    /// <summary>What a new CI is to the guard.</summary>
    public GuardKinds OfCreation => IsFirstLoad ? GuardKinds.None : GuardKinds.Creation;

    /// <summary>What a change of fields and software is to the guard, as far as one change tells.</summary>
    public GuardKinds OfUpdate(IEnumerable<FieldChange> changes, bool losesSoftware) =>
        (changes.Any(c => c.NewValue is null || _suspicious.Contains(c.Field)) ? GuardKinds.Update : GuardKinds.None) | (losesSoftware ? GuardKinds.Removal : GuardKinds.None);

    /// <summary>Counts a change. Call in the batch that plans it.</summary>
    /// <param name="kinds">Its kinds.</param>
    /// <param name="slice">Its slice.</param>
    /// <param name="changes">The fields that it sets on a CI that exists.</param>
    public void Count(GuardKinds kinds, GuardSlice slice, IEnumerable<FieldChange> changes)
    {
        foreach (var kind in GuardLimit.Kinds)
        {
            if (kinds.HasFlag(kind))
                _count.Set(0, (int)kind).Set(1, (int)slice.Class).Set(2, slice.Platform ?? string.Empty).Execute();
        }

        foreach (var change in changes)
        {
            if (change.NewValue is { } value)
                _countValue.Set(0, change.Field).Set(1, value).Set(2, (int)slice.Class).Set(3, slice.Platform ?? string.Empty).Execute();
        }
    }

    /// <summary>Holds what was counted against the limits.</summary>
    public GuardFindings Judge()
    {
        var slices = new List<SyncPlanSlice>();
        using (var reader = _session.Prepare("SELECT kind, class, platform, changes FROM temp.guard_counts ORDER BY kind, class, platform").Read())
        {
            while (reader.Read())
                slices.Add(Judge((GuardKinds)reader.GetInt32(0), reader.GetInt32(1), reader.GetString(2), reader.GetInt64(3)));
        }

        var values = new HashSet<(string, string)>();
        using (var reader = _session.Prepare("SELECT class, platform, changes, field, value FROM temp.guard_values WHERE changes > @p0 ORDER BY field, value, class, platform")
            .Set(0, LimitOf(GuardKinds.Update).Count).Read())
        {
            while (reader.Read())
            {
                var slice = Judge(GuardKinds.Update, reader.GetInt32(0), reader.GetString(1), reader.GetInt64(2)) with { Field = reader.GetString(3), Value = reader.GetString(4) };
                // A limit of 0 lets no suspicious update through. One CI that gets a new value is none.
                if (!slice.Tripped || slice.Changes < 2)
                    continue;

                slices.Add(slice);
                values.Add((slice.Field, slice.Value));
            }
        }

        return new GuardFindings(slices, slices.Where(s => s.Tripped).Aggregate(GuardKinds.None, (kinds, s) => kinds | s.Kind), values);
    }

    private SyncPlanSlice Judge(GuardKinds kind, int recordClass, string platform, long changes)
    {
        var links = _links.GetValueOrDefault(new GuardSlice((RecordClass)recordClass, platform));
        var of = kind == GuardKinds.Update ? links.Linked : links.Live;
        var limit = LimitOf(kind);
        return new SyncPlanSlice
        {
            Job = _context.Job.Name, Kind = kind, Class = (RecordClass)recordClass, Platform = platform.Length == 0 ? null : platform, Changes = changes, Of = of, Limit = limit, Tripped = limit.IsExceeded(changes, of),
        };
    }

    private GuardLimit LimitOf(GuardKinds kind) => _context.Job.GuardLimits.GetValueOrDefault(kind) ?? GuardLimit.DefaultOf(kind);
}
