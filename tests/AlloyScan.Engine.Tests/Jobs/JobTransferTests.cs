using AlloyScan.Engine.Cmdb;
using AlloyScan.Engine.Credentials;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Sync.Identify;
using AlloyScan.Engine.Tests.Sync;
using Newtonsoft.Json.Linq;

namespace AlloyScan.Engine.Tests;

/// <summary>Jobs that travel from store to store as JSON.</summary>
public sealed class JobTransferTests
{
    internal static SyncFixture Filled()
    {
        var fixture = new SyncFixture();
        var store = fixture.Store;
        store.Fields.Create(RecordClass.Computer, "cost", FieldType.Number);
        store.Fields.Create(RecordClass.Hardware, "room", FieldType.Text);
        store.ServiceActions.Create(new ServiceAction { Name = "Not used", Class = RecordClass.Computer, Kind = ServiceActionKind.Update });
        var own = store.ServiceActions.Create(new ServiceAction
        {
            Name = "Own", Class = RecordClass.Computer, Kind = ServiceActionKind.Create,
            Mappings = [FieldMapping.Parse("cost = custom.Cost Center"), FieldMapping.Parse("name = {ci.cost} \"x\" {{}} Always AllowEmpty")],
            InitialValues = new Dictionary<string, string> { ["status"] = "New", ["cost"] = "7" },
        });
        store.ServiceActions.Update(store.ServiceActions.Get(2946) with { Mappings = [FieldMapping.Parse("room = \"1\"")] });
        store.IdentificationRules.Create(new IdentificationRule { Class = RecordClass.Hardware, Name = "Tag", Conditions = [RuleCondition.Parse("AssetTag matches")], Action = RuleAction.Conflict }, 1);
        store.JunkIdentifiers.Add(IdentificationAttribute.SerialNumber, "OURJUNK", "a note");
        fixture.Job = store.Jobs.Update(fixture.Job with
        {
            NewComputerAction = own.Id, ImportSoftware = SoftwarePlatforms.Windows | SoftwarePlatforms.MacOS, MissingDevice = MissingDevice.Retire, RetireAfterDays = 9, RetireAfterRuns = 4,
            RetiredOriginal = RetiredOriginal.Delete, DeletedRecord = DeletedRecord.Recreate, StaleAfterDays = 31, MostCarriers = 5, ThrottleLimit = 2, Enabled = false,
            TypeMap = new Dictionary<string, RecordClass> { ["Thin client"] = RecordClass.Computer }, ApiProfile = """{"scope":"inventory"}""",
            Schedule = Jobs.Schedules.Schedule.Parse("""{"occurs":"Weekly","weekdays":["Monday"],"everyHours":2,"timeZone":"Europe/Vienna","startDate":"2026-01-01"}""", TimeProvider.System),
        });
        fixture.Sql("INSERT INTO untracked_groups (site_id, software_group) VALUES (1, 'Regular')");
        return fixture;
    }

    private static SyncFixture Empty()
    {
        var fixture = new SyncFixture();
        fixture.Store.Jobs.Remove("HQ");
        return fixture;
    }

    private static string ErrorOf(Action work) => Assert.Throws<AlloyScanException>(work).ErrorId;

    [Fact]
    public void A_job_comes_out_of_another_store_as_it_went_in()
    {
        using var source = Filled();
        using var target = Empty();
        // Its number is another there.
        target.Store.ServiceActions.Create(new ServiceAction { Name = "Elsewhere", Class = RecordClass.Computer, Kind = ServiceActionKind.Update });
        target.Store.ServiceActions.Create(new ServiceAction { Name = "Elsewhere too", Class = RecordClass.Computer, Kind = ServiceActionKind.Update });
        var json = source.Store.Jobs.Export("hq");

        var import = target.Store.Jobs.Import(json);

        Assert.Equal(10003, import.Job.NewComputerAction);
        var (before, after) = (Comparable(source.Store.Jobs.Get("HQ")), Comparable(target.Store.Jobs.Get("HQ")));
        Assert.Equal(before.ToString(), after.ToString());
        Assert.Equal(json.Replace("10002", "#", StringComparison.Ordinal), target.Store.Jobs.Export("HQ").Replace("10003", "#", StringComparison.Ordinal));
        Assert.Equal(6, import.Steps.Count(s => s.StartsWith("make", StringComparison.Ordinal) || s.StartsWith("change", StringComparison.Ordinal) || s.StartsWith("replace", StringComparison.Ordinal)));
        Assert.DoesNotContain(target.Store.ServiceActions.List(), a => a.Name == "Not used");
        Assert.Equal("OURJUNK|a note", Assert.Single(target.Rows("SELECT value, note FROM junk_identifiers")));
        Assert.Equal("Regular", Assert.Single(target.Rows("SELECT software_group FROM untracked_groups")));
        Assert.Equal(source.Rows("SELECT class, position, name, conditions, action FROM identification_rules ORDER BY 1, 2"), target.Rows("SELECT class, position, name, conditions, action FROM identification_rules ORDER BY 1, 2"));
        // An export of a job says all that can be set of one.
        var part = (JObject)JObject.Parse(json)["job"]!;
        // A job with a secret of its own names no app registration; AppRegistrationTests has one that does.
        string[] elsewhere = ["appRegistration", "id", "site", "createdAt", "updatedAt", "lastRunStatus", "lastRunAt", "nextRunAt", "scheduleProblem", "unattendedProblem", "guard"];
        Assert.Equal(
            typeof(SyncJob).GetProperties().Where(p => p.Name != "EqualityContract").Select(p => char.ToLowerInvariant(p.Name[0]) + p.Name[1..]).Except(elsewhere).Order(),
            part.Properties().Select(p => p.Name).Order());
    }

    private static JObject Comparable(SyncJob job)
    {
        var all = JObject.FromObject(job with { Id = 0, NewComputerAction = 0, CreatedAt = default, UpdatedAt = default });
        return all;
    }

    [Fact]
    public void Importing_twice_changes_nothing_more_and_needs_the_word_to_overwrite()
    {
        using var source = Filled();
        using var target = Empty();
        var json = source.Store.Jobs.Export("HQ");
        target.Store.Jobs.Import(json);
        Assert.Equal("JobExists", ErrorOf(() => target.Store.Jobs.Import(json)));

        var before = target.Everything().Where(r => !r.StartsWith("jobs|", StringComparison.Ordinal)).ToList();
        var again = target.Store.Jobs.Import(json, new JobImportOptions { Overwrite = true });
        Assert.Equal(["overwrite the job 'HQ'"], again.Steps);
        Assert.Equal(before, target.Everything().Where(r => !r.StartsWith("jobs|", StringComparison.Ordinal)));
    }

    [Fact]
    public void What_other_jobs_share_is_overwritten_on_request_only_and_all_or_nothing()
    {
        using var source = Filled();
        using var target = new SyncFixture();
        var json = source.Store.Jobs.Export("HQ");
        var before = target.Everything();

        var error = Assert.Throws<AlloyScanException>(() => target.Store.Jobs.Import(json, new JobImportOptions { Name = "Second" }));
        Assert.Equal("ImportWouldOverwrite", error.ErrorId);
        foreach (var thing in new[] { "#2946", "identification rules of Hardware", "junk identifiers", "software groups" })
            Assert.Contains(thing, error.Message, StringComparison.Ordinal);
        Assert.Equal(before, target.Everything());

        var rehearsed = target.Store.Jobs.Import(json, new JobImportOptions { Name = "Second", Overwrite = true, Rehearse = true });
        Assert.Equal(before, target.Everything());
        var done = target.Store.Jobs.Import(json, new JobImportOptions { Name = "Second", Overwrite = true });
        Assert.Equal(rehearsed.Steps, done.Steps);
        Assert.Equal("Second", done.Job.Name);
        Assert.Equal("Tag", target.Store.IdentificationRules.List(RecordClass.Hardware)[1].Name);
    }

    [Fact]
    public void An_edited_default_that_the_job_did_not_know_is_said()
    {
        using var source = new SyncFixture();
        using var target = Empty();
        target.Store.ServiceActions.Update(target.Store.ServiceActions.Get(2944) with { Mappings = [] });
        var import = target.Store.Jobs.Import(source.Store.Jobs.Export("HQ"));
        Assert.Contains(import.Warnings, w => w.Contains("#2944", StringComparison.Ordinal));
        Assert.Contains(import.Warnings, w => w.Contains("ALLOYSCAN_TEST_UNSET", StringComparison.Ordinal));
    }

    [Fact]
    public void A_secret_never_leaves_the_store_and_has_to_be_given()
    {
        using var source = new SyncFixture();
        using var target = Empty();
        source.Store.Jobs.Update(source.Job with { ClientSecret = SecretReference.FromMemory(new Secret("very secret indeed")) });
        var stored = source.Scalar("SELECT secret_value FROM jobs")!;
        var json = source.Store.Jobs.Export("HQ");
        Assert.DoesNotContain("very secret", json, StringComparison.Ordinal);
        Assert.DoesNotContain(stored, json, StringComparison.Ordinal);
        Assert.DoesNotContain("clientSecret", json, StringComparison.Ordinal);

        var error = Assert.Throws<AlloyScanException>(() => target.Store.Jobs.Import(json));
        Assert.Equal("SecretMissing", error.ErrorId);
        Assert.Contains("-ClientSecretVariable", error.Advice, StringComparison.Ordinal);
        var job = target.Store.Jobs.Import(json, new JobImportOptions { ClientId = "other", ClientSecret = SecretReference.FromEnvironment("X") }).Job;
        Assert.Equal(("other", "environment variable X"), (job.ClientId, job.ClientSecret.ToString()));

        // The job that is overwritten has it already.
        var kept = source.Store.Jobs.Import(json, new JobImportOptions { Overwrite = true });
        Assert.Equal("very secret indeed", kept.Job.ClientSecret.Resolve().Reveal());
    }

    [Fact]
    public void A_field_of_another_type_stops_the_import()
    {
        using var source = Filled();
        using var target = Empty();
        target.Store.Fields.Create(RecordClass.Computer, "COST", FieldType.Text);
        var before = target.Everything();
        Assert.Equal("FieldTypeDiffers", ErrorOf(() => target.Store.Jobs.Import(source.Store.Jobs.Export("HQ"), new JobImportOptions { Overwrite = true })));
        Assert.Equal(before, target.Everything());
    }

    public static TheoryData<string, string> Faults => new()
    {
        { "NotAJobFile", "" },
        { "NotAJobFile", "[]" },
        { "NotAJobFile", "{" },
        { "NotAJobFile", "{}" },
        { "NotAJobFile", """{"format":"Other","version":1}""" },
        { "NotAJobFile", """{"format":"AlloyScanSyncJob"}""" },
        { "NotAJobFile", """{"format":"AlloyScanSyncJob","version":"1"}""" },
        { "NotAJobFile", """{"format":"AlloyScanSyncJob","version":0}""" },
        { "NotAJobFile", """{"format":"AlloyScanSyncJob","version":1} {}""" },
        { "JobFileTooNew", """{"format":"AlloyScanSyncJob","version":2,"job":{}}""" },
        { "InvalidJobFile", """{"format":"AlloyScanSyncJob","version":1}""" },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public void What_is_no_exported_job_is_refused(string errorId, string json)
    {
        using var target = Empty();
        var error = Assert.Throws<AlloyScanException>(() => target.Store.Jobs.Import(json));
        Assert.Equal(errorId, error.ErrorId);
        Assert.NotNull(error.Advice);
    }

    [Theory]
    [InlineData("UnknownJobFileMember", "job.color", "\"red\"")]
    [InlineData("UnknownJobFileMember", "color", "\"red\"")]
    [InlineData("UnknownJobFileMember", "serviceActions[0].color", "\"red\"")]
    [InlineData("InvalidJobFile", "job.missingDevice", "\"Perhaps\"")]
    [InlineData("InvalidJobFile", "job.missingDevice", "1")]
    [InlineData("InvalidJobFile", "job.throttleLimit", "\"many\"")]
    [InlineData("InvalidJobFile", "job.siteUrl", "null", true)]
    [InlineData("InvalidJobFile", "job.newComputerAction", "10077")]
    [InlineData("InvalidJobFile", "serviceActions", "[null]")]
    [InlineData("InvalidJobFile", "serviceActions[0].mappings", "[null]")]
    [InlineData("InvalidJobFile", "serviceActions[1].class", "\"Computer\"")]
    [InlineData("InvalidJobFile", "customFields[0].type", "\"Money\"")]
    [InlineData("InvalidJobFile", "untrackedSoftwareGroups", "[\"Odd\"]")]
    [InlineData("InvalidJobFile", "untrackedSoftwareGroups", "[\"Required\",\"Forbidden\",\"Regular\"]")]
    [InlineData("InvalidJobFile", "junkIdentifiers[0].attribute", "\"AuditId\"")]
    [InlineData("InvalidJobFile", "job.clientSecret", "{\"kind\":\"Protected\",\"value\":\"x\"}")]
    [InlineData("UnknownJobFileMember", "job.clientSecret.secret", "\"x\"")]
    [InlineData("InvalidJob", "job.throttleLimit", "99")]
    [InlineData("InvalidServiceAction", "job.newComputerAction", "2944")]
    [InlineData("UnknownField", "serviceActions[0].mappings[0].field", "\"nope\"")]
    [InlineData("FieldExists", "customFields[0].name", "\"name\"")]
    [InlineData("SiteNotFound", "job.identificationSites", "[\"nowhere\"]")]
    [InlineData("InsecureSiteUrl", "job.siteUrl", "\"http://site.example/hq\"")]
    public void A_fault_in_an_exported_job_is_refused_and_nothing_is_changed(string errorId, string path, string value, bool remove = false)
    {
        using var source = Filled();
        using var target = Empty();
        var json = JObject.Parse(source.Store.Jobs.Export("HQ"));
        var parent = path.Contains('.', StringComparison.Ordinal) ? json.SelectToken(path[..path.LastIndexOf('.')])! : json;
        parent[path[(path.LastIndexOf('.') + 1)..]] = remove ? JValue.CreateString(" ") : JToken.Parse(value);
        if (remove)
            parent["siteUrl"]!.Parent!.Remove();
        var before = target.Everything();
        Assert.Equal(errorId, ErrorOf(() => target.Store.Jobs.Import(json.ToString())));
        Assert.Equal(before, target.Everything());
    }

    [Fact]
    public void Texts_one_behind_the_other_are_taken_apart()
    {
        using var source = Filled();
        var one = source.Store.Jobs.Export("HQ");
        Assert.Equal(2, SyncJobs.SplitExports(one + Environment.NewLine + one).Count);
        Assert.Equal("NotAJobFile", ErrorOf(() => SyncJobs.SplitExports(" ")));
        Assert.Equal("NotAJobFile", ErrorOf(() => SyncJobs.SplitExports(one + "}")));
    }
}
