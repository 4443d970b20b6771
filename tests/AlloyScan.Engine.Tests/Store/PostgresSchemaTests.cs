using AlloyScan.Engine.Store;

namespace AlloyScan.Engine.Tests;

/// <summary>The schema of a PostgreSQL store against that of a SQLite one: nobody forgets a table, a column or a trigger in either.</summary>
[Trait("Store", "PostgreSQL")]
public sealed class PostgresSchemaTests : IDisposable
{
    private readonly TestStore _sqlite = new(postgres: false);
    private readonly TestStore? _postgres = TestStore.Server is null ? null : new TestStore(postgres: true);

    public PostgresSchemaTests()
    {
        AlloyStore.Open(_sqlite.Location).Dispose();
        if (_postgres is not null)
            AlloyStore.Open(_postgres.Location).Dispose();
    }

    [PostgresFact]
    public void Tables_have_the_same_columns_of_the_same_types_in_the_same_order()
    {
        Assert.Equal(_sqlite.Tables(), _postgres!.Tables());
        foreach (var table in _sqlite.Tables())
        {
            // Where SQLite lets a key be NULL by its history, PostgreSQL does not: what is asked of both is what is written.
            var ours = _sqlite.Rows($"SELECT name, CASE type WHEN 'INTEGER' THEN 'bigint' ELSE 'text' END, CASE WHEN \"notnull\" = 1 OR pk > 0 THEN 1 ELSE 0 END FROM pragma_table_info('{table}') ORDER BY cid");
            var theirs = _postgres.Rows($"""
                SELECT column_name, data_type, CASE is_nullable WHEN 'NO' THEN 1 ELSE 0 END FROM information_schema.columns
                WHERE table_schema = current_schema() AND table_name = '{table}' ORDER BY ordinal_position
                """);
            Assert.Equal(ours, theirs);
        }
    }

    [PostgresFact]
    public void Tables_have_the_same_keys_and_indexes()
    {
        foreach (var table in _sqlite.Tables())
        {
            var ours = _sqlite.Rows($"SELECT name FROM pragma_table_info('{table}') WHERE pk > 0 ORDER BY pk");
            var theirs = _postgres!.Rows($"""
                SELECT a.attname FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
                    CROSS JOIN unnest(i.indkey) WITH ORDINALITY AS k(number, place) JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number
                WHERE n.nspname = current_schema() AND c.relname = '{table}' AND i.indisprimary ORDER BY k.place
                """);
            Assert.Equal(ours, theirs);
        }

        // Names that are unique without case have an index of their own there, and are part of the column here.
        var byName = _sqlite.Rows("SELECT name || '_name' FROM sqlite_master WHERE sql LIKE '%UNIQUE COLLATE NOCASE%' AND type = 'table'").Append("custom_fields_name");
        var indexes = _sqlite.Rows("SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL").Concat(byName);
        Assert.Equal(indexes.Order(StringComparer.Ordinal), _postgres!.Rows("""
            SELECT indexname FROM pg_indexes WHERE schemaname = current_schema() AND indexname NOT LIKE '%_pkey' AND tablename NOT LIKE 'qrtz\_%' ORDER BY indexname
            """).Order(StringComparer.Ordinal));
    }

    [PostgresFact]
    public void Names_without_case_are_unique_without_case()
    {
        var columns = _sqlite.Rows("SELECT name, sql FROM sqlite_master WHERE sql LIKE '%COLLATE NOCASE%' AND type = 'table' ORDER BY name").ConvertAll(r => r.Split('|')[0]);
        var unique = _postgres!.Rows("SELECT DISTINCT tablename FROM pg_indexes WHERE schemaname = current_schema() AND indexdef LIKE 'CREATE UNIQUE%lower(name)%' ORDER BY tablename");
        Assert.Equal(columns, unique);
    }

    [PostgresFact]
    public void The_same_triggers_watch_the_same_tables_for_the_same_columns()
    {
        Assert.Equal(
            _sqlite.Rows("SELECT name || ' on ' || tbl_name FROM sqlite_master WHERE type = 'trigger' ORDER BY name"),
            _postgres!.Rows("SELECT DISTINCT trigger_name || ' on ' || event_object_table FROM information_schema.triggers WHERE trigger_schema = current_schema() ORDER BY 1"));

        var ours = _sqlite.Scalar("SELECT sql FROM sqlite_master WHERE name = 'records_edited'")!;
        var columns = ours[(ours.IndexOf("UPDATE OF", StringComparison.Ordinal) + 9)..ours.IndexOf(" ON records", StringComparison.Ordinal)];
        Assert.Equal(
            columns.Split(',').Select(c => c.Trim()).Order(StringComparer.Ordinal),
            _postgres.Rows("SELECT event_object_column FROM information_schema.triggered_update_columns WHERE trigger_schema = current_schema() AND trigger_name = 'records_edited'").Order(StringComparer.Ordinal));
    }

    [PostgresFact]
    public void Views_have_the_same_columns_and_types()
    {
        var views = _sqlite.Rows("SELECT name FROM sqlite_master WHERE type = 'view' ORDER BY name");
        Assert.Equal(views, _postgres!.Rows("SELECT table_name FROM information_schema.views WHERE table_schema = current_schema() ORDER BY table_name"));
        foreach (var view in views)
        {
            Assert.Equal(
                _sqlite.Rows($"SELECT name FROM pragma_table_info('{view}') ORDER BY cid"),
                _postgres.Rows($"SELECT column_name FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = '{view}' ORDER BY ordinal_position"));
        }

        Assert.Empty(_postgres.Rows("SELECT table_name || '.' || column_name || ' ' || data_type FROM information_schema.columns WHERE table_schema = current_schema() AND table_name NOT LIKE 'qrtz\\_%' AND data_type NOT IN ('text', 'bigint')"));
    }

    [PostgresFact]
    public void All_text_compares_bytewise() => Assert.Empty(_postgres!.Rows("""
        SELECT table_name || '.' || column_name FROM information_schema.columns
        WHERE table_schema = current_schema() AND data_type = 'text' AND table_name <> 'store_version' AND collation_name IS DISTINCT FROM 'C'
        """));

    [Fact]
    public void Nothing_of_SQLite_is_left_in_the_schema_for_PostgreSQL()
    {
        foreach (var step in PostgresSchema.MigrationsFor("alloyscan"))
        {
            foreach (var word in new[] { "WITHOUT ROWID", "NOCASE", "strftime", "printf", "INTEGER", " TEXT", "AUTOINCREMENT", "{schema}" })
                Assert.DoesNotContain(word, step, StringComparison.Ordinal);
        }
    }

    public void Dispose()
    {
        _sqlite.Dispose();
        _postgres?.Dispose();
    }
}
