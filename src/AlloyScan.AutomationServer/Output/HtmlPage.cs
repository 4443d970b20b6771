using System.Globalization;
using System.Net;
using System.Text;
using AlloyScan.Engine;
using AlloyScan.Engine.Sync;

namespace AlloyScan.AutomationServer.Output;

/// <summary>Writes an HTML file that needs nothing else, as it goes along, so that its length costs no memory.</summary>
internal sealed class HtmlPage : IDisposable
{
    private const string Style =
        "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}" +
        "table{border-collapse:collapse;margin:.5rem 0 1.5rem}th,td{text-align:left;padding:.25rem .75rem;border-bottom:1px solid #8884}" +
        ".n{text-align:right}.Failed{color:#c00}.Warning,.NotChecked,.PartiallySucceeded,.Blocked,.Canceled{color:#a60}";

    private readonly TextWriter _writer;

    /// <summary>Begins a page.</summary>
    /// <param name="writer">Where it goes. It is closed with the page.</param>
    /// <param name="title">Title and first heading.</param>
    public HtmlPage(TextWriter writer, string title)
    {
        _writer = writer;
        _writer.Write(string.Create(
            CultureInfo.InvariantCulture,
            $"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{Text(title)}</title>\n<style>{Style}</style>\n</head>\n<body>\n<h1>{Text(title)}</h1>\n"));
    }

    /// <summary>Writes a page into a file, whole or not at all: what was there before stays until the new one is complete.</summary>
    /// <param name="path">The file.</param>
    /// <param name="title">Title and first heading.</param>
    /// <param name="content">Writes what stands between them and the end.</param>
    /// <exception cref="AlloyScanException">It cannot be written (<c>ReportUnwritable</c>).</exception>
    public static void Write(string path, string title, Action<HtmlPage> content)
    {
        var part = $"{path}.{Path.GetRandomFileName()}.part";
        try
        {
            using (var page = new HtmlPage(new StreamWriter(part, append: false, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false)), title))
                content(page);
            File.Move(part, path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new AlloyScanException(ErrorKind.ResourceUnavailable, "ReportUnwritable", $"The report '{path}' cannot be written: {e.Message}", path, "Choose a folder that is there and that this account may write to.", e);
        }
        finally
        {
            Discard(part);
        }
    }

    /// <summary>Writes a heading.</summary>
    /// <param name="text">The heading.</param>
    public void Heading(string text) => _writer.Write($"<h2>{Text(text)}</h2>\n");

    /// <summary>Writes a paragraph.</summary>
    /// <param name="text">The text.</param>
    public void Paragraph(string text) => _writer.Write($"<p>{Text(text)}</p>\n");

    /// <summary>Writes a table.</summary>
    /// <param name="columns">Its headings.</param>
    /// <param name="rows">Its rows. Numbers stand right, verdicts and statuses in their colour.</param>
    public void Table(IEnumerable<string> columns, IEnumerable<object?[]> rows)
    {
        _writer.Write("<table>\n<tr>");
        foreach (var column in columns)
            _writer.Write($"<th>{Text(column)}</th>");

        _writer.Write("</tr>\n");
        foreach (var row in rows)
        {
            _writer.Write("<tr>");
            foreach (var cell in row)
            {
                _writer.Write(cell switch
                {
                    int or long => $"<td class=\"n\">{Words.Number(Convert.ToInt64(cell, CultureInfo.InvariantCulture))}</td>",
                    SyncRunStatus status => $"<td class=\"{status}\">{Words.Status(status)}</td>",
                    Verdict => $"<td class=\"{cell}\">{cell}</td>",
                    _ => $"<td>{Text(cell?.ToString())}</td>",
                });
            }

            _writer.Write("</tr>\n");
        }

        _writer.Write("</table>\n");
    }

    /// <summary>Ends the page.</summary>
    public void Dispose()
    {
        _writer.Write("</body>\n</html>\n");
        _writer.Dispose();
    }

    private static string Text(string? text) => WebUtility.HtmlEncode(PlainText.Of(text ?? ""));

    private static void Discard(string part)
    {
        try
        {
            File.Delete(part);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            // The failure that left it behind is the one to tell.
        }
    }
}
