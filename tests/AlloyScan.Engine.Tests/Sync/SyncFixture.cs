using System.Data.Common;
using AlloyScan.Engine.Credentials;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Store;
using AlloyScan.Engine.Sync;

namespace AlloyScan.Engine.Tests.Sync;

/// <summary>An empty store, a job on it and a site in memory.</summary>
internal sealed class SyncFixture : IDisposable
{
    private readonly TestStore _place;

    public SyncFixture(Func<SyncJob, SyncJob>? change = null, TimeProvider? clock = null, bool? postgres = null)
    {
        _place = new TestStore(postgres, used: true);
        Store = AlloyStore.Open(_place.Location, clock);
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

    /// <summary>Hears how the next runs get on.</summary>
    public Action<SyncProgress>? WhenProgress { get; set; }

    public async Task<SyncRun> RunAsync(SyncMode mode = SyncMode.Apply, bool full = false, PlanSelection? selection = null, int? maxApiCalls = null, bool errorsOnly = false, long? errorsOfRun = null, CancellationToken token = default)
    {
        Heard = new Recorder { WhenProgress = WhenProgress };
        lock (Source.Log)
            Source.Log.Clear();
        return await Store.Sync.ExecuteAsync(
            new SyncRequest { Job = Job, Mode = mode, Full = full, Source = Source, Selection = selection, MaxApiCalls = maxApiCalls, ErrorsOnly = errorsOnly, ErrorsOfRun = errorsOfRun }, Heard, token);
    }

    public async Task<SyncRun> RunWellAsync(SyncMode mode = SyncMode.Apply)
    {
        var run = await RunAsync(mode);
        Assert.True(run.Status == SyncRunStatus.Succeeded, run.Message);
        return run;
    }

    public DbConnection Connect() => _place.Connect();

    /// <summary>Milliseconds since 1970 by the database's clock, as an expression.</summary>
    public string DatabaseNow => StoreDialect.Of(Store.Location).Now;

    public void Sql(string sql) => _place.Sql(sql);

    public void Trigger(string name, string moment, string? condition, string body) => _place.Trigger(name, moment, condition, body);

    public void DropTrigger(string name) => _place.DropTrigger(name);

    public string Failure(string message) => _place.Failure(message);

    public string? Scalar(string sql) => _place.Scalar(sql);

    public List<string> Rows(string sql) => _place.Rows(sql);

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

    /// <summary>Every row of every table, for proving that nothing was written. Calls to the site are counted whoever makes them, a rehearsal too.</summary>
    public List<string> Everything() => [.. _place.Everything().Where(row => !row.StartsWith("api_usage|", StringComparison.Ordinal))];

    public void Dispose()
    {
        Store.Dispose();
        _place.Dispose();
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

        public Action<SyncProgress>? WhenProgress { get; set; }

        public void OnProgress(SyncProgress progress) => WhenProgress?.Invoke(progress);

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
