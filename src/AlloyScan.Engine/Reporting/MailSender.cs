using System.Net.Sockets;
using MailKit;
using MailKit.Net.Smtp;
using MailKit.Security;
using MimeKit;
using MimeKit.Text;

namespace AlloyScan.Engine.Reporting;

/// <summary>Hands a mail to a server.</summary>
internal interface IMailSender
{
    /// <summary>Sends one mail.</summary>
    /// <exception cref="MailRefusedException">The server did not take it.</exception>
    Task SendAsync(Notification notification, string subject, string text, CancellationToken cancellationToken);
}

/// <summary>A mail server did not take a mail.</summary>
/// <param name="message">Why, as far as the server said.</param>
/// <param name="mayPass">Whether another try may succeed.</param>
internal sealed class MailRefusedException(string message, bool mayPass) : Exception(message)
{
    /// <summary>Whether another try may succeed.</summary>
    public bool MayPass { get; } = mayPass;
}

/// <summary>Sends by SMTP: with TLS from the first byte on the port for it, else with STARTTLS, without which nothing is sent unless the notification allows it.</summary>
internal sealed class MailSender : IMailSender
{
    /// <summary>The port on which a server takes TLS from the first byte on.</summary>
    private const int TlsPort = 465;

    public async Task SendAsync(Notification notification, string subject, string text, CancellationToken cancellationToken)
    {
        // Before anything goes over the network.
        var password = notification.UserName is null ? null : notification.Password?.Resolve(Notification.PasswordWords).Reveal();
        using var mail = new MimeMessage { Subject = subject, Body = new TextPart(TextFormat.Plain) { Text = text } };
        mail.From.Add(MailboxAddress.Parse(notification.From!));
        foreach (var receiver in notification.To)
            mail.To.Add(MailboxAddress.Parse(receiver));

        // As with the addresses of the web: whether a certificate was called back is not asked, which would take a third host.
        using var client = new SmtpClient { CheckCertificateRevocation = false };
        try
        {
            await client.ConnectAsync(notification.Host, notification.Port, SecurityOf(notification), cancellationToken).ConfigureAwait(false);
            if (notification.UserName is { } user)
                await client.AuthenticateAsync(user, password ?? string.Empty, cancellationToken).ConfigureAwait(false);
            await client.SendAsync(mail, cancellationToken).ConfigureAwait(false);
            await client.DisconnectAsync(quit: true, cancellationToken).ConfigureAwait(false);
        }
        catch (SmtpCommandException e)
        {
            // 4xx codes are passing troubles.
            throw new MailRefusedException(e.Message, (int)e.StatusCode is >= 400 and < 500);
        }
        catch (SslHandshakeException e)
        {
            throw new MailRefusedException($"no encrypted connection could be made: {e.InnerException?.Message ?? e.Message}", mayPass: false);
        }
        catch (Exception e) when (e is AuthenticationException or NotSupportedException or ServiceNotAuthenticatedException)
        {
            throw new MailRefusedException(e.Message, mayPass: false);
        }
        catch (Exception e) when (e is ProtocolException or IOException or SocketException or ServiceNotConnectedException)
        {
            throw new MailRefusedException(e.Message, mayPass: true);
        }
    }

    private static SecureSocketOptions SecurityOf(Notification notification) => notification switch
    {
        { UseTls: false } => SecureSocketOptions.None,
        { Port: TlsPort } => SecureSocketOptions.SslOnConnect,
        _ => SecureSocketOptions.StartTls,
    };
}
