namespace AlloyScan.Engine.Store;

/// <summary>Where a store is. Today a SQLite file; a PostgreSQL connection string has its place here.</summary>
public sealed record StoreLocation
{
    /// <summary>Environment variable that names the default store.</summary>
    public const string EnvironmentVariable = "ALLOYSCAN_STORE";

    private StoreLocation(string path) => Path = path;

    /// <summary>Full path of the SQLite file.</summary>
    public string Path { get; }

    /// <summary>Finds the store: the argument, else the environment variable, else a file in the user's data folder.</summary>
    /// <param name="argument">What the user gave; <see langword="null"/> or empty for the default.</param>
    /// <exception cref="AlloyScanException">A password in the argument (<c>SecretInArgument</c>), a network path (<c>StoreOnNetworkPath</c>), or a connection string of a kind that cannot be used (<c>UnsupportedStore</c>).</exception>
    public static StoreLocation Resolve(string? argument = null)
    {
        if (!string.IsNullOrWhiteSpace(argument))
            return Parse(argument, fromArgument: true);

        var fromEnvironment = Environment.GetEnvironmentVariable(EnvironmentVariable);
        if (!string.IsNullOrWhiteSpace(fromEnvironment))
            return Parse(fromEnvironment, fromArgument: false);

        var folder = Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify);
        return new StoreLocation(System.IO.Path.Combine(folder, "AlloyScan", "alloyscan.db"));
    }

    private static StoreLocation Parse(string text, bool fromArgument)
    {
        if (LooksLikeConnectionString(text))
        {
            // The text may hold a password, so no message quotes it.
            if (fromArgument && ContainsPassword(text))
            {
                throw new AlloyScanException(
                    ErrorKind.InvalidArgument, "SecretInArgument",
                    "The store was given with a password in it, which the process list and the history would show.",
                    advice: $"Put the connection string into the environment variable {EnvironmentVariable}, or the password into PGPASSWORD or a passfile.");
            }

            throw new AlloyScanException(
                ErrorKind.InvalidArgument, "UnsupportedStore",
                "The store is given as a connection string; this version keeps its store in a SQLite file.",
                advice: "Give the path of a file.");
        }

        var full = System.IO.Path.GetFullPath(text);
        if (IsNetworkPath(full))
        {
            throw new AlloyScanException(
                ErrorKind.InvalidArgument, "StoreOnNetworkPath",
                $"The store '{full}' is on a network path, where SQLite's locks cannot be trusted.", full,
                "Use a local file on the one host that runs the jobs; for several hosts the store belongs into PostgreSQL.");
        }

        return new StoreLocation(full);
    }

    private static bool LooksLikeConnectionString(string text) =>
        text.Contains("://", StringComparison.Ordinal)
        || (text.Contains('=', StringComparison.Ordinal)
            && (text.Contains("host", StringComparison.OrdinalIgnoreCase) || text.Contains("server", StringComparison.OrdinalIgnoreCase) || text.Contains("database", StringComparison.OrdinalIgnoreCase)));

    private static bool ContainsPassword(string text)
    {
        if (text.Contains("password", StringComparison.OrdinalIgnoreCase) || text.Contains("pwd", StringComparison.OrdinalIgnoreCase))
            return true;

        // postgres://user:password@host/db
        return Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.UserInfo.Contains(':', StringComparison.Ordinal);
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
