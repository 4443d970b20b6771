using System.Net;
using System.Security;

namespace AlloyScan.Engine.Credentials;

/// <summary>A secret text that no string formatting, logging or serialising shows by accident.</summary>
public sealed class Secret
{
    private readonly string _value;
    private SecretForms? _forms;

    /// <summary>Wraps a text.</summary>
    /// <param name="value">The secret.</param>
    public Secret(string value)
    {
        ArgumentException.ThrowIfNullOrEmpty(value);
        _value = value;
    }

    /// <summary>Takes the text out of a <see cref="SecureString"/>.</summary>
    /// <param name="value">The secret.</param>
    public static Secret FromSecureString(SecureString value)
    {
        ArgumentNullException.ThrowIfNull(value);
        return new Secret(new NetworkCredential(string.Empty, value).Password);
    }

    /// <summary>The text itself. Hand it on to where it is needed and keep it nowhere.</summary>
    public string Reveal()
    {
        // From here on it can get into a text.
        _forms ??= Redaction.Know(_value);
        return _value;
    }

    /// <summary>The forms in which a text may hold it.</summary>
    internal SecretForms Forms => _forms ??= Redaction.Know(_value);

    /// <summary>Never the text.</summary>
    public override string ToString() => "********";
}
