using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace AlloyScan.Engine.Credentials;

/// <summary>
/// Encrypts secrets for one account of one machine: by DPAPI on Windows, elsewhere by AES-GCM with a key file
/// that only the account can read (mode 0600) in its data folder.
/// </summary>
public static class SecretProtector
{
    private const string DpapiPrefix = "dpapi:";
    private const string AesPrefix = "aesgcm:";
    private const char OwnerMark = '#';
    private const int KeySize = 32;
    private const int NonceSize = 12;
    private const int TagSize = 16;

    private static string KeyPath => Path.Combine(
        Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify), "AlloyScan", "secret.key");

    private static string Self => $"{Environment.UserName}@{Environment.MachineName}";

    internal static string Protect(Secret secret)
    {
        var plain = Encoding.UTF8.GetBytes(secret.Reveal());
        try
        {
            if (OperatingSystem.IsWindows())
                return DpapiPrefix + Convert.ToBase64String(ProtectedData.Protect(plain, null, DataProtectionScope.CurrentUser)) + OwnerMark + Self;

            var sealedText = new byte[NonceSize + TagSize + plain.Length];
            var nonce = sealedText.AsSpan(0, NonceSize);
            RandomNumberGenerator.Fill(nonce);
            using var aes = new AesGcm(Key(what: null), TagSize);
            aes.Encrypt(nonce, plain, sealedText.AsSpan(NonceSize + TagSize), sealedText.AsSpan(NonceSize, TagSize));
            return AesPrefix + Convert.ToBase64String(sealedText) + OwnerMark + Self;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(plain);
        }
    }

    /// <summary>Unprotects a text.</summary>
    /// <param name="stored">The text.</param>
    /// <param name="what">What it is, for the advice when it cannot be read.</param>
    /// <exception cref="AlloyScanException">It was protected by somebody else (<c>SecretProtectionFailed</c>); the message says by whom.</exception>
    internal static Secret Unprotect(string stored, string what)
    {
        // Behind a mark that Base64 does not know stands who protected it, for the message to whoever cannot read it.
        var mark = stored.IndexOf(OwnerMark, StringComparison.Ordinal);
        var text = mark < 0 ? stored : stored[..mark];
        var owner = mark < 0 ? "another account or on another machine" : $"the account '{stored[(mark + 1)..].Replace("@", "' on '", StringComparison.Ordinal)}'";
        try
        {
            byte[] plain;
            if (text.StartsWith(DpapiPrefix, StringComparison.Ordinal))
            {
                if (!OperatingSystem.IsWindows())
                    throw Failed($"The {what} was protected on Windows by {owner}, and cannot be read by {SecretReference.Account}, which is none of Windows.", what);

                plain = ProtectedData.Unprotect(Convert.FromBase64String(text[DpapiPrefix.Length..]), null, DataProtectionScope.CurrentUser);
            }
            else if (text.StartsWith(AesPrefix, StringComparison.Ordinal))
            {
                var sealedText = Convert.FromBase64String(text[AesPrefix.Length..]);
                if (!File.Exists(KeyPath))
                    throw Failed($"The key file '{KeyPath}' is not there: the {what} was protected by {owner}, and {SecretReference.Account} has no key.", what);

                plain = new byte[sealedText.Length - NonceSize - TagSize];
                using var aes = new AesGcm(Key(what), TagSize);
                aes.Decrypt(sealedText.AsSpan(0, NonceSize), sealedText.AsSpan(NonceSize + TagSize), sealedText.AsSpan(NonceSize, TagSize), plain);
            }
            else
            {
                throw Failed($"The stored {what} is in no known form.", what);
            }

            var secret = new Secret(Encoding.UTF8.GetString(plain));
            CryptographicOperations.ZeroMemory(plain);
            return secret;
        }
        catch (Exception e) when (e is CryptographicException or FormatException or OverflowException or ArgumentException)
        {
            throw Failed($"The stored {what} was protected by {owner}, and cannot be read by {SecretReference.Account}.", what, inner: e);
        }
    }

    /// <summary>The key of this account.</summary>
    /// <param name="what">What is to be read with it; <see langword="null"/> to make the key if there is none yet.</param>
    [SuppressMessage("Interoperability", "CA1416", Justification = "Called off Windows only.")]
    private static byte[] Key(string? what)
    {
        var path = KeyPath;
        try
        {
            if (!File.Exists(path))
            {
                if (what is not null)
                    throw Failed($"The key file '{path}' of {SecretReference.Account} is not there: the {what} was protected by another account or on another machine.", what);

                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
                if (!OperatingSystem.IsWindows())
                    options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;

                // A second process may make the key at the same moment: it is written aside and moved into place, and the first one wins.
                var draft = path + "." + Guid.NewGuid().ToString("N");
                using (var stream = new FileStream(draft, options))
                    stream.Write(RandomNumberGenerator.GetBytes(KeySize));
                try
                {
                    File.Move(draft, path, overwrite: false);
                }
                catch (IOException) when (File.Exists(path))
                {
                    File.Delete(draft);
                }
            }

            if (!OperatingSystem.IsWindows()
                && (File.GetUnixFileMode(path) & (UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite)) != 0)
            {
                throw Failed($"The key file '{path}' of {SecretReference.Account} can be read by others than its owner.", what, advice: "Set its mode to 0600.");
            }

            var key = File.ReadAllBytes(path);
            return key.Length == KeySize ? key : throw Failed($"The key file '{path}' of {SecretReference.Account} is damaged: it has {key.Length} bytes instead of {KeySize}.", what);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Failed($"The key file '{path}' cannot be used by {SecretReference.Account}: {e.Message}", what, inner: e);
        }
    }

    private static AlloyScanException Failed(string message, string? what, string? advice = null, Exception? inner = null) => new(
        ErrorKind.Authentication, "SecretProtectionFailed", message, null,
        advice ?? $"Give the {what ?? "secret"} again from the account that needs it, or keep it in an environment variable or file.", inner);
}
