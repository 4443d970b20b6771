using System.Globalization;
using System.Net;
using System.Text;
using AlloyScan.AutomationServer.Output;
using AlloyScan.Engine.Sync;

namespace AlloyScan.AutomationServer.Demo;

/// <summary>What a demo showed, as one HTML file that needs nothing else.</summary>
internal sealed class DemoReport
{
    private const string Style =
        "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}" +
        "table{border-collapse:collapse;margin:.5rem 0 1.5rem}th,td{text-align:left;padding:.25rem .75rem;border-bottom:1px solid #8884}" +
        ".n{text-align:right}.Failed{color:#c00}.Warning,.NotChecked{color:#a60}";

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
    public void Write(string path) => File.WriteAllText(path, ToHtml(), new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));

    /// <summary>The document.</summary>
    public string ToHtml()
    {
        var html = new StringBuilder();
        html.Append(CultureInfo.InvariantCulture, $"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>AlloyScan demo</title>\n<style>{Style}</style>\n</head>\n<body>\n<h1>AlloyScan demo</h1>\n");
        html.Append(CultureInfo.InvariantCulture, $"<p>Sample site {Text(Site)} into the store {Text(Store)}.</p>\n");
        foreach (var (title, run, changes) in Runs)
        {
            html.Append(CultureInfo.InvariantCulture, $"<h2>{Text(title)}</h2>\n");
            if (run.Message is not null)
                html.Append(CultureInfo.InvariantCulture, $"<p>{Text(run.Message)}</p>\n");

            Table(html, ["Run", "Status", "Started (UTC)", "Time", "Devices read", "Created", "Updated", "Unchanged", "Conflicts", "Missing", "Errors", "Installations added", "Installations removed", "API calls"],
                [[run.Id, run.Status, Words.Time(run.StartedAt), Words.Duration(run.Duration), run.DevicesRead, run.Created, run.Updated, run.Unchanged, run.Conflicts, run.Missing, run.Errors, run.InstallationsAdded, run.InstallationsRemoved, run.ApiCalls]]);
            if (changes.Total == 0)
                continue;

            var shown = changes.Choose(100);
            html.Append(CultureInfo.InvariantCulture, $"<p>Changes: {Text(string.Join(", ", changes.Counts.Select(c => $"{Words.Number(c.Count)} {Words.Action(c.Action)}")))}.{(shown.Count < changes.Total ? " Some of each:" : "")}</p>\n");
            Table(html, ["Action", "Class", "ID", "Name", "What"], shown.Select(c => new object?[] { Words.Action(c.Action), c.Class, c.RecordId, c.DeviceName, Words.Details(c) }));
        }

        html.Append("<h2>Verification</h2>\n");
        Table(html, ["Check", "Expected", "Actual", "Verdict", "Advice"], Checks.Select(c => new object?[] { c.Check, c.Expected, c.Actual, c.Verdict, c.Advice }));
        return html.Append("</body>\n</html>\n").ToString();
    }

    private static void Table(StringBuilder html, IEnumerable<string> columns, IEnumerable<object?[]> rows)
    {
        html.Append("<table>\n<tr>");
        foreach (var column in columns)
            html.Append(CultureInfo.InvariantCulture, $"<th>{Text(column)}</th>");

        html.Append("</tr>\n");
        foreach (var row in rows)
        {
            html.Append("<tr>");
            foreach (var cell in row)
            {
                html.Append(cell switch
                {
                    int or long => $"<td class=\"n\">{Words.Number(Convert.ToInt64(cell, CultureInfo.InvariantCulture))}</td>",
                    Verdict => $"<td class=\"{cell}\">{cell}</td>",
                    _ => $"<td>{Text(cell?.ToString())}</td>",
                });
            }

            html.Append("</tr>\n");
        }

        html.Append("</table>\n");
    }

    private static string Text(string? text) => WebUtility.HtmlEncode(text ?? "");
}
