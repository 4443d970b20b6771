using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Sync;
using Spectre.Console;

namespace AlloyScan.AutomationServer.Output;

/// <summary>The tables that several commands show. All of them fit <see cref="Screen.TableWidth"/> columns.</summary>
internal static class Tables
{
    /// <summary>The counts of runs, a row a run.</summary>
    /// <param name="runs">The runs.</param>
    public static Table Counts(params IEnumerable<SyncRun> runs)
    {
        var table = new Table();
        table.AddColumn(new TableColumn("Status").NoWrap());
        foreach (var column in new[] { "Read", "Created", "Updated", "Unchanged", "Conflicts", "Missing", "Errors", "Software", "Calls", "Time" })
            table.AddColumn(new TableColumn(column).RightAligned().NoWrap());

        foreach (var run in runs)
        {
            table.AddRow(
                Status(run.Status),
                Number(run.DevicesRead), Number(run.Created), Number(run.Updated), Number(run.Unchanged),
                Number(run.Conflicts), Number(run.Missing), Number(run.Errors),
                new Text(Software(run)), Number(run.ApiCalls), new Text(Words.Duration(run.Duration)));
        }

        return table;
    }

    /// <summary>Runs as the history lists them.</summary>
    /// <param name="runs">The runs.</param>
    public static Table History(IEnumerable<SyncRun> runs)
    {
        var table = new Table();
        table.AddColumn(new TableColumn("Run").RightAligned().NoWrap());
        table.AddColumn("Job");
        table.AddColumn(new TableColumn("Started (UTC)").NoWrap());
        table.AddColumn(new TableColumn("Status").NoWrap());
        foreach (var column in new[] { "Read", "Created", "Updated", "Errors", "Time" })
            table.AddColumn(new TableColumn(column).RightAligned().NoWrap());

        foreach (var run in runs)
        {
            table.AddRow(
                Number(run.Id), new Text(run.Job), new Text(Words.Time(run.StartedAt)), Status(run.Status),
                Number(run.DevicesRead), Number(run.Created), Number(run.Updated), Number(run.Errors), new Text(Words.Duration(run.Duration)));
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
        foreach (var job in jobs)
        {
            table.AddRow(
                new Text(job.Name), new Text(job.Enabled ? "yes" : "no"), new Text(job.SiteUrl.AbsoluteUri), new Text(Words.Platforms(job.ImportSoftware)),
                new Text(Words.Time(job.LastRunAt)), new Text(job.LastRunStatus ?? "never run"));
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
            table.AddRow(new Text(check.Check), new Text(check.Expected), new Text(check.Actual), new Text(word, new Style(color)));
        }

        return table;
    }

    /// <summary>Changes, a row a CI.</summary>
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
                new Text(Words.Action(change.Action)), new Text(change.Class.ToString()), new Text(change.RecordId ?? ""),
                new Text(change.DeviceName), new Text(Words.Details(change)));
        }

        return table;
    }

    private static Text Number(long number) => new(Words.Number(number));

    private static string Software(SyncRun run) => (run.InstallationsAdded, run.InstallationsRemoved) switch
    {
        (0, 0) => "0",
        (var added, 0) => $"+{Words.Number(added)}",
        (0, var removed) => $"-{Words.Number(removed)}",
        var (added, removed) => $"+{Words.Number(added)} -{Words.Number(removed)}",
    };

    private static Text Status(SyncRunStatus status)
    {
        var (word, color) = status switch
        {
            SyncRunStatus.Succeeded => ("Succeeded", Color.Green),
            SyncRunStatus.PartiallySucceeded => ("Partial", Color.Yellow),
            SyncRunStatus.Blocked => ("Blocked", Color.Yellow),
            SyncRunStatus.Running => ("Running", Color.Default),
            _ => (status.ToString(), Color.Red),
        };
        return new Text(word, new Style(color));
    }
}
