namespace AlloyScan.Engine.Store;

/// <summary>
/// The schema of a PostgreSQL store: the same steps as those of SQLite, whose text it takes for tables, indexes and views, and
/// beside them what each product writes in its own way: triggers, and keys that are unique without case.
/// </summary>
internal static partial class PostgresSchema
{
    /// <summary>Says whose tables these are and of which version. Made before the first step.</summary>
    public const string Marker = """
        CREATE TABLE store_version (application text NOT NULL, version bigint NOT NULL);
        INSERT INTO store_version (application, version) VALUES ('AlloyScan', 0);
        """;

    /// <summary>Sets each identity behind the keys that are there.</summary>
    public const string SetSequences = """
        DO $$
        DECLARE c record;
        BEGIN
            FOR c IN SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema() AND is_identity = 'YES' LOOP
                EXECUTE format('SELECT setval(pg_get_serial_sequence(%L, %L), greatest((SELECT max(%I) FROM %I), 1), EXISTS (SELECT 1 FROM %I))',
                    quote_ident(current_schema()) || '.' || quote_ident(c.table_name), c.column_name, c.column_name, c.table_name, c.table_name);
            END LOOP;
        END $$;
        """;

    private static readonly string[] s_own = [Version1, Version2, Version3Alarms];

    /// <summary>The steps, for a schema of this name.</summary>
    public static IReadOnlyList<string> MigrationsFor(string schema) =>
    [
        .. SqliteSchema.Migrations.Select((step, i) => PostgresSql.Schema(step) + "\n"
            + (i < s_own.Length ? s_own[i].Replace("{schema}", schema, StringComparison.Ordinal) : string.Empty) + "\n" + SetSequences),
    ];

    // The functions name the schema, since whoever changes a CI may have another search path.
    private const string Version1 = """
        CREATE FUNCTION records_edited() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            new.version := old.version + 1;
            RETURN new;
        END $$;
        CREATE TRIGGER records_edited BEFORE UPDATE OF name, type, dns_name, serial_number, asset_tag, mac_address, ip_address,
            manufacturer, model, bios_uuid, os_platform, os_name, os_version, cpu, memory_bytes, user_name, status ON records
            FOR EACH ROW WHEN (new.version = old.version) EXECUTE FUNCTION records_edited();

        CREATE FUNCTION records_retired() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            UPDATE {schema}.products SET hidden_uses = hidden_uses + CASE WHEN lower(coalesce(new.status, '')) = 'retired' THEN 1 ELSE -1 END
            WHERE id IN (SELECT product FROM {schema}.installations WHERE record = new.id);
            RETURN NULL;
        END $$;
        CREATE TRIGGER records_retired AFTER UPDATE OF status ON records FOR EACH ROW
            WHEN ((lower(coalesce(old.status, '')) = 'retired') <> (lower(coalesce(new.status, '')) = 'retired')) EXECUTE FUNCTION records_retired();
        """;

    private const string Version2 = """
        CREATE UNIQUE INDEX custom_fields_name ON custom_fields (class, lower(name));
        DROP INDEX identification_rules_name;
        CREATE UNIQUE INDEX identification_rules_name ON identification_rules (class, lower(name));

        DROP TRIGGER records_edited ON records;
        CREATE TRIGGER records_edited BEFORE UPDATE OF name, type, dns_name, serial_number, asset_tag, mac_address, ip_address,
            manufacturer, model, bios_uuid, os_platform, os_name, os_version, cpu, memory_bytes, user_name, status, custom ON records
            FOR EACH ROW WHEN (new.version = old.version) EXECUTE FUNCTION records_edited();

        CREATE FUNCTION records_removed() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            UPDATE {schema}.products SET uses = uses - 1, hidden_uses = hidden_uses - CASE WHEN lower(coalesce(old.status, '')) = 'retired' THEN 1 ELSE 0 END
            WHERE id IN (SELECT product FROM {schema}.installations WHERE record = old.id);
            DELETE FROM {schema}.installations WHERE record = old.id;
            DELETE FROM {schema}.record_identifiers WHERE record = old.id;
            DELETE FROM {schema}.unsettled_fields WHERE target_id = old.target_id AND class = old.class AND number = old.number;
            RETURN NULL;
        END $$;
        CREATE TRIGGER records_removed AFTER DELETE ON records FOR EACH ROW EXECUTE FUNCTION records_removed();
        """;
}
