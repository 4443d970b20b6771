using System.Globalization;
using Newtonsoft.Json;

namespace AlloyScan.Engine.Site.Reading;

/// <summary>
/// The JSON reader of bodies. Sealed, so that the many small calls on it are direct and not virtual: that is a tenth of the time of
/// reading a snapshot.
/// </summary>
internal sealed class BodyReader : JsonTextReader
{
    /// <summary>Deepest nesting that is read; an answer of the API needs six.</summary>
    internal const int DepthLimit = 64;

    internal BodyReader(TextReader text, JsonNames? names, FloatParseHandling floats)
        : base(text)
    {
        ArrayPool = CharPool.Instance;
        PropertyNameTable = names;
        DateParseHandling = DateParseHandling.None;
        FloatParseHandling = floats;
        MaxDepth = DepthLimit;
    }

    /// <summary>Whether null stands at the reader.</summary>
    internal bool IsNull => TokenType is JsonToken.Null or JsonToken.Undefined;

    /// <summary>The name of a property, at which the reader stands.</summary>
    internal string Name => (string)Value!;

    /// <summary>Opens a reader over a body, lets <paramref name="read"/> take what it needs, and checks that nothing follows.</summary>
    /// <exception cref="BodyException">The body cannot be understood.</exception>
    internal static T ReadBody<T>(ReadOnlyMemory<byte> utf8, JsonNames? names, Func<BodyReader, T> read)
    {
        CheckStart(utf8.Span);
        try
        {
            return ReadBody(utf8, names, FloatParseHandling.Decimal, read);
        }
        catch (BodyException e) when (e.Fault == BodyFault.NotJson && e.InnerException is JsonReaderException)
        {
            // Decimal keeps a number as the site wrote it (a version 1.10 stays 1.10) but has no room for 1e300. Numbers of that size are no
            // field of ours, so a second pass reads them as double before the body is called unreadable.
            return ReadBody(utf8, names, FloatParseHandling.Double, read);
        }
    }

    /// <summary>The next token; comments are no tokens.</summary>
    internal JsonToken Next()
    {
        do
        {
            if (!Read())
            {
                throw BodyException.Truncated();
            }
        }
        while (TokenType == JsonToken.Comment);

        return TokenType;
    }

    /// <summary>The single value at the reader as text; <see langword="false"/> if there is an object or a list, which is then left standing.</summary>
    internal bool TryText(out string? text)
    {
        switch (TokenType)
        {
            case JsonToken.String:
                text = (string?)Value;
                return true;
            case JsonToken.Null or JsonToken.Undefined:
                text = null;
                return true;
            case JsonToken.Integer or JsonToken.Float:
                text = Convert.ToString(Value, CultureInfo.InvariantCulture);
                return true;
            case JsonToken.Boolean:
                text = (bool)Value! ? "true" : "false";
                return true;
            default:
                text = null;
                return false;
        }
    }

    /// <summary>What stands at the reader, in a word, for messages.</summary>
    internal string Describe() => TokenType switch
    {
        JsonToken.StartObject => "an object",
        JsonToken.StartArray => "a list",
        JsonToken.Null or JsonToken.Undefined => "null",
        JsonToken.Integer or JsonToken.Float => "a number",
        JsonToken.Boolean => "a truth value",
        JsonToken.String => "a text",
        _ => "something else",
    };

    private static T ReadBody<T>(ReadOnlyMemory<byte> utf8, JsonNames? names, FloatParseHandling floats, Func<BodyReader, T> read)
    {
        using Utf8TextReader text = new(utf8);
        using BodyReader reader = new(text, names, floats);
        try
        {
            reader.Next();
            T result = read(reader);
            while (reader.Read())
            {
                if (reader.TokenType != JsonToken.Comment)
                {
                    throw new BodyException(BodyFault.NotJson, "NotJson", "the answer has text behind its JSON");
                }
            }

            return result;
        }
        catch (JsonReaderException e) when (reader.Depth >= DepthLimit)
        {
            throw new BodyException(BodyFault.Limit, "TooDeep", $"the answer is nested more than {DepthLimit.ToString(CultureInfo.InvariantCulture)} levels deep", e);
        }
        catch (JsonException) when (text.EndWasRead)
        {
            throw BodyException.Truncated();
        }
        catch (Exception e) when (e is not BodyException and not OperationCanceledException)
        {
            // Whatever the JSON reader throws at a damaged text, it is the text that is at fault.
            throw new BodyException(BodyFault.NotJson, "NotJson", "the answer is not JSON", e);
        }
    }

    private static void CheckStart(ReadOnlySpan<byte> utf8)
    {
        ReadOnlySpan<byte> text = utf8.StartsWith("\uFEFF"u8) ? utf8[3..] : utf8;
        text = text.TrimStart(" \t\r\n"u8);
        if (text.IsEmpty)
        {
            throw new BodyException(BodyFault.Truncated, "TruncatedBody", "the answer is empty");
        }

        // The JSON reader is lenient (it reads bare words); the API only ever answers with an object or a list.
        if (text[0] is not ((byte)'{' or (byte)'['))
        {
            throw text[0] == (byte)'<'
                ? new BodyException(BodyFault.NotJson, "NotJson", "the answer is HTML and not JSON")
                : new BodyException(BodyFault.NotJson, "NotJson", "the answer is not JSON");
        }
    }
}
