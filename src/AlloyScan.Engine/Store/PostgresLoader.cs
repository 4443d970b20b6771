using Npgsql;
using NpgsqlTypes;

namespace AlloyScan.Engine.Store;

/// <summary>Loads rows by COPY, which costs the server a fraction of what as many statements do.</summary>
internal sealed class PostgresLoader(StoreSession session, string table, IReadOnlyList<string> columns) : RowLoader
{
    private const int MostValues = 100_000;

    private readonly List<object?> _values = [];

    public override RowLoader Add(object? value)
    {
        if (_values.Count >= MostValues && _values.Count % columns.Count == 0)
            Send();
        _values.Add(value is string text ? PostgresDialect.Clean(text) : value);
        return this;
    }

    public override void Send()
    {
        if (_values.Count == 0)
            return;

        try
        {
            session.Settle();
            using var import = ((NpgsqlConnection)session.Connection).BeginBinaryImport($"COPY {table} ({string.Join(", ", columns)}) FROM STDIN (FORMAT BINARY)");
            for (var i = 0; i < _values.Count; i++)
            {
                if (i % columns.Count == 0)
                {
                    session.Stop.ThrowIfCancellationRequested();
                    import.StartRow();
                }

                switch (_values[i])
                {
                    case null:
                        import.WriteNull();
                        break;
                    case long number:
                        import.Write(number, NpgsqlDbType.Bigint);
                        break;
                    case string text:
                        import.Write(text, NpgsqlDbType.Text);
                        break;
                    default:
                        throw new InvalidOperationException($"A row of {table} takes numbers and texts.");
                }
            }

            import.Complete();
            _values.Clear();
        }
        catch (Exception e) when (session.IsFailure(e))
        {
            throw session.Translate(e);
        }
    }

    public override void Forget() => _values.Clear();
}
