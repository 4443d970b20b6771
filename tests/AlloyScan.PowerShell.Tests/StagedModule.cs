using System.Reflection;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using AlloyScan.ModuleBuilder.Help;

namespace AlloyScan.PowerShell.Tests;

/// <summary>The module as the build has laid it out, and the sources it came from.</summary>
internal static partial class StagedModule
{
    public static string Root { get; } = Metadata("RepositoryRoot");

    public static string Version { get; } = Metadata("ModuleVersion");

    public static string Folder { get; } = Path.Combine(Root, "output", "AlloyScan.PowerShell", Version);

    public static string Bin { get; } = Path.Combine(Folder, "bin", "net8.0");

    public static string Docs { get; } = Path.Combine(Root, "docs");

    public static IReadOnlyList<Cmdlet> Cmdlets { get; } = CmdletSurface.Read();

    public static string Manifest { get; } = File.ReadAllText(Path.Combine(Folder, "AlloyScan.PowerShell.psd1"));

    public static XDocument Help { get; } = XDocument.Load(Path.Combine(Folder, "en-US", "AlloyScan.PowerShell.dll-Help.xml"));

    public static XDocument Formats { get; } = XDocument.Load(Path.Combine(Folder, "AlloyScan.PowerShell.Format.ps1xml"));

    public static XDocument Types { get; } = XDocument.Load(Path.Combine(Folder, "AlloyScan.PowerShell.Types.ps1xml"));

    /// <summary>The texts of a list in the manifest.</summary>
    public static string[] ManifestList(string key)
    {
        var list = Regex.Match(Manifest, $@"^\s*{key}\s*=\s*@\(([^)]*)\)", RegexOptions.Multiline);
        return [.. Quoted().Matches(list.Groups[1].Value).Select(match => match.Groups[1].Value)];
    }

    public static CmdletPage Page(string cmdlet) => CmdletPage.Parse(File.ReadAllText(Path.Combine(Docs, cmdlet + ".md")));

    private static string Metadata(string key) =>
        typeof(StagedModule).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(attribute => attribute.Key == key).Value!;

    [GeneratedRegex("'([^']*)'")]
    private static partial Regex Quoted();
}
