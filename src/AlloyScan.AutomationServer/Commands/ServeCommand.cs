using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using AlloyScan.AutomationServer.Serving;

namespace AlloyScan.AutomationServer.Commands;

/// <summary><c>alloyscan serve</c>: runs enabled jobs on their schedules until it is stopped.</summary>
internal static class ServeCommand
{
    private const int MostConcurrent = 64;
    private const int MostStopSeconds = 3600;
    private const int LargestPort = 65535;

    // No port has this number. An option cannot hold "no number at all".
    private const int NoPort = -1;

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var store = CommandHost.StoreOption();
        var maxConcurrent = new Option<int>("--max-concurrent")
        {
            Description = "Most runs at the same time. Runs that write one CMDB take turns whatever this is.", HelpName = "N", DefaultValueFactory = _ => ServeSettings.DefaultMaxConcurrent,
        };
        maxConcurrent.Validators.Add(Validate.AtLeast(1, MostConcurrent));
        var healthPort = new Option<int>("--health-port")
        {
            Description = $"Port of /health and /metrics on 127.0.0.1: a number, 0 for any free one, or off. Default: {ServeSettings.DefaultHealthPort}.", HelpName = "PORT",
            DefaultValueFactory = _ => ServeSettings.DefaultHealthPort, CustomParser = ParsePort,
        };
        var logFile = new Option<string?>("--log-file") { Description = "Write the log as JSON lines into this file too. A new one is begun each day and after 50 MB; 14 are kept.", HelpName = "FILE" };
        var logFormat = new Option<string>("--log-format") { Description = "How the console shows the log: text or json.", HelpName = "text|json", DefaultValueFactory = _ => "text" };
        logFormat.AcceptOnlyFromAmong("text", "json");
        var stopSeconds = new Option<int>("--stop-seconds")
        {
            Description = "How long runs get to end when the server is stopped.", HelpName = "N", DefaultValueFactory = _ => ServeSettings.DefaultStopSeconds,
        };
        stopSeconds.Validators.Add(Validate.AtLeast(1, MostStopSeconds));
        var verbose = CommandHost.VerboseOption();
        var command = new Command("serve", "Run enabled jobs on their schedules until stopped by Ctrl+C or SIGTERM.") { store, maxConcurrent, healthPort, logFile, logFormat, stopSeconds, verbose };
        CommandHost.SetAction(command, verbose, json: null, async (invocation, cancellationToken) =>
        {
            var parsed = invocation.Parsed;
            using var alloyStore = CommandHost.OpenExistingStore(parsed.GetValue(store), cancellationToken);
            var settings = new ServeSettings
            {
                MaxConcurrent = parsed.GetValue(maxConcurrent),
                HealthPort = parsed.GetValue(healthPort) is var port and not NoPort ? port : null,
                LogFile = parsed.GetValue(logFile),
                JsonLog = parsed.GetValue(logFormat) == "json",
                StopPatience = TimeSpan.FromSeconds(parsed.GetValue(stopSeconds)),
                Verbose = parsed.GetValue(verbose),
            };
            await ServeHost.RunAsync(alloyStore, settings, TimeProvider.System, cancellationToken);
            return ExitCode.Done;
        });
        return command;
    }

    private static int ParsePort(ArgumentResult result)
    {
        var text = result.Tokens.Count == 1 ? result.Tokens[0].Value : string.Empty;
        if (text.Equals("off", StringComparison.OrdinalIgnoreCase))
            return NoPort;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port <= LargestPort)
            return port;

        result.AddError($"--health-port takes a number from 0 to {LargestPort}, or off, but got '{text}'.");
        return NoPort;
    }
}
