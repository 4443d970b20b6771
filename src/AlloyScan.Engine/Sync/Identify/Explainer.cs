using AlloyScan.Engine.Cmdb;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Site;
using AlloyScan.Engine.Store;
using AlloyScan.Engine.Sync.Map;

namespace AlloyScan.Engine.Sync.Identify;

/// <summary>Says of one device, rule by rule, what the next run does with it and why.</summary>
internal sealed class Explainer : IDisposable
{
    /// <summary>CIs that one rule looked at and that are told of one by one.</summary>
    private const int MostTold = 10;

    private readonly IdentificationBench _bench;
    private readonly StoreSession _session;
    private readonly RunContext _context;

    public Explainer(AlloyStore store, SyncJob job)
    {
        _bench = new IdentificationBench(store, job);
        _session = _bench.Session;
        _context = _bench.Context;
    }

    /// <summary>Explains a device.</summary>
    /// <param name="device">Its ID, or the name of a device that the store knows.</param>
    /// <param name="source">Gives the site, for a device that the store does not know.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="AlloyScanException">There is no such device (<c>DeviceNotFound</c>), or several have that name (<c>DeviceAmbiguous</c>).</exception>
    public async Task<IReadOnlyList<IdentificationStep>> ExplainAsync(string device, Func<IInventorySource> source, CancellationToken cancellationToken)
    {
        var id = Resolve(device);
        var (first, decides, link, facts) = FromStore(id);
        if (facts is null)
        {
            var (site, recordClass) = await ReadAsync(id, source(), cancellationToken).ConfigureAwait(false);
            facts = site;
            if (recordClass is null)
                return [Step(facts, 0, IdentificationRule.EqualId) with { Result = StepResult.LeftAlone, Decides = true, Reason = "The device is a cloud resource, which is no CI" }];
        }

        DecisionTrace? trace;
        if (decides)
        {
            _bench.Judge();
            _bench.DecideWithoutLink(facts, link, trace = new DecisionTrace());
        }
        else
        {
            _bench.StageAround(facts, cancellationToken);
            trace = _bench.DecideAll((_, _) => { }, id, cancellationToken);
        }

        return [(first ?? Step(facts, 0, IdentificationRule.EqualId) with { Result = StepResult.PassedOver, Reason = "The device has no link" }) with
        {
            DeviceId = id, DeviceName = facts.DisplayName, Class = facts.Class, Rule = IdentificationRule.EqualId, Job = _context.Job.Name, Decides = decides,
        }, .. Steps(facts, trace ?? new DecisionTrace(), decides)];
    }

    public void Dispose() => _bench.Dispose();

    /// <summary>The ID of a device that the store knows by this ID or this name; else what was given, for the site to know.</summary>
    private string Resolve(string device)
    {
        var ids = new SortedSet<string>(StringComparer.Ordinal);
        using (var known = _session.Prepare("""
            SELECT device_id FROM links WHERE target_id = @p0 AND site_id = @p1 AND device_id = @p2
            UNION SELECT device_id FROM conflicts WHERE target_id = @p0 AND site_id = @p1 AND device_id = @p2
            UNION SELECT device_id FROM waiting_devices WHERE target_id = @p0 AND site_id = @p1 AND device_id = @p2
            """).Set(0, _context.TargetId).Set(1, _context.SiteId).Set(2, device).Read())
        {
            if (known.Read())
                return device;
        }

        using (var named = _session.Prepare("""
            SELECT l.device_id FROM records r JOIN links l ON l.record = r.id AND l.target_id = @p0 AND l.site_id = @p1 AND l.state IN (1, 2) WHERE lower(r.name) = lower(@p2)
            UNION SELECT device_id FROM conflicts WHERE target_id = @p0 AND site_id = @p1 AND lower(device_name) = lower(@p2)
            """).Set(0, _context.TargetId).Set(1, _context.SiteId).Set(2, device).Read())
        {
            while (named.Read())
                ids.Add(named.GetString(0));
        }

        return ids.Count switch
        {
            0 => device,
            1 => ids.Min!,
            _ => throw new AlloyScanException(
                ErrorKind.InvalidArgument, "DeviceAmbiguous", $"{ids.Count} devices have the name '{device}'.", device, $"Give the ID of one: {string.Join(", ", ids.Take(10))}."),
        };
    }

    /// <summary>What the store says before any rule is tried.</summary>
    private (IdentificationStep? First, bool Decides, long Link, DeviceFacts? Facts) FromStore(string id)
    {
        DeviceFacts? kept = null;
        var blank = new IdentificationStep();
        using (var reader = _session.Prepare("""
            SELECT l.id, l.state, l.class, l.record_number, l.rule, l.closed_reason, l.first_seen, l.last_seen, v.source, r.status, r.id
            FROM links l LEFT JOIN link_values v ON v.link = l.id LEFT JOIN records r ON r.id = l.record WHERE l.target_id = @p0 AND l.site_id = @p1 AND l.device_id = @p2
            """).Set(0, _context.TargetId).Set(1, _context.SiteId).Set(2, id).Read())
        {
            if (reader.Read())
            {
                var state = (LinkState)reader.GetInt32(1);
                var recordId = RunContext.RecordId((RecordClass)reader.GetInt32(2), reader.GetInt64(3));
                if (reader.Text(8) is { } source)
                {
                    kept = DeviceFacts.FromJson(source);
                    kept.Class = (RecordClass)reader.GetInt32(2);
                }

                if (state is LinkState.Live or LinkState.Missing && !reader.IsDBNull(10))
                {
                    var since = Clock.Time(reader.GetInt64(6))!.Value.ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture);
                    var how = reader.Text(4) is { } rule ? $"by the rule '{rule}'" : "when its CI was made for it, or by a person";
                    var rest = RecordStatus.IsRetired(reader.Text(9)) ? "; the CI is retired" : state == LinkState.Missing ? "; the device is missing from the site" : string.Empty;
                    if (_session.Prepare("SELECT id FROM conflicts WHERE target_id = @p0 AND site_id = @p1 AND device_id = @p2 AND kind = 'RestsOnJunk' AND state = 'Open'")
                        .Set(0, _context.TargetId).Set(1, _context.SiteId).Set(2, id).Number() is { } conflict)
                        rest += FormattableString.Invariant($"; the link rests on junk (conflict {conflict})");
                    return (blank with { RecordId = recordId, Result = StepResult.Linked, Reason = $"Linked since {since}, {how}{rest}. What follows is what the rules alone would say" }, true, reader.GetInt64(0), kept);
                }

                if (state is LinkState.RecordDeleted or LinkState.Live or LinkState.Missing)
                    return (blank with { RecordId = recordId, Result = StepResult.Conflict, Reason = $"Its CI {recordId} was deleted from the CMDB, and a person has to say what becomes of it" }, true, reader.GetInt64(0), kept);
                if (reader.Text(5) == ClosedReason.DeletedInAlloyScan)
                    return (blank with { RecordId = recordId, Result = StepResult.Conflict, Reason = "The device was deleted in AlloyScan after its CI was retired; found again it is a conflict" }, true, reader.GetInt64(0), kept);
                if (_context.IsStale(reader.Number(7)) && reader.Text(5) == ClosedReason.TakenOver)
                    return (blank with { RecordId = recordId, Result = StepResult.LeftAlone, Reason = $"Its CI {recordId} went to another device of the machine, and this one has not been seen since" }, true, reader.GetInt64(0), kept);
            }
        }

        using (var reader = _session.Prepare("SELECT id, state, facts FROM conflicts WHERE target_id = @p0 AND site_id = @p1 AND device_id = @p2 AND kind = 'Unlinked'")
            .Set(0, _context.TargetId).Set(1, _context.SiteId).Set(2, id).Read())
        {
            if (reader.Read())
            {
                var facts = _bench.Read(reader.GetString(2));
                return reader.GetString(1) == "Ignored"
                    ? (blank with { Result = StepResult.LeftAlone, Reason = $"A person decided to leave the device alone (conflict {reader.GetInt64(0)})" }, true, 0, facts)
                    : (null, false, 0, reader.GetString(1) == "Open" ? facts : kept ?? facts);
            }
        }

        var waiting = _session.Prepare("SELECT facts FROM waiting_devices WHERE target_id = @p0 AND site_id = @p1 AND device_id = @p2").Set(0, _context.TargetId).Set(1, _context.SiteId).Set(2, id).Text();
        return (null, false, 0, waiting is null ? kept : _bench.Read(waiting));
    }

    private async Task<(DeviceFacts Facts, RecordClass? Class)> ReadAsync(string id, IInventorySource source, CancellationToken cancellationToken)
    {
        var device = await source.ReadDeviceAsync(id, cancellationToken).ConfigureAwait(false)
            ?? throw new AlloyScanException(
                ErrorKind.NotFound, "DeviceNotFound", $"Neither the store nor the site of the job '{_context.Job.Name}' has a device '{id}'.", id, "Find the device with Get-AlloyScanDevice -Search, and give its ID.");
        var meaning = _context.MeaningOf(device.Type);
        var snapshot = device.AuditId is null ? null : await source.ReadSnapshotAsync(device.AuditId, cancellationToken).ConfigureAwait(false);
        var facts = DeviceFacts.FromSite(device, device, snapshot, null, meaning);
        return (facts, meaning == DeviceTypes.Meaning.CloudResource ? null : facts.Class);
    }

    private IEnumerable<IdentificationStep> Steps(DeviceFacts facts, DecisionTrace trace, bool linked)
    {
        var rules = _bench.Identification.Rules.Of(facts.Class);
        var decided = false;
        for (var i = 0; i < rules.Count; i++)
        {
            var blank = Step(facts, i + 1, rules[i].Name);
            if (i >= trace.Rules.Count)
            {
                yield return blank with { Result = StepResult.NotTried, Reason = "A rule before it has decided" };
                continue;
            }

            decided |= trace.Rules[i].Fitted;
            foreach (var step in Steps(facts, trace, trace.Rules[i], blank, !linked))
                yield return step;
        }

        var last = Step(facts, rules.Count + 1, IdentificationRule.Default);
        yield return decided
            ? last with { Result = StepResult.NotTried, Reason = "A rule before it has decided" }
            : last with { Result = StepResult.Create, Decides = !linked, Reason = "No rule fitted: a new CI is made" };
    }

    private IEnumerable<IdentificationStep> Steps(DeviceFacts facts, DecisionTrace trace, TracedRule traced, IdentificationStep blank, bool decides)
    {
        var result = trace.Decision?.Kind == DecisionKind.Link ? StepResult.Link : StepResult.Conflict;
        if (traced.Candidates.Count == 0)
        {
            yield return blank with { Result = StepResult.PassedOver, Reason = WhyNothingToCompare(facts, trace, traced) };
            foreach (var hidden in OutOfScope(traced.Rule, facts, trace))
                yield return blank with { RecordId = hidden.RecordId, Result = StepResult.PassedOver, Reason = hidden.Reason };
            yield break;
        }

        var told = 0;
        foreach (var candidate in traced.Candidates.OrderByDescending(c => c.Fits))
        {
            if (++told > MostTold)
            {
                yield return blank with { Result = traced.Fitted ? result : StepResult.PassedOver, Reason = $"And {traced.Candidates.Count - MostTold} more CIs that it looked at" };
                yield break;
            }

            var conditions = candidate.Conditions.ConvertAll(c => new ComparedCondition(c.Condition, c.DeviceValues, c.RecordValues, c.Held));
            yield return blank with
            {
                RecordId = candidate.RecordId,
                Result = candidate.Fits ? result : StepResult.PassedOver,
                Decides = candidate.Fits && decides,
                Reason = candidate.Fits ? traced.Outcome : WhyNot(candidate, conditions),
                Conditions = conditions,
            };
        }
    }

    private static string WhyNot(TracedCandidate candidate, List<ComparedCondition> conditions)
    {
        var failed = conditions.FindAll(c => !c.Held);
        return failed.Count == 0
            ? candidate.PassedOver ?? string.Empty
            : string.Join("; ", failed.Select(c => $"not '{c.Condition}': device {ComparedCondition.Words(c.DeviceValues)}, CI {ComparedCondition.Words(c.RecordValues)}"));
    }

    private static string WhyNothingToCompare(DeviceFacts facts, DecisionTrace trace, TracedRule traced)
    {
        var blank = traced.Rule.Conditions.Where(c => c.Operator == ComparisonOperator.Matches && !Counts(trace, c.Attribute, traced.Rule).Any()).ToList();
        if (blank.Count > 0)
            return string.Join("; ", blank.Select(c => WhyBlank(facts, trace, c.Attribute)));

        var carried = traced.Rule.Conditions.Where(c => c.IsPositive)
            .Select(c => (c.Attribute, Values: Counts(trace, c.Attribute, traced.Rule).Select(i => Identifiers.Display(i.Kind, i.Value)).ToList()))
            .Select(c => $"{c.Attribute} {ComparedCondition.Words(c.Values)}");
        return $"No CI in scope has {string.Join(" and ", carried)}";
    }

    /// <summary>What of the device counts for an attribute.</summary>
    private static IEnumerable<Identifier> Counts(DecisionTrace trace, IdentificationAttribute attribute, IdentificationRule rule) => trace.Identifiers
        .Where(i => i.Junk is null && CandidateIndex.AttributeOf(i.Identifier.Kind) == attribute && (i.Identifier.Kind != IdentifierKind.WeakMacAddress || rule.Conditions.Count > 1))
        .Select(i => i.Identifier);

    private static string WhyBlank(DeviceFacts facts, DecisionTrace trace, IdentificationAttribute attribute)
    {
        var reasons = new List<string>();
        foreach (var (identifier, junk) in trace.Identifiers)
        {
            if (CandidateIndex.AttributeOf(identifier.Kind) != attribute)
                continue;

            var value = Identifiers.Display(identifier.Kind, identifier.Value);
            reasons.Add(junk is null ? $"'{value}' never matches alone: virtual, shared or made up by software" : $"'{value}' is junk, {junk}");
        }

        var raw = Raw(facts, attribute);
        if (reasons.Count == 0 && !string.IsNullOrWhiteSpace(raw))
            reasons.Add(Identifiers.IsWellFormed((IdentifierKind)attribute, raw) ? $"'{raw}' is on the shipped list of junk" : $"'{raw}' is malformed");
        return reasons.Count == 0 ? $"The device has no {attribute}" : $"The device has no {attribute} that counts: {string.Join("; ", reasons.Take(4))}";
    }

    private static string? Raw(DeviceFacts facts, IdentificationAttribute attribute) => attribute switch
    {
        IdentificationAttribute.Name => facts.Values[SourceAttributes.IndexOf(SourceAttributes.Name)],
        IdentificationAttribute.SerialNumber => facts.Values[SourceAttributes.IndexOf(SourceAttributes.SerialNumber)],
        IdentificationAttribute.MacAddress => facts.Values[SourceAttributes.IndexOf(SourceAttributes.MacAddress)],
        IdentificationAttribute.BiosUuid => facts.Values[SourceAttributes.IndexOf(SourceAttributes.BiosUuid)],
        IdentificationAttribute.AssetTag => facts.Values[SourceAttributes.IndexOf(SourceAttributes.AssetTag)],
        _ => facts.AuditId,
    };

    /// <summary>CIs that carry what the rule compares, and that it does not see.</summary>
    private List<(string RecordId, string Reason)> OutOfScope(IdentificationRule rule, DeviceFacts facts, DecisionTrace trace)
    {
        HashSet<long>? common = null;
        foreach (var condition in rule.Conditions.Where(c => c.IsPositive))
        {
            var found = new HashSet<long>();
            foreach (var identifier in Counts(trace, condition.Attribute, rule))
            {
                using var reader = _session.Prepare("SELECT record FROM record_identifiers WHERE kind = @p0 AND value = @p1 LIMIT 64").Set(0, (int)identifier.Kind).Set(1, identifier.Value).Read();
                while (reader.Read())
                    found.Add(reader.GetInt64(0));
            }

            if (common is null)
                common = found;
            else
                common.IntersectWith(found);
        }

        var result = new List<(string, string)>();
        foreach (var record in (common ?? []).Order().Take(MostTold))
        {
            using var reader = _session.Prepare("""
                SELECT r.class, r.number, (SELECT s.name FROM links l JOIN sites s ON s.id = l.site_id WHERE l.record = r.id ORDER BY l.state LIMIT 1),
                    CASE WHEN EXISTS (SELECT 1 FROM links l WHERE l.record = r.id AND l.site_id IN (SELECT site_id FROM temp.scope_sites)) THEN 1 ELSE 0 END
                FROM records r WHERE r.id = @p0 AND r.target_id = @p1
                """).Set(0, record).Set(1, _context.TargetId).Read();
            if (!reader.Read())
                continue;

            var recordClass = (RecordClass)reader.GetInt32(0);
            var reason = recordClass != facts.Class ? $"Has it, but is {recordClass}, and the device is {facts.Class}"
                : reader.Text(2) is { } site && reader.GetInt32(3) == 0 ? $"Has it, but belongs to the site '{site}', which the job does not look at"
                : null;
            if (reason is not null)
                result.Add((RunContext.RecordId(recordClass, reader.GetInt64(1)), reason));
        }

        return result;
    }

    private IdentificationStep Step(DeviceFacts facts, int position, string rule) => new()
    {
        Job = _context.Job.Name,
        DeviceId = facts.DeviceId,
        DeviceName = facts.DisplayName,
        Class = facts.Class,
        Position = position,
        Rule = rule,
    };
}
