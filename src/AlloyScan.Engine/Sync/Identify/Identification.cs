using System.Globalization;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Store;
using AlloyScan.Engine.Sync.Map;

namespace AlloyScan.Engine.Sync.Identify;

/// <summary>Recognises unlinked devices as existing CIs by the rules of their class. Needs the staged list, see <see cref="Staging"/>.</summary>
internal sealed class Identification
{
    /// <summary>Candidates that are told of in a conflict.</summary>
    private const int MostCandidates = 64;

    /// <summary>Values that one question asks about.</summary>
    private const int ValuesAtOnce = 32;

    // Which value is looked up first: those that few CIs share.
    private static readonly IdentificationAttribute[] s_byRarity =
    [
        IdentificationAttribute.SerialNumber, IdentificationAttribute.BiosUuid, IdentificationAttribute.AuditId, IdentificationAttribute.MacAddress,
        IdentificationAttribute.AssetTag, IdentificationAttribute.Name,
    ];

    private readonly RunContext _context;
    private readonly StoreSession _session;
    private readonly RuleSet _rules;
    private readonly Statement?[] _listedWith = new Statement?[ValuesAtOnce];
    private readonly Dictionary<(string DeviceId, Identifier Value), bool> _foreseen = [];
    private readonly Dictionary<Identifier, string> _stagedSince = [];
    private readonly Statement _separated;
    private readonly bool _anySeparated;

    /// <param name="context">The run.</param>
    /// <param name="rules">Other rules than those of the store, to see what they would do.</param>
    public Identification(RunContext context, IEnumerable<IdentificationRule>? rules = null)
    {
        _context = context;
        _session = context.Session;
        _rules = new RuleSet(rules ?? IdentificationPolicy.Load(_session));
        Index = new CandidateIndex(context, _rules);
        Junk = new JunkValues(context, Index.WasEmpty);
        Index.IsJunk = Junk.IsKnownJunk;
        _session.Execute("CREATE TEMP TABLE settled_devices (device_id TEXT PRIMARY KEY) WITHOUT ROWID");
        _separated = _session.Prepare("SELECT record FROM separations WHERE target_id = @p0 AND site_id = @p1 AND device_id = @p2").Set(0, context.TargetId).Set(1, context.SiteId);
        _anySeparated = _session.Prepare("SELECT 1 FROM separations WHERE target_id = @p0 AND site_id = @p1 LIMIT 1").Set(0, context.TargetId).Set(1, context.SiteId).Number() is not null;
    }

    /// <summary>Where CIs are found.</summary>
    public CandidateIndex Index { get; }

    /// <summary>What counts as blank.</summary>
    public JunkValues Junk { get; }

    /// <summary>The rules that are tried.</summary>
    public RuleSet Rules => _rules;

    /// <summary>What a device carries, with its audit if a rule compares audits.</summary>
    public List<Identifier> IdentifiersOf(DeviceFacts facts)
    {
        var identifiers = facts.Identifiers();
        if (_rules.UsesAuditId && !string.IsNullOrWhiteSpace(facts.AuditId))
            identifiers.Add(new Identifier(IdentifierKind.AuditId, facts.AuditId.Trim().ToUpperInvariant()));
        return identifiers;
    }

    /// <summary>
    /// Whether a device can be created at once: no rule could fit it, because for none of them do all the identifiers that
    /// it compares stand on a CI or on another listed or staged device. Anything else waits until all devices of the run
    /// are staged, so that the order of reading does not matter.
    /// </summary>
    public bool IsAlone(DeviceFacts facts, List<Identifier> identifiers)
    {
        // A stale device comes after the fresh ones, so that of two devices of one machine the fresh one gets the CI.
        if (_context.IsStale(facts.LastSeen))
            return false;

        var shared = 0;
        var carried = 0;
        foreach (var identifier in identifiers)
        {
            if (Junk.IsSettled(identifier))
                continue;

            carried |= 1 << (int)identifier.Kind;
            if (Junk.IsInDoubt(identifier) || IsListedElsewhere(facts.DeviceId, identifier) || Index.Any(identifier))
                shared |= 1 << (int)identifier.Kind;
        }

        foreach (var rule in _rules.Of(facts.Class))
        {
            var could = true;
            foreach (var condition in rule.Conditions)
                could = could && CouldHold(condition, rule, shared, carried);
            if (could)
                return false;
        }

        return true;
    }

    /// <summary>Looks up together what <see cref="IsAlone"/> will ask of devices one by one. What is staged from now on is told to <see cref="NoteStaged"/>.</summary>
    public void Foresee(IEnumerable<DeviceFacts> devices)
    {
        _foreseen.Clear();
        _stagedSince.Clear();
        var asked = devices.Where(d => !_context.IsStale(d.LastSeen)).SelectMany(d => IdentifiersOf(d).Where(i => !Junk.IsSettled(i)).Select(i => (d.DeviceId, Value: i)));
        foreach (var some in asked.Chunk(ValuesAtOnce))
        {
            var listed = ListedElsewhere(some);
            for (var i = 0; i < some.Length; i++)
                _foreseen[some[i]] = (listed & (1L << i)) != 0;
        }
    }

    /// <summary>Says what was staged of a device.</summary>
    public void NoteStaged(string deviceId, IEnumerable<Identifier> identifiers)
    {
        if (_foreseen.Count == 0)
            return;

        foreach (var identifier in identifiers)
        {
            // No device has a blank ID: it stands for several.
            if (!_stagedSince.TryAdd(identifier, deviceId) && _stagedSince[identifier] != deviceId)
                _stagedSince[identifier] = string.Empty;
        }
    }

    /// <summary>
    /// Whether another listed or staged device carries a value. One that gave it up since it was looked up may count still: then the device waits
    /// for nothing, and is decided all the same.
    /// </summary>
    private bool IsListedElsewhere(string deviceId, Identifier identifier) => _foreseen.TryGetValue((deviceId, identifier), out var listed)
        ? listed || (_stagedSince.TryGetValue(identifier, out var other) && other != deviceId)
        : ListedElsewhere([(deviceId, identifier)]) != 0;

    /// <summary>Which of some values of devices other listed or staged devices carry, as bits by position: one question for all of them.</summary>
    private long ListedElsewhere((string DeviceId, Identifier Value)[] values)
    {
        var listed = _listedWith[values.Length - 1] ??= _session.Prepare("SELECT " + string.Join(" + ", Enumerable.Range(0, values.Length).Select(i => FormattableString.Invariant(
            $"CASE WHEN EXISTS (SELECT 1 FROM temp.staged_identifiers WHERE kind = @p{i * 3} AND value = @p{(i * 3) + 1} AND device_id <> @p{(i * 3) + 2}) THEN {1L << i} ELSE 0 END"))));
        for (var i = 0; i < values.Length; i++)
            listed.Set(i * 3, (int)values[i].Value.Kind).Set((i * 3) + 1, values[i].Value.Value).Set((i * 3) + 2, values[i].DeviceId);
        return listed.Number() ?? 0;
    }

    private static bool CouldHold(RuleCondition condition, IdentificationRule rule, int shared, int carried)
    {
        var bits = CandidateIndex.Bit(condition.Attribute);
        var weak = condition.Attribute == IdentificationAttribute.MacAddress ? 1 << (int)IdentifierKind.WeakMacAddress : 0;
        return condition.Operator switch
        {
            ComparisonOperator.Matches => (shared & (rule.Conditions.Count > 1 ? bits | weak : bits)) != 0,
            // A value that turns junk in this run has many carriers, so it is shared.
            ComparisonOperator.Equals => (shared & (bits | weak)) != 0 || (carried & (bits | weak)) == 0,
            _ => true,
        };
    }

    /// <summary>Decides on a device after all are staged.</summary>
    /// <param name="facts">The device.</param>
    /// <param name="trace">Takes how the decision came about.</param>
    public Decision Decide(DeviceFacts facts, DecisionTrace? trace = null)
    {
        var device = new Carried(IdentifiersOf(facts), Junk, trace);
        var separated = SeparatedFrom(facts.DeviceId);
        var decision = Decision.Create;
        foreach (var rule in _rules.Of(facts.Class))
        {
            var traced = trace is null ? null : new TracedRule(rule);
            if (traced is not null)
                trace!.Rules.Add(traced);
            var fits = Candidates(rule, facts.Class, device, separated, traced);
            if (fits.Count == 0)
                continue;

            decision = Judge(rule, fits, device, facts);
            if (traced is not null)
            {
                traced.Fitted = true;
                traced.Outcome = decision.Reason;
            }

            break;
        }

        if (trace is not null)
            trace.Decision = decision;
        return decision;
    }

    /// <summary>A stale device was decided on: it keeps what it got for the rest of this run.</summary>
    public void NoteSettled(string deviceId) => _session.Prepare("INSERT INTO temp.settled_devices (device_id) VALUES (@p0) ON CONFLICT DO NOTHING").Set(0, deviceId).Execute();

    private bool IsSettled(string deviceId) => _session.Prepare("SELECT 1 FROM temp.settled_devices WHERE device_id = @p0").Set(0, deviceId).Number() is not null;

    /// <summary>The CIs on which all conditions of a rule hold.</summary>
    private List<Fit> Candidates(IdentificationRule rule, RecordClass recordClass, Carried device, HashSet<long>? separated, TracedRule? traced)
    {
        var result = new List<Fit>();
        if (rule.Conditions.FirstOrDefault(c => c.Operator == ComparisonOperator.Matches && Usable(c, rule, device).Count == 0) is { } lacking)
        {
            if (traced is not null)
                traced.Outcome = $"The device has no {Words(lacking.Attribute)} that identifies it";
            return result;
        }

        var looked = new SortedSet<long>();
        var source = s_byRarity.Select(a => rule.Conditions.FirstOrDefault(c => c.Attribute == a && c.IsPositive && !device.IsBlank(a))).FirstOrDefault(c => c is not null);
        if (source is not null)
        {
            foreach (var identifier in Usable(source, rule, device))
                Index.Find(identifier, recordClass, looked);
        }
        else
        {
            // All that has to agree is blank on the device.
            Index.FindByBlanks(
                recordClass, Bits(rule, c => c.Operator == ComparisonOperator.Equals), Bits(rule, c => c.Operator == ComparisonOperator.DoesNotEqual && device.IsBlank(c.Attribute)), looked);
        }

        foreach (var record in looked)
        {
            var candidate = traced is null ? null : new TracedCandidate(record, Index.Describe(record));
            if (candidate is not null)
                traced!.Candidates.Add(candidate);
            if (separated?.Contains(record) == true)
            {
                if (candidate is not null)
                    candidate.PassedOver = "A person separated this device from this CI";
                continue;
            }

            if (Compare(rule, record, device, candidate) is { } fit)
                result.Add(fit);
            if (result.Count == MostCandidates)
                break;
        }

        if (traced is not null && result.Count == 0)
            traced.Outcome = looked.Count == 0 ? "No CI in scope comes into question" : "No CI fits all conditions";
        return result;
    }

    private Fit? Compare(IdentificationRule rule, long record, Carried device, TracedCandidate? candidate)
    {
        var all = true;
        var identified = false;
        var strong = false;
        var weakAddress = false;
        foreach (var condition in rule.Conditions)
        {
            var agrees = Agrees(condition, rule, record, device, out var shared);
            var held = condition.IsPositive ? agrees : !agrees;
            if (held && shared is { } identifier)
            {
                identified |= identifier.Kind != IdentifierKind.WeakMacAddress;
                weakAddress |= identifier.Kind == IdentifierKind.WeakMacAddress;
                strong |= identifier.Kind is IdentifierKind.SerialNumber or IdentifierKind.BiosUuid;
            }

            all &= held;
            candidate?.Conditions.Add(new TracedCondition(condition, Values(device.Of(condition.Attribute)), Values(GoodValuesOf(record, condition.Attribute)), held));
            if (!all && candidate is null)
                return null;
        }

        // A weak address supports what something else says, and says nothing alone.
        var fits = all && (!weakAddress || identified);
        if (candidate is not null)
        {
            candidate.Fits = fits;
            candidate.PassedOver = fits ? null : !all ? "A condition does not hold" : "A weak MAC address never matches alone";
        }

        return fits ? new Fit(record, strong) : null;
    }

    /// <summary>Whether device and CI agree on an attribute; for the negations, whether what must not agree does.</summary>
    private bool Agrees(RuleCondition condition, IdentificationRule rule, long record, Carried device, out Identifier? shared)
    {
        shared = null;
        foreach (var identifier in Usable(condition, rule, device))
        {
            if (Index.Has(record, identifier))
            {
                shared = identifier;
                return true;
            }
        }

        return condition.Operator is ComparisonOperator.Equals or ComparisonOperator.DoesNotEqual && device.IsBlank(condition.Attribute) && Index.IsBlank(record, condition.Attribute);
    }

    /// <summary>The values of the device that a condition compares. Weak addresses count only where they support something.</summary>
    private static List<Identifier> Usable(RuleCondition condition, IdentificationRule rule, Carried device) =>
        condition.Attribute != IdentificationAttribute.MacAddress || (condition.IsPositive && rule.Conditions.Count > 1)
            ? device.Of(condition.Attribute)
            : device.StrongAddresses;

    private Decision Judge(IdentificationRule rule, List<Fit> fits, Carried device, DeviceFacts facts)
    {
        var ordered = fits.ConvertAll(f => f.Record);
        var names = string.Join(", ", ordered.Take(5).Select(Index.Describe)) + (ordered.Count > 5 ? ", ..." : string.Empty);
        if (ordered.Count > 1)
        {
            var count = ordered.Count == MostCandidates ? $"{MostCandidates} or more" : ordered.Count.ToString(CultureInfo.InvariantCulture);
            return new Decision(DecisionKind.Conflict, $"{rule.Name}, but on {count} CIs: {names}", 0, ordered);
        }

        var record = ordered[0];
        if (rule.Action == RuleAction.Conflict)
            return new Decision(DecisionKind.Conflict, $"{rule.Name} on {names}", 0, ordered);

        if (Contradicts(record, device))
            return new Decision(DecisionKind.Conflict, $"{rule.Name} on {names}, but the serial numbers differ", 0, ordered);

        if (Index.IsRetired(record))
            return new Decision(DecisionKind.Conflict, $"{rule.Name} on {names}, which is retired", 0, ordered);

        if (Index.HolderOf(record) is not { } holder)
            return Link(rule, record, device, rule.Name, 0);

        var missing = holder.State == LinkState.Missing;
        var stale = !missing && holder.OtherSite is null && _context.IsStale(holder.LastSeen) && !IsSettled(holder.DeviceId);
        // Of two stale devices none is better, so the CI stays where it is.
        if (fits[0].IsStrong && holder.Link != 0 && (missing || (stale && !_context.IsStale(facts.LastSeen))))
        {
            var former = missing ? "gone" : "stale";
            // A machine that was installed afresh is not seen under its old ID any more. Two that were seen at the same time are clones, or
            // one machine with two rows, and that only a person can tell.
            return WasSeenBeside(facts.DeviceId, holder.LastSeen)
                ? new Decision(DecisionKind.Conflict, $"{rule.Name} on {names}, whose device {holder.DeviceId} is {former}, but was still seen when this one was there already", 0, ordered)
                : Link(rule, record, device, $"{rule.Name}; the CI's former device {holder.DeviceId} is {former}", holder.Link);
        }

        var state = missing ? "missing" : stale ? "stale" : "live";
        var site = holder.OtherSite is null ? string.Empty : $" of the site '{holder.OtherSite}'";
        return new Decision(DecisionKind.Conflict, $"{rule.Name} on {names}, which belongs to the {state} device {holder.DeviceId}{site}", 0, ordered);
    }

    /// <summary>Whether the holder of a CI was seen after a device had come onto the conflict list.</summary>
    private bool WasSeenBeside(string deviceId, long? holderSeen) =>
        _session.Prepare("SELECT first_seen FROM conflicts WHERE target_id = @p0 AND site_id = @p1 AND device_id = @p2 AND state IN ('Open', 'Gone') AND kind = 'Unlinked'")
            .Set(0, _context.TargetId).Set(1, _context.SiteId).Set(2, deviceId).Number() is { } firstSeen && holderSeen > firstSeen;

    private Decision Link(IdentificationRule rule, long record, Carried device, string reason, long closeLink) => new(DecisionKind.Link, reason, record, null, closeLink)
    {
        Rule = rule.Name,
        Grounds = [.. device.Good.Where(i => Index.Has(record, i))],
    };

    /// <summary>Both have good serial numbers, and they differ.</summary>
    private bool Contradicts(long record, Carried device)
    {
        var own = device.Of(IdentificationAttribute.SerialNumber);
        return own.Count > 0 && !own.Any(s => Index.Has(record, s)) && GoodValuesOf(record, IdentificationAttribute.SerialNumber) is { Count: > 0 } others && !others.Intersect(own).Any();
    }

    private List<Identifier> GoodValuesOf(long record, IdentificationAttribute attribute)
    {
        var values = Index.ValuesOf(record, attribute);
        values.RemoveAll(Junk.IsJunk);
        return values;
    }

    private HashSet<long>? SeparatedFrom(string deviceId)
    {
        if (!_anySeparated)
            return null;

        var result = new HashSet<long>();
        using var reader = _separated.Set(2, deviceId).Read();
        while (reader.Read())
            result.Add(reader.GetInt64(0));
        return result;
    }

    private static int Bits(IdentificationRule rule, Func<RuleCondition, bool> which) => rule.Conditions.Where(which).Aggregate(0, (bits, c) => bits | CandidateIndex.Bit(c.Attribute));

    private static List<string> Values(IEnumerable<Identifier> identifiers) => [.. identifiers.Select(i => Identifiers.Display(i.Kind, i.Value)).Distinct()];

    /// <summary>An attribute in words.</summary>
    public static string Words(IdentificationAttribute attribute) => attribute switch
    {
        IdentificationAttribute.SerialNumber => "serial number",
        IdentificationAttribute.MacAddress => "MAC address",
        IdentificationAttribute.BiosUuid => "BIOS UUID",
        IdentificationAttribute.AssetTag => "asset tag",
        IdentificationAttribute.AuditId => "audit ID",
        _ => "name",
    };

    /// <summary>A CI that a rule fits, and whether by a serial number or UUID, which is enough to move it to another device.</summary>
    private readonly record struct Fit(long Record, bool IsStrong);

    /// <summary>The good identifiers of a device.</summary>
    private sealed class Carried
    {
        private readonly Dictionary<IdentificationAttribute, List<Identifier>> _values = [];

        public Carried(List<Identifier> identifiers, JunkValues junk, DecisionTrace? trace)
        {
            foreach (var identifier in identifiers)
            {
                var isJunk = junk.IsJunk(identifier, staged: true);
                trace?.Identifiers.Add(new TracedIdentifier(identifier, isJunk ? junk.Why(identifier) : null));
                if (isJunk)
                    continue;

                Good.Add(identifier);
                var attribute = CandidateIndex.AttributeOf(identifier.Kind);
                if (!_values.TryGetValue(attribute, out var values))
                    _values.Add(attribute, values = []);
                // Weak addresses after the others, so that a shared good one is found first.
                values.Add(identifier);
                if (identifier.Kind == IdentifierKind.MacAddress)
                    StrongAddresses.Add(identifier);
            }

            if (_values.TryGetValue(IdentificationAttribute.MacAddress, out var addresses))
                addresses.Sort((a, b) => a.Kind.CompareTo(b.Kind));
        }

        public List<Identifier> Good { get; } = [];

        public List<Identifier> StrongAddresses { get; } = [];

        public bool IsBlank(IdentificationAttribute attribute) => !_values.ContainsKey(attribute);

        public List<Identifier> Of(IdentificationAttribute attribute) => _values.TryGetValue(attribute, out var values) ? values : [];
    }
}
