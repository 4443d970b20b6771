using System.Collections.Concurrent;
using System.Text.Json;

namespace AlloyScan.SampleSite;

/// <summary>
/// The state of a running site, to be looked at and changed while it runs: its day, what its list shows, its app
/// registration. Writes over the API are kept here too, for the touched items only.
/// </summary>
public sealed class SampleSiteState
{
    private readonly SampleSiteOptions _options;
    private readonly Lock _lock = new();
    private readonly ConcurrentDictionary<int, bool> _absent = new();
    private readonly ConcurrentDictionary<int, DeviceOverride> _overrides = new();
    private readonly ConcurrentDictionary<(int Product, int Release), string> _groups = new();
    private volatile bool _registrationDisabled;
    private volatile bool _registrationExpired;
    private volatile int _day;
    private double _listedShare = 1;
    private SiteList? _list;
    private long _version;

    internal SampleSiteState(SampleSiteOptions options, SampleFleet fleet, SampleSiteLog log)
    {
        (_options, Fleet, Log) = (options, fleet, log);
        Tokens = new TokenStore(options);
        Tags = new TagCatalog(fleet.Ids);
        _day = options.Day;
        _registrationDisabled = options.RegistrationDisabled;
        _registrationExpired = options.RegistrationExpired;
        Faults.Faults = options.Faults;
    }

    /// <summary>The devices, and the truth about them.</summary>
    public SampleFleet Fleet { get; }

    /// <summary>What the site was asked.</summary>
    public SampleSiteLog Log { get; }

    /// <summary>How the site misbehaves at present.</summary>
    public FaultPlan Faults { get; } = new();

    /// <summary>The day that the site shows.</summary>
    public int Day
    {
        get => _day;
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, SampleFleet.MaxDay);
            lock (_lock)
            {
                _day = value;
                _list = null;
            }
        }
    }

    /// <summary>
    /// Share of the devices that the list shows, 1 for all. A sick source: those left out of the list and its
    /// <c>total</c> still answer when asked for by ID. For devices that are really gone see <see cref="Hide"/>.
    /// </summary>
    public double ListedShare
    {
        get
        {
            lock (_lock)
                return _listedShare;
        }

        set
        {
            if (value is not (>= 0 and <= 1))
                throw new ArgumentOutOfRangeException(nameof(value), value, "A share is between 0 and 1.");

            lock (_lock)
            {
                _listedShare = value;
                _list = null;
            }
        }
    }

    /// <summary>The app registration is switched off: no new tokens, and 403 for calls with an old one.</summary>
    public bool RegistrationDisabled
    {
        get => _registrationDisabled;
        set => _registrationDisabled = value;
    }

    /// <summary>The app registration has expired: no new tokens; old ones go on until their own end.</summary>
    public bool RegistrationExpired
    {
        get => _registrationExpired;
        set => _registrationExpired = value;
    }

    /// <summary>How many devices the list shows now.</summary>
    public int Count => CurrentList.Count;

    /// <summary>Indexes of the devices that were deleted over the API.</summary>
    public IReadOnlyList<int> DeletedDevices => [.. _absent.Where(a => a.Value).Select(a => a.Key).Order()];

    /// <summary>Makes all tokens that were issued so far invalid.</summary>
    public void RevokeTokens() => Tokens.RevokeAll();

    /// <summary>Takes devices out of the site, as if they had been pruned: gone from the list, 404 by ID.</summary>
    public void Hide(IEnumerable<int> indexes)
    {
        ArgumentNullException.ThrowIfNull(indexes);
        lock (_lock)
        {
            foreach (var index in indexes)
                _absent.TryAdd(index, false);

            Changed();
        }
    }

    /// <summary>Brings all devices back that <see cref="Hide"/> took away, with the IDs that they had.</summary>
    public void ShowHidden()
    {
        lock (_lock)
        {
            foreach (var (index, deleted) in _absent)
            {
                if (!deleted)
                    _absent.TryRemove(index, out _);
            }

            Changed();
        }
    }

    internal TokenStore Tokens { get; }

    internal TagCatalog Tags { get; }

    /// <summary>Moves with each write, so that what is worked out over the whole fleet can be kept until then.</summary>
    internal long Version => Interlocked.Read(ref _version);

    /// <summary>What the list shows now. Built at the first request after a change.</summary>
    internal SiteList CurrentList
    {
        get
        {
            if (Volatile.Read(ref _list) is { } list)
                return list;

            lock (_lock)
            {
                if (_list is null)
                {
                    var day = _day;
                    var full = Fleet.Calendar.Day(day);
                    int[] absent = [.. _absent.Keys.Where(index => Fleet.Calendar.IsListed(index, day))];
                    if (absent.Length > 0)
                        full = full.Without(absent);

                    Volatile.Write(ref _list, new SiteList(day, full, (int)(full.Count * _listedShare)));
                }

                return _list;
            }
        }
    }

    internal bool IsPresent(int index) => Fleet.Calendar.IsListed(index, _day) && !_absent.ContainsKey(index);

    internal bool TryDelete(int index)
    {
        lock (_lock)
        {
            if (!IsPresent(index))
                return false;

            _absent[index] = true;
            _overrides.TryRemove(index, out _);
            Changed();
            return true;
        }
    }

    internal DeviceOverride? OverrideOf(int index) => !_overrides.IsEmpty && _overrides.TryGetValue(index, out var found) ? found : null;

    internal DeviceOverride Override(int index, Func<DeviceOverride, DeviceOverride> change)
    {
        lock (_lock)
        {
            var changed = change(_overrides.GetValueOrDefault(index) ?? DeviceOverride.None);
            _overrides[index] = changed;
            Interlocked.Increment(ref _version);
            return changed;
        }
    }

    internal string GroupOf(SoftwareProduct product, int release) =>
        !_groups.IsEmpty && (_groups.TryGetValue((product.Number, release), out var group) || _groups.TryGetValue((product.Number, -1), out group)) ? group : product.Group;

    internal void SetGroup(int product, int release, string group)
    {
        lock (_lock)
        {
            _groups[(product, release)] = group;
            if (release >= 0)
                return;

            // The group of a name holds for all its versions.
            foreach (var key in _groups.Keys.Where(k => k.Product == product && k.Release >= 0))
                _groups.TryRemove(key, out _);
        }
    }

    /// <summary>Tags of a device by number.</summary>
    internal IEnumerable<int> TagsOf(in DeviceState device)
    {
        if (OverrideOf(device.Index)?.Tags is { } tags)
            return tags;

        var bits = DeviceFacts.TagsOf(device);
        return Enumerable.Range(0, Names.Tags.Length).Where(number => (bits & (1u << number)) != 0);
    }

    private void Changed()
    {
        _list = null;
        Interlocked.Increment(ref _version);
    }
}

/// <summary>What the list shows: devices of a day, without those deleted or hidden.</summary>
internal sealed class SiteList(int day, FleetDay devices, int count)
{
    public int Day => day;

    public int Count => count;

    public int IndexAt(int position) => devices.IndexAt(position);

    /// <summary>The listed indexes from a place on; faster than asking for each place.</summary>
    public IEnumerable<int> From(int position)
    {
        if (position >= count)
            yield break;

        var index = devices.IndexAt(position);
        var gone = devices.Gone.BinarySearch(index);
        var gap = gone < 0 ? ~gone : gone;
        for (var left = count - position; left > 0; index++)
        {
            if (gap < devices.Gone.Length && devices.Gone[gap] == index)
            {
                gap++;
                continue;
            }

            left--;
            yield return index;
        }
    }
}

/// <summary>What was written to a device over the API.</summary>
internal sealed record DeviceOverride(bool HasAssetTag, string? AssetTag, IReadOnlyDictionary<string, JsonElement> Custom, IReadOnlyList<int>? Tags)
{
    public static readonly DeviceOverride None = new(false, null, new Dictionary<string, JsonElement>(), null);
}

/// <summary>A tag of the site.</summary>
internal sealed record SiteTag(int Number, Guid Id, string Name, string Color)
{
    public JsonEncodedText IdJson { get; } = JsonEncodedText.Encode(Id.ToString());

    public JsonEncodedText NameJson { get; } = DataFile.Encode(Name);
}

/// <summary>The tags of the site; names are unique, without regard to case.</summary>
internal sealed class TagCatalog
{
    private readonly FleetIds _ids;
    private readonly Lock _lock = new();
    private volatile SiteTag?[] _tags;

    public TagCatalog(FleetIds ids)
    {
        _ids = ids;
        _tags = [.. Names.Tags.Select((tag, number) => new SiteTag(number, ids.Encode(IdKind.Tag, number), tag.Name, tag.Color))];
    }

    public IEnumerable<SiteTag> All => _tags.OfType<SiteTag>();

    public SiteTag? Find(int number) => _tags is var tags && number >= 0 && number < tags.Length ? tags[number] : null;

    public SiteTag? Find(Guid id) => _ids.TryDecode(id, IdKind.Tag, out var number, out _) ? Find(number) : null;

    public SiteTag? Find(string nameOrId) => Guid.TryParse(nameOrId, out var id) && Find(id) is { } tag
        ? tag
        : All.FirstOrDefault(t => t.Name.Equals(nameOrId, StringComparison.OrdinalIgnoreCase));

    /// <summary>Adds a tag; null if the name is taken.</summary>
    public SiteTag? TryAdd(string name, string color)
    {
        lock (_lock)
        {
            if (All.Any(t => t.Name.Equals(name, StringComparison.OrdinalIgnoreCase)))
                return null;

            var tag = new SiteTag(_tags.Length, _ids.Encode(IdKind.Tag, _tags.Length), name, color);
            _tags = [.. _tags, tag];
            return tag;
        }
    }

    /// <summary>Changes a tag; null if the name is taken.</summary>
    public SiteTag? TryChange(SiteTag tag, string? name, string? color)
    {
        lock (_lock)
        {
            if (name is not null && All.Any(t => t.Number != tag.Number && t.Name.Equals(name, StringComparison.OrdinalIgnoreCase)))
                return null;

            SiteTag?[] tags = [.. _tags];
            var changed = new SiteTag(tag.Number, tag.Id, name ?? tag.Name, color ?? tag.Color);
            tags[tag.Number] = changed;
            _tags = tags;
            return changed;
        }
    }

    public void Remove(SiteTag tag)
    {
        lock (_lock)
        {
            SiteTag?[] tags = [.. _tags];
            tags[tag.Number] = null;
            _tags = tags;
        }
    }
}
