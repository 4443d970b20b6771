using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using AlloyScan.Benchmarks.Floor;
using AlloyScan.SampleSite;

namespace AlloyScan.Benchmarks;

/// <summary>
/// The side of a measurement that runs in a process of its own, so that its CPU time and memory are nobody else's.
/// The first line of output of a site says where it is; that of the others is the figures.
/// </summary>
internal static class Child
{
    /// <summary>The client secret goes by the environment, never by an argument.</summary>
    public const string SecretVariable = "ALLOYSCAN_BENCHMARK_SECRET";

    public static async Task<int> RunAsync(string[] arguments)
    {
        var secret = Environment.GetEnvironmentVariable(SecretVariable) ?? throw new InvalidOperationException($"{SecretVariable} is not set.");
        if (arguments is ["site", var devices, var software, var changeRate, var id])
        {
            await ServeAsync(new SampleSiteOptions
            {
                Devices = int.Parse(devices, CultureInfo.InvariantCulture),
                SoftwarePerComputer = int.Parse(software, CultureInfo.InvariantCulture),
                ChangeRate = double.Parse(changeRate, CultureInfo.InvariantCulture),
                ClientId = id,
                ClientSecret = secret,
            });
            return 0;
        }

        if (arguments is not [var side, var what, var url, var clientId, var path, .. var rest])
            throw new ArgumentException("A child is told: SIDE first|second URL CLIENT-ID STORE [trace].");

        var trace = rest is ["trace"];
        if (trace)
            StatementTrace.Start();
        SyncFigures figures;
        if (side == "engine")
        {
            figures = await EngineSync.RunAsync(new Uri(url), clientId, secret, path);
        }
        else
        {
            using var site = await FloorSite.ConnectAsync(new Uri(url), clientId, secret);
            figures = await (what == "first" ? FloorSync.FirstAsync(site, path) : FloorSync.SecondAsync(site, path));
        }

        using var self = Process.GetCurrentProcess();
        figures.Wall = (DateTime.Now - self.StartTime).TotalSeconds;
        figures.Cpu = Environment.CpuUsage.TotalTime.TotalSeconds;
        figures.PeakMegabytes = self.PeakWorkingSet64 / 1048576.0;
        figures.Writes = trace ? StatementTrace.Writes : null;
        await Console.Out.WriteLineAsync(JsonSerializer.Serialize(figures));
        return 0;
    }

    private static async Task ServeAsync(SampleSiteOptions options)
    {
        await using var site = await SampleSiteHost.StartAsync(options);
        await Console.Out.WriteLineAsync(site.BaseUrl.AbsoluteUri);
        // The harness holds the other end of standard input, so the site ends with it, however it ends.
        while (await Console.In.ReadLineAsync() is not null)
        {
        }
    }
}
