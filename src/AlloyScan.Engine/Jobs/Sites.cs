using System.Globalization;
using AlloyScan.Engine.Store;

namespace AlloyScan.Engine.Jobs;

/// <summary>
/// Sites as records of the store. A site has a number of its own and is known by any of its addresses, since slugs
/// can be edited. A new address makes a new site unless it is attached to one on purpose.
/// </summary>
internal static class Sites
{
    /// <summary>Checks an address and brings it into one form: scheme, host, port and slug, without a slash at the end.</summary>
    /// <exception cref="AlloyScanException">No web address (<c>InvalidSiteUrl</c>), or plain HTTP to another host (<c>InsecureSiteUrl</c>).</exception>
    public static Uri Normalise(Uri url)
    {
        ArgumentNullException.ThrowIfNull(url);
        if (!url.IsAbsoluteUri || (url.Scheme != Uri.UriSchemeHttps && url.Scheme != Uri.UriSchemeHttp) || url.Host.Length == 0)
        {
            throw new AlloyScanException(
                ErrorKind.InvalidArgument, "InvalidSiteUrl", $"'{url}' is no web address of a site.", url.ToString(), "Give it as https://<instance>/<slug>.");
        }

        if (url.UserInfo.Length > 0)
        {
            throw new AlloyScanException(
                ErrorKind.InvalidArgument, "InvalidSiteUrl", $"The site address on host '{url.Host}' holds a user name or password.", url.Host, "Give the address without it; credentials go into the client ID and secret.");
        }

        if (url.Scheme == Uri.UriSchemeHttp && !url.IsLoopback)
        {
            throw new AlloyScanException(
                ErrorKind.InvalidArgument, "InsecureSiteUrl", $"'{url}' would send the client secret over plain HTTP.", url.ToString(), "Use https; plain http is for a site on this machine only.");
        }

        return new Uri(url.GetLeftPart(UriPartial.Path).TrimEnd('/'));
    }

    /// <summary>What identifies a site: its normalised address, with the client ID behind it when there is no slug.</summary>
    public static string AddressOf(Uri url, string clientId)
    {
        var path = url.AbsolutePath.Trim('/').ToLowerInvariant();
        var host = url.IsDefaultPort ? url.Host : string.Create(CultureInfo.InvariantCulture, $"{url.Host}:{url.Port}");
        return path.Length > 0 ? $"{host}/{path}" : $"{host}#{clientId}";
    }

    /// <summary>The site of an address, or <see langword="null"/>.</summary>
    public static (long Id, string Name)? Find(StoreSession session, Uri url, string clientId)
    {
        using var reader = session.Prepare("SELECT s.id, s.name FROM site_addresses a JOIN sites s ON s.id = a.site_id WHERE a.address = @p0")
            .Set(0, AddressOf(url, clientId)).Read();
        return reader.Read() ? (reader.GetInt64(0), reader.GetString(1)) : null;
    }

    /// <summary>The site of an address; made when it is new.</summary>
    public static (long Id, string Name) FindOrAdd(StoreSession session, Uri url, string clientId, TimeProvider timeProvider)
    {
        if (Find(session, url, clientId) is { } known)
            return known;

        var wanted = NameOf(url);
        var name = wanted;
        for (var i = 2; session.Prepare("SELECT 1 FROM sites WHERE lower(name) = lower(@p0)").Set(0, name).Number() is not null; i++)
            name = string.Create(CultureInfo.InvariantCulture, $"{wanted} ({i})");
        var id = session.Insert("INSERT INTO sites (name, created_at) VALUES (@p0, @p1) RETURNING id", name, timeProvider.NowMilliseconds());
        Attach(session, id, url, clientId);
        return (id, name);
    }

    /// <summary>Says that an address belongs to a site, whatever it belonged to.</summary>
    public static void Attach(StoreSession session, long siteId, Uri url, string clientId) =>
        session.Execute("INSERT INTO site_addresses (address, site_id) VALUES (@p0, @p1) ON CONFLICT (address) DO UPDATE SET site_id = excluded.site_id", AddressOf(url, clientId), siteId);

    private static string NameOf(Uri url)
    {
        var path = url.AbsolutePath.Trim('/');
        var host = url.IsDefaultPort ? url.Host : string.Create(CultureInfo.InvariantCulture, $"{url.Host}:{url.Port}");
        return path.Length > 0 ? $"{host}/{path}" : host;
    }
}
