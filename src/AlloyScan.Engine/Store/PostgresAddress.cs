using System.Data.Common;
using System.Globalization;
using System.Text.RegularExpressions;

namespace AlloyScan.Engine.Store;

/// <summary>
/// A PostgreSQL database and the schema in it that is the store, from a URL or from pairs of keys and values. Knows no type of
/// the driver, which is loaded when the store is opened.
/// </summary>
internal sealed partial record PostgresAddress
{
    /// <summary>Where the tables are when the address does not say.</summary>
    public const string DefaultSchema = "alloyscan";

    private const int DefaultPort = 5432;

    // Keys of libpq that the driver knows by another name. Spaces and underscores do not matter.
    private static readonly Dictionary<string, string> s_names = new(StringComparer.OrdinalIgnoreCase)
    {
        ["server"] = "Host", ["hostaddr"] = "Host", ["user"] = "Username", ["userid"] = "Username", ["uid"] = "Username", ["username"] = "Username", ["dbname"] = "Database", ["db"] = "Database",
        ["sslmode"] = "SSL Mode", ["sslrootcert"] = "Root Certificate", ["sslcert"] = "SSL Certificate", ["sslkey"] = "SSL Key", ["sslpassword"] = "SSL Password",
        ["connecttimeout"] = "Timeout", ["applicationname"] = "Application Name", ["searchpath"] = "Search Path", ["schema"] = "Search Path", ["pwd"] = "Password", ["psw"] = "Password",
    };

    private static readonly HashSet<string> s_secret = new(StringComparer.OrdinalIgnoreCase) { "Password", "SSL Password" };

    // What the store itself decides.
    private static readonly HashSet<string> s_own = new(StringComparer.OrdinalIgnoreCase) { "Pooling", "Enlist", "Multiplexing", "NoResetOnClose", "PersistSecurityInfo", "IncludeErrorDetail", "MaxAutoPrepare", "LogParameters" };

    private PostgresAddress(string host, int port, string? database, string? user, string schema, string connectionString, string shown)
    {
        (Host, Port, Database, User, Schema) = (host, port, database, user, schema);
        ConnectionString = connectionString;
        _shown = shown;
    }

    private readonly string _shown;

    public string Host { get; }

    public int Port { get; }

    public string? Database { get; }

    public string? User { get; }

    /// <summary>The schema that holds the tables.</summary>
    public string Schema { get; }

    /// <summary>For the driver; may hold a password, and goes nowhere else.</summary>
    public string ConnectionString { get; }

    /// <summary>Whether a text has a password in it, or looks as if.</summary>
    public static bool HoldsPassword(string text) => PasswordKey().IsMatch(text) || UrlPassword().IsMatch(text);

    public static PostgresAddress? TryParse(string text)
    {
        try
        {
            return Parse(text);
        }
        catch (AlloyScanException)
        {
            return null;
        }
    }

    /// <exception cref="AlloyScanException">It cannot be used (<c>UnsupportedStore</c>); the message does not quote it.</exception>
    public static PostgresAddress Parse(string text)
    {
        var pairs = text.Contains("://", StringComparison.Ordinal) ? OfUrl(text) : OfPairs(text);
        var builder = new DbConnectionStringBuilder();
        var shown = new SortedDictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        string host = "localhost", schema = DefaultSchema;
        string? database = null, user = null;
        var port = DefaultPort;
        foreach (var (given, value) in pairs)
        {
            var bare = given.Replace(" ", string.Empty, StringComparison.Ordinal).Replace("_", string.Empty, StringComparison.Ordinal);
            var key = s_names.GetValueOrDefault(bare, given.Replace('_', ' '));
            if (s_own.Contains(bare))
                throw Unusable($"'{given}' is decided by the store itself.");

            switch (key.ToUpperInvariant())
            {
                case "HOST":
                    host = value;
                    continue;
                case "PORT":
                    if (!int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out port) || port is < 1 or > 65535)
                        throw Unusable("Its port is not a number from 1 to 65535.");
                    continue;
                case "DATABASE":
                    database = value;
                    continue;
                case "USERNAME":
                    user = value;
                    continue;
                case "SEARCH PATH":
                    schema = value.Trim();
                    continue;
            }

            builder[key] = value;
            if (!s_secret.Contains(key))
                shown[key.Replace(" ", string.Empty, StringComparison.Ordinal).ToLowerInvariant()] = value;
        }

        if (host.Length == 0)
            host = "localhost";
        if (host.Contains(',', StringComparison.Ordinal))
            throw Unusable("It names several servers; a store has one.");
        if (!SchemaName().IsMatch(schema))
            throw Unusable("Its schema is no name of letters, digits and underscores in lower case, or there are several.");
        if (string.IsNullOrEmpty(database))
            throw Unusable("It names no database.");

        builder["Host"] = host;
        builder["Port"] = port.ToString(CultureInfo.InvariantCulture);
        builder["Database"] = database;
        if (user is not null)
            builder["Username"] = user;
        if (schema != DefaultSchema)
            shown["schema"] = schema;
        var place = host.Contains('/', StringComparison.Ordinal) ? Uri.EscapeDataString(host) : host.Contains(':', StringComparison.Ordinal) ? $"[{host.Trim('[', ']')}]" : host;
        var address = string.Create(
            CultureInfo.InvariantCulture,
            $"postgresql://{(user is null ? string.Empty : Uri.EscapeDataString(user) + "@")}{place}{(port == DefaultPort ? string.Empty : $":{port}")}/{Uri.EscapeDataString(database)}");
        if (shown.Count > 0)
            address += "?" + string.Join('&', shown.Select(p => $"{p.Key}={Uri.EscapeDataString(p.Value)}"));
        return new PostgresAddress(host, port, database, user, schema, builder.ConnectionString, address);
    }

    private static List<(string Key, string Value)> OfUrl(string text)
    {
        var match = Url().Match(text);
        if (!match.Success)
            throw Unusable("It is no address such as postgresql://user@host/database.");

        var pairs = new List<(string, string)>();
        Add("Host", match.Groups["host"].Value.Trim('[', ']'));
        Add("Port", match.Groups["port"].Value);
        Add("Database", match.Groups["database"].Value);
        Add("Username", match.Groups["user"].Value);
        Add("Password", match.Groups["password"].Value);
        foreach (var option in match.Groups["options"].Value.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var at = option.IndexOf('=', StringComparison.Ordinal);
            if (at <= 0)
                throw Unusable("What follows its question mark are no pairs of key and value.");
            Add(option[..at], option[(at + 1)..]);
        }

        return pairs;

        void Add(string key, string value)
        {
            if (value.Length > 0)
                pairs.Add((Uri.UnescapeDataString(key), Uri.UnescapeDataString(value)));
        }
    }

    private static List<(string Key, string Value)> OfPairs(string text)
    {
        var builder = new DbConnectionStringBuilder();
        try
        {
            builder.ConnectionString = text;
        }
        catch (ArgumentException)
        {
            // The exception quotes a part of the text.
            throw Unusable("It is no list such as Host=server;Database=alloyscan;Username=user.");
        }

        return [.. builder.Keys.Cast<string>().Select(key => (key, Convert.ToString(builder[key], CultureInfo.InvariantCulture) ?? string.Empty))];
    }

    internal static AlloyScanException Unusable(string why, Exception? inner = null) => new(
        ErrorKind.InvalidArgument, "UnsupportedStore", $"The store is given as a connection string that cannot be used. {why}",
        advice: "Give the path of a SQLite file, or postgresql://user@host/database for PostgreSQL, with the password in PGPASSWORD or a passfile.", innerException: inner);

    /// <summary>The address without any secret; reading it gives the same place.</summary>
    public override string ToString() => _shown;

    [GeneratedRegex(@"(^|[;?&\s])\s*(ssl[\s_]*)?(password|pwd|psw)\s*=", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex PasswordKey();

    [GeneratedRegex(@"^\s*[A-Za-z][A-Za-z0-9+.-]*://[^/?]*:[^?]*@", RegexOptions.CultureInvariant)]
    private static partial Regex UrlPassword();

    [GeneratedRegex(@"^postgres(ql)?://((?<user>[^:@/?]*)(:(?<password>[^@/?]*))?@)?(?<host>\[[0-9A-Fa-f:.]+\]|[^:@/?]*)(:(?<port>\d+))?(/(?<database>[^/?]*))?(\?(?<options>.*))?$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Url();

    [GeneratedRegex("^[a-z_][a-z0-9_]{0,62}$", RegexOptions.CultureInvariant)]
    private static partial Regex SchemaName();
}
