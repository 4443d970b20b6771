using System.Globalization;

namespace AlloyScan.Engine.Inventory;

/// <summary>
/// Values that machines carry in place of an identifier. A value is junk as a whole: a real serial number that
/// merely contains one of these texts is not junk.
/// </summary>
internal static class ShippedJunk
{
    // Texts that makers leave in SMBIOS fields, without anything but letters: they come with every sort of separator.
    private static readonly HashSet<string> s_words = new(StringComparer.Ordinal)
    {
        "TOBEFILLEDBYOEM", "TOBEFILLEDBYOEMBYMORESTRING", "TOBEFILLED", "FILLEDBYOEM", "FILLBYOEM", "TOBEDEFINEDBYOEM", "TOBEDETERMINED", "TBD", "TBDBYODM", "TBDBYOEM", "OEM", "OEMID", "OEMSERIAL", "OEMDEFINE",
        "DEFAULT", "DEFAULTSTRING", "STANDARD", "CUTOUT", "EMPTYSTRING",
        "SYSTEMSERIALNUMBER", "SYSTEMSERIALNUMB", "SYSTEMSERIAL", "CHASSISSERIALNUMBER", "CHASSISSERIAL", "OEMCHASSISSERIALNUMBER", "BASEBOARDSERIALNUMBER", "BOARDSERIALNUMBER", "MOTHERBOARDSERIALNUMBER",
        "SERIALNUMBER", "SERIALNO", "SERIAL", "SERNUM", "SN", "SERIALNUMBERXXXXXX",
        "SYSTEMPRODUCTNAME", "SYSTEMMANUFACTURER", "SYSTEMNAME", "SYSTEMVERSION", "PRODUCTNAME", "CHASSISMANUFACTURE", "CHASSISMANUFACTURER", "CHASSISVERSION",
        "ASSETTAG", "ASSETTRACKING", "ASSETNUMBER", "CHASSISASSETTAG", "BASEBOARDASSETTAG", "NOASSETTAG", "NOASSETINFORMATION", "NOASSET",
        "NOTSPECIFIED", "NOTAPPLICABLE", "NOTAVAILABLE", "NOTPROVIDED", "NOTDEFINED", "NOTSET", "NOTPRESENT", "NOTSETTABLE", "NOTSUPPORTED", "NOTSUPPORT", "NOTSUPPORTEDBYCPU", "NOTINSTALLED", "NOTASSIGNED", "NOTKNOWN",
        "NONE", "NULL", "NULLSTRING", "NA", "NIL", "UNKNOWN", "UNKNOW", "UNDEFINED", "UNSPECIFIED", "UNASSIGNED", "INVALID", "EMPTY", "BLANK", "BADINDEX", "OUTOFSPEC",
        "NOSERIAL", "NOSERIALNUMBER", "NOSYSTEMSERIALNUMBER", "EVAL", "IATPASS", "TEST", "SAMPLE", "DEMO", "TULIPCOMPUTERS",
        "ABCDEFG", "ABCDEFGH", "ABCDEFGHIJ", "ABCDEFGHIJKL", "ABCDEFGHIJKLM",
        "QEMU", "KVM", "VIRTUALMACHINE", "VIRTUALBOX", "VMWARE", "BOCHS", "XEN",
        "INTEL", "INTELCORPORATION", "AMI", "AMERICANMEGATRENDS", "PHOENIX", "INSYDE", "DELL", "LENOVO", "ASUS", "ACER", "MSI", "GIGABYTE", "SUPERMICRO", "CONGATEC",
    };

    // Those with digits, as a whole and with their separators, since a real serial number could differ by a hyphen only.
    private static readonly HashSet<string> s_texts = new(StringComparer.Ordinal)
    {
        "123", "1234", "12345", "123456", "1234567", "12345678", "123456789", "1234567890", "12345678900", "123456789000", "12345678901", "123456789012", "1234567890123456", "12345678901234567", "12345678901234567890",
        "0123", "01234", "012345", "0123456", "01234567", "012345678", "0123456789", "01234567890", "012345678900", "0123456789000", "0123456789ABCDEF", "123456789ABCDEF", "0987654321", "9876543210", "987654321",
        "0X00000000", "0X0000000000000000", "0XFFFFFFFF", "123ABC", "ABC123", "NONE1", "EMPTY1",
        "SN-12345", "SN-1234567890", "SYS-1234567890", "SYS-9876543210", "MB-1234567890", "NB-1234567890", "NB-0123456789", "ASSET-1234567890", "ATN12345678901234567", "BSN12345678901234567", "CSN12345678901234567", "SSN12345678901234567",
        "SERNUM0", "SERNUM1", "SERNUM2", "SERNUM3", "SERNUM4", "SERNUM00", "SERNUM01", "SERNUM02", "SERNUM03", "A1_SERNUM0", "A1_SERIALNUM0",
        "ASSETTAGNUM0", "ASSETTAGNUM1", "ASSETTAGNUM2", "ASSETTAGNUM3", "ASSETTAGNUM4", "A1_ASSETTAGNUM0", "A1_ASSETTAGNUM1", "A1_ASSETTAGNUM2", "A1_ASSETTAGNUM3",
        "OEM_DEFINE0", "OEM_DEFINE1", "OEM_DEFINE2", "OEM_DEFINE3", "OEM_DEFINE4", "TYPE1 - SYSTEM SERIAL NUMBER", "TYPE2 - BOARD SERIAL NUMBER", "TYPE3 - CHASSIS SERIAL NUMBER",
    };

    // Names that a machine has before somebody names it.
    private static readonly HashSet<string> s_names = new(StringComparer.Ordinal) { "LOCALHOST", "(NONE)", "NONE", "NULL", "UNKNOWN", "N/A" };

    // SMBIOS UUIDs that whole production series share, in one of the two byte orders, with what is known of them.
    private static readonly (string Value, string Note)[] s_uuidList =
    [
        ("03000200-0400-0500-0006-000700080009", "Boards whose maker set none"),
        ("00020003-0004-0005-0006-000700080009", "Boards whose maker set none"),
        ("00010203-0405-0607-0809-0A0B0C0D0E0F", "Counting bytes"),
        ("07090201-0103-0301-0807-060504030201", "Placeholder"),
        ("00112233-4455-6677-8899-AABBCCDDEEFF", "Counting digits"),
        ("11111111-2222-3333-4444-555555555555", "Counting groups"),
        ("12345678-1234-1234-1234-123456789012", "Counting digits"),
        ("12345678-1234-5678-9012-123456789012", "Counting digits"),
        ("12345678-1234-5678-90AB-CDDEEFAABBCC", "Counting digits"),
        ("DEADBEEF-DEAD-BEEF-DEAD-BEEFDEADBEEF", "Placeholder"),
        ("6AB5B300-538D-1014-9FB5-B0684D007B53", "One production series"),
        ("890E2D14-CACD-45D1-AE66-BC80E8BFEB0F", "One production series"),
        ("8E275844-178F-44A8-ACEB-A7D7E5178C63", "One production series"),
        ("DC698397-FA54-4CF2-82C8-B1B5307A6A7F", "One production series"),
        ("FFFFFF00-FFFF-FFFF-FFFF-FFFFFFFFFFFF", "Placeholder"),
        ("4C4C4544-0000-2010-8020-80C04F202020", "Dell board without service tag"),
        ("4C4C4544-0000-2010-8020-20C04F202020", "Dell board without service tag"),
        ("4C4C4544-0020-2010-8020-A0C04F202020", "Dell board without service tag"),
    ];

    // Addresses that exist on many machines, or travel from one to another. They support a match and never make one.
    private static readonly (string Pattern, string Note)[] s_addressList =
    [
        ("005056C0*", "VMware host adapter"),
        ("0A0027000000", "VirtualBox host adapter"),
        ("02004C4F4F50", "Loopback adapter"),
        ("00059A3C7800", "Cisco VPN"), ("00059A3C7A00", "Cisco VPN"), ("00059A3C7600", "Cisco VPN"),
        ("000BCAFE0000", "Juniper VPN"), ("000BCAFE0001", "Juniper VPN"), ("02004E435049", "Juniper VPN"), ("025041000001", "Palo Alto VPN"), ("020054554E01", "Tunnel"), ("00FF00000001", "Tunnel"),
        ("505054503030", "Windows WAN miniport"), ("33506F453030", "Windows WAN miniport"), ("204153594EFF", "Windows WAN miniport"), ("005345000000", "Windows WAN miniport"), ("*20524153", "Windows WAN miniport"),
        ("00A0C6000000", "Mobile broadband"), ("028037EC0200", "Mobile broadband"), ("020000000000", "Placeholder"), ("0000FFFFFFFF", "Placeholder"), ("001122334455", "Placeholder"), ("123456789ABC", "Placeholder"), ("DEADBEEFCAFE", "Placeholder"),
        ("001583*", "Bluetooth dongle"), ("001A7DDA71*", "Bluetooth dongle"),
        ("00005E0001*", "VRRP router"), ("00000C07AC*", "HSRP router"), ("00000C9FF*", "HSRP router"), ("0007B400*", "GLBP router"),
        ("00E04C*", "USB adapter or dock (Realtek)"), ("000EC6*", "USB adapter or dock (ASIX)"), ("0050B6*", "USB adapter or dock (Good Way)"), ("0C3796*", "USB adapter or dock (BizLink)"),
        ("9CEBE8*", "USB adapter or dock (BizLink)"), ("A0CEC8*", "USB adapter or dock (CE Link)"), ("8CAE4C*", "USB adapter or dock (Plugable)"), ("00249B*", "USB adapter or dock (Action Star)"),
        ("3C18A0*", "USB adapter or dock (Luxshare)"), ("00051B*", "USB adapter or dock (Magic Control)"), ("644BF0*", "Dock (CalDigit)"), ("00133B*", "USB adapter (Speed Dragon)"),
        ("000C29*", "VMware virtual machine"), ("000569*", "VMware virtual machine"), ("005056*", "VMware virtual machine"), ("00155D*", "Hyper-V virtual machine"), ("080027*", "VirtualBox virtual machine"),
        ("00163E*", "Xen virtual machine"), ("001C42*", "Parallels virtual machine"),
    ];

    private static readonly string[] s_adapterNames =
        ["dock", "usb", "bluetooth", "virtual", "vmnet", "vethernet", "hyper-v", "tap-", "tunnel", "vpn", "loopback", "docker", "veth", "miniport"];

    private static readonly HashSet<UInt128> s_uuids = [.. s_uuidList.Select(u => UInt128.Parse(u.Value.Replace("-", string.Empty, StringComparison.Ordinal), NumberStyles.HexNumber, CultureInfo.InvariantCulture))];

    // By number of leading digits; 12 are a whole address. One set per length keeps the look-up free of strings.
    private static readonly (int Digits, HashSet<ulong> Values)[] s_addresses =
    [
        .. s_addressList.Where(a => a.Pattern[0] != '*').Select(a => a.Pattern.TrimEnd('*')).GroupBy(p => p.Length)
            .Select(g => (g.Key, g.Select(p => ulong.Parse(p, NumberStyles.HexNumber, CultureInfo.InvariantCulture)).ToHashSet())),
    ];

    private static readonly string[] s_addressEndings = [.. s_addressList.Where(a => a.Pattern[0] == '*').Select(a => a.Pattern[1..])];

    /// <summary>The whole list for people: values, or words in angle brackets where one entry stands for many; and whether it counts as blank.</summary>
    public static IEnumerable<(IdentifierKind Kind, string Value, string? Note, bool Blank)> All()
    {
        foreach (var kind in (IdentifierKind[])[IdentifierKind.SerialNumber, IdentifierKind.AssetTag])
        {
            yield return (kind, "<one letter or digit, repeated>", "A field that nobody filled", true);
            yield return (kind, "<no letter or digit>", "A field that nobody filled", true);
            foreach (var word in s_words.Order(StringComparer.Ordinal))
                yield return (kind, word, "With any blanks, dots or signs", true);
            foreach (var text in s_texts.Order(StringComparer.Ordinal))
                yield return (kind, text, null, true);
        }

        foreach (var name in s_names.Order(StringComparer.Ordinal))
            yield return (IdentifierKind.Name, name, "A machine that nobody named", true);

        yield return (IdentifierKind.BiosUuid, "<one byte, repeated>", "A field that nobody filled", true);
        yield return (IdentifierKind.BiosUuid, "<all but the first group 0 or F>", "A field that nobody filled", true);
        foreach (var (value, note) in s_uuidList)
            yield return (IdentifierKind.BiosUuid, value, note, true);

        yield return (IdentifierKind.MacAddress, "<one digit, repeated>", "No address", true);
        yield return (IdentifierKind.MacAddress, "<multicast>", "Not the address of one machine", false);
        yield return (IdentifierKind.MacAddress, "<locally administered>", "Made up by software", false);
        foreach (var part in s_adapterNames)
            yield return (IdentifierKind.MacAddress, $"<adapter named *{part}*>", "An adapter that does not belong to the machine alone", false);
        foreach (var (pattern, note) in s_addressList)
            yield return (IdentifierKind.MacAddress, pattern, note, false);
    }

    public static bool IsJunkSerialNumber(string collapsed) => IsJunkText(collapsed);

    public static bool IsJunkAssetTag(string collapsed) => IsJunkText(collapsed);

    public static bool IsJunkName(string name) => s_names.Contains(name);

    public static bool IsJunkMacAddress(ReadOnlySpan<char> digits) => IsOneDigit(digits);

    public static bool IsJunkUuid(ReadOnlySpan<char> digits) =>
        IsOneByte(digits) || IsAll(digits[8..], '0') || IsAll(digits[8..], 'F') || s_uuids.Contains(UInt128.Parse(digits, NumberStyles.HexNumber, CultureInfo.InvariantCulture));

    public static bool IsSharedAdapter(ReadOnlySpan<char> digits)
    {
        foreach (var (count, values) in s_addresses)
        {
            if (values.Contains(ulong.Parse(digits[..count], NumberStyles.HexNumber, CultureInfo.InvariantCulture)))
                return true;
        }

        foreach (var ending in s_addressEndings)
        {
            if (digits.EndsWith(ending, StringComparison.Ordinal))
                return true;
        }

        return false;
    }

    /// <summary>Whether an adapter's name says that it does not belong to the machine alone.</summary>
    public static bool IsSharedAdapterName(string? name)
    {
        if (name is null)
            return false;

        foreach (var part in s_adapterNames)
        {
            if (name.Contains(part, StringComparison.OrdinalIgnoreCase))
                return true;
        }

        return false;
    }

    private static bool IsJunkText(string collapsed)
    {
        if (s_texts.Contains(collapsed))
            return true;

        var letters = collapsed.Length <= 256 ? stackalloc char[collapsed.Length] : new char[collapsed.Length];
        var length = 0;
        var hasDigit = false;
        foreach (var c in collapsed)
        {
            if (!char.IsLetterOrDigit(c))
                continue;

            letters[length++] = c;
            hasDigit |= char.IsDigit(c);
        }

        var packed = letters[..length];
        return length == 0 || IsOneDigit(packed) || (!hasDigit && s_words.Contains(packed.ToString()));
    }

    private static bool IsOneDigit(ReadOnlySpan<char> text) => IsAll(text, text[0]);

    private static bool IsOneByte(ReadOnlySpan<char> digits)
    {
        for (var i = 2; i < digits.Length; i++)
        {
            if (digits[i] != digits[i - 2])
                return false;
        }

        return true;
    }

    private static bool IsAll(ReadOnlySpan<char> text, char c) => text.IndexOfAnyExcept(c) < 0;
}
