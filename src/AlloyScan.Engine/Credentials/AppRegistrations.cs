using System.Data.Common;
using System.Globalization;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Site;
using AlloyScan.Engine.Store;

namespace AlloyScan.Engine.Credentials;

/// <summary>The app registrations of a store.</summary>
public sealed class AppRegistrations
{
    private const string Columns = """
        g.id, g.name, g.site_id, s.name, g.site_url, g.client_id, g.secret_kind, g.secret_value, g.expiration_date, g.monthly_budget, g.recharge_day, g.created_at, g.updated_at
        FROM app_registrations g JOIN sites s ON s.id = g.site_id
        """;

    private readonly AlloyStore _store;

    internal AppRegistrations(AlloyStore store) => _store = store;

    /// <summary>Registrations by name, in order of name.</summary>
    /// <param name="namePattern">A name, or a pattern with <c>*</c> and <c>?</c>; <see langword="null"/> for all.</param>
    public IReadOnlyList<AppRegistration> List(string? namePattern = null)
    {
        using var session = _store.NewSession();
        var result = new List<AppRegistration>();
        using (var reader = session.Prepare($"SELECT {Columns} WHERE @p0 IS NULL OR lower(g.name) GLOB @p0 ORDER BY g.name").Set(0, SqlPattern.Glob(namePattern)).Read())
        {
            while (reader.Read())
                result.Add(Load(reader, _store.TimeProvider));
        }

        return [.. result.Select(r => WithJobs(session, r))];
    }

    /// <summary>One registration.</summary>
    /// <param name="name">Its name, without case.</param>
    /// <exception cref="AlloyScanException">There is none (<c>AppRegistrationNotFound</c>).</exception>
    public AppRegistration Get(string name)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        using var session = _store.NewSession();
        return Find(session, name, _store.TimeProvider) ?? throw NotFound(session, name);
    }

    /// <summary>The registration of a client ID at a site, if the store has a record of it.</summary>
    /// <param name="siteUrl">The site's address.</param>
    /// <param name="clientId">The client ID.</param>
    public AppRegistration? Find(Uri siteUrl, string clientId)
    {
        ArgumentNullException.ThrowIfNull(siteUrl);
        ArgumentException.ThrowIfNullOrWhiteSpace(clientId);
        using var session = _store.NewSession();
        return Sites.Find(session, Sites.Normalise(siteUrl), clientId.Trim()) is { } site ? Find(session, site.Id, clientId.Trim(), _store.TimeProvider) : null;
    }

    /// <summary>Saves a new registration; a secret in memory becomes protected.</summary>
    /// <param name="registration">The registration.</param>
    /// <returns>The registration as saved.</returns>
    /// <exception cref="AlloyScanException">The name is taken, or site and client ID have a record (<c>AppRegistrationExists</c>), or a setting is wrong (<c>InvalidAppRegistration</c>, <c>InvalidSiteUrl</c>, <c>InsecureSiteUrl</c>).</exception>
    public AppRegistration Add(AppRegistration registration)
    {
        ArgumentNullException.ThrowIfNull(registration);
        var wanted = Check(registration);
        using var session = _store.NewSession();
        session.InTransactionDo(() =>
        {
            CheckNameIsFree(session, wanted.Name, 0);
            var site = Sites.FindOrAdd(session, wanted.SiteUrl, wanted.ClientId, _store.TimeProvider);
            CheckClientIsFree(session, site.Id, wanted.ClientId, 0);
            var now = _store.TimeProvider.NowMilliseconds();
            Bind(session.Prepare("""
                INSERT INTO app_registrations (name, site_url, client_id, secret_kind, secret_value, expiration_date, monthly_budget, recharge_day, site_id, created_at, updated_at)
                VALUES (@p0, @p1, @p2, @p3, @p4, @p5, @p6, @p7, @p8, @p9, @p9)
                """), wanted).Set(8, site.Id).Set(9, now).Execute();
        });
        return Get(wanted.Name);
    }

    /// <summary>
    /// Saves a changed registration, found by <see cref="AppRegistration.Id"/>. A new client ID replaces the former one: all jobs that used that one at
    /// the site use this registration, its ID and secret, from then on. The site stays what it was.
    /// </summary>
    /// <param name="registration">The registration.</param>
    /// <returns>The registration as saved.</returns>
    /// <exception cref="AlloyScanException">As <see cref="Add"/>, and <c>AppRegistrationNotFound</c>.</exception>
    public AppRegistration Update(AppRegistration registration)
    {
        ArgumentNullException.ThrowIfNull(registration);
        var wanted = Check(registration);
        using var session = _store.NewSession();
        session.InTransactionDo(() =>
        {
            string clientId;
            long site;
            using (var reader = session.Prepare("SELECT client_id, site_id FROM app_registrations WHERE id = @p0").Set(0, wanted.Id).Read())
            {
                if (!reader.Read())
                    throw NotFound(session, wanted.Name);

                (clientId, site) = (reader.GetString(0), reader.GetInt64(1));
            }

            CheckNameIsFree(session, wanted.Name, wanted.Id);
            var now = _store.TimeProvider.NowMilliseconds();
            if (clientId != wanted.ClientId)
            {
                CheckClientIsFree(session, site, wanted.ClientId, wanted.Id);
                // An address without slug is known by its client ID.
                if (Sites.Find(session, wanted.SiteUrl, wanted.ClientId) is not { } known)
                    Sites.Attach(session, site, wanted.SiteUrl, wanted.ClientId);
                else if (known.Id != site)
                    throw new AlloyScanException(ErrorKind.InvalidArgument, "InvalidAppRegistration", $"The client ID '{wanted.ClientId}' is of another site than the app registration '{wanted.Name}'.", wanted.Name, "Add it as an app registration of its own.");
                session.Prepare("UPDATE jobs SET client_id = @p2, secret_kind = @p3, secret_value = '', updated_at = @p4 WHERE site_id = @p0 AND client_id = @p1")
                    .Set(0, site).Set(1, clientId).Set(2, wanted.ClientId).Set(3, nameof(SecretKind.AppRegistration)).Set(4, now).Execute();
            }

            Bind(session.Prepare("""
                UPDATE app_registrations SET name = @p0, site_url = @p1, client_id = @p2, secret_kind = @p3, secret_value = @p4, expiration_date = @p5, monthly_budget = @p6, recharge_day = @p7, updated_at = @p8
                WHERE id = @p9
                """), wanted).Set(8, now).Set(9, wanted.Id).Execute();
        });
        return Get(wanted.Name);
    }

    /// <summary>Removes a registration. What it spent stays counted.</summary>
    /// <param name="name">Its name.</param>
    /// <exception cref="AlloyScanException">There is none (<c>AppRegistrationNotFound</c>), or jobs have their secret from it (<c>AppRegistrationInUse</c>).</exception>
    public void Remove(string name)
    {
        var registration = Get(name);
        using var session = _store.NewSession();
        session.InTransactionDo(() =>
        {
            var users = JobsOf(session, registration.SiteId, registration.ClientId, nameof(SecretKind.AppRegistration));
            if (users.Count > 0)
            {
                throw new AlloyScanException(
                    ErrorKind.ResourceBusy, "AppRegistrationInUse", $"The app registration '{registration.Name}' is used by {Names(users)}.", registration.Name,
                    "Give the jobs another one with Set-AlloyScanSyncJob first, or remove them.");
            }

            session.Prepare("DELETE FROM app_registrations WHERE id = @p0").Set(0, registration.Id).Execute();
        });
    }

    /// <summary>
    /// A budget for requests outside of runs: what a registration spends at a site that the store knows is counted in the store. Dispose it when all
    /// is done; <see cref="CallBudget.Settle"/> writes in between.
    /// </summary>
    /// <param name="siteUrl">The site's address.</param>
    /// <param name="clientId">The client ID.</param>
    /// <param name="refuses">Whether a month that is spent stops requests; else they are only counted.</param>
    public CallBudget Budget(Uri siteUrl, string clientId, bool refuses = true)
    {
        ArgumentNullException.ThrowIfNull(siteUrl);
        ArgumentException.ThrowIfNullOrWhiteSpace(clientId);
        using var session = _store.NewSession();
        return new CallBudget(limit: null)
        {
            Meter = Sites.Find(session, Sites.Normalise(siteUrl), clientId.Trim()) is { } site ? new RegistrationMeter(_store, site.Id, clientId.Trim(), hasBatches: false, refuses) : null,
        };
    }

    /// <summary>What registrations spend, in order of site and client ID: those with a record, and others that a job uses or that spent something.</summary>
    /// <param name="registration">Name of a registration, or a pattern with <c>*</c> and <c>?</c>; <see langword="null"/> for all.</param>
    /// <param name="job">Name of a job whose registration is meant; <see langword="null"/> for all.</param>
    /// <param name="days">How many days back are listed one by one.</param>
    /// <exception cref="AlloyScanException">There is no such job (<c>JobNotFound</c>).</exception>
    public IReadOnlyList<ApiUsage> Usage(string? registration = null, string? job = null, int days = 31)
    {
        var (site, clientId) = job is null ? (null, null) : OfJob(job);
        using var session = _store.NewSession();
        var found = new List<(long Site, string SiteName, string ClientId)>();
        using (var reader = session.Prepare("""
            SELECT k.site_id, s.name, k.client_id FROM (
                SELECT site_id, client_id FROM app_registrations UNION SELECT site_id, client_id FROM jobs UNION SELECT site_id, client_id FROM api_usage) k
            JOIN sites s ON s.id = k.site_id LEFT JOIN app_registrations g ON g.site_id = k.site_id AND g.client_id = k.client_id
            WHERE (@p0 IS NULL OR lower(g.name) GLOB @p0) AND (@p1 IS NULL OR (k.site_id = @p1 AND k.client_id = @p2)) ORDER BY s.name, k.client_id
            """).Set(0, SqlPattern.Glob(registration)).Set(1, site).Set(2, clientId).Read())
        {
            while (reader.Read())
                found.Add((reader.GetInt64(0), reader.GetString(1), reader.GetString(2)));
        }

        return [.. found.Select(f => UsageOf(session, f.Site, f.SiteName, f.ClientId, days))];
    }

    private (long? Site, string? ClientId) OfJob(string name)
    {
        var job = _store.Jobs.Get(name);
        using var session = _store.NewSession();
        return (session.Prepare("SELECT site_id FROM jobs WHERE id = @p0").Set(0, job.Id).Number(), job.ClientId);
    }

    private ApiUsage UsageOf(StoreSession session, long site, string siteName, string clientId, int days)
    {
        var registration = Find(session, site, clientId, _store.TimeProvider);
        var today = DateOnly.FromDateTime(_store.TimeProvider.GetUtcNow().UtcDateTime);
        var month = BudgetMonth.Of(today, registration?.RechargeDay ?? 1);
        var from = Math.Min(BudgetMonth.NumberOf(month.Start), BudgetMonth.NumberOf(today) - days + 1);
        var (calls, bytes) = (0L, 0L);
        var list = new List<ApiUsageDay>();
        using (var reader = session.Prepare("SELECT day, calls, bytes_received FROM api_usage WHERE site_id = @p0 AND client_id = @p1 AND day >= @p2 ORDER BY day")
            .Set(0, site).Set(1, clientId).Set(2, from).Read())
        {
            while (reader.Read())
            {
                var day = new ApiUsageDay(BudgetMonth.DayOf(reader.GetInt64(0)).ToDateTime(TimeOnly.MinValue), reader.GetInt64(1), reader.GetInt64(2));
                if (reader.GetInt64(0) >= BudgetMonth.NumberOf(month.Start))
                    (calls, bytes) = (calls + day.Calls, bytes + day.BytesReceived);
                if (reader.GetInt64(0) > BudgetMonth.NumberOf(today) - days)
                    list.Add(day);
            }
        }

        return new ApiUsage
        {
            AppRegistration = registration?.Name,
            Site = siteName,
            ClientId = clientId,
            Jobs = registration?.Jobs ?? JobsOf(session, site, clientId),
            Since = month.Start.ToDateTime(TimeOnly.MinValue),
            Calls = calls,
            BytesReceived = bytes,
            MonthlyBudget = registration?.MonthlyBudget,
            RechargesAt = month.RechargesAt,
            Days = list,
        };
    }

    internal static AppRegistration? Find(StoreSession session, long siteId, string clientId, TimeProvider timeProvider)
    {
        AppRegistration? found;
        using (var reader = session.Prepare($"SELECT {Columns} WHERE g.site_id = @p0 AND g.client_id = @p1").Set(0, siteId).Set(1, clientId).Read())
            found = reader.Read() ? Load(reader, timeProvider) : null;
        return found is null ? null : WithJobs(session, found);
    }

    internal static AppRegistration? Find(StoreSession session, string name, TimeProvider timeProvider)
    {
        AppRegistration? found;
        using (var reader = session.Prepare($"SELECT {Columns} WHERE lower(g.name) = lower(@p0)").Set(0, name.Trim()).Read())
            found = reader.Read() ? Load(reader, timeProvider) : null;
        return found is null ? null : WithJobs(session, found);
    }

    internal static AlloyScanException NotFound(StoreSession session, string name)
    {
        var names = new List<string>();
        using (var reader = session.Prepare("SELECT name FROM app_registrations ORDER BY name LIMIT 10").Read())
        {
            while (reader.Read())
                names.Add($"'{reader.GetString(0)}'");
        }

        return new AlloyScanException(
            ErrorKind.NotFound, "AppRegistrationNotFound", $"There is no app registration named '{name}'.", name,
            names.Count == 0 ? "The store has none yet; Add-AlloyScanAppRegistration adds one." : $"The store has {string.Join(", ", names)}.");
    }

    private static AppRegistration WithJobs(StoreSession session, AppRegistration registration) => registration with { Jobs = JobsOf(session, registration.SiteId, registration.ClientId) };

    private static List<string> JobsOf(StoreSession session, long siteId, string clientId, string? secretKind = null)
    {
        var names = new List<string>();
        using var reader = session.Prepare("SELECT name FROM jobs WHERE site_id = @p0 AND client_id = @p1 AND (@p2 IS NULL OR secret_kind = @p2) ORDER BY name").Set(0, siteId).Set(1, clientId).Set(2, secretKind).Read();
        while (reader.Read())
            names.Add(reader.GetString(0));
        return names;
    }

    private static string Names(List<string> jobs) => $"the {(jobs.Count == 1 ? "job" : "jobs")} {string.Join(", ", jobs.Take(5).Select(j => $"'{j}'"))}{(jobs.Count > 5 ? ", ..." : string.Empty)}";

    private static AppRegistration Check(AppRegistration registration)
    {
        var name = registration.Name.Trim();
        if (name.Length is 0 or > 200)
            throw Invalid(registration, "has no name, or one of more than 200 characters", "Give it a short one.");
        if (string.IsNullOrWhiteSpace(registration.ClientId))
            throw Invalid(registration, "has no client ID", "Give the one that AlloyScan shows for it.");
        if (registration.MonthlyBudget is < 1)
            throw Invalid(registration, $"has a monthly budget of {registration.MonthlyBudget}, which allows nothing", "Give 1 or more, or none for no limit.");
        if (registration.RechargeDay is < 1 or > 31)
            throw Invalid(registration, $"has the recharge day {registration.RechargeDay}", "Give a day of the month, from 1 to 31.");
        if (registration.ClientSecret.Kind == SecretKind.AppRegistration)
            throw Invalid(registration, "names an app registration in place of its secret", "Say where the secret is.");
        return registration with { Name = name, SiteUrl = Sites.Normalise(registration.SiteUrl), ClientId = registration.ClientId.Trim() };
    }

    private static AlloyScanException Invalid(AppRegistration registration, string problem, string advice) =>
        new(ErrorKind.InvalidArgument, "InvalidAppRegistration", $"The app registration '{registration.Name}' {problem}.", registration.Name, advice);

    private static void CheckNameIsFree(StoreSession session, string name, long exceptId)
    {
        if (session.Prepare("SELECT 1 FROM app_registrations WHERE lower(name) = lower(@p0) AND id <> @p1").Set(0, name).Set(1, exceptId).Number() is not null)
            throw new AlloyScanException(ErrorKind.AlreadyExists, "AppRegistrationExists", $"There is an app registration named '{name}' already.", name, "Choose another name, or change that one with Set-AlloyScanAppRegistration.");
    }

    private static void CheckClientIsFree(StoreSession session, long siteId, string clientId, long exceptId)
    {
        string? other;
        using (var reader = session.Prepare("SELECT name FROM app_registrations WHERE site_id = @p0 AND client_id = @p1 AND id <> @p2").Set(0, siteId).Set(1, clientId).Set(2, exceptId).Read())
            other = reader.Read() ? reader.GetString(0) : null;
        if (other is not null)
            throw new AlloyScanException(ErrorKind.AlreadyExists, "AppRegistrationExists", $"The client ID '{clientId}' has a record for this site already, named '{other}'.", clientId, "Change that one with Set-AlloyScanAppRegistration.");
    }

    private static Statement Bind(Statement statement, AppRegistration registration)
    {
        var secret = registration.ClientSecret.Kind == SecretKind.Memory ? SecretReference.Protect(registration.ClientSecret.Resolve()) : registration.ClientSecret;
        return statement.Set(0, registration.Name).Set(1, registration.SiteUrl.AbsoluteUri.TrimEnd('/')).Set(2, registration.ClientId).Set(3, secret.Kind.ToString()).Set(4, secret.Value)
            .Set(5, registration.ExpirationDate?.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)).Set(6, registration.MonthlyBudget).Set(7, (long)registration.RechargeDay);
    }

    private static AppRegistration Load(DbDataReader reader, TimeProvider timeProvider) => new AppRegistration
    {
        Id = reader.GetInt64(0),
        Name = reader.GetString(1),
        SiteId = reader.GetInt64(2),
        Site = reader.GetString(3),
        SiteUrl = new Uri(reader.GetString(4)),
        ClientId = reader.GetString(5),
        ClientSecret = SecretReference.FromStored(Enum.Parse<SecretKind>(reader.GetString(6)), reader.GetString(7)),
        ExpirationDate = reader.Text(8) is { } date ? DateTime.ParseExact(date, "yyyy-MM-dd", CultureInfo.InvariantCulture) : null,
        MonthlyBudget = reader.Number(9),
        RechargeDay = reader.GetInt32(10),
        CreatedAt = Clock.Time(reader.GetInt64(11))!.Value,
        UpdatedAt = Clock.Time(reader.GetInt64(12))!.Value,
    }.At(timeProvider.GetUtcNow().UtcDateTime);
}
