using System.Text;

namespace AlloyScan.Engine.Store;

/// <summary>Turns patterns that people type into those of SQL.</summary>
internal static class SqlPattern
{
    /// <summary>
    /// A pattern for GLOB on a lower-cased column: <c>*</c> and <c>?</c> mean the same there, and the bracket,
    /// which starts a set in GLOB, is taken as itself. A backtick takes the meaning from the wildcard behind it, as it does elsewhere in PowerShell.
    /// </summary>
    public static string? Glob(string? pattern)
    {
        if (string.IsNullOrEmpty(pattern))
            return null;

        var text = new StringBuilder();
        for (var i = 0; i < pattern.Length; i++)
        {
            var c = pattern[i];
            if (c == '`' && i + 1 < pattern.Length && pattern[i + 1] is '*' or '?' or '[' or ']' or '`')
            {
                var escaped = pattern[++i];
                text.Append(escaped is ']' or '`' ? escaped.ToString() : $"[{escaped}]");
            }
            else if (c == '[')
            {
                text.Append("[[]");
            }
            else if (c == '\0' || (char.IsSurrogate(c) && !char.IsSurrogatePair(pattern, i)))
            {
                // No store has such a text, and not every one can be asked for it.
                text.Append('\uFFFD');
            }
            else if (char.IsHighSurrogate(c))
            {
                text.Append(c).Append(pattern[++i]);
            }
            else
            {
                text.Append(c < 128 ? char.ToLowerInvariant(c) : c);
            }
        }

        return text.ToString();
    }
}
