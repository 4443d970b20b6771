using AlloyScan.AutomationServer.Demo;
using AlloyScan.SampleSite;
using Microsoft.Data.Sqlite;
using Xunit;

namespace AlloyScan.Engine.Tests.AutomationServer;

public sealed class DemoTests
{
    private const int Devices = 60;

    [Fact]
    public async Task The_demo_leaves_in_the_views_what_the_sample_site_served_and_a_repeat_changes_nothing()
    {
        using var folder = new TemporaryFolder();
        var store = folder.File("demo.db");
        var report = folder.File("demo.html");

        var first = await ProgramRun.Of("demo", "--devices", "60", "--store", store, "--report", report);

        Assert.True(first.ExitCode == 0, first.All);
        Assert.DoesNotContain('\u001b', first.All);
        Assert.Contains($"sqlite3 \"{store}\" \"select", first.Output, StringComparison.Ordinal);
        AssertViewsAgreeWithSite(store);
        var html = await File.ReadAllTextAsync(report);
        Assert.Contains("Verification", html, StringComparison.Ordinal);
        Assert.DoesNotContain("http-equiv", html, StringComparison.Ordinal);
        Assert.DoesNotContain("<script", html, StringComparison.Ordinal);

        var before = Dump(store);
        var second = await ProgramRun.Of("demo", "--store", store);

        Assert.True(second.ExitCode == 0, second.All);
        Assert.Equal(before, Dump(store));

        var other = await ProgramRun.Of("demo", "--store", store, "--devices", "61");

        Assert.Equal(64, other.ExitCode);
        Assert.Contains("60 devices", other.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_demo_leaves_a_store_alone_that_holds_another_job()
    {
        using var folder = new TemporaryFolder();
        var store = folder.File("real.db");
        using (var real = Store.AlloyStore.Open(Store.StoreLocation.Resolve(store)))
            real.Jobs.Create(new() { Name = "HQ", SiteUrl = new("https://scan.example.com/hq"), ClientId = "id", ClientSecret = Credentials.SecretReference.FromEnvironment("V") });

        var run = await ProgramRun.Of("demo", "--devices", "5", "--store", store);

        Assert.Equal(64, run.ExitCode);
        Assert.Contains("'HQ'", run.Error, StringComparison.Ordinal);
        Assert.Equal(["0"], Query(store, "select count(*) from computers"));
    }

    [Fact]
    public async Task A_report_into_a_folder_that_is_not_there_is_refused_before_any_work()
    {
        using var folder = new TemporaryFolder();

        var run = await ProgramRun.Of("demo", "--store", folder.File("demo.db"), "--report", Path.Combine(folder.Path, "none", "demo.html"));

        Assert.Equal(64, run.ExitCode);
        Assert.Empty(Directory.GetFiles(folder.Path));
    }

    private static void AssertViewsAgreeWithSite(string store)
    {
        var fleet = new SampleFleet(DemoScenario.SiteOptions(Devices));
        var listed = fleet.Devices(DemoScenario.LastDay).ToDictionary(d => d.Id.ToString());
        var computers = Query(store, "select device_id, name, coalesce(dns_name, ''), coalesce(os_platform, ''), memory_bytes from computers where missing_since is null");
        var hardware = Query(store, "select device_id from hardware where missing_since is null");
        var conflicts = Query(store, "select device_id from sync_conflicts where state = 'Open'");
        var known = computers.Select(c => c.Split('|')[0]).Concat(hardware).Concat(conflicts);

        Assert.Equal(listed.Keys.Order(), known.Order());
        Assert.All(hardware, id => Assert.Equal(SampleDeviceClass.Hardware, listed[id].Class));
        Assert.All(computers, row =>
        {
            var device = listed[row.Split('|')[0]];
            Assert.Equal(SampleDeviceClass.Computer, device.Class);
            Assert.Equal($"{device.Id}|{device.Name ?? device.DnsName}|{device.DnsName}|{device.Platform}|{device.MemoryBytes}", row);
        });

        var installations = Query(store, "select c.device_id, count(i.computer_id) from computers c left join discovered_installations i on i.computer_id = c.id where c.missing_since is null group by c.id");
        Assert.All(installations, row => Assert.Equal($"{row.Split('|')[0]}|{listed[row.Split('|')[0]].Installations}", row));

        var gone = fleet.Devices(0).Count(d => !fleet.IsListed(d.Index, DemoScenario.LastDay));
        Assert.Equal([$"{gone}"], Query(store, "select count(*) from sync_links where state = 'Missing'"));
    }

    /// <summary>The views, but for the record that a run took place.</summary>
    private static List<string> Dump(string store)
    {
        string[] views = ["computers", "hardware", "software_products", "discovered_installations", "sync_changes", "sync_conflicts", "sync_links"];
        return [.. views.SelectMany(view => Query(store, $"select '{view}', * from {view} order by 2, 3, 4, 5, 6"))];
    }

    private static List<string> Query(string store, string sql)
    {
        using var connection = new SqliteConnection($"Data Source={store};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        using var reader = command.ExecuteReader();
        var rows = new List<string>();
        while (reader.Read())
            rows.Add(string.Join('|', Enumerable.Range(0, reader.FieldCount).Select(i => reader.IsDBNull(i) ? "" : reader.GetValue(i))));

        return rows;
    }
}
