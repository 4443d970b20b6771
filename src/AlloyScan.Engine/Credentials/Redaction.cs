namespace AlloyScan.Engine.Credentials;

/// <summary>
/// The one place where secrets are taken out of texts. It knows every secret that was revealed and every token that was issued in this
/// process, as long as somebody holds it. Whatever leaves the engine as text passes through here: the message, advice and cause of every
/// <see cref="AlloyScanException"/>, what a run tells its observer and writes into its rows, and the trace of a site's calls.
/// </summary>
internal static class Redaction
{
    /// <summary>
    /// Shorter secrets are no secrets but words, and to blot them out of every text would make many unreadable. A site's client takes
    /// its own out of its own texts, however short.
    /// </summary>
    private const int LeastLength = 8;

    private static readonly object s_gate = new();
    private static volatile WeakReference<SecretForms>[] s_known = [];

    /// <summary>Makes a secret known. It is forgotten when nobody holds what is returned any more.</summary>
    internal static SecretForms Know(string secret)
    {
        lock (s_gate)
        {
            var alive = new List<WeakReference<SecretForms>>(s_known.Length + 1);
            foreach (var reference in s_known)
            {
                if (!reference.TryGetTarget(out var forms))
                    continue;
                if (forms.Secret == secret)
                    return forms;
                alive.Add(reference);
            }

            var added = new SecretForms(secret);
            alive.Add(new WeakReference<SecretForms>(added));
            s_known = [.. alive];
            return added;
        }
    }

    /// <summary>A text without the known secrets.</summary>
    internal static string Clean(string text)
    {
        foreach (var reference in s_known)
        {
            if (reference.TryGetTarget(out var forms) && forms.Secret.Length >= LeastLength)
                text = forms.Clean(text);
        }

        return text;
    }

    /// <summary>An exception whose whole story holds no secret: itself if that is so, else one that tells the same without it.</summary>
    /// <param name="exception">The exception.</param>
    /// <param name="clean">Takes secrets out of a text.</param>
    internal static Exception? Clean(Exception? exception, Func<string, string> clean)
    {
        if (exception is null)
            return null;

        var story = exception.ToString();
        var cleaned = clean(story);
        return cleaned == story ? exception : new RedactedException(clean(exception.Message), cleaned);
    }

    /// <summary>Stands in for an exception whose text held a secret.</summary>
    private sealed class RedactedException(string message, string story) : Exception(message)
    {
        public override string ToString() => story;
    }
}
