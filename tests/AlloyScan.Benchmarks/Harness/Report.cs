using System.Globalization;
using System.Text.Json;

namespace AlloyScan.Benchmarks;

/// <summary>
/// A result table for people, or a JSON object a line for programs. Figures that depend on the machine are shown for
/// orientation; what is compared is the ratio of medians of interleaved rounds.
/// </summary>
internal sealed class Report(bool json)
{
    public void Title(string text)
    {
        if (!json)
            Console.Out.WriteLine(Environment.NewLine + text);
    }

    /// <summary>Engine against floor, median against median.</summary>
    public void Compare(string scenario, int devices, double limit, IReadOnlyList<SyncFigures> engine, IReadOnlyList<SyncFigures> floor)
    {
        if (!json)
            Console.Out.WriteLine(Line("", "engine", "floor", "ratio", "at most"));
        Row("client CPU, s", f => f.Cpu);
        Row("wall, s", f => f.Wall);

        void Row(string what, Func<SyncFigures, double> figure)
        {
            var (ours, least) = (Median(engine, figure), Median(floor, figure));
            Fact(scenario, devices, what, Text(ours), Text(least), ours / least, limit);
        }
    }

    /// <summary>One figure beside what it is measured against.</summary>
    public void Fact(string scenario, int devices, string what, string ours, string theirs, double? ratio, double? limit)
    {
        if (json)
            Console.Out.WriteLine(JsonSerializer.Serialize(new { scenario, devices, what, ours, theirs, ratio, limit, met = ratio is null || limit is null ? (bool?)null : ratio <= limit }));
        else
            Console.Out.WriteLine(Line(what, ours, theirs, ratio is { } r ? Text(r) : "", limit is { } l ? Text(l) + (ratio <= l ? "" : "  MISSED") : ""));
    }

    public void Note(string text)
    {
        if (json)
            Console.Out.WriteLine(JsonSerializer.Serialize(new { note = text }));
        else
            Console.Out.WriteLine("  " + text);
    }

    /// <summary>Every single sample, for those who distrust medians.</summary>
    public void Sample(string scenario, string side, int round, SyncFigures figures)
    {
        if (json)
            Console.Out.WriteLine(JsonSerializer.Serialize(new { scenario, side, round, figures }));
        else
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {scenario} {side} {round}: CPU {figures.Cpu:0.00} s, wall {figures.Wall:0.00} s, peak {figures.PeakMegabytes:0} MB{Stages(figures)}"));
    }

    public static double Median(IEnumerable<SyncFigures> samples, Func<SyncFigures, double> figure)
    {
        var sorted = samples.Select(figure).Order().ToList();
        return sorted.Count % 2 == 1 ? sorted[sorted.Count / 2] : (sorted[(sorted.Count / 2) - 1] + sorted[sorted.Count / 2]) / 2;
    }

    public static string Text(double value) => value.ToString(value < 100 ? "0.00" : "0", CultureInfo.InvariantCulture);

    private static string Stages(SyncFigures figures) =>
        figures.Stages is null ? "" : " (" + string.Join(", ", figures.Stages.Select(s => string.Create(CultureInfo.InvariantCulture, $"{s.Key} {s.Value:0.00}"))) + ")";

    private static string Line(string what, string ours, string theirs, string ratio, string limit) => $"  {what,-44}{ours,14}{theirs,14}{ratio,8}   {limit}";
}
