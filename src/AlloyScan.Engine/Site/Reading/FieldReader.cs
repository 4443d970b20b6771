using System.Globalization;
using System.Text.Json;
using AlloyScan.Engine.Credentials;

namespace AlloyScan.Engine.Site.Reading;

/// <summary>
/// Reads the fields of an object into slots, walking the profile's tree of names. A field that is of a wrong kind does not stop the
/// reading: the first such problem is kept, so that one bad device does not cost a page.
/// </summary>
internal abstract class FieldReader(LocationNode root, int fieldCount, StringCache? strings = null)
{
    /// <summary>The single values of the current object, by field.</summary>
    protected string?[] Values { get; } = new string?[fieldCount];

    /// <summary>The first thing that was wrong with the current object.</summary>
    protected string? Problem { get; private set; }

    /// <summary>Reads an object, at whose start the reader stands.</summary>
    protected void ReadFields(ref BodyReader reader)
    {
        Array.Clear(Values);
        Problem = null;
        ReadObject(ref reader, root);
    }

    /// <summary>Reads a field that is no single value. The reader stands at its first token, which is not null.</summary>
    protected virtual void ReadComposite(LocationNode node, ref BodyReader reader) => throw new NotSupportedException();

    /// <summary>Takes notice of a single value that is there and null, which is otherwise as good as none.</summary>
    protected virtual void ReadNull(LocationNode node)
    {
    }

    /// <summary>Keeps the first problem.</summary>
    protected void Fail(string problem) => Problem ??= problem;

    /// <summary>Reports that something else stands where <paramref name="expected"/> should, and steps over it.</summary>
    protected void FailKind(LocationNode node, ref BodyReader reader, string expected)
    {
        Fail($"The field '{node.Path}' holds {reader.Describe()} where {expected} is expected.");
        reader.Skip();
    }

    /// <summary>The whole number in a slot.</summary>
    protected long? Number(int field, string name)
    {
        string? text = Values[field];
        if (string.IsNullOrWhiteSpace(text))
        {
            return null;
        }

        if (long.TryParse(text, NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite | NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number))
        {
            return number;
        }

        // A site may write 8.0 for 8.
        if (decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out decimal value)
            && value is >= long.MinValue and <= long.MaxValue && decimal.Truncate(value) == value)
        {
            return (long)value;
        }

        Fail($"The field '{name}' is '{Shorten(text)}', which is no whole number.");
        return null;
    }

    /// <summary>The time in a slot.</summary>
    protected DateTimeOffset? Time(int field, string name)
    {
        string? text = Values[field];
        if (string.IsNullOrWhiteSpace(text))
        {
            return null;
        }

        if (IsoTime.TryParse(text, out DateTimeOffset time))
        {
            return time;
        }

        Fail($"The field '{name}' is '{Shorten(text)}', which is no ISO 8601 date.");
        return null;
    }

    /// <summary>A text for a message: not longer than a line, and not half of a secret.</summary>
    protected static string Shorten(string text) => (text = Redaction.Clean(text)).Length <= 60 ? text : string.Concat(text.AsSpan(0, 57), "...");

    private void ReadObject(ref BodyReader reader, LocationNode node)
    {
        int hint = 0;
        while (reader.Next() != JsonTokenType.EndObject)
        {
            LocationNode? child = node.Find(ref reader, ref hint);
            if (child is null)
            {
                reader.Skip();
                continue;
            }

            JsonTokenType token = reader.Next();
            if (child.Field < 0)
            {
                if (token == JsonTokenType.StartObject)
                {
                    ReadObject(ref reader, child);
                }
                else if (token != JsonTokenType.Null)
                {
                    FailKind(child, ref reader, "an object");
                }
            }
            else if (child.IsComposite)
            {
                if (token != JsonTokenType.Null)
                {
                    ReadComposite(child, ref reader);
                }
            }
            else if (token == JsonTokenType.String)
            {
                Values[child.Field] = strings is null ? reader.Text() : reader.Text(strings);
            }
            else if (reader.TryText(out string? text))
            {
                Values[child.Field] = text;
                if (text is null)
                {
                    ReadNull(child);
                }
            }
            else
            {
                FailKind(child, ref reader, "a single value");
            }
        }
    }
}
