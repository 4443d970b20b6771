using AlloyScan.Engine.Credentials;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Jobs.Schedules;
using AlloyScan.Engine.Site;
using AlloyScan.Engine.Sync;
using AlloyScan.Engine.Tests.Sync;
using static AlloyScan.Engine.Tests.Sync.SyncFixture;

namespace AlloyScan.Engine.Tests;

/// <summary>App registrations as records, and their monthly budgets.</summary>
public sealed class AppRegistrationTests
{
    private static AppRegistration New(string name = "HQ", string clientId = "client") => new()
    {
        Name = name, SiteUrl = new Uri("https://site.example/hq"), ClientId = clientId, ClientSecret = SecretReference.FromEnvironment("ALLOYSCAN_TEST_UNSET"),
    };

    [Theory]
    [InlineData("2026-01-31", 31, "2026-01-31", "2026-02-28")]
    [InlineData("2026-02-27", 31, "2026-01-31", "2026-02-28")]
    [InlineData("2026-02-28", 31, "2026-02-28", "2026-03-31")]
    [InlineData("2028-02-29", 30, "2028-02-29", "2028-03-30")]
    [InlineData("2026-03-01", 1, "2026-03-01", "2026-04-01")]
    [InlineData("2026-01-14", 15, "2025-12-15", "2026-01-15")]
    [InlineData("2026-12-15", 15, "2026-12-15", "2027-01-15")]
    public void A_month_goes_from_one_recharge_day_to_the_next(string day, int rechargeDay, string start, string next)
    {
        var month = BudgetMonth.Of(DateOnly.Parse(day, System.Globalization.CultureInfo.InvariantCulture), rechargeDay);

        Assert.Equal((DateOnly.Parse(start, System.Globalization.CultureInfo.InvariantCulture), DateOnly.Parse(next, System.Globalization.CultureInfo.InvariantCulture)), (month.Start, month.Next));
    }

    [Fact]
    public void Months_follow_each_other_without_gap_whatever_the_recharge_day()
    {
        for (var rechargeDay = 1; rechargeDay <= 31; rechargeDay++)
        {
            var month = BudgetMonth.Of(new DateOnly(2023, 12, 31), rechargeDay);
            for (var day = new DateOnly(2023, 12, 31); day < new DateOnly(2028, 4, 1); day = day.AddDays(1))
            {
                var now = BudgetMonth.Of(day, rechargeDay);
                Assert.True(now.Start <= day && day < now.Next, $"{day} {rechargeDay}");
                Assert.True(now == month || now.Start == month.Next, $"{day} {rechargeDay}");
                month = now;
            }
        }
    }

    [Theory]
    [InlineData(null, RegistrationState.Unknown)]
    [InlineData(31, RegistrationState.Active)]
    [InlineData(30, RegistrationState.ExpiringIn30Days)]
    [InlineData(8, RegistrationState.ExpiringIn30Days)]
    [InlineData(7, RegistrationState.ExpiringIn7Days)]
    [InlineData(0, RegistrationState.ExpiringIn7Days)]
    [InlineData(-1, RegistrationState.Expired)]
    public async Task Its_state_follows_its_date_and_every_run_warns(int? days, RegistrationState state)
    {
        using var fixture = new SyncFixture();
        fixture.Source.Add(Device("d1", "PC-1"), Snapshot("s1"));
        fixture.Store.AppRegistrations.Add(New() with { ExpirationDate = days is { } d ? DateTime.UtcNow.Date.AddDays(d) : null });

        var registration = fixture.Store.AppRegistrations.Get("hq");
        await fixture.RunWellAsync();

        Assert.Equal((state, days), (registration.State, registration.DaysLeft));
        Assert.Equal(["HQ"], registration.Jobs);
        Assert.Equal(state is not (RegistrationState.Unknown or RegistrationState.Active), fixture.Heard.Warnings.Exists(w => w.Contains("The app registration 'HQ' expire", StringComparison.Ordinal)));
        var check = await CheckAsync(fixture);
        Assert.Equal(
            state switch { RegistrationState.Unknown => Verdict.NotChecked, RegistrationState.Active => Verdict.Passed, RegistrationState.Expired => Verdict.Failed, _ => Verdict.Warning }, check.Verdict);
    }

    [Fact]
    public void A_replacement_moves_the_jobs_and_a_renewal_keeps_the_secret()
    {
        using var fixture = new SyncFixture();
        var store = fixture.Store;
        var added = store.AppRegistrations.Add(New() with { ExpirationDate = new DateTime(2026, 6, 30) });
        store.Jobs.Update(store.Jobs.Get("HQ") with { AppRegistration = "hq" });
        store.Jobs.Create(store.Jobs.Get("HQ") with { Id = 0, Name = "Own secret", AppRegistration = null });

        var renewed = store.AppRegistrations.Update(added with { ExpirationDate = new DateTime(2027, 6, 30) });
        Assert.Equal((added.ClientSecret, added.ClientId), (renewed.ClientSecret, renewed.ClientId));

        var replaced = store.AppRegistrations.Update(renewed with { ClientId = "client-2", ClientSecret = SecretReference.FromEnvironment("ALLOYSCAN_TEST_OTHER") });

        Assert.Equal(["HQ", "Own secret"], replaced.Jobs);
        Assert.All(store.Jobs.List(), job => Assert.Equal(("client-2", "HQ", "ALLOYSCAN_TEST_OTHER"), (job.ClientId, job.AppRegistration, job.ClientSecret.Value)));
        Assert.Equal("1", fixture.Scalar("SELECT count(*) FROM sites"));
        Assert.Equal("AppRegistrationInUse", Assert.Throws<AlloyScanException>(() => store.AppRegistrations.Remove("HQ")).ErrorId);
        store.Jobs.Remove("HQ");
        store.Jobs.Remove("Own secret");
        store.AppRegistrations.Remove("HQ");
        Assert.Empty(store.AppRegistrations.List());
    }

    [Fact]
    public void An_address_without_slug_stays_the_same_site_when_its_registration_is_replaced()
    {
        using var fixture = new SyncFixture();
        var store = fixture.Store;
        var bare = store.AppRegistrations.Add(New("Bare") with { SiteUrl = new Uri("https://bare.example") });
        store.Jobs.Create(new SyncJob { Name = "Bare", SiteUrl = bare.SiteUrl, ClientId = bare.ClientId, ClientSecret = bare.ClientSecret, AppRegistration = "Bare" });
        store.AppRegistrations.Update(bare with { ClientId = "client-2" });

        var job = store.Jobs.Get("Bare");
        Assert.Equal((bare.Site, "client-2"), (job.Site, job.ClientId));
        // Saved again it is still the same site.
        Assert.Equal(bare.Site, store.Jobs.Update(job).Site);
    }

    [Theory]
    [InlineData("name", "AppRegistrationExists")]
    [InlineData("client", "AppRegistrationExists")]
    [InlineData("budget", "InvalidAppRegistration")]
    [InlineData("day", "InvalidAppRegistration")]
    [InlineData("blank", "InvalidAppRegistration")]
    [InlineData("http", "InsecureSiteUrl")]
    public void What_cannot_be_is_refused(string what, string errorId)
    {
        using var fixture = new SyncFixture();
        fixture.Store.AppRegistrations.Add(New());
        var other = New("Other", "other");
        other = what switch
        {
            "name" => other with { Name = " hq " },
            "client" => other with { ClientId = "client" },
            "budget" => other with { MonthlyBudget = 0 },
            "day" => other with { RechargeDay = 32 },
            "blank" => other with { ClientId = " " },
            _ => other with { SiteUrl = new Uri("http://site.example/hq") },
        };

        Assert.Equal(errorId, Assert.Throws<AlloyScanException>(() => fixture.Store.AppRegistrations.Add(other)).ErrorId);
        Assert.Single(fixture.Store.AppRegistrations.List());
    }

    [Fact]
    public void A_job_cannot_use_the_registration_of_another_site()
    {
        using var fixture = new SyncFixture();
        fixture.Store.AppRegistrations.Add(New("Branch") with { SiteUrl = new Uri("https://site.example/branch") });

        var refused = Assert.Throws<AlloyScanException>(() => fixture.Store.Jobs.Update(fixture.Store.Jobs.Get("HQ") with { AppRegistration = "Branch" }));
        Assert.Equal("AppRegistrationOfOtherSite", refused.ErrorId);
        Assert.Equal("AppRegistrationNotFound", Assert.Throws<AlloyScanException>(() => fixture.Store.Jobs.Update(fixture.Store.Jobs.Get("HQ") with { AppRegistration = "Nobody" })).ErrorId);
        Assert.Null(fixture.Store.Jobs.Get("HQ").AppRegistration);
    }

    [Fact]
    public void An_exported_job_finds_its_registration_again_if_the_other_store_has_it()
    {
        using var source = new SyncFixture();
        using var target = new SyncFixture();
        source.Store.AppRegistrations.Add(New());
        source.Store.Jobs.Update(source.Store.Jobs.Get("HQ") with { AppRegistration = "HQ", Name = "Export" });
        var json = source.Store.Jobs.Export("Export");

        var without = target.Store.Jobs.Import(json, new JobImportOptions { Name = "Without" });
        Assert.Null(without.Job.AppRegistration);
        Assert.Contains(without.Warnings, w => w.Contains("used the app registration 'HQ'", StringComparison.Ordinal));

        target.Store.AppRegistrations.Add(New());
        var with = target.Store.Jobs.Import(json);
        Assert.Equal("HQ", with.Job.AppRegistration);
        Assert.Empty(with.Warnings);
    }

    [Fact]
    public async Task A_missing_secret_is_named_with_its_owner()
    {
        using var fixture = new SyncFixture();
        fixture.Store.AppRegistrations.Add(New());
        var job = fixture.Store.Jobs.Update(fixture.Store.Jobs.Get("HQ") with { AppRegistration = "HQ" });

        var missing = await Assert.ThrowsAsync<AlloyScanException>(() => fixture.Store.Sync.ExecuteAsync(new SyncRequest { Job = job }, SilentObserver.Instance, default));
        Assert.Equal("SecretNotFound", missing.ErrorId);
        Assert.Contains("the app registration 'HQ', which the job 'HQ' uses, (client ID 'client')", missing.Message, StringComparison.Ordinal);
        Assert.Contains("ALLOYSCAN_TEST_UNSET", missing.Message, StringComparison.Ordinal);

        var foreign = job with { AppRegistration = null, ClientSecret = SecretReference.FromStored(SecretKind.Protected, "aesgcm:" + Convert.ToBase64String(new byte[60]) + "#mary@HOST7") };
        var protectedFor = await Assert.ThrowsAsync<AlloyScanException>(() => fixture.Store.Sync.ExecuteAsync(new SyncRequest { Job = foreign }, SilentObserver.Instance, default));
        Assert.Equal("SecretProtectionFailed", protectedFor.ErrorId);
        Assert.Contains("the account 'mary' on 'HOST7'", protectedFor.Message, StringComparison.Ordinal);
        Assert.Contains("Set-AlloyScanSyncJob", protectedFor.Advice, StringComparison.Ordinal);

        var vault = Assert.Throws<AlloyScanException>(() => (job with { ClientSecret = SecretReference.FromVault("alloyscan", "Work") }).ResolveSecret());
        Assert.Equal("VaultNeedsPowerShell", vault.ErrorId);
        Assert.Contains("'alloyscan' of the vault 'Work'", vault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Whoever_cannot_have_a_secret_is_named_and_told_the_way_out()
    {
        var account = $"the account '{Environment.UserName}' on '{Environment.MachineName}'";
        SecretReference[] references =
        [
            SecretReference.FromEnvironment("ALLOYSCAN_TEST_UNSET"),
            SecretReference.FromFile("/no/such/file"),
            SecretReference.FromStored(SecretKind.Protected, "aesgcm:" + Convert.ToBase64String(new byte[60]) + "#mary@HOST7"),
            SecretReference.FromStored(SecretKind.Protected, "dpapi:" + Convert.ToBase64String(new byte[60]) + "#mary@HOST7"),
        ];
        foreach (var reference in references)
        {
            var e = Assert.Throws<AlloyScanException>(() => (New() with { ClientSecret = reference }).ResolveSecret());
            Assert.StartsWith("The client secret of the app registration 'HQ' (client ID 'client') cannot be had.", e.Message, StringComparison.Ordinal);
            Assert.Contains(account, e.Message, StringComparison.Ordinal);
            Assert.NotEmpty(e.Advice!);
        }
    }

    [Fact]
    public void A_scheduled_job_with_its_secret_in_a_vault_is_told_before_a_night_passes()
    {
        using var fixture = new SyncFixture();
        var job = fixture.Job with { ClientSecret = SecretReference.FromVault("hq", "Work"), Schedule = Schedule.Parse("""{"occurs":"Daily","at":"01:00","timeZone":"UTC"}""", TimeProvider.System) };

        Assert.Contains("the Automation Server (alloyscan) cannot run it", job.UnattendedProblem, StringComparison.Ordinal);
        Assert.Contains("Set-AlloyScanAppRegistration 'HQ'", (job with { AppRegistration = "HQ" }).UnattendedProblem, StringComparison.Ordinal);
        Assert.Null((job with { Enabled = false }).UnattendedProblem);
        Assert.Null(job.WithSchedule(null).UnattendedProblem);
        Assert.Null((job with { ClientSecret = SecretReference.FromEnvironment("X") }).UnattendedProblem);
    }

    [Fact]
    public void A_bare_file_name_is_looked_for_where_the_service_manager_puts_credentials()
    {
        var folder = Directory.CreateTempSubdirectory("alloyscan-test-");
        var before = Environment.GetEnvironmentVariable("CREDENTIALS_DIRECTORY");
        try
        {
            File.WriteAllText(Path.Combine(folder.FullName, "hq"), "  plain-secret\n");
            var reference = SecretReference.FromCredentialsDirectory("hq");
            Environment.SetEnvironmentVariable("CREDENTIALS_DIRECTORY", folder.FullName);
            Assert.Equal("plain-secret", reference.Resolve().Reveal());
            Environment.SetEnvironmentVariable("CREDENTIALS_DIRECTORY", null);
            Assert.Contains("CREDENTIALS_DIRECTORY", Assert.Throws<AlloyScanException>(() => reference.Resolve()).Message, StringComparison.Ordinal);
            Assert.Throws<AlloyScanException>(() => SecretReference.FromCredentialsDirectory("../hq"));
        }
        finally
        {
            Environment.SetEnvironmentVariable("CREDENTIALS_DIRECTORY", before);
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task What_runs_spend_is_counted_by_day_rehearsals_included()
    {
        using var fixture = WithFleet(30);
        var first = await fixture.RunWellAsync();
        var rehearsal = await fixture.RunAsync(SyncMode.WhatIf);
        var usage = Assert.Single(fixture.Store.AppRegistrations.Usage(job: "HQ"));

        Assert.Equal((null, "client", first.ApiCalls + rehearsal.ApiCalls, (long?)null), (usage.AppRegistration, usage.ClientId, usage.Calls, usage.Left));
        Assert.Equal([usage.Calls], usage.Days.Select(d => d.Calls));
        Assert.Equal(["HQ"], usage.Jobs);
        Assert.Equal((usage.Calls).ToString(System.Globalization.CultureInfo.InvariantCulture), fixture.Scalar("SELECT sum(calls) FROM api_usage"));
    }

    [Fact]
    public async Task A_spent_month_stops_runs_cleanly_and_they_go_on_when_it_recharges()
    {
        var clock = new Calendar(new DateTimeOffset(2026, 1, 30, 12, 0, 0, TimeSpan.Zero));
        using var fixture = WithFleet(40, clock);
        fixture.Store.AppRegistrations.Add(New() with { MonthlyBudget = 50, RechargeDay = 31 });
        var first = await fixture.RunAsync();

        Assert.Equal((SyncRunStatus.PartiallySucceeded, true, 0), (first.Status, first.StoppedByBudget, first.Errors));
        Assert.InRange(first.ApiCalls, 45, 50);
        Assert.True(first.Created > 20);
        Assert.Contains("The monthly budget of 50 API calls of the app registration 'HQ' is spent. It recharges on 2026-01-31", first.Message, StringComparison.Ordinal);

        // A leftover that is too small for a device is no reason to waste it.
        fixture.Sql("UPDATE api_usage SET calls = 50");
        var second = await fixture.RunAsync();
        Assert.Equal((SyncRunStatus.PartiallySucceeded, 0L), (second.Status, second.ApiCalls));
        Assert.Contains("recharges on 2026-01-31", second.Message, StringComparison.Ordinal);

        clock.Now = new DateTimeOffset(2026, 1, 31, 0, 0, 1, TimeSpan.Zero);
        var third = await fixture.RunWellAsync();
        Assert.Equal(40, first.Created + third.Created);
        var usage = Assert.Single(fixture.Store.AppRegistrations.Usage("hq"));
        Assert.Equal((third.ApiCalls, 50 - third.ApiCalls, new DateTimeOffset(2026, 2, 28, 0, 0, 0, TimeSpan.Zero)), (usage.Calls, usage.Left, usage.RechargesAt));
    }

    [Fact]
    public async Task Whoever_spends_at_the_same_time_the_month_is_never_overdrawn()
    {
        using var fixture = new SyncFixture();
        fixture.Store.AppRegistrations.Add(New() with { MonthlyBudget = 500 });
        var spent = 0;
        await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => Task.Run(() =>
        {
            using var budget = fixture.Store.AppRegistrations.Budget(new Uri("https://site.example/hq"), "client");
            for (var i = 0; i < 200; i++)
            {
                try
                {
                    budget.Spend();
                    Interlocked.Increment(ref spent);
                }
                catch (BudgetSpentException)
                {
                }
            }
        })));

        Assert.Equal(500, spent);
        Assert.Equal("500", fixture.Scalar("SELECT sum(calls) FROM api_usage"));
    }

    [Fact]
    public async Task A_run_that_dies_has_its_calls_counted_to_within_a_batch()
    {
        using var fixture = WithFleet(600);
        var seen = 0;
        fixture.Source.Before = _ =>
        {
            if (Interlocked.Increment(ref seen) == 1100)
                fixture.Sql("UPDATE leases SET number = number + 1");
        };
        var run = await fixture.RunAsync();

        Assert.Equal(SyncRunStatus.Canceled, run.Status);
        Assert.Equal(run.ApiCalls.ToString(System.Globalization.CultureInfo.InvariantCulture), fixture.Scalar("SELECT sum(calls) FROM api_usage"));
    }

    private static SyncFixture WithFleet(int devices, TimeProvider? clock = null)
    {
        var fixture = new SyncFixture(clock: clock);
        for (var i = 0; i < devices; i++)
            fixture.Source.Add(Device($"d{i:000}", "PC-" + i), Snapshot("s" + i));
        return fixture;
    }

    private static async Task<VerificationCheck> CheckAsync(SyncFixture fixture)
    {
        await foreach (var check in fixture.Store.Sync.VerifyAsync(new SyncRequest { Job = fixture.Job, Source = fixture.Source }, default))
        {
            if (check.Check == "Registration expiry")
                return check;
        }

        throw new InvalidOperationException();
    }

    private sealed class Calendar(DateTimeOffset now) : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = now;

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
