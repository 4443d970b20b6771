using System.Threading.Channels;

namespace AlloyScan.Benchmarks.Floor;

/// <summary>The same work as a sync, with no engine: the least that a program could cost.</summary>
internal static class FloorSync
{
    /// <summary>Everything is fetched and inserted: pages feed fetchers, fetchers feed the one writer.</summary>
    public static async Task<SyncFigures> FirstAsync(FloorSite site, string path)
    {
        using var store = new FloorStore(path);
        var listed = Channel.CreateBounded<FloorDevice>(new BoundedChannelOptions(400) { SingleWriter = true });
        var fetched = Channel.CreateBounded<FloorDevice>(new BoundedChannelOptions(64) { SingleReader = true });
        var list = ListAsync(site, listed.Writer);
        var fetchers = Task.WhenAll(Enumerable.Range(0, FloorSite.Concurrency).Select(_ => Task.Run(() => FetchAsync(site, listed.Reader, fetched.Writer))))
            .ContinueWith(t => fetched.Writer.Complete(t.Exception), TaskScheduler.Default);
        await foreach (var device in fetched.Reader.ReadAllAsync())
            store.Add(device);
        var read = await list;
        await fetchers;
        store.WriteRun();
        return new SyncFigures { Read = read, Created = (int)store.Records, Installations = store.Installations };
    }

    /// <summary>The list is read and each device compared with the store, by one prepared select.</summary>
    public static async Task<SyncFigures> SecondAsync(FloorSite site, string path)
    {
        using var store = new FloorStore(path);
        var figures = new SyncFigures();
        await foreach (var page in site.ReadPagesAsync())
        {
            foreach (var device in page.Devices)
            {
                figures.Read++;
                if (store.IsSame(device))
                    figures.Unchanged++;
            }
        }

        store.WriteRun();
        return figures;
    }

    private static async Task<int> ListAsync(FloorSite site, ChannelWriter<FloorDevice> target)
    {
        var count = 0;
        await foreach (var page in site.ReadPagesAsync())
        {
            foreach (var device in page.Devices)
            {
                await target.WriteAsync(device);
                count++;
            }
        }

        target.Complete();
        return count;
    }

    private static async Task FetchAsync(FloorSite site, ChannelReader<FloorDevice> source, ChannelWriter<FloorDevice> target)
    {
        await foreach (var device in source.ReadAllAsync())
        {
            await site.ReadDetailAsync(device);
            if (device.AuditId is not null)
                await site.ReadSnapshotAsync(device);
            await target.WriteAsync(device);
        }
    }
}
