namespace AlloyScan.Benchmarks.Scenarios;

/// <summary>Nothing moved: the list is read and compared, and no CI is written.</summary>
internal static class SecondSync
{
    /// <summary>The tables that a CI stands in.</summary>
    private static readonly string[] s_itemTables = ["records", "record_identifiers", "installations", "products"];

    /// <summary>What links a CI to its device.</summary>
    private static readonly string[] s_linkTables = ["links", "link_values"];

    public static async Task RunAsync(Settings settings, Workplace work, Report report)
    {
        var devices = settings.Devices ?? 100_000;
        // The list does not depend on the software; few rows make the preparation short.
        await using var site = await SiteProcess.StartAsync(devices, settings.Software ?? 3);
        var engineStore = work.Empty("engine-first");
        var floorStore = work.Empty("floor-first");
        await Processes.SyncAsync("engine", "first", site, engineStore);
        await Processes.SyncAsync("floor", "first", site, floorStore);

        report.Title($"Unchanged second sync, {devices} devices");
        List<SyncFigures> engine = [], floor = [];
        CallCounts calls = new();
        for (var round = 0; round <= (settings.Rounds ?? 5); round++)
        {
            await site.TakeCallsAsync();
            var ours = await Processes.SyncAsync("engine", "second", site, work.Copy(engineStore, "engine"));
            calls = await site.TakeCallsAsync();
            var least = await Processes.SyncAsync("floor", "second", site, work.Copy(floorStore, "floor"));
            if (round == 0)
                continue;

            report.Sample("second", "engine", round, ours);
            report.Sample("second", "floor", round, least);
            engine.Add(ours);
            floor.Add(least);
        }

        report.Compare("second", devices, 1.5, engine, floor);
        report.Fact("second", devices, "devices read", $"{engine[0].Read}", $"{floor[0].Read}", null, null);
        report.Fact("second", devices, "unchanged", $"{engine[0].Unchanged}", $"{floor[0].Unchanged}", null, null);
        var pages = (devices + 199) / 200;
        report.Fact("second", devices, "API calls: pages + 1 token", $"{calls.Sum}", $"{pages + 1}", (double)calls.Sum / (pages + 1), 1);

        var traced = await Processes.SyncAsync("engine", "second", site, work.Copy(engineStore, "engine"), trace: true);
        report.Fact("second", devices, "statements that write CIs", $"{Count(traced, s_itemTables)}", "0", null, null);
        report.Fact("second", devices, "statements that write links", $"{Count(traced, s_linkTables)}", "0", null, null);
        report.Note("all statements that write: " + string.Join(", ", traced.Writes!.Select(w => $"{w.Key} {w.Value}")));
    }

    private static int Count(SyncFigures traced, string[] tables) => tables.Sum(t => traced.Writes!.GetValueOrDefault(t));
}
