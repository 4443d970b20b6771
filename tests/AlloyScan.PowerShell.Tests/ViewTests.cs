using System.Globalization;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using AlloyScan.Engine.Sync;
using AlloyScan.Engine.Sync.Undo;
using AlloyScan.PowerShell.Abstractions;
using AlloyScan.PowerShell.Internal;

namespace AlloyScan.PowerShell.Tests;

public partial class ViewTests
{
    // Text and files are types of .NET, which PowerShell has its own views of.
    private static readonly string[] s_emitted =
        [.. StagedModule.Cmdlets.SelectMany(cmdlet => cmdlet.Outputs).Where(type => !type.StartsWith("System.", StringComparison.Ordinal)).Distinct().Order(StringComparer.Ordinal)];

    public static TheoryData<string> Emitted => [.. s_emitted];

    [Fact]
    public void Each_emitted_type_has_a_table_and_each_table_a_type()
    {
        var tables = StagedModule.Formats.Descendants("View").Where(view => view.Element("TableControl") is not null).Select(view => view.Descendants("TypeName").Single().Value);
        Assert.Equal(s_emitted, tables.Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Emitted))]
    public void A_table_has_four_to_six_columns_that_fit_100_characters(string type)
    {
        var columns = Tables(type).Single().Descendants("TableColumnHeader").ToArray();
        Assert.InRange(columns.Length, 4, 6);
        // The last column takes what is left, and needs some.
        var widths = columns.Select(column => (int?)column.Element("Width")).ToArray();
        Assert.All(widths[..^1], width => Assert.NotNull(width));
        Assert.InRange(widths.Sum(width => (width ?? 10) + 1) - 1, 1, 100);
    }

    [Theory]
    [MemberData(nameof(Emitted))]
    public void What_a_view_shows_exists(string type)
    {
        var clr = Find(type);
        var shown = Views(type).SelectMany(view => view.Descendants("PropertyName")).Select(name => name.Value)
            .Concat(StagedModule.Types.Descendants("Type").Where(t => t.Element("Name")!.Value == type).Descendants("ReferencedProperties").Elements("Name").Select(name => name.Value))
            .Concat(Views(type).SelectMany(view => view.Descendants("ScriptBlock")).SelectMany(script => Property().Matches(script.Value)).Select(match => match.Groups[1].Value));
        Assert.All(shown, name => Assert.NotNull(clr.GetProperty(name)));
    }

    [Fact]
    public void Scripts_of_the_views_call_methods_that_exist()
    {
        var calls = StagedModule.Formats.Descendants("ScriptBlock").SelectMany(script => Call().Matches(script.Value)).Select(match => match.Groups[1].Value).Distinct().ToArray();
        Assert.NotEmpty(calls);
        Assert.All(calls, name => Assert.NotNull(typeof(_Format).GetMethod(name)));
    }

    [Theory]
    [MemberData(nameof(Emitted))]
    public void No_view_shows_a_text_as_it_is_since_it_may_drive_the_terminal(string type)
    {
        var clr = Find(type);
        Assert.All(Views(type).SelectMany(view => view.Descendants("PropertyName")).Select(name => name.Value), name => Assert.NotEqual(typeof(string), clr.GetProperty(name)!.PropertyType));
        Assert.All(
            Views(type).SelectMany(view => view.Descendants("ScriptBlock")).Select(script => script.Value),
            script => Assert.True(script.Contains("_Format]::", StringComparison.Ordinal) || script.EndsWith(".Count", StringComparison.Ordinal), script));
    }

    [Fact]
    public void Cells_that_are_put_together_show_controls_as_signs()
    {
        const string Hostile = "a\u001B[2J\u202Eb\nc";
        string?[] cells =
        [
            _Format.Pairs(new Dictionary<string, string?> { [Hostile] = Hostile }),
            _Format.Undone(new UndoneChange { Outcome = UndoOutcome.LeftAlone, Reason = Hostile }),
            _Format.Share(new Engine.Sync.Guard.SyncPlanSlice { Field = "name", Value = Hostile }),
            _Format.Junk(new Engine.Sync.Identify.JunkIdentifier { Attribute = Engine.Sync.Identify.IdentificationAttribute.SerialNumber, Value = "x", Source = Engine.Sync.Identify.JunkSource.Own, Note = Hostile }),
            _Format.Registration(new Engine.Credentials.ApiUsage { AppRegistration = Hostile, Site = "hq", ClientId = "x" }),
            (string?)_Format.Plain(Hostile),
        ];
        Assert.All(cells, cell => Assert.False(cell!.Any(c => c is '\u001B' or '\u202E' or '\n'), cell));
    }

    [Fact]
    public void No_view_shows_a_licence_key_in_full()
    {
        var installation = "AlloyScan.Engine.Cmdb.DiscoveredInstallation";
        var plain = Views(installation).SelectMany(view => view.Descendants("PropertyName")).Select(name => name.Value).ToArray();
        Assert.DoesNotContain("InstallKey", plain);
        Assert.DoesNotContain("SerialNumber", plain);
    }

    [Theory]
    [InlineData(null, null)]
    [InlineData("", null)]
    [InlineData("ABC", "********")]
    [InlineData("ABCDE-FGHIJ-KLMNO-PQRST-UVWXY", "********VWXY")]
    public void A_key_shows_at_most_its_last_four_characters(string? key, string? shown) => Assert.Equal(shown, _Format.Masked(key));

    [Theory]
    [InlineData(250, "250 ms")]
    [InlineData(12_340, "12.3 s")]
    [InlineData(61_000, "1:01")]
    [InlineData(3_661_000, "1:01:01")]
    public void A_duration_takes_few_characters(int milliseconds, string shown) => Assert.Equal(shown, _Format.Duration(TimeSpan.FromMilliseconds(milliseconds)));

    [Fact]
    public void A_long_text_breaks_between_words()
    {
        Assert.Equal("short", _Format.Lines("short", 10));
        Assert.Equal("one two\nthree\nfour-and-more-words\nfive", _Format.Lines("one two three four-and-more-words five", 8));
        Assert.Null(_Format.Lines(null, 8));
    }

    [Fact]
    public void Machine_readable_cells_do_not_change_with_the_culture()
    {
        var before = CultureInfo.CurrentCulture;
        CultureInfo.CurrentCulture = CultureInfo.GetCultureInfo("de-DE");
        try
        {
            Assert.Equal("1.5 GB", _Format.Size(3L << 29));
            Assert.Equal("12.3 s", _Format.Duration(TimeSpan.FromSeconds(12.34)));
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Fact]
    public void A_change_says_fields_software_and_reason()
    {
        var change = new SyncChange
        {
            Action = ChangeAction.Update,
            Fields = [new FieldChange("name", "PC-1", "PC-2")],
            SoftwareAdded = 2,
            SoftwareRemoved = 1,
            Reason = "Equal ID",
        };
        Assert.Equal("name: PC-1 -> PC-2; software +2 -1; Equal ID", _Format.Change(change));
    }

    [Fact]
    public void A_run_says_the_counts_that_are_not_zero() =>
        Assert.Equal("12 created, 1 conflicts", _Format.Counts(new SyncRun { Created = 12, Conflicts = 1 }));

    [Fact]
    public void A_run_says_what_sort_of_work_it_was()
    {
        Assert.Equal("undo of run 3: 2 updated", _Format.Counts(new SyncRun { Kind = SyncRunKind.Undo, Undoes = 3, Updated = 2 }));
        Assert.Equal("Resolve: 1 created", _Format.Counts(new SyncRun { Kind = SyncRunKind.Resolve, Created = 1 }));
        Assert.Equal("2 updated (undone by run 4)", _Format.Counts(new SyncRun { Updated = 2, UndoneBy = 4 }));
    }

    [Fact]
    public void A_change_that_was_taken_back_says_values_or_reason()
    {
        Assert.Equal("NEW -> (empty)", _Format.Undone(new UndoneChange { Field = "name", OldValue = "NEW" }));
        Assert.Equal("Somebody changed it.", _Format.Undone(new UndoneChange { Outcome = UndoOutcome.LeftAlone, Reason = "Somebody changed it." }));
        Assert.Equal("created by the run", _Format.Undone(new UndoneChange { Outcome = UndoOutcome.Removed, OldValue = "PC-1" }));
    }

    private static IEnumerable<XElement> Views(string type) => StagedModule.Formats.Descendants("View").Where(view => view.Descendants("TypeName").Single().Value == type);

    private static IEnumerable<XElement> Tables(string type) => Views(type).Where(view => view.Element("TableControl") is not null);

    private static Type Find(string type) =>
        typeof(AsyncCmdlet).Assembly.GetType(type) ?? typeof(Engine.AlloyScanException).Assembly.GetType(type, throwOnError: true)!;

    [GeneratedRegex(@"\$_\.([A-Za-z]+)")]
    private static partial Regex Property();

    [GeneratedRegex(@"_Format\]::([A-Za-z]+)\(")]
    private static partial Regex Call();
}
