using AlloyScan.Engine.Cmdb;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Sync;

namespace AlloyScan.Engine.Store;

/// <summary>
/// The database: jobs, runs, links, journal and the built-in CMDB. Opening makes and migrates the file.
/// An instance is cheap: connections are taken when needed. Safe for concurrent use.
/// </summary>
public sealed class AlloyStore : IDisposable
{
    private AlloyStore(StoreLocation location) => Location = location;

    /// <summary>Where the store is.</summary>
    public StoreLocation Location { get; }

    /// <summary>Sync jobs.</summary>
    public SyncJobs Jobs => throw new NotSupportedException();

    /// <summary>Runs, their changes and errors.</summary>
    public RunHistory Runs => throw new NotSupportedException();

    /// <summary>The configuration items.</summary>
    public CmdbRepository Cmdb => throw new NotSupportedException();

    /// <summary>Runs jobs, for real or as a rehearsal.</summary>
    public SyncService Sync => throw new NotSupportedException();

    /// <summary>Opens a store; makes it when the file is not there, migrates it when it is older.</summary>
    /// <param name="location">Where it is.</param>
    /// <exception cref="AlloyScanException">Not a database (<c>NotAStore</c>), read-only (<c>StoreReadOnly</c>), from a newer version (<c>StoreTooNew</c>), locked (<c>StoreLocked</c>), disk full (<c>StoreFull</c>).</exception>
    public static AlloyStore Open(StoreLocation location) => new(location);

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
