namespace AlloyScan.SampleSite;

/// <summary>
/// SplitMix64. Everything about the fleet comes from it, so it must never change: the same seed has to give the same
/// fleet on every platform and in every process.
/// </summary>
internal static class Hash
{
    private const ulong Golden = 0x9E3779B97F4A7C15;

    public static ulong Mix(ulong value)
    {
        value += Golden;
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }

    /// <summary>The inverse of <see cref="Mix"/>: what makes an ID readable without a table.</summary>
    public static ulong Unmix(ulong value)
    {
        value = (value ^ (value >> 31) ^ (value >> 62)) * 0x319642B2D24D8EC3;
        value = (value ^ (value >> 27) ^ (value >> 54)) * 0x96DE1B173F119089;
        value = value ^ (value >> 30) ^ (value >> 60);
        return value - Golden;
    }

    public static ulong Of(ulong key, Trait trait) => Mix(key ^ ((ulong)trait * 0xD6E8FEB86659FD93));

    public static ulong Of(ulong key, Trait trait, int number) => Mix(Of(key, trait) ^ (uint)number);

    /// <summary>One of <paramref name="count"/>, from the upper half of the hash.</summary>
    public static int Pick(ulong hash, int count) => (int)(((hash >> 32) * (uint)count) >> 32);

    /// <summary>Whether an event of this share happens, from the lower half of the hash; so a chance and a pick can share one hash.</summary>
    public static bool Chance(ulong hash, ulong threshold) => (uint)hash < threshold;

    public static ulong Threshold(double share) => (ulong)(Math.Clamp(share, 0, 1) * 4294967296.0);
}

/// <summary>What a hash is used for, so that no two uses get the same random bits.</summary>
internal enum Trait : ulong
{
    None,
    Device,
    Machine,
    Identifier,
    IdentifierCheck,
    Kind,
    Model,
    Processor,
    Memory,
    Office,
    Rename,
    Serial,
    SerialJunk,
    Uuid,
    UuidJunk,
    Mac,
    DockMac,
    Clone,
    CloneIdentity,
    Address,
    AssetTag,
    Person,
    OperatingSystem,
    Tags,
    Custom,
    Seen,
    SeenOffset,
    Removal,
    EventDetail,
    Software,
    SoftwareDetail,
    SoftwareChange,
    SoftwareJunk,
    NameJunk,
    Reimage,
    Duplicate,
    Adapters,
    Bluetooth,
    Version,
    VendorSerial,
    UuidOrder,
    Board,
    BoardSwap,
    AdapterMove,
    Succession,
    SuccessionPick,
}
