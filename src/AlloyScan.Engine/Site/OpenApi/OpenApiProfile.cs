using System.Net;
using System.Text;

namespace AlloyScan.Engine.Site.OpenApi;

/// <summary>A profile that was derived from a document.</summary>
/// <param name="Profile">The profile. Test-AlloyScanApiProfile says whether it holds.</param>
/// <param name="Checks">Each of its parts: found at its place in the document, guessed from elsewhere, or missing, so that the default stays.</param>
/// <param name="Remarks">What else a person should know.</param>
public sealed record DerivedApiProfile(ApiProfile Profile, IReadOnlyList<ApiProfileCheck> Checks, IReadOnlyList<string> Remarks);

/// <summary>Derives an API profile from the OpenAPI document of an instance.</summary>
public static class OpenApiProfile
{
    /// <summary>Longest document that is read.</summary>
    public const int MaxBytes = OpenApiReader.MaxBytes;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    /// <summary>Derives a profile.</summary>
    /// <param name="json">The document as JSON.</param>
    /// <param name="siteUrl">The site's address, for saying where the document differs from it; <see langword="null"/> when that is not known.</param>
    /// <exception cref="AlloyScanException">The text is no such document, or is beyond what is read (<c>InvalidOpenApi</c>), or is of another API (<c>OpenApiWithoutDevices</c>).</exception>
    public static DerivedApiProfile Derive(string json, Uri? siteUrl = null)
    {
        ArgumentNullException.ThrowIfNull(json);
        return new ProfileDerivation(OpenApiReader.Read(json, siteUrl)).Derive();
    }

    /// <summary>Fetches a document from a site, without a token: documents of an API are open, or are saved by a person who may see them.</summary>
    /// <param name="address">Its address, on the site's own host. HTTPS, except on the local host.</param>
    /// <param name="siteUrl">The site's address; <see langword="null"/> when the document's own host is the site's.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="AlloyScanException">The address is of another host (<c>OpenApiOfOtherHost</c>), is not encrypted or none of the web (<c>InsecureSiteUrl</c>, <c>InvalidSiteUrl</c>), or cannot be read (<c>OpenApiUnreadable</c>, <c>InvalidOpenApi</c>).</exception>
    public static Task<string> DownloadAsync(Uri address, Uri? siteUrl, CancellationToken cancellationToken) => DownloadAsync(address, siteUrl, null, cancellationToken);

    internal static async Task<string> DownloadAsync(Uri address, Uri? siteUrl, HttpMessageHandler? transport, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(address);
        _ = Transport.SiteAddress.Parse(address);
        if (siteUrl is not null && !Transport.SiteAddress.Parse(siteUrl).IsOwn(address))
        {
            throw new AlloyScanException(
                ErrorKind.InvalidArgument, "OpenApiOfOtherHost", $"The document is on {address.Authority}, and the site is {siteUrl.Authority}.", address,
                "Give the address on the site's own host, or save the document and give its path.");
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(s_limit);
        // No redirect is followed: it might lead to another host.
        using var client = transport is null
            ? new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, ConnectTimeout = TimeSpan.FromSeconds(15) })
            : new HttpClient(transport, disposeHandler: false);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, address);
            request.Headers.UserAgent.ParseAdd("AlloyScan.PowerShell");
            request.Headers.Accept.ParseAdd("application/json");
            using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token).ConfigureAwait(false);
            if (!response.IsSuccessStatusCode)
                throw Unreadable(address, $"{(int)response.StatusCode} {response.StatusCode}", AdviceOn(response.StatusCode), null);

            var body = await response.Content.ReadAsStreamAsync(limit.Token).ConfigureAwait(false);
            await using (body.ConfigureAwait(false))
                return await TextAsync(body, limit.Token).ConfigureAwait(false);
        }
        catch (HttpRequestException e)
        {
            throw Unreadable(address, e.InnerException?.Message ?? e.Message, "Check the address in a browser.", e);
        }
        catch (IOException e)
        {
            throw Unreadable(address, e.Message, "Try again, or save the document with a browser and give its path.", e);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw Unreadable(address, $"it did not come within {s_limit.TotalSeconds:0} s", "Try again, or save the document with a browser and give its path.", e);
        }
    }

    private static async Task<string> TextAsync(Stream body, CancellationToken cancellationToken)
    {
        // Bytes in excess are not read, whatever length was announced.
        using var text = new MemoryStream();
        var buffer = new byte[64 * 1024];
        int read;
        while ((read = await body.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
        {
            text.Write(buffer, 0, read);
            if (text.Length > OpenApiReader.MaxBytes)
                throw TooLong();
        }

        return Encoding.UTF8.GetString(text.GetBuffer(), 0, (int)text.Length);
    }

    /// <summary>The failure to read a document that is beyond <see cref="MaxBytes"/>.</summary>
    public static AlloyScanException TooLong() => new(
        ErrorKind.InvalidData, "InvalidOpenApi", $"The OpenAPI document has more than {MaxBytes / 1024 / 1024} MB.", null, "Give the document that the site publishes of its API, as JSON.");

    private static string AdviceOn(HttpStatusCode status) => (int)status switch
    {
        401 or 403 => "The site shows it to people who are signed in only: save it with a browser, and give the path of the file.",
        >= 300 and < 400 => "It is at another address now; open this one in a browser and give the one where it ends, or save the document and give its path.",
        _ => "Check the address in a browser: documents of an API are mostly at /openapi.json or /swagger/v1/swagger.json.",
    };

    private static AlloyScanException Unreadable(Uri address, string why, string advice, Exception? cause) =>
        new(ErrorKind.Connection, "OpenApiUnreadable", $"The OpenAPI document at {address.GetLeftPart(UriPartial.Path)} cannot be read: {why.TrimEnd('.')}.", address, advice, cause);
}
