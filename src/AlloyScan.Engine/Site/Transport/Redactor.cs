using System.Text.RegularExpressions;
using AlloyScan.Engine.Credentials;

namespace AlloyScan.Engine.Site.Transport;

/// <summary>Takes the secret and every token out of a text. Every text that leaves the client goes through here.</summary>
internal sealed partial class Redactor(Secret secret, TokenSlot tokens)
{
    private const string Mask = "********";

    internal string Clean(string text)
    {
        string plain = secret.Reveal();
        text = Replace(text, plain);
        text = Replace(text, Uri.EscapeDataString(plain));
        text = Replace(text, System.Net.WebUtility.UrlEncode(plain));
        foreach (string token in tokens.Issued)
        {
            text = Replace(text, token);
        }

        // A site may quote a token of another connection, or the form that it got.
        return Credentials().Replace(text, "$1" + Mask);
    }

    private static string Replace(string text, string secret) =>
        secret.Length == 0 ? text : text.Replace(secret, Mask, StringComparison.OrdinalIgnoreCase);

    [GeneratedRegex(@"(\bbearer\s+|\bclient_secret\b[""'\s:=]+|\baccess_token\b[""'\s:=]+)[^\s""'&,;}<]+", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Credentials();
}
