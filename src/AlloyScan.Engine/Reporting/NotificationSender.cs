using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Mail;
using Polly;
using Polly.Retry;

namespace AlloyScan.Engine.Reporting;

/// <summary>
/// Sends news: some tries, each with its time limit, and an end to all of it after half a minute. Errors name the host only, since
/// an address lets whoever reads it write to the channel.
/// </summary>
internal sealed class NotificationSender : IDisposable
{
    private const int MaxTries = 3;

    private static readonly TimeSpan s_tryLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_longestWait = TimeSpan.FromSeconds(10);

    private readonly HttpClient _client;
    private readonly IMailSender _mail;
    private readonly TimeProvider _timeProvider;

    public NotificationSender(HttpMessageHandler? transport, IMailSender mail, TimeProvider timeProvider)
    {
        // No redirect is followed: the news are for the host that was named.
        _client = transport is null
            ? new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, ConnectTimeout = s_tryLimit })
            : new HttpClient(transport, disposeHandler: false);
        _client.Timeout = Timeout.InfiniteTimeSpan;
        _mail = mail;
        _timeProvider = timeProvider;
    }

    public void Dispose() => _client.Dispose();

    /// <summary>The address of a notification.</summary>
    /// <exception cref="AlloyScanException">It cannot be read (<c>SecretNotFound</c>), is none (<c>InvalidNotification</c>), or is not encrypted (<c>InsecureAddress</c>).</exception>
    public static Uri AddressOf(Notification notification)
    {
        // No message quotes the address.
        if (!Uri.TryCreate(notification.Address!.Resolve().Reveal(), UriKind.Absolute, out var address) || (address.Scheme != Uri.UriSchemeHttps && address.Scheme != Uri.UriSchemeHttp))
        {
            throw new AlloyScanException(
                ErrorKind.InvalidArgument, "InvalidNotification", $"The address of the notification '{notification.Name}' is none of the web.", notification.Name, "Give an address that begins with https://.");
        }

        if (address.Scheme == Uri.UriSchemeHttp && !address.IsLoopback)
        {
            throw new AlloyScanException(
                ErrorKind.InvalidArgument, "InsecureAddress", $"The address of the notification '{notification.Name}' on {address.Host} is plain HTTP, which anybody on the way can read.", notification.Name,
                "Use https://; plain HTTP is taken only on the local host.");
        }

        return address;
    }

    /// <summary>Sends one. A receiver that does not take it is a result.</summary>
    /// <exception cref="OperationCanceledException">Stopped.</exception>
    public async Task<NotificationResult> SendAsync(Notification notification, RunNews news, CancellationToken cancellationToken)
    {
        var tries = 0;
        var host = notification.Host;
        string? error;
        using var limit = new CancellationTokenSource(s_limit, _timeProvider);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        try
        {
            var address = notification.Kind == NotificationKind.Mail ? null : AddressOf(notification);
            host = address?.Host ?? host;
            error = await Retry().ExecuteAsync(
                async token =>
                {
                    tries++;
                    return address is null ? await MailAsync(notification, news, token).ConfigureAwait(false) : await PostAsync(notification.Kind, address, news, token).ConfigureAwait(false);
                },
                stop.Token).ConfigureAwait(false) is { } failure ? failure.Words : null;
        }
        catch (AlloyScanException e)
        {
            error = e.Message;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            error = string.Create(CultureInfo.InvariantCulture, $"{host} did not take it within {s_limit.TotalSeconds:0} s.");
        }

        return new NotificationResult { Name = notification.Name, Kind = notification.Kind, Host = host, Sent = error is null, Tries = tries, Error = error };
    }

    private ResiliencePipeline<Failure?> Retry() => new ResiliencePipelineBuilder<Failure?> { TimeProvider = _timeProvider }
        .AddRetry(new RetryStrategyOptions<Failure?>
        {
            MaxRetryAttempts = MaxTries - 1,
            ShouldHandle = static arguments => ValueTask.FromResult(arguments.Outcome.Result is { MayPass: true }),
            DelayGenerator = static arguments => ValueTask.FromResult<TimeSpan?>(
                arguments.Outcome.Result!.RetryAfter is { } asked ? (asked < s_longestWait ? asked : s_longestWait) : TimeSpan.FromSeconds(1 + (2 * arguments.AttemptNumber))),
        })
        .Build();

    private async Task<Failure?> PostAsync(NotificationKind kind, Uri address, RunNews news, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(kind == NotificationKind.Heartbeat ? HttpMethod.Get : HttpMethod.Post, address);
        request.Headers.UserAgent.ParseAdd("AlloyScan.PowerShell");
        if (kind != NotificationKind.Heartbeat)
        {
            var body = kind switch { NotificationKind.Slack => news.Slack(), NotificationKind.Teams => news.Teams(), _ => news.Json() };
            request.Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json", "utf-8") } };
        }

        using var limit = new CancellationTokenSource(s_tryLimit, _timeProvider);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        try
        {
            // Nothing that the receiver says is read beyond its status: it may be anything, of any length.
            using var response = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, stop.Token).ConfigureAwait(false);
            var status = (int)response.StatusCode;
            if (response.IsSuccessStatusCode)
                return null;

            var words = status is >= 300 and < 400
                ? $"{address.Host} sends on to another address ({status}); give the one that it is now."
                : $"{address.Host} answered {status} {ReasonOf(response.StatusCode)}.";
            return new Failure(words, status is 408 or 429 or >= 500, WaitOf(response.Headers.RetryAfter));
        }
        catch (HttpRequestException e)
        {
            return new Failure($"{address.Host} cannot be reached: {Plain(e)}.", true);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            return new Failure(string.Create(CultureInfo.InvariantCulture, $"{address.Host} gave no answer within {s_tryLimit.TotalSeconds:0} s."), true);
        }
    }

    private async Task<Failure?> MailAsync(Notification notification, RunNews news, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(s_tryLimit, _timeProvider);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        try
        {
            await _mail.SendAsync(notification, news.Title, news.Text, stop.Token).ConfigureAwait(false);
            return null;
        }
        catch (SmtpException e)
        {
            // 4xx codes are passing troubles, and so is a broken connection.
            var passes = e.StatusCode is SmtpStatusCode.GeneralFailure || (int)e.StatusCode is >= 400 and < 500;
            return new Failure($"The mail server {notification.Host} did not take it: {Clean(e.InnerException?.Message ?? e.Message, notification)}", passes);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            return new Failure(string.Create(CultureInfo.InvariantCulture, $"The mail server {notification.Host} gave no answer within {s_tryLimit.TotalSeconds:0} s."), true);
        }
    }

    /// <summary>A server may quote what it was sent.</summary>
    private static string Clean(string text, Notification notification)
    {
        if (notification.Password?.Resolve().Reveal() is not { } password)
            return text;
        return text.Replace(password, "********", StringComparison.Ordinal)
            .Replace(Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(password)), "********", StringComparison.Ordinal);
    }

    private TimeSpan? WaitOf(RetryConditionHeaderValue? header)
    {
        var wait = header?.Delta ?? header?.Date - _timeProvider.GetUtcNow();
        return wait is { } time && time < TimeSpan.Zero ? TimeSpan.Zero : wait;
    }

    private static string ReasonOf(HttpStatusCode status) => Enum.IsDefined(status) ? status.ToString() : "(unknown)";

    private static string Plain(HttpRequestException exception) => (exception.InnerException?.Message ?? exception.Message).TrimEnd('.');

    /// <summary>Why one try did not succeed.</summary>
    /// <param name="Words">In words.</param>
    /// <param name="MayPass">Whether another try may succeed.</param>
    /// <param name="RetryAfter">What the receiver asked to wait.</param>
    private sealed record Failure(string Words, bool MayPass, TimeSpan? RetryAfter = null);
}
