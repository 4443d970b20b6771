using System.Data.Common;
using Npgsql;

namespace AlloyScan.Engine.Store;

/// <summary>
/// One connection's commands in their order. PostgreSQL answers one at a time, so rows that are still to come are taken in before
/// the next command goes out; writes wait here and go out with it, in one round trip.
/// </summary>
internal sealed class PostgresQueue(StoreSession session) : PendingWork
{
    /// <summary>Writes that wait at most: what they take in memory is little, and the server has something to do meanwhile.</summary>
    private const int MostWaiting = 500;

    private static readonly TimeSpan s_again = TimeSpan.FromMilliseconds(50);

    private readonly NpgsqlConnection _connection = (NpgsqlConnection)session.Connection;
    private readonly List<NpgsqlBatchCommand> _waiting = [];
    private readonly object _gate = new();
    private Watched? _running;
    private PostgresReader? _open;

    /// <summary>Adds a write whose outcome nobody asks for.</summary>
    public void Post(NpgsqlBatchCommand command)
    {
        _waiting.Add(command);
        if (_waiting.Count >= MostWaiting)
            Settle();
    }

    /// <summary>Executes a write, after those that wait.</summary>
    public int Execute(NpgsqlBatchCommand command)
    {
        TakeIn();
        using var batch = Batch(command);
        using var watched = Watch(batch);
        batch.ExecuteNonQuery();
        // -1 for a statement that touches no rows by its nature.
        return Math.Max(0, command.RecordsAffected);
    }

    /// <summary>Reads rows, after the writes that wait.</summary>
    public PostgresReader Read(NpgsqlBatchCommand command)
    {
        TakeIn();
        var batch = Batch(command);
        var watched = Watch(batch);
        try
        {
            // A write gives no rows, so the first ones are those of the last command.
            return _open = new PostgresReader(batch, batch.ExecuteReader(), watched);
        }
        catch
        {
            watched.Dispose();
            batch.Dispose();
            throw;
        }
    }

    public override void Settle()
    {
        TakeIn();
        if (_waiting.Count == 0)
            return;

        using var batch = Batch(null);
        using var watched = Watch(batch);
        batch.ExecuteNonQuery();
    }

    public override void Forget()
    {
        _waiting.Clear();
        _open?.Dispose();
        _open = null;
    }

    /// <summary>
    /// Has the server end what it is doing for this connection. Tried again until it is done: a wish that comes before the statement has reached
    /// the server is lost. Whatever is asked afterwards is left alone; it has little time of its own.
    /// </summary>
    public void Interrupt()
    {
        var meant = _running;
        if (meant is null)
            return;

        _ = Task.Run(async () =>
        {
            while (TryCancel(meant))
                await Task.Delay(s_again).ConfigureAwait(false);
        });
    }

    public override IDisposable Watch(DbCommand command)
    {
        var ends = command.CommandText is "COMMIT" or "ROLLBACK";
        var watched = Watch(ends ? static () => { } : command.Cancel);
        // Less time would leave the outcome of a commit open.
        if (!ends && session.Stop.IsCancellationRequested)
            command.CommandTimeout = PostgresDialect.Grace;
        return watched;
    }

    private Watched Watch(NpgsqlBatch batch)
    {
        var watched = Watch(batch.Cancel);
        if (session.Stop.IsCancellationRequested)
            batch.Timeout = PostgresDialect.Grace;
        return watched;
    }

    // Noted first, and only then is looked whether the session was stopped: one of the two sees the other.
    private Watched Watch(Action cancel)
    {
        var watched = new Watched(this, cancel);
        lock (_gate)
            _running = watched;
        return watched;
    }

    private bool TryCancel(Watched meant)
    {
        // Under the lock, so that the wish never reaches the server when the next statement is there.
        lock (_gate)
        {
            if (!ReferenceEquals(_running, meant))
                return false;

            try
            {
                meant.Cancel();
            }
            catch (Exception e) when (session.IsFailure(e))
            {
                // The server cannot be reached for it: the statement fails by itself, or ends.
            }

            return true;
        }
    }

    private void TakeIn()
    {
        _open?.TakeIn();
        _open = null;
    }

    private NpgsqlBatch Batch(NpgsqlBatchCommand? last)
    {
        var batch = new NpgsqlBatch(_connection);
        foreach (var command in _waiting)
            batch.BatchCommands.Add(command);
        _waiting.Clear();
        if (last is not null)
            batch.BatchCommands.Add(last);
        return batch;
    }

    /// <summary>A statement that the server is executing.</summary>
    private sealed class Watched(PostgresQueue queue, Action cancel) : IDisposable
    {
        public void Cancel() => cancel();

        public void Dispose()
        {
            lock (queue._gate)
            {
                if (ReferenceEquals(queue._running, this))
                    queue._running = null;
            }
        }
    }
}
