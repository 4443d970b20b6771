using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using AlloyScan.ModuleBuilder.Help;

namespace AlloyScan.ModuleBuilder;

/// <summary>Where the module's parts come from and where they go.</summary>
internal sealed record ModuleLayout(string Root, string Output, string Configuration, string Version)
{
    public const string ModuleName = "AlloyScan.PowerShell";

    public string BinOf(string project, string framework) => Path.Combine(Root, "src", project, "bin", Configuration, framework);
}

/// <summary>Lays the module out as PowerShell wants it.</summary>
internal static partial class ModuleStager
{
    /// <summary>Platforms whose native SQLite is shipped.</summary>
    public static readonly string[] RuntimeIds = ["win-x64", "win-arm64", "linux-x64", "linux-arm64", "linux-musl-x64", "osx-x64", "osx-arm64"];

    // Tools and editors keep an imported module's files open, so files that are right already are left alone.
    public static void Stage(ModuleLayout layout)
    {
        var files = new SortedDictionary<string, byte[]>(StringComparer.Ordinal);
        AddSources(layout, files);
        AddAssemblies(layout, files);
        AddSampleSite(layout, files);
        AddHelp(layout, files);

        foreach (var (path, content) in files)
            WriteIfChanged(Path.Combine(layout.Output, path), content);

        RemoveOthers(layout.Output, files.Keys);
        WriteIfChanged(Path.Combine(layout.Root, "output", ModuleLayout.ModuleName + ".nuspec"), Utf8(Nuspec(layout)));
    }

    private static void AddSources(ModuleLayout layout, SortedDictionary<string, byte[]> files)
    {
        foreach (var path in Directory.EnumerateFiles(Path.Combine(layout.Root, "module")))
        {
            var text = File.ReadAllText(path);
            if (path.EndsWith(".psd1", StringComparison.Ordinal))
                text = Stamp(text, layout.Version);

            files.Add(Path.GetFileName(path), Utf8(text));
        }

        foreach (var name in new[] { "LICENSE", "CHANGELOG.md" })
        {
            if (File.Exists(Path.Combine(layout.Root, name)))
                files.Add(name, File.ReadAllBytes(Path.Combine(layout.Root, name)));
        }
    }

    private static string Stamp(string manifest, string version)
    {
        var stamped = ModuleVersionLine().Replace(manifest, $"${{1}}'{version.Split('-')[0]}'");
        return stamped == manifest ? throw new InvalidDataException("The manifest has no line ModuleVersion = '0.0.0' to put the version into.") : stamped;
    }

    private static void AddAssemblies(ModuleLayout layout, SortedDictionary<string, byte[]> files)
    {
        var bin = layout.BinOf(ModuleLayout.ModuleName, "net8.0");
        foreach (var path in Directory.EnumerateFiles(bin, "*.dll"))
            files.Add("bin/net8.0/" + Path.GetFileName(path), File.ReadAllBytes(path));

        foreach (var rid in RuntimeIds)
        {
            var native = Path.Combine(bin, "runtimes", rid, "native");
            if (!Directory.Exists(native))
                throw new InvalidDataException($"There is no native SQLite for {rid} in {bin}.");

            foreach (var path in Directory.EnumerateFiles(native))
                files.Add($"bin/net8.0/runtimes/{rid}/native/{Path.GetFileName(path)}", File.ReadAllBytes(path));
        }

        var loader = layout.BinOf(ModuleLayout.ModuleName + ".Loader", "net8.0");
        files.Add("bin/net8.0/AlloyScan.PowerShell.Loader.dll", File.ReadAllBytes(Path.Combine(loader, "AlloyScan.PowerShell.Loader.dll")));

        var deps = JsonNode.Parse(File.ReadAllText(Path.Combine(bin, ModuleLayout.ModuleName + ".deps.json")))!;
        Prune(deps, path => files.ContainsKey("bin/net8.0/" + path));
        files.Add("bin/net8.0/AlloyScan.PowerShell.deps.json", Utf8(deps.ToJsonString(new JsonSerializerOptions { WriteIndented = true })));
    }

    /// <summary>Takes the native libraries that are not shipped out of the dependency list, which must not name files that are not there.</summary>
    private static void Prune(JsonNode deps, Func<string, bool> isStaged)
    {
        foreach (var (_, target) in deps["targets"]!.AsObject())
        {
            foreach (var (_, library) in target!.AsObject())
            {
                if (library!["runtimeTargets"] is not JsonObject assets)
                    continue;

                foreach (var path in assets.Select(asset => asset.Key).Where(path => !isStaged(path)).ToArray())
                    assets.Remove(path);
            }
        }
    }

    private static void AddSampleSite(ModuleLayout layout, SortedDictionary<string, byte[]> files)
    {
        var bin = layout.BinOf("AlloyScan.SampleSite", "net10.0");
        foreach (var path in Directory.EnumerateFiles(bin))
        {
            // The site is started by `dotnet`, so the platform's own executable is not needed.
            if (path.EndsWith(".dll", StringComparison.Ordinal) || path.EndsWith(".runtimeconfig.json", StringComparison.Ordinal) || path.EndsWith(".deps.json", StringComparison.Ordinal))
                files.Add("samplesite/" + Path.GetFileName(path), File.ReadAllBytes(path));
        }
    }

    private static void AddHelp(ModuleLayout layout, SortedDictionary<string, byte[]> files)
    {
        var docs = Path.Combine(layout.Root, "docs");
        files.Add("en-US/AlloyScan.PowerShell.dll-Help.xml", Utf8(MamlWriter.Write(CmdletSurface.Read(), docs)));
        foreach (var path in Directory.EnumerateFiles(docs, "about_*.md"))
            files.Add($"en-US/{Path.GetFileNameWithoutExtension(path)}.help.txt", Utf8(AboutTopic.ToText(File.ReadAllText(path))));
    }

    private static string Nuspec(ModuleLayout layout)
    {
        var cmdlets = CmdletSurface.Read().Select(cmdlet => cmdlet.Name).ToArray();
        XNamespace ns = "http://schemas.microsoft.com/packaging/2011/08/nuspec.xsd";
        string[] tags = ["PSModule", "PSEdition_Core", "Windows", "Linux", "MacOS", "AlloyScan", "CMDB", "PSIncludes_Cmdlet", .. cmdlets.Select(name => "PSCmdlet_" + name), .. cmdlets.Select(name => "PSCommand_" + name)];
        var manifest = File.ReadAllText(Path.Combine(layout.Root, "module", ModuleLayout.ModuleName + ".psd1"));
        return new XDocument(
            new XElement(
                ns + "package",
                new XElement(
                    ns + "metadata",
                    new XElement(ns + "id", ModuleLayout.ModuleName),
                    new XElement(ns + "version", layout.Version),
                    new XElement(ns + "authors", "AlloyScan.PowerShell contributors"),
                    new XElement(ns + "requireLicenseAcceptance", "false"),
                    new XElement(ns + "license", new XAttribute("type", "expression"), "MIT"),
                    new XElement(ns + "description", DescriptionLine().Match(manifest).Groups[1].Value),
                    new XElement(ns + "tags", string.Join(' ', tags))),
                new XElement(
                    ns + "files",
                    new XElement(ns + "file", new XAttribute("src", "**"), new XAttribute("target", string.Empty))))).ToString();
    }

    private static void WriteIfChanged(string path, byte[] content)
    {
        if (File.Exists(path) && File.ReadAllBytes(path).AsSpan().SequenceEqual(content))
            return;

        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        try
        {
            // A process that has the old file mapped keeps it; writing into it would crash that process.
            File.Delete(path);
            File.WriteAllBytes(path, content);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"'{path}' cannot be written: {e.Message} If a PowerShell session has the module imported, close it and build again.", e);
        }
    }

    private static void RemoveOthers(string folder, IEnumerable<string> wanted)
    {
        var keep = wanted.Select(path => Path.GetFullPath(Path.Combine(folder, path))).ToHashSet(StringComparer.OrdinalIgnoreCase);
        foreach (var path in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Where(path => !keep.Contains(Path.GetFullPath(path))).ToArray())
            File.Delete(path);

        foreach (var path in Directory.EnumerateDirectories(folder, "*", SearchOption.AllDirectories).OrderByDescending(path => path.Length).ToArray())
        {
            if (!Directory.EnumerateFileSystemEntries(path).Any())
                Directory.Delete(path);
        }
    }

    private static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);

    [GeneratedRegex(@"^(\s*ModuleVersion\s*=\s*)'0\.0\.0'", RegexOptions.Multiline)]
    private static partial Regex ModuleVersionLine();

    [GeneratedRegex(@"^\s*Description\s*=\s*'([^']*)'", RegexOptions.Multiline)]
    private static partial Regex DescriptionLine();
}
