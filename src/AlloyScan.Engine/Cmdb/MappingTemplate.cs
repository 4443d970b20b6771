using System.Text;

namespace AlloyScan.Engine.Cmdb;

/// <summary>One piece of a template: a text, or what stands in braces.</summary>
internal readonly record struct TemplatePart(string Text, bool IsReference);

/// <summary>Takes templates apart.</summary>
internal static class MappingTemplate
{
    /// <summary>Before the name of a target field in a reference.</summary>
    public const string FieldPrefix = "ci.";

    /// <summary>The parts of a template; <see langword="null"/> when a brace is not balanced, with its position.</summary>
    public static List<TemplatePart>? Parse(string template, out int position)
    {
        var parts = new List<TemplatePart>();
        var literal = new StringBuilder();
        for (var i = 0; i < template.Length; i++)
        {
            position = i;
            var c = template[i];
            if (c is '{' or '}' && i + 1 < template.Length && template[i + 1] == c)
            {
                literal.Append(c);
                i++;
            }
            else if (c == '}')
            {
                return null;
            }
            else if (c == '{')
            {
                var end = template.AsSpan(i + 1).IndexOfAny('{', '}');
                if (end < 0 || template[i + 1 + end] == '{')
                    return null;

                if (literal.Length > 0)
                    parts.Add(new TemplatePart(literal.ToString(), false));
                literal.Clear();
                parts.Add(new TemplatePart(template.Substring(i + 1, end).Trim(), true));
                i += end + 1;
            }
            else
            {
                literal.Append(c);
            }
        }

        position = -1;
        if (literal.Length > 0)
            parts.Add(new TemplatePart(literal.ToString(), false));
        return parts;
    }
}
