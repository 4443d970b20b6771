using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Store;

namespace AlloyScan.Engine.Cmdb;

/// <summary>
/// The software products of a target. A product is name, version and publisher, compared without case and surplus
/// white space. Keeps what it has looked up, within a bound, since a fleet has the same few thousand products everywhere.
/// </summary>
internal sealed class ProductCatalog
{
    private const int MostCached = 200_000;
    private const int KeysAtOnce = 40;
    private const int CountsAtOnce = 32;

    /// <summary>The product is not in the catalog.</summary>
    public const long None = 0;

    /// <summary>No product at all: the name is blank.</summary>
    public const long Nameless = -1;

    private const long FirstLeftOut = -2;

    private readonly StoreSession _session;
    private readonly long _targetId;
    private readonly SoftwareGroups _groups;
    private readonly Statement _find;
    private readonly Statement _findMany;
    private readonly Statement?[] _count = new Statement?[CountsAtOnce];
    private readonly Statement _insert;
    private readonly Dictionary<(string Name, string? Version, string? Publisher), long> _exact = [];
    private readonly Dictionary<string, long> _looked = new(StringComparer.Ordinal);
    private readonly Dictionary<long, int> _uses = [];
    private long _nextId;
    private bool _sweep;

    /// <param name="session">The store.</param>
    /// <param name="targetId">The target.</param>
    /// <param name="groups">The software groups that are tracked; what they hold is asked when a product is first met.</param>
    public ProductCatalog(StoreSession session, long targetId, SoftwareGroups groups)
    {
        _groups = groups;
        _session = session;
        _targetId = targetId;
        _find = session.Prepare("SELECT id FROM products WHERE target_id = @p0 AND key = @p1").Set(0, targetId);
        // A question for each key, which no planner takes for a reason to read the whole catalog.
        _findMany = session.Prepare($"SELECT key, id FROM products WHERE id IN ({string.Join(", ", Enumerable.Range(1, KeysAtOnce).Select(i => FormattableString.Invariant($"(SELECT id FROM products WHERE target_id = @p0 AND key = @p{i})")))})").Set(0, targetId);
        _insert = session.Prepare("INSERT INTO products (id, target_id, key, name, version, publisher, software_group) VALUES (@p0, @p1, @p2, @p3, @p4, @p5, @p6)").Set(1, targetId);
    }

    /// <summary>Products added in this batch.</summary>
    public int Added { get; private set; }

    /// <summary>Forgets what was learned; for the start of a run and after a batch that was taken back.</summary>
    public void Reset()
    {
        _exact.Clear();
        _looked.Clear();
        _uses.Clear();
        _nextId = 0;
        _sweep = false;
        Added = 0;
    }

    /// <summary>The key without the publisher, as the site's catalog knows products.</summary>
    public static string NameAndVersion(string key) => key[..key.LastIndexOf('\u001F')];

    /// <summary>The name alone, in the form in which products are compared.</summary>
    public static string NameOf(string key) => key[..key.IndexOf('\u001F', StringComparison.Ordinal)];

    /// <summary>Whether a number from <see cref="Find"/> stands for a product that the choice of groups leaves out, and then its hash.</summary>
    public static bool IsLeftOut(long product, out uint hash)
    {
        hash = product <= FirstLeftOut ? (uint)(FirstLeftOut - product) : 0;
        return product <= FirstLeftOut;
    }

    /// <summary>Looks up together what <see cref="Find"/> will be asked of one by one.</summary>
    public void Foresee(IReadOnlyList<InstalledSoftware> software)
    {
        if (!_session.IsRemote)
            return;

        List<string>? keys = null;
        foreach (var item in software)
        {
            if (item.Name is not null && !_exact.ContainsKey((item.Name, item.Version, item.Publisher)) && KeyOf(item) is { } key && !_looked.ContainsKey(key) && (!_groups.IsFiltering || _groups.IsTracked(NameAndVersion(key))))
                (keys ??= []).Add(key);
        }

        // One is found as quickly by itself.
        if (keys is null or { Count: 1 })
            return;

        if (_looked.Count >= MostCached)
            _looked.Clear();
        foreach (var some in keys.Chunk(KeysAtOnce))
        {
            for (var i = 0; i < KeysAtOnce; i++)
            {
                _findMany.Set(i + 1, i < some.Length ? some[i] : null);
                if (i < some.Length)
                    _looked[some[i]] = None;
            }

            using var reader = _findMany.Read();
            while (reader.Read())
                _looked[reader.GetString(0)] = reader.GetInt64(1);
        }
    }

    /// <summary>The product's number; <see cref="None"/> for one that is not there, <see cref="Nameless"/> for a blank name; below that, one that is left out.</summary>
    public long Find(in InstalledSoftware software, bool add)
    {
        if (software.Name is null)
            return Nameless;

        var exact = (software.Name, software.Version, software.Publisher);
        if (_exact.TryGetValue(exact, out var id))
            return id;

        var name = Identifiers.Collapse(software.Name);
        if (name is null)
            return Nameless;

        var version = Identifiers.Collapse(software.Version);
        var publisher = Identifiers.Collapse(software.Publisher);
        var key = Key(name, version, publisher);
        string? group = null;
        if (_groups.IsFiltering)
        {
            var known = NameAndVersion(key);
            if (!_groups.IsTracked(known))
                return Remember(exact, FirstLeftOut - SoftwareGroups.Hash(known));
            group = _groups.GroupOf(known);
        }

        if (!_looked.TryGetValue(key, out id))
            _looked[key] = id = _find.Set(1, key).Number() ?? None;
        if (id == None)
        {
            if (!add)
                return None;

            if (_nextId == 0)
                _nextId = (_session.Prepare("SELECT max(id) FROM products").Number() ?? 0) + 1;
            id = _nextId++;
            _insert.Set(0, id).Set(2, key).Set(3, software.Name.Trim()).Set(4, Clean(software.Version)).Set(5, Clean(software.Publisher)).Set(6, group).Post();
            _looked[key] = id;
            Added++;
        }

        return Remember(exact, id);
    }

    private long Remember((string Name, string? Version, string? Publisher) exact, long id)
    {
        if (_exact.Count >= MostCached)
            _exact.Clear();
        _exact.Add(exact, id);
        return id;
    }

    /// <summary>What makes a product the same as another; <see langword="null"/> for a blank name.</summary>
    public static string? KeyOf(in InstalledSoftware software) =>
        Identifiers.Collapse(software.Name) is { } name ? Key(name, Identifiers.Collapse(software.Version), Identifiers.Collapse(software.Publisher)) : null;

    // The unit separator stands in no product's name: control characters have been collapsed.
    private static string Key(string name, string? version, string? publisher) => $"{name}\u001F{version}\u001F{publisher}";

    /// <summary>Counts an installation in or out; takes effect with <see cref="Flush"/>.</summary>
    public void Count(long product, int change)
    {
        ref var uses = ref System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(_uses, product, out _);
        uses += change;
    }

    /// <summary>Has <see cref="Flush"/> look for products that lost their last installation without us, with a CI that somebody removed.</summary>
    public void Sweep() => _sweep = true;

    /// <summary>Writes the counts of a batch and drops products that lost their last installation. Call before the commit.</summary>
    /// <returns>Products added and removed in the batch.</returns>
    public (int Added, int Removed) Flush()
    {
        var removed = 0;
        foreach (var some in _uses.Where(u => u.Value != 0).Chunk(CountsAtOnce))
        {
            var update = _count[some.Length - 1] ??= _session.Prepare(
                $"UPDATE products SET uses = uses + CASE id {string.Join(' ', Enumerable.Range(0, some.Length).Select(i => FormattableString.Invariant($"WHEN @p{i * 2} THEN @p{(i * 2) + 1}")))} END "
                + $"WHERE id IN ({string.Join(", ", Enumerable.Range(0, some.Length).Select(i => FormattableString.Invariant($"@p{i * 2}")))})");
            for (var i = 0; i < some.Length; i++)
                update.Set(i * 2, some[i].Key).Set((i * 2) + 1, some[i].Value);
            update.Post();
        }

        var delete = _session.Prepare("DELETE FROM products WHERE id = @p0 AND uses <= 0");
        foreach (var (product, change) in _uses)
        {
            if (change < 0 && delete.Set(0, product).Execute() > 0)
                removed++;
        }

        if (_sweep)
            removed += _session.Prepare("DELETE FROM products WHERE target_id = @p0 AND uses <= 0").Set(0, _targetId).Execute();
        _sweep = false;
        _uses.Clear();
        // Another transaction may find what this one did not.
        _looked.Clear();
        if (removed > 0)
            _exact.Clear();
        var added = Added;
        Added = 0;
        return (added, removed);
    }

    /// <summary>A product in words, for the journal.</summary>
    public static string Describe(in InstalledSoftware product) => product.Version is null ? product.Name ?? string.Empty : $"{product.Name} {product.Version}";

    private static string? Clean(string? text) => string.IsNullOrWhiteSpace(text) ? null : text.Trim();
}
