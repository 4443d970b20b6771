using System.ComponentModel;
using System.Management.Automation;
using AlloyScan.Engine;
using AlloyScan.Engine.Credentials;
using AlloyScan.Engine.Reporting;
using AlloyScan.PowerShell.Completion;

namespace AlloyScan.PowerShell.Abstractions;

/// <summary>Base of the cmdlets that make and change notifications.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public abstract class NotificationSettingsCmdlet : StoreCmdlet
{
    /// <summary>What it tells of: Failure, Block, PartialSuccess, Recovery, Success, or Problems for the first four.</summary>
    [Parameter]
    public NotificationEvents On { get; set; }

    /// <summary>Names of the jobs whose runs it tells of, with wildcards. All jobs by default.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(JobNameCompleter))]
    [SupportsWildcards]
    [AllowEmptyCollection]
    public string[] Job { get; set; } = [];

    /// <summary>Address that is posted to. Who knows the address of a channel may write to it, so it is kept encrypted and never shown; read it with Read-Host -MaskInput to keep it out of the history.</summary>
    [Parameter(ParameterSetName = AddressSet)]
    [ValidateNotNull]
    public virtual Uri? Uri { get; set; }

    /// <summary>Name of the environment variable that holds the address when a run ends.</summary>
    [Parameter(ParameterSetName = VariableSet)]
    [ValidateNotNullOrEmpty]
    public virtual string? UriVariable { get; set; }

    /// <summary>Path of the file that holds the address when a run ends.</summary>
    [Parameter(ParameterSetName = FileSet)]
    [ValidateNotNullOrEmpty]
    public virtual string? UriFile { get; set; }

    /// <summary>Mail server that takes the mail.</summary>
    [Parameter(ParameterSetName = MailSet)]
    [ValidateNotNullOrEmpty]
    public virtual string? SmtpServer { get; set; }

    /// <summary>Port of the mail server. 587 by default.</summary>
    [Parameter(ParameterSetName = MailSet)]
    [ValidateRange(1, 65535)]
    public int Port { get; set; } = Notification.SubmissionPort;

    /// <summary>Sender of the mail.</summary>
    [Parameter(ParameterSetName = MailSet)]
    [ValidateNotNullOrEmpty]
    public virtual string? From { get; set; }

    /// <summary>Receivers of the mail.</summary>
    [Parameter(ParameterSetName = MailSet)]
    [ValidateNotNullOrEmpty]
    public virtual string[]? To { get; set; }

    /// <summary>User name and password for the mail server. They are kept encrypted for this account of this machine.</summary>
    [Parameter(ParameterSetName = MailSet)]
    [Credential]
    public PSCredential? Credential { get; set; }

    /// <summary>Sends mail without TLS, to a server that asks for no password.</summary>
    [Parameter(ParameterSetName = MailSet)]
    public SwitchParameter NoTls { get; set; }

    private protected const string AddressSet = "Uri";
    private protected const string VariableSet = "UriVariable";
    private protected const string FileSet = "UriFile";
    private protected const string MailSet = "Mail";

    /// <summary>The notification with what was given.</summary>
    private protected Notification Apply(Notification notification)
    {
        var result = notification;
        if (IsGiven(nameof(On)))
            result = result with { On = On };
        if (IsGiven(nameof(Job)))
            result = result with { Jobs = Job };
        if (AddressGiven() is { } address)
            result = result with { Address = address };
        if (SmtpServer is not null)
            result = result with { Host = SmtpServer };
        if (IsGiven(nameof(Port)))
            result = result with { Port = Port };
        if (From is not null)
            result = result with { From = From };
        if (To is not null)
            result = result with { To = To };
        if (IsGiven(nameof(NoTls)))
            result = result with { UseTls = !NoTls };
        if (IsGiven(nameof(Credential)))
            result = Credential is null || Credential == PSCredential.Empty ? result with { UserName = null, Password = null } : result with { UserName = Credential.UserName, Password = PasswordOf(Credential) };
        return result;
    }

    private SecretReference? AddressGiven() => Uri is not null ? SecretReference.FromMemory(new Secret(Uri.OriginalString))
        : UriVariable is not null ? SecretReference.FromEnvironment(UriVariable)
        : UriFile is not null ? SecretReference.FromFile(GetUnresolvedProviderPathFromPSPath(UriFile))
        : null;

    private static SecretReference PasswordOf(PSCredential credential) => credential.Password is { Length: > 0 } password
        ? SecretReference.FromMemory(Secret.FromSecureString(password))
        : throw new AlloyScanException(ErrorKind.InvalidArgument, "IncompleteCredential", "The credential for the mail server lacks the password.", advice: "Give user name and password, or leave it out.");
}
