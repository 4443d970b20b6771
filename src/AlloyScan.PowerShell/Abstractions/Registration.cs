using System.Management.Automation;
using System.Security;
using AlloyScan.Engine;
using AlloyScan.Engine.Credentials;
using AlloyScan.Engine.Site;

namespace AlloyScan.PowerShell.Abstractions;

/// <summary>Names of the parameter sets by which an app registration is given.</summary>
internal static class RegistrationSets
{
    public const string Connection = "Connection";
    public const string Credential = "Credential";
    public const string ClientSecret = "ClientSecret";
    public const string ClientSecretVariable = "ClientSecretVariable";
    public const string ClientSecretFile = "ClientSecretFile";
    public const string Job = "Job";
    public const string VaultSecret = "VaultSecret";
    public const string AppRegistration = "AppRegistration";
}

/// <summary>An app registration as the user gave it: client ID, and where its secret is.</summary>
internal sealed record Registration(string ClientId, SecretReference Secret)
{
    /// <summary>The registration of a credential: user name is the client ID, password the secret.</summary>
    /// <exception cref="AlloyScanException">The credential is incomplete (<c>IncompleteCredential</c>).</exception>
    public static Registration From(PSCredential credential)
    {
        if (string.IsNullOrWhiteSpace(credential.UserName) || credential.Password is not { Length: > 0 })
            throw Incomplete();

        return new Registration(credential.UserName, SecretReference.FromMemory(Reveal(credential.Password)));
    }

    /// <summary>The registration of a client ID and a secret.</summary>
    /// <exception cref="AlloyScanException">The secret is empty (<c>IncompleteCredential</c>).</exception>
    public static Registration From(string clientId, SecureString secret)
    {
        if (secret.Length == 0)
            throw Incomplete();

        return new Registration(clientId, SecretReference.FromMemory(Reveal(secret)));
    }

    /// <summary>How to reach a site with this registration. Fetches the secret.</summary>
    public SiteConnectionOptions At(Uri siteUrl) => new() { SiteUrl = siteUrl, ClientId = ClientId, ClientSecret = Secret.Resolve() };

    private static Secret Reveal(SecureString text) => Engine.Credentials.Secret.FromSecureString(text);

    private static AlloyScanException Incomplete() => new(
        ErrorKind.InvalidArgument, "IncompleteCredential", "The credential lacks the client ID or the client secret.",
        advice: "Give the client ID as user name and the client secret as password.");
}
