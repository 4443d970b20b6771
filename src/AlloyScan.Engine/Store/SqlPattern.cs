using System.Text;

namespace AlloyScan.Engine.Store;

/// <summary>Turns patterns that people type into those of SQL.</summary>
internal static class SqlPattern
{
    /// <summary>
    /// A pattern for GLOB on a lower-cased column: <c>*</c> and <c>?</c> mean the same there, and the bracket,
    /// which starts a set in GLOB, is taken as itself.
    /// </summary>
    public static string? Glob(string? pattern)
    {
        if (string.IsNullOrEmpty(pattern))
            return null;

        var text = new StringBuilder();
        foreach (var c in pattern)
        {
            if (c == '[')
                text.Append("[[]");
            else if (c < 128)
                text.Append(char.ToLowerInvariant(c));
            else
                text.Append(c);
        }

        return text.ToString();
    }
}
