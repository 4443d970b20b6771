using System.Text.RegularExpressions;

namespace AlloyScan.Engine.Store;

/// <summary>Where a store is: a SQLite file, or a schema of a PostgreSQL database.</summary>
public sealed partial record StoreLocation
{
    /// <summary>Environment variable that names the default store.</summary>
    public const string EnvironmentVariable = "ALLOYSCAN_STORE";

    private StoreLocation(string path) => Path = path;

    private StoreLocation(PostgresAddress address)
    {
        Postgres = address;
        Path = address.ToString();
    }

    /// <summary>Full path of the SQLite file; for PostgreSQL the address of database and schema, without a password.</summary>
    public string Path { get; }

    /// <summary>Whether the store is in PostgreSQL.</summary>
    public bool IsPostgres => Postgres is not null;

    internal PostgresAddress? Postgres { get; }

    /// <summary>Finds the store: the argument, else the environment variable, else a file in the user's data folder.</summary>
    /// <param name="argument">What the user gave; <see langword="null"/> or empty for the default.</param>
    /// <exception cref="AlloyScanException">A password in the argument (<c>SecretInArgument</c>), a network path (<c>StoreOnNetworkPath</c>), or a connection string that cannot be used (<c>UnsupportedStore</c>).</exception>
    public static StoreLocation Resolve(string? argument = null)
    {
        var fromEnvironment = Environment.GetEnvironmentVariable(EnvironmentVariable);
        if (!string.IsNullOrWhiteSpace(argument))
            return Parse(argument.Trim(), fromArgument: true, fromEnvironment);

        if (!string.IsNullOrWhiteSpace(fromEnvironment))
            return FromEnvironment(fromEnvironment.Trim());

        var folder = Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify);
        return new StoreLocation(System.IO.Path.Combine(folder, "AlloyScan", "alloyscan.db"));
    }

    /// <summary>Whether a text names a database and not a file.</summary>
    /// <param name="text">What the user gave.</param>
    public static bool IsConnectionString(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return text.Contains("://", StringComparison.Ordinal) || ServerKey().IsMatch(text);
    }

    /// <summary>A store as the environment variable names it, with a password in it or not.</summary>
    internal static StoreLocation FromEnvironment(string text) => Parse(text, fromArgument: false, null);

    private static StoreLocation Parse(string text, bool fromArgument, string? environment)
    {
        if (IsConnectionString(text))
        {
            // The text may hold a password, so no message quotes it.
            if (fromArgument && PostgresAddress.HoldsPassword(text))
            {
                throw new AlloyScanException(
                    ErrorKind.InvalidArgument, "SecretInArgument",
                    "The store was given with a password in it, which the process list and the history would show.",
                    advice: $"Put the connection string into the environment variable {EnvironmentVariable}, or the password into PGPASSWORD or a passfile.");
            }

            var address = PostgresAddress.Parse(text);
            // Objects carry their store without its password: what the variable says of the same place counts for them too.
            if (fromArgument && environment is not null && IsConnectionString(environment) && PostgresAddress.TryParse(environment) is { } known && known.ToString() == address.ToString())
                address = known;
            return new StoreLocation(address);
        }

        var full = FullPath(text);
        if (IsNetworkPath(full))
        {
            throw new AlloyScanException(
                ErrorKind.InvalidArgument, "StoreOnNetworkPath",
                $"The store '{full}' is on a network path, where SQLite's locks cannot be trusted.", full,
                "Use a local file on the one host that runs the jobs; for several hosts the store belongs into PostgreSQL.");
        }

        return new StoreLocation(full);
    }

    [GeneratedRegex(@"(^|;)\s*(host|server)\s*=", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex ServerKey();

    private static string FullPath(string text)
    {
        try
        {
            return System.IO.Path.GetFullPath(text);
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException or PathTooLongException)
        {
            throw new AlloyScanException(ErrorKind.InvalidArgument, "InvalidPath", "The store is given as a text that is no path of a file.", text, "Give the path of a file.", e);
        }
    }

    private static bool IsNetworkPath(string path)
    {
        if (path.StartsWith(@"\\", StringComparison.Ordinal))
            return true;

        try
        {
            // The longest mount point that holds the path decides.
            var drive = DriveInfo.GetDrives()
                .Where(d => path.StartsWith(d.RootDirectory.FullName, OperatingSystem.IsWindows() ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal))
                .MaxBy(d => d.RootDirectory.FullName.Length);
            return drive?.DriveType == DriveType.Network;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <inheritdoc/>
    public override string ToString() => Path;
}
