using System.Reflection;
using System.Runtime.Loader;
using System.Text.Json;
using AlloyScan.PowerShell.Loader;

namespace AlloyScan.PowerShell.Tests;

public class StagingTests
{
    private static readonly string[] s_runtimes = ["linux-arm64", "linux-musl-x64", "linux-x64", "osx-arm64", "osx-x64", "win-arm64", "win-x64"];

    [Fact]
    public void The_host_brings_its_own_assemblies()
    {
        var files = Directory.EnumerateFiles(StagedModule.Bin, "*.dll").Select(Path.GetFileName).ToArray();
        Assert.DoesNotContain("System.Management.Automation.dll", files);
        Assert.DoesNotContain("System.Text.Json.dll", files);
    }

    [Fact]
    public void Dependencies_are_few_and_known()
    {
        string[] expected =
        [
            "AlloyScan.Engine.dll", "AlloyScan.PowerShell.Loader.dll", "AlloyScan.PowerShell.dll", "BouncyCastle.Cryptography.dll", "Dapper.dll", "MailKit.dll", "Microsoft.Bcl.Cryptography.dll", "Microsoft.Data.Sqlite.dll", "Microsoft.Extensions.DependencyInjection.Abstractions.dll",
            "Microsoft.Extensions.Logging.Abstractions.dll", "Microsoft.OpenApi.dll", "MimeKit.dll", "Newtonsoft.Json.dll", "NodaTime.dll", "Npgsql.dll", "Polly.Core.dll", "RestSharp.dll", "SQLitePCLRaw.batteries_v2.dll", "SQLitePCLRaw.core.dll", "SQLitePCLRaw.provider.e_sqlite3.dll",
            "System.Diagnostics.DiagnosticSource.dll", "System.Formats.Asn1.dll", "System.Security.Cryptography.Pkcs.dll", "System.Security.Cryptography.ProtectedData.dll",
        ];
        // A new one is a decision: say in Directory.Packages.props what it is for.
        Assert.Equal(expected, Directory.EnumerateFiles(StagedModule.Bin, "*.dll").Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Native_SQLite_is_there_for_the_supported_platforms_and_no_others()
    {
        var runtimes = Path.Combine(StagedModule.Bin, "runtimes");
        Assert.Equal(s_runtimes, Directory.EnumerateDirectories(runtimes).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.All(s_runtimes, rid => Assert.Single(Directory.EnumerateFiles(Path.Combine(runtimes, rid, "native"), "*e_sqlite3.*")));
    }

    [Fact]
    public void The_dependency_list_names_no_file_that_is_not_there()
    {
        using var deps = JsonDocument.Parse(File.ReadAllText(Path.Combine(StagedModule.Bin, "AlloyScan.PowerShell.deps.json")));
        var assets = deps.RootElement.GetProperty("targets").EnumerateObject()
            .SelectMany(target => target.Value.EnumerateObject())
            .SelectMany(library => library.Value.TryGetProperty("runtimeTargets", out var targets) ? targets.EnumerateObject() : [])
            .Select(asset => asset.Name)
            .ToArray();
        Assert.Equal(s_runtimes.Length, assets.Length);
        Assert.All(assets, asset => Assert.True(File.Exists(Path.Combine(StagedModule.Bin, asset)), asset));
    }

    [Fact]
    public void The_sample_site_is_there_with_what_dotnet_needs_to_start_it()
    {
        foreach (var file in new[] { "AlloyScan.SampleSite.dll", "AlloyScan.SampleSite.runtimeconfig.json", "AlloyScan.SampleSite.deps.json" })
            Assert.True(File.Exists(Path.Combine(StagedModule.Folder, "samplesite", file)), file);
    }

    [Fact]
    public void Each_assembly_carries_the_version_of_the_build()
    {
        foreach (var name in new[] { "AlloyScan.Engine.dll", "AlloyScan.PowerShell.dll", "AlloyScan.PowerShell.Loader.dll" })
            Assert.Equal(StagedModule.Version, AssemblyName.GetAssemblyName(Path.Combine(StagedModule.Bin, name)).Version!.ToString(3));
    }

    [Fact]
    public void The_module_loads_its_dependencies_into_its_own_context_beside_others_of_the_same_name()
    {
        // This process has a Newtonsoft.Json of its own in the default context, as PowerShell has.
        var theirs = Assembly.Load("Newtonsoft.Json");
        Assert.Same(AssemblyLoadContext.Default, AssemblyLoadContext.GetLoadContext(theirs));

        var module = LoadContext.Initialize(StagedModule.Bin);
        var context = AssemblyLoadContext.GetLoadContext(module)!;
        var ours = context.LoadFromAssemblyName(new AssemblyName("Newtonsoft.Json"));
        var engine = context.LoadFromAssemblyName(new AssemblyName("AlloyScan.Engine"));

        Assert.IsType<LoadContext>(context);
        Assert.NotSame(theirs, ours);
        Assert.Equal(Path.Combine(StagedModule.Bin, "Newtonsoft.Json.dll"), ours.Location);
        Assert.Same(context, AssemblyLoadContext.GetLoadContext(engine));
    }

    [Fact]
    public void The_loader_itself_stays_in_the_default_context()
    {
        var context = AssemblyLoadContext.GetLoadContext(LoadContext.Initialize(StagedModule.Bin))!;
        var loader = context.LoadFromAssemblyName(typeof(LoadContext).Assembly.GetName());
        Assert.Same(AssemblyLoadContext.Default, AssemblyLoadContext.GetLoadContext(typeof(LoadContext).Assembly));
        Assert.Same(typeof(LoadContext).Assembly, loader);
    }

    [Fact]
    public void Imports_at_the_same_time_get_one_assembly()
    {
        var assemblies = new Assembly[16];
        Parallel.For(0, assemblies.Length, i => assemblies[i] = LoadContext.Initialize(i % 2 == 0 ? StagedModule.Bin : StagedModule.Bin + Path.DirectorySeparatorChar));
        Assert.Single(assemblies.Distinct());
    }
}
