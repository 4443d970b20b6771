using System.Text;

namespace AlloyScan.ModuleBuilder.Help;

/// <summary>An example of a page.</summary>
internal sealed record Example(string Title, string Code, IReadOnlyList<string> Remarks);

/// <summary>
/// A page of docs/: <c># Name</c>, synopsis, then the sections Syntax, Description, Examples, Parameters, Outputs, Errors, Related.
/// Synopsis, Syntax and Parameters are written by the tool from the cmdlet; the rest is written by people.
/// </summary>
internal sealed class CmdletPage
{
    private readonly List<(string Title, List<string> Lines)> _sections = [];

    private CmdletPage(string name) => Name = name;

    public string Name { get; }

    public string Synopsis { get; private set; } = string.Empty;

    public IReadOnlyList<string> Sections => [.. _sections.Select(section => section.Title)];

    public static CmdletPage Parse(string text)
    {
        var lines = text.ReplaceLineEndings("\n").Split('\n');
        var page = new CmdletPage(lines[0].TrimStart('#', ' '));
        var head = new List<string>();
        List<string> current = head;
        var code = false;
        foreach (var line in lines.Skip(1))
        {
            code ^= line.StartsWith("```", StringComparison.Ordinal);
            if (!code && line.StartsWith("## ", StringComparison.Ordinal))
            {
                current = [];
                page._sections.Add((line[3..].Trim(), current));
                continue;
            }

            current.Add(line);
        }

        page.Synopsis = string.Join(' ', head.Where(line => line.Length > 0));
        return page;
    }

    /// <summary>Lines of a section; none when the page lacks it.</summary>
    public IReadOnlyList<string> Section(string title) => _sections.FirstOrDefault(section => section.Title == title).Lines ?? [];

    /// <summary>Text of a section in paragraphs, tables line by line.</summary>
    public IReadOnlyList<string> Paragraphs(string title) => Paragraphs(Section(title));

    /// <summary>The parameters that the page describes.</summary>
    public IReadOnlyList<string> ParameterNames =>
        [.. Section("Parameters").Where(line => line.StartsWith("### -", StringComparison.Ordinal)).Select(line => line[5..].Trim())];

    public IReadOnlyList<Example> Examples
    {
        get
        {
            var examples = new List<Example>();
            string? title = null;
            var code = new List<string>();
            var remarks = new List<string>();
            var inCode = false;
            foreach (var line in Section("Examples"))
            {
                if (line.StartsWith("```", StringComparison.Ordinal))
                {
                    inCode = !inCode;
                }
                else if (inCode)
                {
                    code.Add(line);
                }
                else if (line.StartsWith("### ", StringComparison.Ordinal))
                {
                    Flush();
                    title = line[4..].Trim();
                }
                else
                {
                    remarks.Add(line);
                }
            }

            Flush();
            return examples;

            void Flush()
            {
                if (title is not null)
                    examples.Add(new Example(title, string.Join('\n', code), Paragraphs(remarks)));

                code.Clear();
                remarks.Clear();
            }
        }
    }

    /// <summary>The page with the parts that the tool writes brought in step with the cmdlet.</summary>
    public string Refresh(Cmdlet cmdlet)
    {
        var text = new StringBuilder();
        text.Append($"# {cmdlet.Name}\n\n{cmdlet.Synopsis}\n");
        Generated("Syntax", $"```powershell\n{string.Join("\n\n", Syntax.Lines(cmdlet))}\n```");
        Handwritten("Description", "TODO");
        Handwritten("Examples", "TODO");
        Generated("Parameters", Parameters(cmdlet));
        Handwritten("Outputs", string.Join("\n\n", cmdlet.Outputs.Select(output => $"### {output}").DefaultIfEmpty("None.")));
        Handwritten("Errors", "TODO");
        Handwritten("Related", "TODO");
        return text.ToString();

        void Generated(string title, string content) => text.Append($"\n## {title}\n\n{content}\n");

        void Handwritten(string title, string otherwise)
        {
            var content = string.Join('\n', Section(title)).Trim('\n');
            Generated(title, content.Length > 0 ? content : otherwise);
        }
    }

    private static string Parameters(Cmdlet cmdlet) =>
        cmdlet.Parameters.Count == 0
            ? "None of its own."
            : string.Join("\n\n", cmdlet.Parameters.Select(parameter => $"### -{parameter.Name}\n\n{parameter.Text}\n\n{Facts(cmdlet, parameter)}"));

    private static string Facts(Cmdlet cmdlet, CmdletParameter parameter)
    {
        var facts = new List<string> { $"Type: `{parameter.Type}`" };
        if (parameter.Values is { } values)
            facts.Add($"Values: {values}");

        if (parameter.Sets.Any(set => set.Mandatory))
            facts.Add("Mandatory");

        if (parameter.Sets.Select(set => set.Position).FirstOrDefault(position => position is not null) is { } at)
            facts.Add($"Position: {at}");

        if (parameter.Sets.Any(set => set.FromPipeline))
            facts.Add("From the pipeline");

        if (parameter.Sets.Any(set => set.FromPipelineByName))
            facts.Add("From the pipeline by property name");

        if (parameter.Wildcards)
            facts.Add("Wildcards");

        if (parameter.Aliases.Count > 0)
            facts.Add($"Aliases: {string.Join(", ", parameter.Aliases)}");

        var sets = parameter.Sets.Select(set => set.Set).ToArray();
        if (cmdlet.Sets.Count > 1 && !sets.Contains(CmdletParameter.AllSets))
            facts.Add($"Parameter sets: {string.Join(", ", sets)}");

        return string.Join(" · ", facts);
    }

    private static List<string> Paragraphs(IEnumerable<string> lines)
    {
        var paragraphs = new List<string>();
        var current = new List<string>();
        var code = false;
        foreach (var line in MarkdownTable.ToLines(lines).Append(string.Empty))
        {
            if (line.StartsWith("```", StringComparison.Ordinal))
            {
                code = !code;
                continue;
            }

            var ownLine = code || line.StartsWith("- ", StringComparison.Ordinal);
            if ((line.Length == 0 || ownLine) && current.Count > 0)
            {
                paragraphs.Add(string.Join(' ', current));
                current.Clear();
            }

            if (ownLine)
                paragraphs.Add(code ? "    " + line : line);
            else if (line.Length > 0)
                current.Add(line.Trim());
        }

        return paragraphs;
    }
}
