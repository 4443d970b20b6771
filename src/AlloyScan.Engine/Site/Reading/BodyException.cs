namespace AlloyScan.Engine.Site.Reading;

/// <summary>What is wrong with a body.</summary>
internal enum BodyFault
{
    /// <summary>It ends in the middle, or is empty.</summary>
    Truncated,

    /// <summary>It is no JSON.</summary>
    NotJson,

    /// <summary>It is JSON of another shape than the profile says.</summary>
    Shape,

    /// <summary>It is larger or nested more deeply than we are ready to read.</summary>
    Limit,
}

/// <summary>A body that cannot be understood. Stays inside the client, which turns it into an <see cref="AlloyScanException"/>.</summary>
internal sealed class BodyException(BodyFault fault, string errorId, string message, Exception? innerException = null)
    : Exception(message, innerException)
{
    internal BodyFault Fault { get; } = fault;

    internal string ErrorId { get; } = errorId;

    internal static BodyException Truncated() => new(BodyFault.Truncated, "TruncatedBody", "the answer ends in the middle");
}
