using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace AlloyScan.SampleSite;

/// <summary>Reads the tables in <c>Data/</c>, which are part of the assembly.</summary>
internal static class DataFile
{
    /// <summary>Letters stay letters: real sites send names such as Müller as UTF-8.</summary>
    public static readonly JavaScriptEncoder Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping;

    public static IEnumerable<string> Lines(string name)
    {
        using var stream = typeof(DataFile).Assembly.GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"The table {name} is missing from the assembly.");
        using var reader = new StreamReader(stream, Encoding.UTF8);
        while (reader.ReadLine() is { } line)
        {
            if (line.Length > 0 && line[0] != '#')
                yield return line;
        }
    }

    public static JsonEncodedText Encode(string value) => JsonEncodedText.Encode(value, Encoder);
}

/// <summary>A choice among weighted items that takes one look-up.</summary>
internal sealed class WeightedTable<T>
{
    private const int Slots = 4096;

    private readonly T[] _slots = new T[Slots];

    public WeightedTable(IReadOnlyList<(T Item, int Weight)> items)
    {
        var total = items.Sum(i => i.Weight);
        int slot = 0, sum = 0;
        foreach (var (item, weight) in items)
        {
            sum += weight;
            for (var end = (int)((long)sum * Slots / total); slot < end; slot++)
                _slots[slot] = item;
        }
    }

    public T Pick(ulong hash) => _slots[hash >> 52];
}
