using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using AlloyScan.Engine.Credentials;
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
        if (!Uri.TryCreate(Resolve(notification, notification.Address!, Notification.AddressWords).Reveal(), UriKind.Absolute, out var address) || (address.Scheme != Uri.UriSchemeHttps && address.Scheme != Uri.UriSchemeHttp))
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

    /// <summary>Sends one. A receiver that does not take it is a result, and so is anything else that goes wrong with it.</summary>
    /// <exception cref="OperationCanceledException">Stopped.</exception>
    public async Task<NotificationResult> SendAsync(Notification notification, RunNews news, CancellationToken cancellationToken)
    {
        var attempt = new Attempt { Host = notification.Host };
        string? error;
        using var limit = new CancellationTokenSource(s_limit, _timeProvider);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        try
        {
            // On a thread of its own, and not waited for beyond the limit: the file of an address may be a pipe that nobody writes to, and look-ups of names may ignore their token.
            // It may begin when all of this is over, so it gets the token, not its source.
            var token = stop.Token;
            error = await Task.Run(() => TryAsync(notification, news, attempt, token), CancellationToken.None).WaitAsync(token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            error = string.Create(CultureInfo.InvariantCulture, $"{(attempt.Host.Length == 0 ? "The receiver" : attempt.Host)} did not take it within {s_limit.TotalSeconds:0} s.");
        }
        catch (AlloyScanException e)
        {
            error = e.MessageWithAdvice;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // Whatever it is, it is a matter of this receiver and none of the run.
            error = $"It could not be sent: {e.Message}";
        }

        return new NotificationResult { Name = notification.Name, Kind = notification.Kind, Host = attempt.Host, Sent = error is null, Tries = attempt.Tries, Error = error is null ? null : AlloyScanException.Said(error) };
    }

    private async Task<string?> TryAsync(Notification notification, RunNews news, Attempt attempt, CancellationToken cancellationToken)
    {
        var address = notification.Kind == NotificationKind.Mail ? null : AddressOf(notification);
        attempt.Host = address?.Host ?? notification.Host;
        var failure = await Retry().ExecuteAsync(
            async token =>
            {
                attempt.Tries++;
                return address is null ? await MailAsync(notification, news, token).ConfigureAwait(false) : await PostAsync(notification.Kind, address, news, token).ConfigureAwait(false);
            },
            cancellationToken).ConfigureAwait(false);
        return failure?.Words;
    }

    private ResiliencePipeline<Failure?> Retry() => new ResiliencePipelineBuilder<Failure?> { TimeProvider = _timeProvider }
        .AddRetry(new RetryStrategyOptions<Failure?>
        {
            MaxRetryAttempts = MaxTries - 1,
            // A try gives its failure as a result and throws for nothing but a stop, which has no result and is not tried again. This is read
            // as soon as the try has ended, and not kept.
            ShouldHandle = static arguments => ValueTask.FromResult(arguments.Outcome.Result is { MayPass: true }),
            DelayGenerator = static arguments => ValueTask.FromResult<TimeSpan?>(arguments.Outcome.Result is { RetryAfter: { } asked }
                ? (asked < s_longestWait ? asked : s_longestWait)
                : TimeSpan.FromSeconds(1 + (2 * arguments.AttemptNumber))),
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
        catch (MailRefusedException e)
        {
            return new Failure($"The mail server {notification.Host} did not take it: {Clean(e.Message, notification)}", e.MayPass);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            return new Failure(string.Create(CultureInfo.InvariantCulture, $"The mail server {notification.Host} gave no answer within {s_tryLimit.TotalSeconds:0} s."), true);
        }
    }

    /// <summary>A server may quote what it was sent.</summary>
    private static string Clean(string text, Notification notification) =>
        notification.Password is { } password ? Resolve(notification, password, Notification.PasswordWords).Forms.Clean(text) : text;

    /// <summary>A secret of a notification; a failure to have it says whose it is.</summary>
    private static Secret Resolve(Notification notification, SecretReference secret, string what) => secret.Resolve(
        e => new AlloyScanException(e.Kind, e.ErrorId, $"The {what} of the notification '{notification.Name}' cannot be had. {e.Message}", notification.Name, $"{e.Advice} Set-AlloyScanNotification changes where it is.".TrimStart(), e.InnerException),
        what);

    private TimeSpan? WaitOf(RetryConditionHeaderValue? header)
    {
        var wait = header?.Delta ?? header?.Date - _timeProvider.GetUtcNow();
        return wait is { } time && time < TimeSpan.Zero ? TimeSpan.Zero : wait;
    }

    private static string ReasonOf(HttpStatusCode status) => Enum.IsDefined(status) ? status.ToString() : "(unknown)";

    private static string Plain(HttpRequestException exception) => (exception.InnerException?.Message ?? exception.Message).TrimEnd('.');

    /// <summary>How far it came, also when it is given up in the midst of a try.</summary>
    private sealed class Attempt
    {
        public string Host { get; set; } = string.Empty;

        public int Tries { get; set; }
    }

    /// <summary>Why one try did not succeed.</summary>
    /// <param name="Words">In words.</param>
    /// <param name="MayPass">Whether another try may succeed.</param>
    /// <param name="RetryAfter">What the receiver asked to wait.</param>
    private sealed record Failure(string Words, bool MayPass, TimeSpan? RetryAfter = null);
}
