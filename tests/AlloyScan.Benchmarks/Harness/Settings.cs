using System.Globalization;

namespace AlloyScan.Benchmarks;

/// <summary>The command line.</summary>
internal sealed record Settings
{
    public const string Help = """
        Measures the engine against a floor: a program with no engine that does the same work.

        Usage: AlloyScan.Benchmarks [first|second|changed|identify|memory|calls|parse|all] [options]

          first      first sync of 10,000 devices with 80 software rows, against the floor
          second     unchanged second sync of 100,000 devices, against the floor; statements that write
          changed    what a day of changes costs, against an unchanged run
          identify   identification of 10,000, 50,000 and 100,000 unlinked devices, and its share in a run
          memory     peak working set of first syncs of 10,000 and 200,000 devices
          calls      API calls of a first, an unchanged and a changed run, against the least possible
          parse      snapshots through the site client, against Utf8JsonReader (BenchmarkDotNet)
          all        the first six, one after the other (default)

          --devices N    another number of devices
          --software N   another number of software rows of a computer
          --rounds N     interleaved rounds (5; of identify and memory 1)
          --folder PATH  where the stores are put meanwhile (the system's folder for temporary files)
          --json         a JSON object a line instead of tables

        """;

    public string Scenario { get; private init; } = "all";

    public int? Devices { get; private init; }

    public int? Software { get; private init; }

    public int? Rounds { get; private init; }

    public string Folder { get; private init; } = Path.Combine(Path.GetTempPath(), "alloyscan-benchmarks-" + Path.GetRandomFileName());

    public bool Json { get; private init; }

    public static Settings Parse(IReadOnlyList<string> arguments)
    {
        var settings = new Settings();
        for (var i = 0; i < arguments.Count; i++)
        {
            settings = arguments[i] switch
            {
                "first" or "second" or "changed" or "identify" or "memory" or "calls" or "parse" or "all" => settings with { Scenario = arguments[i] },
                "--devices" => settings with { Devices = Number(arguments, ref i) },
                "--software" => settings with { Software = Number(arguments, ref i) },
                "--rounds" => settings with { Rounds = Number(arguments, ref i) },
                "--folder" => settings with { Folder = Path.Combine(Value(arguments, ref i), "alloyscan-benchmarks-" + Path.GetRandomFileName()) },
                "--json" => settings with { Json = true },
                var unknown => throw new ArgumentException($"'{unknown}' is not understood."),
            };
        }

        return settings;
    }

    private static string Value(IReadOnlyList<string> arguments, ref int i) =>
        ++i < arguments.Count ? arguments[i] : throw new ArgumentException($"{arguments[i - 1]} needs a value.");

    private static int Number(IReadOnlyList<string> arguments, ref int i) =>
        int.TryParse(Value(arguments, ref i), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : throw new ArgumentException($"{arguments[i - 1]} takes a whole number.");
}
