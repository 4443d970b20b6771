using AlloyScan.Engine.Credentials;
using AlloyScan.Engine.Store;
using AlloyScan.SampleSite;
using Xunit;

namespace AlloyScan.Engine.Tests.AutomationServer;

/// <summary><c>run</c>, <c>jobs</c>, <c>runs</c> and <c>verify</c> against a sample site.</summary>
public sealed class RunTests : IAsyncLifetime, IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private SampleSiteHost _site = null!;

    public async Task InitializeAsync() => _site = await SampleSiteHost.StartAsync(new SampleSiteOptions { Devices = 30, SoftwarePerComputer = 10 });

    public async Task DisposeAsync() => await _site.DisposeAsync();

    public void Dispose() => _folder.Dispose();

    private string StorePath => _folder.File("store.db");

    private string[] Unsaved => ["run", "--site-url", _site.SiteUrl.AbsoluteUri, "--client-id", _site.ClientId, "--store", StorePath, "--client-secret-file", SecretFile(_site.ClientSecret)];

    [Fact]
    public async Task An_unsaved_job_syncs_and_its_last_line_is_the_run()
    {
        var run = await ProgramRun.Of([.. Unsaved, "--name", "Branch", "--json"]);

        Assert.True(run.ExitCode == 0, run.All);
        Assert.Equal("Branch", run.LastLine.GetProperty("job").GetString());
        Assert.Equal("Succeeded", run.LastLine.GetProperty("status").GetString());
        Assert.Equal(30, run.LastLine.GetProperty("devices_read").GetInt32());
        Assert.Single(run.Output.TrimEnd().Split('\n'));
        Assert.DoesNotContain(_site.ClientSecret, run.All, StringComparison.Ordinal);

        var again = await ProgramRun.Of([.. Unsaved, "--name", "Branch", "--json"]);

        Assert.Equal(0, again.LastLine.GetProperty("created").GetInt32());
        Assert.Equal(0, again.LastLine.GetProperty("updated").GetInt32());
        Assert.Equal(0, again.LastLine.GetProperty("installations_added").GetInt32());
    }

    [Fact]
    public async Task Software_is_left_out_when_none_is_asked_for()
    {
        var run = await ProgramRun.Of([.. Unsaved, "--software", "none", "--json"]);

        Assert.True(run.ExitCode == 0, run.All);
        Assert.Equal(0, run.LastLine.GetProperty("installations_added").GetInt32());
    }

    [Fact]
    public async Task A_rehearsal_lists_the_changes_and_writes_none()
    {
        var rehearsal = await ProgramRun.Of([.. Unsaved, "--what-if"]);

        Assert.True(rehearsal.ExitCode == 0, rehearsal.All);
        Assert.Contains("\ncreate ", "\n" + rehearsal.Output, StringComparison.Ordinal);

        using var store = AlloyStore.Open(StoreLocation.Resolve(StorePath));
        Assert.Empty(store.Cmdb.Computers());
        Assert.Empty(store.Runs.List());
    }

    [Fact]
    public async Task A_stored_job_runs_is_listed_and_is_verified()
    {
        using (var store = AlloyStore.Open(StoreLocation.Resolve(StorePath)))
        {
            store.Jobs.Create(new()
            {
                Name = "HQ", SiteUrl = _site.SiteUrl, ClientId = _site.ClientId,
                ClientSecret = SecretReference.FromFile(SecretFile(_site.ClientSecret)),
            });
        }

        var run = await ProgramRun.Of("run", "hq", "--store", StorePath);
        var jobs = await ProgramRun.Of("jobs", "--store", StorePath);
        var runs = await ProgramRun.Of("runs", "HQ", "--store", StorePath, "--json");
        var verification = await ProgramRun.Of("verify", "HQ", "--store", StorePath);

        Assert.True(run.ExitCode == 0, run.All);
        Assert.Contains("Succeeded", run.Output, StringComparison.Ordinal);
        Assert.Contains("HQ", jobs.Output, StringComparison.Ordinal);
        Assert.Equal("Succeeded", runs.LastLine.GetProperty("status").GetString());
        Assert.True(verification.ExitCode == 0, verification.All);
    }

    [Fact]
    public async Task A_wrong_secret_fails_with_4_and_the_secret_is_not_shown()
    {
        string[] args = ["run", "--site-url", _site.SiteUrl.AbsoluteUri, "--client-id", _site.ClientId, "--store", StorePath, "--client-secret-file", SecretFile("hunter2-is-wrong"), "--json", "--verbose"];

        var run = await ProgramRun.Of(args);

        Assert.Equal(4, run.ExitCode);
        Assert.Equal("Failed", run.LastLine.GetProperty("status").GetString());
        Assert.Contains("Error: ", run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", run.All, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_variable_that_is_not_set_fails_with_4_and_is_named()
    {
        var run = await ProgramRun.Of("run", "--site-url", _site.SiteUrl.AbsoluteUri, "--client-id", _site.ClientId, "--store", StorePath, "--client-secret-env", "ALLOYSCAN_TEST_NOT_SET", "--json");

        Assert.Equal(4, run.ExitCode);
        Assert.Contains("ALLOYSCAN_TEST_NOT_SET", run.Error, StringComparison.Ordinal);
        Assert.Equal("SecretNotFound", run.LastLine.GetProperty("error_id").GetString());
    }

    [Theory]
    [InlineData("run", "No such job")]
    [InlineData("verify", "No such job")]
    [InlineData("runs", "No such job")]
    public async Task An_unknown_job_fails_with_4_and_is_named(params string[] args)
    {
        AlloyStore.Open(StoreLocation.Resolve(StorePath)).Dispose();

        var run = await ProgramRun.Of([.. args, "--store", StorePath]);

        Assert.Equal(4, run.ExitCode);
        Assert.Contains("No such job", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Plain_http_to_another_host_is_a_wrong_call()
    {
        var run = await ProgramRun.Of("run", "--site-url", "http://scan.example.com/hq", "--client-id", "id", "--store", StorePath, "--client-secret-file", SecretFile("s"));

        Assert.Equal(64, run.ExitCode);
        Assert.Contains("HTTPS", run.Error, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task A_file_that_is_no_store_is_named_and_left_alone()
    {
        await File.WriteAllTextAsync(StorePath, "This is a letter to my aunt.");

        var run = await ProgramRun.Of("jobs", "--store", StorePath);

        Assert.Equal(4, run.ExitCode);
        Assert.Contains(StorePath, run.Error, StringComparison.Ordinal);
        Assert.Equal("This is a letter to my aunt.", await File.ReadAllTextAsync(StorePath));
    }

    [Fact]
    public async Task A_canceled_run_ends_with_5_and_the_next_one_does_the_rest()
    {
        await using var slow = await SampleSiteHost.StartAsync(new SampleSiteOptions { Devices = 200, SoftwarePerComputer = 5, Latency = TimeSpan.FromMilliseconds(60) });
        string[] args = ["run", "--site-url", slow.SiteUrl.AbsoluteUri, "--client-id", slow.ClientId, "--store", StorePath, "--client-secret-file", SecretFile(slow.ClientSecret), "--json"];
        using var stop = new CancellationTokenSource(TimeSpan.FromMilliseconds(900));

        var stopped = await ProgramRun.Of(stop.Token, args);

        Assert.True(stopped.ExitCode == 5, stopped.All);
        Assert.Equal("Canceled", stopped.LastLine.GetProperty("status").GetString());

        var next = await ProgramRun.Of(args);

        Assert.True(next.ExitCode == 0, next.All);
        using var store = AlloyStore.Open(StoreLocation.Resolve(StorePath));
        Assert.Equal(200, store.Cmdb.Computers().Count() + store.Cmdb.Hardware().Count() + next.LastLine.GetProperty("conflicts").GetInt32());
    }

    private string SecretFile(string secret)
    {
        var path = _folder.File($"{Guid.NewGuid():N}.secret");
        File.WriteAllText(path, secret + "\n");
        return path;
    }
}
