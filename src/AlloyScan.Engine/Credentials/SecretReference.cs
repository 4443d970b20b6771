namespace AlloyScan.Engine.Credentials;

/// <summary>How a secret is kept.</summary>
public enum SecretKind
{
    /// <summary>Encrypted for this user of this machine; see <see cref="SecretProtector"/>.</summary>
    Protected,

    /// <summary>In an environment variable, read when it is needed.</summary>
    EnvironmentVariable,

    /// <summary>In a file, read when it is needed; surrounding white space is dropped.</summary>
    File,

    /// <summary>In the memory of this process only: an unsaved job.</summary>
    Memory,

    /// <summary>In a vault of PowerShell's SecretManagement, which the cmdlets ask.</summary>
    Vault,

    /// <summary>With the app registration of the job's site and client ID.</summary>
    AppRegistration,
}

/// <summary>Where a secret is, never the secret in readable form.</summary>
public sealed record SecretReference
{
    private const int LongestFile = 64 * 1024;

    private readonly Secret? _memory;

    private SecretReference(SecretKind kind, string value, Secret? memory = null)
    {
        Kind = kind;
        Value = value;
        _memory = memory;
    }

    /// <summary>How the secret is kept.</summary>
    public SecretKind Kind { get; }

    /// <summary>The protected text, the variable's name or the file's path. Safe to store and to show.</summary>
    public string Value { get; }

    /// <summary>A secret in an environment variable.</summary>
    /// <param name="name">The variable's name.</param>
    public static SecretReference FromEnvironment(string name)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        return new SecretReference(SecretKind.EnvironmentVariable, name);
    }

    /// <summary>A secret in a file.</summary>
    /// <param name="path">The file's path; made absolute.</param>
    public static SecretReference FromFile(string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        try
        {
            return new SecretReference(SecretKind.File, Path.GetFullPath(path));
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException or PathTooLongException)
        {
            throw new AlloyScanException(ErrorKind.InvalidArgument, "InvalidPath", $"'{path}' is no path of a file.", path, innerException: e);
        }
    }

    /// <summary>A secret in a file of the folder that <c>CREDENTIALS_DIRECTORY</c> names when it is needed, as systemd does for a service.</summary>
    /// <param name="name">The file's bare name.</param>
    public static SecretReference FromCredentialsDirectory(string name)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        return IsBareName(name)
            ? new SecretReference(SecretKind.File, name)
            : throw new AlloyScanException(ErrorKind.InvalidArgument, "InvalidSecretFile", $"'{name}' is no bare name of a file.", name, "Give the name alone, or a path.");
    }

    /// <summary>Whether a text is the name of a file without a folder.</summary>
    /// <param name="path">The text.</param>
    public static bool IsBareName(string path) => !string.IsNullOrWhiteSpace(path) && path is not "." and not ".." && path.AsSpan().IndexOfAny('/', '\\', ':') < 0;

    /// <summary>A secret in a vault of PowerShell's SecretManagement.</summary>
    /// <param name="name">The secret's name.</param>
    /// <param name="vault">The vault's name; <see langword="null"/> for whichever has it.</param>
    public static SecretReference FromVault(string name, string? vault = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        return vault?.Contains('/', StringComparison.Ordinal) == true
            ? throw new AlloyScanException(ErrorKind.InvalidArgument, "InvalidVault", $"'{vault}' is no name of a vault.", vault)
            : new SecretReference(SecretKind.Vault, $"{vault}/{name}");
    }

    /// <summary>Name of the vault; <see langword="null"/> for whichever has the secret, and for a secret that is in none.</summary>
    public string? Vault => Kind == SecretKind.Vault && Value.IndexOf('/', StringComparison.Ordinal) is > 0 and var end ? Value[..end] : null;

    /// <summary>Name of the secret in its vault; <see langword="null"/> for a secret that is in none.</summary>
    public string? VaultSecret => Kind == SecretKind.Vault ? Value[(Value.IndexOf('/', StringComparison.Ordinal) + 1)..] : null;

    /// <summary>A secret that only this process knows.</summary>
    /// <param name="secret">The secret.</param>
    public static SecretReference FromMemory(Secret secret)
    {
        ArgumentNullException.ThrowIfNull(secret);
        return new SecretReference(SecretKind.Memory, string.Empty, secret);
    }

    /// <summary>Encrypts a secret for this user of this machine.</summary>
    /// <param name="secret">The secret.</param>
    /// <exception cref="AlloyScanException">The key cannot be made or read (<c>SecretProtectionFailed</c>).</exception>
    public static SecretReference Protect(Secret secret) => new(SecretKind.Protected, SecretProtector.Protect(secret));

    /// <summary>Rebuilds a reference from its stored parts.</summary>
    /// <param name="kind">How the secret is kept.</param>
    /// <param name="value">The stored text.</param>
    public static SecretReference FromStored(SecretKind kind, string value) => new(kind, value);

    /// <summary>The account that this runs as, in words.</summary>
    public static string Account => $"the account '{Environment.UserName}' on '{Environment.MachineName}'";

    /// <summary>Fetches the secret.</summary>
    /// <param name="what">What it is, for the message when it is not to be had.</param>
    /// <exception cref="AlloyScanException">It is not there or cannot be read here (<c>SecretNotFound</c>, <c>SecretProtectionFailed</c>, <c>VaultNeedsPowerShell</c>).</exception>
    public Secret Resolve(string what = "client secret")
    {
        switch (Kind)
        {
            case SecretKind.Memory:
                return _memory ?? throw Missing($"The {what} is gone with the process that held it.", "Give it again.");
            case SecretKind.EnvironmentVariable:
                var value = Environment.GetEnvironmentVariable(Value);
                return string.IsNullOrEmpty(value)
                    ? throw Missing($"The environment variable '{Value}' that should hold the {what} is not set for {Account}.", "Set it for the account that runs this.")
                    : new Secret(value);
            case SecretKind.Vault:
                throw new AlloyScanException(
                    ErrorKind.Authentication, "VaultNeedsPowerShell", $"The {what} is the {this}, which PowerShell alone can open.", VaultSecret,
                    "Run it in a pwsh that has the module Microsoft.PowerShell.SecretManagement, as Invoke-AlloyScanSync does, or keep the secret in a file or an environment variable.");
            case SecretKind.AppRegistration:
                throw Missing($"The app registration that should hold the {what} is gone.", "Add it again with Add-AlloyScanAppRegistration, or give the job another one with Set-AlloyScanSyncJob.");
            case SecretKind.File:
                string text;
                var path = FilePath ?? throw Missing(
                    $"The file '{Value}' that should hold the {what} is looked for in the folder that the environment variable CREDENTIALS_DIRECTORY names, which is not set for {Account}.",
                    "systemd sets it for a unit with LoadCredential=; otherwise set it, or give the whole path of the file.");
                try
                {
                    text = ReadFile(path);
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
                {
                    throw Missing($"The file '{path}' that should hold the {what} cannot be read by {Account}: {e.Message}", "Check that it exists and that this account may read it.", e);
                }

                return text.Length == 0
                    ? throw Missing($"The file '{path}' that should hold the {what} is empty.", "Write the secret into it.")
                    : new Secret(text);
            default:
                return SecretProtector.Unprotect(Value, what);
        }
    }

    /// <summary>Where the file is that holds the secret; <see langword="null"/> when the folder for it is not known here.</summary>
    internal string? FilePath => !IsBareName(Value) ? Value
        : Environment.GetEnvironmentVariable("CREDENTIALS_DIRECTORY") is { Length: > 0 } folder ? Path.Combine(folder, Value)
        : null;

    /// <summary>Reads a file up to a length that no secret has: a wrong path may lead to anything, a device without end too.</summary>
    private static string ReadFile(string path)
    {
        using var reader = new StreamReader(path);
        var text = new char[LongestFile + 1];
        var length = reader.ReadBlock(text);
        return length <= LongestFile ? new string(text, 0, length).Trim() : throw new IOException($"It is longer than {LongestFile} characters.");
    }

    /// <summary>As the other, with a failure told as one of whoever has the reference.</summary>
    internal Secret Resolve(Func<AlloyScanException, AlloyScanException> failure, string what = "client secret")
    {
        try
        {
            return Resolve(what);
        }
        catch (AlloyScanException e)
        {
            throw failure(e);
        }
    }

    /// <summary>A failure to have a client secret, with whose it is, and what changes where it is kept.</summary>
    internal static AlloyScanException Failure(AlloyScanException cause, string whose, string clientId, string target, string cmdlet)
    {
        var advice = cause is { ErrorId: "SecretProtectionFailed", Advice: { } given } && given.StartsWith("Give ", StringComparison.Ordinal) ? $"{given.TrimEnd('.')}: {cmdlet} does both." : cause.Advice;
        return new AlloyScanException(cause.Kind, cause.ErrorId, $"The client secret of {whose} (client ID '{clientId}') cannot be had. {cause.Message}", target, advice, cause.InnerException);
    }

    private AlloyScanException Missing(string message, string advice, Exception? inner = null) =>
        new(ErrorKind.Authentication, "SecretNotFound", message, Kind == SecretKind.Protected ? null : Value, advice, inner);

    /// <summary>Where the secret is, in words.</summary>
    public override string ToString() => Kind switch
    {
        SecretKind.EnvironmentVariable => $"environment variable {Value}",
        SecretKind.File => IsBareName(Value) ? $"file {Value} of $CREDENTIALS_DIRECTORY" : $"file {Value}",
        SecretKind.Vault => Vault is null ? $"secret '{VaultSecret}' of a vault" : $"secret '{VaultSecret}' of the vault '{Vault}'",
        SecretKind.AppRegistration => "with the app registration",
        SecretKind.Protected => "protected for this account",
        _ => "in memory",
    };
}
