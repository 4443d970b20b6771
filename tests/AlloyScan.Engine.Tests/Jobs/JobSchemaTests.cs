using System.Reflection;
using AlloyScan.Engine.Cmdb;
using AlloyScan.Engine.Credentials;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Jobs.Schedules;
using Newtonsoft.Json.Linq;
using NJsonSchema;

namespace AlloyScan.Engine.Tests;

/// <summary>The published schema of exported jobs says what export writes and import reads, no more and no less.</summary>
public sealed class JobSchemaTests
{
    private static readonly string s_text = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "sync-job.schema.json"));
    private static readonly JsonSchema s_schema = JsonSchema.FromJsonAsync(s_text).GetAwaiter().GetResult();

    private static bool IsValid(string json) => s_schema.Validate(json).Count == 0;

    [Fact]
    public void What_is_exported_fits()
    {
        using var filled = JobTransferTests.Filled();
        var json = filled.Store.Jobs.Export("HQ");
        Assert.True(IsValid(json), json);
        using var plain = new Sync.SyncFixture();
        Assert.True(IsValid(plain.Store.Jobs.Export("HQ")));
    }

    [Fact]
    public void Whatever_secrets_and_schedules_a_job_has_its_export_fits_and_comes_back()
    {
        using var fixture = new Sync.SyncFixture();
        SecretReference[] secrets =
        [
            SecretReference.FromEnvironment("X"), SecretReference.FromFile("/run/secrets/hq"), SecretReference.FromCredentialsDirectory("hq"), SecretReference.FromVault("hq", "Work"), SecretReference.FromVault("hq"),
            SecretReference.FromMemory(new Secret("never-in-an-export")),
        ];
        string?[] schedules =
        [
            null,
            """{"occurs":"Daily","every":2,"at":"01:00","timeZone":"UTC"}""",
            """{"occurs":"Weekly","weekdays":["Monday","Sunday"],"everyMinutes":15,"startingAt":"08:00","endingAt":"18:00","timeZone":"Europe/Vienna"}""",
            """{"occurs":"Monthly","week":"Last","weekdays":["Friday"],"months":["January","July"],"at":"23:00","startDate":"2027-01-01","endDate":"2029-12-31","timeZone":"Asia/Tokyo"}""",
            """{"occurs":"Yearly","day":24,"months":["December"],"at":"12:00","timeZone":"UTC"}""",
        ];
        var number = 0;
        foreach (var secret in secrets)
        {
            foreach (var schedule in schedules)
            {
                var job = fixture.Store.Jobs.Create((fixture.Job with { Id = 0, Name = $"Job {++number}", ClientSecret = secret }).WithSchedule(schedule is null ? null : Schedule.Parse(schedule, TimeProvider.System)));
                var json = fixture.Store.Jobs.Export(job.Name);
                Assert.True(IsValid(json), json);
                Assert.DoesNotContain("never-in-an-export", json, StringComparison.Ordinal);
                var again = fixture.Store.Jobs.Import(json, new JobImportOptions { Name = job.Name, Overwrite = true }).Job;
                Assert.Equal((job.Schedule?.ToJson(), job.ClientSecret.ToString()), (again.Schedule?.ToJson(), again.ClientSecret.ToString()));
            }
        }
    }

    [Fact]
    public void A_file_that_names_the_schema_is_imported()
    {
        using var source = new Sync.SyncFixture();
        var json = JObject.Parse(source.Store.Jobs.Export("HQ"));
        json.AddFirst(new JProperty("$schema", "sync-job.schema.json"));
        Assert.True(IsValid(json.ToString()));
        Assert.Equal("Second", source.Store.Jobs.Import(json.ToString(), new JobImportOptions { Name = "Second", Overwrite = true }).Job.Name);
    }

    [Theory]
    [InlineData(typeof(JobFile), null)]
    [InlineData(typeof(JobFile.JobPart), "job")]
    [InlineData(typeof(JobFile.SecretPart), "secret")]
    [InlineData(typeof(JobFile.ActionPart), "serviceAction")]
    [InlineData(typeof(FieldMapping), "mapping")]
    [InlineData(typeof(JobFile.FieldPart), "customField")]
    [InlineData(typeof(JobFile.JunkPart), "junkIdentifier")]
    [InlineData(typeof(JobFile.GuardPart), "guardLimit")]
    public void Each_member_of_the_file_is_in_the_schema_and_none_besides(Type type, string? definition)
    {
        var schema = JObject.Parse(s_text);
        var properties = (JObject)(definition is null ? schema : schema["definitions"]![definition]!)["properties"]!;
        var members = type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Select(p => p.GetCustomAttribute<Newtonsoft.Json.JsonPropertyAttribute>()?.PropertyName ?? char.ToLowerInvariant(p.Name[0]) + p.Name[1..]);
        Assert.Equal(members.Order(StringComparer.Ordinal), properties.Properties().Select(p => p.Name).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("customField", "type", typeof(FieldType))]
    [InlineData("serviceAction", "kind", typeof(ServiceActionKind))]
    [InlineData("class", null, typeof(RecordClass))]
    [InlineData("job", "retiredOriginal", typeof(RetiredOriginal))]
    [InlineData("job", "missingDevice", typeof(MissingDevice))]
    [InlineData("job", "deletedRecord", typeof(DeletedRecord))]
    [InlineData("schedule", "occurs", typeof(ScheduleOccurs))]
    [InlineData("schedule", "week", typeof(WeekOfMonth))]
    [InlineData("weekday", null, typeof(DayOfWeek))]
    [InlineData("month", null, typeof(ScheduleMonth))]
    public void Words_are_those_of_the_engine(string definition, string? property, Type type)
    {
        var found = JObject.Parse(s_text)["definitions"]![definition]!;
        var words = (property is null ? found : found["properties"]![property]!)["enum"]!.Select(word => (string?)word);
        Assert.Equal(Enum.GetNames(type).Order(StringComparer.Ordinal), words.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("$.format", "\"Other\"")]
    [InlineData("$.version", "2")]
    [InlineData("$.job", "null")]
    [InlineData("$.job.missingDevice", "\"Delete\"")]
    [InlineData("$.job.clientSecret", "\"plain\"")]
    [InlineData("$.job.clientSecret", "{ \"kind\": \"Protected\", \"value\": \"x\" }")]
    [InlineData("$.job.clientSecret", "{ \"kind\": \"AppRegistration\", \"value\": \"\" }")]
    [InlineData("$.job.importSoftware", "\"Solaris\"")]
    [InlineData("$.job.retireAfterRuns", "\"soon\"")]
    [InlineData("$.job.typeMap", "{ \"Thin client\": \"Phone\" }")]
    [InlineData("$.job.schedule", "{ \"occurs\": \"Hourly\" }")]
    [InlineData("$.job.schedule", "{ \"occurs\": \"Daily\", \"at\": \"25:00\" }")]
    [InlineData("$.job.guardLimits", "{ \"Everything\": { \"count\": 1, \"share\": 0.1 } }")]
    [InlineData("$.job.guardLimits", "{ \"Update\": { \"count\": 1, \"share\": 2 } }")]
    [InlineData("$.untrackedSoftwareGroups", "[\"Optional\"]")]
    [InlineData("$.identificationRules[0].action", "\"Guess\"")]
    [InlineData("$.identificationRules[0].conditon", "[]")]
    [InlineData("$.surprise", "1")]
    [InlineData("$.job.surprise", "1")]
    public void What_the_schema_refuses_the_import_refuses(string path, string value)
    {
        using var source = new Sync.SyncFixture();
        var json = JObject.Parse(source.Store.Jobs.Export("HQ"));
        if (json.SelectToken(path) is { } found)
            found.Replace(JToken.Parse(value));
        else
            ((JObject)json.SelectToken(path[..path.LastIndexOf('.')])!)[path[(path.LastIndexOf('.') + 1)..]] = JToken.Parse(value);

        Assert.False(IsValid(json.ToString()));
        Assert.Throws<AlloyScanException>(() => source.Store.Jobs.Import(json.ToString(), new JobImportOptions { Name = "Second", Overwrite = true }));
    }
}
