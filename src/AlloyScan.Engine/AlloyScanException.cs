using AlloyScan.Engine.Credentials;

namespace AlloyScan.Engine;

/// <summary>
/// A failure that a person can act on. The message says what failed, on which item and what the other side said;
/// <see cref="Advice"/> says what to try. It never holds a secret.
/// </summary>
public class AlloyScanException : Exception
{
    /// <summary>Makes the exception.</summary>
    /// <param name="kind">The sort of failure.</param>
    /// <param name="errorId">Stable identifier for scripts, in Pascal case, for example <c>JobNotFound</c>.</param>
    /// <param name="message">What failed, on which item, and why.</param>
    /// <param name="target">The item that the user named; <see langword="null"/> when there is none.</param>
    /// <param name="advice">What to try; <see langword="null"/> when the message already says it.</param>
    /// <param name="innerException">The cause, kept.</param>
    public AlloyScanException(ErrorKind kind, string errorId, string message, object? target = null, string? advice = null, Exception? innerException = null)
        : base(Said(message), Redaction.Clean(innerException, Redaction.Clean))
    {
        Kind = kind;
        ErrorId = errorId;
        Target = target is string text ? Redaction.Clean(text) : target;
        Advice = advice is null ? null : Said(advice);
    }

    /// <summary>A text for people: without secrets, and without what would drive a terminal.</summary>
    internal static string Said(string text) => PlainText.Of(Redaction.Clean(text));

    /// <summary>The sort of failure.</summary>
    public ErrorKind Kind { get; }

    /// <summary>Stable identifier for scripts, in Pascal case.</summary>
    public string ErrorId { get; }

    /// <summary>The item that the user named, if there is one.</summary>
    public object? Target { get; }

    /// <summary>What to try, if the message does not say it.</summary>
    public string? Advice { get; }

    /// <summary>The message with the advice behind it, on one line.</summary>
    public string MessageWithAdvice => Advice is null ? Message : $"{Message} {Advice}";
}
