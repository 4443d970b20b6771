namespace AlloyScan.Engine.Sync.Identify;

/// <summary>Who says that a value is junk.</summary>
public enum JunkSource
{
    /// <summary>The list that comes with the product.</summary>
    Shipped,

    /// <summary>The administrator.</summary>
    Own,

    /// <summary>Runs, because too many devices of a site carry it.</summary>
    Learned,
}

/// <summary>What becomes of a junk value.</summary>
public enum JunkEffect
{
    /// <summary>It counts as blank.</summary>
    Blank,

    /// <summary>It supports a match that rests on something else, and never makes one alone.</summary>
    NeverAlone,
}

/// <summary>A value that identifies nothing.</summary>
public sealed record JunkIdentifier
{
    /// <summary>What it is a value of.</summary>
    public required IdentificationAttribute Attribute { get; init; }

    /// <summary>The value as a whole, in the form in which it is compared; for entries of the shipped list that stand for many, words in angle brackets or a pattern with <c>*</c>.</summary>
    public required string Value { get; init; }

    /// <summary>Who says so.</summary>
    public required JunkSource Source { get; init; }

    /// <summary>What becomes of it.</summary>
    public JunkEffect Effect { get; init; }

    /// <summary>Why it is on the list.</summary>
    public string? Note { get; init; }

    /// <summary>Site at which it was learned; <see langword="null"/> when it holds for all.</summary>
    public string? Site { get; init; }

    /// <summary>Devices that carry it, as the last run counted them; for learned ones.</summary>
    public int? Carriers { get; init; }

    /// <summary>Complete runs in a row that found few enough carriers; after three it is good again. For learned ones.</summary>
    public int? GoodRuns { get; init; }

    /// <summary>Since when it is on the list; <see langword="null"/> for shipped ones.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>CIs that hold it; <see langword="null"/> for shipped ones, which no CI keeps for comparing.</summary>
    public int? Records { get; init; }

    /// <summary>Of those CIs, the ones with a live link; <see langword="null"/> for shipped ones.</summary>
    public int? LiveLinks { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"{Attribute} {Value}";
}

/// <summary>A device that carries a junk value.</summary>
public sealed record JunkCarrier
{
    /// <summary>What the value is of.</summary>
    public required IdentificationAttribute Attribute { get; init; }

    /// <summary>The value.</summary>
    public required string Value { get; init; }

    /// <summary>Site of the device.</summary>
    public required string Site { get; init; }

    /// <summary>ID of the device.</summary>
    public required string DeviceId { get; init; }

    /// <summary>Name of the device or its CI.</summary>
    public string? DeviceName { get; init; }

    /// <summary>CI that it is linked to; <see langword="null"/> when it is on the conflict list.</summary>
    public string? RecordId { get; init; }

    /// <inheritdoc/>
    public override string ToString() => DeviceName ?? DeviceId;
}
