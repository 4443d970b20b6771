using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Store;
using AlloyScan.Engine.Sync.Apply;
using AlloyScan.Engine.Sync.Map;

namespace AlloyScan.Engine.Sync.Identify;

/// <summary>
/// Identification outside a run, on what the store keeps: the devices that the next run decides on are staged as a run would
/// stage them, and the decisions are made by the same code, in the same order. Nothing is written but temporary tables.
/// </summary>
internal sealed class IdentificationBench : IDisposable
{
    // A run passes over these devices without a decision.
    private const string Undecided = """
        NOT EXISTS (SELECT 1 FROM links l WHERE l.target_id = @p0 AND l.site_id = @p1 AND l.device_id = k.device_id AND (l.state <> 3 OR l.closed_reason = 'DeletedInAlloyScan'))
        """;

    /// <summary>Devices whose decisions wait for all others, with what is kept of them.</summary>
    private const string Kept = $"""
        SELECT k.device_id, k.facts FROM (
            SELECT c.device_id, c.facts FROM conflicts c WHERE c.target_id = @p0 AND c.site_id = @p1 AND c.state = 'Open' AND c.kind = 'Unlinked'
            UNION ALL SELECT w.device_id, w.facts FROM waiting_devices w WHERE w.target_id = @p0 AND w.site_id = @p1
                AND NOT EXISTS (SELECT 1 FROM conflicts c WHERE c.target_id = w.target_id AND c.site_id = w.site_id AND c.device_id = w.device_id AND c.kind = 'Unlinked')) k
        WHERE k.device_id > @p2 AND {Undecided} ORDER BY k.device_id LIMIT 256
        """;

    /// <summary>Those of them that carry a value.</summary>
    private const string KeptWith = $"""
        SELECT k.device_id, k.facts FROM conflict_identifiers i JOIN conflicts k ON k.id = i.conflict AND k.target_id = @p0 AND k.site_id = @p1 AND k.state = 'Open' AND k.kind = 'Unlinked'
        WHERE i.kind = @p2 AND i.value = @p3 AND {Undecided}
        """;

    private readonly ChangeWriter _writer;

    /// <param name="store">The store.</param>
    /// <param name="job">The job whose next run is meant.</param>
    /// <param name="rules">Other rules than those of the store; <see langword="null"/> for those.</param>
    public IdentificationBench(AlloyStore store, SyncJob job, IReadOnlyList<IdentificationRule>? rules = null)
    {
        Session = store.NewSession();
        try
        {
            var checkedJob = SyncJobs.Check(Session, job);
            var site = Sites.Find(Session, checkedJob.SiteUrl, checkedJob.ClientId) ?? (-1, checkedJob.SiteUrl.Host);
            Session.BeginRead();
            Context = new RunContext(Session, checkedJob with { Site = site.Name }, site.Id, SyncMode.WhatIf, SilentObserver.Instance, store.TimeProvider);
            Staging = new Staging(Context, full: false);
            Identification = new Identification(Context, rules);
            _writer = new ChangeWriter(Context, Identification);
            Context.NoteSeen(Session.Prepare("""
                SELECT max(last_seen) FROM (
                    SELECT last_seen FROM links WHERE target_id = @p0 AND site_id = @p1 AND last_seen <= @p2
                    UNION ALL SELECT last_seen FROM conflicts WHERE target_id = @p0 AND site_id = @p1 AND last_seen <= @p2) s
                """).Set(0, Context.TargetId).Set(1, Context.SiteId).Set(2, store.TimeProvider.NowMilliseconds() + (long)TimeSpan.FromDays(1).TotalMilliseconds).Number());
        }
        catch
        {
            Session.Dispose();
            throw;
        }
    }

    public StoreSession Session { get; }

    public RunContext Context { get; }

    public Staging Staging { get; }

    public Identification Identification { get; }

    /// <summary>Facts of an earlier run, with the class that the device's type has now.</summary>
    public DeviceFacts Read(string json) => UnlinkedDevices.Kept(Context, json);

    /// <summary>Stages all devices that wait for a decision, and judges junk as a complete run would.</summary>
    public void StageAll(CancellationToken cancellationToken)
    {
        foreach (var facts in KeptDevices(cancellationToken))
            Stage(facts);
        Judge();
    }

    /// <summary>
    /// Stages a device and those that wait and could have a say in its decision: who shares a value with it, or with one
    /// of those, and so on. Judges junk as a complete run would.
    /// </summary>
    public void StageAround(DeviceFacts device, CancellationToken cancellationToken)
    {
        var rules = Identification.Rules;
        var staged = new HashSet<string>(StringComparer.Ordinal) { device.DeviceId };
        Stage(device);
        // Without a value that has to be the same, or with audits, which are not kept by value, anybody could have a say. So could who waits since a run that stopped.
        if (Staging.HasKept || rules.UsesAuditId || !rules.Of(device.Class).All(r => r.Conditions.Any(c => c.Operator == ComparisonOperator.Matches)))
        {
            foreach (var facts in KeptDevices(cancellationToken))
            {
                if (staged.Add(facts.DeviceId))
                    Stage(facts);
            }

            Judge();
            return;
        }

        var looked = new HashSet<Identifier>();
        var next = new Queue<DeviceFacts>([device]);
        while (next.TryDequeue(out var facts))
        {
            cancellationToken.ThrowIfCancellationRequested();
            foreach (var identifier in facts.Identifiers())
            {
                // What is junk joins nobody.
                if (!looked.Add(identifier) || (Identification.Junk.IsJunk(identifier) && !Identification.Junk.IsInDoubt(identifier)))
                    continue;

                foreach (var other in KeptDevicesWith(identifier))
                {
                    if (!staged.Add(other.DeviceId))
                        continue;

                    Stage(other);
                    next.Enqueue(other);
                }
            }
        }

        Judge();
    }

    /// <summary>Judges junk as a complete run would, with nothing staged. A rehearsal learns in memory only.</summary>
    public void Judge() => Identification.Junk.Judge(complete: true, _ => { });

    /// <summary>
    /// Decides on all staged devices as the next run would if nothing moved: fresh ones before stale ones, and again until
    /// nothing more is created or linked.
    /// </summary>
    /// <param name="decided">Takes each device with its decision, once.</param>
    /// <param name="traced">Device whose decision is traced; <see langword="null"/> for none.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>The trace of that device.</returns>
    public DecisionTrace? DecideAll(Action<DeviceFacts, Decision> decided, string? traced, CancellationToken cancellationToken)
    {
        DecisionTrace? trace = null;
        foreach (var last in new[] { false, true })
        {
            foreach (var stale in new[] { false, true })
            {
                while (Pass(stale, last) && !last)
                {
                }
            }
        }

        return trace;

        bool Pass(bool stale, bool writeConflicts)
        {
            var any = false;
            var after = string.Empty;
            while (Staging.NextWaiting(stale, after) is { Count: > 0 } chunk)
            {
                foreach (var facts in chunk)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    after = facts.DeviceId;
                    var own = facts.DeviceId == traced ? new DecisionTrace() : null;
                    var decision = Identification.Decide(facts, own);
                    trace = own ?? trace;
                    if (decision.Kind == DecisionKind.Conflict)
                    {
                        if (writeConflicts)
                            decided(facts, decision);
                        continue;
                    }

                    if (decision.Kind == DecisionKind.Link)
                        _writer.Link(facts, decision);
                    else
                        _writer.Create(facts, decision.Reason);
                    Staging.StopWaiting(facts.DeviceId);
                    if (stale)
                        Identification.NoteSettled(facts.DeviceId);
                    decided(facts, decision);
                    any = true;
                }
            }

            return any;
        }
    }

    /// <summary>What the rules alone say of a device, as if its link were not there.</summary>
    public Decision DecideWithoutLink(DeviceFacts facts, long link, DecisionTrace? trace = null)
    {
        Identification.Index.IgnoredLink = link;
        try
        {
            return Identification.Decide(facts, trace);
        }
        finally
        {
            Identification.Index.IgnoredLink = 0;
        }
    }

    public void Dispose() => Session.Dispose();

    private IEnumerable<DeviceFacts> KeptDevices(CancellationToken cancellationToken)
    {
        var after = string.Empty;
        while (true)
        {
            var chunk = new List<string>();
            using (var reader = Session.Prepare(Kept).Set(0, Context.TargetId).Set(1, Context.SiteId).Set(2, after).Read())
            {
                while (reader.Read())
                {
                    after = reader.GetString(0);
                    chunk.Add(reader.GetString(1));
                }
            }

            if (chunk.Count == 0)
                yield break;

            foreach (var json in chunk)
            {
                cancellationToken.ThrowIfCancellationRequested();
                yield return Read(json);
            }
        }
    }

    private List<DeviceFacts> KeptDevicesWith(Identifier identifier)
    {
        var result = new List<DeviceFacts>();
        using var reader = Session.Prepare(KeptWith).Set(0, Context.TargetId).Set(1, Context.SiteId).Set(2, (int)identifier.Kind).Set(3, identifier.Value).Read();
        while (reader.Read())
            result.Add(Read(reader.GetString(1)));
        return result;
    }

    private void Stage(DeviceFacts facts)
    {
        Staging.AddIdentifiers(facts.DeviceId, Identification.IdentifiersOf(facts));
        Staging.Wait(facts);
    }
}
