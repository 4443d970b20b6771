using AlloyScan.Engine.Cmdb;
using AlloyScan.Engine.Inventory;

namespace AlloyScan.Engine.Sync.Undo;

/// <summary>What is to be put back on one CI, and what became of each change: planned first, then written.</summary>
internal sealed class Restoration(RecordClass recordClass, long number)
{
    public RecordClass Class { get; } = recordClass;

    public long Number { get; } = number;

    public string RecordId { get; } = RunContext.RecordId(recordClass, number);

    /// <summary>The CI as it is; <see langword="null"/> when it is gone.</summary>
    public RecordState? Record { get; init; }

    /// <summary>The CI goes altogether.</summary>
    public bool Remove { get; set; }

    /// <summary>Fields that get another value.</summary>
    public List<(CmdbField Field, string? Now, string? Then)> Fields { get; } = [];

    /// <summary>The set of installations that the CI gets; <see langword="null"/> to leave it.</summary>
    public List<InstalledSoftware>? Software { get; set; }

    /// <summary>Software groups of products that may have left the catalog, by product key.</summary>
    public Dictionary<string, string> Groups { get; } = new(StringComparer.Ordinal);

    /// <summary>Links that are put back, last changed first.</summary>
    public List<LinkRestoration> Links { get; } = [];

    /// <summary>Identifiers that leave the CI, and those that come back.</summary>
    public List<Identifier> IdentifiersOut { get; } = [];

    public List<Identifier> IdentifiersIn { get; } = [];

    /// <summary>Devices that a person separated from the CI, or whose separation went: what is not any more, or is again.</summary>
    public List<(long Site, string Device, bool Separated)> Separations { get; } = [];

    public List<UndoneChange> Outcomes { get; } = [];

    public string RecordName => Record?.Values[CmdbFields.Name.Index] ?? RecordId;

    public void Say(string? field, UndoOutcome outcome, string? oldValue, string? newValue, string? reason = null) => Outcomes.Add(new UndoneChange
    {
        Class = Class,
        RecordId = RecordId,
        RecordName = RecordName,
        Field = field,
        Outcome = outcome,
        OldValue = oldValue,
        NewValue = newValue,
        Reason = reason,
    });

    public void LeaveAlone(string? field, string reason) => Say(field, UndoOutcome.LeftAlone, null, null, reason);
}

/// <summary>One link that is put back.</summary>
/// <param name="Id">Its key.</param>
/// <param name="Current">As it is.</param>
/// <param name="Image">As it was; <see langword="null"/> when there was none.</param>
/// <param name="Detail">The row of the journal.</param>
/// <param name="Quiet">Nothing of the link itself changed; it is written only with what belongs to it.</param>
internal sealed record LinkRestoration(long Id, LinkImage Current, LinkImage? Image, JournalDetail Detail, bool Quiet);
