using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Store;
using Microsoft.Data.Sqlite;

namespace AlloyScan.Engine.Tests;

public sealed class StoreOpeningTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("alloyscan-test-").FullName;

    private string PathOf(string name) => Path.Combine(_folder, name);

    private static AlloyScanException Refused(string path) => Assert.Throws<AlloyScanException>(() => AlloyStore.Open(StoreLocation.Resolve(path)));

    [Fact]
    public void A_store_is_made_with_its_folder_and_opens_again()
    {
        var path = Path.Combine(_folder, "deep", "er", "store.db");
        AlloyStore.Open(StoreLocation.Resolve(path)).Dispose();
        using var again = AlloyStore.Open(StoreLocation.Resolve(path));
        Assert.Empty(again.Jobs.List());
    }

    [Fact]
    public void A_file_that_is_no_database_is_refused_and_left_alone()
    {
        File.WriteAllText(PathOf("notes.txt"), new string('x', 5000));
        var error = Refused(PathOf("notes.txt"));
        Assert.Equal("NotAStore", error.ErrorId);
        Assert.Contains("notes.txt", error.Message, StringComparison.Ordinal);
        Assert.Equal(new string('x', 5000), File.ReadAllText(PathOf("notes.txt")));
    }

    [Fact]
    public void A_database_of_another_program_is_refused()
    {
        Sql(PathOf("other.db"), "CREATE TABLE customers (id INTEGER)");
        Assert.Equal("NotAStore", Refused(PathOf("other.db")).ErrorId);
    }

    [Fact]
    public void A_store_of_a_newer_version_is_refused()
    {
        AlloyStore.Open(StoreLocation.Resolve(PathOf("store.db"))).Dispose();
        Sql(PathOf("store.db"), "PRAGMA user_version = 99");
        var error = Refused(PathOf("store.db"));
        Assert.Equal("StoreTooNew", error.ErrorId);
        Assert.Contains("99", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_is_no_store() => Assert.Equal("NotAStore", Refused(_folder).ErrorId);

    [Fact]
    public void A_read_only_file_is_refused()
    {
        AlloyStore.Open(StoreLocation.Resolve(PathOf("store.db"))).Dispose();
        File.SetAttributes(PathOf("store.db"), FileAttributes.ReadOnly);
        try
        {
            Assert.Equal("StoreReadOnly", Refused(PathOf("store.db")).ErrorId);
        }
        finally
        {
            File.SetAttributes(PathOf("store.db"), FileAttributes.Normal);
        }
    }

    [Fact]
    public async Task A_store_that_another_program_holds_is_named_after_a_wait_and_loses_nothing()
    {
        using var store = AlloyStore.Open(StoreLocation.Resolve(PathOf("store.db")));
        using var connection = new SqliteConnection($"Data Source={PathOf("store.db")};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "BEGIN IMMEDIATE";
        command.ExecuteNonQuery();
        var job = new Engine.Jobs.SyncJob
        {
            Name = "HQ", SiteUrl = new Uri("https://site.example/hq"), ClientId = "c", ClientSecret = Engine.Credentials.SecretReference.FromEnvironment("V"),
        };

        var error = await Assert.ThrowsAsync<AlloyScanException>(() => Task.Run(() => store.Jobs.Create(job)));

        Assert.Equal(("StoreLocked", ErrorKind.ResourceBusy), (error.ErrorId, error.Kind));
        Assert.Empty(store.Jobs.List());
        command.CommandText = "ROLLBACK";
        command.ExecuteNonQuery();
        Assert.Equal("HQ", store.Jobs.Create(job).Name);
    }

    [Theory]
    [InlineData("Host=db;Username=u;Password=hunter2", "SecretInArgument")]
    [InlineData("postgres://u:hunter2@db/x", "SecretInArgument")]
    [InlineData("Host=db;Database=x;psw = hunter2", "SecretInArgument")]
    [InlineData("host=db;database=x;SSL Password=hunter2", "SecretInArgument")]
    [InlineData("postgresql://db/x?password=hunter2", "SecretInArgument")]
    [InlineData("postgresql://u:hun/ter2@db/x", "SecretInArgument")]
    [InlineData("Host=db;Username=hunter2", "UnsupportedStore")]
    [InlineData("postgresql://db/x?hunter2", "UnsupportedStore")]
    [InlineData("postgresql://db:99999/hunter2", "UnsupportedStore")]
    [InlineData("mysql://db/hunter2", "UnsupportedStore")]
    [InlineData("postgresql://db/x?schema=hunter2,public", "UnsupportedStore")]
    [InlineData("postgresql://a,b/hunter2", "UnsupportedStore")]
    [InlineData(@"\\server\share\store.db", "StoreOnNetworkPath")]
    public void Addresses_that_cannot_be_a_store_are_refused_without_repeating_a_password(string argument, string errorId)
    {
        if (errorId == "StoreOnNetworkPath" && !OperatingSystem.IsWindows())
            return;

        var error = Assert.Throws<AlloyScanException>(() => StoreLocation.Resolve(argument));
        Assert.Equal(errorId, error.ErrorId);
        Assert.DoesNotContain("hunter2", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void The_views_have_the_columns_of_the_contract()
    {
        AlloyStore.Open(StoreLocation.Resolve(PathOf("store.db"))).Dispose();
        using var connection = new SqliteConnection($"Data Source={PathOf("store.db")};Pooling=False");
        connection.Open();
        foreach (var (view, columns) in new Dictionary<string, string>
        {
            ["computers"] = "id, name, dns_name, serial_number, asset_tag, mac_address, ip_address, manufacturer, model, bios_uuid, os_platform, os_name, os_version, cpu, memory_bytes, user_name, status, target, site, device_id, audit_id, audited_at, last_seen, missing_since, created_at, updated_at",
            ["hardware"] = "id, name, type, dns_name, serial_number, asset_tag, mac_address, ip_address, manufacturer, model, status, target, site, device_id, audit_id, audited_at, last_seen, missing_since, created_at, updated_at",
            ["software_products"] = "id, name, version, publisher, software_group, installations",
            ["discovered_installations"] = "computer_id, product_id, name, version, publisher, install_date, install_key, serial_number, target",
            ["sync_runs"] = "id, job, started_at, ended_at, status, complete, devices_read, created, updated, unchanged, conflicts, missing, retired, deleted_in_alloyscan, installations_added, installations_removed, errors, api_calls, kind, undoes, undone_by, target, site, message, products_added, products_removed, nameless_software, unsettled, skipped, parked, held, bytes_received",
            ["sync_changes"] = "run_id, target, class, record_id, action, field, old_value, new_value",
            ["sync_conflicts"] = "id, job, target, site, device_id, device_name, class, reason, candidates, state, kind, created_at, resolved_at",
            ["sync_links"] = "target, site, device_id, class, record_id, state, first_seen, last_seen, missing_since, retired_at, rule, closed_reason",
            ["sync_errors"] = "run_id, device_id, device_name, stage, error_id, message, attempts",
        })
        {
            using var command = connection.CreateCommand();
            command.CommandText = $"SELECT * FROM {view} LIMIT 0";
            using var reader = command.ExecuteReader();
            // Views only grow: what the contract names comes first and in its order; more may follow.
            var names = Enumerable.Range(0, reader.FieldCount).Select(reader.GetName).ToList();
            Assert.Equal(columns, string.Join(", ", names.Take(columns.Split(',').Length)));
            Assert.Equal(names.Distinct(), names);
        }
    }

    [Fact]
    public void A_store_of_version_1_is_copied_aside_and_brought_up_to_date_with_all_that_it_holds()
    {
        using (var connection = new SqliteConnection($"Data Source={PathOf("store.db")};Pooling=False"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = SqliteSchema.Migrations[0] + FormattableString.Invariant($"PRAGMA application_id={SqliteDialect.ApplicationId}; PRAGMA user_version=1;") + """
                INSERT INTO sites (id, name, created_at) VALUES (1, 'hq', 0);
                INSERT INTO jobs (name, enabled, site_id, site_url, client_id, secret_kind, secret_value, new_computer_action, existing_computer_action, new_hardware_action,
                    existing_hardware_action, software_platforms, retired_original, throttle_limit, target_id, created_at, updated_at)
                VALUES ('HQ', 1, 1, 'https://site.example/hq', 'c', 'EnvironmentVariable', 'V', 2943, 2944, 2945, 2946, 7, 'Keep', 8, 1, 0, 0);
                INSERT INTO records (id, target_id, class, number, name, status, created_at, updated_at) VALUES (1, 1, 1, 1, 'PC-1', 'Active', 0, 0);
                INSERT INTO links (target_id, site_id, device_id, class, record, record_number, state, list_hash, fingerprint, record_version, first_seen, synced_at)
                VALUES (1, 1, 'd1', 1, 1, 1, 1, 0, 0, 1, 0, 0);
                """;
            command.ExecuteNonQuery();
        }

        using var store = AlloyStore.Open(StoreLocation.Resolve(PathOf("store.db")));

        var job = Assert.Single(store.Jobs.List());
        Assert.Equal(("HQ", MissingDevice.Keep, 3, 7, DeletedRecord.Ask, 30, 3), (job.Name, job.MissingDevice, job.RetireAfterRuns, job.RetireAfterDays, job.DeletedRecord, job.StaleAfterDays, job.MostCarriers));
        Assert.Equal(("PC-1", "d1"), store.Cmdb.Computers().Select(c => (c.Name, c.DeviceId)).Single());
        Assert.Equal(2, Directory.GetFiles(_folder, "store*").Count(f => !f.EndsWith("-wal", StringComparison.Ordinal) && !f.EndsWith("-shm", StringComparison.Ordinal)));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static void Sql(string path, string sql)
    {
        using var connection = new SqliteConnection($"Data Source={path};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
