using System.Buffers.Binary;
using System.Text;

namespace AlloyScan.Engine.Site.Reading;

/// <summary>
/// Gives one string for texts that come again and again: the products, versions and publishers of a site are few, its rows of installed
/// software are millions. Bounded; a text that falls on another's place takes it. Safe for concurrent use without a lock, since a place
/// holds a whole string or another.
/// </summary>
internal sealed class StringCache
{
    /// <summary>Longest text that is kept.</summary>
    internal const int MaxLength = 96;

    private const int Places = 8192;

    private readonly string?[] _places = new string?[Places];

    internal string Get(ReadOnlySpan<byte> utf8)
    {
        if (utf8.Length is 0 or > MaxLength)
        {
            return Encoding.UTF8.GetString(utf8);
        }

        ref string? place = ref _places[Hash(utf8) & (Places - 1)];
        string? known = place;
        if (known is not null && known.Length == utf8.Length && Ascii.Equals(utf8, known))
        {
            return known;
        }

        string text = Encoding.UTF8.GetString(utf8);
        place = text;
        return text;
    }

    private static uint Hash(ReadOnlySpan<byte> utf8)
    {
        ulong hash = (uint)utf8.Length;
        while (utf8.Length >= sizeof(ulong))
        {
            hash = (hash ^ BinaryPrimitives.ReadUInt64LittleEndian(utf8)) * 0x9E3779B97F4A7C15UL;
            hash ^= hash >> 29;
            utf8 = utf8[sizeof(ulong)..];
        }

        foreach (byte b in utf8)
        {
            hash = (hash ^ b) * 0x100000001B3UL;
        }

        return (uint)((hash * 0x9E3779B97F4A7C15UL) >> 40);
    }
}
