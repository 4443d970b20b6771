using System.CommandLine;
using AlloyScan.AutomationServer.Demo;
using AlloyScan.Engine;

namespace AlloyScan.AutomationServer.Commands;

/// <summary><c>alloyscan demo</c>: the main job from end to end, against a sample site that the program brings along.</summary>
internal static class DemoCommand
{
    private const int MostDevices = 1_000_000;

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var devices = new Option<int?>("--devices") { Description = $"Size of the sample site. Default: {DemoScenario.DefaultDevices}, or what the store's demo had.", HelpName = "N" };
        devices.Validators.Add(Validate.AtLeast(1, MostDevices));
        var store = new Option<string?>("--store") { Description = "SQLite file to sync into; a demo that is in it already is continued. Default: a new file in the folder for temporary files.", HelpName = "PATH" };
        var report = new Option<string?>("--report") { Description = "Write what was seen into this HTML file too.", HelpName = "FILE" };
        var verbose = CommandHost.VerboseOption();
        var command = new Command("demo", "Sync a sample site into a CMDB, step by step: nothing else is needed.") { devices, store, report, verbose };
        CommandHost.SetAction(command, verbose, json: null, (invocation, cancellationToken) =>
        {
            var reportPath = invocation.Parsed.GetValue(report) is { } file ? Path.GetFullPath(file) : null;
            if (reportPath is not null && !Directory.Exists(Path.GetDirectoryName(reportPath)))
                throw new AlloyScanException(ErrorKind.InvalidArgument, "ReportFolderNotFound", $"The folder of the report '{reportPath}' does not exist.", reportPath);

            return new DemoScenario(invocation.Screen, invocation.Parsed.GetValue(devices), invocation.Parsed.GetValue(store), reportPath).RunAsync(cancellationToken);
        });
        return command;
    }
}
