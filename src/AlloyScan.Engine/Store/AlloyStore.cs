using AlloyScan.Engine.Cmdb;
using AlloyScan.Engine.Credentials;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Jobs.Schedules;
using AlloyScan.Engine.Reporting;
using AlloyScan.Engine.Sync;
using AlloyScan.Engine.Sync.Conflicts;
using AlloyScan.Engine.Sync.Identify;
using AlloyScan.Engine.Sync.Links;
using AlloyScan.Engine.Sync.Plan;
using AlloyScan.Engine.Sync.Undo;
using Dapper;

namespace AlloyScan.Engine.Store;

/// <summary>
/// The database: jobs, runs, links, journal and the built-in CMDB. Opening makes and migrates it.
/// An instance is cheap: connections are taken when needed. Safe for concurrent use.
/// </summary>
public sealed class AlloyStore : IDisposable
{
    private readonly StoreDialect _dialect;

    private AlloyStore(StoreLocation location, TimeProvider timeProvider)
    {
        Location = location;
        _dialect = StoreDialect.Of(location);
        TimeProvider = timeProvider;
        Jobs = new SyncJobs(this);
        AppRegistrations = new AppRegistrations(this);
        Runs = new RunHistory(this);
        Cmdb = new CmdbRepository(this);
        Fields = new RecordFields(this);
        ServiceActions = new ServiceActions(this);
        Sync = new SyncService(this);
        SoftwareGroups = new SoftwareGroupChoices(this);
        IdentificationRules = new IdentificationRules(this);
        JunkIdentifiers = new JunkIdentifiers(this);
        Conflicts = new SyncConflicts(this);
        Links = new SyncLinks(this);
        Undo = new UndoService(this);
        Schedules = new JobSchedules(this);
        Notifications = new Notifications(this);
        Plans = new SyncPlans(this);
        Retention = new Retention(this);
    }

    /// <summary>Where the store is.</summary>
    public StoreLocation Location { get; }

    /// <summary>Sync jobs.</summary>
    public SyncJobs Jobs { get; }

    /// <summary>App registrations, and what they spend.</summary>
    public AppRegistrations AppRegistrations { get; }

    /// <summary>Runs, their changes and errors.</summary>
    public RunHistory Runs { get; }

    /// <summary>The configuration items.</summary>
    public CmdbRepository Cmdb { get; }

    /// <summary>The fields that configuration items have.</summary>
    public RecordFields Fields { get; }

    /// <summary>What is done to new and existing CIs.</summary>
    public ServiceActions ServiceActions { get; }

    /// <summary>Runs jobs, for real or as a rehearsal.</summary>
    public SyncService Sync { get; }

    /// <summary>The rules that recognise an unlinked device as an existing CI.</summary>
    public IdentificationRules IdentificationRules { get; }

    /// <summary>Values that identify nothing.</summary>
    public JunkIdentifiers JunkIdentifiers { get; }

    /// <summary>Devices about which a person has to decide.</summary>
    public SyncConflicts Conflicts { get; }

    /// <summary>What ties devices to CIs.</summary>
    public SyncLinks Links { get; }

    /// <summary>What the schedules of the jobs have due.</summary>
    public JobSchedules Schedules { get; }

    /// <summary>Takes runs back.</summary>
    public UndoService Undo { get; }

    /// <summary>What plans hold for approval.</summary>
    public SyncPlans Plans { get; }

    /// <summary>What the store holds, and how long it keeps its history.</summary>
    public Retention Retention { get; }

    /// <summary>The software groups that are tracked for each site.</summary>
    public SoftwareGroupChoices SoftwareGroups { get; }

    /// <summary>Whom jobs tell how their runs ended.</summary>
    public Notifications Notifications { get; }

    internal TimeProvider TimeProvider { get; }

    /// <summary>Opens a store; makes it when the file is not there, migrates it when it is older.</summary>
    /// <param name="location">Where it is.</param>
    /// <param name="timeProvider">Clock, for tests; <see langword="null"/> for the system's.</param>
    /// <param name="cancellationToken">Ends the waiting for a file that is locked, or a server that does not answer.</param>
    /// <exception cref="AlloyScanException">Not a database (<c>NotAStore</c>), read-only (<c>StoreReadOnly</c>), from a newer version (<c>StoreTooNew</c>), locked (<c>StoreLocked</c>), disk full (<c>StoreFull</c>), not to be opened or reached
    /// (<c>StoreUnavailable</c>, <c>StoreTimeout</c>); on PostgreSQL also <c>StoreHostUnknown</c>, <c>StoreLoginFailed</c>, <c>StoreForbidden</c>, <c>StoreNotFound</c>, <c>StoreConnectionsExhausted</c>, <c>StoreServerTooOld</c>, <c>StoreEncoding</c>.</exception>
    public static AlloyStore Open(StoreLocation location, TimeProvider? timeProvider = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(location);
        var store = new AlloyStore(location, timeProvider ?? TimeProvider.System);
        try
        {
            store._dialect.Prepare(location, store.TimeProvider, cancellationToken);
            using var session = new StoreSession(store._dialect, location, cancellationToken);
            Engine.Cmdb.ServiceActions.Seed(session);
        }
        catch (Exception e) when (store._dialect.IsFailure(e))
        {
            throw store._dialect.Translate(e, location);
        }

        return store;
    }

    /// <summary>Whether there is something to open at a place; opening where there is nothing makes a new store.</summary>
    /// <param name="location">Where to look.</param>
    /// <param name="cancellationToken">Ends the waiting for a server.</param>
    /// <exception cref="AlloyScanException">The database server cannot be asked.</exception>
    public static bool Exists(StoreLocation location, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(location);
        var dialect = StoreDialect.Of(location);
        try
        {
            return dialect.Exists(location, cancellationToken);
        }
        catch (Exception e) when (dialect.IsFailure(e))
        {
            throw dialect.Translate(e, location);
        }
    }

    /// <summary>Checks that nobody has brought the store up to date for a newer version of the product since it was opened.</summary>
    /// <exception cref="AlloyScanException">Somebody has (<c>StoreTooNew</c>), or the store cannot be read.</exception>
    public void CheckVersion()
    {
        using var session = NewSession();
        session.CheckVersion();
    }

    /// <summary>Connections to the database of the store, for the alarms that several hosts share.</summary>
    /// <returns>The connections; <see langword="null"/> for a SQLite store, which is for one host.</returns>
    public StoreConnections? NewConnections() => _dialect is PostgresDialect postgres ? new StoreConnections($"\"{Location.Postgres!.Schema}\".{PostgresSchema.AlarmPrefix}", postgres.NewSource(), Translated) : null;

    /// <summary>How many rows a copy of this store has to move.</summary>
    public long CountRows() => StoreCopy.Count(this);

    /// <summary>
    /// Copies this SQLite store into an empty PostgreSQL one, all or nothing: each table is read back and compared before the commit. No job
    /// can run on this store meanwhile; it stays as it is.
    /// </summary>
    /// <param name="destination">The store to fill.</param>
    /// <param name="progress">Hears how far it is.</param>
    /// <param name="cancellationToken">Stops it; then nothing is copied.</param>
    /// <exception cref="AlloyScanException">This is no SQLite store or the other no PostgreSQL one (<c>UnsupportedStore</c>), the other holds something (<c>StoreNotEmpty</c>), a run is going on (<c>JobRunning</c>), or what arrived is not what was sent (<c>StoreCopyDiffers</c>).</exception>
    public StoreCopyResult CopyTo(AlloyStore destination, Action<StoreCopyProgress> progress, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(destination);
        ArgumentNullException.ThrowIfNull(progress);
        CheckCopyTo(destination.Location);
        var copy = new StoreCopy(this, destination, progress);
        copy.CheckEmpty();
        try
        {
            return copy.Run(cancellationToken);
        }
        catch (Exception e) when (_dialect.IsFailure(e) || destination._dialect.IsFailure(e))
        {
            throw _dialect.IsFailure(e) && e.GetType().Namespace == "Microsoft.Data.Sqlite" ? Translate(e) : destination.Translate(e);
        }
    }

    /// <summary>Refuses a copy that goes another way than from SQLite to PostgreSQL.</summary>
    /// <param name="destination">Where it would go.</param>
    /// <exception cref="AlloyScanException">It does (<c>UnsupportedStore</c>).</exception>
    public void CheckCopyTo(StoreLocation destination)
    {
        ArgumentNullException.ThrowIfNull(destination);
        if (Location.IsPostgres || !destination.IsPostgres)
        {
            throw new AlloyScanException(
                ErrorKind.InvalidArgument, "UnsupportedStore", $"A store is copied from a SQLite file to PostgreSQL, and not from '{Location}' to '{destination}'.", destination.Path,
                "Name the file with -Store and the database with -Destination. To move a file, copy it while nothing runs; for PostgreSQL there is pg_dump.");
        }
    }

    internal StoreSession NewSession() => new(_dialect, Location);

    /// <summary>A session whose long statements, and whose waiting for other writers, can be stopped.</summary>
    internal StoreSession NewStoppableSession(CancellationToken stop)
    {
        var session = new StoreSession(_dialect, Location, stop);
        try
        {
            if (_dialect.ForRun is { } settings)
                session.Execute(settings);
            session.CheckRights();
            return session;
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>Streams the rows of a query. The connection is open while the caller enumerates, and no longer.</summary>
    internal IEnumerable<T> Stream<T>(string sql, object arguments)
    {
        using var session = NewSession();
        using var rows = Guard(() => session.Connection.Query<T>(_dialect.Spell(sql), arguments, buffered: false).GetEnumerator());
        while (Guard(rows.MoveNext))
            yield return rows.Current;
    }

    private TResult Guard<TResult>(Func<TResult> work)
    {
        try
        {
            return work();
        }
        catch (Exception e) when (_dialect.IsFailure(e))
        {
            throw Translate(e);
        }
    }

    private AlloyScanException? Translated(Exception? exception)
    {
        // Libraries wrap what the database said.
        for (; exception is not null; exception = exception.InnerException)
        {
            if (exception is AlloyScanException || _dialect.IsFailure(exception))
                return Translate(exception);
        }

        return null;
    }

    internal AlloyScanException Translate(Exception exception) => _dialect.Translate(exception, Location);

    /// <summary>Lets go of the store. Connections are closed by those who took them.</summary>
    public void Dispose() => _dialect.Release(Location);
}
