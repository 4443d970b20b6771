using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace AlloyScan.Engine.Tests.Cluster;

/// <summary>A PostgreSQL server that a test may stop and start, from the packages of the system, on the loopback interface.</summary>
internal sealed class OwnPostgres : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("alloyscan-postgres-").FullName;
    private readonly int _port = FreePort();

    public OwnPostgres()
    {
        Run("chmod", "755", _folder);
        if (Environment.IsPrivilegedProcess)
            Run("chown", Account, _folder);
        RunAsAccount("initdb", "-D", Data, "-U", "alloyscan", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync");
        Start();
    }

    /// <summary>Why there can be none; <see langword="null"/> when there can.</summary>
    public static string? Missing => OperatingSystem.IsWindows() ? "a server of the test's own is started on Linux and macOS only"
        : Binaries is null ? "PostgreSQL is not installed: no initdb in /usr/lib/postgresql/*/bin or on the PATH"
        : Environment.IsPrivilegedProcess && Find("runuser") is null ? "PostgreSQL does not run as root, and there is no runuser"
        : null;

    public string Url => string.Create(CultureInfo.InvariantCulture, $"postgresql://alloyscan@127.0.0.1:{_port}/postgres");

    private string Data => Path.Combine(_folder, "data");

    private static string? Binaries { get; } =
        (Directory.Exists("/usr/lib/postgresql") ? Directory.GetDirectories("/usr/lib/postgresql").Select(d => Path.Combine(d, "bin")).OrderDescending(StringComparer.Ordinal) : Enumerable.Empty<string>())
        .Append(Path.GetDirectoryName(Find("initdb")) ?? string.Empty).FirstOrDefault(d => File.Exists(Path.Combine(d, "initdb")) && File.Exists(Path.Combine(d, "pg_ctl")));

    // It refuses to run as root.
    private static string Account { get; } = File.Exists("/etc/passwd") && File.ReadLines("/etc/passwd").Any(l => l.StartsWith("postgres:", StringComparison.Ordinal)) ? "postgres" : "nobody";

    public void Start() => RunAsAccount(
        "pg_ctl", "-D", Data, "-w", "-t", "60", "-l", Path.Combine(_folder, "data", "log"), "-o",
        string.Create(CultureInfo.InvariantCulture, $"-c listen_addresses=127.0.0.1 -c port={_port} -c unix_socket_directories= -c shared_buffers=32MB -c fsync=off"), "start");

    /// <summary>Stops it as a crash would: no transaction ends, no client is told.</summary>
    public void StopAtOnce() => RunAsAccount("pg_ctl", "-D", Data, "-w", "-m", "immediate", "stop");

    public void Dispose()
    {
        if (File.Exists(Path.Combine(Data, "postmaster.pid")))
            StopAtOnce();
        Directory.Delete(_folder, recursive: true);
    }

    private static void RunAsAccount(string program, params string[] arguments)
    {
        var path = Path.Combine(Binaries!, program);
        if (Environment.IsPrivilegedProcess)
            Run("runuser", ["-u", Account, "--", path, .. arguments]);
        else
            Run(path, arguments);
    }

    private static void Run(string program, params string[] arguments)
    {
        // Its output goes nowhere: the server would keep a pipe open.
        using var process = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", "exec \"$@\" </dev/null >/dev/null 2>&1", "sh", program, .. arguments]) { WorkingDirectory = "/" })!;
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}.");
    }

    private static string? Find(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? string.Empty).Split(Path.PathSeparator).Append("/sbin").Append("/usr/sbin").Select(d => Path.Combine(d, program)).FirstOrDefault(File.Exists);

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}

/// <summary>A test that starts a PostgreSQL server of its own, and is skipped with the reason where it cannot.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class OwnPostgresFactAttribute : FactAttribute
{
    public OwnPostgresFactAttribute()
    {
        // Where the tests of the store run, and only there.
        Skip = TestStore.Server is null ? PostgresFactAttribute.Reason : OwnPostgres.Missing;
    }
}
