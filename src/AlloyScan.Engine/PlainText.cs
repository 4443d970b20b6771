using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace AlloyScan.Engine;

/// <summary>
/// Shows texts of others without letting them drive what shows them. Names of devices and products may hold anything, an escape sequence
/// that clears a terminal or a mark that turns the reading direction too. They are kept as they are, and shown harmlessly.
/// </summary>
public static class PlainText
{
    private const char Unknown = '\uFFFD';

    /// <summary>The text with visible signs in place of characters that control a terminal or turn the reading direction. Line ends and tabs stay.</summary>
    /// <param name="text">The text.</param>
    [return: NotNullIfNotNull(nameof(text))]
    public static string? Of(string? text) => Shown(text, keepLines: true);

    /// <summary>As <see cref="Of"/>, on one line.</summary>
    /// <param name="text">The text.</param>
    [return: NotNullIfNotNull(nameof(text))]
    public static string? Line(string? text) => Shown(text, keepLines: false);

    private static string? Shown(string? text, bool keepLines)
    {
        if (text is null || !text.AsSpan().ContainsAnyExceptInRange(' ', '~'))
            return text;

        StringBuilder? shown = null;
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            var sign = c switch
            {
                '\n' or '\r' or '\t' when keepLines => c,
                < ' ' => (char)('\u2400' + c),
                '\u007F' => '\u2421',
                // Half of a pair is no character, and there are writers that refuse the whole text for it.
                >= '\uD800' and <= '\uDFFF' when IsHalf(text, i) => Unknown,
                // Controls of eight bits, which some terminals obey too; line and paragraph separators; embeddings, overrides and isolates; no characters at all.
                >= '\u0080' and <= '\u009F' or '\u2028' or '\u2029' or '\uFFFE' or '\uFFFF' or (>= '\u202A' and <= '\u202E') or (>= '\u2066' and <= '\u2069') => Unknown,
                _ => c,
            };
            if (sign != c)
                shown ??= new StringBuilder(text, 0, i, text.Length);
            shown?.Append(sign);
        }

        return shown?.ToString() ?? text;
    }

    private static bool IsHalf(string text, int at) => char.IsHighSurrogate(text[at])
        ? at + 1 == text.Length || !char.IsLowSurrogate(text[at + 1])
        : at == 0 || !char.IsHighSurrogate(text[at - 1]);
}
