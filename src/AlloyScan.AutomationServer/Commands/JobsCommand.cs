using System.CommandLine;
using AlloyScan.AutomationServer.Output;

namespace AlloyScan.AutomationServer.Commands;

/// <summary><c>alloyscan jobs</c>: the jobs of a store.</summary>
internal static class JobsCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var store = CommandHost.StoreOption();
        var json = CommandHost.JsonOption("Write one JSON object a job.");
        var verbose = CommandHost.VerboseOption();
        var command = new Command("jobs", "List the sync jobs of the store.") { store, json, verbose };
        CommandHost.SetAction(command, verbose, json, (invocation, cancellationToken) =>
        {
            using var alloyStore = CommandHost.OpenExistingStore(invocation.Parsed.GetValue(store), cancellationToken);
            var jobs = alloyStore.Jobs.List();
            if (invocation.Json is { } writer)
            {
                foreach (var job in jobs)
                    writer.WriteLine(JsonLine.Of(job));
            }
            else if (jobs.Count == 0)
            {
                invocation.Screen.Line("The store has no jobs.");
            }
            else
            {
                invocation.Screen.Table(Tables.Jobs(jobs));
            }

            return Task.FromResult(ExitCode.Done);
        });
        return command;
    }
}
