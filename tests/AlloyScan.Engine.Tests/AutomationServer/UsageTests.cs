using Xunit;

namespace AlloyScan.Engine.Tests.AutomationServer;

public sealed class UsageTests
{
    [Theory]
    [InlineData("no-such-command")]
    [InlineData("run")]
    [InlineData("run", "HQ", "--site-url", "https://scan.example.com")]
    [InlineData("run", "HQ", "--software", "all")]
    [InlineData("run", "HQ", "--max-api-calls", "0")]
    [InlineData("run", "HQ", "--max-api-calls", "many")]
    [InlineData("run", "HQ", "--no-such-option")]
    [InlineData("run", "--site-url", "https://scan.example.com", "--client-id", "id")]
    [InlineData("run", "--site-url", "https://scan.example.com", "--client-secret-env", "VAR")]
    [InlineData("run", "--site-url", "https://scan.example.com", "--client-id", "id", "--client-secret-env", "VAR", "--client-secret-file", "file")]
    [InlineData("run", "--site-url", "https://scan.example.com", "--client-id", "id", "--client-secret-env", "VAR", "--software", "amiga")]
    [InlineData("run", "--site-url", "https://scan.example.com", "--client-id", "id", "--client-secret-env", "VAR", "--software", "all,linux")]
    [InlineData("run", "--site-url", "not an address", "--client-id", "id", "--client-secret-env", "VAR")]
    [InlineData("runs", "--limit", "-1")]
    [InlineData("verify")]
    public async Task A_wrong_call_exits_with_64_and_says_why(params string[] args)
    {
        var run = await ProgramRun.Of(args);

        Assert.Equal(64, run.ExitCode);
        Assert.StartsWith("Error: ", run.Error, StringComparison.Ordinal);
        Assert.Empty(run.Output);
        Assert.DoesNotContain("   at ", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_bare_name_shows_help_on_the_error_stream_and_is_a_wrong_call()
    {
        var run = await ProgramRun.Of();

        Assert.Equal(64, run.ExitCode);
        Assert.Empty(run.Output);
        Assert.Contains("Usage:", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Help_exits_with_0_and_names_every_command_that_is_there()
    {
        var run = await ProgramRun.Of("--help");

        Assert.Equal(0, run.ExitCode);
        Assert.All(["demo", "run", "serve", "jobs", "runs", "verify"], name => Assert.Contains($"\n  {name}", run.Output, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("run", "--site-url", "https://scan.example.com", "--client-id", "id", "--client-secret", "hunter2")]
    [InlineData("run", "--site-url", "https://scan.example.com", "--client-id", "id", "--client-secret=hunter2")]
    [InlineData("run", "--site-url", "https://scan.example.com", "--client-id", "id", "--password", "hunter2")]
    [InlineData("run", "--site-url", "https://user:hunter2@scan.example.com", "--client-id", "id", "--client-secret-env", "VAR")]
    [InlineData("jobs", "--store", "Host=db;Username=u;Password=hunter2")]
    [InlineData("jobs", "--store", "postgres://u:hunter2@db/alloyscan")]
    [InlineData("jobs", "Host=db;Username=u;Password=hunter2")]
    [InlineData("jobs", "postgres://u:hunter2@db/alloyscan")]
    public async Task A_secret_in_an_argument_is_refused_and_never_repeated(params string[] args)
    {
        var run = await ProgramRun.Of(args);

        Assert.Equal(64, run.ExitCode);
        Assert.DoesNotContain("hunter2", run.All, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("jobs")]
    [InlineData("runs")]
    [InlineData("verify", "HQ")]
    [InlineData("run", "HQ")]
    public async Task A_store_that_is_not_there_is_not_made(params string[] args)
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("mistyped.db");

        var run = await ProgramRun.Of([.. args, "--store", path]);

        Assert.Equal(4, run.ExitCode);
        Assert.Contains(path, run.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(path));
    }

    [Fact]
    public async Task With_json_a_run_that_cannot_begin_still_ends_in_one_object()
    {
        using var folder = new TemporaryFolder();

        var run = await ProgramRun.Of("run", "HQ", "--json", "--store", folder.File("none.db"));

        Assert.Equal(4, run.ExitCode);
        Assert.Equal("HQ", run.LastLine.GetProperty("job").GetString());
        Assert.Equal("Failed", run.LastLine.GetProperty("status").GetString());
        Assert.Equal(4, run.LastLine.GetProperty("exit_code").GetInt32());
        Assert.Equal("StoreNotFound", run.LastLine.GetProperty("error_id").GetString());
        Assert.Single(run.Output.TrimEnd().Split('\n'));
    }
}
