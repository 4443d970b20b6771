using System.Text;
using AlloyScan.Engine.Cmdb;

namespace AlloyScan.Engine.Sync.Map;

/// <summary>A service action made ready for use. For one flow at a time.</summary>
internal sealed class FieldMapper
{
    private readonly ResolvedAction _resolved;
    private readonly ResolvedMapping[] _mappings;
    private readonly int _size;
    private readonly StringBuilder _text = new();
    private readonly Dictionary<CmdbField, UnfitValues> _unfit = [];
    private bool _replanning;

    public FieldMapper(ResolvedAction action, CmdbSchema schema)
    {
        _resolved = action;
        _mappings = [.. action.Mappings];
        _size = schema.SizeOf(action.Action.Class);
    }

    public ServiceAction Action => _resolved.Action;

    /// <summary>Whether values that do not fit were told of before.</summary>
    public bool IsMute { get; set; }

    /// <summary>Values that a source gave and their field cannot hold, with one of them and how many there were.</summary>
    public IReadOnlyDictionary<CmdbField, UnfitValues> Unfit => _unfit;

    /// <summary>Values of a CI to be created, by position of the field.</summary>
    public string?[] NewValues(DeviceFacts facts) => StageException.In("Map", () => InitialAndMapped(facts));

    private string?[] InitialAndMapped(DeviceFacts facts)
    {
        var values = new string?[_size];
        foreach (var (field, value) in _resolved.InitialValues)
            values[field.Index] = value;
        foreach (var mapping in _mappings)
        {
            if (Value(mapping, facts, values, null) is { } value)
                values[mapping.Field.Index] = value;
        }

        return values;
    }

    /// <summary>What has to change on a CI, by position of the field. A value of <see langword="null"/> empties it.</summary>
    /// <param name="facts">The device.</param>
    /// <param name="current">What the CI holds.</param>
    /// <param name="written">What we last wrote to each field; absent where we never wrote.</param>
    public List<(CmdbField Field, string? Value)> Changes(DeviceFacts facts, string?[] current, Dictionary<string, string?> written) =>
        StageException.In("Map", () => Compare(facts, current, written));

    private List<(CmdbField Field, string? Value)> Compare(DeviceFacts facts, string?[] current, Dictionary<string, string?> written)
    {
        var changes = new List<(CmdbField, string?)>();
        foreach (var mapping in _mappings)
        {
            var field = mapping.Field;
            var source = Value(mapping, facts, current, changes);
            var target = current[field.Index];
            if (field.IsSame(source, target))
                continue;

            var replace = mapping.Mode switch
            {
                ReplacementMode.Always => source is not null || mapping.Mapping.AllowEmpty,
                ReplacementMode.WhenTargetEmpty => source is not null && target is null,
                ReplacementMode.UnlessEdited => source is not null && !IsEdited(field, target, written),
                _ => source is not null,
            };
            if (replace)
                changes.Add((field, source));
        }

        return changes;
    }

    /// <summary>What would have to change once more, looked at after a change: says nothing again of values that do not fit.</summary>
    public List<(CmdbField Field, string? Value)> Replan(DeviceFacts facts, string?[] current, Dictionary<string, string?> written)
    {
        _replanning = true;
        try
        {
            return Changes(facts, current, written);
        }
        finally
        {
            _replanning = false;
        }
    }

    /// <summary>A field is edited when it no longer holds what we last wrote, or holds something although we never wrote.</summary>
    private static bool IsEdited(CmdbField field, string? target, Dictionary<string, string?> written) =>
        written.TryGetValue(field.Name, out var last) ? !field.IsSame(target, last) : target is not null;

    private string? Value(ResolvedMapping mapping, DeviceFacts facts, string?[] current, List<(CmdbField Field, string? Value)>? changes)
    {
        var raw = mapping.Sources.Length == 1 ? Value(mapping.Sources[0], facts, current, changes) : Joined(mapping, facts, current, changes);
        if (string.IsNullOrWhiteSpace(raw))
            return null;

        var value = mapping.Field.Normalise(raw);
        if (value is null && !_replanning && !IsMute)
        {
            // A number that is none is as good as absent, but somebody should hear of it.
            _unfit[mapping.Field] = _unfit.TryGetValue(mapping.Field, out var unfit) ? unfit with { Count = unfit.Count + 1 } : new UnfitValues(raw, facts.DisplayName, 1);
        }

        return value;
    }

    private static string? Value(in ValueSource source, DeviceFacts facts, string?[] current, List<(CmdbField Field, string? Value)>? changes)
    {
        if (source.Constant is not null)
            return source.Constant;
        if (source.Attribute >= 0)
            return facts.Values[source.Attribute];
        if (source.Custom is not null)
            return facts.Custom?.GetValueOrDefault(source.Custom);

        // A field of the CI, as this mapping leaves it.
        if (changes is not null)
        {
            foreach (var (field, value) in changes)
            {
                if (field.Index == source.Field!.Index)
                    return value;
            }
        }

        return current[source.Field!.Index];
    }

    /// <summary>The parts of a template together; nothing if one of them is absent, since half a value is a wrong one.</summary>
    private string? Joined(ResolvedMapping mapping, DeviceFacts facts, string?[] current, List<(CmdbField Field, string? Value)>? changes)
    {
        _text.Clear();
        foreach (ref readonly var source in mapping.Sources.AsSpan())
        {
            var value = Value(source, facts, current, changes);
            if (string.IsNullOrEmpty(value))
                return null;
            _text.Append(value);
        }

        return _text.ToString();
    }
}

/// <summary>Values of a source that their field cannot hold.</summary>
/// <param name="Example">The first of them.</param>
/// <param name="DeviceName">The device that had it.</param>
/// <param name="Count">How many there were.</param>
internal sealed record UnfitValues(string Example, string DeviceName, int Count);
