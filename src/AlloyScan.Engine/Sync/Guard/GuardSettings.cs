using AlloyScan.Engine.Cmdb;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Jobs;
using Newtonsoft.Json;

namespace AlloyScan.Engine.Sync.Guard;

/// <summary>What a job says to the guard, as the store keeps it: JSON with the kinds and fields that the job names and no others.</summary>
internal sealed record GuardSettings(Dictionary<GuardKinds, GuardSettings.Part>? Limits, string[]? Fields)
{
    private static readonly JsonSerializerSettings s_json = new() { NullValueHandling = NullValueHandling.Ignore, FloatParseHandling = FloatParseHandling.Decimal };

    public static string? ToJson(SyncJob job) => job.GuardLimits.Count == 0 && job.GuardedFields.Count == 0
        ? null
        : JsonConvert.SerializeObject(new GuardSettings(job.GuardLimits.ToDictionary(p => p.Key, p => new Part(p.Value.Count, p.Value.Share)), [.. job.GuardedFields]), s_json);

    public static IReadOnlyDictionary<GuardKinds, GuardLimit> LimitsOf(string? json) => Read(json)?.Limits?.ToDictionary(p => p.Key, p => new GuardLimit(p.Value.Count, p.Value.Share)) ?? [];

    public static IReadOnlyList<string> FieldsOf(string? json) => Read(json)?.Fields ?? [];

    /// <exception cref="AlloyScanException">One of them is no limit (<c>InvalidGuardLimit</c>).</exception>
    public static IReadOnlyDictionary<GuardKinds, GuardLimit> CheckedLimits(SyncJob job) => job.GuardLimits.ToDictionary(p => p.Key, p => (p.Value ?? new GuardLimit(-1, 0)).Checked(p.Key));

    /// <summary>The fields by their own names, each once.</summary>
    /// <exception cref="AlloyScanException">No class has such a field (<c>FieldNotFound</c>).</exception>
    public static IReadOnlyList<string> CheckedFields(SyncJob job, CmdbSchema schema)
    {
        var result = new List<string>();
        foreach (var name in job.GuardedFields.Select(f => f?.Trim() ?? string.Empty))
        {
            var field = schema.Find(RecordClass.Computer, name) ?? schema.Find(RecordClass.Hardware, name)
                ?? throw new AlloyScanException(
                    ErrorKind.NotFound, "FieldNotFound", $"The job '{job.Name}' names the field '{name}' for the guard, and no CI has such a field.", name, "List the fields with Get-AlloyCmdbField.");
            if (!result.Contains(field.Name))
                result.Add(field.Name);
        }

        return result;
    }

    public sealed record Part(int Count, decimal Share);

    private static GuardSettings? Read(string? json) => json is null ? null : JsonConvert.DeserializeObject<GuardSettings>(json, s_json);
}
