using System.Data.Common;
using System.Globalization;
using AlloyScan.Engine.Cmdb;
using AlloyScan.Engine.Credentials;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Jobs.Schedules;
using AlloyScan.Engine.Site;
using AlloyScan.Engine.Store;
using AlloyScan.Engine.Sync.Guard;
using Newtonsoft.Json;

namespace AlloyScan.Engine.Jobs;

/// <summary>The sync jobs of a store.</summary>
public sealed class SyncJobs
{
    private const string Columns = """
        j.id, j.name, j.enabled, j.site_url, s.name, j.client_id, j.secret_kind, j.secret_value, j.new_computer_action, j.existing_computer_action,
        j.new_hardware_action, j.existing_hardware_action, j.software_platforms, j.retired_original, j.throttle_limit, j.api_profile, t.name, j.created_at, j.updated_at,
        j.missing_device, j.retire_after_runs, j.retire_after_days, j.deleted_record, j.stale_after_days, j.most_carriers, j.identification_sites, j.type_map,
        (SELECT r.status FROM runs r WHERE r.job_id = j.id AND r.kind = 'Sync' ORDER BY r.id DESC LIMIT 1), (SELECT r.started_at FROM runs r WHERE r.job_id = j.id AND r.kind = 'Sync' ORDER BY r.id DESC LIMIT 1), j.schedule, j.park_after,
        g.name, g.secret_kind, g.secret_value, j.guard
        """;

    private const string From = "FROM jobs j JOIN sites s ON s.id = j.site_id JOIN targets t ON t.id = j.target_id LEFT JOIN app_registrations g ON g.site_id = j.site_id AND g.client_id = j.client_id";

    private readonly AlloyStore _store;

    internal SyncJobs(AlloyStore store) => _store = store;

    /// <summary>Jobs by name, in order of name.</summary>
    /// <param name="namePattern">A name, or a pattern with <c>*</c> and <c>?</c>; <see langword="null"/> for all.</param>
    public IReadOnlyList<SyncJob> List(string? namePattern = null)
    {
        using var session = _store.NewSession();
        var statement = session.Prepare($"SELECT {Columns} {From} WHERE @p0 IS NULL OR lower(j.name) GLOB @p0 ORDER BY lower(j.name)");
        using var reader = statement.Set(0, SqlPattern.Glob(namePattern)).Read();
        var result = new List<SyncJob>();
        while (reader.Read())
            result.Add(Load(reader, _store.TimeProvider));
        return result;
    }

    /// <summary>One job.</summary>
    /// <param name="name">Its name, without case.</param>
    /// <exception cref="AlloyScanException">There is none (<c>JobNotFound</c>); the message lists those there are.</exception>
    public SyncJob Get(string name)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        using var session = _store.NewSession();
        return Find(session, name, _store.TimeProvider) ?? throw NotFound(session, name);
    }

    /// <summary>The job that a saved plan is of.</summary>
    /// <param name="planId">Number of the plan.</param>
    /// <exception cref="AlloyScanException">There is no such plan (<c>PlanNotFound</c>).</exception>
    public SyncJob OfPlan(long planId)
    {
        using var session = _store.NewSession();
        using var reader = session.Prepare($"SELECT {Columns} {From} JOIN plans p ON p.job_id = j.id WHERE p.id = @p0").Set(0, planId).Read();
        return reader.Read()
            ? Load(reader, _store.TimeProvider)
            : throw new AlloyScanException(ErrorKind.NotFound, "PlanNotFound", $"There is no saved plan {planId}.", planId, "Make a new one with Get-AlloyScanSyncPlan.");
    }

    /// <summary>Saves a new job. An empty name becomes the default name, numbered when it is taken; a secret in memory becomes protected.</summary>
    /// <param name="job">The job.</param>
    /// <returns>The job as saved.</returns>
    /// <exception cref="AlloyScanException">The name is taken (<c>JobExists</c>) or a setting is wrong (<c>InvalidJob</c>, <c>InvalidSiteUrl</c>, <c>InsecureSiteUrl</c>, <c>ServiceActionNotFound</c>, <c>InvalidServiceAction</c>, <c>InvalidApiProfile</c>).</exception>
    public SyncJob Create(SyncJob job)
    {
        ArgumentNullException.ThrowIfNull(job);
        using var session = _store.NewSession();
        var checkedJob = Check(session, job);
        session.InTransactionDo(() => checkedJob = Insert(session, checkedJob, _store.TimeProvider));
        return checkedJob;
    }

    /// <summary>Writes a new job that was checked. Within a transaction.</summary>
    internal static SyncJob Insert(StoreSession session, SyncJob job, TimeProvider timeProvider)
    {
        if (job.Name.Length == 0)
            job = job with { Name = DefaultName(session) };
        CheckNameIsFree(session, job);
        job = job with { Schedule = job.Schedule?.Check(timeProvider) };
        job = WithRegistration(session, job, timeProvider, out var registration);
        var site = Sites.FindOrAdd(session, job.SiteUrl, job.ClientId, timeProvider);
        CheckSite(job, registration, site.Id);
        var statement = session.Prepare("""
            INSERT INTO jobs (name, enabled, site_id, site_url, client_id, secret_kind, secret_value, new_computer_action, existing_computer_action, new_hardware_action,
                existing_hardware_action, software_platforms, retired_original, throttle_limit, api_profile, missing_device, retire_after_runs, retire_after_days, deleted_record,
                stale_after_days, most_carriers, identification_sites, type_map, schedule, park_after, target_id, created_at, updated_at, schedule_settled, guard)
            VALUES (@p0, @p1, @p2, @p3, @p4, @p5, @p6, @p7, @p8, @p9, @p10, @p11, @p12, @p13, @p14, @p15, @p16, @p17, @p18, @p19, @p20, @p21, @p22, @p23, @p24, 1, @p25, @p25, @p25, @p26)
            """);
        Bind(statement, job, site.Id).Set(25, timeProvider.NowMilliseconds()).Set(26, GuardSettings.ToJson(job)).Execute();
        return Find(session, job.Name, timeProvider)!;
    }

    /// <summary>
    /// Saves a changed job, found by <see cref="SyncJob.Id"/>; its name may have changed. A site address that is not known yet could be
    /// the old site under a new name or another site, and a wrong guess would create every CI a second time: when the job's site
    /// has linked devices, the caller has to say which.
    /// </summary>
    /// <param name="job">The job.</param>
    /// <param name="siteChange">What a new address is; <see langword="null"/> when the address stays, or the old site has no links yet.</param>
    /// <returns>The job as saved.</returns>
    /// <exception cref="AlloyScanException">As <see cref="Create"/>, and <c>JobNotFound</c>, <c>SiteChangeUnclear</c>.</exception>
    public SyncJob Update(SyncJob job, SiteChange? siteChange = null)
    {
        ArgumentNullException.ThrowIfNull(job);
        using var session = _store.NewSession();
        var checkedJob = Check(session, job);
        if (checkedJob.Name.Length == 0)
            throw new AlloyScanException(ErrorKind.InvalidArgument, "InvalidJob", "A job needs a name.", job.Id, "Give it one.");

        session.InTransactionDo(() => checkedJob = Replace(session, checkedJob, siteChange, _store.TimeProvider));
        return checkedJob;
    }

    /// <summary>Writes a changed job that was checked. Within a transaction.</summary>
    internal static SyncJob Replace(StoreSession session, SyncJob job, SiteChange? siteChange, TimeProvider timeProvider)
    {
        CheckNameIsFree(session, job);
        job = job with { Schedule = job.Schedule?.Check(timeProvider) };
        job = WithRegistration(session, job, timeProvider, out var registration);
        var site = SiteAfterChange(session, job, siteChange, timeProvider);
        CheckSite(job, registration, site);
        var statement = session.Prepare("""
            UPDATE jobs SET name = @p0, enabled = @p1, site_id = @p2, site_url = @p3, client_id = @p4, secret_kind = @p5, secret_value = @p6, new_computer_action = @p7,
                existing_computer_action = @p8, new_hardware_action = @p9, existing_hardware_action = @p10, software_platforms = @p11, retired_original = @p12,
                throttle_limit = @p13, api_profile = @p14, missing_device = @p15, retire_after_runs = @p16, retire_after_days = @p17, deleted_record = @p18, stale_after_days = @p19,
                most_carriers = @p20, identification_sites = @p21, type_map = @p22, schedule = @p23, park_after = @p24, updated_at = @p25, guard = @p27,
                -- A new schedule, and one that is switched on again, has missed nothing before now.
                schedule_settled = CASE WHEN coalesce(schedule, '') <> coalesce(@p23, '') OR enabled <> @p1 THEN @p25 ELSE schedule_settled END
            WHERE id = @p26
            """);
        Bind(statement, job, site).Set(25, timeProvider.NowMilliseconds()).Set(26, job.Id).Set(27, GuardSettings.ToJson(job)).Execute();
        return Find(session, job.Name, timeProvider)!;
    }

    /// <summary>Notes whether the site of a job answers as the job's API profile says. On a profile that did not pass nothing is marked missing, retired or deleted.</summary>
    /// <param name="name">Name of the job.</param>
    /// <param name="passed">Whether it does.</param>
    /// <exception cref="AlloyScanException">There is none (<c>JobNotFound</c>).</exception>
    public void SetProfilePassed(string name, bool passed)
    {
        using var session = _store.NewSession();
        var job = Get(name);
        var site = session.Prepare("SELECT site_id FROM jobs WHERE id = @p0").Set(0, job.Id).Number() ?? 0;
        if (job.ApiProfile is null)
            return;

        var profile = ProfileHash(job.ApiProfile);
        if (passed)
        {
            session.Prepare("INSERT INTO passed_profiles (site_id, profile, passed_at) VALUES (@p0, @p1, @p2) ON CONFLICT (site_id, profile) DO UPDATE SET passed_at = excluded.passed_at")
                .Set(0, site).Set(1, profile).Set(2, _store.TimeProvider.NowMilliseconds()).Execute();
        }
        else
        {
            session.Prepare("DELETE FROM passed_profiles WHERE site_id = @p0 AND profile = @p1").Set(0, site).Set(1, profile).Execute();
        }
    }

    /// <summary>Whether a site has answered as a job's API profile says. The documented API counts as such.</summary>
    internal static bool HasProfilePassed(StoreSession session, long siteId, string? profile) =>
        profile is null || ProfileHash(profile) is var hash && (hash == ProfileHash("{}")
            || session.Prepare("SELECT 1 FROM passed_profiles WHERE site_id = @p0 AND profile = @p1").Set(0, siteId).Set(1, hash).Number() is not null);

    private static long ProfileHash(string json)
    {
        var hash = new StableHash();
        hash.Add(ApiProfile.Parse(json).ToJson());
        return hash.Value;
    }

    /// <summary>Writes a job, with what it uses of the store, as JSON that <see cref="Import"/> reads. It never holds a secret.</summary>
    /// <param name="name">Name of the job.</param>
    /// <exception cref="AlloyScanException">There is none (<c>JobNotFound</c>).</exception>
    public string Export(string name)
    {
        using var session = _store.NewSession();
        return JobTransfer.Export(session, Get(name)).ToJson();
    }

    /// <summary>Brings an exported job into this store, all or nothing.</summary>
    /// <param name="json">What <see cref="Export"/> wrote.</param>
    /// <param name="options">How; <see langword="null"/> for the defaults.</param>
    /// <returns>The job, and what was made and changed.</returns>
    /// <exception cref="AlloyScanException">
    /// The text is no exported job (<c>NotAJobFile</c>, <c>JobFileTooNew</c>, <c>UnknownJobFileMember</c>, <c>InvalidJobFile</c>), something would be overwritten
    /// (<c>JobExists</c>, <c>ImportWouldOverwrite</c>, <c>ServiceActionExists</c>, <c>FieldTypeDiffers</c>), the secret is missing (<c>SecretMissing</c>), or a setting is wrong.
    /// </exception>
    public JobImport Import(string json, JobImportOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(json);
        var file = JobFile.Parse(json);
        using var session = _store.NewSession();
        return JobTransfer.Import(session, _store, file, options ?? new JobImportOptions());
    }

    /// <summary>Takes exported jobs apart that stand one behind the other in a text.</summary>
    /// <param name="text">The text.</param>
    /// <exception cref="AlloyScanException">It is no JSON (<c>NotAJobFile</c>).</exception>
    public static IReadOnlyList<string> SplitExports(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return [.. JobFile.Split(text)];
    }

    /// <summary>The job of a name, without case, or <see langword="null"/>.</summary>
    internal static SyncJob? Find(StoreSession session, string name, TimeProvider timeProvider)
    {
        using var reader = session.Prepare($"SELECT {Columns} {From} WHERE lower(j.name) = lower(@p0)").Set(0, name).Read();
        return reader.Read() ? Load(reader, timeProvider) : null;
    }

    private static long SiteAfterChange(StoreSession session, SyncJob job, SiteChange? siteChange, TimeProvider timeProvider)
    {
        var before = session.Prepare("SELECT site_id FROM jobs WHERE id = @p0").Set(0, job.Id).Number() ?? throw NotFound(session, job.Name);
        if (Sites.Find(session, job.SiteUrl, job.ClientId) is { } known)
            return known.Id;

        if (siteChange == SiteChange.SameSite)
        {
            Sites.Attach(session, before, job.SiteUrl, job.ClientId);
            return before;
        }

        var links = session.Prepare("SELECT count(*) FROM links WHERE site_id = @p0 AND state IN (1, 2)").Set(0, before).Number() ?? 0;
        if (links > 0 && siteChange is null)
        {
            throw new AlloyScanException(
                ErrorKind.InvalidArgument, "SiteChangeUnclear",
                $"The job '{job.Name}' has {links} linked devices, and its new address or client ID is not known yet: it may be the same site or another one.", job.Name,
                "Say which with -SiteChange SameSite (the links go on) or -SiteChange OtherSite (every device counts as new).");
        }

        return Sites.FindOrAdd(session, job.SiteUrl, job.ClientId, timeProvider).Id;
    }

    /// <summary>Removes a job. Its CIs, links and runs stay.</summary>
    /// <param name="name">Its name.</param>
    /// <exception cref="AlloyScanException">There is none (<c>JobNotFound</c>), or it is running (<c>JobRunning</c>).</exception>
    public void Remove(string name)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        using var session = _store.NewSession();
        if (session.Prepare("SELECT 1 FROM jobs WHERE lower(name) = lower(@p0)").Set(0, name).Number() is null)
            throw NotFound(session, name);

        // Whoever can take the lease knows that nobody runs.
        var lease = Lease.Acquire(session, Sync.RunContext.BuiltInTarget, name);
        try
        {
            session.InTransactionDo(() =>
            {
                session.Execute("DELETE FROM plan_slices WHERE plan_id IN (SELECT p.id FROM plans p JOIN jobs j ON j.id = p.job_id WHERE lower(j.name) = lower(@p0))", name);
                session.Execute("DELETE FROM plan_rows WHERE plan_id IN (SELECT p.id FROM plans p JOIN jobs j ON j.id = p.job_id WHERE lower(j.name) = lower(@p0))", name);
                session.Execute("DELETE FROM plans WHERE job_id IN (SELECT id FROM jobs WHERE lower(name) = lower(@p0))", name);
                session.Execute("DELETE FROM notification_states WHERE job_id IN (SELECT id FROM jobs WHERE lower(name) = lower(@p0))", name);
                session.Execute("DELETE FROM schedule_claims WHERE job_id IN (SELECT id FROM jobs WHERE lower(name) = lower(@p0))", name);
                // A new job may get the number again, and these runs are none of its own.
                session.Execute("UPDATE runs SET job_id = NULL WHERE job_id IN (SELECT id FROM jobs WHERE lower(name) = lower(@p0))", name);
                session.Execute("DELETE FROM jobs WHERE lower(name) = lower(@p0)", name);
            });
        }
        finally
        {
            lease.Release();
        }
    }

    /// <summary>Checks the settings of a job and brings them into one form.</summary>
    internal static SyncJob Check(StoreSession session, SyncJob job)
    {
        if (job.Name.Trim().Length > 200)
            throw new AlloyScanException(ErrorKind.InvalidArgument, "InvalidJob", "The name of the job has more than 200 characters.", job.Name[..40] + "...", "Give it a shorter one.");
        if (string.IsNullOrWhiteSpace(job.ClientId))
            throw new AlloyScanException(ErrorKind.InvalidArgument, "InvalidJob", $"The job '{job.Name}' has no client ID.", job.Name, "Give the client ID of the site's app registration.");
        if (job.ThrottleLimit is < 1 or > 64)
            throw new AlloyScanException(ErrorKind.InvalidArgument, "InvalidJob", $"The throttle limit {job.ThrottleLimit} of the job '{job.Name}' is not between 1 and 64.", job.Name);
        if (!string.Equals(job.Target, "Built-in", StringComparison.OrdinalIgnoreCase))
            throw new AlloyScanException(ErrorKind.NotFound, "TargetNotFound", $"There is no CMDB target '{job.Target}'.", job.Target, "The target of this version is 'Built-in'.");
        if (job.ApiProfile is not null)
            ApiProfile.Parse(job.ApiProfile);
        CheckRange(job, job.RetireAfterRuns, 1, 1000, "number of runs before a missing device's CI is retired");
        CheckRange(job, job.RetireAfterDays, 0, 3650, "number of days before a missing device's CI is retired");
        CheckRange(job, job.StaleAfterDays, 1, 3650, "number of days after which a device is stale");
        CheckRange(job, job.MostCarriers, 1, 1000, "number of devices that may share an identifier");
        CheckRange(job, job.ParkAfter, 0, 1000, "number of runs after which a failing device is parked");
        foreach (var site in job.IdentificationSites)
        {
            if (session.Prepare("SELECT 1 FROM sites WHERE lower(name) = lower(@p0)").Set(0, site).Number() is null)
                throw new AlloyScanException(ErrorKind.NotFound, "SiteNotFound", $"The job '{job.Name}' names the site '{site}' for identification, which the store does not have.", site, "Connect a job to that site first, or take the name out.");
        }

        var schema = CmdbSchema.Load(session);
        ServiceActions.Resolve(session, job.NewComputerAction, RecordClass.Computer, ServiceActionKind.Create, schema);
        ServiceActions.Resolve(session, job.ExistingComputerAction, RecordClass.Computer, ServiceActionKind.Update, schema);
        ServiceActions.Resolve(session, job.NewHardwareAction, RecordClass.Hardware, ServiceActionKind.Create, schema);
        ServiceActions.Resolve(session, job.ExistingHardwareAction, RecordClass.Hardware, ServiceActionKind.Update, schema);
        return job with { GuardLimits = GuardSettings.CheckedLimits(job), GuardedFields = GuardSettings.CheckedFields(job, schema), Name = job.Name.Trim(), SiteUrl = Sites.Normalise(job.SiteUrl), ClientId = job.ClientId.Trim() };
    }

    private static void CheckRange(SyncJob job, int value, int least, int most, string what)
    {
        if (value < least || value > most)
            throw new AlloyScanException(ErrorKind.InvalidArgument, "InvalidJob", $"The {what} of the job '{job.Name}' is {value}, which is not between {least} and {most}.", job.Name);
    }

    private static Statement Bind(Statement statement, SyncJob job, long siteId)
    {
        var secret = job.AppRegistration is not null ? SecretReference.FromStored(SecretKind.AppRegistration, string.Empty)
            : job.ClientSecret.Kind == SecretKind.Memory ? SecretReference.Protect(job.ClientSecret.Resolve()) : job.ClientSecret;
        return statement.Set(0, job.Name).Set(1, job.Enabled ? 1 : 0).Set(2, siteId).Set(3, job.SiteUrl.AbsoluteUri.TrimEnd('/')).Set(4, job.ClientId)
            .Set(5, secret.Kind.ToString()).Set(6, secret.Value).Set(7, job.NewComputerAction).Set(8, job.ExistingComputerAction)
            .Set(9, job.NewHardwareAction).Set(10, job.ExistingHardwareAction).Set(11, (long)job.ImportSoftware).Set(12, job.RetiredOriginal.ToString())
            .Set(13, job.ThrottleLimit).Set(14, job.ApiProfile).Set(15, job.MissingDevice.ToString()).Set(16, job.RetireAfterRuns).Set(17, job.RetireAfterDays)
            .Set(18, job.DeletedRecord.ToString()).Set(19, job.StaleAfterDays).Set(20, job.MostCarriers)
            .Set(21, job.IdentificationSites.Count == 0 ? null : JsonConvert.SerializeObject(job.IdentificationSites))
            .Set(22, job.TypeMap.Count == 0 ? null : JsonConvert.SerializeObject(job.TypeMap.ToDictionary(p => p.Key, p => p.Value.ToString())))
            .Set(23, job.Schedule?.ToJson() ?? job.UnusableSchedule).Set(24, job.ParkAfter);
    }

    /// <summary>The job with client ID and secret of the registration that it names.</summary>
    private static SyncJob WithRegistration(StoreSession session, SyncJob job, TimeProvider timeProvider, out AppRegistration? registration)
    {
        registration = null;
        if (job.AppRegistration is not { } name)
            return job;

        registration = AppRegistrations.Find(session, name, timeProvider) ?? throw AppRegistrations.NotFound(session, name);
        return job with { AppRegistration = registration.Name, ClientId = registration.ClientId, ClientSecret = registration.ClientSecret };
    }

    private static void CheckSite(SyncJob job, AppRegistration? registration, long site)
    {
        if (registration is not null && registration.SiteId != site)
        {
            throw new AlloyScanException(
                ErrorKind.InvalidArgument, "AppRegistrationOfOtherSite", $"The app registration '{registration.Name}' is of the site {registration.Site}, and the job '{job.Name}' reads {job.SiteUrl}.", registration.Name,
                "Give the job a registration of its own site; Get-AlloyScanAppRegistration lists them.");
        }
    }

    /// <summary>Where the secret is: with the job, or with the registration that it uses.</summary>
    private static SecretReference SecretOf(DbDataReader reader)
    {
        var kind = Enum.Parse<SecretKind>(reader.GetString(6));
        return kind == SecretKind.AppRegistration && reader.Text(32) is { } given
            ? SecretReference.FromStored(Enum.Parse<SecretKind>(given), reader.GetString(33))
            : SecretReference.FromStored(kind, reader.GetString(7));
    }

    private static SyncJob Load(DbDataReader reader, TimeProvider timeProvider) => WithStoredSchedule(reader.Text(29), timeProvider, new SyncJob
    {
        Id = reader.GetInt64(0),
        Name = reader.GetString(1),
        Enabled = reader.GetInt32(2) != 0,
        SiteUrl = new Uri(reader.GetString(3)),
        Site = reader.GetString(4),
        ClientId = reader.GetString(5),
        ClientSecret = SecretOf(reader),
        AppRegistration = reader.GetString(6) == nameof(SecretKind.AppRegistration) ? reader.Text(31) : null,
        NewComputerAction = reader.GetInt32(8),
        ExistingComputerAction = reader.GetInt32(9),
        NewHardwareAction = reader.GetInt32(10),
        ExistingHardwareAction = reader.GetInt32(11),
        ImportSoftware = (SoftwarePlatforms)reader.GetInt32(12),
        RetiredOriginal = Enum.Parse<RetiredOriginal>(reader.GetString(13)),
        ThrottleLimit = reader.GetInt32(14),
        ApiProfile = reader.Text(15),
        Target = reader.GetString(16),
        CreatedAt = Clock.Time(reader.GetInt64(17))!.Value,
        UpdatedAt = Clock.Time(reader.GetInt64(18))!.Value,
        MissingDevice = Enum.Parse<MissingDevice>(reader.GetString(19)),
        RetireAfterRuns = reader.GetInt32(20),
        RetireAfterDays = reader.GetInt32(21),
        DeletedRecord = Enum.Parse<DeletedRecord>(reader.GetString(22)),
        StaleAfterDays = reader.GetInt32(23),
        MostCarriers = reader.GetInt32(24),
        IdentificationSites = reader.Text(25) is { } sites ? JsonConvert.DeserializeObject<string[]>(sites)! : [],
        TypeMap = ReadTypeMap(reader.Text(26)),
        ParkAfter = reader.GetInt32(30),
        LastRunStatus = reader.Text(27),
        LastRunAt = Clock.Time(reader.Number(28)),
        GuardLimits = GuardSettings.LimitsOf(reader.Text(34)),
        GuardedFields = GuardSettings.FieldsOf(reader.Text(34)),
    });

    /// <summary>A schedule that this machine cannot use, such as one in a zone that it does not know, leaves the rest of the job as it is.</summary>
    private static SyncJob WithStoredSchedule(string? json, TimeProvider timeProvider, SyncJob job)
    {
        if (json is null)
            return job;

        try
        {
            var schedule = Schedule.Parse(json, timeProvider);
            return job with { Schedule = schedule, NextRunAt = job.Enabled ? schedule.NextAfter(timeProvider.GetUtcNow()) : null };
        }
        catch (AlloyScanException e)
        {
            return job with { ScheduleProblem = e.MessageWithAdvice, UnusableSchedule = json };
        }
    }

    private static Dictionary<string, RecordClass> ReadTypeMap(string? json) => json is null
        ? []
        : new(JsonConvert.DeserializeObject<Dictionary<string, RecordClass>>(json)!, StringComparer.OrdinalIgnoreCase);

    private static string DefaultName(StoreSession session)
    {
        var name = SyncJob.DefaultName;
        for (var i = 1; IsTaken(session, name, 0); i++)
            name = string.Create(CultureInfo.InvariantCulture, $"{SyncJob.DefaultName} ({i})");
        return name;
    }

    private static void CheckNameIsFree(StoreSession session, SyncJob job)
    {
        if (IsTaken(session, job.Name, job.Id))
            throw new AlloyScanException(ErrorKind.AlreadyExists, "JobExists", $"There is a job named '{job.Name}' already.", job.Name, "Choose another name, or change that job.");
    }

    private static bool IsTaken(StoreSession session, string name, long exceptId) =>
        session.Prepare("SELECT 1 FROM jobs WHERE lower(name) = lower(@p0) AND id <> @p1").Set(0, name).Set(1, exceptId).Number() is not null;

    private static AlloyScanException NotFound(StoreSession session, string name)
    {
        var names = new List<string>();
        using (var reader = session.Prepare("SELECT name FROM jobs ORDER BY name LIMIT 10").Read())
        {
            while (reader.Read())
                names.Add($"'{reader.GetString(0)}'");
        }

        return new AlloyScanException(
            ErrorKind.NotFound, "JobNotFound", $"There is no job named '{name}'.", name,
            names.Count == 0 ? "The store has no jobs yet." : $"The store has {string.Join(", ", names)}.");
    }
}
