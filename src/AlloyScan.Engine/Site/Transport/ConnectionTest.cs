using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using AlloyScan.Engine.Site.Reading;
using RestSharp;

namespace AlloyScan.Engine.Site.Transport;

/// <summary>Says which step on the way to the devices fails. Each step is asked once: whoever tests wants the first answer.</summary>
internal sealed class ConnectionTest(SiteConnectionOptions options, SiteAddress address, SiteCaller caller, CompiledProfile compiled)
{
    private static readonly string[] s_steps = ["DNS", "TLS", "Token", "Permission", "Devices"];

    private readonly List<ConnectionCheck> _checks = [];
    private readonly TimeProvider _time = options.TimeProvider;

    internal async Task<ConnectionTestResult> RunAsync(CancellationToken cancellationToken)
    {
        TimeSpan? roundTrip = null;
        int? count = null;
        if (await StepAsync("DNS", DnsAsync, cancellationToken).ConfigureAwait(false)
            && await StepAsync("TLS", TlsAsync, cancellationToken).ConfigureAwait(false)
            && await StepAsync("Token", TokenAsync, cancellationToken).ConfigureAwait(false))
        {
            long start = _time.GetTimestamp();
            (ListPage<bool>? page, AlloyScanException? failure) = await DevicesAsync(cancellationToken).ConfigureAwait(false);
            TimeSpan elapsed = _time.GetElapsedTime(start);
            bool refused = failure is { Kind: ErrorKind.PermissionDenied or ErrorKind.Authentication };
            if (refused)
            {
                Add("Permission", passed: false, failure!.Message, failure.Advice, elapsed);
            }
            else if (page is null)
            {
                // Whether the right would be there is not known when the list itself cannot be had.
                Add("Permission", passed: null, "Not known, since the device list did not answer.", advice: null, TimeSpan.Zero);
                Add("Devices", passed: false, failure!.Message, failure.Advice, elapsed);
            }
            else
            {
                roundTrip = elapsed;
                count = page.Total;
                Add("Permission", passed: true, "The app registration may read devices.", advice: null, elapsed);
                Add(
                    "Devices",
                    passed: true,
                    count is { } n
                        ? string.Create(CultureInfo.InvariantCulture, $"The site counts {n} devices.")
                        : "The site lists devices and gives no total; nothing will be taken for missing.",
                    advice: null,
                    elapsed);
            }
        }

        ConnectionCheck? failed = _checks.Find(c => c.Passed == false);
        foreach (string step in s_steps.Skip(_checks.Count))
        {
            Add(step, passed: null, "Not reached.", advice: null, TimeSpan.Zero);
        }

        return new ConnectionTestResult
        {
            SiteUrl = address.SiteUrl,
            ClientId = options.ClientId,
            Succeeded = failed is null,
            FailedStep = failed?.Step,
            Message = failed?.Detail ?? _checks[^1].Detail,
            Advice = failed?.Advice,
            RoundTrip = roundTrip,
            DeviceCount = count,
            Steps = _checks,
        };
    }

    private async Task<string> DnsAsync(CancellationToken cancellationToken)
    {
        string host = address.SiteUrl.IdnHost;
        if (IndirectReason() is { } reason)
        {
            return reason;
        }

        if (IPAddress.TryParse(host.Trim('[', ']'), out _))
        {
            return "The address names no host.";
        }

        try
        {
            // Name resolution cannot be stopped everywhere; the waiting for it can.
            IPAddress[] addresses = await Dns.GetHostAddressesAsync(host, cancellationToken).WaitAsync(options.Timeout, _time, cancellationToken).ConfigureAwait(false);
            return $"{host} is {string.Join(", ", addresses.Take(4).Select(a => a.ToString()))}.";
        }
        catch (Exception e) when (e is SocketException or TimeoutException)
        {
            throw new AlloyScanException(
                ErrorKind.Connection, "HostNotFound", $"The host name {host} cannot be resolved: {e.Message.TrimEnd('.')}.", address.SiteUrl,
                "Check the spelling of the site's address and the name resolution of this computer.", e);
        }
    }

    private async Task<string> TlsAsync(CancellationToken cancellationToken)
    {
        if (IndirectReason() is { } reason)
        {
            return reason;
        }

        Uri url = address.SiteUrl;
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(options.Timeout < TimeSpan.FromSeconds(30) ? options.Timeout : TimeSpan.FromSeconds(30));
        try
        {
            using TcpClient tcp = new();
            await tcp.ConnectAsync(url.IdnHost.Trim('[', ']'), url.Port, limit.Token).ConfigureAwait(false);
            if (url.Scheme == Uri.UriSchemeHttp)
            {
                return "Plain HTTP on this computer itself; no TLS.";
            }

            SslStream tls = new(tcp.GetStream());
            await using (tls.ConfigureAwait(false))
            {
                await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = url.IdnHost }, limit.Token).ConfigureAwait(false);
                using X509Certificate2? certificate = tls.RemoteCertificate is null ? null : new X509Certificate2(tls.RemoteCertificate);
                return certificate is null
                    ? $"{tls.SslProtocol}."
                    : string.Create(
                        CultureInfo.InvariantCulture,
                        $"{tls.SslProtocol}; certificate of {certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false)}, valid until {certificate.NotAfter.ToUniversalTime():yyyy-MM-dd}.");
            }
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new AlloyScanException(
                ErrorKind.Timeout, "SiteTimeout", $"{address.Origin} does not answer in time.", url, "Check the address, the network, the firewall and the proxy.", e);
        }
        catch (SocketException e)
        {
            throw new AlloyScanException(
                ErrorKind.Connection, "SiteUnreachable", $"No connection to {address.Origin}: {e.Message.TrimEnd('.')}.", url, "Check the address, the network, the firewall and the proxy.", e);
        }
        catch (Exception e) when (e is System.Security.Authentication.AuthenticationException or IOException)
        {
            throw new AlloyScanException(
                ErrorKind.Connection, "TlsFailed", $"No secure connection to {address.Origin}: {e.Message.TrimEnd('.')}.", url,
                "Check the certificate of the site, its names and date, and whether this computer trusts its issuer.", e);
        }
    }

    private async Task<string> TokenAsync(CancellationToken cancellationToken)
    {
        // A token of an hour ago proves nothing about a registration that expired since.
        AccessToken token = await caller.Tokens.RenewAsync(singleTry: true, cancellationToken).ConfigureAwait(false);
        return string.Create(CultureInfo.InvariantCulture, $"A token was given, good until {token.ExpiresAt.UtcDateTime:u}.");
    }

    private async Task<(ListPage<bool>? Page, AlloyScanException? Failure)> DevicesAsync(CancellationToken cancellationToken)
    {
        string url = address.Url(options.Profile.Paths.Devices);
        url += $"{(url.Contains('?', StringComparison.Ordinal) ? '&' : '?')}{options.Profile.Paging.LimitParameter}=1";
        try
        {
            CallInfo call = new(Method.Get, url, "The device list cannot be read")
            {
                SingleTry = true,
                NotFoundAdvice = "Check that the address is that of an AlloyScan site, and the path of the device list in the API profile.",
            };
            return (await caller.ReadAsync(call, (ref BodyReader reader) => new ListReader<bool>(compiled, Skip, cancellationToken).Read(ref reader), cancellationToken).ConfigureAwait(false), null);
        }
        catch (AlloyScanException e)
        {
            return (null, e);
        }

        static void Skip(ref BodyReader reader, ListPage<bool> page) => reader.Skip();
    }

    private async Task<bool> StepAsync(string step, Func<CancellationToken, Task<string>> run, CancellationToken cancellationToken)
    {
        long start = _time.GetTimestamp();
        try
        {
            string detail = await run(cancellationToken).ConfigureAwait(false);
            Add(step, passed: true, detail, advice: null, _time.GetElapsedTime(start));
            return true;
        }
        catch (AlloyScanException e)
        {
            TimeSpan elapsed = _time.GetElapsedTime(start);
            string at = e.ErrorId switch
            {
                // Behind a proxy these come to light with the first request only; they belong to the steps that had to be skipped.
                "HostNotFound" => "DNS",
                "TlsFailed" or "SiteUnreachable" or "ProxyRefused" => "TLS",
                _ => step,
            };
            int index = _checks.FindIndex(c => c.Step == at);
            if (index >= 0)
            {
                _checks.RemoveRange(index, _checks.Count - index);
            }

            Add(at, passed: false, e.Message, e.Advice, elapsed);
            return false;
        }
    }

    /// <summary>Why name and TLS cannot be looked at by themselves; <see langword="null"/> when they can.</summary>
    private string? IndirectReason()
    {
        if (options.Transport is not null)
        {
            return "Left to the transport that was handed in.";
        }

        try
        {
            if (!HttpClient.DefaultProxy.IsBypassed(address.SiteUrl) && HttpClient.DefaultProxy.GetProxy(address.SiteUrl) is { } proxy && proxy != address.SiteUrl)
            {
                return $"Left to the proxy {proxy.Host}.";
            }
        }
        catch (Exception e) when (e is InvalidOperationException or NotSupportedException or SocketException)
        {
            // A proxy configuration that cannot be asked is found by the first request.
        }

        return null;
    }

    private void Add(string step, bool? passed, string detail, string? advice, TimeSpan elapsed) =>
        _checks.Add(new ConnectionCheck(step, passed, detail, advice, elapsed));
}
