using System.Globalization;
using Newtonsoft.Json;

namespace AlloyScan.Engine.Site.Reading;

/// <summary>
/// Reads the fields of an object into slots, walking the profile's tree of names. A field that is of a wrong kind does not stop the
/// reading: the first such problem is kept, so that one bad device does not cost a page.
/// </summary>
internal abstract class FieldReader(LocationNode root, int fieldCount)
{
    /// <summary>The single values of the current object, by field.</summary>
    protected string?[] Values { get; } = new string?[fieldCount];

    /// <summary>The first thing that was wrong with the current object.</summary>
    protected string? Problem { get; private set; }

    /// <summary>Reads an object, at whose start the reader stands.</summary>
    protected void ReadFields(BodyReader reader)
    {
        Array.Clear(Values);
        Problem = null;
        ReadObject(reader, root);
    }

    /// <summary>Reads a field that is no single value. The reader stands at its first token, which is not null.</summary>
    protected virtual void ReadComposite(LocationNode node, BodyReader reader) => throw new NotSupportedException();

    /// <summary>Keeps the first problem.</summary>
    protected void Fail(string problem) => Problem ??= problem;

    /// <summary>Reports that something else stands where <paramref name="expected"/> should, and steps over it.</summary>
    protected void FailKind(LocationNode node, BodyReader reader, string expected)
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

    /// <summary>A text for a message: not longer than a line.</summary>
    protected static string Shorten(string text) => text.Length <= 60 ? text : string.Concat(text.AsSpan(0, 57), "...");

    private void ReadObject(BodyReader reader, LocationNode node)
    {
        int hint = 0;
        while (reader.Next() != JsonToken.EndObject)
        {
            LocationNode? child = node.Find(reader.Name, ref hint);
            if (child is null)
            {
                reader.Skip();
                continue;
            }

            JsonToken token = reader.Next();
            if (child.Field < 0)
            {
                if (token == JsonToken.StartObject)
                {
                    ReadObject(reader, child);
                }
                else if (token is not (JsonToken.Null or JsonToken.Undefined))
                {
                    FailKind(child, reader, "an object");
                }
            }
            else if (child.IsComposite)
            {
                if (token is not (JsonToken.Null or JsonToken.Undefined))
                {
                    ReadComposite(child, reader);
                }
            }
            else if (token == JsonToken.String)
            {
                Values[child.Field] = (string?)reader.Value;
            }
            else if (reader.TryText(out string? text))
            {
                Values[child.Field] = text;
            }
            else
            {
                FailKind(child, reader, "a single value");
            }
        }
    }
}
