using System.Net;
using System.Net.Mail;

namespace AlloyScan.Engine.Reporting;

/// <summary>Hands a mail to a server. A seam: the runtime's own client knows STARTTLS only, and a better library may take its place.</summary>
internal interface IMailSender
{
    /// <summary>Sends one mail.</summary>
    /// <exception cref="SmtpException">The server did not take it.</exception>
    Task SendAsync(Notification notification, string subject, string text, CancellationToken cancellationToken);
}

/// <summary>Sends with the runtime's SMTP client.</summary>
internal sealed class MailSender : IMailSender
{
    public async Task SendAsync(Notification notification, string subject, string text, CancellationToken cancellationToken)
    {
        using var client = new SmtpClient(notification.Host, notification.Port) { EnableSsl = notification.UseTls };
        if (notification.UserName is { } user)
            client.Credentials = new NetworkCredential(user, notification.Password?.Resolve(Notification.PasswordWords).Reveal());
        using var mail = new MailMessage { From = new MailAddress(notification.From!), Subject = subject, Body = text };
        foreach (var receiver in notification.To)
            mail.To.Add(receiver);
        await client.SendMailAsync(mail, cancellationToken).ConfigureAwait(false);
    }
}
