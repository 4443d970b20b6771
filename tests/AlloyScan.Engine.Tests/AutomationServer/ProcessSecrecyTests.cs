using System.Diagnostics;
using AlloyScan.Engine.Tests.Sync;
using AlloyScan.SampleSite;
using Xunit;

namespace AlloyScan.Engine.Tests.AutomationServer;

/// <summary><c>alloyscan</c> as a program of its own, at its most talkative and in trouble, says no secret and takes none as an argument.</summary>
public sealed class ProcessSecrecyTests
{
    private const string Secret = "Pr0cess+secret/of=0815";

    [Theory]
    [InlineData("echo", true)]
    [InlineData("echo-token", false)]
    [InlineData("echo-list", true)]
    [InlineData("html", false)]
    [InlineData("wrong-types", true)]
    [InlineData("wrong secret", true)]
    [InlineData("crash", false)]
    public async Task It_says_no_secret(string trouble, bool json)
    {
        using var folder = new TemporaryFolder();
        await using var site = await SampleSiteHost.StartAsync(new SampleSiteOptions { Devices = 30, MaxPageSize = 10, SoftwarePerComputer = 5, ClientSecret = Secret });
        var given = trouble == "wrong secret" ? "Wr0ng+secret/of=4711" : Secret;
        if (FaultPlan.Presets.Contains(trouble))
            site.State.Faults.Faults = FaultPlan.Preset(trouble);
        var store = trouble == "crash" ? folder.Path : folder.File("store.db");
        var start = new ProcessStartInfo(Environment.ProcessPath is { } host && Path.GetFileNameWithoutExtension(host) == "dotnet" ? host : "dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            ArgumentList =
            {
                Path.Combine(AppContext.BaseDirectory, "alloyscan.dll"), "run", "--site-url", site.SiteUrl.AbsoluteUri, "--client-id", site.ClientId,
                "--client-secret-env", "ALLOYSCAN_PROCESS_SECRET", "--store", store, "--verbose",
            },
            Environment = { ["ALLOYSCAN_PROCESS_SECRET"] = given },
        };
        if (json)
            start.ArgumentList.Add("--json");

        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        await process.WaitForExitAsync(patience.Token);

        var overheard = new Overheard();
        overheard.Add(await output);
        overheard.Add(await error);
        overheard.Add(string.Join(' ', start.ArgumentList));
        if (File.Exists(store))
            overheard.AddFiles(store);
        Assert.NotEqual(0, process.ExitCode);
        Assert.NotEmpty((await output) + await error);
        Assert.Equal(trouble is "echo-token" or "wrong secret" or "crash", site.State.Tokens.Issued.Count == 0);
        overheard.AssertSilentOn([Secret, given, .. site.State.Tokens.Issued]);
    }
}
