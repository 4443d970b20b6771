using System.Globalization;

namespace AlloyScan.Engine.Site.Reading;

/// <summary>ISO 8601 times as a site writes them: with or without fractions, with an offset, with <c>Z</c>, or without either, which means UTC.</summary>
internal static class IsoTime
{
    internal static bool TryParse(string text, out DateTimeOffset time)
    {
        // What the API documents (2026-04-23T12:34:56Z) needs no general parser.
        if (text.Length == 20 && text[19] == 'Z' && text[10] == 'T' && text[4] == '-' && text[7] == '-' && text[13] == ':' && text[16] == ':'
            && Two(text, 0, out int century) && Two(text, 2, out int year) && Two(text, 5, out int month) && Two(text, 8, out int day)
            && Two(text, 11, out int hour) && Two(text, 14, out int minute) && Two(text, 17, out int second)
            && hour < 24 && minute < 60 && second < 60 && month is >= 1 and <= 12)
        {
            year += century * 100;
            if (year >= 1 && day >= 1 && day <= DateTime.DaysInMonth(year, month))
            {
                time = new DateTimeOffset(year, month, day, hour, minute, second, TimeSpan.Zero);
                return true;
            }
        }

        text = text.Trim();
        time = default;

        // The general parser also takes 04/05/2026 and 12:30, which mean something else to each reader; those are no dates for us.
        return text.Length >= 10 && text[4] == '-' && text[7] == '-' && char.IsAsciiDigit(text[0]) && char.IsAsciiDigit(text[9])
            && DateTimeOffset.TryParse(
                text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out time);
    }

    private static bool Two(string text, int at, out int value)
    {
        int high = text[at] - '0';
        int low = text[at + 1] - '0';
        value = (high * 10) + low;
        return (uint)high <= 9 && (uint)low <= 9;
    }
}
