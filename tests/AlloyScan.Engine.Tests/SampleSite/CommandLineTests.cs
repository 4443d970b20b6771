using System.Diagnostics;
using System.Text.Json;
using AlloyScan.SampleSite;
using Xunit;

namespace AlloyScan.Engine.Tests.SampleSite;

public sealed class CommandLineTests
{
    [Fact]
    public void Options_are_read_with_a_blank_or_an_equals_sign()
    {
        var line = CommandLine.Parse(["--devices", "1000", "--seed=7", "--day", "3", "--json", "--slug", "hq", "--junk-rate", "0.1", "--parent-pid", "12"], secret: "s");

        Assert.Equal((1000, 7, 3, "hq", 0.1, "s"), (line.Site.Devices, line.Site.Seed, line.Site.Day, line.Site.Slug, line.Site.JunkRate, line.Site.ClientSecret));
        Assert.True(line.Json);
        Assert.Equal(12, line.ParentProcess);
    }

    [Theory]
    [InlineData("--devices", "many")]
    [InlineData("--devices", "-3")]
    [InlineData("--devices")]
    [InlineData("--colour", "red")]
    [InlineData("--day", "999999")]
    [InlineData("--port", "70000")]
    [InlineData("--software", "5000")]
    [InlineData("--max-page-size", "0")]
    [InlineData("--client-secret", "hush")]
    [InlineData("--json=yes")]
    public void Bad_usage_names_the_option(params string[] arguments)
    {
        var e = Assert.Throws<UsageException>(() => CommandLine.Parse(arguments, null));

        Assert.Contains(arguments[0].Split('=')[0], e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hush", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_help_names_every_option_that_is_read()
    {
        using var plan = new TemporaryFile("# nothing\npreset shaky\n");
        foreach (var option in CommandLine.Help.Split('\n').Where(l => l.StartsWith("  --", StringComparison.Ordinal)).Select(l => l.Trim().Split(' ')[0]))
        {
            string[] arguments = option switch
            {
                "--slug" or "--client-id" or "--access-log" => [option, "x"],
                "--token-path" or "--api-path" => [option, "/t"],
                "--fault" => [option, "Reset:rate=0.5"],
                "--fault-plan" => [option, plan.Path],
                "--help" or "--json" or "--stop-on-eof" or "--last-seen-moves" or "--doubtful" or "--no-retry-after" or "--gzip" or "--chunked" or "--unknown-fields" or "--registration-expired" or "--registration-disabled" => [option],
                _ => [option, "1"],
            };
            CommandLine.Parse(arguments, null);
        }
    }

    [Fact]
    public void Faults_come_from_the_command_line_and_from_a_file()
    {
        using var plan = new TemporaryFile("# nothing\npreset shaky\n");
        var faults = CommandLine.Parse(["--fault", "Reset:rate=0.5", "--fault-plan", plan.Path, "--fault=preset redirect"], null).Site.Faults;
        Assert.Equal(["Reset:rate=0.5", "ServerError:rate=0.05", "Redirect:on=List"], faults.Select(f => f.ToString()));
        Assert.Contains("Boom", Assert.Throws<UsageException>(() => CommandLine.Parse(["--fault", "Boom"], null)).Message, StringComparison.Ordinal);
        Assert.Contains("nowhere", Assert.Throws<UsageException>(() => CommandLine.Parse(["--fault-plan", "/nowhere/plan"], null)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_program_says_where_it_is_and_ends_with_its_input()
    {
        var program = typeof(SampleSiteHost).Assembly.Location;
        using var process = Process.Start(new ProcessStartInfo("dotnet")
        {
            ArgumentList = { program, "--devices", "10", "--json", "--stop-on-eof" },
            Environment = { [CommandLine.SecretVariable] = "from the environment" },
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        try
        {
            using var first = JsonDocument.Parse((await process.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(30)))!);
            Assert.StartsWith("http://127.0.0.1:", first.RootElement.GetProperty("url").GetString(), StringComparison.Ordinal);
            Assert.Equal("from the environment", first.RootElement.GetProperty("clientSecret").GetString());
            Assert.Equal(20, first.RootElement.GetProperty("clientId").GetString()!.Length);
            Assert.Equal(process.Id, first.RootElement.GetProperty("pid").GetInt32());

            process.StandardInput.Close();
            await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30));
            Assert.Equal(0, process.ExitCode);
        }
        finally
        {
            if (!process.HasExited)
                process.Kill();
        }
    }

    private sealed class TemporaryFile : IDisposable
    {
        public TemporaryFile(string text) => File.WriteAllText(Path, text);

        public string Path { get; } = System.IO.Path.GetTempFileName();

        public void Dispose() => File.Delete(Path);
    }
}
