using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Newtonsoft.Json.Linq;

namespace AlloyScan.Engine.Site.Reading;

/// <summary>Takes what is needed from a body.</summary>
internal delegate T BodyRead<out T>(ref BodyReader reader);

/// <summary>Takes one item of a list.</summary>
internal delegate void ItemRead<T>(ref BodyReader reader, ListPage<T> page);

/// <summary>
/// Reads the JSON of a body, which is in memory as UTF-8. It stands on the runtime's own reader, which needs no decoding of the text to
/// UTF-16, makes strings only for values that are wanted, and is compiled ahead of time: a short PowerShell session does not first wait
/// for a parser to be compiled.
/// </summary>
internal ref struct BodyReader
{
    /// <summary>Deepest nesting that is read; an answer of the API needs six.</summary>
    internal const int DepthLimit = 64;

    private readonly ReadOnlySpan<byte> _utf8;
    private Utf8JsonReader _json;

    private BodyReader(ReadOnlySpan<byte> utf8)
    {
        _utf8 = utf8;

        // Not final: the end of an incomplete text is then told by Read and not by an exception that looks like any other.
        _json = new Utf8JsonReader(
            utf8, isFinalBlock: false, new JsonReaderState(new JsonReaderOptions { CommentHandling = JsonCommentHandling.Skip, MaxDepth = DepthLimit }));
    }

    internal readonly JsonTokenType TokenType => _json.TokenType;

    /// <summary>The name of a property, at which the reader stands, as it is written; escaped only if <see cref="IsEscaped"/>.</summary>
    internal readonly ReadOnlySpan<byte> RawName => _json.ValueSpan;

    internal readonly bool IsEscaped => _json.ValueIsEscaped;

    /// <summary>Opens a reader over a body, lets <paramref name="read"/> take what it needs, and checks that nothing follows.</summary>
    /// <exception cref="BodyException">The body cannot be understood.</exception>
    internal static T ReadBody<T>(ReadOnlyMemory<byte> utf8, BodyRead<T> read)
    {
        ReadOnlySpan<byte> text = utf8.Span;
        text = text.StartsWith("\uFEFF"u8) ? text[3..] : text;
        CheckStart(text);
        BodyReader reader = new(text);
        try
        {
            reader.Next();
            T result = read(ref reader);

            // Anything but space and comments makes this throw.
            while (reader._json.Read())
            {
            }

            return result;
        }
        catch (JsonException e) when (reader._json.CurrentDepth >= DepthLimit - 1)
        {
            throw new BodyException(BodyFault.Limit, "TooDeep", $"the answer is nested more than {DepthLimit.ToString(CultureInfo.InvariantCulture)} levels deep", e);
        }
        catch (Exception e) when (e is not BodyException and not OperationCanceledException)
        {
            // Whatever the JSON reader throws at a damaged text, it is the text that is at fault.
            throw new BodyException(BodyFault.NotJson, "NotJson", "the answer is not JSON", e);
        }
    }

    /// <summary>The next token.</summary>
    internal JsonTokenType Next() => _json.Read() ? _json.TokenType : throw BodyException.Truncated();

    /// <summary>The value at the reader as a whole.</summary>
    internal JsonElement Element() => JsonElement.ParseValue(ref _json);

    /// <summary>Steps over the value at the reader, or the one of the property at it.</summary>
    internal void Skip()
    {
        if (!_json.TrySkip())
        {
            throw BodyException.Truncated();
        }
    }

    /// <summary>The name or text at the reader.</summary>
    internal readonly string Text() => _json.ValueIsEscaped ? Unescape() : Encoding.UTF8.GetString(_json.ValueSpan);

    /// <summary>The text at the reader, which is likely to be one that was met before.</summary>
    internal readonly string Text(StringCache cache) => _json.ValueIsEscaped ? Unescape() : cache.Get(_json.ValueSpan);

    /// <summary>The single value at the reader as text; <see langword="false"/> if there is an object or a list, which is then left standing.</summary>
    internal readonly bool TryText(out string? text)
    {
        switch (_json.TokenType)
        {
            case JsonTokenType.String:
                text = Text();
                return true;
            case JsonTokenType.Null:
                text = null;
                return true;
            case JsonTokenType.Number or JsonTokenType.True or JsonTokenType.False:
                // As the site wrote it: a version 1.10 stays 1.10.
                text = Encoding.UTF8.GetString(_json.ValueSpan);
                return true;
            default:
                text = null;
                return false;
        }
    }

    /// <summary>The JSON of the value at the reader, which is stepped over, without the spaces: another indentation is no other value.</summary>
    internal string CompactJson()
    {
        int start = (int)_json.TokenStartIndex;
        Skip();
        ReadOnlySpan<byte> text = _utf8[start..(int)_json.BytesConsumed];
        using JsonDocument value = JsonDocument.Parse(text.ToArray(), new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, MaxDepth = DepthLimit });
        ArrayBufferWriter<byte> compact = new();
        try
        {
            using Utf8JsonWriter writer = new(compact, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
            value.RootElement.WriteTo(writer);
        }
        catch (InvalidOperationException)
        {
            // Half of a surrogate pair in it cannot be written: then as the site wrote it.
            return Encoding.UTF8.GetString(text);
        }

        return Encoding.UTF8.GetString(compact.WrittenSpan);
    }

    /// <summary>What stands at the reader, in a word, for messages.</summary>
    internal readonly string Describe() => _json.TokenType switch
    {
        JsonTokenType.StartObject => "an object",
        JsonTokenType.StartArray => "a list",
        JsonTokenType.Null => "null",
        JsonTokenType.Number => "a number",
        JsonTokenType.True or JsonTokenType.False => "a truth value",
        JsonTokenType.String => "a text",
        _ => "something else",
    };

    private readonly string Unescape()
    {
        string text;
        try
        {
            text = _json.GetString()!;
        }
        catch (InvalidOperationException)
        {
            // Half of a surrogate pair, as some registries of software hold it, is no reason to lose a machine.
            text = JToken.Parse($"\"{Encoding.UTF8.GetString(_json.ValueSpan)}\"").Value<string>()!;
            text = Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));
        }

        // No store holds a NUL in a text, or half a pair: what is compared must be what can be kept, or it would change with every run.
        return text.Replace('\0', '\uFFFD');
    }

    private static void CheckStart(ReadOnlySpan<byte> text)
    {
        text = text.TrimStart(" \t\r\n"u8);
        if (text.IsEmpty)
        {
            throw new BodyException(BodyFault.Truncated, "TruncatedBody", "the answer is empty");
        }

        if (text[0] is not ((byte)'{' or (byte)'['))
        {
            throw text[0] == (byte)'<'
                ? new BodyException(BodyFault.NotJson, "NotJson", "the answer is HTML and not JSON")
                : new BodyException(BodyFault.NotJson, "NotJson", "the answer is not JSON");
        }
    }
}
