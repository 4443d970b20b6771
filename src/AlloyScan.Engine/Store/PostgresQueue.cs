using Npgsql;

namespace AlloyScan.Engine.Store;

/// <summary>
/// One connection's commands in their order. PostgreSQL answers one at a time, so rows that are still to come are taken in before
/// the next command goes out; writes wait here and go out with it, in one round trip.
/// </summary>
internal sealed class PostgresQueue(NpgsqlConnection connection) : PendingWork
{
    /// <summary>Writes that wait at most: what they take in memory is little, and the server has something to do meanwhile.</summary>
    private const int MostWaiting = 500;

    private readonly List<NpgsqlBatchCommand> _waiting = [];
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
        batch.ExecuteNonQuery();
        // -1 for a statement that touches no rows by its nature.
        return Math.Max(0, command.RecordsAffected);
    }

    /// <summary>Reads rows, after the writes that wait.</summary>
    public PostgresReader Read(NpgsqlBatchCommand command)
    {
        TakeIn();
        var batch = Batch(command);
        try
        {
            // A write gives no rows, so the first ones are those of the last command.
            return _open = new PostgresReader(batch, batch.ExecuteReader());
        }
        catch
        {
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
        batch.ExecuteNonQuery();
    }

    public override void Forget()
    {
        _waiting.Clear();
        _open?.Dispose();
        _open = null;
    }

    private void TakeIn()
    {
        _open?.TakeIn();
        _open = null;
    }

    private NpgsqlBatch Batch(NpgsqlBatchCommand? last)
    {
        var batch = new NpgsqlBatch(connection);
        foreach (var command in _waiting)
            batch.BatchCommands.Add(command);
        _waiting.Clear();
        if (last is not null)
            batch.BatchCommands.Add(last);
        return batch;
    }
}
