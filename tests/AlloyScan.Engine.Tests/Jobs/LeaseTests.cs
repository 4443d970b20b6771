using System.Data.Common;
using System.Diagnostics;
using System.Net;
using AlloyScan.Engine.Credentials;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Store;
using AlloyScan.Engine.Sync;
using AlloyScan.Engine.Sync.Conflicts;
using AlloyScan.Engine.Tests.AutomationServer;
using AlloyScan.Engine.Tests.Sync;
using AlloyScan.SampleSite;

namespace AlloyScan.Engine.Tests;

/// <summary>One writer of the CMDB at a time, whoever is slow, dead, suspended or has a wrong clock.</summary>
public sealed class LeaseTests
{
    private const string Steal = "UPDATE leases SET number = number + 1, job = 'Other', host = 'elsewhere', process_id = 4711, heartbeat_at = (SELECT max(heartbeat_at) FROM leases)";

    private static SyncFixture WithDevices(int count = 5)
    {
        var fixture = new SyncFixture();
        for (var i = 0; i < count; i++)
            fixture.Source.Add(SyncFixture.Device($"d{i:000}", $"PC-{i:000}", $"SERIAL-{i:000}"), SyncFixture.Snapshot($"a{i:000}", software: ("Editor", "1")));
        return fixture;
    }

    private static string Now(SyncFixture fixture)
    {
        using var session = fixture.Store.NewSession();
        return session.DatabaseNow;
    }

    private static void HeldElsewhere(SyncFixture fixture, int secondsAgo) => fixture.Sql($"""
        INSERT INTO leases (name, number, job, host, process_id, process_started, acquired_at, heartbeat_at)
        VALUES ('target:1', 7, 'Night', 'elsewhere', 4711, 0, 1767225600000, {Now(fixture)} - {secondsAgo} * 1000)
        ON CONFLICT (name) DO UPDATE SET number = 7, job = excluded.job, host = excluded.host, process_id = excluded.process_id, acquired_at = excluded.acquired_at, heartbeat_at = excluded.heartbeat_at
        """);

    [Fact]
    public async Task The_heartbeat_goes_on_while_the_holder_waits()
    {
        using var fixture = WithDevices(0);
        using var session = fixture.Store.NewSession();
        var lease = Lease.Acquire(session, 1, "HQ", TimeSpan.FromMilliseconds(50));
        fixture.Sql("UPDATE leases SET heartbeat_at = 1");
        var watch = Stopwatch.StartNew();
        while (fixture.Scalar("SELECT heartbeat_at FROM leases") == "1" && watch.Elapsed < TimeSpan.FromMinutes(1))
            await Task.Delay(20);
        Assert.NotEqual("1", fixture.Scalar("SELECT heartbeat_at FROM leases"));
        lease.Release();
        Assert.Equal("0|0", fixture.Rows("SELECT process_id, heartbeat_at FROM leases")[0]);
    }

    [Fact]
    public void The_heartbeat_comes_often_enough() => Assert.InRange(Lease.Beat, TimeSpan.FromSeconds(1), Lease.Expiry / 4);

    [Fact]
    public async Task A_lease_that_lives_elsewhere_is_told_of_with_its_holder()
    {
        using var fixture = WithDevices();
        HeldElsewhere(fixture, secondsAgo: 60);
        var refused = await Assert.ThrowsAsync<AlloyScanException>(() => fixture.RunAsync());
        Assert.Equal("JobRunning", refused.ErrorId);
        Assert.Contains("The job 'Night' is running on elsewhere (process 4711) since 2026-01-01 00:00:00Z", refused.Message, StringComparison.Ordinal);
        Assert.Equal("0", fixture.Scalar("SELECT count(*) FROM runs"));
    }

    [Fact]
    public async Task A_lease_without_heartbeat_is_taken_over()
    {
        using var fixture = WithDevices();
        HeldElsewhere(fixture, secondsAgo: 121);
        await fixture.RunWellAsync();
        Assert.Equal("8", fixture.Scalar("SELECT number FROM leases"));
    }

    [Fact]
    public async Task A_heartbeat_from_the_future_neither_frees_the_lease_nor_holds_it_for_ever()
    {
        using var fixture = WithDevices();
        HeldElsewhere(fixture, secondsAgo: -3600);
        await Assert.ThrowsAsync<AlloyScanException>(() => fixture.RunAsync());
        // It ages from now on, by the clock as it is.
        Assert.InRange(Age(), 0, 60);
        await Assert.ThrowsAsync<AlloyScanException>(() => fixture.RunAsync());
        fixture.Sql("UPDATE leases SET heartbeat_at = heartbeat_at - 121000");
        await fixture.RunWellAsync();

        double Age() => double.Parse(fixture.Scalar($"SELECT ({Now(fixture)} - heartbeat_at) / 1000.0 FROM leases")!, System.Globalization.CultureInfo.InvariantCulture);
    }

    [Theory]
    [InlineData("list")]
    [InlineData("device d300")]
    [InlineData("snapshot a450")]
    public async Task The_loser_stops_at_its_next_batch(string when)
    {
        using var fixture = WithDevices(600);
        fixture.Source.Before = call =>
        {
            if (call == when && fixture.Scalar("SELECT job FROM leases") == "HQ")
                fixture.Sql(Steal);
        };
        var lost = await fixture.RunAsync();
        Assert.Equal((SyncRunStatus.Canceled, "Another run has taken over."), (lost.Status, lost.Message));
        fixture.Source.Before = null;
        Assert.InRange(lost.Created, 0, 500);
        Assert.Equal(lost.Created.ToString(System.Globalization.CultureInfo.InvariantCulture), fixture.Scalar("SELECT count(*) FROM records"));
        Assert.Equal("Other", fixture.Scalar("SELECT job FROM leases WHERE process_id <> 0"));

        fixture.Sql("UPDATE leases SET heartbeat_at = 1");
        var next = await fixture.RunWellAsync();
        Assert.Equal(600, lost.Created + next.Created);
    }

    [Fact]
    public async Task All_that_writes_the_CMDB_asks_for_the_lease()
    {
        using var fixture = WithDevices();
        await fixture.RunWellAsync();
        fixture.Source.Add(SyncFixture.Device("twin", "PC-001", "SERIAL-001"));
        Assert.Equal(1, (await fixture.RunAsync()).Conflicts);
        var plan = await fixture.RunAsync(SyncMode.SavePlan, full: true);
        HeldElsewhere(fixture, secondsAgo: 10);
        var before = fixture.Dump();
        var conflict = fixture.Store.Conflicts.List().Single();

        await RefusedAsync(() => fixture.RunAsync());
        await RefusedAsync(() => fixture.RunAsync(errorsOnly: true));
        await RefusedAsync(() => fixture.RunAsync(selection: new PlanSelection(plan.PlanId!.Value, [])));
        await RefusedAsync(() => Task.FromResult(fixture.Store.Undo.Undo(1, rehearsal: false, _ => { }, default)));
        await RefusedAsync(() => Task.FromResult(fixture.Store.Conflicts.Resolve(conflict.Id, ConflictResolution.Create)));
        await RefusedAsync(() => Task.FromResult(fixture.Store.Links.Split("d001", null, null)));
        Assert.Throws<AlloyScanException>(() => fixture.Store.Jobs.Remove("HQ"));

        Assert.Equal(before, fixture.Dump());
        // Whoever only reads asks for nothing.
        await fixture.RunAsync(SyncMode.WhatIf);
        await fixture.RunAsync(SyncMode.SavePlan);

        static async Task RefusedAsync<T>(Func<Task<T>> work) => Assert.Equal("JobRunning", (await Assert.ThrowsAsync<AlloyScanException>(work)).ErrorId);
    }

    [Fact]
    public async Task A_deletion_that_waited_is_not_sent_by_a_run_that_lost_its_lease()
    {
        using var fixture = new SyncFixture(job => job with { RetiredOriginal = RetiredOriginal.Delete });
        await using var site = await SampleSiteHost.StartAsync(new SampleSiteOptions { Devices = 30, SoftwarePerComputer = 2 });
        var job = fixture.Store.Jobs.Update(fixture.Job with { SiteUrl = site.SiteUrl, ClientId = site.ClientId, ClientSecret = SecretReference.FromMemory(new Secret(site.ClientSecret)) });
        await fixture.Store.Sync.ExecuteAsync(new SyncRequest { Job = job }, SilentObserver.Instance, default);
        fixture.Sql("UPDATE records SET status = 'Retired' WHERE id = (SELECT min(id) FROM records)");
        using var transport = new Throttling(() => fixture.Sql(Steal)) { InnerHandler = new SocketsHttpHandler() };

        var run = await fixture.Store.Sync.ExecuteAsync(new SyncRequest { Job = job, Transport = transport }, SilentObserver.Instance, default);

        Assert.Equal((SyncRunStatus.Canceled, 1), (run.Status, transport.Deletions));
        Assert.Empty(site.State.DeletedDevices);
        Assert.Equal("1", fixture.Scalar("SELECT count(*) FROM intents WHERE outcome IS NULL"));
    }

    [Fact]
    public async Task A_process_that_was_suspended_for_too_long_does_no_harm()
    {
        if (OperatingSystem.IsWindows())
            return;

        using var fixture = new SyncFixture();
        await using var site = await SampleSiteHost.StartAsync(new SampleSiteOptions { Devices = 600, SoftwarePerComputer = 3, Latency = TimeSpan.FromMilliseconds(20) });
        var job = fixture.Store.Jobs.Update(fixture.Job with { SiteUrl = site.SiteUrl, ClientId = site.ClientId, ClientSecret = SecretReference.FromMemory(new Secret(site.ClientSecret)) });
        using var sleeper = ChildProgram.Start("alloyscan.dll", "run", "HQ", "--store", fixture.Store.Location.Path, "--json");
        await ChildProgram.UntilAsync(() => site.State.Log.Requests > 300, sleeper);
        await ChildProgram.SignalAsync(sleeper, "STOP");
        // It may have been suspended with the store's lock in its hand; then nobody can write until it goes on.
        SyncRun? heir = null;
        try
        {
            fixture.Sql("UPDATE leases SET heartbeat_at = heartbeat_at - 121000");
            heir = await fixture.Store.Sync.ExecuteAsync(new SyncRequest { Job = job }, SilentObserver.Instance, default);
        }
        catch (AlloyScanException e)
        {
            Assert.Equal("StoreLocked", e.ErrorId);
        }
        catch (DbException)
        {
            // The test's own statement waited in vain for the same lock.
        }
        finally
        {
            await ChildProgram.SignalAsync(sleeper, "CONT");
        }

        await sleeper.WaitForExitAsync();
        if (heir is null)
            return;

        Assert.True(heir.Status == SyncRunStatus.Succeeded, heir.Message);
        Assert.Equal(5, sleeper.ExitCode);
        Assert.Equal("Canceled", fixture.Scalar("SELECT status FROM runs ORDER BY id LIMIT 1"));
        Assert.Equal(["0"], fixture.Rows("SELECT count(*) FROM (SELECT record FROM links WHERE state = 1 GROUP BY record HAVING count(*) > 1) AS shared"));
        Assert.Equal(fixture.Scalar("SELECT count(*) FROM records"), fixture.Scalar("SELECT count(*) FROM changes WHERE action = 'Create'"));
        Assert.Equal("600", fixture.Scalar("SELECT (SELECT count(*) FROM links WHERE state = 1) + (SELECT count(*) FROM conflicts WHERE state = 'Open')"));
    }

    /// <summary>Answers the first deletion with "too many requests" and does something in the meantime.</summary>
    private sealed class Throttling(Action inTheMeantime) : DelegatingHandler
    {
        public int Deletions { get; private set; }

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            if (request.Method != HttpMethod.Delete)
                return await base.SendAsync(request, cancellationToken);

            Deletions++;
            inTheMeantime();
            return new HttpResponseMessage(HttpStatusCode.TooManyRequests) { Headers = { { "Retry-After", "1" } }, Content = new StringContent("slow down") };
        }
    }
}
