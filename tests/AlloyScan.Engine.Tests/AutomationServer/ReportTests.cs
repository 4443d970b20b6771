using System.Globalization;
using System.Text.Json;
using AlloyScan.AutomationServer;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Tests.Sync;
using static AlloyScan.Engine.Tests.Sync.SyncFixture;

namespace AlloyScan.Engine.Tests.AutomationServer;

/// <summary><c>report</c>: what one run did, on the screen, as a page and as lines of JSON.</summary>
public sealed class ReportTests : IAsyncLifetime, IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly SyncFixture _fixture = new();
    private long _first;
    private long _second;
    private long _third;

    private string Store => _fixture.Store.Location.Path;

    public async Task InitializeAsync()
    {
        _fixture.Source.Add(Device("a", "PC-<b>1</b>", "SN1"), Snapshot("s-a", null, "Windows", ("Editor", "1.0")));
        _fixture.Source.Add(Device("b", "PC-2\u001b[31m", "SN2"), Snapshot("s-b"));
        // Its snapshot is not there.
        _fixture.Source.Add(Device("c", "PC-3", "SN3") with { AuditId = "s-c" });
        _first = (await _fixture.RunAsync()).Id;
        _fixture.Source.Snapshots["s-c"] = Snapshot("s-c");
        _fixture.Source.Audit("a", s => s with { User = new SnapshotUser { Login = "CORP\\new" } });
        _second = (await _fixture.RunAsync()).Id;
        _third = (await _fixture.RunAsync()).Id;
    }

    public Task DisposeAsync() => Task.CompletedTask;

    public void Dispose()
    {
        _fixture.Dispose();
        _folder.Dispose();
    }

    private Task<ProgramRun> ReportAsync(long run, params string[] more) =>
        ProgramRun.Of(["report", run.ToString(CultureInfo.InvariantCulture), "--store", Store, .. more]);

    [Fact]
    public async Task The_screen_shows_counts_changes_and_errors()
    {
        var first = await ReportAsync(_first);
        Assert.True(first.ExitCode == ExitCode.Done, first.All);
        Assert.Contains($"Run {_first} of 'HQ'", first.Output, StringComparison.Ordinal);
        Assert.Contains("Partially succeeded in", first.Output, StringComparison.Ordinal);
        Assert.Contains("2 Create", first.Output, StringComparison.Ordinal);
        Assert.Contains("1 device failed.", first.Output, StringComparison.Ordinal);
        Assert.Contains("SnapshotNotFound", first.Output, StringComparison.Ordinal);
        // A device's name does not drive the terminal.
        Assert.DoesNotContain('\u001b', first.Output);

        var second = await ReportAsync(_second);
        Assert.Contains("CORP\\new", second.Output, StringComparison.Ordinal);
        Assert.Contains("It changed no CI and no link.", (await ReportAsync(_third)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_page_holds_all_and_no_markup_of_others()
    {
        var path = _folder.File("run.html");
        await File.WriteAllTextAsync(path, "an older report");
        var written = await ReportAsync(_first, "--html", path);
        Assert.True(written.ExitCode == ExitCode.Done, written.All);
        Assert.Contains(path, written.Output, StringComparison.Ordinal);

        var page = await File.ReadAllTextAsync(path);
        Assert.StartsWith("<!DOCTYPE html>", page, StringComparison.Ordinal);
        Assert.EndsWith("</html>\n", page, StringComparison.Ordinal);
        Assert.Contains("PC-&lt;b&gt;1&lt;/b&gt;", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<b>", page, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', page);
        Assert.Contains("SnapshotNotFound", page, StringComparison.Ordinal);
        Assert.Contains("<td class=\"PartiallySucceeded\">Partially succeeded</td>", page, StringComparison.Ordinal);
        Assert.Equal([path], Directory.GetFiles(Path.GetDirectoryName(path)!));
    }

    [Fact]
    public async Task Lines_of_JSON_end_with_the_run()
    {
        var lines = (await ReportAsync(_first, "--json")).Output.TrimEnd().Split('\n').Select(line => JsonDocument.Parse(line).RootElement).ToList();
        Assert.Equal(4, lines.Count);
        Assert.Equal(2, lines.Count(l => l.TryGetProperty("action", out var action) && action.GetString() == "Create"));
        Assert.Equal("c", lines[2].GetProperty("device_id").GetString());
        Assert.Equal((_first, 2), (lines[3].GetProperty("id").GetInt64(), lines[3].GetProperty("exit_code").GetInt32()));

        Assert.Equal(3, (await ReportAsync(_first, "--json", "--limit", "1")).Output.TrimEnd().Split('\n').Length);
    }

    [Fact]
    public async Task What_cannot_be_reported_or_written_is_said()
    {
        var unknown = await ReportAsync(999);
        Assert.Equal(ExitCode.Failed, unknown.ExitCode);
        Assert.Contains("There is no run 999", unknown.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Usage, (await ProgramRun.Of("report", "last", "--store", Store)).ExitCode);
        Assert.Equal(ExitCode.Usage, (await ReportAsync(_first, "--limit", "-1")).ExitCode);

        var nowhere = await ReportAsync(_first, "--html", Path.Combine(_folder.File("no"), "such", "run.html"));
        Assert.Equal(ExitCode.Failed, nowhere.ExitCode);
        Assert.Contains("cannot be written", nowhere.Error, StringComparison.Ordinal);
    }
}
