using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Store;

namespace AlloyScan.Engine.Sync.Undo;

/// <summary>The run that is to be taken back.</summary>
internal sealed record UndoneRun(long Id, long? JobId, string Job, long TargetId, string Target, long SiteId, SyncRunKind Kind, long? UndoneBy);

/// <summary>
/// Takes one run back, CI by CI, those that it changed last first, in transactions of some hundred CIs. What is written
/// says in the journal which CIs are done, so that an undo that was stopped is finished by the next.
/// </summary>
internal sealed class UndoRunner
{
    private const int MostRecords = 250;
    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(1);

    private readonly StoreSession _session;
    private readonly TimeProvider _timeProvider;
    private readonly UndoneRun _run;
    private readonly Lease? _lease;
    private readonly Action<UndoneChange> _changed;
    private readonly Journal _journal;
    private readonly RecordRestorer _restorer;
    private readonly Statement _next;
    private readonly bool _resumed;
    private int _restored;
    private int _removed;
    private int _leftAlone;

    /// <param name="session">Session of the caller.</param>
    /// <param name="timeProvider">Clock.</param>
    /// <param name="run">The run to take back.</param>
    /// <param name="lease">The right to write; <see langword="null"/> for a rehearsal, which writes temporary tables only.</param>
    /// <param name="changed">Hears what became of each change once it is committed.</param>
    public UndoRunner(StoreSession session, TimeProvider timeProvider, UndoneRun run, Lease? lease, Action<UndoneChange> changed)
    {
        _session = session;
        _timeProvider = timeProvider;
        _run = run;
        _lease = lease;
        _changed = changed;
        _journal = new Journal(session, run.TargetId);
        _restorer = new RecordRestorer(session, run.TargetId, timeProvider, _journal);
        _session.Execute("CREATE TEMP TABLE undo_records (position INTEGER PRIMARY KEY, class INTEGER NOT NULL, number INTEGER NOT NULL)");
        _session.Execute(
            """
            INSERT INTO temp.undo_records (position, class, number)
            SELECT row_number() OVER (ORDER BY max(c.id) DESC), c.class, c.number FROM changes c WHERE c.run_id = @p0 GROUP BY c.class, c.number
            """, run.Id);
        _resumed = _session.Execute(
            """
            DELETE FROM temp.undo_records WHERE EXISTS (
                SELECT 1 FROM changes c JOIN runs r ON r.id = c.run_id
                WHERE c.target_id = @p1 AND c.class = undo_records.class AND c.number = undo_records.number AND r.undoes = @p0 AND r.status IN ('Running', 'Failed', 'Canceled'))
            """, run.Id, run.TargetId) > 0;
        _next = _session.Prepare($"SELECT position, class, number FROM temp.undo_records WHERE position > @p0 ORDER BY position LIMIT {MostRecords}");
        if (lease is null)
        {
            // A link can stand in the rows of two CIs: what a rehearsal would have put back is kept beside the real ones.
            _session.Execute("CREATE TEMP TABLE undo_links (link INTEGER PRIMARY KEY, state INTEGER NOT NULL, class INTEGER NOT NULL, number INTEGER NOT NULL, record INTEGER NOT NULL)");
            _restorer.RehearsedLink = RehearsedLink;
        }
    }

    /// <summary>Changes that were taken back, of the whole or a field, and whether there were any at all to look at.</summary>
    public bool TookBack => _restored + _removed > 0 || _resumed;

    public bool LeftAlone => _leftAlone > 0;

    /// <summary>What was done, as a sentence.</summary>
    public string Summary =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"Run {_run.Id} was taken back: {Words(_restored, "CI")} restored, {Words(_removed, "CI")} removed, {Words(_leftAlone, "change")} left alone.");

    /// <summary>Goes through all CIs.</summary>
    /// <param name="undoId">Number of the run that takes back; 0 in a rehearsal.</param>
    /// <param name="cancellationToken">Stops between two batches.</param>
    public void Run(long undoId, CancellationToken cancellationToken)
    {
        var after = 0L;
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var records = Next(after);
            if (records.Count == 0)
                return;

            after = Do(records, undoId);
        }
    }

    private List<(long Position, RecordClass Class, long Number)> Next(long after)
    {
        var records = new List<(long, RecordClass, long)>(MostRecords);
        using var reader = _next.Set(0, after).Read();
        while (reader.Read())
            records.Add((reader.GetInt64(0), (RecordClass)reader.GetInt32(1), reader.GetInt64(2)));
        return records;
    }

    /// <returns>Position of the last CI that was done.</returns>
    private long Do(List<(long Position, RecordClass Class, long Number)> records, long undoId)
    {
        var outcomes = new List<UndoneChange>();
        var counts = (_restored, _removed, _leftAlone);
        var done = 0L;
        var started = _timeProvider.GetTimestamp();
        if (_lease is null)
            _session.BeginRead();
        else
            _session.Begin();
        try
        {
            if (_lease is not null && !_lease.Renew())
                throw new LeaseLostException();

            foreach (var (position, recordClass, number) in records)
            {
                DoOne(recordClass, number, undoId, outcomes);
                done = position;
                if (_timeProvider.GetElapsedTime(started) > s_longest)
                    break;
            }

            if (_lease is not null)
                WriteCounts(undoId);
            _session.Commit();
        }
        catch
        {
            _session.Rollback();
            _restorer.Reset();
            (_restored, _removed, _leftAlone) = counts;
            throw;
        }

        foreach (var outcome in outcomes)
            _changed(outcome);
        return done;
    }

    private void DoOne(RecordClass recordClass, long number, long undoId, List<UndoneChange> outcomes)
    {
        Restoration plan;
        if (_journal.LaterRun(recordClass, number, _run.Id) is { } later)
        {
            plan = new Restoration(recordClass, number);
            plan.LeaveAlone(null, FormattableString.Invariant($"Run {later} changed it later; take that back first."));
        }
        else
        {
            plan = _restorer.Plan(recordClass, number, _journal.OfRun(recordClass, number, _run.Id));
        }

        if (_lease is not null)
            WriteOne(plan, undoId);
        else
            Rehearse(plan);
        if (plan.Remove)
            _removed++;
        else if (plan.Outcomes.Exists(o => o.Outcome == UndoOutcome.Restored))
            _restored++;
        _leftAlone += plan.Outcomes.Count(o => o.Outcome == UndoOutcome.LeftAlone);
        outcomes.AddRange(plan.Outcomes.Select(o => o with { RunId = _run.Id, Target = _run.Target }));
    }

    private void WriteOne(Restoration plan, long undoId)
    {
        _restorer.Write(plan, undoId);
        // CI by CI: a product that leaves the catalog and comes back has the spelling that it had before.
        _restorer.Flush();
    }

    private void Rehearse(Restoration plan)
    {
        foreach (var link in plan.Links)
        {
            _session.Prepare("""
                INSERT INTO temp.undo_links (link, state, class, number, record) VALUES (@p0, @p1, @p2, @p3, @p4)
                ON CONFLICT (link) DO UPDATE SET state = excluded.state, class = excluded.class, number = excluded.number, record = excluded.record
                """)
                .Set(0, link.Id).Set(1, (int)(link.Image?.State ?? LinkState.Closed)).Set(2, (int)(link.Image?.Class ?? plan.Class)).Set(3, link.Image?.Number ?? 0).Set(4, link.Image?.Record ?? 0).Execute();
        }
    }

    private LinkImage? RehearsedLink(long link)
    {
        using var reader = _session.Prepare("SELECT state, class, number, record FROM temp.undo_links WHERE link = @p0").Set(0, link).Read();
        return !reader.Read() ? null : new LinkImage
        {
            Id = link,
            State = (LinkState)reader.GetInt32(0),
            Class = (RecordClass)reader.GetInt32(1),
            Number = reader.GetInt64(2),
            Record = reader.GetInt64(3),
        };
    }

    private void WriteCounts(long undoId) =>
        _session.Prepare("""
            UPDATE runs SET updated = @p1, skipped = @p2, installations_added = @p3, installations_removed = @p4, products_added = @p5, products_removed = @p6 WHERE id = @p0
            """)
            .Set(0, undoId).Set(1, _restored).Set(2, _leftAlone).Set(3, _restorer.InstallationsAdded).Set(4, _restorer.InstallationsRemoved)
            .Set(5, _restorer.ProductsAdded).Set(6, _restorer.ProductsRemoved).Execute();

    private static string Words(int count, string noun) => FormattableString.Invariant($"{count} {noun}{(count == 1 ? string.Empty : "s")}");
}
