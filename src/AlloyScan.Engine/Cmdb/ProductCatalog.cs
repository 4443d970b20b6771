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

    /// <summary>The product is not in the catalog.</summary>
    public const long None = 0;

    private readonly StoreSession _session;
    private readonly long _targetId;
    private readonly Statement _find;
    private readonly Statement _insert;
    private readonly Dictionary<(string Name, string? Version, string? Publisher), long> _exact = [];
    private readonly Dictionary<long, int> _uses = [];
    private long _nextId;
    private bool _sweep;

    public ProductCatalog(StoreSession session, long targetId)
    {
        _session = session;
        _targetId = targetId;
        _find = session.Prepare("SELECT id FROM products WHERE target_id = @p0 AND key = @p1").Set(0, targetId);
        _insert = session.Prepare("INSERT INTO products (id, target_id, key, name, version, publisher) VALUES (@p0, @p1, @p2, @p3, @p4, @p5)").Set(1, targetId);
    }

    /// <summary>Products added in this batch.</summary>
    public int Added { get; private set; }

    /// <summary>Forgets what was learned; for the start of a run and after a batch that was taken back.</summary>
    public void Reset()
    {
        _exact.Clear();
        _uses.Clear();
        _nextId = 0;
        _sweep = false;
        Added = 0;
    }

    /// <summary>The product's number; <see cref="None"/> for one that is not there, -1 for a blank name.</summary>
    public long Find(in InstalledSoftware software, bool add)
    {
        if (software.Name is null)
            return -1;

        var exact = (software.Name, software.Version, software.Publisher);
        if (_exact.TryGetValue(exact, out var id))
            return id;

        var name = Identifiers.Collapse(software.Name);
        if (name is null)
            return -1;

        var version = Identifiers.Collapse(software.Version);
        var publisher = Identifiers.Collapse(software.Publisher);
        var key = Key(name, version, publisher);
        id = _find.Set(1, key).Number() ?? None;
        if (id == None)
        {
            if (!add)
                return None;

            if (_nextId == 0)
                _nextId = (_session.Prepare("SELECT max(id) FROM products").Number() ?? 0) + 1;
            id = _nextId++;
            _insert.Set(0, id).Set(2, key).Set(3, software.Name.Trim()).Set(4, Clean(software.Version)).Set(5, Clean(software.Publisher)).Execute();
            Added++;
        }

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
        var update = _session.Prepare("UPDATE products SET uses = uses + @p1 WHERE id = @p0");
        var delete = _session.Prepare("DELETE FROM products WHERE id = @p0 AND uses <= 0");
        foreach (var (product, change) in _uses)
        {
            if (change == 0)
                continue;

            update.Set(0, product).Set(1, change).Execute();
            if (change < 0 && delete.Set(0, product).Execute() > 0)
                removed++;
        }

        if (_sweep)
            removed += _session.Prepare("DELETE FROM products WHERE target_id = @p0 AND uses <= 0").Set(0, _targetId).Execute();
        _sweep = false;
        _uses.Clear();
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
