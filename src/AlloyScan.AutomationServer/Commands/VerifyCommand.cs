using System.CommandLine;
using AlloyScan.AutomationServer.Output;
using AlloyScan.Engine.Sync;

namespace AlloyScan.AutomationServer.Commands;

/// <summary><c>alloyscan verify</c>: compares a job's site with the CMDB.</summary>
internal static class VerifyCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var job = new Argument<string>("JOB") { Description = "Name of the job." };
        var store = CommandHost.StoreOption();
        var json = CommandHost.JsonOption("Write one JSON object a check.");
        var verbose = CommandHost.VerboseOption();
        var command = new Command("verify", "Compare a job's site with the CMDB. Exits with 0 when all checks pass, 2 when one could not be made, 4 when one fails.") { job, store, json, verbose };
        CommandHost.SetAction(command, verbose, json, async (invocation, cancellationToken) =>
        {
            using var alloyStore = CommandHost.OpenExistingStore(invocation.Parsed.GetValue(store), cancellationToken);
            var request = new SyncRequest { Job = alloyStore.Jobs.Get(invocation.Parsed.GetRequiredValue(job)) };
            var checks = new List<VerificationCheck>();
            await foreach (var check in alloyStore.Sync.VerifyAsync(request, cancellationToken))
            {
                checks.Add(check);
                invocation.Json?.WriteLine(JsonLine.Of(check));
            }

            if (invocation.Json is null)
                Show(invocation.Screen, checks);

            return ExitCodeOf(checks);
        });
        return command;
    }

    /// <summary>Shows the table and what to do about the checks that did not pass.</summary>
    /// <param name="screen">Where.</param>
    /// <param name="checks">The rows.</param>
    public static void Show(Screen screen, IReadOnlyList<VerificationCheck> checks)
    {
        screen.Table(Tables.Checks(checks));
        foreach (var check in checks.Where(c => c.Verdict != Verdict.Passed && c.Advice is not null))
            screen.Line($"{check.Check}: {check.Advice}");
    }

    /// <summary>The exit code of a verification. Warnings alone are no failure.</summary>
    /// <param name="checks">The rows.</param>
    public static int ExitCodeOf(IReadOnlyCollection<VerificationCheck> checks) =>
        checks.Any(c => c.Verdict == Verdict.Failed) ? ExitCode.Failed
        : checks.Any(c => c is { Verdict: Verdict.NotChecked, IsRequired: true }) ? ExitCode.Partial
        : ExitCode.Done;
}
