using AlloyScan.Engine.Sync.Identify;

namespace AlloyScan.Engine.Store;

/// <summary>
/// The schema of a SQLite store. Tables may change between versions; the views are the contract.
/// Times are milliseconds since 1970 in tables and ISO 8601 text in views.
/// </summary>
internal static partial class SqliteSchema
{
    public static readonly IReadOnlyList<string> Migrations =
    [
        Version1Tables + Version1Views,
        Version2Tables + IdentificationPolicy.SeedSql() + Version2Views,
        Version3Guard + Version3Errors + Version3Usage + Version3Schedules + Version3Notifications + Version3Profiles + Version3Retention + Version3Views,
    ];

    private const string Version1Tables = """
        CREATE TABLE targets (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL UNIQUE COLLATE NOCASE,
            kind TEXT NOT NULL,
            -- Numbers for new CIs. They only grow, so that an ID is never given twice.
            next_computer INTEGER NOT NULL DEFAULT 1,
            next_hardware INTEGER NOT NULL DEFAULT 1);
        INSERT INTO targets (id, name, kind) VALUES (1, 'Built-in', 'BuiltIn');

        CREATE TABLE sites (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL UNIQUE COLLATE NOCASE,
            created_at INTEGER NOT NULL);
        -- A site is known by any of its addresses: the normalised URL, with the client ID behind it when there is no slug.
        CREATE TABLE site_addresses (
            address TEXT PRIMARY KEY,
            site_id INTEGER NOT NULL REFERENCES sites (id)) WITHOUT ROWID;

        CREATE TABLE service_actions (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL,
            class INTEGER NOT NULL,
            kind TEXT NOT NULL,
            definition TEXT NOT NULL);

        CREATE TABLE jobs (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL UNIQUE COLLATE NOCASE,
            enabled INTEGER NOT NULL,
            site_id INTEGER NOT NULL REFERENCES sites (id),
            site_url TEXT NOT NULL,
            client_id TEXT NOT NULL,
            secret_kind TEXT NOT NULL,
            secret_value TEXT NOT NULL,
            new_computer_action INTEGER NOT NULL,
            existing_computer_action INTEGER NOT NULL,
            new_hardware_action INTEGER NOT NULL,
            existing_hardware_action INTEGER NOT NULL,
            software_platforms INTEGER NOT NULL,
            retired_original TEXT NOT NULL,
            throttle_limit INTEGER NOT NULL,
            api_profile TEXT,
            target_id INTEGER NOT NULL REFERENCES targets (id),
            created_at INTEGER NOT NULL,
            updated_at INTEGER NOT NULL);

        -- Configuration items of both classes. version grows with every change of a field, whoever makes it.
        CREATE TABLE records (
            id INTEGER PRIMARY KEY,
            target_id INTEGER NOT NULL,
            class INTEGER NOT NULL,
            number INTEGER NOT NULL,
            version INTEGER NOT NULL DEFAULT 1,
            name TEXT, type TEXT, dns_name TEXT, serial_number TEXT, asset_tag TEXT, mac_address TEXT, ip_address TEXT,
            manufacturer TEXT, model TEXT, bios_uuid TEXT, os_platform TEXT, os_name TEXT, os_version TEXT, cpu TEXT,
            memory_bytes INTEGER, user_name TEXT, status TEXT,
            created_at INTEGER NOT NULL,
            updated_at INTEGER NOT NULL);
        CREATE UNIQUE INDEX records_number ON records (target_id, class, number);
        CREATE TRIGGER records_edited AFTER UPDATE OF name, type, dns_name, serial_number, asset_tag, mac_address, ip_address,
            manufacturer, model, bios_uuid, os_platform, os_name, os_version, cpu, memory_bytes, user_name, status ON records
            WHEN new.version = old.version
            BEGIN UPDATE records SET version = old.version + 1 WHERE id = new.id; END;

        -- Identifiers of CIs in the form in which rules compare them.
        CREATE TABLE record_identifiers (
            kind INTEGER NOT NULL,
            value TEXT NOT NULL,
            record INTEGER NOT NULL,
            PRIMARY KEY (kind, value, record)) WITHOUT ROWID;

        CREATE TABLE links (
            id INTEGER PRIMARY KEY,
            target_id INTEGER NOT NULL,
            site_id INTEGER NOT NULL,
            device_id TEXT NOT NULL,
            class INTEGER NOT NULL,
            record INTEGER NOT NULL,
            record_number INTEGER NOT NULL,
            state INTEGER NOT NULL,
            list_hash INTEGER NOT NULL,
            fingerprint INTEGER NOT NULL,
            record_version INTEGER NOT NULL,
            platform TEXT,
            audit_id TEXT,
            audited_at INTEGER,
            last_seen INTEGER,
            first_seen INTEGER NOT NULL,
            synced_at INTEGER NOT NULL,
            missing_since INTEGER,
            closed_reason TEXT,
            software_imported INTEGER NOT NULL DEFAULT 0,
            software_count INTEGER NOT NULL DEFAULT 0,
            empty_audit TEXT);
        CREATE UNIQUE INDEX links_device ON links (target_id, site_id, device_id);
        CREATE INDEX links_record ON links (record);

        -- What a link applied last: the source values that the mapping reads, the values written, the identifiers.
        CREATE TABLE link_values (
            link INTEGER PRIMARY KEY,
            source TEXT NOT NULL,
            written TEXT NOT NULL);

        CREATE TABLE products (
            id INTEGER PRIMARY KEY,
            target_id INTEGER NOT NULL,
            key TEXT NOT NULL,
            name TEXT NOT NULL,
            version TEXT,
            publisher TEXT,
            software_group TEXT,
            uses INTEGER NOT NULL DEFAULT 0,
            hidden_uses INTEGER NOT NULL DEFAULT 0);
        CREATE UNIQUE INDEX products_key ON products (target_id, key);

        CREATE TABLE installations (
            record INTEGER NOT NULL,
            product INTEGER NOT NULL,
            install_date TEXT,
            install_key TEXT,
            serial_number TEXT,
            PRIMARY KEY (record, product)) WITHOUT ROWID;

        -- Installations of a retired computer keep their product in the catalog but are not counted for people.
        CREATE TRIGGER records_retired AFTER UPDATE OF status ON records
            WHEN (lower(coalesce(old.status, '')) = 'retired') <> (lower(coalesce(new.status, '')) = 'retired')
            BEGIN
                UPDATE products SET hidden_uses = hidden_uses + CASE WHEN lower(coalesce(new.status, '')) = 'retired' THEN 1 ELSE -1 END
                WHERE id IN (SELECT product FROM installations WHERE record = new.id);
            END;

        CREATE TABLE runs (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            job_id INTEGER,
            job TEXT NOT NULL,
            target_id INTEGER NOT NULL,
            site_id INTEGER NOT NULL,
            started_at INTEGER NOT NULL,
            ended_at INTEGER,
            status TEXT NOT NULL,
            message TEXT,
            complete INTEGER NOT NULL DEFAULT 0,
            reached_end INTEGER NOT NULL DEFAULT 0,
            devices_read INTEGER NOT NULL DEFAULT 0,
            created INTEGER NOT NULL DEFAULT 0,
            updated INTEGER NOT NULL DEFAULT 0,
            unchanged INTEGER NOT NULL DEFAULT 0,
            conflicts INTEGER NOT NULL DEFAULT 0,
            missing INTEGER NOT NULL DEFAULT 0,
            retired INTEGER NOT NULL DEFAULT 0,
            deleted_in_alloyscan INTEGER NOT NULL DEFAULT 0,
            installations_added INTEGER NOT NULL DEFAULT 0,
            installations_removed INTEGER NOT NULL DEFAULT 0,
            products_added INTEGER NOT NULL DEFAULT 0,
            products_removed INTEGER NOT NULL DEFAULT 0,
            skipped INTEGER NOT NULL DEFAULT 0,
            errors INTEGER NOT NULL DEFAULT 0,
            api_calls INTEGER NOT NULL DEFAULT 0,
            bytes_received INTEGER NOT NULL DEFAULT 0,
            stage_seconds TEXT);
        CREATE INDEX runs_job ON runs (job, id);

        CREATE TABLE changes (
            id INTEGER PRIMARY KEY,
            run_id INTEGER NOT NULL,
            target_id INTEGER NOT NULL,
            class INTEGER NOT NULL,
            number INTEGER NOT NULL,
            action TEXT NOT NULL,
            field TEXT,
            old_value TEXT,
            new_value TEXT);
        CREATE INDEX changes_run ON changes (run_id);

        CREATE TABLE errors (
            id INTEGER PRIMARY KEY,
            run_id INTEGER NOT NULL,
            device_id TEXT,
            device_name TEXT,
            stage TEXT NOT NULL,
            error_id TEXT NOT NULL,
            message TEXT NOT NULL,
            attempts INTEGER NOT NULL);
        CREATE INDEX errors_run ON errors (run_id);
        -- How often in a row a device has failed.
        CREATE TABLE failing_devices (
            site_id INTEGER NOT NULL,
            device_id TEXT NOT NULL,
            attempts INTEGER NOT NULL,
            PRIMARY KEY (site_id, device_id)) WITHOUT ROWID;

        CREATE TABLE conflicts (
            id INTEGER PRIMARY KEY,
            job TEXT NOT NULL,
            target_id INTEGER NOT NULL,
            site_id INTEGER NOT NULL,
            device_id TEXT NOT NULL,
            device_name TEXT,
            class INTEGER NOT NULL,
            reason TEXT NOT NULL,
            candidates TEXT NOT NULL,
            state TEXT NOT NULL,
            -- What was read of the device, so that an unchanged one is judged again without a call.
            list_hash INTEGER NOT NULL,
            last_seen INTEGER,
            facts TEXT NOT NULL,
            created_at INTEGER NOT NULL,
            updated_at INTEGER NOT NULL);
        CREATE UNIQUE INDEX conflicts_device ON conflicts (target_id, site_id, device_id);

        CREATE TABLE plans (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            job_id INTEGER NOT NULL,
            job TEXT NOT NULL,
            target_id INTEGER NOT NULL,
            site_id INTEGER NOT NULL,
            created_at INTEGER NOT NULL,
            fingerprint INTEGER NOT NULL);
        CREATE TABLE plan_rows (
            plan_id INTEGER NOT NULL,
            row INTEGER NOT NULL,
            action TEXT NOT NULL,
            device_id TEXT NOT NULL,
            record INTEGER,
            record_version INTEGER,
            last_seen INTEGER,
            facts TEXT NOT NULL,
            PRIMARY KEY (plan_id, row)) WITHOUT ROWID;

        -- Intents of writes outside the store, committed before the call; the outcome is set after it.
        CREATE TABLE intents (
            id INTEGER PRIMARY KEY,
            run_id INTEGER NOT NULL,
            action TEXT NOT NULL,
            link INTEGER NOT NULL,
            device_id TEXT NOT NULL,
            created_at INTEGER NOT NULL,
            outcome TEXT);

        -- number grows with every takeover; a batch of a former holder finds another number and stops.
        CREATE TABLE leases (
            name TEXT PRIMARY KEY,
            number INTEGER NOT NULL,
            job TEXT NOT NULL,
            host TEXT NOT NULL,
            process_id INTEGER NOT NULL,
            process_started INTEGER NOT NULL,
            acquired_at INTEGER NOT NULL,
            heartbeat_at INTEGER NOT NULL) WITHOUT ROWID;

        """;

    private const string Version1Views = """
        CREATE VIEW computers AS
            SELECT printf('C%06d', r.number) AS id, r.name, r.dns_name, r.serial_number, r.asset_tag, r.mac_address, r.ip_address,
                r.manufacturer, r.model, r.bios_uuid, r.os_platform, r.os_name, r.os_version, r.cpu, r.memory_bytes, r.user_name, r.status,
                t.name AS target, s.name AS site, l.device_id, l.audit_id,
                strftime('%Y-%m-%dT%H:%M:%SZ', l.audited_at / 1000, 'unixepoch') AS audited_at,
                strftime('%Y-%m-%dT%H:%M:%SZ', l.last_seen / 1000, 'unixepoch') AS last_seen,
                strftime('%Y-%m-%dT%H:%M:%SZ', l.missing_since / 1000, 'unixepoch') AS missing_since,
                strftime('%Y-%m-%dT%H:%M:%SZ', r.created_at / 1000, 'unixepoch') AS created_at,
                strftime('%Y-%m-%dT%H:%M:%SZ', r.updated_at / 1000, 'unixepoch') AS updated_at
            FROM records r JOIN targets t ON t.id = r.target_id
            LEFT JOIN links l ON l.record = r.id AND l.state IN (1, 2) LEFT JOIN sites s ON s.id = l.site_id
            WHERE r.class = 1;

        CREATE VIEW hardware AS
            SELECT printf('H%06d', r.number) AS id, r.name, r.type, r.dns_name, r.serial_number, r.asset_tag, r.mac_address, r.ip_address,
                r.manufacturer, r.model, r.status,
                t.name AS target, s.name AS site, l.device_id, l.audit_id,
                strftime('%Y-%m-%dT%H:%M:%SZ', l.audited_at / 1000, 'unixepoch') AS audited_at,
                strftime('%Y-%m-%dT%H:%M:%SZ', l.last_seen / 1000, 'unixepoch') AS last_seen,
                strftime('%Y-%m-%dT%H:%M:%SZ', l.missing_since / 1000, 'unixepoch') AS missing_since,
                strftime('%Y-%m-%dT%H:%M:%SZ', r.created_at / 1000, 'unixepoch') AS created_at,
                strftime('%Y-%m-%dT%H:%M:%SZ', r.updated_at / 1000, 'unixepoch') AS updated_at
            FROM records r JOIN targets t ON t.id = r.target_id
            LEFT JOIN links l ON l.record = r.id AND l.state IN (1, 2) LEFT JOIN sites s ON s.id = l.site_id
            WHERE r.class = 2;

        CREATE VIEW software_products AS
            SELECT id, name, version, publisher, software_group, uses - hidden_uses AS installations FROM products;

        CREATE VIEW discovered_installations AS
            SELECT printf('C%06d', r.number) AS computer_id, p.id AS product_id, p.name, p.version, p.publisher,
                i.install_date, i.install_key, i.serial_number, t.name AS target
            FROM installations i JOIN records r ON r.id = i.record JOIN products p ON p.id = i.product JOIN targets t ON t.id = r.target_id
            WHERE lower(coalesce(r.status, '')) <> 'retired';

        CREATE VIEW sync_runs AS
            SELECT id, job,
                strftime('%Y-%m-%dT%H:%M:%SZ', started_at / 1000, 'unixepoch') AS started_at,
                strftime('%Y-%m-%dT%H:%M:%SZ', ended_at / 1000, 'unixepoch') AS ended_at,
                status, complete, devices_read, created, updated, unchanged, conflicts, missing, retired, deleted_in_alloyscan,
                installations_added, installations_removed, errors, api_calls
            FROM runs;

        CREATE VIEW sync_changes AS
            SELECT c.run_id, t.name AS target, CASE c.class WHEN 1 THEN 'Computer' ELSE 'Hardware' END AS class,
                printf(CASE c.class WHEN 1 THEN 'C%06d' ELSE 'H%06d' END, c.number) AS record_id, c.action, c.field, c.old_value, c.new_value
            FROM changes c JOIN targets t ON t.id = c.target_id;

        CREATE VIEW sync_conflicts AS
            SELECT c.id, c.job, t.name AS target, s.name AS site, c.device_id, c.device_name,
                CASE c.class WHEN 1 THEN 'Computer' ELSE 'Hardware' END AS class, c.reason, c.candidates, c.state
            FROM conflicts c JOIN targets t ON t.id = c.target_id JOIN sites s ON s.id = c.site_id;

        CREATE VIEW sync_links AS
            SELECT t.name AS target, s.name AS site, l.device_id, CASE l.class WHEN 1 THEN 'Computer' ELSE 'Hardware' END AS class,
                printf(CASE l.class WHEN 1 THEN 'C%06d' ELSE 'H%06d' END, l.record_number) AS record_id,
                CASE l.state WHEN 1 THEN 'Live' WHEN 2 THEN 'Missing' WHEN 3 THEN 'Closed' ELSE 'RecordDeleted' END AS state,
                strftime('%Y-%m-%dT%H:%M:%SZ', l.first_seen / 1000, 'unixepoch') AS first_seen,
                strftime('%Y-%m-%dT%H:%M:%SZ', l.last_seen / 1000, 'unixepoch') AS last_seen
            FROM links l JOIN targets t ON t.id = l.target_id JOIN sites s ON s.id = l.site_id;

        CREATE VIEW sync_errors AS
            SELECT run_id, device_id, device_name, stage, error_id, message, attempts FROM errors;
        """;
}
