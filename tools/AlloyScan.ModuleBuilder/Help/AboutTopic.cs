using System.Text;

namespace AlloyScan.ModuleBuilder.Help;

/// <summary>Turns an about_ page into the plain text that Get-Help shows.</summary>
internal static class AboutTopic
{
    private const int Width = 80;

    public static string ToText(string markdown)
    {
        var text = new StringBuilder();
        var paragraph = new List<string>();
        var code = false;
        foreach (var line in MarkdownTable.ToLines(markdown.ReplaceLineEndings("\n").Split('\n')))
        {
            if (line.StartsWith("```", StringComparison.Ordinal))
            {
                Flush();
                code = !code;
                continue;
            }

            if (code)
            {
                text.Append($"        {line}".TrimEnd()).Append('\n');
                continue;
            }

            if (line.StartsWith('#'))
            {
                Flush();
                var title = line.TrimStart('#', ' ');
                text.Append(line.StartsWith("# ", StringComparison.Ordinal) ? $"TOPIC\n    {title}\n" : $"{title.ToUpperInvariant()}\n");
                continue;
            }

            if (line.Length == 0)
            {
                Flush();
                text.Append('\n');
            }
            else if (line.StartsWith("- ", StringComparison.Ordinal))
            {
                Flush();
                paragraph.Add(line);
                Flush();
            }
            else
            {
                paragraph.Add(line.Trim());
            }
        }

        Flush();
        return text.ToString().TrimEnd() + "\n";

        void Flush()
        {
            if (paragraph.Count == 0)
                return;

            var column = 0;
            foreach (var word in string.Join(' ', paragraph).Replace("`", string.Empty, StringComparison.Ordinal).Split(' '))
            {
                if (column == 0 || column + 1 + word.Length > Width)
                {
                    text.Append(column == 0 ? "    " : "\n    ").Append(word);
                    column = 4 + word.Length;
                }
                else
                {
                    text.Append(' ').Append(word);
                    column += 1 + word.Length;
                }
            }

            text.Append('\n');
            paragraph.Clear();
        }
    }
}
