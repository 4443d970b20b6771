using Microsoft.Data.Sqlite;

namespace AlloyScan.Benchmarks.Floor;

/// <summary>
/// The rows of a first sync in a SQLite file: CI, link, products, installations, run. Prepared statements, many devices
/// in a transaction, the journal mode of the engine. Identifiers, kept values, change journal and triggers are what an
/// engine needs and this has not.
/// </summary>
internal sealed class FloorStore : IDisposable
{
    private const int DevicesInTransaction = 500;

    private const string Schema = """
        CREATE TABLE IF NOT EXISTS records (
            id INTEGER PRIMARY KEY, class INTEGER NOT NULL, number INTEGER NOT NULL, name TEXT, type TEXT, dns_name TEXT, serial_number TEXT, asset_tag TEXT,
            mac_address TEXT, ip_address TEXT, manufacturer TEXT, model TEXT, bios_uuid TEXT, os_platform TEXT, os_name TEXT, os_version TEXT, cpu TEXT,
            memory_bytes INTEGER, user_name TEXT, status TEXT, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL);
        CREATE UNIQUE INDEX IF NOT EXISTS records_number ON records (class, number);
        CREATE TABLE IF NOT EXISTS links (
            id INTEGER PRIMARY KEY, device_id TEXT NOT NULL, record INTEGER NOT NULL, state INTEGER NOT NULL, audit_id TEXT, audited_at TEXT,
            last_seen TEXT, first_seen INTEGER NOT NULL, synced_at INTEGER NOT NULL);
        CREATE UNIQUE INDEX IF NOT EXISTS links_device ON links (device_id);
        CREATE TABLE IF NOT EXISTS products (id INTEGER PRIMARY KEY, key TEXT NOT NULL, name TEXT NOT NULL, version TEXT, publisher TEXT);
        CREATE UNIQUE INDEX IF NOT EXISTS products_key ON products (key);
        CREATE TABLE IF NOT EXISTS installations (
            record INTEGER NOT NULL, product INTEGER NOT NULL, install_date TEXT, install_key TEXT, serial_number TEXT, PRIMARY KEY (record, product)) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS runs (id INTEGER PRIMARY KEY, started_at INTEGER NOT NULL, ended_at INTEGER, created INTEGER NOT NULL, installations INTEGER NOT NULL);
        """;

    private readonly SqliteConnection _connection;
    private readonly SqliteCommand _record;
    private readonly SqliteCommand _link;
    private readonly SqliteCommand _product;
    private readonly SqliteCommand _installation;
    private readonly SqliteCommand _select;
    private readonly Dictionary<(string Name, string? Version, string? Publisher), long> _products = [];
    private readonly Dictionary<string, long> _productKeys = new(StringComparer.OrdinalIgnoreCase);
    private readonly long _now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
    private SqliteTransaction? _transaction;
    private int _inTransaction;
    private long _computers;
    private long _hardware;

    static FloorStore() => SQLitePCL.Batteries_V2.Init();

    public FloorStore(string path)
    {
        _connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        _connection.Open();
        Execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-32768; PRAGMA wal_autocheckpoint=4000;");
        Execute(Schema);
        _record = Prepare("INSERT INTO records VALUES (@p0, @p1, @p2, @p3, @p4, @p5, @p6, @p7, @p8, @p9, @p10, @p11, @p12, @p13, @p14, @p15, @p16, @p17, @p18, @p19, @p20, @p21)", 22);
        _link = Prepare("INSERT INTO links (device_id, record, state, audit_id, audited_at, last_seen, first_seen, synced_at) VALUES (@p0, @p1, @p2, @p3, @p4, @p5, @p6, @p7)", 8);
        _product = Prepare("INSERT INTO products VALUES (@p0, @p1, @p2, @p3, @p4)", 5);
        _installation = Prepare("INSERT OR IGNORE INTO installations VALUES (@p0, @p1, @p2, @p3, @p4)", 5);
        _select = Prepare(
            "SELECT r.name, r.dns_name, r.mac_address, r.ip_address, r.serial_number, r.asset_tag, r.type FROM links l JOIN records r ON r.id = l.record WHERE l.device_id = @p0", 1);
    }

    public long Installations { get; private set; }

    public long Records => _computers + _hardware;

    public void Add(FloorDevice device)
    {
        _transaction ??= Begin();
        var computer = device.HasSystem;
        var number = computer ? ++_computers : ++_hardware;
        var record = Records;
        Run(_record, record, computer ? 1 : 2, number, device.Name ?? device.DnsName ?? device.IpAddress ?? device.SerialNumber ?? device.Id, device.Type, device.DnsName,
            device.SerialNumber, device.AssetTag, device.MacAddress, device.IpAddress, device.Manufacturer, device.Model, device.BiosUuid, device.OsPlatform, device.OsName,
            device.OsVersion, device.Cpu, device.MemoryBytes, device.UserName, "Active", _now, _now);
        Run(_link, device.Id, record, 1, device.AuditId, device.AuditDate, device.LastSeen, _now, _now);
        foreach (var software in device.Software)
        {
            if (!string.IsNullOrWhiteSpace(software.Name))
                Installations += Run(_installation, record, ProductOf(software), software.InstallDate, software.InstallKey, software.SerialNumber);
        }

        if (++_inTransaction == DevicesInTransaction)
            Commit();
    }

    /// <summary>Whether the seven fields of a list row are those of the store.</summary>
    public bool IsSame(FloorDevice device)
    {
        _select.Parameters[0].Value = device.Id;
        using var row = _select.ExecuteReader();
        return row.Read()
            && Same(row, 0, device.Name ?? device.DnsName ?? device.IpAddress ?? device.SerialNumber ?? device.Id)
            && Same(row, 1, device.DnsName) && Same(row, 2, device.MacAddress) && Same(row, 3, device.IpAddress)
            && Same(row, 4, device.SerialNumber) && Same(row, 5, device.AssetTag) && Same(row, 6, device.Type);
    }

    public void WriteRun()
    {
        Commit();
        using var run = Prepare("INSERT INTO runs (started_at, ended_at, created, installations) VALUES (@p0, @p1, @p2, @p3)", 4);
        Run(run, _now, DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(), Records, Installations);
    }

    public void Dispose()
    {
        _record.Dispose();
        _link.Dispose();
        _product.Dispose();
        _installation.Dispose();
        _select.Dispose();
        _connection.Dispose();
    }

    private static bool Same(SqliteDataReader row, int column, string? value) =>
        row.IsDBNull(column) ? value is null : string.Equals(row.GetString(column), value, StringComparison.Ordinal);

    private static int Run(SqliteCommand command, params ReadOnlySpan<object?> values)
    {
        var parameters = command.Parameters;
        for (var i = 0; i < values.Length; i++)
            parameters[i].Value = values[i] ?? DBNull.Value;
        return command.ExecuteNonQuery();
    }

    private long ProductOf(in FloorSoftware software)
    {
        var exact = (software.Name!, software.Version, software.Publisher);
        if (_products.TryGetValue(exact, out var id))
            return id;

        var key = $"{software.Name!.Trim()}\u001F{software.Version?.Trim()}\u001F{software.Publisher?.Trim()}";
        if (!_productKeys.TryGetValue(key, out id))
        {
            id = _productKeys.Count + 1;
            Run(_product, id, key, software.Name, software.Version, software.Publisher);
            _productKeys.Add(key, id);
        }

        _products.Add(exact, id);
        return id;
    }

    private SqliteTransaction Begin()
    {
        var transaction = _connection.BeginTransaction();
        foreach (var command in (SqliteCommand[])[_record, _link, _product, _installation])
            command.Transaction = transaction;
        return transaction;
    }

    private void Commit()
    {
        _transaction?.Commit();
        _transaction?.Dispose();
        _transaction = null;
        _inTransaction = 0;
    }

    private SqliteCommand Prepare(string sql, int parameters)
    {
        var command = _connection.CreateCommand();
        command.CommandText = sql;
        for (var i = 0; i < parameters; i++)
            command.Parameters.Add(new SqliteParameter(FormattableString.Invariant($"@p{i}"), DBNull.Value));
        command.Prepare();
        return command;
    }

    private void Execute(string sql)
    {
        using var command = _connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
