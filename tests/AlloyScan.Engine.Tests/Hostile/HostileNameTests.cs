using System.Text;
using System.Text.RegularExpressions;
using AlloyScan.AutomationServer.Output;
using AlloyScan.Engine.Cmdb;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Sync;
using AlloyScan.Engine.Sync.Identify;
using AlloyScan.Engine.Tests.Sync;
using static AlloyScan.Engine.Tests.Sync.SyncFixture;

namespace AlloyScan.Engine.Tests.Hostile;

/// <summary>Names that mean harm, or only look so, come through everything unharmed and are found again.</summary>
public sealed partial class HostileNameTests
{
    private static readonly string[] s_names =
    [
        "Robert'); DROP TABLE links; --", "\"quoted\" `tick` \\ back", "100% _under_ *star* ?what [a-z]", "\u001b[2J\u001b]0;owned\u0007", "tab\tin the name", "\u202Egnp.exe \u2066x\u2069",
        "\ud83d\ude00\ud83d\udc69\u200d\ud83d\udc67 \u0645\u0631\u062d\u0628\u0627 \u05e9\u05dc\u05d5\u05dd", "\u0130stanbul \u00df \ufb01", new string('x', 10_000), "=cmd|' /C calc'!A0", "$(Get-Process) {name} {{x}} %PATH%", "@p0", "null",
    ];

    [Fact]
    public async Task Names_of_devices_software_and_custom_fields_travel_unharmed()
    {
        using var fixture = new SyncFixture();
        for (var i = 0; i < s_names.Length; i++)
            fixture.Source.Add(Device($"d{i:00}", "PC", $"SN-{i}"), Snapshot($"s{i}", null, "Windows", (s_names[i], s_names[i])) with { Custom = new Dictionary<string, string?> { [s_names[i]] = s_names[i] } });
        await fixture.RunWellAsync();

        // Renamed, so that the journal has them as well, through a saved plan.
        for (var i = 0; i < s_names.Length; i++)
        {
            var name = s_names[i];
            fixture.Source.Replace($"d{i:00}", d => d with { Name = name, AssetTag = name, LastSeen = FakeSource.T(5) });
        }

        var plan = await fixture.RunAsync(SyncMode.SavePlan);
        Assert.Equal(s_names.Order(StringComparer.Ordinal), fixture.Heard.Changes.Select(c => c.DeviceName).Order(StringComparer.Ordinal));
        var run = await fixture.RunAsync(selection: new PlanSelection(plan.PlanId!.Value, []));
        Assert.True(run.Updated == s_names.Length, run.Message);

        foreach (var name in s_names)
        {
            var found = fixture.Store.Cmdb.Computers(new RecordFilter { Name = Escaped(name) }).ToList();
            Assert.Equal([name], found.Select(c => c.Name));
            Assert.Equal(name, found[0].AssetTag);
            Assert.Equal([name], fixture.Store.Cmdb.Products(Escaped(name)).Select(p => p.Name));
            Assert.Contains(found[0], fixture.Store.Cmdb.Computers(new RecordFilter { Name = name.Replace("\"quoted\" `", "*`", StringComparison.Ordinal)[..Math.Min(5, name.Length)] + "*" }));
        }

        Assert.Equal(s_names.Order(StringComparer.Ordinal), fixture.Store.Runs.Changes(run.Id).Where(c => c.Field == "name").Select(c => c.NewValue!).Order(StringComparer.Ordinal));
        var calm = await fixture.RunWellAsync();
        Assert.Equal((0, 0, 0), (calm.Updated, calm.InstallationsAdded, calm.InstallationsRemoved));
        Assert.Equal("13", fixture.Scalar("SELECT count(*) FROM links"));
    }

    [Fact]
    public void Names_of_jobs_rules_and_junk_travel_unharmed()
    {
        using var fixture = new SyncFixture();
        using var other = new SyncFixture();
        foreach (var name in s_names.Where(n => n.Length <= 200))
        {
            fixture.Store.Jobs.Create(fixture.Job with { Id = 0, Name = name });
            Assert.Equal([name], fixture.Store.Jobs.List(Escaped(name)).Select(j => j.Name));
            fixture.Store.JunkIdentifiers.Add(IdentificationAttribute.AssetTag, "A-" + name, name);
            var rule = new IdentificationRule { Name = name, Class = RecordClass.Computer, Conditions = [RuleCondition.Parse("SerialNumber matches"), RuleCondition.Parse("Name matches")] };
            Assert.Equal(name, fixture.Store.IdentificationRules.Create(rule).Name);

            other.Store.Jobs.Import(fixture.Store.Jobs.Export(name), new JobImportOptions { Overwrite = true });
            Assert.Equal(name, other.Store.Jobs.Get(name).Name);
        }

        Assert.Equal(
            fixture.Store.IdentificationRules.List().Select(r => r.Name).Order(StringComparer.Ordinal), other.Store.IdentificationRules.List().Select(r => r.Name).Order(StringComparer.Ordinal));
        Assert.Equal(fixture.Store.JunkIdentifiers.List(source: JunkSource.Own).Select(j => (j.Value, j.Note)).Order(), other.Store.JunkIdentifiers.List(source: JunkSource.Own).Select(j => (j.Value, j.Note)).Order());
    }

    [Theory]
    [InlineData('\0')]
    [InlineData('\ud83d')]
    [InlineData('\ude00')]
    public void What_no_store_can_keep_is_refused_by_name(char character)
    {
        var name = $"a {character} b";
        using var fixture = new SyncFixture();
        Assert.Equal("InvalidText", Assert.Throws<AlloyScanException>(() => fixture.Store.Jobs.Create(fixture.Job with { Id = 0, Name = name })).ErrorId);
        Assert.Single(fixture.Store.Jobs.List());
    }

    [Fact]
    public void Text_for_people_drives_no_terminal_and_data_stay_true()
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var screen = new Screen(output, error, Verbosity.Verbose);
        var run = new SyncRun { Id = 1, Job = s_names[3], StartedAt = FakeSource.T(0), Message = s_names[5] };
        screen.Table(Tables.History([run]));
        screen.Line(s_names[3]);
        screen.Warning(s_names[5]);
        screen.Verbose("\u009b2J");
        screen.Error(s_names[3], s_names[5]);

        Assert.DoesNotMatch(ControlCharacters(), output.ToString() + error);
        Assert.Contains("\u241b[2J\u241b]0;owned\u2407", output.ToString(), StringComparison.Ordinal);
        Assert.Equal(s_names[3], System.Text.Json.JsonDocument.Parse(JsonLine.Of(run)).RootElement.GetProperty("job").GetString());
        Assert.DoesNotContain('\u001b', JsonLine.Of(run));

        var e = new AlloyScanException(ErrorKind.NotFound, "Test", $"The device '{s_names[3]}' is not there.", s_names[3]);
        Assert.DoesNotMatch(ControlCharacters(), e.Message);
        Assert.Equal(s_names[3], e.Target);
        Assert.Equal("a\r\nb\tc", PlainText.Of("a\r\nb\tc"));
        Assert.Equal("a\u240d\u240ab\u2409c", PlainText.Line("a\r\nb\tc"));
        Assert.Same(s_names[7], PlainText.Of(s_names[7]));
    }

    [Fact]
    public void No_statement_is_put_together_from_values()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "AlloyScan.PowerShell.sln")))
            folder = folder.Parent;
        Assert.True(folder is not null, "The sources are not above the tests.");

        var found = Directory.EnumerateFiles(Path.Combine(folder.FullName, "src", "AlloyScan.Engine"), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal))
            .SelectMany(file => File.ReadLines(file).Where(line => QuotedHole().IsMatch(line) && Verb().IsMatch(line)).Select(line => $"{Path.GetFileName(file)}: {line.Trim()}"))
            // Texts of statements rewritten into another dialect, tables of ours by name, and the shipped rules, written into a new store by its schema: constants.
            .Where(line => !line.StartsWith("PostgresSql.cs: ", StringComparison.Ordinal) && !line.StartsWith("StoreCopy.cs: to.Execute($\"SELECT setval(", StringComparison.Ordinal) && !line.StartsWith("PostgresDialect.cs: public override string NewKeys(string table)", StringComparison.Ordinal) && !line.StartsWith("IdentificationPolicy.cs: $\"INSERT INTO identification_rules", StringComparison.Ordinal));
        Assert.Empty(found);
    }

    /// <summary>A pattern that fits the name itself.</summary>
    private static string Escaped(string name)
    {
        var pattern = new StringBuilder();
        foreach (var c in name)
            pattern.Append(c is '*' or '?' or '[' or ']' or '`' ? "`" : string.Empty).Append(c);
        return pattern.ToString();
    }

    [GeneratedRegex("'\\{|\\{[^}]+\\}'")]
    private static partial Regex QuotedHole();

    [GeneratedRegex(@"\b(SELECT .* FROM|INSERT INTO|UPDATE \w+ SET|DELETE FROM|WHERE .* = )")]
    private static partial Regex Verb();

    [GeneratedRegex("[\\x00-\\x08\\x0b-\\x0c\\x0e-\\x1f\\x7f-\\x9f\\u202a-\\u202e\\u2066-\\u2069]")]
    private static partial Regex ControlCharacters();
}
