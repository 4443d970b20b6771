using AlloyScan.Engine.Credentials;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Store;
using AlloyScan.Engine.Sync;
using Microsoft.Data.Sqlite;

namespace AlloyScan.Engine.Tests.Sync;

/// <summary>A store in a temporary folder, a job on it and a site in memory.</summary>
internal sealed class SyncFixture : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("alloyscan-test-").FullName;

    public SyncFixture(Func<SyncJob, SyncJob>? change = null, TimeProvider? clock = null)
    {
        Store = AlloyStore.Open(StoreLocation.Resolve(Path.Combine(_folder, "store.db")), clock);
        var job = new SyncJob
        {
            Name = "HQ",
            SiteUrl = new Uri("https://site.example/hq"),
            ClientId = "client",
            ClientSecret = SecretReference.FromEnvironment("ALLOYSCAN_TEST_UNSET"),
        };
        Job = Store.Jobs.Create(change is null ? job : change(job));
    }

    public AlloyStore Store { get; }

    public SyncJob Job { get; set; }

    public FakeSource Source { get; set; } = new();

    public Recorder Heard { get; private set; } = new();

    public async Task<SyncRun> RunAsync(SyncMode mode = SyncMode.Apply, bool full = false, PlanSelection? selection = null, int? maxApiCalls = null, bool errorsOnly = false, long? errorsOfRun = null, CancellationToken token = default)
    {
        Heard = new Recorder();
        lock (Source.Log)
            Source.Log.Clear();
        return await Store.Sync.ExecuteAsync(
            new SyncRequest { Job = Job, Mode = mode, Full = full, Source = Source, Selection = selection, MaxApiCalls = maxApiCalls, ErrorsOnly = errorsOnly, ErrorsOfRun = errorsOfRun }, Heard, token);
    }

    public async Task<SyncRun> RunWellAsync()
    {
        var run = await RunAsync();
        Assert.True(run.Status == SyncRunStatus.Succeeded, run.Message);
        return run;
    }

    public SqliteConnection Connect()
    {
        var connection = new SqliteConnection($"Data Source={Store.Location.Path};Pooling=False");
        connection.Open();
        return connection;
    }

    public void Sql(string sql)
    {
        using var connection = Connect();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    public string? Scalar(string sql)
    {
        using var connection = Connect();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar() is { } value and not DBNull ? Convert.ToString(value, System.Globalization.CultureInfo.InvariantCulture) : null;
    }

    public List<string> Rows(string sql)
    {
        using var connection = Connect();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        using var reader = command.ExecuteReader();
        var rows = new List<string>();
        while (reader.Read())
            rows.Add(string.Join('|', Enumerable.Range(0, reader.FieldCount).Select(i => reader.IsDBNull(i) ? "-" : Convert.ToString(reader.GetValue(i), System.Globalization.CultureInfo.InvariantCulture))));
        return rows;
    }

    /// <summary>The end state that matters: CIs, software, links and conflicts, without times of our own.</summary>
    public List<string> Dump() =>
    [
        .. Rows("SELECT 'C', id, name, dns_name, serial_number, asset_tag, mac_address, ip_address, manufacturer, model, bios_uuid, os_platform, os_name, os_version, cpu, memory_bytes, user_name, status, site, device_id, audit_id, audited_at, last_seen, missing_since IS NULL FROM computers ORDER BY id"),
        .. Rows("SELECT 'H', id, name, type, serial_number, mac_address, status, device_id, last_seen, missing_since IS NULL FROM hardware ORDER BY id"),
        .. Rows("SELECT 'I', computer_id, name, version, publisher, install_date FROM discovered_installations ORDER BY 2, 3, 4, 5"),
        .. Rows("SELECT 'P', name, version, publisher, installations FROM software_products ORDER BY 2, 3, 4"),
        .. Rows("SELECT 'L', device_id, class, record_id, state, last_seen FROM sync_links ORDER BY device_id"),
        .. Rows("SELECT 'X', device_id, class, reason, candidates, state FROM sync_conflicts ORDER BY device_id"),
        .. Rows("SELECT 'N', kind, value, record FROM record_identifiers ORDER BY 2, 3, 4"),
    ];

    /// <summary>Every row of every table, for proving that nothing was written.</summary>
    public List<string> Everything() =>
        [.. Rows("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name").SelectMany(t => Rows($"SELECT '{t}', * FROM {t}"))];

    public void Dispose()
    {
        Store.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    // ---- Makers of devices ----

    public static Device Device(string id, string name, string? serial = null, string? mac = null, string type = "computer") => new()
    {
        Id = id, Name = name, SerialNumber = serial, MacAddress = mac, Type = type, LastSeen = FakeSource.T(1), IpAddress = "10.0.0.1",
    };

    public static AuditSnapshot Snapshot(string id, string? uuid = null, string platform = "Windows", params (string Name, string? Version)[] software) => new()
    {
        Id = id,
        AuditDate = FakeSource.T(0),
        Hardware = new SnapshotHardware { Manufacturer = "Dell Inc.", Model = "Latitude 5440", BiosUuid = uuid, CpuName = "Intel Core i7", MemoryBytes = 17179869184 },
        OperatingSystem = new SnapshotOperatingSystem { Platform = platform, Name = "OS", Version = "1.0" },
        User = new SnapshotUser { DisplayName = "Mary Miller", Login = "CORP\\mmiller" },
        Software = [.. software.Select(s => new InstalledSoftware(s.Name, s.Version, "Vendor", "2026-01-01", null, null))],
    };

    public sealed class Recorder : ISyncObserver
    {
        public List<SyncChange> Changes { get; } = [];

        public List<SyncError> Errors { get; } = [];

        public List<string> Warnings { get; } = [];

        public Action<SyncChange>? WhenChanged { get; set; }

        public void OnProgress(SyncProgress progress)
        {
        }

        public void OnChange(SyncChange change)
        {
            Changes.Add(change);
            WhenChanged?.Invoke(change);
        }

        public void OnError(SyncError error) => Errors.Add(error);

        public void OnWarning(string message) => Warnings.Add(message);

        public void OnVerbose(string message)
        {
        }
    }
}
