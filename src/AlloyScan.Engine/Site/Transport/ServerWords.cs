using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using AlloyScan.Engine.Site.Reading;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace AlloyScan.Engine.Site.Transport;

/// <summary>What a site says in the body of a failure: anything may come, from the documented object to a proxy's HTML.</summary>
/// <param name="Code">The code, such as <c>invalid_client</c>.</param>
/// <param name="Text">One line for people; <see langword="null"/> when the body says nothing.</param>
internal sealed partial record ServerWords(string? Code, string? Text)
{
    /// <summary>Longest quotation.</summary>
    internal const int MaxLength = 500;

    /// <summary>How far into a page its title is looked for.</summary>
    private const int TitleWithin = 8192;

    internal static ServerWords Read(ReadOnlyMemory<byte> body, Redactor redactor)
    {
        ServerWords words = ReadJson(body) ?? ReadText(redactor.Clean(Encoding.UTF8.GetString(body.Span)));
        return new ServerWords(words.Code, words.Text is null ? null : Line(redactor.Clean(words.Text)));
    }

    private static ServerWords? ReadJson(ReadOnlyMemory<byte> body)
    {
        JToken root;
        try
        {
            using JsonTextReader reader = new(new StringReader(Encoding.UTF8.GetString(body.Span))) { DateParseHandling = DateParseHandling.None, MaxDepth = BodyReader.DepthLimit };
            root = JToken.ReadFrom(reader);
        }
        catch (Exception e) when (e is JsonException or FormatException or OverflowException or ArgumentException)
        {
            return null;
        }

        if (root is not JObject o)
        {
            return null;
        }

        // { error, message } is the vendor's, error_description OAuth's, title and detail those of RFC 9457; some nest theirs under "error".
        JObject inner = o["error"] as JObject ?? o;
        string? code = Value(inner, "error") ?? Value(inner, "code");
        string?[] texts = [Value(inner, "message"), Value(inner, "error_description"), Value(inner, "title"), Value(inner, "detail")];
        string text = string.Join(": ", ((string?[])[code, .. texts]).Where(t => !string.IsNullOrWhiteSpace(t)).Distinct());
        return text.Length > 0 ? new ServerWords(code, text) : null;
    }

    /// <param name="text">The whole body: what is cut before its secrets are taken out may keep half of one.</param>
    private static ServerWords ReadText(string text)
    {
        if (text.AsSpan().TrimStart().StartsWith("<"))
        {
            string? title = TitleOf(text.Length > TitleWithin ? text[..TitleWithin] : text);
            return new ServerWords(null, title is null ? "an HTML page" : $"HTML page '{title}'");
        }

        return new ServerWords(null, string.IsNullOrWhiteSpace(text) ? null : text);
    }

    private static string? TitleOf(string page)
    {
        try
        {
            Match title = Title().Match(page);
            return title.Success ? WebUtility.HtmlDecode(title.Groups[1].Value).Trim() : null;
        }
        catch (RegexMatchTimeoutException)
        {
            return null;
        }
    }

    private static string? Value(JObject o, string name) => o[name] is JValue { Value: { } value } ? Convert.ToString(value, System.Globalization.CultureInfo.InvariantCulture) : null;

    private static string Line(string text)
    {
        StringBuilder line = new(Math.Min(text.Length, MaxLength));
        foreach (char c in text.Trim())
        {
            if (line.Length == MaxLength)
            {
                line.Length -= 3;
                line.Append("...");
                break;
            }

            char shown = char.IsControl(c) || char.IsWhiteSpace(c) ? ' ' : c;
            if (shown != ' ' || (line.Length > 0 && line[^1] != ' '))
            {
                line.Append(shown);
            }
        }

        return line.ToString();
    }

    [GeneratedRegex("<title[^>]*>([^<]{1,200})", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Title();
}
