using System.Globalization;
using AlloyScan.Engine.Site.Reading;
using System.Text.Json;
using RestSharp;

namespace AlloyScan.Engine.Site.Transport;

/// <summary>Gets access tokens by client credentials, as seldom as can be.</summary>
internal sealed class TokenSource(SiteConnectionOptions options, SiteAddress address, TokenSlot slot, SiteCaller caller, Redactor redactor)
{
    /// <summary>
    /// Life of a token whose answer does not say it. Both of the vendor's documents show one hour, and a shorter life is healed by the
    /// fresh token that follows a 401.
    /// </summary>
    internal static readonly TimeSpan AssumedLife = TimeSpan.FromHours(1);

    /// <summary>How long before its end a token is no longer used; for short lives a tenth of the life.</summary>
    internal static readonly TimeSpan Margin = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan s_longestLife = TimeSpan.FromDays(30);

    private static readonly LocationNode s_root = LocationNode.Build("token", ApiFields.TokenFields, i => ApiFields.TokenFields[i]);

    internal DateTimeOffset? ExpiresAt => slot.Current?.ExpiresAt;

    /// <summary>The shared token, asked for if there is none that is good.</summary>
    /// <param name="stale">A token that the site refused; <see langword="null"/> when none was.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <exception cref="AttemptException">No token was given.</exception>
    internal ValueTask<AccessToken> GetAsync(AccessToken? stale, CancellationToken cancellationToken) =>
        Good(stale) is { } current ? new ValueTask<AccessToken>(current) : AskAsync(stale, cancellationToken);

    private async ValueTask<AccessToken> AskAsync(AccessToken? stale, CancellationToken cancellationToken)
    {
        int generation = slot.Generation;
        await slot.Gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (Good(stale) is { } fresh)
            {
                return fresh;
            }

            if (slot.Generation != generation && slot.LastFailure is { } shared)
            {
                // Somebody asked while this caller waited, and failed. Asking again with the same credentials would only cost another call.
                throw new AttemptException(shared.Kind, shared.ErrorId, shared.Message, shared.InnerException)
                {
                    StatusCode = shared.StatusCode,
                    ServerMessage = shared.ServerMessage,
                    Advice = shared.Advice,
                    Transient = shared.Transient,
                    RetryAfter = shared.RetryAfter,
                }.At(shared.Request!);
            }

            try
            {
                AccessToken token = await RequestAsync(cancellationToken).ConfigureAwait(false);
                slot.Succeeded(token);
                caller.Trace(string.Create(CultureInfo.InvariantCulture, $"New token from {slot.WorkingPath}, good until {token.ExpiresAt.UtcDateTime:u}."));
                return token;
            }
            catch (AttemptException e)
            {
                slot.Failed(e);
                throw;
            }
        }
        finally
        {
            slot.Gate.Release();
        }
    }

    /// <summary>Asks for a token now, even if there is a good one.</summary>
    /// <param name="singleTry">Whether one try is enough.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <exception cref="AlloyScanException">No token was given.</exception>
    internal Task<AccessToken> RenewAsync(bool singleTry, CancellationToken cancellationToken) =>
        caller.RunAsync(
            new CallInfo(Method.Post, address.Url(options.Profile.Paths.Token), "No access token", options.ClientId) { SingleTry = singleTry },
            async token => await GetAsync(slot.Current, token).ConfigureAwait(false),
            cancellationToken);

    /// <summary>The shared token if it can be used now; asks for none.</summary>
    /// <param name="stale">A token that the site refused; <see langword="null"/> when none was.</param>
    internal AccessToken? Good(AccessToken? stale) =>
        slot.Current is { } token && !ReferenceEquals(token, stale) && options.TimeProvider.GetUtcNow() < token.RenewAt ? token : null;

    private async Task<AccessToken> RequestAsync(CancellationToken cancellationToken)
    {
        ApiPaths paths = options.Profile.Paths;
        string first = slot.WorkingPath ?? paths.Token;
        string? second = first == paths.Token ? paths.TokenFallback : paths.Token;

        SiteResponse response = await PostAsync(first, cancellationToken).ConfigureAwait(false);
        if (response.StatusCode == 404 && second is not null && second != first)
        {
            response.Dispose();
            caller.Trace($"No token endpoint at {first} (404); trying {second}.");
            slot.WorkingPath = null;
            first = second;
            response = await PostAsync(first, cancellationToken).ConfigureAwait(false);
        }

        using (response)
        {
            if (!response.IsSuccess)
            {
                throw Failure(response);
            }

            AccessToken token = SiteCaller.Parse<AccessToken>(response, Read);
            slot.WorkingPath = first;
            return token;
        }
    }

    private Task<SiteResponse> PostAsync(string path, CancellationToken cancellationToken)
    {
        List<KeyValuePair<string, string>> form =
        [
            new("grant_type", "client_credentials"),
            new("client_id", options.ClientId),
            new("client_secret", options.ClientSecret.Reveal()),
        ];
        if (options.Profile.Scope is { Length: > 0 } scope)
        {
            form.Add(new("scope", scope));
        }

        return caller.GovernedAsync(Method.Post, address.Url(path), bearer: null, form, cancellationToken);
    }

    private AccessToken Read(ref BodyReader reader)
    {
        (string? value, string? life, string? type) = new TokenReader().Read(ref reader);
        if (string.IsNullOrWhiteSpace(value) || value.Any(c => c is <= ' ' or > '~'))
        {
            throw new BodyException(BodyFault.Shape, "UnexpectedAnswer", "the answer of the token endpoint has no usable 'access_token'");
        }

        if (type is not null && !type.Equals("bearer", StringComparison.OrdinalIgnoreCase))
        {
            throw new BodyException(BodyFault.Shape, "UnexpectedAnswer", "the answer of the token endpoint is no bearer token");
        }

        TimeSpan lasts = double.TryParse(life, NumberStyles.Float, CultureInfo.InvariantCulture, out double seconds) && seconds > 0
            ? TimeSpan.FromSeconds(Math.Min(seconds, s_longestLife.TotalSeconds))
            : AssumedLife;
        TimeSpan margin = lasts / 10 < Margin ? lasts / 10 : Margin;
        DateTimeOffset now = options.TimeProvider.GetUtcNow();
        return new AccessToken(value, now + lasts, now + lasts - margin);
    }

    private AttemptException Failure(SiteResponse response)
    {
        ServerWords words = ServerWords.Read(response.Body, redactor);
        AttemptException general = caller.Failure(response, notFoundAdvice: "Check the site's address and the token paths of the API profile.");
        int status = response.StatusCode;
        if (words.Code == "invalid_client" || (status == 401 && words.Code is null))
        {
            return new AttemptException(ErrorKind.Authentication, "InvalidClient", $"the site does not accept the app registration '{options.ClientId}'")
            {
                StatusCode = status,
                ServerMessage = words.Text,
                Advice = "The client ID or secret is wrong, or the app registration has expired or is disabled. Look at it in the site's settings under App registrations.",
            }.At(response.Request);
        }

        return status is 400 or 401
            ? new AttemptException(ErrorKind.Authentication, "TokenRefused", "the site gives no token")
            {
                StatusCode = status,
                ServerMessage = words.Text,
                Advice = "Check the app registration and the scope of the API profile.",
            }.At(response.Request)
            : general;
    }

    private sealed class TokenReader() : FieldReader(s_root, ApiFields.TokenFields.Length)
    {
        internal (string? Value, string? Life, string? Type) Read(ref BodyReader reader)
        {
            if (reader.TokenType != JsonTokenType.StartObject)
            {
                throw new BodyException(BodyFault.Shape, "UnexpectedAnswer", "the answer of the token endpoint is no object");
            }

            ReadFields(ref reader);
            return (Values[ApiFields.Token.AccessToken], Values[ApiFields.Token.ExpiresIn], Values[ApiFields.Token.TokenType]);
        }
    }
}
