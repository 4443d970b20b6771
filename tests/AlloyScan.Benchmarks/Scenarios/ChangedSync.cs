namespace AlloyScan.Benchmarks.Scenarios;

/// <summary>A day later: what the changes cost, against a run that finds none.</summary>
internal static class ChangedSync
{
    public static async Task RunAsync(Settings settings, Workplace work, Report report)
    {
        var devices = settings.Devices ?? 100_000;
        var software = settings.Software ?? 20;
        report.Title($"A day of changes, {devices} devices, {software} software rows of a computer");
        var perDevice = new List<double>();
        double first = 0;
        foreach (var rate in (double[])[0.5, 1, 2])
        {
            await using var site = await SiteProcess.StartAsync(devices, software, rate);
            var prepared = work.Empty("engine-first");
            var whole = await Processes.SyncAsync("engine", "first", site, prepared);
            first = whole.Cpu / devices * 1000;
            List<SyncFigures> unchanged = [], changed = [];
            CallCounts calls = new();
            for (var round = 0; round <= (settings.Rounds ?? 5); round++)
            {
                await site.SetDayAsync(0);
                var still = await Processes.SyncAsync("engine", "second", site, work.Copy(prepared, "engine"));
                await site.SetDayAsync(1);
                await site.TakeCallsAsync();
                var moved = await Processes.SyncAsync("engine", "second", site, work.Copy(prepared, "engine"));
                calls = await site.TakeCallsAsync();
                if (round == 0)
                    continue;

                report.Sample("changed", $"unchanged (rate {rate})", round, still);
                report.Sample("changed", $"changed (rate {rate})", round, moved);
                unchanged.Add(still);
                changed.Add(moved);
            }

            var extra = Report.Median(changed, f => f.Cpu) - Report.Median(unchanged, f => f.Cpu);
            perDevice.Add(extra / calls.Details * 1000);
            var day = changed[0];
            report.Fact("changed", devices, $"rate {rate}: CPU, changed and unchanged, s", Report.Text(Report.Median(changed, f => f.Cpu)), Report.Text(Report.Median(unchanged, f => f.Cpu)), null, null);
            report.Fact("changed", devices, "  devices asked for, snapshots", $"{calls.Details}", $"{calls.Snapshots}", null, null);
            report.Fact("changed", devices, "  created, updated, missing", $"{day.Created}, {day.Updated}, {day.Missing}", "", null, null);
            report.Fact("changed", devices, "  extra CPU of one asked for, ms", Report.Text(perDevice[^1]), "", null, null);
        }

        report.Fact("changed", devices, "CPU of one, first sync, ms", Report.Text(first), "", null, null);
        report.Fact("changed", devices, "extra CPU of one, most against least", Report.Text(perDevice.Max()), Report.Text(perDevice.Min()), perDevice.Max() / perDevice.Min(), 1.5);
    }
}
