namespace AlloyScan.ModuleBuilder.Help;

/// <summary>Turns tables into list lines, since a console has no columns that fit.</summary>
internal static class MarkdownTable
{
    /// <summary>The same lines, with each row as <c>- first: second. third</c> and without heads and rules.</summary>
    public static IEnumerable<string> ToLines(IEnumerable<string> lines)
    {
        var all = lines.ToArray();
        for (var i = 0; i < all.Length; i++)
        {
            var isHead = i + 1 < all.Length && IsRule(all[i + 1]);
            if (isHead || IsRule(all[i]))
                continue;

            yield return all[i].StartsWith('|') ? Row(all[i]) : all[i];
        }
    }

    private static bool IsRule(string line) => line.StartsWith("|-", StringComparison.Ordinal);

    private static string Row(string line)
    {
        var cells = line.Trim('|').Split('|', StringSplitOptions.TrimEntries);
        return $"- {cells[0]}: {string.Join(". ", cells.Skip(1))}";
    }
}
