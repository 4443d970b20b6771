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
}

/// <summary>Where a secret is, never the secret in readable form.</summary>
public sealed record SecretReference
{
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
        return new SecretReference(SecretKind.File, Path.GetFullPath(path));
    }

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

    /// <summary>Fetches the secret.</summary>
    /// <exception cref="AlloyScanException">It is not there or cannot be read here (<c>SecretNotFound</c>, <c>SecretProtectionFailed</c>).</exception>
    public Secret Resolve()
    {
        switch (Kind)
        {
            case SecretKind.Memory:
                return _memory ?? throw Missing("The secret of an unsaved job is gone with the process that held it.", "Give the credential again.");
            case SecretKind.EnvironmentVariable:
                var value = Environment.GetEnvironmentVariable(Value);
                return string.IsNullOrEmpty(value)
                    ? throw Missing($"The environment variable '{Value}' that should hold the client secret is not set.", "Set it for the account that runs the job.")
                    : new Secret(value);
            case SecretKind.File:
                string text;
                try
                {
                    text = File.ReadAllText(Value).Trim();
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException)
                {
                    throw Missing($"The file '{Value}' that should hold the client secret cannot be read: {e.Message}", "Check that it exists and that this account may read it.", e);
                }

                return text.Length == 0
                    ? throw Missing($"The file '{Value}' that should hold the client secret is empty.", "Write the secret into it.")
                    : new Secret(text);
            default:
                return SecretProtector.Unprotect(Value);
        }
    }

    private AlloyScanException Missing(string message, string advice, Exception? inner = null) =>
        new(ErrorKind.Authentication, "SecretNotFound", message, Kind == SecretKind.Protected ? null : Value, advice, inner);

    /// <summary>Where the secret is, in words.</summary>
    public override string ToString() => Kind switch
    {
        SecretKind.EnvironmentVariable => $"environment variable {Value}",
        SecretKind.File => $"file {Value}",
        SecretKind.Protected => "protected for this account",
        _ => "in memory",
    };
}
