using System.Collections.ObjectModel;
using System.Management.Automation;
using System.Management.Automation.Runspaces;
using System.Security;
using AlloyScan.Engine;
using AlloyScan.Engine.Credentials;

namespace AlloyScan.PowerShell.Abstractions;

/// <summary>Opens secrets of SecretManagement's vaults, in the caller's session. The engine cannot: it has no PowerShell in it.</summary>
internal static class VaultSecrets
{
    // By its full name, so that PowerShell loads the module and nothing else of that name is called.
    private const string Script = """
        param($Name, $Vault)
        $arguments = @{ Name = $Name }
        if ($Vault) { $arguments.Vault = $Vault }
        Microsoft.PowerShell.SecretManagement\Get-Secret @arguments -ErrorAction Stop
        """;

    /// <summary>The secret behind a reference, which is of a vault. On the pipeline thread.</summary>
    /// <exception cref="AlloyScanException">The module is missing (<c>SecretManagementMissing</c>), the vault does not open or has no such secret (<c>VaultUnavailable</c>), or holds something else (<c>InvalidVaultSecret</c>).</exception>
    public static SecretReference Open(PSCmdlet cmdlet, SecretReference reference)
    {
        Collection<PSObject> found;
        try
        {
            found = cmdlet.InvokeCommand.InvokeScript(Script, true, PipelineResultTypes.None, null, reference.VaultSecret, reference.Vault);
        }
        catch (CommandNotFoundException e)
        {
            throw new AlloyScanException(
                ErrorKind.Authentication, "SecretManagementMissing", $"The client secret is the {reference}, and {SecretReference.Account} has no module Microsoft.PowerShell.SecretManagement to open it.", reference.VaultSecret,
                "Install it, with the vault's own module, for the account that runs this: Install-PSResource Microsoft.PowerShell.SecretManagement.", e);
        }
        catch (RuntimeException e) when (e is not PipelineStoppedException)
        {
            throw new AlloyScanException(
                ErrorKind.Authentication, "VaultUnavailable", $"The client secret is the {reference}, which {SecretReference.Account} cannot have: {e.Message.TrimEnd('.')}.", reference.VaultSecret,
                "Unlock the vault in this session, for example with Unlock-SecretStore, and check with Get-SecretInfo that the account has the secret.", e);
        }

        return (found.Count == 1 ? found[0]?.BaseObject : null) switch
        {
            SecureString { Length: > 0 } secure => SecretReference.FromMemory(Secret.FromSecureString(secure)),
            PSCredential { Password.Length: > 0 } credential => SecretReference.FromMemory(Secret.FromSecureString(credential.Password)),
            string { Length: > 0 } text => SecretReference.FromMemory(new Secret(text)),
            _ => throw new AlloyScanException(
                ErrorKind.Authentication, "InvalidVaultSecret", $"The client secret is the {reference}, which holds no text, secure string or credential.", reference.VaultSecret,
                "Set it again with Set-Secret."),
        };
    }
}
