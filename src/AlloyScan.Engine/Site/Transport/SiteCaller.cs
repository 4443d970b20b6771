using System.Globalization;
using AlloyScan.Engine.Site.Reading;
using Polly;
using Polly.Retry;
using RestSharp;

namespace AlloyScan.Engine.Site.Transport;

/// <summary>What a call is about, in words for messages.</summary>
/// <param name="Method">The verb.</param>
/// <param name="Url">Address on the site's own host.</param>
/// <param name="What">What is done, as in "The device list cannot be read": the words before <c>: reason</c>.</param>
/// <param name="Target">The item that the user named.</param>
internal sealed record CallInfo(Method Method, string Url, string What, object? Target = null)
{
    /// <summary>Advice for 404 where a 404 can only mean a wrong path; <see langword="null"/> where it is about the item.</summary>
    internal string? NotFoundAdvice { get; init; }

    /// <summary>Whether one try is enough: a connection test wants the first answer.</summary>
    internal bool SingleTry { get; init; }
}

/// <summary>
/// Makes calls: token, rate, time limit, retries, and failures in words. The only place that turns a failure into an
/// <see cref="AlloyScanException"/>.
/// </summary>
internal sealed class SiteCaller : IDisposable
{
    /// <summary>Tries of an idempotent call for failures of the transport and the server.</summary>
    internal const int MaxTries = 5;

    /// <summary>Answers of 429 that one call bears. With our own waits these are about four minutes; with the site's, whatever it asks.</summary>
    internal const int MaxThrottles = 10;

    /// <summary>Longest wait on the site's word. A site that asks for more has most likely run out of its monthly quota.</summary>
    internal static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(10);

    /// <summary>How often one call goes back for a token that ended while it waited for its turn, before it sends the one it has.</summary>
    internal const int MaxLateTokens = 5;

    private static readonly TimeSpan s_longestBackoff = TimeSpan.FromSeconds(30);

    private readonly SiteConnectionOptions _options;
    private readonly SiteTransport _transport;
    private readonly RateGovernor _governor;
    private readonly TokenSource _tokens;
    private readonly Redactor _redactor;
    private readonly CompiledProfile _profile;
    private readonly Lazy<ResiliencePipeline> _retry;

    internal SiteCaller(SiteConnectionOptions options, SiteAddress address, CompiledProfile profile, UsageCounter usage)
    {
        _options = options;
        _profile = profile;
        TokenSlot slot = TokenSlot.For(options, address);
        _redactor = new Redactor(options.ClientSecret, slot);
        _transport = new SiteTransport(options, address, usage);
        _governor = new RateGovernor(options.ThrottleLimit, options.TimeProvider, options.Randomizer, Trace);
        _tokens = new TokenSource(options, address, slot, this, _redactor);
        _retry = new Lazy<ResiliencePipeline>(BuildRetry);
    }

    internal TokenSource Tokens => _tokens;

    internal RateGovernor Governor => _governor;

    public void Dispose() => _transport.Dispose();

    internal void Trace(string line) => _options.Trace?.Invoke(_redactor.Clean(line));

    /// <summary>A text without secret and tokens.</summary>
    internal string Clean(string text) => _redactor.Clean(text);

    /// <summary>Makes a call and reads its JSON.</summary>
    /// <typeparam name="T">What the answer becomes.</typeparam>
    /// <param name="call">The call.</param>
    /// <param name="read">Takes what is needed from the answer; called again from the start if the answer is asked for again.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <exception cref="AlloyScanException">The call failed.</exception>
    internal Task<T> ReadAsync<T>(CallInfo call, BodyRead<T> read, CancellationToken cancellationToken) =>
        RunAsync(
            call,
            async token =>
            {
                using SiteResponse response = await AuthorizedAsync(call, token).ConfigureAwait(false);
                return Parse(response, read);
            },
            cancellationToken);

    /// <summary>Makes a call whose answer does not matter.</summary>
    /// <param name="call">The call.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <exception cref="AlloyScanException">The call failed.</exception>
    internal Task SendAsync(CallInfo call, CancellationToken cancellationToken) =>
        RunAsync(
            call,
            async token =>
            {
                using SiteResponse response = await AuthorizedAsync(call, token).ConfigureAwait(false);
                return true;
            },
            cancellationToken);

    /// <summary>Runs the tries of a call and puts a failure into words.</summary>
    internal async Task<T> RunAsync<T>(CallInfo call, Func<CancellationToken, Task<T>> attempt, CancellationToken cancellationToken)
    {
        AttemptException failure;
        try
        {
            return await attempt(cancellationToken).ConfigureAwait(false);
        }
        catch (AttemptException e)
        {
            failure = e;
        }

        // The retry policy is entered with the first failure only: calls that succeed, which is nearly all, do not pay for it.
        return failure.Transient && !call.SingleTry && call.Method is Method.Get or Method.Delete
            ? await RetryAsync(call, attempt, failure, cancellationToken).ConfigureAwait(false)
            : throw ToException(call, failure, tries: 1);
    }

    private ResiliencePipeline BuildRetry()
    {
        return new ResiliencePipelineBuilder { TimeProvider = _options.TimeProvider }
            .AddRetry(new RetryStrategyOptions
            {
                MaxRetryAttempts = MaxTries - 1,
                ShouldHandle = static arguments => ValueTask.FromResult(arguments.Outcome.Exception is AttemptException { Transient: true }),
                DelayGenerator = arguments => ValueTask.FromResult<TimeSpan?>(Backoff(arguments.AttemptNumber, (AttemptException)arguments.Outcome.Exception!)),
                OnRetry = arguments =>
                {
                    Trace(string.Create(
                        CultureInfo.InvariantCulture,
                        $"Try {arguments.AttemptNumber + 1} of {MaxTries} failed ({arguments.Outcome.Exception!.Message}); the next in {arguments.RetryDelay.TotalSeconds:0.#} s."));
                    return default;
                },
            })
            .Build();
    }

    private async Task<T> RetryAsync<T>(CallInfo call, Func<CancellationToken, Task<T>> attempt, AttemptException first, CancellationToken cancellationToken)
    {
        int tries = 0;
        try
        {
            return await _retry.Value.ExecuteAsync(
                async token => ++tries == 1 ? throw first : await attempt(token).ConfigureAwait(false),
                cancellationToken).ConfigureAwait(false);
        }
        catch (AttemptException e)
        {
            throw ToException(call, e, tries);
        }
    }

    /// <summary>Sends one request in its turn and within its time, obeying 429.</summary>
    /// <param name="method">The verb.</param>
    /// <param name="url">Address on the site's own host.</param>
    /// <param name="bearer">Finds the token; <see langword="null"/> for the token request itself.</param>
    /// <param name="form">Body of a form; <see langword="null"/> for none.</param>
    /// <param name="cancellationToken">Stops the request.</param>
    /// <exception cref="AttemptException">No answer came.</exception>
    internal async Task<SiteResponse> GovernedAsync(
        Method method, string url, Bearer? bearer, IReadOnlyList<KeyValuePair<string, string>>? form, CancellationToken cancellationToken)
    {
        for (int throttles = 1; ; throttles++)
        {
            _options.Budget?.RequireLeft();
            using RateGovernor.Place place = await EnterAsync(bearer, cancellationToken).ConfigureAwait(false);
            using CancellationTokenSource timer = new(_options.Timeout, _options.TimeProvider);
            using CancellationTokenSource linked = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timer.Token);
            SiteResponse response;
            try
            {
                response = await _transport.SendAsync(method, url, bearer?.Used?.Value, form, linked.Token).ConfigureAwait(false);
            }
            catch (AttemptException e)
            {
                e.At(new RequestName(method, url));
                throw;
            }
            catch (OperationCanceledException e) when (timer.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
            {
                throw new AttemptException(
                    ErrorKind.Timeout, "SiteTimeout", string.Create(CultureInfo.InvariantCulture, $"no answer within {_options.Timeout.TotalSeconds:0.#} s"), e)
                {
                    Transient = true,
                    Advice = "Try again later, or allow more time.",
                }.At(new RequestName(method, url));
            }

            if (response.StatusCode != 429)
            {
                if (response.IsSuccess)
                {
                    place.Succeeded();
                }

                return response;
            }

            using (response)
            {
                TimeSpan wait = place.Throttled(response.RetryAfter is { } asked && asked > LongestWait ? TimeSpan.Zero : response.RetryAfter);
                if (throttles < MaxThrottles && !(response.RetryAfter > LongestWait))
                {
                    continue;
                }

                ServerWords words = ServerWords.Read(response.Body, _redactor);
                string reason = response.RetryAfter > LongestWait
                    ? string.Create(CultureInfo.InvariantCulture, $"the site limits the rate (429) and asks to come back in {response.RetryAfter.Value.TotalMinutes:0} minutes")
                    : string.Create(CultureInfo.InvariantCulture, $"the site still limits the rate (429) after {throttles} tries, the last wait being {wait.TotalSeconds:0.#} s");
                throw new AttemptException(ErrorKind.LimitsExceeded, "RateLimited", reason)
                {
                    StatusCode = 429,
                    ServerMessage = words.Text,
                    RetryAfter = response.RetryAfter,
                    Advice = "Wait, lower the throttle limit, or look at the API transactions of the month under Site Settings > Limits and usage.",
                }.At(response.Request);
            }
        }
    }

    /// <summary>
    /// Waits for a place and sees to it that the token is still good by then. A token is asked for outside of any place, since its
    /// request needs one of its own: at a concurrency of 1 it would wait for itself.
    /// </summary>
    private async ValueTask<RateGovernor.Place> EnterAsync(Bearer? bearer, CancellationToken cancellationToken)
    {
        if (bearer is null)
        {
            return await _governor.EnterAsync(cancellationToken).ConfigureAwait(false);
        }

        for (int late = 0; ; late++)
        {
            bearer.Used = await _tokens.GetAsync(bearer.Stale, cancellationToken).ConfigureAwait(false);
            RateGovernor.Place place = await _governor.EnterAsync(cancellationToken).ConfigureAwait(false);
            if (_tokens.Good(bearer.Stale) is { } good)
            {
                bearer.Used = good;
                return place;
            }

            // A queue that outlasts every token would go on for ever: then the site may judge, and a 401 has its own way out.
            if (late == MaxLateTokens)
            {
                return place;
            }

            place.Dispose();
        }
    }

    /// <summary>Reads a body as JSON.</summary>
    internal static T Parse<T>(SiteResponse response, BodyRead<T> read)
    {
        try
        {
            return response.IsHtml
                ? throw new BodyException(BodyFault.NotJson, "NotJson", "the answer is HTML and not JSON")
                : BodyReader.ReadBody(response.Body, read);
        }
        catch (BodyException e)
        {
            throw new AttemptException(ErrorKind.InvalidData, e.ErrorId, e.Message, e.InnerException)
            {
                StatusCode = response.StatusCode,

                // A body cut short is a broken connection, and worth another try. HTML with status 200 is a sign-in page or a proxy that will
                // say the same again: it is told at once.
                Transient = e.Fault == BodyFault.Truncated,
                Advice = e.Fault switch
                {
                    BodyFault.NotJson => "Check the site's address and the API profile's paths, and whether a proxy or a sign-in page answers in place of the API.",
                    BodyFault.Limit => "No answer of the API needs that. Check the site's address and the API profile's paths.",
                    BodyFault.Shape => "Check the locations of the API profile against the answers of this release.",
                    _ => null,
                },
            }.At(response.Request);
        }
    }

    /// <summary>Turns an answer that is a failure into words.</summary>
    internal AttemptException Failure(SiteResponse response, string? notFoundAdvice)
    {
        ServerWords words = ServerWords.Read(response.Body, _redactor);
        int status = response.StatusCode;
        (ErrorKind kind, string errorId, string reason, string? advice) = status switch
        {
            401 => (ErrorKind.Authentication, "TokenRefused", "the site refuses the token", "Check the app registration: it may have been disabled, or belong to another site."),
            403 => (ErrorKind.PermissionDenied, "PermissionDenied", "the site refuses", (string?)"Check that the app registration is enabled, belongs to this site and has the right to do this."),
            404 when notFoundAdvice is not null => (ErrorKind.NotFound, "WrongApiPath", "the site knows no such path", notFoundAdvice),
            404 => (ErrorKind.NotFound, "NotFound", "the site has no such item", null),
            408 => (ErrorKind.Timeout, "SiteTimeout", "the site gave up waiting", null),
            409 => (ErrorKind.ResourceBusy, "Conflict", "the site reports a conflict", null),
            >= 500 => (ErrorKind.ResourceUnavailable, "SiteFailed", "the site failed", "Try again later."),
            _ => (ErrorKind.InvalidData, "UnexpectedStatus", "the site refuses the request", "Check the API profile against the release of the site."),
        };
        return new AttemptException(kind, errorId, reason)
        {
            StatusCode = status,
            ServerMessage = words.Text,
            Transient = status is >= 500 or 408,
            RetryAfter = response.RetryAfter,
            Advice = advice,
        }.At(response.Request);
    }

    private async Task<SiteResponse> AuthorizedAsync(CallInfo call, CancellationToken cancellationToken)
    {
        Bearer bearer = new();
        SiteResponse response;
        for (int tries = 1; ; tries++)
        {
            response = await GovernedAsync(call.Method, call.Url, bearer, form: null, cancellationToken).ConfigureAwait(false);
            if (response.StatusCode != 401)
            {
                bearer.Used!.HasServed = true;
                break;
            }

            // A token may end before its time, for instance when the site restarts. One fresh token, one more try; those who find the same
            // stale token at the same time share the fresh one. A fresh one that is refused at first sight shows that no token helps; one
            // that has served other calls since has ended in its turn.
            if (tries == MaxTries || (tries > 1 && !bearer.Used!.HasServed))
            {
                break;
            }

            response.Dispose();
            Trace("The site refuses the token (401); a fresh one is asked for.");
            bearer.Stale = bearer.Used;
        }

        if (response.IsSuccess)
        {
            return response;
        }

        using (response)
        {
            throw Failure(response, call.NotFoundAdvice);
        }
    }

    private TimeSpan Backoff(int attempt, AttemptException failure)
    {
        if (failure.RetryAfter is { } asked && asked <= LongestWait)
        {
            return asked;
        }

        double seconds = Math.Pow(2, attempt) * (1 + (_options.Randomizer() / 2));
        return TimeSpan.FromSeconds(Math.Min(seconds, s_longestBackoff.TotalSeconds));
    }

    private AlloyScanException ToException(CallInfo call, AttemptException e, int tries)
    {
        RequestName request = e.Request ?? new RequestName(call.Method, call.Url);
        string message = e.StatusCode is { } status && status is not (>= 200 and < 300)
            ? string.Create(CultureInfo.InvariantCulture, $"{call.What}: {e.Message} ({status} on {request})")
            : $"{call.What}: {e.Message} ({request})";
        if (e.ServerMessage is not null)
        {
            message += $". It says: {e.ServerMessage.TrimEnd('.')}";
        }

        if (tries > 1)
        {
            message += string.Create(CultureInfo.InvariantCulture, $". Tried {tries} times");
        }

        message = _redactor.Clean(message + ".");
        string? advice = e.Advice is null ? null : _redactor.Clean(e.Advice);

        // Those of the JSON reader may quote the body, of which nobody knows what is a secret in it.
        Exception? inner = e.InnerException is System.Text.Json.JsonException ? null : _redactor.Clean(e.InnerException);
        return e.StatusCode is { } code
            ? new SiteException(e.Kind, e.ErrorId, message, code, e.ServerMessage, request.Path, call.Target, advice, inner)
            : new AlloyScanException(e.Kind, e.ErrorId, message, call.Target, advice, inner);
    }

    /// <summary>The token of one call, which may change while the call waits for its turn.</summary>
    internal sealed class Bearer
    {
        /// <summary>The token that the site refused; <see langword="null"/> when none was.</summary>
        internal AccessToken? Stale { get; set; }

        /// <summary>The token that the last request was sent with.</summary>
        internal AccessToken? Used { get; set; }
    }
}
