using System.Globalization;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace AlloyScan.ModuleBuilder.Help;

/// <summary>Writes the help file that Get-Help reads: facts from the cmdlets, words from the pages.</summary>
internal static partial class MamlWriter
{
    private static readonly XNamespace s_maml = "http://schemas.microsoft.com/maml/2004/10";
    private static readonly XNamespace s_command = "http://schemas.microsoft.com/maml/dev/command/2004/10";
    private static readonly XNamespace s_dev = "http://schemas.microsoft.com/maml/dev/2004/10";

    public static string Write(IEnumerable<Cmdlet> cmdlets, string docs)
    {
        var items = new XElement("helpItems", new XAttribute("schema", "maml"));
        foreach (var cmdlet in cmdlets)
        {
            var path = Path.Combine(docs, cmdlet.Name + ".md");
            if (!File.Exists(path))
                throw new InvalidDataException($"There is no page '{path}'. The tool makes its frame: dotnet run --no-build --project tools/AlloyScan.ModuleBuilder -- docs --root .");

            items.Add(Command(cmdlet, CmdletPage.Parse(File.ReadAllText(path))));
        }

        return new XDocument(new XDeclaration("1.0", "utf-8", null), items).ToString();
    }

    private static XElement Command(Cmdlet cmdlet, CmdletPage page) => new(
        s_command + "command",
        new XAttribute(XNamespace.Xmlns + "maml", s_maml),
        new XAttribute(XNamespace.Xmlns + "command", s_command),
        new XAttribute(XNamespace.Xmlns + "dev", s_dev),
        new XElement(
            s_command + "details",
            new XElement(s_command + "name", cmdlet.Name),
            new XElement(s_command + "verb", cmdlet.Name.Split('-')[0]),
            new XElement(s_command + "noun", cmdlet.Name.Split('-')[1]),
            Paragraphs("description", [cmdlet.Synopsis])),
        Paragraphs("description", page.Paragraphs("Description")),
        new XElement(s_command + "syntax", cmdlet.Sets.Select(set => SyntaxItem(cmdlet, set))),
        new XElement(s_command + "parameters", cmdlet.Parameters.Select(parameter => Parameter(parameter, parameter.Sets[0]))),
        new XElement(s_command + "returnValues", cmdlet.Outputs.Select(output => new XElement(
            s_command + "returnValue",
            new XElement(s_dev + "type", new XElement(s_maml + "name", output)),
            Paragraphs("description", [])))),
        new XElement(s_maml + "alertSet", new XElement(s_maml + "alert", page.Paragraphs("Errors").Select(Paragraph))),
        new XElement(s_command + "examples", page.Examples.Select(Example)),
        new XElement(s_command + "relatedLinks", page.Section("Related").Select(line => Link().Match(line)).Where(match => match.Success).Select(match => new XElement(
            s_maml + "navigationLink",
            new XElement(s_maml + "linkText", match.Groups[1].Value),
            new XElement(s_maml + "uri")))));

    private static XElement SyntaxItem(Cmdlet cmdlet, string set) => new(
        s_command + "syntaxItem",
        new XElement(s_maml + "name", cmdlet.Name),
        Syntax.Parameters(cmdlet, set).Select(pair => Parameter(pair.Parameter, pair.InSet)));

    private static XElement Parameter(CmdletParameter parameter, ParameterInSet inSet)
    {
        var pipeline = (inSet.FromPipeline, inSet.FromPipelineByName) switch
        {
            (true, true) => "True (ByValue, ByPropertyName)",
            (true, false) => "True (ByValue)",
            (false, true) => "True (ByPropertyName)",
            _ => "False",
        };
        return new XElement(
            s_command + "parameter",
            new XAttribute("required", Lower(inSet.Mandatory)),
            new XAttribute("variableLength", "true"),
            new XAttribute("globbing", Lower(parameter.Wildcards)),
            new XAttribute("pipelineInput", pipeline),
            new XAttribute("position", inSet.Position?.ToString(CultureInfo.InvariantCulture) ?? "named"),
            new XAttribute("aliases", parameter.Aliases.Count == 0 ? "none" : string.Join(", ", parameter.Aliases)),
            new XElement(s_maml + "name", parameter.Name),
            Paragraphs("description", parameter.Values is { } values ? [parameter.Text, $"Values: {values}."] : [parameter.Text]),
            parameter.IsSwitch
                ? null
                : new XElement(
                    s_command + "parameterValue",
                    new XAttribute("required", "true"),
                    new XAttribute("variableLength", "false"),
                    parameter.Type),
            new XElement(s_dev + "type", new XElement(s_maml + "name", parameter.Type), new XElement(s_maml + "uri")),
            new XElement(s_dev + "defaultValue", parameter.IsSwitch ? "False" : "None"));
    }

    private static XElement Example(Example example) => new(
        s_command + "example",
        new XElement(s_maml + "title", $"--- {example.Title} ---"),
        new XElement(s_dev + "code", example.Code),
        new XElement(s_dev + "remarks", example.Remarks.Append(string.Empty).Select(Paragraph)));

    private static XElement Paragraphs(string name, IEnumerable<string> texts) => new(s_maml + name, texts.Select(Paragraph));

    private static XElement Paragraph(string text) => new(s_maml + "para", Plain(text));

    /// <summary>Markdown's marks are of no use on a console.</summary>
    private static string Plain(string text) => Link().Replace(text, "$1").Replace("`", string.Empty, StringComparison.Ordinal).Replace("**", string.Empty, StringComparison.Ordinal);

    private static string Lower(bool value) => value ? "true" : "false";

    [GeneratedRegex(@"\[([^\]]+)\]\([^)]*\)")]
    private static partial Regex Link();
}
