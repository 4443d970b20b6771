namespace AlloyScan.Engine.Site.Transport;

/// <summary>The checked address of a site: scheme, host and port, which every call stays on, and the slug.</summary>
internal sealed class SiteAddress
{
    private SiteAddress(Uri siteUrl, string origin, string slug)
    {
        SiteUrl = siteUrl;
        Origin = origin;
        Slug = slug;
    }

    internal Uri SiteUrl { get; }

    /// <summary>Scheme, host and port without a slash at the end.</summary>
    internal string Origin { get; }

    /// <summary>Path of the site's address without slashes at its ends; empty when it has none.</summary>
    internal string Slug { get; }

    /// <exception cref="AlloyScanException">The address cannot be used.</exception>
    internal static SiteAddress Parse(Uri siteUrl)
    {
        ArgumentNullException.ThrowIfNull(siteUrl);
        if (!siteUrl.IsAbsoluteUri || siteUrl.Host.Length == 0 || (siteUrl.Scheme != Uri.UriSchemeHttps && siteUrl.Scheme != Uri.UriSchemeHttp))
        {
            throw new AlloyScanException(
                ErrorKind.InvalidArgument, "InvalidSiteUrl", $"'{WithoutUserInfo(siteUrl)}' is no web address.", siteUrl.IsAbsoluteUri && siteUrl.UserInfo.Length > 0 ? null : siteUrl,
                "Give the site's address as https://<instance>.alloyservice.com/<slug>.");
        }

        if (siteUrl.UserInfo.Length > 0)
        {
            throw new AlloyScanException(
                ErrorKind.InvalidArgument, "InvalidSiteUrl", $"The address of {siteUrl.Host} holds a user name or password.",
                advice: "Give the address without them; the client ID and secret go into the credential.");
        }

        if (siteUrl.Scheme == Uri.UriSchemeHttp && !siteUrl.IsLoopback)
        {
            throw new AlloyScanException(
                ErrorKind.InvalidArgument, "InsecureSiteUrl", $"'{siteUrl.GetLeftPart(UriPartial.Path)}' is plain HTTP, which would send the secret in the open.", siteUrl,
                "Use https://. Plain HTTP is accepted for this computer itself only.");
        }

        return new SiteAddress(siteUrl, siteUrl.GetLeftPart(UriPartial.Authority), siteUrl.AbsolutePath.Trim('/'));
    }

    /// <summary>Makes the address of a call.</summary>
    /// <param name="path">Path of the profile, with or without <c>{slug}</c> and <c>{id}</c>.</param>
    /// <param name="id">What to fill in for <c>{id}</c>.</param>
    /// <exception cref="AlloyScanException">The path needs a slug and there is none, or the ID cannot stand in a path.</exception>
    internal string Url(string path, string? id = null)
    {
        if (path.Contains("{slug}", StringComparison.Ordinal))
        {
            if (Slug.Length == 0)
            {
                throw new AlloyScanException(
                    ErrorKind.InvalidArgument, "InvalidSiteUrl", $"The API profile needs the slug of the site ('{path}'), and '{SiteUrl}' has none.", SiteUrl,
                    "Give the site's address with its slug: https://<instance>/<slug>.");
            }

            path = path.Replace("{slug}", Slug, StringComparison.Ordinal);
        }

        if (id is not null)
        {
            // "." and ".." are the two texts that no escaping keeps from changing the path.
            if (string.IsNullOrWhiteSpace(id) || id is "." or "..")
            {
                throw new AlloyScanException(ErrorKind.InvalidArgument, "InvalidId", $"'{id}' is no ID.", id);
            }

            if (id.Length > Reading.DeviceReader.MaxIdLength)
            {
                throw new AlloyScanException(ErrorKind.InvalidArgument, "InvalidId", $"'{id[..40]}...' is no ID: it has {id.Length} characters.");
            }

            path = path.Replace("{id}", Uri.EscapeDataString(id), StringComparison.Ordinal);
        }

        return Origin + path;
    }

    /// <summary>Whether an address is on the site's own scheme, host and port.</summary>
    internal bool IsOwn(Uri address) =>
        address.IsAbsoluteUri && address.UserInfo.Length == 0
        && string.Equals(address.GetLeftPart(UriPartial.Authority), Origin, StringComparison.OrdinalIgnoreCase);

    private static string WithoutUserInfo(Uri uri) =>
        uri.IsAbsoluteUri ? uri.GetComponents(UriComponents.AbsoluteUri & ~UriComponents.UserInfo, UriFormat.UriEscaped) : uri.OriginalString;
}
