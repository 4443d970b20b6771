using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using AlloyScan.Engine.Sync;

namespace AlloyScan.Engine.Reporting;

/// <summary>What there is to tell of one run, and its texts in the forms that the receivers take.</summary>
internal sealed class RunNews
{
    /// <summary>Longest message that is passed on: channels refuse more, and nobody reads it there.</summary>
    private const int LongestMessage = 2000;

    /// <summary>Longest name that is passed on.</summary>
    private const int LongestName = 200;

    private static readonly JsonWriterOptions s_options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly SyncRun _run;
    private readonly NotificationEvents _event;

    private RunNews(SyncRun run, NotificationEvents @event)
    {
        _run = run;
        _event = @event;
    }

    /// <summary>What is told, of the events that somebody asked for.</summary>
    /// <param name="run">The run.</param>
    /// <param name="before">How the job stood before it, as far as the receiver knows.</param>
    /// <param name="asked">What the receiver asked for.</param>
    /// <returns><see langword="null"/> when there is nothing to tell.</returns>
    public static RunNews? Of(SyncRun run, SyncRunStatus? before, NotificationEvents asked)
    {
        var happened = run.Status switch
        {
            SyncRunStatus.Failed => NotificationEvents.Failure,
            SyncRunStatus.Blocked => NotificationEvents.Block,
            SyncRunStatus.PartiallySucceeded => NotificationEvents.PartialSuccess,
            SyncRunStatus.Succeeded when IsProblem(before) => NotificationEvents.Recovery | NotificationEvents.Success,
            SyncRunStatus.Succeeded => NotificationEvents.Success,
            // Whoever stopped it knows.
            _ => NotificationEvents.None,
        };
        var told = happened & asked;
        return told == NotificationEvents.None ? null : new RunNews(run, told.HasFlag(NotificationEvents.Recovery) ? NotificationEvents.Recovery : told);
    }

    /// <summary>A trial, for seeing whether the way works.</summary>
    public static RunNews Trial(DateTimeOffset now) => new(
        new SyncRun { Job = "Trial", StartedAt = now, EndedAt = now, Status = SyncRunStatus.Succeeded, Message = "This is a trial. Notifications of runs come this way." }, NotificationEvents.Success);

    public static bool IsProblem(SyncRunStatus? status) => status is SyncRunStatus.Failed or SyncRunStatus.Blocked or SyncRunStatus.PartiallySucceeded;

    /// <summary>One line: the job and how it ended.</summary>
    public string Title => $"AlloyScan sync '{Plain(_run.Job)}': {Words}";

    /// <summary>The run in some lines of plain text.</summary>
    public string Text
    {
        get
        {
            var text = new StringBuilder();
            foreach (var (name, value) in Facts())
                text.Append(name).Append(": ").Append(value).Append('\n');
            if (_run.Message is { Length: > 0 })
                text.Append('\n').Append(PlainText.Line(Message)).Append('\n');
            return text.ToString();
        }
    }

    /// <summary>The run as JSON, with the names of the columns of <c>sync_runs</c>.</summary>
    public byte[] Json() => Write(json =>
    {
        json.WriteString("event", _event.ToString());
        json.WriteString("title", Title);
        RunColumns.Write(json, _run with { Job = Cut(_run.Job, LongestName), Site = Cut(_run.Site, LongestName) });
        json.WriteString("host", Environment.MachineName);
        json.WriteString("error_id", _run.ErrorId);
        json.WriteString("message", Message);
        if (_run.PlanId is { } plan)
            json.WriteNumber("plan_id", plan);
    });

    /// <summary>
    /// The run as a message of Slack, in whose texts three characters have a meaning; that names may not set type, draw pages of links in, or
    /// call whole channels is said beside them.
    /// </summary>
    public byte[] Slack() => Write(json =>
    {
        json.WriteBoolean("mrkdwn", false);
        json.WriteBoolean("unfurl_links", false);
        json.WriteBoolean("unfurl_media", false);
        json.WriteBoolean("link_names", false);
        var text = $"{Title}\n{Text}".Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal).Replace(">", "&gt;", StringComparison.Ordinal);
        json.WriteString("text", text);
    });

    /// <summary>The run as an adaptive card, which is what workflows of Teams take.</summary>
    public byte[] Teams() => Write(json =>
    {
        json.WriteString("type", "message");
        json.WriteStartArray("attachments");
        json.WriteStartObject();
        json.WriteString("contentType", "application/vnd.microsoft.card.adaptive");
        json.WriteStartObject("content");
        json.WriteString("type", "AdaptiveCard");
        json.WriteString("version", "1.4");
        json.WriteStartArray("body");
        WriteTextBlock(json, Title, heading: true);
        json.WriteStartObject();
        json.WriteString("type", "FactSet");
        json.WriteStartArray("facts");
        foreach (var (name, value) in Facts())
        {
            json.WriteStartObject();
            json.WriteString("title", name);
            json.WriteString("value", Unformatted(value));
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
        if (_run.Message is { Length: > 0 })
            WriteTextBlock(json, PlainText.Line(Message!), heading: false);
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndArray();
    });

    private string Words => _event switch
    {
        NotificationEvents.Failure => "failed",
        NotificationEvents.Block => "blocked, needs a decision",
        NotificationEvents.PartialSuccess => "partially succeeded",
        NotificationEvents.Recovery => "recovered",
        _ => "succeeded",
    };

    private string? Message => _run.Message is { } message ? Cut(message, LongestMessage) : null;

    private IEnumerable<(string Name, string Value)> Facts()
    {
        yield return ("Job", Plain(_run.Job));
        if (_run.Id != 0)
            yield return ("Run", _run.Id.ToString(CultureInfo.InvariantCulture));
        if (_run.Site.Length > 0)
            yield return ("Site", Plain(_run.Site));
        yield return ("Host", Environment.MachineName);
        yield return ("Started", Time(_run.StartedAt)!);
        if (_run.EndedAt is { } ended)
            yield return ("Ended", Time(ended)!);
        if (_run.PlanId is { } plan)
            yield return ("Plan", plan.ToString(CultureInfo.InvariantCulture));
        if (_run.DevicesRead > 0)
        {
            yield return ("Devices", string.Create(
                CultureInfo.InvariantCulture, $"{_run.DevicesRead} read, {_run.Created} created, {_run.Updated} updated, {_run.Conflicts} conflicts, {_run.Missing} missing, {_run.Retired} retired, {_run.Errors} errors"));
        }
    }

    private static string? Time(DateTimeOffset? time) => time?.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    /// <summary>Names come from people and devices: no line of theirs may pass for one of ours, and none may fill the screen.</summary>
    private static string Plain(string text) => Cut(PlainText.Line(text), LongestName);

    /// <summary>The beginning of a text, and never half of a character.</summary>
    private static string Cut(string text, int length) =>
        text.Length <= length ? text : text[..(char.IsHighSurrogate(text[length - 1]) ? length - 1 : length)] + " ...";

    /// <summary>Text blocks of cards read Markdown; names are to be read as they are.</summary>
    private static string Unformatted(string text)
    {
        var result = new StringBuilder(text.Length);
        var digits = 0;
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            // What sets type, links, and functions of cards; and at the beginning what makes a list.
            var hasMeaning = c is '*' or '_' or '[' or ']' or '`' or '#' or '\\' or '~' or '{' || (i == 0 && (c is '-' or '+')) || (c == '.' && i > 0 && digits == i && i + 1 < text.Length && text[i + 1] == ' ');
            if (char.IsAsciiDigit(c))
                digits++;
            if (hasMeaning)
                result.Append('\\');
            result.Append(c);
        }

        return result.ToString();
    }

    private static void WriteTextBlock(Utf8JsonWriter json, string text, bool heading)
    {
        json.WriteStartObject();
        json.WriteString("type", "TextBlock");
        json.WriteString("text", Unformatted(text));
        json.WriteBoolean("wrap", true);
        if (heading)
        {
            json.WriteString("size", "Medium");
            json.WriteString("weight", "Bolder");
        }

        json.WriteEndObject();
    }

    private static byte[] Write(Action<Utf8JsonWriter> members)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, s_options))
        {
            json.WriteStartObject();
            members(json);
            json.WriteEndObject();
        }

        return stream.ToArray();
    }
}
