namespace AlloyScan.Engine.Store;

/// <summary>Version 2: identification policy, junk, decisions, custom fields, retirement for absence, software groups, undo.</summary>
internal static partial class SqliteSchema
{
    private const string Version2Tables = """
        ALTER TABLE jobs ADD COLUMN missing_device TEXT NOT NULL DEFAULT 'Keep';
        ALTER TABLE jobs ADD COLUMN retire_after_runs INTEGER NOT NULL DEFAULT 3;
        ALTER TABLE jobs ADD COLUMN retire_after_days INTEGER NOT NULL DEFAULT 7;
        ALTER TABLE jobs ADD COLUMN deleted_record TEXT NOT NULL DEFAULT 'Ask';
        ALTER TABLE jobs ADD COLUMN stale_after_days INTEGER NOT NULL DEFAULT 30;
        ALTER TABLE jobs ADD COLUMN most_carriers INTEGER NOT NULL DEFAULT 3;
        -- Names of further sites whose CIs the rules see, as a JSON array; type map as a JSON object.
        ALTER TABLE jobs ADD COLUMN identification_sites TEXT;
        ALTER TABLE jobs ADD COLUMN type_map TEXT;

        -- Custom fields of CIs: their definitions, and their values as one JSON object a CI.
        CREATE TABLE custom_fields (
            class INTEGER NOT NULL,
            name TEXT NOT NULL COLLATE NOCASE,
            type TEXT NOT NULL,
            PRIMARY KEY (class, name)) WITHOUT ROWID;
        ALTER TABLE records ADD COLUMN custom TEXT;
        DROP TRIGGER records_edited;
        CREATE TRIGGER records_edited AFTER UPDATE OF name, type, dns_name, serial_number, asset_tag, mac_address, ip_address,
            manufacturer, model, bios_uuid, os_platform, os_name, os_version, cpu, memory_bytes, user_name, status, custom ON records
            WHEN new.version = old.version
            BEGIN UPDATE records SET version = old.version + 1 WHERE id = new.id; END;

        -- The rules between the link and Default, in order of position within a class.
        CREATE TABLE identification_rules (
            id INTEGER PRIMARY KEY,
            class INTEGER NOT NULL,
            position INTEGER NOT NULL,
            name TEXT NOT NULL COLLATE NOCASE,
            conditions TEXT NOT NULL,
            action TEXT NOT NULL);
        CREATE UNIQUE INDEX identification_rules_name ON identification_rules (class, name);

        -- Junk that the administrator named, and junk that was learned because too many devices of a site carry it.
        CREATE TABLE junk_identifiers (
            kind INTEGER NOT NULL,
            value TEXT NOT NULL,
            note TEXT,
            created_at INTEGER NOT NULL,
            PRIMARY KEY (kind, value)) WITHOUT ROWID;
        -- 0 while a run of the site is under way or has died: what it wrote has not been counted yet.
        ALTER TABLE sites ADD COLUMN junk_judged INTEGER NOT NULL DEFAULT 0;
        CREATE TABLE learned_junk (
            site_id INTEGER NOT NULL,
            kind INTEGER NOT NULL,
            value TEXT NOT NULL,
            carriers INTEGER NOT NULL,
            good_runs INTEGER NOT NULL DEFAULT 0,
            learned_at INTEGER NOT NULL,
            PRIMARY KEY (site_id, kind, value)) WITHOUT ROWID;

        -- Devices that wait until all unlinked ones are read. A run that stops before leaves them here for the next.
        CREATE TABLE waiting_devices (
            target_id INTEGER NOT NULL,
            site_id INTEGER NOT NULL,
            device_id TEXT NOT NULL,
            list_hash INTEGER NOT NULL,
            last_seen INTEGER,
            facts TEXT NOT NULL,
            PRIMARY KEY (target_id, site_id, device_id)) WITHOUT ROWID;

        -- Kind Unlinked: the device has no CI. Kind RestsOnJunk: it is linked, by a rule on a value that turned junk since.
        ALTER TABLE conflicts ADD COLUMN kind TEXT NOT NULL DEFAULT 'Unlinked';
        -- The values that a conflict of kind RestsOnJunk is about.
        ALTER TABLE conflicts ADD COLUMN junk TEXT;
        ALTER TABLE conflicts ADD COLUMN resolved_at INTEGER;
        -- When the site had last seen the device as it came onto the list: a machine that is seen later than that was there beside it.
        ALTER TABLE conflicts ADD COLUMN first_seen INTEGER;
        -- What devices on the conflict list carry, so that they count as carriers in runs that do not read them.
        CREATE TABLE conflict_identifiers (
            kind INTEGER NOT NULL,
            value TEXT NOT NULL,
            conflict INTEGER NOT NULL,
            PRIMARY KEY (kind, value, conflict)) WITHOUT ROWID;
        CREATE INDEX conflict_identifiers_conflict ON conflict_identifiers (conflict);

        -- Wrong merges that a person undid: no rule brings this device and this CI together again.
        CREATE TABLE separations (
            target_id INTEGER NOT NULL,
            site_id INTEGER NOT NULL,
            device_id TEXT NOT NULL,
            record INTEGER NOT NULL,
            created_at INTEGER NOT NULL,
            PRIMARY KEY (target_id, site_id, device_id, record)) WITHOUT ROWID;

        -- rule: the rule that made the link; NULL when the CI was created for the device or a person decided.
        ALTER TABLE links ADD COLUMN rule TEXT;
        ALTER TABLE links ADD COLUMN missing_runs INTEGER NOT NULL DEFAULT 0;
        -- Set when we retired the CI for absence, with the status it had; a retired CI without it was retired by somebody else.
        ALTER TABLE links ADD COLUMN retired_at INTEGER;
        ALTER TABLE links ADD COLUMN retired_from TEXT;
        -- Set when somebody took back a CI that we had retired: it is not retired again before its device has returned.
        ALTER TABLE links ADD COLUMN taken_back INTEGER NOT NULL DEFAULT 0;
        -- Without it, each CI that is removed looks through the identifiers of all.
        CREATE INDEX record_identifiers_record ON record_identifiers (record);
        -- What belonged to a CI goes with it, whoever removes it. Products without installation are dropped by the next run.
        CREATE TRIGGER records_removed AFTER DELETE ON records
            BEGIN
                UPDATE products SET uses = uses - 1, hidden_uses = hidden_uses - CASE WHEN lower(coalesce(old.status, '')) = 'retired' THEN 1 ELSE 0 END
                WHERE id IN (SELECT product FROM installations WHERE record = old.id);
                DELETE FROM installations WHERE record = old.id;
                DELETE FROM record_identifiers WHERE record = old.id;
                DELETE FROM unsettled_fields WHERE target_id = old.target_id AND class = old.class AND number = old.number;
            END;
        -- The identifiers that device and CI shared when a rule linked them.
        CREATE TABLE link_grounds (
            link INTEGER NOT NULL,
            kind INTEGER NOT NULL,
            value TEXT NOT NULL,
            PRIMARY KEY (link, kind, value)) WITHOUT ROWID;
        CREATE INDEX link_grounds_value ON link_grounds (kind, value);

        -- Products that the choice of groups left out of a computer, as hashes, and rows of software that have no name.
        ALTER TABLE link_values ADD COLUMN excluded TEXT;
        ALTER TABLE runs ADD COLUMN nameless_software INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE runs ADD COLUMN unsettled INTEGER NOT NULL DEFAULT 0;

        -- Software groups of a site that are not tracked.
        CREATE TABLE untracked_groups (
            site_id INTEGER NOT NULL,
            software_group TEXT NOT NULL,
            PRIMARY KEY (site_id, software_group)) WITHOUT ROWID;

        -- link and detail: what an undo needs beyond what people read, as a key and as JSON.
        ALTER TABLE changes ADD COLUMN link INTEGER;
        ALTER TABLE changes ADD COLUMN detail TEXT;
        CREATE INDEX changes_record ON changes (target_id, class, number);
        -- kind: Sync, Undo, Resolve or Split. undoes: the run that an undo took back. undone_by: the undo that took this run back.
        ALTER TABLE runs ADD COLUMN kind TEXT NOT NULL DEFAULT 'Sync';
        ALTER TABLE runs ADD COLUMN undoes INTEGER;
        ALTER TABLE runs ADD COLUMN undone_by INTEGER;

        -- Fields that flap over runs (A, B, A), or did not hold what was written (NotSettled), as last found.
        CREATE TABLE unsettled_fields (
            target_id INTEGER NOT NULL,
            class INTEGER NOT NULL,
            number INTEGER NOT NULL,
            field TEXT NOT NULL,
            problem TEXT NOT NULL,
            detail TEXT,
            site_id INTEGER NOT NULL,
            run_id INTEGER NOT NULL,
            PRIMARY KEY (target_id, class, number, field)) WITHOUT ROWID;

        """;

    private const string Version2Views = """
        DROP VIEW computers;
        CREATE VIEW computers AS
            SELECT printf('C%06d', r.number) AS id, r.name, r.dns_name, r.serial_number, r.asset_tag, r.mac_address, r.ip_address,
                r.manufacturer, r.model, r.bios_uuid, r.os_platform, r.os_name, r.os_version, r.cpu, r.memory_bytes, r.user_name, r.status,
                t.name AS target, s.name AS site, l.device_id, l.audit_id,
                strftime('%Y-%m-%dT%H:%M:%SZ', l.audited_at / 1000, 'unixepoch') AS audited_at,
                strftime('%Y-%m-%dT%H:%M:%SZ', l.last_seen / 1000, 'unixepoch') AS last_seen,
                strftime('%Y-%m-%dT%H:%M:%SZ', l.missing_since / 1000, 'unixepoch') AS missing_since,
                strftime('%Y-%m-%dT%H:%M:%SZ', r.created_at / 1000, 'unixepoch') AS created_at,
                strftime('%Y-%m-%dT%H:%M:%SZ', r.updated_at / 1000, 'unixepoch') AS updated_at,
                r.custom
            FROM records r JOIN targets t ON t.id = r.target_id
            LEFT JOIN links l ON l.record = r.id AND l.state IN (1, 2) LEFT JOIN sites s ON s.id = l.site_id
            WHERE r.class = 1;

        DROP VIEW hardware;
        CREATE VIEW hardware AS
            SELECT printf('H%06d', r.number) AS id, r.name, r.type, r.dns_name, r.serial_number, r.asset_tag, r.mac_address, r.ip_address,
                r.manufacturer, r.model, r.status,
                t.name AS target, s.name AS site, l.device_id, l.audit_id,
                strftime('%Y-%m-%dT%H:%M:%SZ', l.audited_at / 1000, 'unixepoch') AS audited_at,
                strftime('%Y-%m-%dT%H:%M:%SZ', l.last_seen / 1000, 'unixepoch') AS last_seen,
                strftime('%Y-%m-%dT%H:%M:%SZ', l.missing_since / 1000, 'unixepoch') AS missing_since,
                strftime('%Y-%m-%dT%H:%M:%SZ', r.created_at / 1000, 'unixepoch') AS created_at,
                strftime('%Y-%m-%dT%H:%M:%SZ', r.updated_at / 1000, 'unixepoch') AS updated_at,
                r.custom
            FROM records r JOIN targets t ON t.id = r.target_id
            LEFT JOIN links l ON l.record = r.id AND l.state IN (1, 2) LEFT JOIN sites s ON s.id = l.site_id
            WHERE r.class = 2;

        DROP VIEW sync_runs;
        CREATE VIEW sync_runs AS
            SELECT id, job,
                strftime('%Y-%m-%dT%H:%M:%SZ', started_at / 1000, 'unixepoch') AS started_at,
                strftime('%Y-%m-%dT%H:%M:%SZ', ended_at / 1000, 'unixepoch') AS ended_at,
                status, complete, devices_read, created, updated, unchanged, conflicts, missing, retired, deleted_in_alloyscan,
                installations_added, installations_removed, errors, api_calls, kind, undoes, undone_by
            FROM runs;
        """;
}
