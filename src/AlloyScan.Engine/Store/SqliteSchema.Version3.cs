namespace AlloyScan.Engine.Store;

/// <summary>Version 3: plans that wait for approval, devices that keep failing, app registrations and what they spend, schedules.</summary>
internal static partial class SqliteSchema
{
    private const string Version3Guard = """
        -- Limits of the guard as a JSON object, by kind of change; a kind that is absent has the default limit.
        ALTER TABLE jobs ADD COLUMN guard TEXT;

        -- Saved: made to be looked at. Blocked: a run kept what its guard held back. Approved and Void are applied no more.
        ALTER TABLE plans ADD COLUMN state TEXT NOT NULL DEFAULT 'Saved';
        -- The run that kept the plan, the run that applied what it held, and a hash over the held rows.
        ALTER TABLE plans ADD COLUMN run_id INTEGER;
        ALTER TABLE plans ADD COLUMN approved_by INTEGER;
        ALTER TABLE plans ADD COLUMN hash TEXT;
        -- Rows of a run under way have its number, negative, in place of a plan's. kinds: bits of what the guard takes the row for.
        ALTER TABLE plan_rows ADD COLUMN kinds INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE plan_rows ADD COLUMN class INTEGER;
        ALTER TABLE plan_rows ADD COLUMN platform TEXT;
        ALTER TABLE plan_rows ADD COLUMN held INTEGER NOT NULL DEFAULT 0;
        -- Set in the transaction that applied the row or found that it cannot be.
        ALTER TABLE plan_rows ADD COLUMN done INTEGER NOT NULL DEFAULT 0;
        -- What the row shows to people, as JSON.
        ALTER TABLE plan_rows ADD COLUMN shown TEXT;
        -- What a plan has of each guarded kind in each slice of the site. field and value: one value on many CIs.
        CREATE TABLE plan_slices (
            plan_id INTEGER NOT NULL,
            position INTEGER NOT NULL,
            kind INTEGER NOT NULL,
            class INTEGER NOT NULL,
            platform TEXT,
            field TEXT,
            value TEXT,
            changes INTEGER NOT NULL,
            base INTEGER NOT NULL,
            most_changes INTEGER NOT NULL,
            -- In millionths.
            most_share INTEGER NOT NULL,
            tripped INTEGER NOT NULL,
            PRIMARY KEY (plan_id, position)) WITHOUT ROWID;
        ALTER TABLE runs ADD COLUMN held INTEGER NOT NULL DEFAULT 0;

        """;

    private const string Version3Errors = """
        -- Runs in a row that a device may fail before it is left alone until it changes; 0 for any number.
        ALTER TABLE jobs ADD COLUMN park_after INTEGER NOT NULL DEFAULT 5;
        ALTER TABLE runs ADD COLUMN parked INTEGER NOT NULL DEFAULT 0;
        -- The run in which the device failed last, and what the list said of it then; NULL where it said nothing.
        ALTER TABLE failing_devices ADD COLUMN run_id INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE failing_devices ADD COLUMN list_hash INTEGER;
        ALTER TABLE failing_devices ADD COLUMN last_seen INTEGER;

        """;

    private const string Version3Usage = """
        -- Requests sent to a site with an app registration, by day (UTC, days since 1970).
        CREATE TABLE api_usage (
            site_id INTEGER NOT NULL,
            client_id TEXT NOT NULL,
            day INTEGER NOT NULL,
            calls INTEGER NOT NULL,
            bytes_received INTEGER NOT NULL,
            PRIMARY KEY (site_id, client_id, day)) WITHOUT ROWID;
        -- App registrations as the administrator knows them. Jobs are tied to them by site and client ID; one whose secret_kind is
        -- 'AppRegistration' has its secret from here. expiration_date is a day, yyyy-MM-dd.
        CREATE TABLE app_registrations (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL UNIQUE COLLATE NOCASE,
            site_id INTEGER NOT NULL REFERENCES sites (id),
            site_url TEXT NOT NULL,
            client_id TEXT NOT NULL,
            secret_kind TEXT NOT NULL,
            secret_value TEXT NOT NULL,
            expiration_date TEXT,
            monthly_budget INTEGER,
            recharge_day INTEGER NOT NULL DEFAULT 1,
            created_at INTEGER NOT NULL,
            updated_at INTEGER NOT NULL);
        CREATE UNIQUE INDEX app_registrations_client ON app_registrations (site_id, client_id);

        """;

    private const string Version3Schedules = """
        -- When the job runs, as JSON; NULL for a job that runs by force only.
        ALTER TABLE jobs ADD COLUMN schedule TEXT;
        -- What the schedule has up to this time is settled: it ran, or it lies before the schedule was set.
        ALTER TABLE jobs ADD COLUMN schedule_settled INTEGER NOT NULL DEFAULT 0;
        -- Scheduled runs that a host has taken on, from waiting for their turn to their end; as with leases, one without heartbeat is free to take.
        CREATE TABLE schedule_claims (
            job_id INTEGER PRIMARY KEY,
            number INTEGER NOT NULL,
            host TEXT NOT NULL,
            process_id INTEGER NOT NULL,
            process_started INTEGER NOT NULL,
            heartbeat_at INTEGER NOT NULL);

        """;

    private const string Version3Notifications = """
        -- secret_kind and secret_value: the address that is posted to, which is as good as a password, or the password of a mail server.
        CREATE TABLE notifications (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL UNIQUE COLLATE NOCASE,
            kind TEXT NOT NULL,
            enabled INTEGER NOT NULL,
            events INTEGER NOT NULL,
            jobs TEXT NOT NULL,
            host TEXT NOT NULL,
            port INTEGER NOT NULL,
            use_tls INTEGER NOT NULL,
            sender TEXT,
            receivers TEXT NOT NULL,
            user_name TEXT,
            secret_kind TEXT,
            secret_value TEXT,
            last_sent_at INTEGER,
            last_error TEXT,
            created_at INTEGER NOT NULL,
            updated_at INTEGER NOT NULL);
        -- How a job stood when a notification last heard of it: what recovered has to have failed before.
        CREATE TABLE notification_states (
            notification INTEGER NOT NULL,
            job_id INTEGER NOT NULL,
            status TEXT NOT NULL,
            PRIMARY KEY (notification, job_id)) WITHOUT ROWID;

        """;

    private const string Version3Profiles = """
        -- API profiles, by their hash, that a site has answered as they say. On others nothing is marked missing.
        CREATE TABLE passed_profiles (
            site_id INTEGER NOT NULL,
            profile INTEGER NOT NULL,
            passed_at INTEGER NOT NULL,
            PRIMARY KEY (site_id, profile)) WITHOUT ROWID;

        """;

    private const string Version3Retention = """
        -- How long history is kept; no row for what is kept by default. pruned_run: the newest run that is gone, behind which no older one can be taken back.
        CREATE TABLE retention (
            id INTEGER PRIMARY KEY,
            run_days INTEGER NOT NULL,
            plan_days INTEGER NOT NULL,
            pruned_run INTEGER NOT NULL DEFAULT 0);
        -- For finding what is too old, and what later runs are measured by.
        CREATE INDEX runs_started ON runs (started_at);
        CREATE INDEX runs_job_id ON runs (job_id, id);
        CREATE INDEX runs_site ON runs (target_id, site_id, id);

        """;

    private const string Version3Views = """
        DROP VIEW sync_runs;
        CREATE VIEW sync_runs AS
            SELECT r.id, r.job,
                strftime('%Y-%m-%dT%H:%M:%SZ', r.started_at / 1000, 'unixepoch') AS started_at,
                strftime('%Y-%m-%dT%H:%M:%SZ', r.ended_at / 1000, 'unixepoch') AS ended_at,
                r.status, r.complete, r.devices_read, r.created, r.updated, r.unchanged, r.conflicts, r.missing, r.retired, r.deleted_in_alloyscan,
                r.installations_added, r.installations_removed, r.errors, r.api_calls, r.kind, r.undoes, r.undone_by,
                t.name AS target, s.name AS site, r.message, r.products_added, r.products_removed, r.nameless_software, r.unsettled, r.skipped, r.parked, r.held, r.bytes_received
            FROM runs r JOIN targets t ON t.id = r.target_id LEFT JOIN sites s ON s.id = r.site_id;

        DROP VIEW sync_conflicts;
        CREATE VIEW sync_conflicts AS
            SELECT c.id, c.job, t.name AS target, s.name AS site, c.device_id, c.device_name,
                CASE c.class WHEN 1 THEN 'Computer' ELSE 'Hardware' END AS class, c.reason, c.candidates, c.state, c.kind,
                strftime('%Y-%m-%dT%H:%M:%SZ', c.created_at / 1000, 'unixepoch') AS created_at,
                strftime('%Y-%m-%dT%H:%M:%SZ', c.resolved_at / 1000, 'unixepoch') AS resolved_at
            FROM conflicts c JOIN targets t ON t.id = c.target_id JOIN sites s ON s.id = c.site_id;

        DROP VIEW sync_links;
        CREATE VIEW sync_links AS
            SELECT t.name AS target, s.name AS site, l.device_id, CASE l.class WHEN 1 THEN 'Computer' ELSE 'Hardware' END AS class,
                printf(CASE l.class WHEN 1 THEN 'C%06d' ELSE 'H%06d' END, l.record_number) AS record_id,
                CASE l.state WHEN 1 THEN 'Live' WHEN 2 THEN 'Missing' WHEN 3 THEN 'Closed' ELSE 'RecordDeleted' END AS state,
                strftime('%Y-%m-%dT%H:%M:%SZ', l.first_seen / 1000, 'unixepoch') AS first_seen,
                strftime('%Y-%m-%dT%H:%M:%SZ', l.last_seen / 1000, 'unixepoch') AS last_seen,
                strftime('%Y-%m-%dT%H:%M:%SZ', l.missing_since / 1000, 'unixepoch') AS missing_since,
                strftime('%Y-%m-%dT%H:%M:%SZ', l.retired_at / 1000, 'unixepoch') AS retired_at,
                l.rule, l.closed_reason
            FROM links l JOIN targets t ON t.id = l.target_id JOIN sites s ON s.id = l.site_id;

        """;
}
