using System.Xml.Linq;
using AlloyScan.ModuleBuilder.Help;

namespace AlloyScan.PowerShell.Tests;

public class HelpTests
{
    private static readonly XNamespace s_command = "http://schemas.microsoft.com/maml/dev/command/2004/10";
    private static readonly XNamespace s_maml = "http://schemas.microsoft.com/maml/2004/10";

    public static TheoryData<string> Names => [.. StagedModule.Cmdlets.Select(cmdlet => cmdlet.Name)];

    private static Cmdlet Cmdlet(string name) => StagedModule.Cmdlets.Single(cmdlet => cmdlet.Name == name);

    [Fact]
    public void Each_cmdlet_has_a_page_and_each_page_a_cmdlet()
    {
        var pages = Directory.EnumerateFiles(StagedModule.Docs, "*-*.md").Select(path => Path.GetFileNameWithoutExtension(path)!);
        Assert.Equal(StagedModule.Cmdlets.Select(cmdlet => cmdlet.Name), pages.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void The_help_file_has_exactly_the_cmdlets()
    {
        var names = StagedModule.Help.Descendants(s_command + "details").Select(details => details.Element(s_command + "name")!.Value);
        Assert.Equal(StagedModule.Cmdlets.Select(cmdlet => cmdlet.Name), names);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_page_is_in_step_with_its_cmdlet(string name)
    {
        var page = File.ReadAllText(Path.Combine(StagedModule.Docs, name + ".md")).ReplaceLineEndings("\n");
        // If this fails: dotnet run --project tools/AlloyScan.ModuleBuilder -- docs --root .
        Assert.Equal(CmdletPage.Parse(page).Refresh(Cmdlet(name)), page);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_page_describes_the_parameters_that_there_are(string name) =>
        Assert.Equal(Cmdlet(name).Parameters.Select(parameter => parameter.Name), StagedModule.Page(name).ParameterNames);

    [Theory]
    [MemberData(nameof(Names))]
    public void A_page_has_its_sections_and_nothing_left_to_do(string name)
    {
        Assert.Equal(["Syntax", "Description", "Examples", "Parameters", "Outputs", "Errors", "Related"], StagedModule.Page(name).Sections);
        Assert.DoesNotContain("TODO", File.ReadAllText(Path.Combine(StagedModule.Docs, name + ".md")), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_page_has_three_examples_that_name_the_cmdlet_and_say_what_they_do(string name)
    {
        var examples = StagedModule.Page(name).Examples;
        Assert.True(examples.Count >= 3, $"{examples.Count} examples");
        Assert.Contains(examples, example => example.Code.Contains('|', StringComparison.Ordinal) || Cmdlet(name).Parameters.All(p => p.Sets.All(s => !s.FromPipeline && !s.FromPipelineByName)));
        Assert.All(examples, example => Assert.NotEmpty(example.Remarks));
        Assert.All(examples, example => Assert.Contains(name.Split('-')[1], example.Code + example.Title, StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_page_names_each_type_that_the_cmdlet_emits(string name)
    {
        var outputs = StagedModule.Page(name).Section("Outputs").Where(line => line.StartsWith("### ", StringComparison.Ordinal)).Select(line => line[4..]);
        Assert.Equal(Cmdlet(name).Outputs.Order(), outputs.Order());
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Related_pages_exist(string name)
    {
        var links = StagedModule.Page(name).Section("Related").Where(line => line.StartsWith("- [", StringComparison.Ordinal)).Select(line => line.Split('(', ')')[1]).ToArray();
        Assert.NotEmpty(links);
        Assert.All(links, link => Assert.True(File.Exists(Path.Combine(StagedModule.Docs, link)), link));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void The_help_file_says_of_the_parameters_what_the_cmdlet_declares(string name)
    {
        var command = StagedModule.Help.Root!.Elements(s_command + "command").Single(c => c.Element(s_command + "details")!.Element(s_command + "name")!.Value == name);
        var described = command.Element(s_command + "parameters")!.Elements(s_command + "parameter").ToDictionary(p => p.Element(s_maml + "name")!.Value, p => p.Element(s_maml + "description")!.Value);
        Assert.Equal(Cmdlet(name).Parameters.Select(parameter => parameter.Name), described.Keys);
        Assert.All(described.Values, Assert.NotEmpty);
        Assert.Equal(Cmdlet(name).Sets.Count, command.Element(s_command + "syntax")!.Elements().Count());
        Assert.True(command.Element(s_command + "examples")!.Elements().Count() >= 3);
    }

    [Fact]
    public void Each_about_page_is_staged_as_text()
    {
        var pages = Directory.EnumerateFiles(StagedModule.Docs, "about_*.md").Select(path => Path.GetFileNameWithoutExtension(path)!).ToArray();
        Assert.Contains("about_AlloyScan", pages);
        foreach (var page in pages)
        {
            var text = File.ReadAllLines(Path.Combine(StagedModule.Folder, "en-US", page + ".help.txt"));
            Assert.Equal("TOPIC", text[0]);
            Assert.All(text, line => Assert.True(line.Length <= 120, line));
        }
    }
}
