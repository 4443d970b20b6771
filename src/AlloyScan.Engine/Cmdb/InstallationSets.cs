using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Store;

namespace AlloyScan.Engine.Cmdb;

/// <summary>How the software of a computer differs from what the CMDB holds.</summary>
internal sealed class InstallationDifference
{
    /// <summary>Products that come; <see cref="ProductCatalog.None"/> for those that are not in the catalog until the difference is written.</summary>
    public List<(long Product, InstalledSoftware Software)> Added { get; } = [];

    public List<long> Removed { get; } = [];

    /// <summary>Of those that go, the ones of which no other version comes.</summary>
    public List<long> Lost { get; } = [];

    /// <summary>Same product, other date or keys: written, but no change that anybody counts.</summary>
    public List<(long Product, InstalledSoftware Software)> Touched { get; } = [];

    /// <summary>Distinct products after the change.</summary>
    public int Total { get; set; }

    /// <summary>Whether only what the computer has was looked at, and no list of its software.</summary>
    public bool IsNarrowing { get; init; }

    /// <summary>Rows without a name, which were left out.</summary>
    public int Nameless { get; set; }

    /// <summary>Hashes of the products that the choice of groups left out.</summary>
    public List<uint> LeftOut { get; } = [];

    public bool IsEmpty => Added.Count == 0 && Removed.Count == 0 && Touched.Count == 0;
}

/// <summary>Replaces the discovered installations of computers as sets.</summary>
internal sealed class InstallationSets
{
    private const int RowsAtOnce = 16;

    private readonly StoreSession _session;
    private readonly ProductCatalog _catalog;
    private readonly Statement _insert;
    private readonly Statement _insertMany;
    private readonly Statement _current;
    private readonly Statement _one;
    private readonly RowLoader? _loader;
    private readonly Dictionary<long, InstalledSoftware> _wanted = [];

    public InstallationSets(StoreSession session, ProductCatalog catalog)
    {
        _session = session;
        _catalog = catalog;
        _insert = session.Prepare("INSERT INTO installations (record, product, install_date, install_key, serial_number) VALUES (@p0, @p1, @p2, @p3, @p4)");
        var rows = Enumerable.Range(0, RowsAtOnce).Select(i => FormattableString.Invariant($"(@p{i * 5}, @p{(i * 5) + 1}, @p{(i * 5) + 2}, @p{(i * 5) + 3}, @p{(i * 5) + 4})"));
        _insertMany = session.Prepare($"INSERT INTO installations (record, product, install_date, install_key, serial_number) VALUES {string.Join(", ", rows)}");
        _one = session.Prepare("""
            SELECT p.name, p.version, p.publisher, p.software_group, i.install_date, i.install_key, i.serial_number
            FROM installations i JOIN products p ON p.id = i.product WHERE i.record = @p0 AND i.product = @p1
            """);
        _loader = session.NewLoader("installations", "record", "product", "install_date", "install_key", "serial_number");
        _current = session.Prepare("SELECT product, install_date, install_key, serial_number FROM installations WHERE record = @p0");
    }

    /// <summary>Compares a list of software with what a computer has.</summary>
    /// <param name="record">The computer; 0 for one that is yet to be created.</param>
    /// <param name="software">Its software; the same product twice counts once, the newest installation wins.</param>
    public InstallationDifference Compare(long record, IReadOnlyList<InstalledSoftware> software)
    {
        var difference = new InstallationDifference();
        _wanted.Clear();
        Dictionary<string, int>? unknown = null;
        _catalog.Foresee(software);
        for (var i = 0; i < software.Count; i++)
        {
            var item = software[i];
            var product = _catalog.Find(item, add: false);
            if (product < 0)
            {
                if (ProductCatalog.IsLeftOut(product, out var hash))
                    difference.LeftOut.Add(hash);
                else
                    difference.Nameless++;
                continue;
            }

            if (product == ProductCatalog.None)
            {
                unknown ??= new Dictionary<string, int>(StringComparer.Ordinal);
                if (unknown.TryAdd(ProductCatalog.KeyOf(item)!, difference.Added.Count))
                    difference.Added.Add((product, item));
                else if (unknown[ProductCatalog.KeyOf(item)!] is var at && IsNewer(item, difference.Added[at].Software))
                    difference.Added[at] = (product, item);
                continue;
            }

            if (!_wanted.TryAdd(product, item) && IsNewer(item, _wanted[product]))
                _wanted[product] = item;
        }

        difference.Total = _wanted.Count + difference.Added.Count;
        if (record != 0)
        {
            _loader?.Send();
            using var reader = _current.Set(0, record).Read();
            while (reader.Read())
            {
                var product = reader.GetInt64(0);
                if (!_wanted.Remove(product, out var item))
                    difference.Removed.Add(product);
                else if (!Same(reader.Text(1), item.InstallDate) || !Same(reader.Text(2), item.InstallKey) || !Same(reader.Text(3), item.SerialNumber))
                    difference.Touched.Add((product, item));
            }
        }

        foreach (var (product, item) in _wanted)
            difference.Added.Add((product, item));
        FindLost(difference);
        return difference;
    }

    /// <summary>Leaves what a computer would lose where it is.</summary>
    public static void KeepLost(InstallationDifference difference)
    {
        difference.Removed.RemoveAll(difference.Lost.Contains);
        difference.Total += difference.Lost.Count;
        difference.Lost.Clear();
    }

    /// <summary>Tells products that go from those of which another version comes, which are no loss.</summary>
    private void FindLost(InstallationDifference difference)
    {
        if (difference.Removed.Count == 0)
            return;

        var come = difference.Added.Select(a => Identifiers.Collapse(a.Software.Name)).ToHashSet(StringComparer.Ordinal);
        difference.Lost.AddRange(come.Count == 0
            ? difference.Removed
            : difference.Removed.Where(p => _session.Prepare("SELECT key FROM products WHERE id = @p0").Set(0, p).Text() is not { } key || !come.Contains(ProductCatalog.NameOf(key))));
    }

    /// <summary>
    /// What leaves a computer because the choice of groups was narrowed, by the products that it has. Nothing of the computer is read.
    /// </summary>
    /// <returns><see langword="null"/> when all its products are tracked.</returns>
    public InstallationDifference? Narrow(long record, SoftwareGroups groups)
    {
        var difference = new InstallationDifference { IsNarrowing = true };
        _loader?.Send();
        using var reader = _session.Prepare("SELECT i.product, p.key FROM installations i JOIN products p ON p.id = i.product WHERE i.record = @p0").Set(0, record).Read();
        while (reader.Read())
        {
            var key = ProductCatalog.NameAndVersion(reader.GetString(1));
            if (groups.IsTracked(key))
            {
                difference.Total++;
                continue;
            }

            difference.Removed.Add(reader.GetInt64(0));
            difference.LeftOut.Add(SoftwareGroups.Hash(key));
        }

        difference.Lost.AddRange(difference.Removed);
        return difference.Removed.Count > 0 ? difference : null;
    }

    /// <summary>Of two installations of one product the newer counts; of two as new the one whose keys come later, so that their order does not matter.</summary>
    private static bool IsNewer(in InstalledSoftware item, in InstalledSoftware other)
    {
        var order = string.CompareOrdinal(Clean(item.InstallDate), Clean(other.InstallDate));
        if (order == 0)
            order = string.CompareOrdinal(Clean(item.InstallKey), Clean(other.InstallKey));
        if (order == 0)
            order = string.CompareOrdinal(Clean(item.SerialNumber), Clean(other.SerialNumber));
        return order > 0;
    }

    /// <summary>Writes the installations of a CI that was just created, <see cref="Flush"/> at the latest.</summary>
    public void Put(long record, InstallationDifference difference)
    {
        if (_loader is null)
        {
            Apply(record, difference);
            return;
        }

        AddProducts(difference);
        foreach (var (product, software) in difference.Added)
        {
            _loader.Add(record).Add(product).Add(Clean(software.InstallDate)).Add(Clean(software.InstallKey)).Add(Clean(software.SerialNumber));
            _catalog.Count(product, 1);
        }
    }

    /// <summary>Writes what was gathered. Call before the commit.</summary>
    public void Flush() => _loader?.Send();

    /// <summary>Forgets what was gathered, after a batch that was taken back.</summary>
    public void Reset() => _loader?.Forget();

    /// <summary>Writes a difference.</summary>
    public void Apply(long record, InstallationDifference difference)
    {
        AddProducts(difference);
        var added = difference.Added;
        // Rows go in by key order, many to a statement: the table is kept in that order.
        added.Sort(static (a, b) => a.Product.CompareTo(b.Product));
        var row = 0;
        for (; row + RowsAtOnce <= added.Count; row += RowsAtOnce)
        {
            for (var i = 0; i < RowsAtOnce; i++)
                Bind(_insertMany, i * 5, record, added[row + i]);
            _insertMany.Post();
        }

        for (; row < added.Count; row++)
        {
            Bind(_insert, 0, record, added[row]);
            _insert.Post();
        }

        foreach (var (product, _) in added)
            _catalog.Count(product, 1);
        foreach (var product in difference.Removed)
        {
            _session.Prepare("DELETE FROM installations WHERE record = @p0 AND product = @p1").Set(0, record).Set(1, product).Post();
            _catalog.Count(product, -1);
        }

        foreach (var (product, item) in difference.Touched)
        {
            _session.Prepare("UPDATE installations SET install_date = @p2, install_key = @p3, serial_number = @p4 WHERE record = @p0 AND product = @p1")
                .Set(0, record).Set(1, product).Set(2, Clean(item.InstallDate)).Set(3, Clean(item.InstallKey)).Set(4, Clean(item.SerialNumber)).Post();
        }
    }

    /// <summary>Brings the products that are new into the catalog.</summary>
    private void AddProducts(InstallationDifference difference)
    {
        var added = difference.Added;
        for (var i = 0; i < added.Count; i++)
        {
            if (added[i].Product == ProductCatalog.None)
                added[i] = (_catalog.Find(added[i].Software, add: true), added[i].Software);
        }
    }

    /// <summary>One installation, spelt as in the catalog, and the software group of its product.</summary>
    public (InstalledSoftware Installation, string? Group) Get(long record, long product)
    {
        _loader?.Send();
        using var reader = _one.Set(0, record).Set(1, product).Read();
        return reader.Read()
            ? (new InstalledSoftware(reader.GetString(0), reader.Text(1), reader.Text(2), reader.Text(4), reader.Text(5), reader.Text(6)), reader.Text(3))
            : throw new InvalidOperationException($"The installation of product {product} is gone.");
    }

    private static void Bind(Statement statement, int from, long record, in (long Product, InstalledSoftware Software) row) =>
        statement.Set(from, record).Set(from + 1, row.Product).Set(from + 2, Clean(row.Software.InstallDate))
            .Set(from + 3, Clean(row.Software.InstallKey)).Set(from + 4, Clean(row.Software.SerialNumber));

    private static bool Same(string? stored, string? value) => string.Equals(stored, Clean(value), StringComparison.Ordinal);

    private static string? Clean(string? text) => string.IsNullOrWhiteSpace(text) ? null : text.Trim();
}
