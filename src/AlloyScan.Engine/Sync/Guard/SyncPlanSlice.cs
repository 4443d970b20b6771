using System.Globalization;
using AlloyScan.Engine.Inventory;

namespace AlloyScan.Engine.Sync.Guard;

/// <summary>What a plan has of one guarded kind in one slice of the site, beside the limit.</summary>
public sealed record SyncPlanSlice
{
    /// <summary>Number of the plan; 0 when none is kept.</summary>
    public long Plan { get; init; }

    /// <summary>Name of the job.</summary>
    public string Job { get; init; } = string.Empty;

    /// <summary>Kind of the changes.</summary>
    public GuardKinds Kind { get; init; }

    /// <summary>Class of the CIs.</summary>
    public RecordClass Class { get; init; }

    /// <summary>OS platform of the CIs; <see langword="null"/> for those without one.</summary>
    public string? Platform { get; init; }

    /// <summary>Class and platform in one word.</summary>
    public string Slice => new GuardSlice(Class, Platform).ToString();

    /// <summary>Changes of the kind in the slice.</summary>
    public long Changes { get; init; }

    /// <summary>Live links of the slice; for updates its linked CIs.</summary>
    public long Of { get; init; }

    /// <summary>The limit.</summary>
    public GuardLimit Limit { get; init; } = new(0, 0);

    /// <summary>Whether there are too many, so that all of the kind is held back.</summary>
    public bool Tripped { get; init; }

    /// <summary>For one value on many CIs: the field; else <see langword="null"/>.</summary>
    public string? Field { get; init; }

    /// <summary>For one value on many CIs: the value; else <see langword="null"/>.</summary>
    public string? Value { get; init; }

    /// <inheritdoc/>
    public override string ToString()
    {
        var share = Of == 0 ? string.Empty : string.Create(CultureInfo.InvariantCulture, $" ({100m * Changes / Of:0.#} %)");
        var what = Field is null ? string.Empty : $", {Field} = '{(Value is { Length: > 60 } ? Value[..60] + "..." : Value)}'";
        var limit = Tripped
            ? Limit.IsZero ? "and the limit 0 lets nothing through without approval" : $"more than {Limit}"
            : $"the limit is {Limit}";
        return string.Create(CultureInfo.InvariantCulture, $"{Kind}, {Slice}{what}: {Changes} of {Of}{share}, {limit}");
    }
}
