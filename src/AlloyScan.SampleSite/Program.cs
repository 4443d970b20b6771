using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace AlloyScan.SampleSite;

internal static class Program
{
    private const int Ended = 0;
    private const int CouldNotStart = 1;
    private const int BadUsage = 64;

    private static async Task<int> Main(string[] arguments)
    {
        CommandLine line;
        try
        {
            line = CommandLine.Parse(arguments, Environment.GetEnvironmentVariable(CommandLine.SecretVariable));
        }
        catch (UsageException e)
        {
            await Console.Error.WriteLineAsync(e.Message);
            return BadUsage;
        }

        if (line.ShowHelp)
        {
            await Console.Out.WriteAsync(CommandLine.Help);
            return Ended;
        }

        using var stop = new CancellationTokenSource();
        using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        try
        {
            await using var site = await SampleSiteHost.StartAsync(line.Site, stop.Token);
            if (line.Json)
                WriteJson(site);
            else
                WriteText(site, secretIsOurs: line.Site.ClientSecret is null);

            if (line.ParentProcess is { } parent)
                _ = StopWithAsync(parent, stop);

            if (line.StopOnEndOfInput)
                _ = StopAtEndOfInputAsync(stop);

            await Task.Delay(Timeout.Infinite, stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return Ended;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return Ended;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidOperationException)
        {
            await Console.Error.WriteLineAsync($"The sample site could not start: {e.Message}");
            return CouldNotStart;
        }

        void Stop(PosixSignalContext signal)
        {
            signal.Cancel = true;

            // Ctrl+C goes to all programs of a terminal. A site that serves a parent ends with it, and not with a command that is interrupted there.
            if (signal.Signal != PosixSignal.SIGINT || line.ParentProcess is null)
                stop.Cancel();
        }
    }

    private static void WriteText(SampleSiteHost site, bool secretIsOurs)
    {
        var output = Console.Out;
        output.WriteLine($"AlloyScan sample site, {site.State.Count} devices, seed {site.Options.Seed}, day {site.State.Day}");
        output.WriteLine();
        output.WriteLine($"  Site URL       {site.SiteUrl}");
        output.WriteLine($"  Client ID      {site.ClientId}");
        output.WriteLine($"  Client secret  {(secretIsOurs ? site.ClientSecret : $"(from {CommandLine.SecretVariable})")}");
        output.WriteLine();
        output.WriteLine("Press Ctrl+C to stop.");
    }

    private static void WriteJson(SampleSiteHost site)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("url", site.SiteUrl.AbsoluteUri);
            writer.WriteString("clientId", site.ClientId);
            writer.WriteString("clientSecret", site.ClientSecret);
            writer.WriteNumber("pid", Environment.ProcessId);
            writer.WriteEndObject();
        }

        Console.Out.WriteLine(System.Text.Encoding.UTF8.GetString(buffer.ToArray()));
        Console.Out.Flush();
    }

    private static async Task StopWithAsync(int parent, CancellationTokenSource stop)
    {
        try
        {
            using var process = Process.GetProcessById(parent);
            await process.WaitForExitAsync(stop.Token);
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException or OperationCanceledException)
        {
            // Gone already, or we are stopping anyway.
        }

        await stop.CancelAsync();
    }

    private static async Task StopAtEndOfInputAsync(CancellationTokenSource stop)
    {
        // Reading the console blocks, so it has a thread of its own.
        await Task.Factory.StartNew(
            static () =>
            {
                using var input = Console.OpenStandardInput();
                Span<byte> ignored = stackalloc byte[256];
                while (input.Read(ignored) > 0)
                {
                }
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default);
        await stop.CancelAsync();
    }
}
