using Microsoft.Data.Sqlite;

namespace AlloyScan.Benchmarks.Scenarios;

/// <summary>
/// What it costs to recognise devices: of a whole fleet without a link, at three sizes, and of the few new ones among many that
/// are linked. The CMDB knows every second device of the former.
/// </summary>
internal static class Identify
{
    public static async Task RunAsync(Settings settings, Workplace work, Report report)
    {
        var most = settings.Devices ?? 100_000;
        var rounds = settings.Rounds ?? 1;
        report.Title($"Identification of {most / 10}, {most / 2} and {most} unlinked devices, every second one known");
        var perDevice = new List<(double Identify, double Cpu)>();
        foreach (var devices in (int[])[most / 10, most / 2, most])
        {
            await using var site = await SiteProcess.StartAsync(devices, settings.Software ?? 0);
            var prepared = work.Empty("engine-first");
            await Processes.SyncAsync("engine", "first", site, prepared);
            if (devices == most)
                await ShareAsync(site, prepared, devices, rounds, work, report);

            Change(prepared, "DELETE FROM links; DELETE FROM link_values; DELETE FROM conflicts; DELETE FROM records WHERE id % 2 = 0;");
            List<SyncFigures> runs = [];
            for (var round = 1; round <= rounds; round++)
            {
                runs.Add(await Processes.SyncAsync("engine", "second", site, work.Copy(prepared, "engine")));
                report.Sample("identify", $"{devices} unlinked", round, runs[^1]);
            }

            var run = runs[0];
            perDevice.Add((Report.Median(runs, Spent) / devices * 1000, Report.Median(runs, f => f.Cpu) / devices * 1000));
            report.Fact("identify", devices, $"{devices}: created; conflicts; recognised", $"{run.Created}; {run.Conflicts}", $"{run.Read - run.Created - run.Conflicts}", null, null);
            report.Fact("identify", devices, "  identification; CPU of the whole run, ms each", Report.Text(perDevice[^1].Identify), Report.Text(perDevice[^1].Cpu), null, null);
        }

        report.Fact("identify", most, "identification of one, most devices and fewest", Report.Text(perDevice[^1].Identify), Report.Text(perDevice[0].Identify), perDevice[^1].Identify / perDevice[0].Identify, 1.5);
        report.Fact("identify", most, "CPU of one, most devices and fewest", Report.Text(perDevice[^1].Cpu), Report.Text(perDevice[0].Cpu), perDevice[^1].Cpu / perDevice[0].Cpu, 1.5);
    }

    /// <summary>A fleet that is linked, of which one device in a hundred has a new audit and one in a hundred is new.</summary>
    private static async Task ShareAsync(SiteProcess site, string prepared, int devices, int rounds, Workplace work, Report report)
    {
        var moved = work.Copy(prepared, "engine-moved");
        Change(
            moved,
            "UPDATE links SET last_seen = last_seen - 1000, audit_id = 'former' WHERE id % 100 = 1;"
            + "DELETE FROM link_values WHERE link IN (SELECT id FROM links WHERE record % 100 = 2); DELETE FROM links WHERE record % 100 = 2; DELETE FROM records WHERE id % 100 = 2;");
        List<SyncFigures> runs = [];
        for (var round = 1; round <= rounds; round++)
        {
            runs.Add(await Processes.SyncAsync("engine", "second", site, work.Copy(moved, "engine")));
            report.Sample("identify", $"{devices} linked", round, runs[^1]);
        }

        // With the writing of what was decided, to be on the safe side.
        var (identify, all) = (Report.Median(runs, f => Spent(f) + f.Stages!.GetValueOrDefault("Decide")), Report.Median(runs, f => f.Stages!.Values.Sum()));
        report.Fact("identify", devices, $"{devices} linked: unchanged; created", $"{runs[0].Unchanged}", $"{runs[0].Created}", null, null);
        report.Fact("identify", devices, "  identification in the run, s", Report.Text(identify), Report.Text(all), identify / all, 0.1);
    }

    private static double Spent(SyncFigures figures) => figures.Stages!.GetValueOrDefault("Identify");

    private static void Change(string store, string statements)
    {
        using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = store, Pooling = false }.ToString());
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = $"BEGIN; {statements} COMMIT; PRAGMA wal_checkpoint(TRUNCATE);";
        command.ExecuteNonQuery();
    }
}
