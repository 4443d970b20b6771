using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json;
using AlloyScan.Benchmarks.Floor;

namespace AlloyScan.Benchmarks;

/// <summary>Starts this program again as one of its children.</summary>
internal static class Processes
{
    public static readonly string Secret = RandomNumberGenerator.GetHexString(40, lowercase: true);

    public static Process Start(params ReadOnlySpan<string> arguments)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardInput = true, RedirectStandardOutput = true };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath!).Equals("dotnet", StringComparison.OrdinalIgnoreCase))
            start.ArgumentList.Add(typeof(Processes).Assembly.Location);
        start.ArgumentList.Add("child");
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        start.Environment[Child.SecretVariable] = Secret;
        return Process.Start(start) ?? throw new InvalidOperationException("The child could not be started.");
    }

    /// <summary>Runs one side once.</summary>
    /// <param name="side"><c>engine</c> or <c>floor</c>.</param>
    /// <param name="what"><c>first</c> or <c>second</c>.</param>
    /// <param name="site">The site.</param>
    /// <param name="store">Its store.</param>
    /// <param name="trace">Whether statements are counted; costs time, so never in a timed round.</param>
    public static async Task<SyncFigures> SyncAsync(string side, string what, SiteProcess site, string store, bool trace = false)
    {
        using var child = trace ? Start(side, what, site.Url, SiteProcess.ClientId, store, "trace") : Start(side, what, site.Url, SiteProcess.ClientId, store);
        var output = await child.StandardOutput.ReadToEndAsync();
        await child.WaitForExitAsync();
        if (child.ExitCode != 0)
            throw new InvalidOperationException($"{side} {what} ended with exit code {child.ExitCode}.");

        var figures = JsonSerializer.Deserialize<SyncFigures>(output)!;
        if (figures.Status is "Failed" or "Canceled" or "Blocked")
            throw new InvalidOperationException($"The run ended as {figures.Status}: {figures.Message}");
        return figures;
    }
}

/// <summary>A sample site in a process of its own.</summary>
internal sealed class SiteProcess : IAsyncDisposable
{
    public const string ClientId = "benchmarkbenchmark00";

    private readonly Process _process;
    private readonly HttpClient _control;

    private SiteProcess(Process process, string url, HttpClient control) => (_process, Url, _control) = (process, url, control);

    public string Url { get; }

    public static async Task<SiteProcess> StartAsync(int devices, int software, double changeRate = 1)
    {
        var process = Processes.Start("site", Text(devices), Text(software), Text(changeRate), ClientId);
        var url = await process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException("The sample site did not start.");
        // Control calls need a token as well.
        return new SiteProcess(process, url, await FloorSite.AuthorizedAsync(new Uri(url), ClientId, Processes.Secret, new SocketsHttpHandler()));
    }

    /// <summary>Moves the site to another day.</summary>
    public async Task SetDayAsync(int day)
    {
        using var answer = await _control.PostAsJsonAsync(new Uri("_sample/day", UriKind.Relative), new { day });
        answer.EnsureSuccessStatusCode();
    }

    /// <summary>Calls since the last time, by route, control calls aside.</summary>
    public async Task<CallCounts> TakeCallsAsync()
    {
        var log = await _control.GetFromJsonAsync<JsonElement>(new Uri("_sample/log", UriKind.Relative));
        var counts = new CallCounts();
        foreach (var entry in log.GetProperty("calls").EnumerateArray())
        {
            var route = entry.GetProperty("route").GetString()!;
            var calls = entry.GetProperty("calls").GetInt32();
            if (route.Contains("token", StringComparison.Ordinal))
                counts.Tokens += calls;
            else if (route.Contains("snapshots", StringComparison.Ordinal))
                counts.Snapshots += calls;
            else if (route.Contains("devices/", StringComparison.Ordinal))
                counts.Details += calls;
            else if (route.EndsWith("devices", StringComparison.Ordinal))
                counts.Pages += calls;
            else if (!route.Contains("_sample", StringComparison.Ordinal))
                counts.Others += calls;
        }

        using var answer = await _control.DeleteAsync(new Uri("_sample/log", UriKind.Relative));
        answer.EnsureSuccessStatusCode();
        return counts;
    }

    public async ValueTask DisposeAsync()
    {
        _control.Dispose();
        _process.StandardInput.Close();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private static string Text(IFormattable value) => value.ToString(null, CultureInfo.InvariantCulture);
}

/// <summary>Calls that a site was asked, by kind.</summary>
internal sealed record CallCounts
{
    public int Tokens { get; set; }

    public int Pages { get; set; }

    public int Details { get; set; }

    public int Snapshots { get; set; }

    public int Others { get; set; }

    public int Sum => Tokens + Pages + Details + Snapshots + Others;
}
