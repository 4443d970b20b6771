using System.Data.Common;

namespace AlloyScan.Engine.Store;

/// <summary>
/// What differs between database products. Everything else in the engine speaks <see cref="DbConnection"/> and the
/// SQL that SQLite and PostgreSQL share, with parameters written <c>@name</c>.
/// </summary>
internal abstract class StoreDialect
{
    /// <summary>Steps from an empty database to the present schema, in order; the position is the version.</summary>
    public abstract IReadOnlyList<string> Migrations { get; }

    /// <summary>Starts a transaction that will write, so that a second writer waits here and not at its first statement.</summary>
    public abstract string BeginWrite { get; }

    /// <summary>Opens a connection that is ready for use.</summary>
    public abstract DbConnection Open(StoreLocation location);

    /// <summary>Makes the database when it is not there, migrates it when it is older, refuses it when it is newer or none of ours.</summary>
    public abstract void Prepare(StoreLocation location, TimeProvider timeProvider);

    /// <summary>Makes a statement that is prepared once and executed often.</summary>
    public virtual Statement NewStatement(StoreSession session, string sql) => new(session, sql);

    /// <summary>Says in our words what a database failure means.</summary>
    public abstract AlloyScanException Translate(DbException exception, StoreLocation location);
}
