using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Store;

namespace AlloyScan.Engine.Sync.Undo;

/// <summary>A row of the journal with all that it keeps.</summary>
internal sealed record JournalRow(long Id, long RunId, string Action, string? Field, string? OldValue, string? NewValue, long? Link, JournalDetail Detail);

/// <summary>Reads the journal for those that take changes back, and writes what they did.</summary>
internal sealed class Journal
{
    private readonly Statement _ofRun;
    private readonly Statement _sinceLink;
    private readonly Statement _all;
    private readonly Statement _laterRun;
    private readonly Statement _insert;

    public Journal(StoreSession session, long targetId)
    {
        const string columns = "c.id, c.run_id, c.action, c.field, c.old_value, c.new_value, c.link, c.detail";
        // The plus keeps the run from being looked up first: a run has many rows, a CI has few.
        _ofRun = session.Prepare($"SELECT {columns} FROM changes c WHERE c.target_id = @p0 AND c.class = @p1 AND c.number = @p2 AND +c.run_id = @p3 ORDER BY c.id DESC").Set(0, targetId);
        _all = session.Prepare($"SELECT {columns} FROM changes c WHERE c.target_id = @p0 AND c.class = @p1 AND c.number = @p2").Set(0, targetId);
        _sinceLink = session.Prepare($"""
            SELECT {columns} FROM changes c JOIN runs r ON r.id = c.run_id
            WHERE c.target_id = @p0 AND c.class = @p1 AND c.number = @p2 AND c.id >= @p3 AND r.undone_by IS NULL AND r.kind <> 'Undo' ORDER BY c.id DESC
            """).Set(0, targetId);
        _laterRun = session.Prepare("""
            SELECT min(c.run_id) FROM changes c JOIN runs r ON r.id = c.run_id
            WHERE c.target_id = @p0 AND c.class = @p1 AND c.number = @p2 AND +c.run_id > @p3 AND r.undone_by IS NULL AND r.kind <> 'Undo'
            """).Set(0, targetId);
        _insert = session.Prepare("""
            INSERT INTO changes (run_id, target_id, class, number, action, field, old_value, new_value, link, detail) VALUES (@p0, @p1, @p2, @p3, @p4, @p5, @p6, @p7, @p8, @p9)
            """).Set(1, targetId);
    }

    /// <summary>What a run did to a CI, last things first.</summary>
    public List<JournalRow> OfRun(RecordClass recordClass, long number, long runId) => Read(_ofRun.Set(1, (int)recordClass).Set(2, number).Set(3, runId));

    /// <summary>What was done to a CI from a row of the journal on and not taken back since, last things first.</summary>
    public List<JournalRow> Since(RecordClass recordClass, long number, long rowId) => Read(_sinceLink.Set(1, (int)recordClass).Set(2, number).Set(3, rowId));

    /// <summary>How often runs have changed fields of a CI that they had not just created.</summary>
    public int Writes(RecordClass recordClass, long number) => Read(_all.Set(1, (int)recordClass).Set(2, number)).Count(r => r.Detail.Version is not null);

    /// <summary>The first run after another that touched a CI and was not taken back; <see langword="null"/> when there is none.</summary>
    public long? LaterRun(RecordClass recordClass, long number, long runId) => _laterRun.Set(1, (int)recordClass).Set(2, number).Set(3, runId).Number();

    public void Add(long runId, RecordClass recordClass, long number, string action, string? field, string? oldValue, string? newValue, long? link = null, JournalDetail? detail = null) =>
        _insert.Set(0, runId).Set(2, (int)recordClass).Set(3, number).Set(4, action).Set(5, field).Set(6, oldValue).Set(7, newValue).Set(8, link).Set(9, detail?.ToJson()).Execute();

    private static List<JournalRow> Read(Statement statement)
    {
        var rows = new List<JournalRow>();
        using var reader = statement.Read();
        while (reader.Read())
        {
            rows.Add(new JournalRow(
                reader.GetInt64(0), reader.GetInt64(1), reader.GetString(2), reader.Text(3), reader.Text(4), reader.Text(5), reader.Number(6), JournalDetail.FromJson(reader.Text(7))));
        }

        return rows;
    }
}
