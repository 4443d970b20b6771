namespace AlloyScan.Engine.Inventory;

/// <summary>
/// Values that machines carry in place of an identifier. A value is junk as a whole: a real serial number that
/// merely contains one of these texts is not junk.
/// </summary>
internal static class JunkIdentifiers
{
    // Texts that board makers leave in the SMBIOS fields, in the collapsed upper-case form that identifiers are compared in.
    private static readonly HashSet<string> s_texts = new(StringComparer.Ordinal)
    {
        "TO BE FILLED BY O.E.M.", "TO BE FILLED BY O.E.M", "TO BE FILLED BY OEM", "TO BE FILLED", "TOBEFILLEDBYO.E.M.", "FILLED BY OEM", "O.E.M.", "OEM",
        "DEFAULT STRING", "DEFAULT", "SYSTEM SERIAL NUMBER", "SYSTEM SERIAL", "SYSTEMSERIALNUMBER", "SYSTEM PRODUCT NAME", "SYSTEM MANUFACTURER",
        "CHASSIS SERIAL NUMBER", "BASE BOARD SERIAL NUMBER", "BASEBOARD SERIAL NUMBER", "BOARD SERIAL NUMBER", "SERIAL NUMBER", "SERIALNUMBER", "SERIAL", "SERNUM0", "SN",
        "NOT SPECIFIED", "NOT APPLICABLE", "NOT AVAILABLE", "NOT PROVIDED", "NOT DEFINED", "NOT SET", "NOT PRESENT", "NOT SETTABLE", "NONE", "NULL", "(NULL)", "<NULL>", "N/A", "NA", "NIL",
        "UNKNOWN", "UNDEFINED", "UNSPECIFIED", "INVALID", "EMPTY", "BLANK", "NO SERIAL", "NO SERIAL NUMBER", "NOSERIAL", "NO ASSET TAG", "NO ASSET INFORMATION", "NOASSETTAG", "ASSET TAG", "ASSETTAG", "ASSET-1234567890", "CHASSIS ASSET TAG",
        "0123456789", "123456789", "1234567890", "12345678", "1234567", "123456", "12345", "0123456789ABCDEF", "ABCDEFGHIJ", "XXXXXXX", "XXXXXXXX", "XXXXXXXXXX", "EVAL", "TEST", "SAMPLE", "EMPTY STRING",
        "QEMU", "VIRTUAL MACHINE", "INTEL", "AMI", "PHOENIX", "STANDARD", "............", "...",
    };

    // SMBIOS UUIDs that whole production series share, as 32 digits in either byte order.
    private static readonly HashSet<string> s_uuids = new(StringComparer.Ordinal)
    {
        "03000200040005000006000700080009", "00020003000400050006000700080009", "0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A",
        "12345678123412341234123456789012", "12345678123456789012123456789012", "00112233445566778899AABBCCDDEEFF",
        "FEFEFEFEFEFEFEFEFEFEFEFEFEFEFEFE", "4C4C4544000020105020202020202020", "44454C4C000020105020202020202020",
    };

    // Adapters that travel from machine to machine or exist on many: docks, dongles, tunnels, Bluetooth stacks.
    private static readonly HashSet<string> s_addresses = new(StringComparer.Ordinal)
    {
        "005056C00001", "005056C00008", "00059A3C7800", "00059A3C7A00", "020054554E01", "00FF00000001",
        "0A0027000000", "001583000000", "00158315A310", "505054503030", "335056453030", "204153594EFF", "020000000000", "00A0C6000000", "001DD800001",
    };

    public static bool IsJunkSerialNumber(string collapsed) => IsJunkText(collapsed);

    public static bool IsJunkAssetTag(string collapsed) => IsJunkText(collapsed);

    public static bool IsJunkMacAddress(ReadOnlySpan<char> digits) => IsOneDigit(digits);

    public static bool IsJunkUuid(ReadOnlySpan<char> digits) => IsOneDigit(digits) || s_uuids.Contains(digits.ToString());

    public static bool IsSharedAdapter(ReadOnlySpan<char> digits) => s_addresses.Contains(digits.ToString());

    /// <summary>Whether an adapter's name says that it does not belong to the machine alone.</summary>
    public static bool IsSharedAdapterName(string? name) =>
        name is not null
        && (Has(name, "dock") || Has(name, "usb") || Has(name, "bluetooth") || Has(name, "virtual") || Has(name, "vmnet") || Has(name, "vethernet")
            || Has(name, "hyper-v") || Has(name, "tap-") || Has(name, "tunnel") || Has(name, "vpn") || Has(name, "loopback") || Has(name, "docker") || Has(name, "veth"));

    private static bool Has(string text, string part) => text.Contains(part, StringComparison.OrdinalIgnoreCase);

    private static bool IsJunkText(string collapsed) => s_texts.Contains(collapsed) || IsOneDigit(collapsed) || !HasLetterOrDigit(collapsed);

    private static bool IsOneDigit(ReadOnlySpan<char> text)
    {
        foreach (var c in text)
        {
            if (c != text[0])
                return false;
        }

        return char.IsLetterOrDigit(text[0]);
    }

    private static bool HasLetterOrDigit(string text)
    {
        foreach (var c in text)
        {
            if (char.IsLetterOrDigit(c))
                return true;
        }

        return false;
    }
}
