using System.Globalization;

namespace AlloyScan.Engine.Inventory;

/// <summary>Kinds of identifiers that rules compare.</summary>
internal enum IdentifierKind
{
    Name = 1,
    SerialNumber = 2,
    MacAddress = 3,
    BiosUuid = 4,
    AssetTag = 5,

    /// <summary>A MAC address that may support a match but never makes one alone: virtual, dock, multicast, locally administered.</summary>
    WeakMacAddress = 6,

    /// <summary>ID of the last audit; kept with links, not among the identifiers of CIs.</summary>
    AuditId = 7,
}

/// <summary>One identifier in the form in which it is compared.</summary>
internal readonly record struct Identifier(IdentifierKind Kind, string Value);

/// <summary>
/// Brings identifiers into the form in which they are compared. Every method returns <see langword="null"/> for
/// what identifies nothing: blank, malformed or junk.
/// </summary>
internal static class Identifiers
{
    /// <summary>Upper case, white space trimmed and collapsed; junk dropped.</summary>
    public static string? SerialNumber(string? text)
    {
        var value = Collapse(text);
        return value is null || ShippedJunk.IsJunkSerialNumber(value) ? null : value;
    }

    /// <summary>As a serial number; tags have their own junk, which is the same list.</summary>
    public static string? AssetTag(string? text)
    {
        var value = Collapse(text);
        return value is null || ShippedJunk.IsJunkAssetTag(value) ? null : value;
    }

    /// <summary>Upper case, without domain.</summary>
    public static string? Name(string? text)
    {
        var value = Collapse(text);
        if (value is null)
            return null;

        // A name that is an address has no domain to cut off.
        var dot = value.IndexOf('.', StringComparison.Ordinal);
        if (dot > 0 && !System.Net.IPAddress.TryParse(value, out _))
            value = value[..dot];
        return value.Length == 0 || ShippedJunk.IsJunkName(value) ? null : value;
    }

    /// <summary>Twelve upper-case hexadecimal digits.</summary>
    /// <param name="text">The address with or without separators.</param>
    /// <param name="weak">Whether the address cannot identify alone.</param>
    public static string? MacAddress(string? text, out bool weak)
    {
        weak = false;
        if (string.IsNullOrWhiteSpace(text))
            return null;

        Span<char> digits = stackalloc char[12];
        var count = 0;
        foreach (var c in text)
        {
            if (char.IsAsciiHexDigit(c))
            {
                if (count == 12)
                    return null;

                digits[count++] = char.ToUpperInvariant(c);
            }
            else if (c is not (':' or '-' or '.' or ' '))
            {
                return null;
            }
        }

        if (count != 12 || ShippedJunk.IsJunkMacAddress(digits))
            return null;

        var firstByte = byte.Parse(digits[..2], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        weak = (firstByte & 0b11) != 0 || ShippedJunk.IsSharedAdapter(digits);
        return new string(digits);
    }

    /// <summary>
    /// Thirty-two upper-case hexadecimal digits, in the lesser of the two byte orders that readers of SMBIOS use for
    /// the first three groups, so that both readings of one machine compare equal.
    /// </summary>
    public static string? BiosUuid(string? text)
    {
        if (string.IsNullOrWhiteSpace(text))
            return null;

        Span<char> digits = stackalloc char[32];
        var count = 0;
        foreach (var c in text)
        {
            if (char.IsAsciiHexDigit(c))
            {
                if (count == 32)
                    return null;

                digits[count++] = char.ToUpperInvariant(c);
            }
            else if (c is not ('-' or '{' or '}' or ' ' or ':'))
            {
                return null;
            }
        }

        if (count != 32 || ShippedJunk.IsJunkUuid(digits))
            return null;

        Span<char> swapped = stackalloc char[32];
        digits.CopyTo(swapped);
        SwapBytes(digits[..8], swapped[..8]);
        SwapBytes(digits[8..12], swapped[8..12]);
        SwapBytes(digits[12..16], swapped[12..16]);
        if (ShippedJunk.IsJunkUuid(swapped))
            return null;

        return new string(((ReadOnlySpan<char>)digits).SequenceCompareTo(swapped) <= 0 ? digits : swapped);
    }

    /// <summary>Whether a text has the form that its kind asks for, junk or not.</summary>
    public static bool IsWellFormed(IdentifierKind kind, string? text) => kind switch
    {
        IdentifierKind.MacAddress or IdentifierKind.WeakMacAddress => HasDigits(text, 12, ":-. "),
        IdentifierKind.BiosUuid => HasDigits(text, 32, "-{} :"),
        _ => Collapse(text) is not null,
    };

    /// <summary>The form in which values of a kind are compared; <see langword="null"/> for what identifies nothing.</summary>
    public static string? Normalise(IdentifierKind kind, string? text) => kind switch
    {
        IdentifierKind.Name => Name(text),
        IdentifierKind.SerialNumber => SerialNumber(text),
        IdentifierKind.AssetTag => AssetTag(text),
        IdentifierKind.BiosUuid => BiosUuid(text),
        IdentifierKind.MacAddress or IdentifierKind.WeakMacAddress => MacAddress(text, out _),
        _ => Collapse(text),
    };

    /// <summary>A compared value with the separators that people expect.</summary>
    public static string Display(IdentifierKind kind, string value) => kind switch
    {
        IdentifierKind.MacAddress or IdentifierKind.WeakMacAddress when value.Length == 12 => string.Join(':', Enumerable.Range(0, 6).Select(i => value.Substring(i * 2, 2))),
        IdentifierKind.BiosUuid when value.Length == 32 => $"{value[..8]}-{value[8..12]}-{value[12..16]}-{value[16..20]}-{value[20..]}",
        _ => value,
    };

    private static bool HasDigits(string? text, int count, string separators)
    {
        foreach (var c in text ?? string.Empty)
        {
            if (char.IsAsciiHexDigit(c))
                count--;
            else if (!separators.Contains(c, StringComparison.Ordinal))
                return false;
        }

        return count == 0;
    }

    private static void SwapBytes(ReadOnlySpan<char> from, Span<char> to)
    {
        for (var i = 0; i < from.Length; i += 2)
        {
            to[i] = from[from.Length - 2 - i];
            to[i + 1] = from[from.Length - 1 - i];
        }
    }

    /// <summary>Trimmed, inner white space collapsed to one blank, upper case; <see langword="null"/> when nothing is left.</summary>
    internal static string? Collapse(string? text)
    {
        if (text is null)
            return null;

        var trimmed = text.AsSpan().Trim();
        if (trimmed.IsEmpty)
            return null;

        var buffer = trimmed.Length <= 256 ? stackalloc char[trimmed.Length] : new char[trimmed.Length];
        var length = 0;
        var blank = false;
        foreach (var c in trimmed)
        {
            if (char.IsWhiteSpace(c) || char.IsControl(c))
            {
                blank = true;
                continue;
            }

            if (blank && length > 0)
                buffer[length++] = ' ';
            blank = false;
            buffer[length++] = char.ToUpperInvariant(c);
        }

        return length == 0 ? null : new string(buffer[..length]);
    }
}
