using AlloyScan.Engine.Cmdb;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Store;
using AlloyScan.Engine.Sync.Map;

namespace AlloyScan.Engine.Sync.Apply;

/// <summary>
/// Looks back at what was written: plans once more from what the CMDB holds now, and finds in the journal whether a field goes
/// back and forth. Only CIs that this run writes are looked at, so an unchanged run costs nothing.
/// </summary>
internal sealed class UnsettledFields
{
    public const string NotSettled = "NotSettled";
    public const string Flapping = "Flapping";

    private const int MostExamples = 5;
    private const int LongestValue = 60;
    private const int ReadBackOneOf = 16;

    private readonly RunContext _context;
    private readonly StoreSession _session;
    private readonly BuiltInCmdb _cmdb;
    private readonly Statement _lastChanges;
    private readonly Statement _insert;
    private readonly List<string> _examples = [];
    private readonly List<(string Field, string Problem, string Detail)> _found = [];
    private bool _anyKnown;
    private int _new;

    public UnsettledFields(RunContext context, BuiltInCmdb cmdb)
    {
        _context = context;
        _session = context.Session;
        _cmdb = cmdb;
        _anyKnown = _session.Prepare("SELECT 1 FROM unsettled_fields LIMIT 1").Number() is not null;
        _lastChanges = _session.Prepare("""
            SELECT c.field, c.old_value, c.new_value, r.kind, r.undone_by FROM changes c LEFT JOIN runs r ON r.id = c.run_id
            WHERE c.target_id = @p0 AND c.class = @p1 AND c.number = @p2 AND c.action = 'Update' AND c.run_id < @p3 ORDER BY c.id DESC LIMIT 100
            """).Set(0, context.TargetId);
        _insert = _session.Prepare("""
            INSERT INTO unsettled_fields (target_id, class, number, field, problem, detail, site_id, run_id) VALUES (@p0, @p1, @p2, @p3, @p4, @p5, @p6, @p7)
            ON CONFLICT (target_id, class, number, field) DO UPDATE SET problem = excluded.problem, detail = excluded.detail, site_id = excluded.site_id, run_id = excluded.run_id
            """).Set(0, context.TargetId).Set(6, context.SiteId);
    }

    /// <summary>What was found, in one sentence; <see langword="null"/> when all is calm.</summary>
    public string? Warning => _context.Counts.Unsettled == 0 ? null
        : $"{_context.Counts.Unsettled} {(_context.Counts.Unsettled == 1 ? "field does" : "fields do")} not settle: {string.Join("; ", _examples)}{(_context.Counts.Unsettled > _examples.Count ? "; ..." : string.Empty)}.";

    /// <summary>Looks at a CI that was just created.</summary>
    /// <param name="facts">The device.</param>
    /// <param name="id">Key of the CI.</param>
    /// <param name="number">Its number.</param>
    /// <param name="values">Its values as they were written.</param>
    /// <param name="written">What was written to each field.</param>
    public void LookAtNew(DeviceFacts facts, long id, long number, string?[] values, Dictionary<string, string?> written)
    {
        // Of what was just inserted only one in many is read back; the others are looked at as they were written.
        if (_new++ % ReadBackOneOf == 0 && _cmdb.Get(id) is { } record)
            values = record.Values;

        var mapper = _context.Mapper(facts.Class, ServiceActionKind.Update);
        var changes = mapper.Replan(facts, values, written);
        if (changes.Count == 0)
            return;

        // Creating and updating may map otherwise on purpose; what the first update would set has to stand before the second.
        values = [.. values];
        var next = new Dictionary<string, string?>(written);
        foreach (var (field, value) in changes)
            values[field.Index] = next[field.Name] = value;
        _found.Clear();
        AddNotSettled(mapper.Replan(facts, values, next), values);
        Note(facts.Class, number, isNew: true);
    }

    /// <summary>Looks at a CI that was just brought up to date.</summary>
    /// <param name="facts">The device.</param>
    /// <param name="before">The CI before.</param>
    /// <param name="changes">What was written.</param>
    /// <param name="written">What our last writings to each field were, these included.</param>
    public void LookAt(DeviceFacts facts, RecordState before, List<(CmdbField Field, string? Value)> changes, Dictionary<string, string?> written)
    {
        _found.Clear();
        if (changes.Count > 0)
        {
            if (_cmdb.Get(before.Id) is not { } record)
                return;

            AddNotSettled(_context.Mapper(facts.Class, ServiceActionKind.Update).Replan(facts, record.Values, written), record.Values);
            AddFlapping(before, changes);
        }
        else if (!_anyKnown)
        {
            return;
        }

        Note(before.Class, before.Number, isNew: false);
    }

    private void AddNotSettled(List<(CmdbField Field, string? Value)> changes, string?[] values)
    {
        foreach (var (field, value) in changes)
            _found.Add((field.Name, NotSettled, $"written {Words(value)}, reads {Words(values[field.Index])}"));
    }

    /// <summary>A field flaps when it is given the value again that it had before its last change, or the very value that we last gave it.</summary>
    private void AddFlapping(RecordState before, List<(CmdbField Field, string? Value)> changes)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        using var reader = _lastChanges.Set(1, (int)before.Class).Set(2, before.Number).Set(3, _context.RunId).Read();
        while (seen.Count < changes.Count && reader.Read())
        {
            var name = reader.Text(0);
            var index = changes.FindIndex(c => c.Field.Name == name);
            if (index < 0 || !seen.Add(name!))
                continue;

            // What an undo took back is no word of the site or of a hand.
            if (reader.Text(3) is not ("Sync" or "Approve") || !reader.IsDBNull(4) || _found.Exists(f => f.Field == name))
                continue;

            var (field, value) = changes[index];
            var (earlier, later) = (reader.Text(1), reader.Text(2));
            if (field.IsSame(value, earlier) || field.IsSame(value, later))
                _found.Add((name!, Flapping, $"{Words(value)}, {Words(before.Values[field.Index])}, {Words(value)} again"));
        }
    }

    private void Note(RecordClass recordClass, long number, bool isNew)
    {
        if (_anyKnown && !isNew)
        {
            // What is not found again has settled.
            _session.Prepare("DELETE FROM unsettled_fields WHERE target_id = @p0 AND class = @p1 AND number = @p2").Set(0, _context.TargetId).Set(1, (int)recordClass).Set(2, number).Execute();
        }

        foreach (var (field, problem, detail) in _found)
        {
            _anyKnown = true;
            _context.Counts.Unsettled++;
            _insert.Set(1, (int)recordClass).Set(2, number).Set(3, field).Set(4, problem).Set(5, detail).Set(7, _context.RunId).Execute();
            var example = $"{field} of {RunContext.RecordId(recordClass, number)} ({detail})";
            if (_examples.Count < MostExamples && !_examples.Contains(example))
                _examples.Add(example);
        }
    }

    private static string Words(string? value) =>
        value is null ? "nothing" : $"'{(value.Length <= LongestValue ? value : value[..LongestValue] + "...")}'";
}
