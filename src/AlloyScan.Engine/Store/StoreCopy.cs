using System.Globalization;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Sync.Identify;
using Npgsql;
using NpgsqlTypes;

namespace AlloyScan.Engine.Store;

/// <summary>A table that was copied.</summary>
/// <param name="Table">Its name.</param>
/// <param name="Rows">How many rows were written and read back.</param>
/// <param name="Hash">A hash over all of them, the same in both stores.</param>
public sealed record CopiedTable(string Table, long Rows, string Hash)
{
    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Table}: {Rows}");
}

/// <summary>What a copy of a store did.</summary>
public sealed record StoreCopyResult
{
    /// <summary>The store that was copied; it is as it was.</summary>
    public string Source { get; init; } = string.Empty;

    /// <summary>The store that it was copied to.</summary>
    public string Destination { get; init; } = string.Empty;

    /// <summary>The tables, each compared with its source.</summary>
    public IReadOnlyList<CopiedTable> Tables { get; init; } = [];

    /// <summary>Rows of all tables.</summary>
    public long Rows { get; init; }

    /// <summary>Texts that held the character 0, which PostgreSQL cannot hold: it was left out.</summary>
    public long Cleaned { get; init; }

    /// <summary>Jobs whose secret is protected for one account of one machine, and works there only.</summary>
    public IReadOnlyList<string> JobsWithProtectedSecret { get; init; } = [];

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Rows} rows of {Tables.Count} tables copied to {Destination}");
}

/// <summary>How far a copy is.</summary>
/// <param name="Table">The table at hand.</param>
/// <param name="Verifying">Whether it is read back and compared.</param>
/// <param name="Rows">Rows of it so far.</param>
/// <param name="Number">Number of the table, from 1.</param>
/// <param name="Tables">Number of tables.</param>
public sealed record StoreCopyProgress(string Table, bool Verifying, long Rows, int Number, int Tables);

/// <summary>
/// Copies a SQLite store into an empty PostgreSQL one: all tables in one transaction, each read back and compared before the
/// commit. No job runs on the source meanwhile, and the source stays as it is.
/// </summary>
internal sealed class StoreCopy(AlloyStore source, AlloyStore destination, Action<StoreCopyProgress> progress)
{
    private const int RowsBetweenReports = 5000;

    // Whoever holds a right to write there holds none here.
    private static readonly HashSet<string> s_leftOut = new(StringComparer.Ordinal) { "leases" };

    // What a new store is born with.
    private static readonly HashSet<string> s_seeded = new(StringComparer.Ordinal) { "targets", "identification_rules", "service_actions" };

    private long _cleaned;

    private sealed record Table(string Name, IReadOnlyList<(string Name, bool IsNumber)> Columns)
    {
        public string ColumnList => string.Join(", ", Columns.Select(c => $"\"{c.Name}\""));
    }

    /// <summary>How many rows there are to copy.</summary>
    public static long Count(AlloyStore source)
    {
        using var from = source.NewSession();
        return Tables(from).Sum(t => from.Prepare($"SELECT count(*) FROM {t.Name}").Number() ?? 0);
    }

    /// <summary>Refuses a destination that holds anything.</summary>
    /// <exception cref="AlloyScanException">It does (<c>StoreNotEmpty</c>).</exception>
    public void CheckEmpty()
    {
        using var to = destination.NewSession();
        using var from = source.NewSession();
        CheckEmpty(to, Tables(from));
    }

    /// <exception cref="AlloyScanException">A run is going on (<c>JobRunning</c>), the destination holds something (<c>StoreNotEmpty</c>), or what arrived is not what was sent (<c>StoreCopyDiffers</c>); then nothing was written.</exception>
    public StoreCopyResult Run(CancellationToken cancellationToken)
    {
        using var guard = source.NewSession();
        using var from = source.NewSession();
        using var to = destination.NewSession();
        var lease = Lease.Acquire(guard, Sync.RunContext.BuiltInTarget, "copy of the store");
        try
        {
            from.BeginRead();
            var tables = Tables(from);
            var copied = new List<CopiedTable>();
            to.Begin();
            try
            {
                CheckEmpty(to, tables);
                // Those that others refer to come last here and first below.
                foreach (var table in Enumerable.Reverse(tables))
                    to.Execute($"DELETE FROM {table.Name}");
                for (var i = 0; i < tables.Count; i++)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    var (rows, hash) = Write(from, to, tables[i], i + 1, tables.Count, lease, cancellationToken);
                    var (arrived, arrivedHash) = Hash(to, tables[i], i + 1, tables.Count, lease, cancellationToken);
                    if ((rows, hash) != (arrived, arrivedHash))
                    {
                        throw new AlloyScanException(
                            ErrorKind.InvalidData, "StoreCopyDiffers", $"The table {tables[i].Name} arrived with {arrived} rows other than the {rows} that were sent: nothing was copied.", tables[i].Name,
                            "Look for other programs that write to the destination, and copy again.");
                    }

                    copied.Add(new CopiedTable(tables[i].Name, rows, hash.ToString("x16", CultureInfo.InvariantCulture)));
                }

                to.Execute(PostgresSchema.SetSequences);
                // Numbers of runs and plans that are gone are not given again.
                foreach (var (table, last) in Last(from))
                    to.Execute($"SELECT setval(pg_get_serial_sequence('{table}', 'id'), greatest({last.ToString(CultureInfo.InvariantCulture)}, (SELECT last_value FROM pg_sequences WHERE schemaname = current_schema() AND sequencename = '{table}_id_seq')))");
                if (!lease.Renew())
                    throw new AlloyScanException(ErrorKind.ResourceBusy, "JobRunning", "A run on the source has taken over while the store was copied: nothing was copied.", source.Location.Path, "Copy again when it has ended.");
                to.Commit();
            }
            catch
            {
                to.Rollback();
                throw;
            }

            // The planner knows nothing of what came in at once.
            to.Execute(string.Concat(tables.Select(t => $"ANALYZE {t.Name};")));
            return new StoreCopyResult
            {
                Source = source.Location.ToString(),
                Destination = destination.Location.ToString(),
                Tables = copied,
                Rows = copied.Sum(t => t.Rows),
                Cleaned = _cleaned,
                JobsWithProtectedSecret = [.. source.Jobs.List().Where(j => j.ClientSecret.Kind == Credentials.SecretKind.Protected).Select(j => j.Name)],
            };
        }
        finally
        {
            from.Rollback();
            lease.Release();
        }
    }

    private void CheckEmpty(StoreSession to, IReadOnlyList<Table> tables)
    {
        var filled = tables.Where(t => !s_seeded.Contains(t.Name) && to.Prepare($"SELECT 1 FROM {t.Name} LIMIT 1").Number() is not null).Select(t => t.Name).ToList();
        if (destination.ServiceActions.List().Any(a => !a.IsDefault || a.IsEdited))
            filled.Add("service_actions");
        if (!IdentificationPolicy.Load(to).Select(Words).SequenceEqual(IdentificationPolicy.Shipped.Select(Words)))
            filled.Add("identification_rules");
        if (filled.Count > 0)
        {
            throw new AlloyScanException(
                ErrorKind.AlreadyExists, "StoreNotEmpty", $"The store '{destination.Location}' is not empty: there is something in {string.Join(", ", filled)}.", destination.Location.Path,
                "Copy into a new schema, with schema=NAME in the connection string, or have the old one dropped first.");
        }

        static string Words(IdentificationRule rule) => $"{rule.Class}|{rule.Position}|{rule.Name}|{IdentificationPolicy.Stored(rule.Conditions)}|{rule.Action}";
    }

    private (long Rows, ulong Hash) Write(StoreSession from, StoreSession to, Table table, int number, int count, Lease lease, CancellationToken cancellationToken)
    {
        long rows = 0;
        ulong hash = 0;
        using var reader = from.Prepare($"SELECT {table.ColumnList} FROM {table.Name}").Read();
        to.Settle();
        using (var import = ((NpgsqlConnection)to.Connection).BeginBinaryImport($"COPY {table.Name} ({table.ColumnList}) FROM STDIN (FORMAT BINARY)"))
        {
            while (reader.Read())
            {
                import.StartRow();
                var row = new StableHash();
                for (var i = 0; i < table.Columns.Count; i++)
                {
                    if (reader.IsDBNull(i))
                    {
                        import.WriteNull();
                        row.Add((string?)null);
                    }
                    else if (table.Columns[i].IsNumber)
                    {
                        var value = reader.GetInt64(i);
                        import.Write(value, NpgsqlDbType.Bigint);
                        row.Add(value);
                    }
                    else
                    {
                        var text = reader.GetString(i);
                        var clean = PostgresDialect.Clean(text)!;
                        if (!ReferenceEquals(text, clean))
                            _cleaned++;
                        import.Write(clean, NpgsqlDbType.Text);
                        row.Add(clean);
                    }
                }

                // A sum, since the two stores give the rows in orders of their own.
                hash = unchecked(hash + (ulong)row.Value);
                if (++rows % RowsBetweenReports == 0)
                    Report(table, false, rows, number, count, lease, cancellationToken);
            }

            import.Complete();
        }

        Report(table, false, rows, number, count, lease, cancellationToken);
        return (rows, hash);
    }

    private (long Rows, ulong Hash) Hash(StoreSession session, Table table, int number, int count, Lease lease, CancellationToken cancellationToken)
    {
        long rows = 0;
        ulong hash = 0;
        using var reader = session.Prepare($"SELECT {table.ColumnList} FROM {table.Name}").Read();
        while (reader.Read())
        {
            var row = new StableHash();
            for (var i = 0; i < table.Columns.Count; i++)
            {
                if (reader.IsDBNull(i))
                    row.Add((string?)null);
                else if (table.Columns[i].IsNumber)
                    row.Add(reader.GetInt64(i));
                else
                    row.Add(reader.GetString(i));
            }

            hash = unchecked(hash + (ulong)row.Value);
            if (++rows % RowsBetweenReports == 0)
                Report(table, true, rows, number, count, lease, cancellationToken);
        }

        return (rows, hash);
    }

    private void Report(Table table, bool verifying, long rows, int number, int count, Lease lease, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (lease.IsLost)
            throw new AlloyScanException(ErrorKind.ResourceBusy, "JobRunning", "Another run has taken over while the store was copied.", table.Name, "Copy again when it has ended.");
        progress(new StoreCopyProgress(table.Name, verifying, rows, number, count));
    }

    private static List<Table> Tables(StoreSession session)
    {
        var names = new List<string>();
        using (var reader = session.Prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name").Read())
        {
            while (reader.Read())
                names.Add(reader.GetString(0));
        }

        var result = new List<Table>();
        // Tables that others refer to come first.
        foreach (var name in names.Where(n => !s_leftOut.Contains(n)).OrderBy(n => n switch { "targets" or "sites" => 0, _ => 1 }))
        {
            var columns = new List<(string, bool)>();
            using var reader = session.Prepare("SELECT name, type FROM pragma_table_info(@p0) ORDER BY cid").Set(0, name).Read();
            while (reader.Read())
                columns.Add((reader.GetString(0), reader.GetString(1) == "INTEGER"));
            result.Add(new Table(name, columns));
        }

        return result;
    }

    private static List<(string Table, long Last)> Last(StoreSession from)
    {
        var result = new List<(string, long)>();
        using var reader = from.Prepare("SELECT name, seq FROM sqlite_sequence").Read();
        while (reader.Read())
            result.Add((reader.GetString(0), reader.GetInt64(1)));
        return result;
    }
}
