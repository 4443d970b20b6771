using AlloyScan.AutomationServer.Output;
using AlloyScan.Engine.Sync;

namespace AlloyScan.AutomationServer.Demo;

/// <summary>What a demo showed, as one HTML file that needs nothing else.</summary>
internal sealed class DemoReport
{
    /// <summary>One run with its heading.</summary>
    /// <param name="Title">The step of the demo.</param>
    /// <param name="Run">The run.</param>
    /// <param name="Changes">Its changes, if they were listed.</param>
    public sealed record RunSection(string Title, SyncRun Run, ChangeSample Changes);

    /// <summary>The sample site's address.</summary>
    public string Site { get; set; } = "";

    /// <summary>The store's path.</summary>
    public string Store { get; set; } = "";

    /// <summary>The runs in their order.</summary>
    public List<RunSection> Runs { get; } = [];

    /// <summary>The verification.</summary>
    public IReadOnlyList<VerificationCheck> Checks { get; set; } = [];

    /// <summary>Writes the file.</summary>
    /// <param name="path">Where.</param>
    /// <exception cref="AlloyScan.Engine.AlloyScanException">It cannot be written (<c>ReportUnwritable</c>).</exception>
    public void Write(string path) => HtmlPage.Write(path, "AlloyScan demo", Write);

    private void Write(HtmlPage page)
    {
        page.Paragraph($"Sample site {Site} into the store {Store}.");
        foreach (var (title, run, changes) in Runs)
        {
            page.Heading(title);
            if (run.Message is not null)
                page.Paragraph(run.Message);

            page.Table(
                ["Run", "Status", "Started (UTC)", "Time", "Devices read", "Created", "Updated", "Unchanged", "Conflicts", "Missing", "Errors", "Installations added", "Installations removed", "API calls"],
                [[run.Id, run.Status, Words.Time(run.StartedAt), Words.Duration(run.Duration), run.DevicesRead, run.Created, run.Updated, run.Unchanged, run.Conflicts, run.Missing, run.Errors, run.InstallationsAdded, run.InstallationsRemoved, run.ApiCalls]]);
            if (changes.Total == 0)
                continue;

            var shown = changes.Choose(100);
            page.Paragraph($"Changes: {string.Join(", ", changes.Counts.Select(c => $"{Words.Number(c.Count)} {Words.Action(c.Action)}"))}.{(shown.Count < changes.Total ? " Some of each:" : "")}");
            page.Table(["Action", "Class", "ID", "Name", "What"], shown.Select(c => new object?[] { Words.Action(c.Action), c.Class, c.RecordId, c.DeviceName, Words.Details(c) }));
        }

        page.Heading("Verification");
        page.Table(["Check", "Expected", "Actual", "Verdict", "Advice"], Checks.Select(c => new object?[] { c.Check, c.Expected, c.Actual, c.Verdict, c.Advice }));
    }
}
