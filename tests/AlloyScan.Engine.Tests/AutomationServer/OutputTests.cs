using System.Text.Json;
using AlloyScan.AutomationServer.Output;
using AlloyScan.Engine.Credentials;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Sync;
using Xunit;

namespace AlloyScan.Engine.Tests.AutomationServer;

public sealed class OutputTests
{
    // Larger than any site, so that every number is as wide as it gets.
    private static readonly SyncRun s_largeRun = new()
    {
        Id = 123_456, Job = "Head office and all of its branches, night run", Target = "Built-in", Site = "hq",
        StartedAt = new(2026, 7, 31, 22, 0, 0, TimeSpan.Zero), EndedAt = new(2026, 8, 1, 0, 59, 59, TimeSpan.Zero),
        Status = SyncRunStatus.PartiallySucceeded, Complete = true,
        DevicesRead = 200_000, Created = 200_000, Updated = 200_000, Unchanged = 200_000, Conflicts = 12_345, Missing = 12_345, Errors = 12_345,
        InstallationsAdded = 16_000_000, InstallationsRemoved = 0, ApiCalls = 401_001, BytesReceived = 9_876_543_210,
        StageSeconds = new Dictionary<string, double> { ["Read"] = 1.23456 },
    };

    [Fact]
    public void Tables_fit_100_columns_without_escape_codes_or_trailing_spaces()
    {
        var job = new SyncJob { Name = s_largeRun.Job, SiteUrl = new("https://alloyscan.example.com/headquarters"), ClientId = "id", ClientSecret = SecretReference.FromEnvironment("V"), LastRunStatus = "PartiallySucceeded", LastRunAt = s_largeRun.StartedAt };
        var check = new VerificationCheck("Linked computers on Windows", "200,000 devices in the list", "199,999 linked CIs in the CMDB", Verdict.NotChecked, "Run the job.");
        var change = new SyncChange { Action = ChangeAction.Update, Class = RecordClass.Computer, RecordId = "C123456", DeviceName = "WS-BERLIN-000123", Fields = [new("os_version", "10.0.19045.4291", "10.0.22631.3447"), new("user_name", "Anna Schmidt", "Ben Müller")], SoftwareAdded = 12, SoftwareRemoved = 3 };
        using var output = new StringWriter();
        var screen = new Screen(output, TextWriter.Null, Verbosity.Normal);

        screen.Table(Tables.Counts(s_largeRun with { Skipped = 200_000, Retired = 12_345 }));
        screen.Table(Tables.Counts(s_largeRun));
        screen.Table(Tables.History([s_largeRun]));
        screen.Table(Tables.Jobs([job]));
        screen.Table(Tables.Checks([check]));
        screen.Table(Tables.Changes([change]));

        Assert.All(output.ToString().Split('\n'), line =>
        {
            Assert.InRange(line.Length, 0, Screen.TableWidth);
            Assert.Equal(line.TrimEnd(), line.TrimEnd('\r'));
        });
        Assert.DoesNotContain('\u001b', output.ToString());
        Assert.Contains("200,000", output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Text_with_brackets_is_text_not_markup()
    {
        using var output = new StringWriter();
        var screen = new Screen(output, output, Verbosity.Verbose);

        screen.Line("a [red]b[/] [c");
        screen.Error("d [e", "f ]");
        screen.Table(Tables.Changes([new() { DeviceName = "PC [old]", Reason = "[/]" }]));

        Assert.Contains("a [red]b[/] [c", output.ToString(), StringComparison.Ordinal);
        Assert.Contains("d [e", output.ToString(), StringComparison.Ordinal);
        Assert.Contains("PC [old]", output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_as_json_is_one_line_with_the_columns_of_the_view()
    {
        var text = JsonLine.Of(s_largeRun with { Message = "two\nlines \"quoted\"" });
        var json = JsonDocument.Parse(text).RootElement;

        Assert.DoesNotContain('\n', text);
        string[] columns = ["id", "job", "started_at", "ended_at", "status", "complete", "devices_read", "created", "updated", "unchanged", "conflicts", "missing", "retired", "deleted_in_alloyscan", "installations_added", "installations_removed", "errors", "api_calls"];
        Assert.All(columns, column => Assert.True(json.TryGetProperty(column, out _), column));
        Assert.Equal(123_456, json.GetProperty("id").GetInt64());
        Assert.Equal("2026-07-31T22:00:00.000Z", json.GetProperty("started_at").GetString());
        Assert.Equal("PartiallySucceeded", json.GetProperty("status").GetString());
        Assert.Equal(2, json.GetProperty("exit_code").GetInt32());
        Assert.Equal(1.235, json.GetProperty("stage_seconds").GetProperty("Read").GetDouble());
    }

    [Fact]
    public void A_rehearsal_as_json_has_no_number() =>
        Assert.Equal(JsonValueKind.Null, JsonDocument.Parse(JsonLine.Of(new SyncRun(), whatIf: true)).RootElement.GetProperty("id").ValueKind);

    [Fact]
    public void A_job_as_json_tells_nothing_of_its_secret()
    {
        var job = new SyncJob { SiteUrl = new("https://scan.example.com/hq"), ClientId = "id", ClientSecret = SecretReference.FromMemory(new Secret("hunter2")), ImportSoftware = SoftwarePlatforms.Windows | SoftwarePlatforms.MacOS };

        var text = JsonLine.Of(job);

        Assert.DoesNotContain("hunter2", text, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", text, StringComparison.OrdinalIgnoreCase);
        Assert.Equal("windows,macos", JsonDocument.Parse(text).RootElement.GetProperty("import_software").GetString());
    }
}
