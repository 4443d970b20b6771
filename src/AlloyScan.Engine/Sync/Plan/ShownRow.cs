using Newtonsoft.Json;

namespace AlloyScan.Engine.Sync.Plan;

/// <summary>What a row of a plan shows to people, as the store keeps it.</summary>
internal sealed record ShownRow
{
    private static readonly JsonSerializerSettings s_json = new() { NullValueHandling = NullValueHandling.Ignore, DefaultValueHandling = DefaultValueHandling.Ignore, DateParseHandling = DateParseHandling.None };

    public string? RecordId { get; init; }

    public string? DeviceName { get; init; }

    /// <summary>Field, value before, value after.</summary>
    public string?[][]? Fields { get; init; }

    public int SoftwareAdded { get; init; }

    public int SoftwareRemoved { get; init; }

    public string? Reason { get; init; }

    public static ShownRow Of(SyncChange change) => new()
    {
        RecordId = change.RecordId,
        DeviceName = change.DeviceName,
        Fields = change.Fields.Count == 0 ? null : [.. change.Fields.Select(f => new[] { f.Field, f.OldValue, f.NewValue })],
        SoftwareAdded = change.SoftwareAdded,
        SoftwareRemoved = change.SoftwareRemoved,
        Reason = change.Reason,
    };

    [JsonIgnore]
    public IReadOnlyList<FieldChange> Changes => [.. (Fields ?? []).Select(f => new FieldChange(f[0] ?? string.Empty, f[1], f[2]))];

    /// <summary>Whether the row sets one of some values on a CI that exists.</summary>
    public bool Sets(IReadOnlySet<(string Field, string Value)> values) => RecordId is not null && Fields is not null && Fields.Any(f => f is [{ } field, _, { } value] && values.Contains((field, value)));

    public string ToJson() => JsonConvert.SerializeObject(this, s_json);

    public static ShownRow FromJson(string? json) => json is null ? new ShownRow() : JsonConvert.DeserializeObject<ShownRow>(json, s_json) ?? new ShownRow();
}
