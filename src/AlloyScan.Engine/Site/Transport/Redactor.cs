using System.Text.RegularExpressions;
using AlloyScan.Engine.Credentials;

namespace AlloyScan.Engine.Site.Transport;

/// <summary>
/// <see cref="Redaction"/> for the texts of one site, which may quote anything: its secret and tokens are taken out however short they
/// are, and whatever stands where a credential stands is, too.
/// </summary>
internal sealed partial class Redactor(Secret secret, TokenSlot tokens)
{
    internal string Clean(string text)
    {
        text = secret.Forms.Clean(text);
        foreach (AccessToken token in tokens.Issued)
        {
            text = token.Forms.Clean(text);
        }

        // A site may quote a token of another connection, or the form that it got.
        try
        {
            return Credentials().Replace(Redaction.Clean(text), "$1" + SecretForms.Mask);
        }
        catch (RegexMatchTimeoutException)
        {
            return "(a text that could not be searched for secrets in time)";
        }
    }

    /// <summary>An exception whose whole story holds no secret.</summary>
    internal Exception? Clean(Exception? exception) => Redaction.Clean(exception, Clean);

    [GeneratedRegex(@"(\bbearer\s+|\bbasic\s+(?=[\w+/=-]{20})|\bclient_secret\b[""'\s:=]+|\baccess_token\b[""'\s:=]+)[^\s""'&,;}<]+", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Credentials();
}
