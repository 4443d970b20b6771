using System.Collections;
using System.Diagnostics.CodeAnalysis;

namespace AlloyScan.Engine.Site;

/// <summary>
/// Where the fields of one kind of object stand in its JSON: a location for each field that we read, such as
/// <c>hardware.cpu.name</c>. A dot separates property names; a dot inside a name is written <c>\.</c>. A field whose location is
/// <see langword="null"/> is not read. The set of fields is fixed. Immutable.
/// </summary>
[SuppressMessage("Naming", "CA1710:Identifiers should have correct suffix", Justification = "'Locations' is the plural that says it.")]
public sealed class ApiLocations : IReadOnlyDictionary<string, string?>, IEquatable<ApiLocations>
{
    private readonly string[] _fields;
    private readonly string?[] _locations;

    internal ApiLocations(string section, string[] fields, string?[] locations)
    {
        Section = section;
        _fields = fields;
        _locations = locations;
    }

    /// <summary>Name of the section of the profile, for example <c>snapshot</c>.</summary>
    public string Section { get; }

    /// <summary>The fields, in the order in which the API documents them.</summary>
    public IEnumerable<string> Keys => _fields;

    /// <summary>The locations, in the order of <see cref="Keys"/>.</summary>
    public IEnumerable<string?> Values => _locations;

    /// <inheritdoc/>
    public int Count => _fields.Length;

    internal string? LocationAt(int index) => _locations[index];

    /// <inheritdoc/>
    public string? this[string key] => TryGetValue(key, out string? value) ? value : throw new KeyNotFoundException($"The section '{Section}' has no field '{key}'.");

    /// <summary>The same locations but for one field.</summary>
    /// <param name="field">A field of this section.</param>
    /// <param name="location">Its location; <see langword="null"/> not to read it.</param>
    /// <exception cref="AlloyScanException">There is no such field, or the location is malformed (<c>InvalidApiProfile</c>).</exception>
    public ApiLocations With(string field, string? location)
    {
        int index = Array.IndexOf(_fields, field);
        if (index < 0)
        {
            throw ApiProfileJson.Invalid($"{Section}.{field}", $"is not known. Known are: {string.Join(", ", _fields)}.");
        }

        if (location is not null)
        {
            _ = ApiProfileJson.SplitLocation($"{Section}.{field}", location);
        }

        string?[] locations = [.. _locations];
        locations[index] = location;
        return new ApiLocations(Section, _fields, locations);
    }

    /// <inheritdoc/>
    public bool ContainsKey(string key) => Array.IndexOf(_fields, key) >= 0;

    /// <inheritdoc/>
    public bool TryGetValue(string key, [MaybeNullWhen(false)] out string? value)
    {
        int index = Array.IndexOf(_fields, key);
        value = index < 0 ? null : _locations[index];
        return index >= 0;
    }

    /// <inheritdoc/>
    public IEnumerator<KeyValuePair<string, string?>> GetEnumerator()
    {
        for (int i = 0; i < _fields.Length; i++)
        {
            yield return new KeyValuePair<string, string?>(_fields[i], _locations[i]);
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <inheritdoc/>
    public bool Equals(ApiLocations? other) =>
        other is not null && Section == other.Section && _locations.AsSpan().SequenceEqual(other._locations);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as ApiLocations);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        HashCode hash = default;
        foreach (string? location in _locations)
        {
            hash.Add(location);
        }

        return hash.ToHashCode();
    }
}
