using AlloyScan.Engine.Credentials;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Store;
using AlloyScan.Engine.Sync;

namespace AlloyScan.Benchmarks;

/// <summary>The engine through its public surface, as a host uses it.</summary>
internal static class EngineSync
{
    public static async Task<SyncFigures> RunAsync(Uri url, string clientId, string secret, string path)
    {
        using var store = AlloyStore.Open(StoreLocation.Resolve(path));
        var job = new SyncJob
        {
            Name = "Benchmark",
            SiteUrl = url,
            ClientId = clientId,
            ClientSecret = SecretReference.FromMemory(new Secret(secret)),
        };
        var run = await store.Sync.ExecuteAsync(new SyncRequest { Job = job }, SilentObserver.Instance, CancellationToken.None);
        return new SyncFigures
        {
            Read = run.DevicesRead,
            Created = run.Created,
            Updated = run.Updated,
            Unchanged = run.Unchanged,
            Missing = run.Missing,
            Conflicts = run.Conflicts,
            Errors = run.Errors,
            Installations = run.InstallationsAdded,
            Status = run.Status.ToString(),
            Message = run.Message,
            Stages = run.StageSeconds,
        };
    }
}
