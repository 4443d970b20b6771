using System.CommandLine;
using AlloyScan.AutomationServer.Output;
using AlloyScan.Engine.Store;
using AlloyScan.Engine.Sync;

namespace AlloyScan.AutomationServer.Commands;

/// <summary><c>alloyscan report</c>: what one run did, from what the store kept of it. No site is asked.</summary>
internal static class ReportCommand
{
    private const int ShownOnScreen = 20;

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var run = new Argument<long>("RUN") { Description = "Number of the run, as 'alloyscan runs' shows it." };
        var html = new Option<string?>("--html") { Description = "Write the report into this HTML file.", HelpName = "FILE" };
        var limit = new Option<int?>("--limit") { Description = $"Most changes, and most errors, to show; 0 for all. Default: {ShownOnScreen} on the screen, all in a file and with --json.", HelpName = "N" };
        limit.Validators.Add(Validate.AtLeast(0));
        var store = CommandHost.StoreOption();
        var json = CommandHost.JsonOption("Write one JSON object a change and an error, and last that of the run.");
        var verbose = CommandHost.VerboseOption();
        var command = new Command("report", "Show what a run did: counts, changes and errors.") { run, html, limit, store, json, verbose };
        CommandHost.SetAction(command, verbose, json, (invocation, cancellationToken) =>
        {
            using var alloyStore = CommandHost.OpenExistingStore(invocation.Parsed.GetValue(store), cancellationToken);
            var reported = alloyStore.Runs.Get(invocation.Parsed.GetValue(run));
            var path = invocation.Parsed.GetValue(html) is { } file ? Path.GetFullPath(file) : null;
            var most = invocation.Parsed.GetValue(limit) switch
            {
                0 => int.MaxValue,
                { } given => given,
                null => path is null && invocation.Json is null ? ShownOnScreen : int.MaxValue,
            };
            var report = new Report(alloyStore, reported, most, cancellationToken);
            if (path is not null)
            {
                HtmlPage.Write(path, report.Title, report.Write);
                if (invocation.Json is null)
                    invocation.Screen.Line($"The report is {path}.");
            }

            if (invocation.Json is { } writer)
                report.Write(writer);
            else if (path is null)
                report.Show(invocation.Screen);

            return Task.FromResult(ExitCode.Done);
        });
        return command;
    }

    /// <summary>A run with what is kept of it, which is read when it is written.</summary>
    private sealed class Report(AlloyStore store, SyncRun run, int most, CancellationToken cancellationToken)
    {
        public string Title => $"Run {run.Id} of '{run.Job}'";

        private string Origin => $"{run.Kind} from {run.Site} into {run.Target}, started {Words.Time(run.StartedAt)} UTC.";

        private IEnumerable<JournalEntry> Changes => Checked(store.Runs.Changes(run.Id));

        private IEnumerable<SyncError> Errors => Checked(store.Runs.Errors(run.Id));

        public void Show(Screen screen)
        {
            screen.Heading(Title);
            screen.Line(Origin);
            screen.Line(run.EndedAt is null ? $"{Words.Status(run.Status)}." : Words.Outcome(run));
            foreach (var sentence in Notes())
                screen.Line(sentence);
            screen.Table(Tables.Counts(run));
            var (changes, actions) = CountChanges();
            screen.Heading(Summary(changes, actions));
            if (changes > 0)
                screen.Table(Tables.Journal(Changes.Take(most)));
            if (run.Errors > 0)
            {
                screen.Heading(ErrorSummary());
                screen.Table(Tables.Errors(Errors.Take(most)));
            }
        }

        public void Write(HtmlPage page)
        {
            page.Paragraph(Origin);
            foreach (var sentence in Notes())
                page.Paragraph(sentence);
            page.Table(
                ["Status", "Time", "Complete", "API calls", "Devices read", "Created", "Updated", "Unchanged", "Conflicts", "Missing", "Retired", "Deleted in AlloyScan", "Held", "Skipped", "Parked", "Errors", "Installations added", "Installations removed"],
                [[run.Status, Words.Duration(run.Duration), run.Complete ? "yes" : "no", run.ApiCalls, run.DevicesRead, run.Created, run.Updated, run.Unchanged, run.Conflicts, run.Missing, run.Retired, run.DeletedInAlloyScan, run.Held, run.Skipped, run.Parked, run.Errors, run.InstallationsAdded, run.InstallationsRemoved]]);
            page.Heading("Time per stage");
            page.Table(["Stage", "Time"], run.StageSeconds.Select(s => new object?[] { s.Key, Words.Duration(TimeSpan.FromSeconds(s.Value)) }));
            var (changes, actions) = CountChanges();
            page.Heading("Changes");
            page.Paragraph(Summary(changes, actions));
            if (changes > 0)
                page.Table(["Action", "Class", "ID", "Field", "Before", "After"], Changes.Take(most).Select(c => new object?[] { c.Action, c.Class, c.RecordId, c.Field, c.OldValue, c.NewValue }));
            page.Heading("Errors");
            page.Paragraph(ErrorSummary());
            if (run.Errors > 0)
                page.Table(["Device", "ID", "Stage", "Error", "Attempts", "What was wrong"], Errors.Take(most).Select(e => new object?[] { e.DeviceName, e.DeviceId, e.Stage, e.ErrorId, e.Attempts, e.Message }));
        }

        public void Write(TextWriter writer)
        {
            foreach (var change in Changes.Take(most))
                writer.WriteLine(JsonLine.Of(change));
            foreach (var error in Errors.Take(most))
                writer.WriteLine(JsonLine.Of(error));
            writer.WriteLine(JsonLine.Of(run));
        }

        private IEnumerable<string> Notes()
        {
            if (run.Message is not null)
                yield return run.Message;
            if (run.Undoes is { } undone)
                yield return $"It took back run {undone}.";
            if (run.UndoneBy is { } undo)
                yield return $"Run {undo} took it back.";
        }

        private (long Total, SortedDictionary<string, long> ByAction) CountChanges()
        {
            var byAction = new SortedDictionary<string, long>(StringComparer.Ordinal);
            foreach (var change in Changes)
                byAction[change.Action] = byAction.GetValueOrDefault(change.Action) + 1;
            return (byAction.Values.Sum(), byAction);
        }

        private string Summary(long total, SortedDictionary<string, long> byAction)
        {
            // A run goes from the history together with its journal, so that a run without one changed nothing.
            return total == 0 ? "It changed no CI and no link." : $"{Words.Count(total, "row")} of the journal: {string.Join(", ", byAction.Select(a => $"{Words.Number(a.Value)} {a.Key}"))}.{Shown(total)}";
        }

        private string ErrorSummary() => run.Errors == 0 ? "No device failed." : $"{Words.Count(run.Errors, "device")} failed.{Shown(run.Errors)}";

        private string Shown(long total) => total > most ? $" The first {Words.Number(most)}:" : string.Empty;

        private IEnumerable<T> Checked<T>(IEnumerable<T> rows)
        {
            foreach (var row in rows)
            {
                cancellationToken.ThrowIfCancellationRequested();
                yield return row;
            }
        }
    }
}
