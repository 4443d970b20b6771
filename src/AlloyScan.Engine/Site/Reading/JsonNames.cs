using Newtonsoft.Json;

namespace AlloyScan.Engine.Site.Reading;

/// <summary>The property names that a profile speaks of, each as one string instance. Not changed after building, so it is safe to share.</summary>
internal sealed class JsonNames : JsonNameTable
{
    private readonly Dictionary<string, string> _all = new(StringComparer.Ordinal);
    private string[][] _buckets = [[]];

    /// <summary>Adds a name while the profile is compiled.</summary>
    internal string Add(string name)
    {
        if (_all.TryGetValue(name, out string? known))
        {
            return known;
        }

        _all.Add(name, name);
        return name;
    }

    /// <summary>Ends the building.</summary>
    internal void Freeze()
    {
        int size = 64;
        while (size < _all.Count * 4)
        {
            size *= 2;
        }

        List<string>[] buckets = new List<string>[size];
        foreach (string name in _all.Values)
        {
            (buckets[Hash(name) & (size - 1)] ??= []).Add(name);
        }

        _buckets = [.. buckets.Select(b => b is null ? [] : b.ToArray())];
    }

    /// <summary>The one instance of a known name. An unknown one gets <see langword="null"/>, and the reader makes a string for it.</summary>
    public override string? Get(char[] key, int start, int length)
    {
        ReadOnlySpan<char> name = key.AsSpan(start, length);
        string[][] buckets = _buckets;
        foreach (string candidate in buckets[Hash(name) & (buckets.Length - 1)])
        {
            if (name.SequenceEqual(candidate))
            {
                return candidate;
            }
        }

        return null;
    }

    // First, middle and last letter with the length tell the names of one API apart well enough, and cost next to nothing.
    private static int Hash(ReadOnlySpan<char> name) =>
        name.IsEmpty ? 0 : (name[0] * 31) + (name[^1] * 7) + (name[name.Length / 2] * 3) + name.Length;
}
