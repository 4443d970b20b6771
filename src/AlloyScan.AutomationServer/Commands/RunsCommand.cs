using System.CommandLine;
using AlloyScan.AutomationServer.Output;

namespace AlloyScan.AutomationServer.Commands;

/// <summary><c>alloyscan runs</c>: the history.</summary>
internal static class RunsCommand
{
    private const int DefaultLimit = 20;

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var job = new Argument<string?>("JOB") { Description = "Only the runs of this job.", Arity = ArgumentArity.ZeroOrOne };
        var limit = new Option<int>("--limit") { Description = "Most runs to show, newest first; 0 for all.", HelpName = "N", DefaultValueFactory = _ => DefaultLimit };
        limit.Validators.Add(Validate.AtLeast(0));
        var store = CommandHost.StoreOption();
        var json = CommandHost.JsonOption("Write one JSON object a run.");
        var verbose = CommandHost.VerboseOption();
        var command = new Command("runs", "List past runs, newest first.") { job, limit, store, json, verbose };
        CommandHost.SetAction(command, verbose, json, (invocation, cancellationToken) =>
        {
            using var alloyStore = CommandHost.OpenExistingStore(invocation.Parsed.GetValue(store), cancellationToken);
            var jobName = invocation.Parsed.GetValue(job);
            var most = invocation.Parsed.GetValue(limit);
            var runs = alloyStore.Runs.List(jobName, most == 0 ? null : most);
            if (invocation.Json is { } writer)
            {
                var any = false;
                foreach (var run in runs)
                {
                    any = true;
                    writer.WriteLine(JsonLine.Of(run));
                }

                if (!any && jobName is not null)
                    alloyStore.Jobs.Get(jobName);

                return Task.FromResult(ExitCode.Done);
            }

            var list = runs.ToList();
            if (list.Count > 0)
            {
                invocation.Screen.Table(Tables.History(list));
            }
            else
            {
                // Runs outlive their job, so a name without runs is wrong only if there is no such job either.
                if (jobName is not null)
                    alloyStore.Jobs.Get(jobName);

                invocation.Screen.Line("There are no runs yet.");
            }

            return Task.FromResult(ExitCode.Done);
        });
        return command;
    }
}
