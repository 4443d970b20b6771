namespace AlloyScan.Benchmarks.Scenarios;

/// <summary>Nothing holds a fleet: twenty times the devices take hardly more memory.</summary>
internal static class Memory
{
    public static async Task RunAsync(Settings settings, Workplace work, Report report)
    {
        var many = settings.Devices ?? 200_000;
        var few = Math.Max(1, many / 20);
        report.Title($"Memory, first sync of {few} and of {many} devices");
        List<SyncFigures> small = [], large = [];
        await using var smallSite = await SiteProcess.StartAsync(few, settings.Software ?? 5);
        await using var largeSite = await SiteProcess.StartAsync(many, settings.Software ?? 5);
        for (var round = 1; round <= (settings.Rounds ?? 1); round++)
        {
            small.Add(await Processes.SyncAsync("engine", "first", smallSite, work.Empty("engine")));
            report.Sample("memory", $"{few} devices", round, small[^1]);
            large.Add(await Processes.SyncAsync("engine", "first", largeSite, work.Empty("engine")));
            report.Sample("memory", $"{many} devices", round, large[^1]);
        }

        var (low, high) = (Report.Median(small, f => f.PeakMegabytes), Report.Median(large, f => f.PeakMegabytes));
        report.Fact("memory", many, $"peak, MB: {many} and {few} devices", Report.Text(high), Report.Text(low), high / low, 1.2);
        report.Fact("memory", many, "peak, MB, against 250", Report.Text(high), "250", high / 250, 1);
    }
}
