using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Management.Automation;
using System.Security;
using System.Text;
using System.Text.Json;

namespace AlloyScan.PowerShell.SampleSites;

/// <summary>What Start-AlloyScanSampleSite asks for.</summary>
internal sealed record SampleSiteRequest(int Devices, int Seed, int Day, int Port, bool Doubtful, IReadOnlyList<string> Faults, string? ApiPath);

/// <summary>Starts sample sites as child processes, which end with this process.</summary>
internal static class SampleSiteLauncher
{
    /// <summary>The site's exit code for a command line that it does not understand.</summary>
    private const int BadUsage = 64;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);
    private static readonly object s_gate = new();
    private static readonly List<SampleSite> s_sites = [];

    /// <summary>Sites that this process started and that are still up.</summary>
    public static IReadOnlyList<SampleSite> Running
    {
        get
        {
            lock (s_gate)
                return [.. s_sites.Where(site => site.IsRunning)];
        }
    }

    /// <summary>Starts a site and waits until it says its address.</summary>
    /// <param name="assembly">Path of AlloyScan.SampleSite.dll.</param>
    /// <param name="request">The fleet.</param>
    /// <param name="trace">Receives the steps.</param>
    /// <param name="cancellationToken">Ends the wait, and the site.</param>
    /// <exception cref="Engine.AlloyScanException">The site does not start (<c>SampleSiteNotStarted</c>).</exception>
    public static async Task<SampleSite> StartAsync(string assembly, SampleSiteRequest request, Action<string> trace, CancellationToken cancellationToken)
    {
        if (!File.Exists(assembly))
            throw SampleSite.CannotStart($"'{assembly}' is missing.", "Build the module anew, or install it again.");

        var process = Start(assembly, request);
        trace($"Started process {process.Id}: {Path.GetFileName(assembly)}");
        var errors = new StringBuilder();
        process.ErrorDataReceived += (_, line) =>
        {
            lock (errors)
                errors.AppendLine(line.Data);
        };
        process.BeginErrorReadLine();
        try
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            patience.CancelAfter(s_patience);
            var line = await process.StandardOutput.ReadLineAsync(patience.Token).ConfigureAwait(false);
            if (line is null)
            {
                await process.WaitForExitAsync(patience.Token).ConfigureAwait(false);
                throw SampleSite.CannotStart(Words(errors, $"its process ended with exit code {process.ExitCode}."), process.ExitCode == BadUsage ? "Get-Help Start-AlloyScanSampleSite -Parameter Fault tells how a fault is written." : "It needs the ASP.NET Core runtime 10: dotnet --list-runtimes shows what there is.");
            }

            var site = Read(line, process, request);
            // Later lines are of no use here, but a full pipe would stop the site.
            _ = DrainAsync(process.StandardOutput);
            lock (s_gate)
                s_sites.Add(site);

            return site;
        }
        catch (Exception e)
        {
            Kill(process);
            if (e is OperationCanceledException && !cancellationToken.IsCancellationRequested)
                throw SampleSite.CannotStart(Words(errors, $"it said nothing for {s_patience.TotalSeconds:0} seconds."), "Try again when the machine is less busy.", e);

            throw;
        }
    }

    public static void Forget(SampleSite site)
    {
        lock (s_gate)
            s_sites.Remove(site);
    }

    private static Process Start(string assembly, SampleSiteRequest request)
    {
        var start = new ProcessStartInfo("dotnet")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            CreateNoWindow = true,
            WorkingDirectory = Path.GetDirectoryName(assembly)!,
        };
        string[] arguments =
        [
            assembly, "--json", "--stop-on-eof",
            "--parent-pid", Text(Environment.ProcessId),
            "--devices", Text(request.Devices), "--seed", Text(request.Seed), "--day", Text(request.Day), "--port", Text(request.Port), .. request.Doubtful ? ["--doubtful"] : Array.Empty<string>(),
            .. request.ApiPath is null ? Array.Empty<string>() : ["--api-path", request.ApiPath],
            .. request.Faults.SelectMany(fault => (string[])["--fault", SampleFaults.Argument(fault)]),
        ];
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);

        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception e)
        {
            throw SampleSite.CannotStart("the program 'dotnet' is not on the PATH.", "Install the .NET 10 SDK, or the ASP.NET Core runtime 10, from https://dot.net.", e);
        }
    }

    /// <summary>Understands the site's first line: <c>{"url", "clientId", "clientSecret", "pid"}</c>.</summary>
    private static SampleSite Read(string line, Process process, SampleSiteRequest request)
    {
        try
        {
            using var json = JsonDocument.Parse(line);
            var secret = new SecureString();
            foreach (var c in json.RootElement.GetProperty("clientSecret").GetString()!)
                secret.AppendChar(c);

            secret.MakeReadOnly();
            var credential = new PSCredential(json.RootElement.GetProperty("clientId").GetString()!, secret);
            return new SampleSite(process, new Uri(json.RootElement.GetProperty("url").GetString()!), credential, request.Devices, request.Seed, request.Day, request.Faults);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or UriFormatException)
        {
            // The line may hold the secret, so it is not quoted.
            throw SampleSite.CannotStart("its first line is not what was expected.", "Module and sample site are of different versions: build anew.", e);
        }
    }

    private static async Task DrainAsync(StreamReader output)
    {
        try
        {
            while (await output.ReadLineAsync().ConfigureAwait(false) is not null)
            {
            }
        }
        catch (Exception e) when (e is ObjectDisposedException or IOException or InvalidOperationException)
        {
            // The site has ended.
        }
    }

    private static void Kill(Process process)
    {
        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // It has ended.
        }

        process.Dispose();
    }

    private static string Words(StringBuilder errors, string otherwise)
    {
        lock (errors)
            return errors.ToString().Trim() is { Length: > 0 } text ? text : otherwise;
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
