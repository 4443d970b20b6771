namespace AlloyScan.SampleSite;

/// <summary>The faults that a site has at present, and how often each has struck. Can be changed while the site runs.</summary>
public sealed class FaultPlan
{
    private static readonly Dictionary<string, string[]> s_presets = new(StringComparer.OrdinalIgnoreCase)
    {
        ["slow"] = ["Latency:amount=50"],
        ["throttled-seconds"] = ["TooManyRequests:after=3,times=2"],
        ["throttled-date"] = ["TooManyRequests:after=3,times=2,retry=Date"],
        ["throttled-silent"] = ["TooManyRequests:after=3,times=2,retry=None"],
        ["ceiling"] = ["Ceiling:amount=20"],
        ["shaky"] = ["ServerError:rate=0.05"],
        ["reset"] = ["Reset:after=2,rate=0.05"],
        ["truncated"] = ["Truncated:on=List,after=1,times=1", "Truncated:on=Snapshot,after=2,times=2"],
        ["html"] = ["Html:on=List,after=1,times=1"],
        ["empty"] = ["EmptyList:on=List"],
        ["empty-once"] = ["EmptyList:on=List,after=1,times=1"],
        ["short-pages"] = ["ShortPage:on=List,rate=0.5,amount=7"],
        ["collapsed-total"] = ["TotalCollapses:on=List,after=1"],
        ["shifting"] = ["Shift:on=List,after=1,times=2"],
        ["shifting-back"] = ["Shift:on=List,after=1,times=2,amount=-1"],
        ["duplicates"] = ["Duplicates:on=List"],
        ["revoked"] = ["TokensRevoked:on=Device,after=3,times=1", "TokensRevoked:on=Snapshot,after=20,times=1"],
        ["forbidden"] = ["Forbidden:on=List"],
        ["forbidden-details"] = ["Forbidden:on=Device,after=5,times=1"],
        ["drip"] = ["Drip:on=Snapshot,times=3,amount=20000"],
        ["redirect"] = ["Redirect:on=List"],
        ["wrong-types"] = ["WrongTypes:on=List,times=1"],
        ["bad-snapshot"] = ["Truncated:on=Snapshot,sticky=true"],
        ["large-page"] = ["Large:on=List"],
        ["nested"] = ["Nested:on=List,times=1"],
        ["echo"] = ["Echo:on=Device,after=5,times=2", "EchoPage:on=Snapshot,after=5,times=1", "EchoRedirect:on=Device,after=12,times=1", "Echo:on=Snapshot,after=9,times=1,amount=500"],
        ["echo-token"] = ["Echo:on=Token"],
        ["echo-list"] = ["EchoRedirect:on=List"],
    };

    private readonly Lock _lock = new();
    private Entry[] _entries = [];

    /// <summary>Names of the plans that come with the site.</summary>
    public static IReadOnlyCollection<string> Presets => s_presets.Keys;

    /// <summary>The faults. Setting them starts all counts anew.</summary>
    public IReadOnlyList<Fault> Faults
    {
        get => [.. Entries.Select(e => e.Fault)];
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            var entries = value.Select((fault, i) => new Entry(fault, new Random(i + 1))).ToArray();
            lock (_lock)
                _entries = entries;
        }
    }

    /// <summary>How often each fault has struck, in the order of <see cref="Faults"/>.</summary>
    public IReadOnlyList<int> Struck
    {
        get
        {
            lock (_lock)
                return [.. _entries.Select(e => e.Struck)];
        }
    }

    private Entry[] Entries
    {
        get
        {
            lock (_lock)
                return _entries;
        }
    }

    /// <summary>The faults of a plan that comes with the site.</summary>
    /// <param name="name">Its name, without regard to case.</param>
    /// <exception cref="FormatException">There is none of that name.</exception>
    public static IReadOnlyList<Fault> Preset(string name) => s_presets.TryGetValue(name, out var texts)
        ? [.. texts.Select(Fault.Parse)]
        : throw new FormatException($"There is no fault preset '{name}'; there are {string.Join(", ", s_presets.Keys)}.");

    /// <summary>Reads a plan: a fault or <c>preset NAME</c> a line; empty lines and those that start with # are left out.</summary>
    /// <param name="lines">The lines.</param>
    /// <exception cref="FormatException">A line is no fault; the message names it.</exception>
    public static IReadOnlyList<Fault> Read(IEnumerable<string> lines)
    {
        ArgumentNullException.ThrowIfNull(lines);
        const string preset = "preset ";
        var faults = new List<Fault>();
        foreach (var line in lines.Select(l => l.Trim()).Where(l => l.Length > 0 && l[0] != '#'))
        {
            if (line.StartsWith(preset, StringComparison.OrdinalIgnoreCase))
                faults.AddRange(Preset(line[preset.Length..].Trim()));
            else
                faults.Add(Fault.Parse(line));
        }

        return faults;
    }

    /// <summary>The faults that strike this call, each counted.</summary>
    internal IReadOnlyList<Fault> Strike(FaultTarget target, string path, TimeProvider clock)
    {
        if (Entries.Length == 0)
            return [];

        lock (_lock)
        {
            List<Fault>? striking = null;
            foreach (var entry in _entries)
            {
                if (entry.Strikes(target, path, clock))
                    (striking ??= []).Add(entry.Fault);
            }

            return striking ?? (IReadOnlyList<Fault>)[];
        }
    }

    private sealed class Entry(Fault fault, Random random)
    {
        private int _matched;
        private long _second = -1;
        private int _inSecond;
        private string? _path;

        public Fault Fault => fault;

        public int Struck { get; private set; }

        public bool Strikes(FaultTarget target, string path, TimeProvider clock)
        {
            if ((fault.On != FaultTarget.Any && fault.On != target) || ++_matched <= fault.After || Struck >= fault.Times)
                return false;
            if (fault.Kind == FaultKind.Ceiling)
            {
                var second = clock.GetUtcNow().ToUnixTimeSeconds();
                if (second != _second)
                    (_second, _inSecond) = (second, 0);
                if (++_inSecond <= (fault.Amount ?? 20))
                    return false;
            }

            if (fault.Sticky && (_path ??= path) != path)
                return false;
            if (fault.Rate < 1 && random.NextDouble() >= fault.Rate)
                return false;

            Struck++;
            return true;
        }
    }
}
