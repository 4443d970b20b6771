using AlloyScan.Engine;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Sync;
using Spectre.Console;

namespace AlloyScan.AutomationServer.Output;

/// <summary>The tables that several commands show. All of them fit <see cref="Screen.TableWidth"/> columns.</summary>
internal static class Tables
{
    private const int FieldsShown = 2;

    /// <summary>The counts of a run. Rare ones have a column only when there is something to count.</summary>
    /// <param name="run">The run.</param>
    public static Table Counts(SyncRun run)
    {
        (string Name, long Count, bool Always)[] counts =
        [
            ("Devices", run.DevicesRead, true), ("Created", run.Created, true), ("Updated", run.Updated, true), ("Unchanged", run.Unchanged, true),
            ("Conflicts", run.Conflicts, true), ("Missing", run.Missing, true), ("Retired", run.Retired, false), ("Deleted", run.DeletedInAlloyScan, false),
            ("Skipped", run.Skipped, false), ("Parked", run.Parked, false), ("Errors", run.Errors, true),
        ];
        var shown = counts.Where(c => c.Always || c.Count > 0).ToList();
        var table = new Table();
        foreach (var (name, _, _) in shown)
            table.AddColumn(new TableColumn(name).RightAligned().NoWrap());

        table.AddColumn(new TableColumn("Installations").RightAligned());
        table.AddRow([.. shown.Select(c => Number(c.Count)), Cell(Words.SetChange(run.InstallationsAdded, run.InstallationsRemoved))]);
        return table;
    }

    /// <summary>Runs as the history lists them.</summary>
    /// <param name="runs">The runs.</param>
    public static Table History(IEnumerable<SyncRun> runs)
    {
        var table = new Table();
        table.AddColumn(new TableColumn("Run").RightAligned().NoWrap());
        table.AddColumn("Job");
        table.AddColumn(new TableColumn("Kind").NoWrap());
        table.AddColumn(new TableColumn("Started (UTC)").NoWrap());
        table.AddColumn(new TableColumn("Status").NoWrap());
        foreach (var column in new[] { "Read", "Created", "Updated", "Errors", "Time" })
            table.AddColumn(new TableColumn(column).RightAligned().NoWrap());

        foreach (var run in runs)
        {
            table.AddRow(
                Number(run.Id), Cell(run.Job), Cell(run.Kind.ToString()), Cell(Words.Time(run.StartedAt)), Status(run.Status),
                Number(run.DevicesRead), Number(run.Created), Number(run.Updated), Number(run.Errors), Cell(Words.Duration(run.Duration)));
        }

        return table;
    }

    /// <summary>Jobs.</summary>
    /// <param name="jobs">The jobs.</param>
    public static Table Jobs(IEnumerable<SyncJob> jobs)
    {
        var table = new Table();
        table.AddColumn("Job");
        table.AddColumn(new TableColumn("Enabled").NoWrap());
        table.AddColumn("Site");
        table.AddColumn("Software");
        table.AddColumn(new TableColumn("Last run (UTC)").NoWrap());
        table.AddColumn(new TableColumn("Status").NoWrap());
        table.AddColumn("Next run (UTC)");
        foreach (var job in jobs)
        {
            table.AddRow(
                Cell(job.Name), Cell(job.Enabled ? "yes" : "no"), Cell(job.SiteUrl.AbsoluteUri), Cell(Words.Platforms(job.ImportSoftware)),
                Cell(Words.Time(job.LastRunAt)), Cell(job.LastRunStatus ?? "never run"),
                Cell(job switch { { NextRunAt: { } next } => Words.Time(next), { ScheduleProblem: not null } => "bad schedule", _ => "by force only" }));
        }

        return table;
    }

    /// <summary>The rows of a verification.</summary>
    /// <param name="checks">The rows.</param>
    public static Table Checks(IEnumerable<VerificationCheck> checks)
    {
        var table = new Table();
        table.AddColumn("Check");
        table.AddColumn("Expected");
        table.AddColumn("Actual");
        table.AddColumn(new TableColumn("Verdict").NoWrap());
        foreach (var check in checks)
        {
            var (word, color) = check.Verdict switch
            {
                Verdict.Passed => ("passed", Color.Green),
                Verdict.Warning => ("warning", Color.Yellow),
                Verdict.Failed => ("FAILED", Color.Red),
                _ => ("not checked", Color.Yellow),
            };
            table.AddRow(Cell(check.Check), Cell(check.Expected), Cell(check.Actual), Cell(word, new Style(color)));
        }

        return table;
    }

    /// <summary>Changes, a row a CI, with the first fields of each.</summary>
    /// <param name="changes">The changes.</param>
    public static Table Changes(IEnumerable<SyncChange> changes)
    {
        var table = new Table();
        table.AddColumn(new TableColumn("Action").NoWrap());
        table.AddColumn(new TableColumn("Class").NoWrap());
        table.AddColumn(new TableColumn("ID").NoWrap());
        table.AddColumn(new TableColumn("Name").NoWrap());
        table.AddColumn("What");
        foreach (var change in changes)
        {
            table.AddRow(
                Cell(Words.Action(change.Action)), Cell(change.Class.ToString()), Cell(change.RecordId ?? ""),
                Cell(change.DeviceName), Cell(Words.Details(change, FieldsShown)));
        }

        return table;
    }

    /// <summary>Rows of the journal.</summary>
    /// <param name="changes">The rows.</param>
    public static Table Journal(IEnumerable<JournalEntry> changes)
    {
        var table = new Table();
        table.AddColumn(new TableColumn("Action").NoWrap());
        table.AddColumn(new TableColumn("ID").NoWrap());
        table.AddColumn("Field");
        table.AddColumn("Before");
        table.AddColumn("After");
        foreach (var change in changes)
            table.AddRow(Cell(change.Action), Cell(change.RecordId), Cell(change.Field ?? ""), Cell(change.OldValue ?? ""), Cell(change.NewValue ?? ""));

        return table;
    }

    /// <summary>Devices that failed.</summary>
    /// <param name="errors">The rows.</param>
    public static Table Errors(IEnumerable<SyncError> errors)
    {
        var table = new Table();
        table.AddColumn("Device");
        table.AddColumn(new TableColumn("Stage").NoWrap());
        table.AddColumn(new TableColumn("Error").NoWrap());
        table.AddColumn(new TableColumn("Attempts").RightAligned().NoWrap());
        table.AddColumn("What was wrong");
        foreach (var error in errors)
            table.AddRow(Cell(error.DeviceName ?? error.DeviceId ?? ""), Cell(error.Stage), Cell(error.ErrorId), Number(error.Attempts), Cell(error.Message));

        return table;
    }

    /// <summary>A cell, on one line and without what would drive a terminal.</summary>
    private static Text Cell(string text, Style? style = null) => new(PlainText.Line(text), style);

    private static Text Number(long number) => new(Words.Number(number));

    private static Text Status(SyncRunStatus status) => new(
        Words.Status(status),
        new Style(status switch
        {
            SyncRunStatus.Succeeded => Color.Green,
            SyncRunStatus.PartiallySucceeded or SyncRunStatus.Blocked => Color.Yellow,
            SyncRunStatus.Running => Color.Default,
            _ => Color.Red,
        }));
}
