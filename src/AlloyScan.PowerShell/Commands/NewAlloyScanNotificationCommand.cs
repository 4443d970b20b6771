using System.Management.Automation;
using AlloyScan.Engine.Reporting;
using AlloyScan.PowerShell.Abstractions;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Makes a notification: who is told how the runs of sync jobs ended, and by what way.</summary>
[Cmdlet(VerbsCommon.New, "AlloyScanNotification", SupportsShouldProcess = true, DefaultParameterSetName = AddressSet)]
[OutputType(typeof(Notification))]
public sealed class NewAlloyScanNotificationCommand : NotificationSettingsCmdlet
{
    /// <summary>Name of the notification.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    [ValidateNotNullOrEmpty]
    public string Name { get; set; } = null!;

    /// <summary>What is posted: Webhook (a JSON object), Teams, Slack, or Heartbeat (a request without content after each success). Webhook by default.</summary>
    [Parameter(ParameterSetName = AddressSet)]
    [Parameter(ParameterSetName = VariableSet)]
    [Parameter(ParameterSetName = FileSet)]
    [ValidateSet("Webhook", "Teams", "Slack", "Heartbeat")]
    public string Kind { get; set; } = nameof(NotificationKind.Webhook);

    /// <summary>Address that is posted to. Who knows the address of a channel may write to it, so it is kept encrypted and never shown; read it with Read-Host -MaskInput to keep it out of the history.</summary>
    [Parameter(Mandatory = true, ParameterSetName = AddressSet)]
    [ValidateNotNull]
    public override Uri? Uri { get; set; }

    /// <summary>Name of the environment variable that holds the address when a run ends.</summary>
    [Parameter(Mandatory = true, ParameterSetName = VariableSet)]
    [ValidateNotNullOrEmpty]
    public override string? UriVariable { get; set; }

    /// <summary>Path of the file that holds the address when a run ends.</summary>
    [Parameter(Mandatory = true, ParameterSetName = FileSet)]
    [ValidateNotNullOrEmpty]
    public override string? UriFile { get; set; }

    /// <summary>Mail server that takes the mail.</summary>
    [Parameter(Mandatory = true, ParameterSetName = MailSet)]
    [ValidateNotNullOrEmpty]
    public override string? SmtpServer { get; set; }

    /// <summary>Sender of the mail.</summary>
    [Parameter(Mandatory = true, ParameterSetName = MailSet)]
    [ValidateNotNullOrEmpty]
    public override string? From { get; set; }

    /// <summary>Receivers of the mail.</summary>
    [Parameter(Mandatory = true, ParameterSetName = MailSet)]
    [ValidateNotNullOrEmpty]
    public override string[]? To { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        var kind = ParameterSetName == MailSet ? NotificationKind.Mail : Enum.Parse<NotificationKind>(Kind, ignoreCase: true);
        // A watchdog waits for successes.
        var notification = Apply(new Notification { Name = Name, Kind = kind, On = kind == NotificationKind.Heartbeat ? NotificationEvents.Success : NotificationEvents.Problems });
        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        if (await ConfirmAsync(Name, $"Create a notification ({kind}: {notification.On})", cancellationToken).ConfigureAwait(false))
            EmitFrom(store, await OffThread(() => store.Notifications.Create(notification), cancellationToken).ConfigureAwait(false));
    }
}
