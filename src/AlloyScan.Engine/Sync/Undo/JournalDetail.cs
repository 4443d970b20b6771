using System.Globalization;
using AlloyScan.Engine.Inventory;
using Newtonsoft.Json;

namespace AlloyScan.Engine.Sync.Undo;

/// <summary>
/// What the journal keeps beside a row for an undo and shows to nobody: installations with their keys, links before their
/// change, identifiers. Stands on the first row of a change, or on the row of the installation.
/// </summary>
internal sealed record JournalDetail
{
    private static readonly JsonSerializerSettings s_json = new()
    {
        Culture = CultureInfo.InvariantCulture,
        NullValueHandling = NullValueHandling.Ignore,
        DefaultValueHandling = DefaultValueHandling.Ignore,
        DateParseHandling = DateParseHandling.None,
    };

    /// <summary>The link before; <see langword="null"/> when the device had none.</summary>
    public LinkImage? Link { get; init; }

    /// <summary>State of the link after; <see langword="null"/> when the row says nothing of a link.</summary>
    public LinkState? State { get; init; }

    /// <summary>Version of the CI after fields of it were changed; on one row for each time.</summary>
    public long? Version { get; init; }

    /// <summary>Identifiers that came to the CI.</summary>
    public IReadOnlyList<Identifier>? IdentifiersAdded { get; init; }

    /// <summary>Identifiers of a device that its CI had before the device was linked to it.</summary>
    public IReadOnlyList<Identifier>? IdentifiersShared { get; init; }

    /// <summary>Identifiers that left the CI.</summary>
    public IReadOnlyList<Identifier>? IdentifiersRemoved { get; init; }

    /// <summary>The facts that the link kept before, when identifiers changed with them.</summary>
    public string? Source { get; init; }

    /// <summary>The values that the link wrote before it was moved to another CI.</summary>
    public string? Written { get; init; }

    /// <summary>The conflict that this closed.</summary>
    public long? Conflict { get; init; }

    /// <summary>The installation that was added, or as it was before it was removed or changed. Spelt as in the catalog.</summary>
    public InstalledSoftware? Installation { get; init; }

    /// <summary>The changed installation as it was left.</summary>
    public InstalledSoftware? InstallationAfter { get; init; }

    /// <summary>Software group of a product that may have left the catalog with the installation.</summary>
    public string? SoftwareGroup { get; init; }

    /// <summary>A person separated device and CI.</summary>
    public bool Separated { get; init; }

    /// <summary>A person brought device and CI together that another decision had separated.</summary>
    public bool Rejoined { get; init; }

    public string? ToJson()
    {
        var json = JsonConvert.SerializeObject(this, s_json);
        return json == "{}" ? null : json;
    }

    public static JournalDetail FromJson(string? json) => json is null ? new JournalDetail() : JsonConvert.DeserializeObject<JournalDetail>(json, s_json) ?? new JournalDetail();
}
