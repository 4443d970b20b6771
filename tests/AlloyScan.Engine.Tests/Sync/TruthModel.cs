using AlloyScan.SampleSite;

namespace AlloyScan.Engine.Tests.Sync;

/// <summary>What must become of a device, and why.</summary>
internal enum TruthVerdict
{
    /// <summary>No rule fits: a CI of its own.</summary>
    Created,

    /// <summary>A rule fits one CI that is free for it.</summary>
    Linked,

    /// <summary>A rule fits several CIs.</summary>
    Several,

    /// <summary>A rule fits, but both have a good serial number and they differ.</summary>
    SerialsDiffer,

    /// <summary>A rule fits the CI of another device that is there as well.</summary>
    HolderLives,

    /// <summary>A rule that is not strong enough to move a CI fits that of a device that is gone or stale.</summary>
    HolderGone,

    /// <summary>A rule fits the CI of a device that is gone or stale, but that was still seen when this one was there already: two machines, or one with two rows.</summary>
    SeenBeside,
}

/// <summary>
/// The default identification rules over the truth of a sample fleet, in memory and on their own: what they allow, day by
/// day. It knows devices by index and reads nothing that the engine wrote.
/// </summary>
internal sealed class TruthModel(SampleFleet fleet)
{
    /// <summary>A value that more devices than this carry is junk.</summary>
    private const int MostCarriers = 3;

    /// <summary>A learned junk value is good again after this many runs at or under the limit.</summary>
    private const int GoodRuns = 3;

    private static readonly TimeSpan s_staleAfter = TimeSpan.FromDays(30);

    /// <summary>The placeholders of the generator that the shipped list has.</summary>
    private static readonly HashSet<string> s_junkSerials = ["", "TO BE FILLED BY O.E.M.", "DEFAULT STRING", "SYSTEM SERIAL NUMBER", "0", "123456789"];

    private static readonly HashSet<string> s_junkUuids =
        ["FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF", "00000000000000000000000000000000", "03000200040005000006000700080009"];

    private static readonly (SampleDeviceClass Class, bool Strong, Kind[] Kinds)[] s_rules =
    [
        (SampleDeviceClass.Computer, true, [Kind.Name, Kind.Serial]),
        (SampleDeviceClass.Computer, true, [Kind.Serial]),
        (SampleDeviceClass.Computer, false, [Kind.Mac, Kind.Name]),
        (SampleDeviceClass.Computer, true, [Kind.Uuid]),
        (SampleDeviceClass.Hardware, true, [Kind.Serial]),
        (SampleDeviceClass.Hardware, false, [Kind.Mac]),
    ];

    private readonly List<Item> _items = [];
    private readonly Dictionary<int, Item> _itemOf = [];
    private readonly Dictionary<int, HashSet<Value>> _lastFacts = [];
    private readonly Dictionary<Value, HashSet<Item>> _carriers = [];

    /// <summary>Devices that left the site as open questions.</summary>
    private readonly HashSet<int> _putAside = [];
    private readonly Dictionary<Value, int> _learned = [];
    private readonly Dictionary<int, (DateTime Since, HashSet<Value> Facts)> _inDoubt = [];

    private enum Kind
    {
        Name,
        Serial,
        Mac,
        WeakMac,
        Uuid,
    }

    /// <summary>Verdicts on the devices that were not linked before this day, by index.</summary>
    public Dictionary<int, TruthVerdict> Verdicts { get; } = [];

    /// <summary>Whether a device had a CI which another device of its machine holds now, and is no question since nobody sees it any more.</summary>
    public bool HasGivenUp(int index) => _itemOf.TryGetValue(index, out var item) && item.Holder != index && !Verdicts.ContainsKey(index);

    /// <summary>The CI of a device, as a number; devices with the same number share it, one after the other.</summary>
    public int? ItemOf(int index) => _itemOf.TryGetValue(index, out var item) ? item.Number : null;

    /// <summary>The device that holds a CI now.</summary>
    public int HolderOf(int item) => _items[item].Holder;

    /// <summary>One day's run.</summary>
    public void Run(int day, IReadOnlyList<SampleDevice> listed)
    {
        Verdicts.Clear();
        var present = listed.ToDictionary(d => d.Index);
        var newest = listed.Max(d => d.LastSeen);
        foreach (var item in _items)
        {
            item.HolderIsGone = !present.TryGetValue(item.Holder, out var holder);
            item.HolderIsStale = holder is not null && IsStale(holder);
            if (holder is null)
                continue;

            item.HolderSeen = holder.LastSeen;

            var facts = Facts(holder, day);
            var before = _lastFacts[holder.Index];
            foreach (var value in before.Except(facts))
                Take(item, value);
            foreach (var value in facts.Except(before))
                Give(item, value);
            _lastFacts[holder.Index] = facts;
        }

        var waiting = new SortedDictionary<string, (SampleDevice Device, HashSet<Value> Facts)>(StringComparer.Ordinal);
        var staged = new Dictionary<Value, int>();
        foreach (var device in listed.Where(d => !_itemOf.TryGetValue(d.Index, out var item) || item.Holder != d.Index))
        {
            // The former row of a machine whose CI has gone to a fresh one is no question as long as nobody sees it.
            if (_itemOf.ContainsKey(device.Index) && IsStale(device))
                continue;

            var facts = Facts(device, day);
            waiting.Add(device.Id.ToString(), (device, facts));
            foreach (var value in facts)
                staged[value] = staged.GetValueOrDefault(value) + 1;
        }

        LearnJunk(staged, present);

        // Fresh devices come before stale ones; each decision can be what another one rests on, so all are gone through until nothing is decided any more.
        foreach (var stale in (bool[])[false, true])
        {
            for (var decided = true; decided;)
            {
                decided = false;
                foreach (var (id, (device, facts)) in waiting.Where(w => IsStale(w.Value.Device) == stale).ToList())
                {
                    var (verdict, item) = Judge(device, facts, stale);
                    if (verdict is TruthVerdict.Created or TruthVerdict.Linked)
                    {
                        Decide(device, facts, item ?? NewItem(device));
                        Verdicts[device.Index] = verdict;
                        waiting.Remove(id);
                        decided = true;
                    }
                }
            }
        }

        foreach (var (device, facts) in waiting.Values)
        {
            Verdicts[device.Index] = Judge(device, facts, IsStale(device)).Verdict;
            _inDoubt[device.Index] = (_inDoubt.TryGetValue(device.Index, out var known) ? known.Since : device.LastSeen, facts);
        }

        bool IsStale(SampleDevice device) => newest - device.LastSeen >= s_staleAfter;
    }

    private void Decide(SampleDevice device, HashSet<Value> facts, Item item)
    {
        // What only the former device carried goes with it.
        foreach (var value in _lastFacts.GetValueOrDefault(item.Holder, []).Except(facts))
            Take(item, value);
        foreach (var value in facts)
            Give(item, value);
        (item.Holder, item.HolderIsGone, item.HolderIsStale, item.HolderSeen) = (device.Index, false, false, device.LastSeen);
        _itemOf[device.Index] = item;
        _lastFacts[device.Index] = facts;
        _inDoubt.Remove(device.Index);
    }

    private (TruthVerdict Verdict, Item? Item) Judge(SampleDevice device, HashSet<Value> facts, bool stale)
    {
        foreach (var (recordClass, strong, kinds) in s_rules)
        {
            if (recordClass != device.Class)
                continue;

            HashSet<Item>? candidates = null;
            foreach (var kind in kinds)
            {
                var found = facts
                    .Where(v => (v.Kind == kind || (v.Kind == Kind.WeakMac && kind == Kind.Mac && kinds.Length > 1)) && !_learned.ContainsKey(v))
                    .SelectMany(v => _carriers.TryGetValue(v, out var items) ? items : [])
                    .Where(i => i.Class == device.Class)
                    .ToHashSet();
                candidates = candidates is null ? found : [.. candidates.Intersect(found)];
            }

            if (candidates!.Count == 0)
                continue;

            if (candidates.Count > 1)
                return (TruthVerdict.Several, null);

            var item = candidates.Single();
            if (GoodSerial(facts) is { } serial && GoodSerial(_lastFacts[item.Holder]) is { } other && serial != other)
                return (TruthVerdict.SerialsDiffer, null);

            if (!item.HolderIsGone && !item.HolderIsStale)
                return (TruthVerdict.HolderLives, null);

            if (!strong || (item.HolderIsStale && stale))
                return (TruthVerdict.HolderGone, null);

            return _inDoubt.TryGetValue(device.Index, out var doubt) && item.HolderSeen > doubt.Since ? (TruthVerdict.SeenBeside, null) : (TruthVerdict.Linked, item);
        }

        return (TruthVerdict.Created, null);

        string? GoodSerial(HashSet<Value> values) => values.FirstOrDefault(v => v.Kind == Kind.Serial && !_learned.ContainsKey(v)).Text;
    }

    /// <summary>Whether the rules could have known that two devices are one machine: some rule's values are alike, good, and not carried by many.</summary>
    public bool CouldKnow(SampleDevice one, SampleDevice other, int day)
    {
        var (first, second) = (Facts(one, day), Facts(other, day));
        var shared = first.Intersect(second).Where(v => !_learned.ContainsKey(v)).Select(v => v.Kind).ToHashSet();
        return s_rules.Any(rule => rule.Class == one.Class && rule.Kinds.All(k => shared.Contains(k) || (k == Kind.Mac && rule.Kinds.Length > 1 && shared.Contains(Kind.WeakMac))));
    }

    private void LearnJunk(Dictionary<Value, int> staged, Dictionary<int, SampleDevice> present)
    {
        var counts = new Dictionary<Value, int>(staged);
        foreach (var (value, items) in _carriers)
        {
            if (items.Count(i => present.ContainsKey(i.Holder)) is var live and > 0)
                counts[value] = counts.GetValueOrDefault(value) + live;
        }

        // Open questions about devices that have gone count once more, and are put aside after that until the device is back.
        foreach (var (index, (_, facts)) in _inDoubt.Where(d => !present.ContainsKey(d.Key)))
        {
            if (!_putAside.Add(index))
                continue;

            foreach (var value in facts)
                counts[value] = counts.GetValueOrDefault(value) + 1;
        }

        _putAside.ExceptWith(present.Keys);

        foreach (var (value, _) in counts.Where(c => c.Key.Kind != Kind.Name && c.Value > MostCarriers))
            _learned[value] = 0;
        foreach (var value in _learned.Keys.Where(v => counts.GetValueOrDefault(v) <= MostCarriers).ToList())
        {
            if (++_learned[value] >= GoodRuns)
                _learned.Remove(value);
        }
    }

    private Item NewItem(SampleDevice device)
    {
        var item = new Item { Number = _items.Count, Class = device.Class, Holder = device.Index };
        _items.Add(item);
        return item;
    }

    private void Give(Item item, Value value)
    {
        if (!_carriers.TryGetValue(value, out var items))
            _carriers.Add(value, items = []);
        items.Add(item);
    }

    private void Take(Item item, Value value)
    {
        if (_carriers.TryGetValue(value, out var items) && items.Remove(item) && items.Count == 0)
            _carriers.Remove(value);
    }

    /// <summary>What a device carries, as rules compare it, without what is on the shipped list.</summary>
    private HashSet<Value> Facts(SampleDevice device, int day)
    {
        var values = new HashSet<Value> { new(Kind.Name, (device.Name ?? device.DnsName!.Split('.')[0]).ToUpperInvariant()) };
        var serial = device.SerialNumber.ToUpperInvariant();
        if (!s_junkSerials.Contains(serial))
            values.Add(new Value(Kind.Serial, serial));
        if (device.BiosUuid is { } text && text.Replace("-", "", StringComparison.Ordinal).ToUpperInvariant() is var uuid && !s_junkUuids.Contains(uuid))
            values.Add(new Value(Kind.Uuid, string.CompareOrdinal(uuid, Turn(uuid)) < 0 ? uuid : Turn(uuid)));
        var listed = Digits(device.MacAddress);
        foreach (var adapter in fleet.Adapters(device.Index, day))
        {
            // Names that give a dock away, as the generator has them.
            var weak = adapter.IsVirtual || adapter.Name.Contains("USB", StringComparison.Ordinal) || adapter.Name.Contains("Bluetooth", StringComparison.Ordinal);
            var mac = Digits(adapter.MacAddress);
            values.Add(new Value(weak ? Kind.WeakMac : Kind.Mac, mac));
            if (mac == listed)
                listed = null;
        }

        if (listed is not null)
            values.Add(new Value(Kind.Mac, listed));
        return values;
    }

    private static string Digits(string mac) => mac.Replace(":", "", StringComparison.Ordinal).Replace("-", "", StringComparison.Ordinal).ToUpperInvariant();

    private static string Turn(string uuid)
    {
        return Back(uuid[..8]) + Back(uuid[8..12]) + Back(uuid[12..16]) + uuid[16..];

        static string Back(string group) => string.Concat(Enumerable.Range(0, group.Length / 2).Reverse().Select(i => group.Substring(i * 2, 2)));
    }

    private readonly record struct Value(Kind Kind, string Text);

    private sealed class Item
    {
        public required int Number { get; init; }

        public required SampleDeviceClass Class { get; init; }

        public int Holder { get; set; }

        public bool HolderIsGone { get; set; }

        public bool HolderIsStale { get; set; }

        public DateTime HolderSeen { get; set; }
    }
}
