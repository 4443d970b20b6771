using System.Management.Automation;
using AlloyScan.Engine;
using AlloyScan.Engine.Reporting;
using AlloyScan.PowerShell.Abstractions;
using AlloyScan.PowerShell.Completion;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Changes notifications. What is not named stays as it is.</summary>
[Cmdlet(VerbsCommon.Set, "AlloyScanNotification", SupportsShouldProcess = true, DefaultParameterSetName = AddressSet)]
[OutputType(typeof(Notification))]
public sealed class SetAlloyScanNotificationCommand : NotificationSettingsCmdlet
{
    /// <summary>Names of the notifications to change.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(NotificationNameCompleter))]
    [ValidateNotNullOrEmpty]
    public string[] Name { get; set; } = null!;

    /// <summary>Whether it is sent.</summary>
    [Parameter]
    public bool Enabled { get; set; }

    /// <summary>New name.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? NewName { get; set; }

    /// <summary>Emits the changed notifications.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        var given = MyInvocation.BoundParameters.Keys.Intersect(
            [nameof(On), nameof(Job), nameof(Uri), nameof(UriVariable), nameof(UriFile), nameof(SmtpServer), nameof(Port), nameof(From), nameof(To), nameof(Credential), nameof(NoTls), nameof(Enabled), nameof(NewName)]).ToList();
        if (given.Count == 0)
            throw new AlloyScanException(ErrorKind.InvalidArgument, "NothingToSet", "Nothing to change was given.", advice: "Name what is to change, for example -On Failure, Block.");

        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        await EachAsync(Name, async name =>
        {
            var notification = await OffThread(() => store.Notifications.Get(name), cancellationToken).ConfigureAwait(false);
            CheckFits(notification);
            var changed = Apply(notification) with { Name = NewName ?? notification.Name, Enabled = IsGiven(nameof(Enabled)) ? Enabled : notification.Enabled };
            if (!await ConfirmAsync(notification.Name, $"Set {string.Join(", ", given)}", cancellationToken).ConfigureAwait(false))
                return;

            changed = await OffThread(() => store.Notifications.Update(changed), cancellationToken).ConfigureAwait(false);
            if (PassThru)
                EmitFrom(store, changed);
        }).ConfigureAwait(false);
    }

    private void CheckFits(Notification notification)
    {
        var isMail = notification.Kind == NotificationKind.Mail;
        var hasMail = ParameterSetName == MailSet;
        var hasAddress = Uri is not null || UriVariable is not null || UriFile is not null;
        if (isMail ? hasAddress : hasMail)
        {
            throw new AlloyScanException(
                ErrorKind.InvalidArgument, "OtherNotificationKind", $"The notification '{notification.Name}' is of the kind {notification.Kind} and has no such setting.", notification.Name,
                isMail ? "Set its mail server, sender or receivers." : "Set its address.");
        }
    }
}
