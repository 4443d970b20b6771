using System.Diagnostics;
using AlloyScan.Engine.Credentials;
using AlloyScan.Engine.Sync;
using AlloyScan.Engine.Tests.AutomationServer;
using AlloyScan.Engine.Tests.Sync;
using AlloyScan.SampleSite;
using Microsoft.Data.Sqlite;

namespace AlloyScan.Engine.Tests;

/// <summary>When the store itself is the trouble the run says so, names it, and leaves it whole; the next run does the rest.</summary>
public sealed class StoreTroubleTests
{
    private static SyncFixture WithDevices(int count = 300, TimeProvider? clock = null)
    {
        var fixture = new SyncFixture(clock: clock, postgres: false);
        for (var i = 0; i < count; i++)
            fixture.Source.Add(SyncFixture.Device($"d{i:000}", $"PC-{i:000}", $"SERIAL-{i:000}"), SyncFixture.Snapshot($"a{i:000}", software: ("Editor", "1")));
        return fixture;
    }

    private static void When(SyncFixture fixture, string call, Action work)
    {
        var done = false;
        fixture.Source.Before = what =>
        {
            if (what != call || done)
                return;

            done = true;
            work();
        };
    }

    [Fact]
    public async Task A_store_that_is_removed_in_mid_run_is_missed()
    {
        if (OperatingSystem.IsWindows())
            return;

        using var fixture = WithDevices();
        var path = fixture.Store.Location.Path;
        When(fixture, "snapshot a280", () => File.Move(path, path + ".moved"));
        var run = await fixture.RunAsync();
        Assert.Equal((SyncRunStatus.Failed, "StoreVanished"), (run.Status, run.ErrorId));
        Assert.Contains(path, run.Message, StringComparison.Ordinal);
        Assert.Contains("Put the file back", run.Message, StringComparison.Ordinal);

        File.Move(path + ".moved", path);
        Assert.Equal("ok", fixture.Scalar("PRAGMA integrity_check"));
        Assert.Equal(300, run.Created + (await fixture.RunWellAsync()).Created);
    }

    [Fact]
    public async Task A_store_in_whose_place_another_file_is_put_in_mid_run_is_missed()
    {
        if (OperatingSystem.IsWindows())
            return;

        using var fixture = WithDevices();
        using var other = new SyncFixture(postgres: false);
        var path = fixture.Store.Location.Path;
        string[] parts = [string.Empty, "-wal", "-shm"];
        When(fixture, "snapshot a280", () =>
        {
            // As somebody does who puts a backup in its place: with what SQLite keeps beside the file.
            foreach (var part in parts)
                File.Move(path + part, path + ".moved" + part);
            File.Copy(other.Store.Location.Path, path);
        });
        var run = await fixture.RunAsync();
        Assert.Equal((SyncRunStatus.Failed, "StoreVanished"), (run.Status, run.ErrorId));
        Assert.Contains("put in its place", run.Message, StringComparison.Ordinal);

        foreach (var part in parts)
        {
            File.Delete(path + part);
            if (File.Exists(path + ".moved" + part))
                File.Move(path + ".moved" + part, path + part);
        }

        Assert.Equal("ok", fixture.Scalar("PRAGMA integrity_check"));
        Assert.Equal(300, run.Created + (await fixture.RunWellAsync()).Created);
    }

    [Fact]
    public async Task A_store_that_stays_locked_fails_the_run_with_its_name_and_the_next_one_goes_on()
    {
        using var fixture = WithDevices();
        using var connection = (SqliteConnection)fixture.Connect();
        When(fixture, "snapshot a280", () => Do(connection, "BEGIN IMMEDIATE"));
        var run = await fixture.RunAsync();
        Do(connection, "ROLLBACK");
        Assert.Equal((SyncRunStatus.Failed, "StoreLocked"), (run.Status, run.ErrorId));
        Assert.Contains(fixture.Store.Location.Path, run.Message, StringComparison.Ordinal);
        Assert.Empty(fixture.Heard.Errors);
        Assert.Equal(300, run.Created + (await fixture.RunWellAsync()).Created);
    }

    [Fact]
    public async Task A_store_that_a_newer_version_brings_up_to_date_in_mid_run_fails_the_run_and_is_written_to_no_more()
    {
        using var fixture = WithDevices();
        var before = new List<string>();
        var version = fixture.Scalar("PRAGMA user_version");
        When(fixture, "snapshot a280", () =>
        {
            fixture.Sql("PRAGMA user_version = 99");
            before.AddRange(Everything());
        });
        var run = await fixture.RunAsync();
        Assert.Equal((SyncRunStatus.Failed, "StoreTooNew"), (run.Status, run.ErrorId));
        Assert.Contains("Update this installation.", run.Message, StringComparison.Ordinal);
        Assert.Empty(fixture.Heard.Errors);
        Assert.Equal(before, Everything());

        fixture.Sql($"PRAGMA user_version = {version}");
        Assert.Equal(300, run.Created + (await fixture.RunWellAsync()).Created);

        List<string> Everything() => [.. fixture.Rows("SELECT id, version FROM records"), .. fixture.Rows("SELECT id, status FROM runs"), .. fixture.Rows("SELECT id FROM changes"), .. fixture.Rows("SELECT record, product FROM installations")];
    }

    [Fact]
    public async Task A_full_disk_fails_the_run_with_the_name_of_the_store_and_leaves_it_whole()
    {
        if (OperatingSystem.IsWindows())
            return;

        using var fixture = new SyncFixture(postgres: false);
        await using var site = await SampleSiteHost.StartAsync(new SampleSiteOptions { Devices = 700, SoftwarePerComputer = 30 });
        fixture.Job = fixture.Store.Jobs.Update(fixture.Job with { SiteUrl = site.SiteUrl, ClientId = site.ClientId, ClientSecret = SecretReference.FromMemory(new Secret(site.ClientSecret)) });
        // A limit on the size of files stands for the disk. What the runtime maps twice would count as well.
        var start = new ProcessStartInfo("/bin/sh")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            ArgumentList =
            {
                "-c", "trap '' XFSZ; ulimit -f \"$1\"; shift; exec \"$@\"", "sh", "1800", "dotnet", "exec", Path.Combine(AppContext.BaseDirectory, "alloyscan.dll"), "run", "HQ", "--store", fixture.Store.Location.Path, "--json",
            },
            Environment = { ["DOTNET_EnableWriteXorExecute"] = "0", ["DOTNET_TieredCompilation"] = "0" },
        };
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();

        Assert.True(process.ExitCode == 4, $"{process.ExitCode}: {await output} {await error}");
        Assert.Contains(fixture.Store.Location.Path, await error, StringComparison.Ordinal);
        Assert.Equal("ok", fixture.Scalar("PRAGMA integrity_check"));
        Assert.Equal(fixture.Scalar("SELECT count(*) FROM records"), fixture.Scalar("SELECT count(*) FROM changes WHERE action = 'Create'"));

        var next = await fixture.Store.Sync.ExecuteAsync(new SyncRequest { Job = fixture.Job }, SilentObserver.Instance, default);
        Assert.True(next.Status == SyncRunStatus.Succeeded, next.Message);
        Assert.Equal("700", fixture.Scalar("SELECT (SELECT count(*) FROM links WHERE state = 1) + (SELECT count(*) FROM conflicts WHERE state = 'Open')"));
    }

    [Fact]
    public async Task A_lost_write_ahead_log_loses_no_consistency()
    {
        if (OperatingSystem.IsWindows())
            return;

        using var fixture = WithDevices();
        When(fixture, "snapshot a280", () => File.Delete(fixture.Store.Location.Path + "-wal"));
        var run = await fixture.RunAsync();
        Assert.Contains(run.Status, new[] { SyncRunStatus.Succeeded, SyncRunStatus.Failed });
        Assert.Equal("ok", fixture.Scalar("PRAGMA integrity_check"));
        await fixture.RunWellAsync();
        Assert.Equal("300|300", fixture.Rows("SELECT (SELECT count(*) FROM records), (SELECT count(*) FROM links WHERE state = 1)")[0]);
    }

    [Fact]
    public async Task A_clock_that_is_set_back_in_mid_run_makes_no_time_negative()
    {
        var clock = new SettableClock();
        using var fixture = WithDevices(30, clock);
        When(fixture, "snapshot a010", () => clock.Offset = TimeSpan.FromHours(-5));
        var run = await fixture.RunWellAsync();
        Assert.True(run.EndedAt >= run.StartedAt);
        Assert.All(run.StageSeconds.Values, seconds => Assert.True(seconds >= 0));
        Assert.Equal("1", fixture.Scalar("SELECT ended_at >= started_at FROM runs"));

        // What was seen "in the future" is moved by what comes after, and nothing is stale or missing for it.
        fixture.Source.Replace("d001", d => d with { LastSeen = DateTimeOffset.UtcNow.AddYears(3) });
        Assert.Equal((1, 0), await fixture.RunWellAsync() is var ahead ? (ahead.Updated + ahead.Unchanged - 29, ahead.Missing) : default);
        fixture.Source.Audit("d002", s => s with { Software = SyncFixture.Snapshot("x", software: ("Mail", "1")).Software });
        var after = await fixture.RunWellAsync();
        Assert.Equal((1, 0, 0), (after.InstallationsRemoved, after.Missing, after.Conflicts));
    }

    private static void Do(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private sealed class SettableClock : TimeProvider
    {
        public TimeSpan Offset { get; set; }

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Offset;
    }
}
