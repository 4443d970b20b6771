using System.Text;

namespace AlloyScan.SampleSite;

/// <summary>Questions about the whole fleet. Their answers are kept until something changes.</summary>
internal sealed class FleetQueries(SampleSiteState state)
{
    private const int KeptAnswers = 4;

    private readonly Lock _lock = new();
    private readonly Queue<(object Key, int[] Answer)> _answers = new();
    private ((SiteList, long) Key, FleetUsage Answer)? _usage;
    private (SiteList Key, int[][] Answer)? _installations;

    /// <summary>Indexes of the listed devices that pass the filters.</summary>
    public int[] Find(SiteList list, string? type, string? tag, string? text)
    {
        var key = (list, state.Version, type, tag, text);
        lock (_lock)
        {
            foreach (var (known, answer) in _answers)
            {
                if (known.Equals(key))
                    return answer;
            }

            int[] found = [.. list.From(0).Where(Filter(list.Day, type, tag, text))];
            _answers.Enqueue((key, found));
            if (_answers.Count > KeptAnswers)
                _answers.Dequeue();

            return found;
        }
    }

    /// <summary>Devices by office and by tag.</summary>
    public FleetUsage Usage()
    {
        var list = state.CurrentList;
        var key = (list, state.Version);
        lock (_lock)
        {
            if (_usage is { } known && known.Key == key)
                return known.Answer;

            var usage = new FleetUsage();
            foreach (var index in list.From(0))
            {
                var device = state.Fleet.History.At(index, list.Day);
                usage.AddOffice(DeviceFacts.Office(device));
                foreach (var tag in state.TagsOf(device))
                    usage.AddTag(tag);
            }

            _usage = (key, usage);
            return usage;
        }
    }

    /// <summary>Installations by product and release.</summary>
    public int[][] Installations()
    {
        var list = state.CurrentList;
        lock (_lock)
        {
            if (_installations is { } known && known.Key == list)
                return known.Answer;

            var counts = state.Fleet.Catalog.Products.Select(p => new int[p.Versions.Length]).ToArray();
            foreach (var index in list.From(0))
            {
                state.Fleet.SoftwareLists.Visit(state.Fleet.History.At(index, list.Day), ref counts, static (in SoftwareEntry entry, ref int[][] all) =>
                {
                    if (entry.Oddity == 0)
                        all[entry.Product.Number][entry.Release]++;
                });
            }

            _installations = (list, counts);
            return counts;
        }
    }

    private Func<int, bool> Filter(int day, string? type, string? tag, string? text)
    {
        var tagNumber = tag is null ? -1 : state.Tags.Find(tag)?.Number ?? int.MaxValue;
        var pattern = text is null ? null : Encoding.UTF8.GetBytes(text.ToUpperInvariant());
        return index =>
        {
            var device = state.Fleet.History.At(index, day);
            return (type is null || type.Equals(DeviceFacts.TypeOf(device), StringComparison.OrdinalIgnoreCase))
                && (tag is null || state.TagsOf(device).Contains(tagNumber))
                && (pattern is null || Contains(device, pattern));
        };
    }

    /// <summary>Free text over name, DNS name, MAC address, IP address, serial number and asset tag, without regard to case.</summary>
    private bool Contains(in DeviceState device, byte[] pattern)
    {
        Span<byte> buffer = stackalloc byte[96];
        var facts = state.Fleet.Facts;
        return Has(facts.FormatName(device, buffer), pattern)
            || Has(DeviceFacts.FormatDnsName(device, buffer), pattern)
            || Has(DeviceFacts.FormatMac(facts.Machines.PrimaryMac(device.Machine, out _), buffer), pattern)
            || Has(DeviceFacts.FormatAddress(device, buffer), pattern)
            || Has(facts.Machines.FormatSerial(device.Machine, buffer, out _), pattern)
            || Has(state.OverrideOf(device.Index) is { HasAssetTag: true } written ? Encoding.UTF8.GetBytes(written.AssetTag ?? "") : DeviceFacts.FormatAssetTag(device, buffer), pattern);
    }

    private static bool Has(ReadOnlySpan<byte> value, byte[] pattern)
    {
        Span<byte> upper = stackalloc byte[value.Length];
        Ascii.ToUpper(value, upper, out var written);
        return upper[..written].IndexOf(pattern) >= 0;
    }
}

/// <summary>Counts of devices.</summary>
internal sealed class FleetUsage
{
    private readonly int[] _offices = new int[Names.Offices.Length];
    private readonly Dictionary<int, int> _tags = [];

    public int OfOffice(int office) => _offices[office];

    public int OfTag(int tag) => _tags.GetValueOrDefault(tag);

    public void AddOffice(int office) => _offices[office]++;

    public void AddTag(int tag) => _tags[tag] = OfTag(tag) + 1;
}
