using AlloyScan.Benchmarks.Floor;

namespace AlloyScan.Benchmarks.Scenarios;

/// <summary>The calls of each kind of run, against what the site itself says is the least.</summary>
internal static class Calls
{
    public static async Task RunAsync(Settings settings, Workplace work, Report report)
    {
        var devices = settings.Devices ?? 2_000;
        await using var site = await SiteProcess.StartAsync(devices, settings.Software ?? 5);
        var truth = new List<Dictionary<string, (string? LastSeen, string? AuditId)>>();
        foreach (var day in (int[])[0, 1])
        {
            await site.SetDayAsync(day);
            truth.Add(await ReadAsync(site));
        }

        await site.SetDayAsync(0);
        report.Title($"API calls, {devices} devices");
        var store = work.Empty("engine");
        var pages = Pages(truth[0].Count);
        await RowAsync("first: pages + 2 a device + 1", pages + truth[0].Sum(d => d.Value.AuditId is null ? 1 : 2) + 1);
        await RowAsync("unchanged: pages + 1", pages + 1);
        await site.SetDayAsync(1);
        var moved = truth[1].Where(d => !truth[0].TryGetValue(d.Key, out var before) || before.LastSeen != d.Value.LastSeen).ToList();
        var audited = moved.Count(d => d.Value.AuditId is not null && (!truth[0].TryGetValue(d.Key, out var before) || before.AuditId != d.Value.AuditId));
        var gone = truth[0].Keys.Count(id => !truth[1].ContainsKey(id));
        // A device that is gone is asked for once, and a listed one before and after, so that a 404 is believed.
        await RowAsync($"next day: {moved.Count} moved, {audited} audited, {gone} gone", Pages(truth[1].Count) + moved.Count + audited + (gone == 0 ? 0 : gone + 2) + 1);

        async Task RowAsync(string what, int least)
        {
            await site.TakeCallsAsync();
            await Processes.SyncAsync("engine", "second", site, store);
            var calls = await site.TakeCallsAsync();
            report.Fact("calls", devices, what, $"{calls.Sum}", $"{least}", (double)calls.Sum / least, 1);
        }
    }

    private static int Pages(int devices) => Math.Max(1, (devices + 199) / 200);

    private static async Task<Dictionary<string, (string? LastSeen, string? AuditId)>> ReadAsync(SiteProcess site)
    {
        using var client = await FloorSite.ConnectAsync(new Uri(site.Url), SiteProcess.ClientId, Processes.Secret);
        var result = new Dictionary<string, (string?, string?)>();
        await foreach (var page in client.ReadPagesAsync())
        {
            foreach (var device in page.Devices)
            {
                await client.ReadDetailAsync(device);
                result[device.Id] = (device.LastSeen, device.AuditId);
            }
        }

        return result;
    }
}
