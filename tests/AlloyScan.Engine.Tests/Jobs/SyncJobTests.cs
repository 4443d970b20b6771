using System.Diagnostics;
using AlloyScan.Engine.Credentials;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Store;
using AlloyScan.Engine.Sync;
using AlloyScan.Engine.Tests.Sync;

namespace AlloyScan.Engine.Tests;

public sealed class SyncJobTests
{
    private static SyncJob Draft(string name = "", string url = "https://site.example/hq") => new()
    {
        Name = name, SiteUrl = new Uri(url), ClientId = "client", ClientSecret = SecretReference.FromMemory(new Secret("s3cr3t-value")),
    };

    [Fact]
    public void A_job_without_name_gets_the_default_name_and_then_numbers()
    {
        using var fixture = new SyncFixture();
        Assert.Equal("AlloyScan Synchronization", fixture.Store.Jobs.Create(Draft()).Name);
        Assert.Equal("AlloyScan Synchronization (1)", fixture.Store.Jobs.Create(Draft()).Name);
        Assert.Equal("AlloyScan Synchronization (2)", fixture.Store.Jobs.Create(Draft()).Name);
    }

    [Fact]
    public void A_secret_in_memory_is_stored_protected_and_comes_back()
    {
        using var fixture = new SyncFixture();
        var job = fixture.Store.Jobs.Create(Draft("Secret"));
        Assert.Equal(SecretKind.Protected, job.ClientSecret.Kind);
        Assert.Equal("s3cr3t-value", job.ClientSecret.Resolve().Reveal());
        Assert.DoesNotContain("s3cr3t-value", job.ToString() + job.ClientSecret, StringComparison.Ordinal);
        Assert.DoesNotContain(fixture.Everything(), row => row.Contains("s3cr3t-value", StringComparison.Ordinal));
        foreach (var file in fixture.Store.Location.IsPostgres ? [] : Directory.GetFiles(Path.GetDirectoryName(fixture.Store.Location.Path)!))
        {
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using var memory = new MemoryStream();
            stream.CopyTo(memory);
            Assert.DoesNotContain("s3cr3t-value", System.Text.Encoding.Latin1.GetString(memory.ToArray()), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("http://site.example/hq", "InsecureSiteUrl")]
    [InlineData("ftp://site.example/hq", "InvalidSiteUrl")]
    [InlineData("https://user:pw@site.example/hq", "InvalidSiteUrl")]
    public void Addresses_that_would_give_the_secret_away_are_refused(string url, string errorId)
    {
        using var fixture = new SyncFixture();
        var error = Assert.Throws<AlloyScanException>(() => fixture.Store.Jobs.Create(Draft("X", url)));
        Assert.Equal(errorId, error.ErrorId);
        Assert.DoesNotContain("pw", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Two_jobs_of_one_name_unknown_jobs_and_wrong_actions_are_refused()
    {
        using var fixture = new SyncFixture();
        Assert.Equal("JobExists", Assert.Throws<AlloyScanException>(() => fixture.Store.Jobs.Create(Draft("hq"))).ErrorId);
        var unknown = Assert.Throws<AlloyScanException>(() => fixture.Store.Jobs.Get("Nowhere"));
        Assert.Equal("JobNotFound", unknown.ErrorId);
        Assert.Contains("'HQ'", unknown.MessageWithAdvice, StringComparison.Ordinal);
        Assert.Equal("ServiceActionNotFound", Assert.Throws<AlloyScanException>(() => fixture.Store.Jobs.Create(Draft("A") with { NewComputerAction = 7 })).ErrorId);
        Assert.Equal("InvalidServiceAction", Assert.Throws<AlloyScanException>(() => fixture.Store.Jobs.Create(Draft("A") with { NewComputerAction = 2945 })).ErrorId);
    }

    [Fact]
    public async Task A_new_address_of_a_job_with_links_has_to_be_explained()
    {
        using var fixture = new SyncFixture();
        for (var i = 0; i < 4; i++)
            fixture.Source.Add(SyncFixture.Device("d" + i, "PC-" + i, "SN" + i));
        await fixture.RunWellAsync();

        var moved = new Uri("https://site.example/headquarters");
        var unclear = Assert.Throws<AlloyScanException>(() => fixture.Store.Jobs.Update(fixture.Job with { SiteUrl = moved }));
        Assert.Equal("SiteChangeUnclear", unclear.ErrorId);
        Assert.Contains("4 linked devices", unclear.Message, StringComparison.Ordinal);

        fixture.Job = fixture.Store.Jobs.Update(fixture.Job with { SiteUrl = moved }, SiteChange.SameSite);
        Assert.Equal(0, (await fixture.RunWellAsync()).Created);
        Assert.Equal("1", fixture.Scalar("SELECT count(*) FROM sites"));

        fixture.Job = fixture.Store.Jobs.Update(fixture.Job with { SiteUrl = new Uri("https://other.example/hq") }, SiteChange.OtherSite);
        Assert.Equal(4, (await fixture.RunWellAsync()).Created);
    }

    [Fact]
    public async Task One_run_at_a_time_and_the_second_is_told_who_runs()
    {
        using var fixture = new SyncFixture();
        fixture.Source.Add(SyncFixture.Device("a", "PC-1"));
        var blocked = new TaskCompletionSource();
        var reached = new TaskCompletionSource();
        fixture.Source.Before = _ =>
        {
            fixture.Source.Before = null;
            reached.SetResult();
            blocked.Task.Wait();
        };
        var first = Task.Run(() => fixture.RunAsync());
        await reached.Task;

        var error = await Assert.ThrowsAsync<AlloyScanException>(() => fixture.Store.Sync.ExecuteAsync(new SyncRequest { Job = fixture.Job, Source = new FakeSource() }, SilentObserver.Instance, default));
        Assert.Equal("JobRunning", error.ErrorId);
        Assert.Contains(Environment.MachineName, error.Message, StringComparison.Ordinal);
        Assert.Equal("JobRunning", Assert.Throws<AlloyScanException>(() => fixture.Store.Jobs.Remove("HQ")).ErrorId);

        blocked.SetResult();
        Assert.Equal(SyncRunStatus.Succeeded, (await first).Status);
        fixture.Store.Jobs.Remove("HQ");
        Assert.Empty(fixture.Store.Jobs.List());
    }

    [Fact]
    public async Task The_lease_of_a_dead_process_is_taken_over_and_its_run_ended()
    {
        using var fixture = new SyncFixture();
        using var process = Process.Start(new ProcessStartInfo("dotnet", "--version") { RedirectStandardOutput = true })!;
        var dead = process.Id;
        await process.WaitForExitAsync();
        fixture.Sql($"""
            INSERT INTO leases VALUES ('target:1', 7, 'HQ', '{Environment.MachineName}', {dead}, 1, 0, {fixture.DatabaseNow});
            INSERT INTO runs (job, target_id, site_id, started_at, status) VALUES ('HQ', 1, 1, 0, 'Running')
            """);

        await fixture.RunWellAsync();

        Assert.Equal(["1|Failed", "2|Succeeded"], fixture.Rows("SELECT id, status FROM sync_runs ORDER BY id"));
        Assert.Equal("8", fixture.Scalar("SELECT number FROM leases"));
    }

    [Fact]
    public async Task A_run_that_loses_its_lease_stops_without_another_write()
    {
        using var fixture = new SyncFixture();
        for (var i = 0; i < 250; i++)
            fixture.Source.Add(SyncFixture.Device($"d{i:000}", "PC-" + i));
        var taken = false;
        fixture.Source.Before = call =>
        {
            if (call == "device d120" && !taken)
            {
                taken = true;
                fixture.Sql("UPDATE leases SET number = number + 1");
            }
        };

        var run = await fixture.RunAsync();

        Assert.Equal(SyncRunStatus.Canceled, run.Status);
        Assert.True(int.Parse(fixture.Scalar("SELECT count(*) FROM records")!, System.Globalization.CultureInfo.InvariantCulture) <= 200);
    }

    [Fact]
    public async Task A_job_whose_secret_is_missing_says_where_it_should_be()
    {
        using var fixture = new SyncFixture();
        var error = await Assert.ThrowsAsync<AlloyScanException>(() => fixture.Store.Sync.ExecuteAsync(new SyncRequest { Job = fixture.Job }, SilentObserver.Instance, default));
        Assert.Equal("SecretNotFound", error.ErrorId);
        Assert.Contains("ALLOYSCAN_TEST_UNSET", error.Message, StringComparison.Ordinal);
    }
}
