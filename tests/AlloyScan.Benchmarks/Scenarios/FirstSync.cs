namespace AlloyScan.Benchmarks.Scenarios;

/// <summary>Everything is new: each device is read, each row written.</summary>
internal static class FirstSync
{
    public static async Task RunAsync(Settings settings, Workplace work, Report report)
    {
        var devices = settings.Devices ?? 10_000;
        var software = settings.Software ?? 80;
        await using var site = await SiteProcess.StartAsync(devices, software);
        report.Title($"First sync, {devices} devices, {software} software rows of a computer");
        List<SyncFigures> engine = [], floor = [];
        for (var round = 0; round <= (settings.Rounds ?? 5); round++)
        {
            var ours = await Processes.SyncAsync("engine", "first", site, work.Empty("engine"));
            var least = await Processes.SyncAsync("floor", "first", site, work.Empty("floor"));
            // Round 0 warms the site and the disk cache.
            if (round == 0)
                continue;

            report.Sample("first", "engine", round, ours);
            report.Sample("first", "floor", round, least);
            engine.Add(ours);
            floor.Add(least);
        }

        report.Compare("first", devices, 1.5, engine, floor);
        report.Fact("first", devices, "CIs created", $"{engine[0].Created}", $"{floor[0].Created}", null, null);
        report.Fact("first", devices, "installations", $"{engine[0].Installations}", $"{floor[0].Installations}", null, null);
        report.Fact("first", devices, "conflicts, errors", $"{engine[0].Conflicts}, {engine[0].Errors}", "", null, null);
    }
}
