using System.Text;

namespace AlloyScan.Engine.Cmdb;

/// <summary>
/// The short form of a mapping: <c>FIELD = SOURCE [MODE] [AllowEmpty]</c>. A source in quotes is a constant, one with braces a template,
/// any other an attribute. Within quotes, a quote is doubled.
/// </summary>
internal static class MappingText
{
    private const string AllowEmpty = "AllowEmpty";

    public static FieldMapping Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var equals = text.IndexOf('=', StringComparison.Ordinal);
        if (equals < 0)
            throw Invalid(text, "has no equals sign");

        var field = text[..equals].Trim();
        var rest = text[(equals + 1)..].Trim();
        if (field.Length == 0)
            throw Invalid(text, "names no field before the equals sign");
        if (rest.Length == 0)
            throw Invalid(text, "names no source behind the equals sign");

        if (rest[0] is '"' or '\'')
        {
            var (constant, end) = Quoted(rest) ?? throw Invalid(text, "has a quote that is not closed");
            var (left, quotedMode, quotedAllowEmpty) = Words(rest[end..].TrimStart());
            if (left.Length > 0)
                throw Invalid(text, $"has '{left}' behind its constant, which is no replacement mode");
            return new FieldMapping { Field = field, Constant = constant, Mode = quotedMode, AllowEmpty = quotedAllowEmpty };
        }

        var (source, mode, allowEmpty) = Words(rest, keepOne: true);
        return source.AsSpan().ContainsAny('{', '}')
            ? new FieldMapping { Field = field, Template = source, Mode = mode, AllowEmpty = allowEmpty }
            : new FieldMapping { Field = field, Attribute = source, Mode = mode, AllowEmpty = allowEmpty };
    }

    public static string Print(FieldMapping mapping)
    {
        var text = new StringBuilder(mapping.Field).Append(" = ").Append(PrintSource(mapping));
        if (mapping.Mode is { } mode)
            text.Append(' ').Append(mode);
        if (mapping.AllowEmpty)
            text.Append(' ').Append(AllowEmpty);
        return text.ToString();
    }

    public static string PrintSource(FieldMapping mapping) =>
        mapping.Constant is { } constant ? $"\"{constant.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : mapping.Template ?? mapping.Attribute ?? string.Empty;

    private static (string Text, int End)? Quoted(string text)
    {
        var quote = text[0];
        var content = new StringBuilder();
        for (var i = 1; i < text.Length; i++)
        {
            if (text[i] != quote)
                content.Append(text[i]);
            else if (i + 1 < text.Length && text[i + 1] == quote)
                content.Append(text[i++]);
            else
                return (content.ToString(), i + 1);
        }

        return null;
    }

    /// <summary>Takes mode and AllowEmpty off the end, each once.</summary>
    private static (string Left, ReplacementMode? Mode, bool AllowEmpty) Words(string text, bool keepOne = false)
    {
        ReplacementMode? mode = null;
        var allowEmpty = false;
        while (text.Length > 0)
        {
            var start = text.LastIndexOfAny([' ', '\t', '\r', '\n']) + 1;
            if (keepOne && start == 0)
                break;

            var word = text[start..];
            if (!allowEmpty && mode is null && string.Equals(word, AllowEmpty, StringComparison.OrdinalIgnoreCase))
                allowEmpty = true;
            else if (mode is null && char.IsLetter(word[0]) && Enum.TryParse<ReplacementMode>(word, ignoreCase: true, out var found))
                mode = found;
            else
                break;
            text = text[..start].TrimEnd();
        }

        return (text, mode, allowEmpty);
    }

    private static AlloyScanException Invalid(string text, string problem) => new(
        ErrorKind.InvalidArgument, "InvalidMapping", $"The mapping '{text}' {problem}.", text,
        "Write FIELD = SOURCE [MODE] [AllowEmpty], for example asset_tag = custom.AssetNo UnlessEdited, dns_name = {name}.{dnsDomain}, or owner = \"IT\" Always.");
}
