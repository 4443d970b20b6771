using System.Globalization;
using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Reflection;
using System.Security.Authentication;
using RestSharp;
using RestSharp.Interceptors;

namespace AlloyScan.Engine.Site.Transport;

/// <summary>
/// Sends single requests and reads the bodies as streams, decompressed and measured. Knows nothing of tokens' lives, retries or rates.
/// </summary>
internal sealed class SiteTransport : IDisposable
{
    /// <summary>Longest body that is read. A page of ten thousand devices is a tenth of it.</summary>
    internal const int MaxBodyBytes = 64 * 1024 * 1024;

    /// <summary>How much of a failure's body is read: it is only quoted.</summary>
    private const int MaxErrorBytes = 64 * 1024;

    private const int MaxRedirects = 3;

    private const string Accept = "application/json";

    private static readonly string s_userAgent =
        $"AlloyScan.PowerShell/{typeof(SiteTransport).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0"}";

    private readonly SiteAddress _address;
    private readonly UsageCounter _usage;
    private readonly CallBudget? _budget;
    private readonly Action<CancellationToken>? _beforeWrite;
    private readonly TimeProvider _time;
    private readonly HttpClient _http;
    private readonly RestClient _client;
    private volatile bool _disposed;

    internal SiteTransport(SiteConnectionOptions options, SiteAddress address, UsageCounter usage)
    {
        _address = address;
        _usage = usage;
        _budget = options.Budget;
        _beforeWrite = options.BeforeWrite;
        _time = options.TimeProvider;
        HttpMessageHandler handler = options.Transport ?? new SocketsHttpHandler
        {
            // Redirects are judged here, bodies are decompressed here, and a site has no business with cookies.
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            UseCookies = false,
            MaxConnectionsPerServer = options.ThrottleLimit,
            ConnectTimeout = TimeSpan.FromSeconds(30),
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        };
        _http = new HttpClient(handler, disposeHandler: options.Transport is null) { Timeout = Timeout.InfiniteTimeSpan };
        _http.DefaultRequestHeaders.Add("Accept", Accept);
        _http.DefaultRequestHeaders.Add("Accept-Encoding", "gzip, deflate, br");
        _http.DefaultRequestHeaders.Add("User-Agent", s_userAgent);
        _client = new RestClient(
            _http,
            disposeHttpClient: true,
            configureRestClient: o =>
            {
                o.UserAgent = s_userAgent;
                o.RedirectOptions = new RedirectOptions { FollowRedirects = false };
                o.Timeout = Timeout.InfiniteTimeSpan;

                // The original exceptions are wanted, and HTTP failures are answers to be read.
                o.ThrowOnAnyError = true;
                o.SetErrorExceptionOnUnsuccessfulStatusCode = false;
            });
    }

    /// <summary>Whether the site has answered at all since the client was made.</summary>
    internal bool EverAnswered { get; private set; }

    public void Dispose()
    {
        _disposed = true;
        _client.Dispose();
    }

    /// <summary>Sends a request and reads the answer.</summary>
    /// <param name="method">The verb.</param>
    /// <param name="url">Address on the site's own host.</param>
    /// <param name="bearer">Access token; <see langword="null"/> to send none.</param>
    /// <param name="form">Form fields of a POST.</param>
    /// <param name="cancellationToken">Stops at any byte.</param>
    /// <exception cref="AttemptException">There is no answer, or it cannot be read.</exception>
    /// <exception cref="BudgetSpentException">The budget does not allow the request, which was not sent.</exception>
    internal async Task<SiteResponse> SendAsync(
        Method method, string url, string? bearer, IReadOnlyList<KeyValuePair<string, string>>? form, CancellationToken cancellationToken)
    {
        for (int redirects = 0; ; redirects++)
        {
            HttpResponseMessage? message = null;
            // A form asks for a token.
            if (method != Method.Get && form is null)
                _beforeWrite?.Invoke(cancellationToken);
            try
            {
                _budget?.Spend();
                _usage.AddCall();
                message = method == Method.Get
                    ? await ReadAsync(url, bearer, cancellationToken).ConfigureAwait(false)
                    : await WriteAsync(method, url, bearer, form, cancellationToken).ConfigureAwait(false);
                Stream stream = await message.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
                await using (stream.ConfigureAwait(false))
                {
                    EverAnswered = true;
                    int status = (int)message.StatusCode;
                    if (status is 301 or 302 or 303 or 307 or 308)
                    {
                        url = Redirect(method, url, message.Headers.Location, status, redirects);
                        continue;
                    }

                    BodyBuffer body = new();
                    try
                    {
                        await ReadBodyAsync(message, stream, status, body, cancellationToken).ConfigureAwait(false);
                        return new SiteResponse(new RequestName(method, url), status, message.Content.Headers.ContentType?.MediaType, RetryAfter(message.Headers.RetryAfter), body);
                    }
                    catch
                    {
                        body.Dispose();
                        throw;
                    }
                }
            }
            catch (OperationCanceledException e) when (_disposed)
            {
                throw new ObjectDisposedException("The site client was disposed of while a call was under way.", e);
            }
            catch (Exception e) when (e is not AttemptException and not AlloyScanException and not ObjectDisposedException)
            {
                // A call that is called off may break in any way first; to the caller it was called off.
                throw cancellationToken.IsCancellationRequested
                    ? new OperationCanceledException(e.Message, e, cancellationToken)
                    : Translate(e, message is not null);
            }
            finally
            {
                message?.Dispose();
            }
        }
    }

    /// <summary>
    /// Sends a plain reading. Nearly all calls are these, twenty thousand in a first synchronisation of ten thousand devices, and all that
    /// they have is an address and a token: they go to the HTTP client itself, which RestSharp stands on too. Its building of requests from
    /// parameters would cost a quarter of the CPU time of such a run, most of it in compiling that code in a fresh process.
    /// </summary>
    private async Task<HttpResponseMessage> ReadAsync(string url, string? bearer, CancellationToken cancellationToken)
    {
        using HttpRequestMessage request = new(HttpMethod.Get, url);
        if (bearer is not null)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", bearer);
        }

        return await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
    }

    private async Task<HttpResponseMessage> WriteAsync(
        Method method, string url, string? bearer, IReadOnlyList<KeyValuePair<string, string>>? form, CancellationToken cancellationToken)
    {
        ResponseCapture capture = new();
        RestRequest request = new(url, method) { Interceptors = [capture], Timeout = Timeout.InfiniteTimeSpan };
        request.AddHeader("Accept", Accept);
        if (bearer is not null)
        {
            request.AddHeader("Authorization", "Bearer " + bearer);
        }

        foreach ((string name, string value) in form ?? [])
        {
            request.AddParameter(name, value, ParameterType.GetOrPost);
        }

        _ = await _client.DownloadStreamAsync(request, cancellationToken).ConfigureAwait(false);
        return capture.Response!;
    }

    private async Task ReadBodyAsync(HttpResponseMessage message, Stream stream, int status, BodyBuffer body, CancellationToken cancellationToken)
    {
        bool success = status is >= 200 and < 300;
        ICollection<string> encodings = message.Content.Headers.ContentEncoding;
        long length = encodings.Count == 0 ? message.Content.Headers.ContentLength ?? 0 : 0;
        if (success && length > MaxBodyBytes)
        {
            throw TooLarge();
        }

        Stream decoded = stream;
        foreach (string encoding in encodings.Reverse())
        {
            decoded = encoding.ToLowerInvariant() switch
            {
                "gzip" or "x-gzip" => new GZipStream(decoded, CompressionMode.Decompress),
                "br" => new BrotliStream(decoded, CompressionMode.Decompress),
                "deflate" => new ZLibStream(decoded, CompressionMode.Decompress),
                "identity" or "" => decoded,
                _ => throw new AttemptException(ErrorKind.InvalidData, "UnexpectedAnswer", $"the answer is compressed as '{encoding}', which was not asked for"),
            };
        }

        await using (decoded.ConfigureAwait(false))
        {
            int limit = success ? MaxBodyBytes : MaxErrorBytes;
            bool ended = await body.FillAsync(decoded, (int)Math.Min(length, limit), limit, AddBytes, cancellationToken).ConfigureAwait(false);
            if (!ended && success)
            {
                throw TooLarge();
            }
        }
    }

    private void AddBytes(int count)
    {
        _usage.AddBytes(count);
        _budget?.AddBytes(count);
    }

    private static AttemptException TooLarge() => new(
        ErrorKind.InvalidData,
        "BodyTooLarge",
        $"the answer is longer than {(MaxBodyBytes / (1024 * 1024)).ToString(CultureInfo.InvariantCulture)} MB")
    {
        Advice = "If it is a list, ask for fewer items at once: paging.pageSize in the API profile.",
    };

    private string Redirect(Method method, string url, Uri? location, int status, int redirects)
    {
        string code = status.ToString(CultureInfo.InvariantCulture);
        if (location is null)
        {
            throw new AttemptException(ErrorKind.InvalidData, "RedirectRefused", $"the site answered {code}, a redirect without an address") { StatusCode = status };
        }

        Uri target = location.IsAbsoluteUri ? location : new Uri(new Uri(url), location);
        if (!_address.IsOwn(target))
        {
            throw new AttemptException(
                ErrorKind.InvalidData, "RedirectRefused", $"the site redirects ({code}) to {target.GetComponents(UriComponents.SchemeAndServer, UriFormat.UriEscaped)}, and neither token nor secret follows to another host")
            {
                StatusCode = status,
                Advice = "If that is the site's true address, connect to it by that address.",
            };
        }

        if (method != Method.Get || redirects >= MaxRedirects)
        {
            throw new AttemptException(
                ErrorKind.InvalidData,
                "RedirectRefused",
                method != Method.Get
                    ? $"the site redirects ({code}) a request that is not a plain reading to {target.AbsolutePath} on {target.Host}"
                    : $"the site redirects on and on, at last to {target.AbsolutePath} on {target.Host}")
            {
                StatusCode = status,
                Advice = "Check the site's address and the API profile's paths.",
            };
        }

        return target.GetComponents(UriComponents.HttpRequestUrl, UriFormat.UriEscaped);
    }

    private TimeSpan? RetryAfter(RetryConditionHeaderValue? header)
    {
        TimeSpan? wait = header?.Delta ?? (header?.Date is { } date ? date - _time.GetUtcNow() : null);
        return wait < TimeSpan.Zero ? TimeSpan.Zero : wait;
    }

    private AttemptException Translate(Exception e, bool answered)
    {
        HttpRequestError error = e switch
        {
            HttpRequestException request => request.HttpRequestError,
            HttpIOException io => io.HttpRequestError,
            _ => HttpRequestError.Unknown,
        };
        SocketError? socket = Find<SocketException>(e)?.SocketErrorCode;
        string origin = _address.Origin;

        if (error == HttpRequestError.NameResolutionError || socket is SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain)
        {
            // At first contact a name that is not found is a slip of the pen; later it is a network that will come back.
            return new AttemptException(ErrorKind.Connection, "HostNotFound", $"the host name {_address.SiteUrl.Host} cannot be resolved", e)
            {
                Transient = EverAnswered || socket == SocketError.TryAgain,
                Advice = "Check the spelling of the site's address and the name resolution of this computer.",
            };
        }

        if (error == HttpRequestError.SecureConnectionError || Find<AuthenticationException>(e) is not null)
        {
            string reason = Find<AuthenticationException>(e)?.Message ?? Innermost(e);
            return new AttemptException(ErrorKind.Connection, "TlsFailed", $"no secure connection to {origin}: {reason}", e)
            {
                Transient = EverAnswered,
                Advice = "Check the certificate of the site, its names and date, and whether this computer trusts its issuer.",
            };
        }

        if (error == HttpRequestError.ProxyTunnelError)
        {
            return new AttemptException(ErrorKind.Connection, "ProxyRefused", $"the proxy makes no connection to {origin}: {Innermost(e)}", e)
            {
                Transient = EverAnswered,
                Advice = "Check the proxy settings of this computer, and whether the proxy wants a sign-in.",
            };
        }

        if (error == HttpRequestError.ConnectionError
            || socket is SocketError.ConnectionRefused or SocketError.HostUnreachable or SocketError.NetworkUnreachable or SocketError.TimedOut)
        {
            return new AttemptException(ErrorKind.Connection, "SiteUnreachable", $"no connection to {origin}: {Innermost(e)}", e)
            {
                Transient = true,
                Advice = "Check the address, the network, the firewall and the proxy.",
            };
        }

        if (answered && (error is HttpRequestError.ResponseEnded or HttpRequestError.Unknown || e is InvalidDataException))
        {
            return new AttemptException(ErrorKind.InvalidData, "TruncatedBody", $"the answer ends in the middle: {Innermost(e)}", e) { Transient = true };
        }

        return new AttemptException(ErrorKind.Connection, "ConnectionBroken", $"the connection to {origin} broke: {Innermost(e)}", e) { Transient = true };
    }

    private static T? Find<T>(Exception? e)
        where T : Exception
    {
        for (; e is not null; e = e.InnerException)
        {
            if (e is T found)
            {
                return found;
            }
        }

        return null;
    }

    private static string Innermost(Exception e)
    {
        while (e.InnerException is not null)
        {
            e = e.InnerException;
        }

        return e.Message.TrimEnd('.');
    }

    /// <summary>Keeps the message of an answer, which RestSharp's stream download does not hand out.</summary>
    private sealed class ResponseCapture : Interceptor
    {
        internal HttpResponseMessage? Response { get; private set; }

        public override ValueTask AfterHttpRequest(HttpResponseMessage responseMessage, CancellationToken cancellationToken)
        {
            Response = responseMessage;
            return ValueTask.CompletedTask;
        }
    }
}
