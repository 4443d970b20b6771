using System.Collections.Concurrent;
using System.Reflection;
using System.Runtime.Loader;

namespace AlloyScan.PowerShell.Loader;

/// <summary>
/// The module's own load context: our Newtonsoft.Json, RestSharp and SQLite never meet those of PowerShell or of another module.
/// This assembly is the only one of the module in the default context.
/// </summary>
public sealed class LoadContext : AssemblyLoadContext
{
    private const string ModuleAssembly = "AlloyScan.PowerShell";

    private static readonly ConcurrentDictionary<string, Lazy<Assembly>> s_loaded = new(StringComparer.OrdinalIgnoreCase);

    private readonly AssemblyDependencyResolver _resolver;

    private LoadContext(string assemblyPath)
        : base(ModuleAssembly)
    {
        _resolver = new AssemblyDependencyResolver(assemblyPath);
    }

    /// <summary>
    /// Loads the module's assembly from a folder, once: a second import in the same process gets the same assembly.
    /// Another version of the module, in another folder, gets a context of its own.
    /// </summary>
    /// <param name="folder">Folder of AlloyScan.PowerShell.dll.</param>
    /// <returns>AlloyScan.PowerShell.dll in its own context.</returns>
    public static Assembly Initialize(string folder)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(folder);

        // Lazy runs its factory once even when two runspaces import at the same moment; GetOrAdd alone would not.
        return s_loaded.GetOrAdd(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)), static path => new Lazy<Assembly>(() =>
        {
            var assemblyPath = Path.Combine(path, ModuleAssembly + ".dll");
            return new LoadContext(assemblyPath).LoadFromAssemblyPath(assemblyPath);
        })).Value;
    }

    /// <inheritdoc/>
    protected override Assembly? Load(AssemblyName assemblyName)
    {
        ArgumentNullException.ThrowIfNull(assemblyName);

        // Null sends the request to the default context: System.Management.Automation, the framework, this assembly.
        return _resolver.ResolveAssemblyToPath(assemblyName) is { } path ? LoadFromAssemblyPath(path) : null;
    }

    /// <inheritdoc/>
    protected override nint LoadUnmanagedDll(string unmanagedDllName) =>
        _resolver.ResolveUnmanagedDllToPath(unmanagedDllName) is { } path ? LoadUnmanagedDllFromPath(path) : 0;
}
