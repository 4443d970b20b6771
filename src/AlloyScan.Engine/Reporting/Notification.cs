using AlloyScan.Engine.Credentials;

namespace AlloyScan.Engine.Reporting;

/// <summary>How somebody is told of a run.</summary>
public enum NotificationKind
{
    /// <summary>A JSON object, posted to an address.</summary>
    Webhook,

    /// <summary>A card in a channel of Microsoft Teams, through the address of a workflow.</summary>
    Teams,

    /// <summary>A message in a channel of Slack, through the address of an incoming webhook.</summary>
    Slack,

    /// <summary>A mail through an SMTP server.</summary>
    Mail,

    /// <summary>A request without content to a watchdog, which raises the alarm when none comes.</summary>
    Heartbeat,
}

/// <summary>What somebody is told of.</summary>
[Flags]
public enum NotificationEvents
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>A run failed, or could not begin.</summary>
    Failure = 1,

    /// <summary>A guard held changes back.</summary>
    Block = 2,

    /// <summary>Some devices failed, or the list could not be read completely.</summary>
    PartialSuccess = 4,

    /// <summary>All was done again after a run that failed, was blocked or succeeded partially.</summary>
    Recovery = 8,

    /// <summary>All was done.</summary>
    Success = 16,

    /// <summary>What needs attention, and its end: failure, block, partial success and recovery.</summary>
    Problems = Failure | Block | PartialSuccess | Recovery,
}

/// <summary>Whom to tell how the runs of jobs ended, and by what way.</summary>
public sealed record Notification
{
    /// <summary>The port on which mail servers take mail from programs, with STARTTLS.</summary>
    public const int SubmissionPort = 587;

    internal const string AddressWords = "address";
    internal const string PasswordWords = "mail password";

    /// <summary>Number in the store; 0 for one that is not saved.</summary>
    public long Id { get; init; }

    /// <summary>Name, unique without case.</summary>
    public required string Name { get; init; }

    /// <summary>The way.</summary>
    public NotificationKind Kind { get; init; }

    /// <summary>Whether it is sent.</summary>
    public bool Enabled { get; init; } = true;

    /// <summary>What it tells of.</summary>
    public NotificationEvents On { get; init; } = NotificationEvents.Problems;

    /// <summary>Names of jobs, with <c>*</c> and <c>?</c>; empty for all.</summary>
    public IReadOnlyList<string> Jobs { get; init; } = [];

    /// <summary>
    /// Where the address is that is posted to, of every kind but mail. Whoever knows such an address may write to the channel, so it is
    /// kept as secrets are.
    /// </summary>
    public SecretReference? Address { get; init; }

    /// <summary>Host of the address, or the mail server: what is shown. Empty while an address that is kept elsewhere has not been read.</summary>
    public string Host { get; init; } = string.Empty;

    /// <summary>Port of the mail server.</summary>
    public int Port { get; init; } = SubmissionPort;

    /// <summary>Whether mail goes by TLS: from the first byte on port 465, else by STARTTLS. A password is never sent without.</summary>
    public bool UseTls { get; init; } = true;

    /// <summary>Sender of mail.</summary>
    public string? From { get; init; }

    /// <summary>Receivers of mail.</summary>
    public IReadOnlyList<string> To { get; init; } = [];

    /// <summary>User name for the mail server; <see langword="null"/> when it asks for none.</summary>
    public string? UserName { get; init; }

    /// <summary>Where the password for the mail server is.</summary>
    public SecretReference? Password { get; init; }

    /// <summary>When it was last sent, UTC.</summary>
    public DateTimeOffset? LastSentAt { get; init; }

    /// <summary>Why it could not be sent the last time; <see langword="null"/> when it could.</summary>
    public string? LastError { get; init; }

    /// <inheritdoc/>
    public override string ToString() => Name;
}

/// <summary>Whether one notification reached its receiver.</summary>
public sealed record NotificationResult
{
    /// <summary>Name of the notification.</summary>
    public string Name { get; init; } = string.Empty;

    /// <summary>The way.</summary>
    public NotificationKind Kind { get; init; }

    /// <summary>Host of the address, or the mail server.</summary>
    public string Host { get; init; } = string.Empty;

    /// <summary>Whether the receiver took it.</summary>
    public bool Sent { get; init; }

    /// <summary>How often it was tried.</summary>
    public int Tries { get; init; }

    /// <summary>Why it was not taken; <see langword="null"/> when it was. Never an address or a password.</summary>
    public string? Error { get; init; }
}
