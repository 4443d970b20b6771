using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Store;
using AlloyScan.Engine.Sync.Map;

namespace AlloyScan.Engine.Sync.Identify;

/// <summary>Compares what the stored and other rules say of every device of a site, from what the store keeps.</summary>
internal sealed class Rehearsal : IDisposable
{
    private const int ChunkSize = 256;

    private readonly IdentificationBench _before;
    private readonly IdentificationBench _after;
    private readonly SyncJob _job;
    private readonly RecordClass[] _classes;

    public Rehearsal(AlloyStore store, SyncJob job, IReadOnlyList<IdentificationRule> rules)
    {
        _job = job;
        _before = new IdentificationBench(store, job);
        try
        {
            _after = new IdentificationBench(store, job, rules);
        }
        catch
        {
            _before.Dispose();
            throw;
        }

        // Where the rules of a class are the same, so is all that they say.
        _classes = [.. Enum.GetValues<RecordClass>().Where(c => Words(_before, c) != Words(_after, c))];
    }

    public IEnumerable<IdentificationDifference> Run(CancellationToken cancellationToken)
    {
        if (_classes.Length == 0)
            yield break;

        _before.StageAll(cancellationToken);
        _after.StageAll(cancellationToken);
        foreach (var difference in Linked(cancellationToken))
            yield return difference;
        foreach (var difference in Unlinked(cancellationToken))
            yield return difference;
    }

    public void Dispose()
    {
        _before.Dispose();
        _after.Dispose();
    }

    private static string Words(IdentificationBench bench, RecordClass recordClass) => IdentificationPolicy.ToJson(bench.Identification.Rules.Of(recordClass));

    private IEnumerable<IdentificationDifference> Linked(CancellationToken cancellationToken)
    {
        var after = 0L;
        while (true)
        {
            var chunk = new List<LinkedDevice>(ChunkSize);
            using (var reader = _before.Session.Prepare($"""
                SELECT l.id, l.record, l.class, l.record_number, l.rule, v.source FROM links l JOIN link_values v ON v.link = l.id JOIN records r ON r.id = l.record
                WHERE l.id > @p0 AND l.target_id = @p1 AND l.site_id = @p2 AND l.state IN (1, 2) AND l.class IN (@p3, @p4) ORDER BY l.id LIMIT {ChunkSize}
                """).Set(0, after).Set(1, _before.Context.TargetId).Set(2, _before.Context.SiteId).Set(3, (int)_classes[0]).Set(4, (int)_classes[^1]).Read())
            {
                while (reader.Read())
                {
                    after = reader.GetInt64(0);
                    var recordClass = (RecordClass)reader.GetInt32(2);
                    chunk.Add(new LinkedDevice(after, reader.GetInt64(1), recordClass, RunContext.RecordId(recordClass, reader.GetInt64(3)), reader.Text(4), reader.GetString(5)));
                }
            }

            if (chunk.Count == 0)
                yield break;

            foreach (var link in chunk)
            {
                cancellationToken.ThrowIfCancellationRequested();
                foreach (var difference in Compare(link))
                    yield return difference;
            }
        }
    }

    private IEnumerable<IdentificationDifference> Compare(LinkedDevice link)
    {
        var facts = DeviceFacts.FromJson(link.Source);
        facts.Class = link.Class;
        var decision = _after.DecideWithoutLink(facts, link.Id);
        var others = Others(decision, link.Record);
        // Most devices are taken for their own CI, and then it does not matter what they were taken for before.
        var fresh = others.Count == 0 ? others : [.. others.Except(Others(_before.DecideWithoutLink(facts, link.Id), link.Record))];
        if (fresh.Count > 0)
        {
            var trace = new DecisionTrace();
            _after.DecideWithoutLink(facts, link.Id, trace);
            var rule = trace.Rules.FindLast(r => r.Fitted)?.Rule.Name;
            var keeps = Fits(decision).Contains(link.Record);
            foreach (var other in fresh)
            {
                var holder = _after.Identification.Index.HolderOf(other);
                var moves = !keeps && others.Count == 1 && holder is null;
                yield return Difference(moves ? DifferenceKind.Move : DifferenceKind.Merge, facts) with
                {
                    RecordId = link.RecordId,
                    OtherRecordId = _after.Identification.Index.Describe(other),
                    Rule = rule,
                    Reason = decision.Reason,
                };
            }

            if (!keeps)
                yield break;
        }

        if (link.Rule is not null && Stands(_before, link) && !Stands(_after, link))
        {
            yield return Difference(DifferenceKind.Split, facts) with
            {
                RecordId = link.RecordId,
                Rule = link.Rule,
                Reason = $"Linked by '{link.Rule}'; no rule would fit what device and CI shared then",
            };
        }
    }

    /// <summary>Whether a rule fits on what device and CI shared when a rule linked them.</summary>
    private static bool Stands(IdentificationBench bench, LinkedDevice link)
    {
        var grounds = new List<Identifier>();
        using (var reader = bench.Session.Prepare("SELECT kind, value FROM link_grounds WHERE link = @p0").Set(0, link.Id).Read())
        {
            while (reader.Read())
                grounds.Add(new Identifier((IdentifierKind)reader.GetInt32(0), reader.GetString(1)));
        }

        return bench.Identification.Rules.AnyFits(link.Class, link.Rule, grounds);
    }

    private IEnumerable<IdentificationDifference> Unlinked(CancellationToken cancellationToken)
    {
        Decide(_before, cancellationToken);
        Decide(_after, cancellationToken);
        var after = string.Empty;
        while (true)
        {
            var chunk = Outcomes(_after, after);
            if (chunk.Count == 0)
                yield break;

            var former = Outcomes(_before, after).ToDictionary(o => o.DeviceId, StringComparer.Ordinal);
            after = chunk[^1].DeviceId;
            foreach (var outcome in chunk)
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (former.TryGetValue(outcome.DeviceId, out var was) && was.Kind == outcome.Kind && was.Records == outcome.Records)
                    continue;

                yield return new IdentificationDifference
                {
                    Job = _job.Name,
                    Kind = outcome.Kind switch { DecisionKind.Link => DifferenceKind.Link, DecisionKind.Create => DifferenceKind.Create, _ => DifferenceKind.Conflict },
                    DeviceId = outcome.DeviceId,
                    DeviceName = outcome.Name,
                    Class = outcome.Class,
                    OtherRecordId = outcome.Records.Length == 0 ? null : outcome.Records,
                    Rule = outcome.Rule,
                    Reason = outcome.Reason,
                };
            }
        }
    }

    /// <summary>Decides on the devices without a link and keeps the outcomes beside the other temporary tables.</summary>
    private static void Decide(IdentificationBench bench, CancellationToken cancellationToken)
    {
        bench.Session.Execute("CREATE TEMP TABLE outcomes (device_id TEXT PRIMARY KEY, kind INTEGER NOT NULL, records TEXT NOT NULL, rule TEXT, reason TEXT NOT NULL, name TEXT NOT NULL, class INTEGER NOT NULL) WITHOUT ROWID");
        var insert = bench.Session.Prepare("INSERT INTO temp.outcomes (device_id, kind, records, rule, reason, name, class) VALUES (@p0, @p1, @p2, @p3, @p4, @p5, @p6)");
        bench.DecideAll(
            (facts, decision) => insert.Set(0, facts.DeviceId).Set(1, (int)decision.Kind).Set(2, string.Join(", ", Fits(decision).Select(bench.Identification.Index.Describe)))
                .Set(3, decision.Rule).Set(4, decision.Reason).Set(5, facts.DisplayName).Set(6, (int)facts.Class).Execute(),
            null, cancellationToken);
    }

    private static List<Outcome> Outcomes(IdentificationBench bench, string after)
    {
        var result = new List<Outcome>(ChunkSize);
        using var reader = bench.Session.Prepare($"SELECT device_id, kind, records, rule, reason, name, class FROM temp.outcomes WHERE device_id > @p0 ORDER BY device_id LIMIT {ChunkSize}").Set(0, after).Read();
        while (reader.Read())
            result.Add(new Outcome(reader.GetString(0), (DecisionKind)reader.GetInt32(1), reader.GetString(2), reader.Text(3), reader.GetString(4), reader.GetString(5), (RecordClass)reader.GetInt32(6)));
        return result;
    }

    private IdentificationDifference Difference(DifferenceKind kind, DeviceFacts facts) =>
        new() { Job = _job.Name, Kind = kind, DeviceId = facts.DeviceId, DeviceName = facts.DisplayName, Class = facts.Class };

    /// <summary>The CIs that the deciding rule fits.</summary>
    private static IReadOnlyList<long> Fits(Decision decision) => decision.Kind == DecisionKind.Link ? [decision.Record] : decision.Candidates ?? [];

    private static List<long> Others(Decision decision, long own) => [.. Fits(decision).Where(r => r != own)];

    private readonly record struct LinkedDevice(long Id, long Record, RecordClass Class, string RecordId, string? Rule, string Source);

    private sealed record Outcome(string DeviceId, DecisionKind Kind, string Records, string? Rule, string Reason, string Name, RecordClass Class);
}
