using System.Text.RegularExpressions;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Sync;
using static AlloyScan.Engine.Tests.Sync.SyncFixture;

namespace AlloyScan.Engine.Tests.Sync;

/// <summary>The rows of a verification, each with what makes it fail.</summary>
public sealed class VerificationTests
{
    private static async Task<SyncFixture> WithDevicesAsync(int count = 6, Func<SyncJob, SyncJob>? change = null)
    {
        var fixture = new SyncFixture(change);
        for (var i = 0; i < count; i++)
            fixture.Source.Add(Device($"d{i:00}", $"PC-{i}", $"SN{i}"), Snapshot($"s{i}", null, i == 0 ? "Linux" : "Windows", ("Editor", "1"), ("Game", "2")));
        fixture.Source.Add(Device("printer", "PR-1", "PRSN", type: "printer"));
        await fixture.RunWellAsync();
        return fixture;
    }

    private static async Task<Dictionary<string, VerificationCheck>> VerifyAsync(SyncFixture fixture)
    {
        var checks = new Dictionary<string, VerificationCheck>();
        await foreach (var check in fixture.Store.Sync.VerifyAsync(new SyncRequest { Job = fixture.Job, Source = fixture.Source }, default))
        {
            Assert.Equal("HQ", check.Job);
            Assert.Equal(check.Verdict == Verdict.Passed, check.Advice is null);
            // Whatever is not as it should be names something to call.
            if (check.Advice is not null)
                Assert.Matches(new Regex(@"\b(Get|Set|Invoke|Test|Resolve|Split)-Alloy\w+"), check.Advice);
            checks.Add(check.Check, check);
        }

        return checks;
    }

    [Fact]
    public async Task A_calm_job_passes_every_check_that_can_be_made()
    {
        using var fixture = await WithDevicesAsync();

        var checks = await VerifyAsync(fixture);

        Assert.Equal(["Registration expiry"], checks.Values.Where(c => c.Verdict != Verdict.Passed).Select(c => c.Check));
        Assert.Equal((Verdict.NotChecked, false), (checks["Registration expiry"].Verdict, checks["Registration expiry"].IsRequired));
        Assert.Equal(("6", "6"), (checks["Devices linked: computers"].Expected, checks["Devices linked: computers"].Actual));
        Assert.Equal("1", checks["Devices linked: hardware"].Actual);
        Assert.Equal(("5", "1"), (checks["Computers: Windows"].Actual, checks["Computers: Linux"].Actual));
        Assert.Equal("12", checks["Discovered installations"].Actual);
        Assert.Equal(
            [
                "Last run", "Token", "Registration expiry", "Site: device list", "Devices linked: computers", "Devices linked: hardware", "Live links without device",
                "Computers: Linux", "Computers: Windows", "Discovered installations", "Installations not chosen", "Software catalog: installations counted",
                "Products without installation", "CIs edited since the last run", "Linked CIs deleted from the CMDB", "Missing devices",
                "CIs retired for absence", "Open conflicts", "Open conflicts: rests on junk", "Fields that do not settle", "Fields that go back and forth", "Failing devices", "Parked devices",
            ],
            checks.Keys);
    }

    [Theory]
    [InlineData("UPDATE links SET software_count = 3 WHERE id = 1", "Discovered installations", Verdict.Failed, "13", "12")]
    [InlineData("UPDATE products SET uses = uses + 1 WHERE id = 1", "Software catalog: installations counted", Verdict.Failed, "12", "13")]
    [InlineData("INSERT INTO products (id, target_id, key, name) VALUES (90001, 1, 'X', 'X')", "Products without installation", Verdict.Warning, "0", "1")]
    [InlineData("UPDATE records SET os_platform = 'macOS' WHERE id = 1", "Computers: Linux", Verdict.Failed, "1", "0")]
    [InlineData("UPDATE records SET model = 'X' WHERE id IN (1, 2)", "CIs edited since the last run", Verdict.Warning, "0", "2")]
    [InlineData("DELETE FROM records WHERE id = 1", "Linked CIs deleted from the CMDB", Verdict.Warning, "0", "1")]
    [InlineData("DELETE FROM links WHERE id = 1", "Devices linked: computers", Verdict.Failed, "6", "5")]
    [InlineData("UPDATE runs SET status = 'Blocked', message = 'Too many.'", "Last run", Verdict.Failed, "Succeeded", "Blocked")]
    [InlineData("UPDATE links SET state = 2 WHERE id = 1; UPDATE records SET status = 'Retired' WHERE id = 1", "Devices linked: computers", Verdict.Passed, "6", "6")]
    [InlineData("INSERT INTO runs (job, target_id, site_id, started_at, status, kind) VALUES ('HQ', 1, 1, 0, 'Failed', 'Undo')", "Last run", Verdict.Passed, "Succeeded", "Succeeded")]
    [InlineData("INSERT INTO unsettled_fields VALUES (1, 1, 1, 'name', 'NotSettled', 'written A, reads B', 1, 1)", "Fields that do not settle", Verdict.Warning, "0", "1")]
    [InlineData("INSERT INTO unsettled_fields VALUES (1, 1, 1, 'name', 'Flapping', 'A, B, A again', 1, 1)", "Fields that go back and forth", Verdict.Warning, "0", "1")]
    public async Task Each_check_notices_what_it_is_there_for(string trouble, string check, Verdict verdict, string expected, string actual)
    {
        using var fixture = await WithDevicesAsync();
        fixture.Sql(trouble);

        var row = (await VerifyAsync(fixture))[check];

        Assert.Equal((verdict, expected, actual), (row.Verdict, row.Expected, row.Actual));
    }

    [Fact]
    public async Task Devices_that_came_and_went_since_the_last_run_are_noticed()
    {
        using var fixture = await WithDevicesAsync();
        fixture.Source.Devices.RemoveAt(0);
        fixture.Source.Add(Device("new", "NEW"), Snapshot("ns"));

        var checks = await VerifyAsync(fixture);

        Assert.Equal((Verdict.Failed, "6", "5"), (checks["Devices linked: computers"].Verdict, checks["Devices linked: computers"].Expected, checks["Devices linked: computers"].Actual));
        Assert.Equal((Verdict.Warning, "1"), (checks["Live links without device"].Verdict, checks["Live links without device"].Actual));
    }

    [Fact]
    public async Task Missing_devices_and_CIs_retired_for_absence_are_counted_apart()
    {
        using var fixture = await WithDevicesAsync(10, job => job with { MissingDevice = MissingDevice.Retire, RetireAfterRuns = 2, RetireAfterDays = 0 });
        fixture.Source.Devices.RemoveAt(0);
        await fixture.RunWellAsync();
        await fixture.RunWellAsync();
        fixture.Source.Devices.RemoveAt(0);
        await fixture.RunWellAsync();

        var checks = await VerifyAsync(fixture);

        Assert.Equal(("1", "1"), (checks["Missing devices"].Actual, checks["CIs retired for absence"].Actual));
        Assert.Equal((Verdict.Passed, "8"), (checks["Devices linked: computers"].Verdict, checks["Devices linked: computers"].Actual));
    }

    [Fact]
    public async Task Installations_that_the_choice_leaves_out_are_counted_until_a_run_removes_them()
    {
        using var fixture = await WithDevicesAsync();
        fixture.Job = fixture.Store.Jobs.Update(fixture.Job with { ImportSoftware = SoftwarePlatforms.Windows });
        Assert.Equal("2", (await VerifyAsync(fixture))["Installations not chosen"].Actual);
        await fixture.RunWellAsync();
        Assert.Equal("0", (await VerifyAsync(fixture))["Installations not chosen"].Actual);

        fixture.Source.Classify("Game", "2", "Forbidden");
        fixture.Store.SoftwareGroups.Set("site.example/hq", ["Regular"], false);
        await fixture.RunWellAsync();
        Assert.Equal("0", (await VerifyAsync(fixture))["Installations not chosen"].Actual);
        fixture.Store.SoftwareGroups.Set("site.example/hq", ["Regular"], true);
        fixture.Store.SoftwareGroups.Set("site.example/hq", ["Forbidden"], false);
        Assert.Equal("5", (await VerifyAsync(fixture))["Installations not chosen"].Actual);

        fixture.Job = fixture.Store.Jobs.Update(fixture.Job with { ImportSoftware = SoftwarePlatforms.None });
        Assert.DoesNotContain("Installations not chosen", (await VerifyAsync(fixture)).Keys);
    }

    [Fact]
    public async Task Open_conflicts_are_counted_by_kind()
    {
        using var fixture = await WithDevicesAsync();
        fixture.Source.Add(Device("twin", "PC-1", "SN1"), Snapshot("st"));
        await fixture.RunAsync();
        Assert.Equal("1", (await VerifyAsync(fixture))["Open conflicts"].Actual);

        fixture.Sql("UPDATE conflicts SET kind = 'RestsOnJunk'");
        var checks = await VerifyAsync(fixture);
        Assert.Equal(("0", "1"), (checks["Open conflicts"].Actual, checks["Open conflicts: rests on junk"].Actual));
    }

    [Theory]
    [InlineData(ErrorKind.Authentication, Verdict.Failed)]
    [InlineData(ErrorKind.Connection, Verdict.NotChecked)]
    public async Task A_site_that_gives_no_token_or_is_not_there_is_said_and_the_rest_is_verified(ErrorKind kind, Verdict token)
    {
        using var fixture = await WithDevicesAsync();
        fixture.Source.Before = _ => throw new AlloyScanException(kind, "Trouble", "The site says no.");

        var checks = await VerifyAsync(fixture);

        Assert.Equal((token, Verdict.Failed), (checks["Token"].Verdict, checks["Site: device list"].Verdict));
        Assert.Equal(Verdict.Passed, checks["Discovered installations"].Verdict);
        Assert.DoesNotContain("Devices linked: computers", checks.Keys);
    }

    [Fact]
    public async Task A_job_that_never_ran_is_told_to_run()
    {
        using var fixture = new SyncFixture();
        fixture.Source.Add(Device("d0", "PC"), Snapshot("s0"));

        var row = (await VerifyAsync(fixture))["Last run"];

        Assert.Equal((Verdict.Failed, "Run the job: Invoke-AlloyScanSync HQ."), (row.Verdict, row.Advice));
    }
}
