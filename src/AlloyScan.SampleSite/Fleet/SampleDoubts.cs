namespace AlloyScan.SampleSite;

/// <summary>
/// Traits that make machines hard to tell apart, beyond those of <see cref="SampleSiteOptions.JunkRate"/>. All are shares from
/// 0 to 1; a fleet of the same seed is the same with and without them, but for what they change.
/// </summary>
public sealed record SampleDoubts
{
    /// <summary>No trait; the default.</summary>
    public static readonly SampleDoubts None = new();

    /// <summary>All traits, more often than in most companies.</summary>
    public static readonly SampleDoubts Many = new()
    {
        VendorSerials = 0.045,
        TurnedUuids = 0.3,
        BoardSwaps = 0.002,
        AdapterMoves = 0.002,
        Reimages = 0.15,
        StaleReimages = 0.06,
        BoardReplacements = 0.12,
        SecondRows = 0.08,
        NameReuse = 0.1,
    };

    /// <summary>Share of physical computers whose maker gave a whole series one serial number, which no list of placeholders knows.</summary>
    public double VendorSerials { get; init; }

    /// <summary>Share of computers whose BIOS UUID audits give now in the one byte order and now in the other.</summary>
    public double TurnedUuids { get; init; }

    /// <summary>Share of physical computers that get a new board each day, and with it another serial number, UUID and MAC address; the device stays.</summary>
    public double BoardSwaps { get; init; }

    /// <summary>Share of machines that exchange their network cards with another one each day.</summary>
    public double AdapterMoves { get; init; }

    /// <summary>Share of new devices that are a listed machine, installed afresh; its old row is not seen any more and goes after some days.</summary>
    public double Reimages { get; init; }

    /// <summary>Share of new devices that are a machine out of a drawer, installed afresh; its old row stays, unseen for a month and longer.</summary>
    public double StaleReimages { get; init; }

    /// <summary>Share of new devices that are a listed machine with a new board, to which the agent took it for a new one; its old row goes at once, or after some days.</summary>
    public double BoardReplacements { get; init; }

    /// <summary>Share of new devices that are a second row of a listed machine; both are seen from then on.</summary>
    public double SecondRows { get; init; }

    /// <summary>
    /// Share of new devices that take over from one that goes on that day without being it: a computer its name and its
    /// desk with the dock, other hardware its network card.
    /// </summary>
    public double NameReuse { get; init; }

    internal bool Any => this != None;

    internal IEnumerable<(double Share, string Name)> Shares =>
    [
        (VendorSerials, nameof(VendorSerials)), (TurnedUuids, nameof(TurnedUuids)), (BoardSwaps, nameof(BoardSwaps)), (AdapterMoves, nameof(AdapterMoves)),
        (Reimages, nameof(Reimages)), (StaleReimages, nameof(StaleReimages)), (BoardReplacements, nameof(BoardReplacements)), (SecondRows, nameof(SecondRows)), (NameReuse, nameof(NameReuse)),
        (Reimages + StaleReimages + BoardReplacements + SecondRows + NameReuse, "The sum of what new devices are"),
    ];
}

/// <summary>Why a device is in the list.</summary>
public enum SampleOrigin
{
    /// <summary>A machine that was not there before.</summary>
    New,

    /// <summary>A machine that was installed afresh; its old row went on the same day.</summary>
    Reimaged,

    /// <summary>A machine that was installed afresh; its old row stays for some days, unseen.</summary>
    ReimagedBeside,

    /// <summary>A machine that was installed afresh; its old row has not been seen for a month and longer, and stays.</summary>
    ReimagedStale,

    /// <summary>A machine with a new board, and so with another serial number and UUID.</summary>
    BoardReplaced,

    /// <summary>A second row of a machine that is in the list already.</summary>
    SecondRow,

    /// <summary>Another machine with the name, and the dock, of one that went on the same day.</summary>
    NameReused,

    /// <summary>Another machine with the network card of one that went on the same day.</summary>
    AdapterReused,
}
