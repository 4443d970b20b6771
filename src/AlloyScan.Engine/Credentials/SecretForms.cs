using System.Net;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace AlloyScan.Engine.Credentials;

/// <summary>A secret with all the forms in which a text may hold it, made once.</summary>
internal sealed class SecretForms
{
    /// <summary>What stands in place of a secret.</summary>
    internal const string Mask = "********";

    /// <summary>Parts of Base64 that are shorter could be anything.</summary>
    private const int LeastBase64 = 8;

    private readonly string[] _texts;
    private readonly string[] _base64;

    internal SecretForms(string secret)
    {
        Secret = secret;
        var json = JsonSerializer.Serialize(secret)[1..^1];
        // Half of a pair of characters, which a site may send in a token, is refused by that encoder; other forms have it replaced.
        var whole = Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(secret));
        var relaxed = JsonEncodedText.Encode(whole, JavaScriptEncoder.UnsafeRelaxedJsonEscaping).ToString();
        string[] texts =
        [
            secret,
            Uri.EscapeDataString(secret),
            WebUtility.UrlEncode(secret),
            WebUtility.HtmlEncode(secret),
            HtmlEncoder.Default.Encode(secret),
            json,
            json.Replace("/", @"\/", StringComparison.Ordinal),
            relaxed,
            relaxed.Replace("/", @"\/", StringComparison.Ordinal),
        ];

        // The longest first: a form that is part of another would leave a rest of it.
        _texts = [.. texts.Distinct(StringComparer.Ordinal).OrderByDescending(t => t.Length)];
        _base64 = [.. Base64(secret).SelectMany(text => (string[])[text, text.Replace('+', '-').Replace('/', '_')]).Distinct(StringComparer.Ordinal)];
    }

    internal string Secret { get; }

    /// <summary>Takes the secret out of a text, whatever form it stands in.</summary>
    internal string Clean(string text)
    {
        foreach (var form in _texts)
            text = text.Replace(form, Mask, StringComparison.OrdinalIgnoreCase);
        foreach (var form in _base64)
            text = text.Replace(form, Mask, StringComparison.Ordinal);
        return text;
    }

    /// <summary>
    /// What a Base64 text shows of the secret wherever it stands in what was encoded, behind a client ID for example: at each of the three
    /// places in a group, without the characters that its neighbours have a part in.
    /// </summary>
    private static IEnumerable<string> Base64(string secret)
    {
        var bytes = Encoding.UTF8.GetBytes(secret);
        for (var before = 0; before < 3; before++)
        {
            var text = Convert.ToBase64String([.. new byte[before], .. bytes]).TrimEnd('=');
            var first = before == 0 ? 0 : before + 1;
            var end = (before + bytes.Length) % 3 == 0 ? text.Length : text.Length - 1;
            if (end - first >= LeastBase64)
                yield return text[first..end];
        }
    }
}
