using System.Globalization;
using System.Runtime.CompilerServices;
using AlloyScan.Engine.Site.Reading;
using RestSharp;

namespace AlloyScan.Engine.Site.Transport;

/// <summary>A page with its place in the list.</summary>
internal readonly record struct PlacedPage<T>(ListPage<T> Page, int Offset);

/// <summary>
/// Reads a list page by page, in the profile's style, with one page asked for ahead while the consumer works on another.
/// </summary>
internal sealed class PageSequence<T>(
    SiteCaller caller,
    SiteAddress address,
    ApiProfile profile,
    CompiledProfile compiled,
    string path,
    IReadOnlyList<KeyValuePair<string, string>> filters,
    string what,
    string notFoundAdvice,
    Func<ItemRead<T>> itemReader)
{
    /// <summary>Most items that are read from one list: beyond any instance, so a list that gets there has no end.</summary>
    internal const int MaxItems = 50_000_000;

    /// <summary>Equal pages in a row after which a list is taken to stand still. Two can be chance: one item more in front of a short page.</summary>
    internal const int MaxEqualPages = 3;

    private Task<ListPage<T>>? _ahead;
    private string? _next;
    private CancellationToken _token;

    /// <summary>Asks for the next page now, if there is one and it was not asked for yet.</summary>
    internal void Prefetch()
    {
        if (_next is { } url)
        {
            _ahead ??= FetchAsync(url, _token);
        }
    }

    internal async IAsyncEnumerable<PlacedPage<T>> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using CancellationTokenSource abandoned = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _token = abandoned.Token;
        try
        {
            int received = 0;
            int pageNumber = profile.Paging.FirstPage;
            int equalPages = 1;
            (int Count, int Fingerprint) last = default;
            HashSet<string> links = new(StringComparer.Ordinal);
            string? url = FirstUrl();
            while (url is not null)
            {
                Task<ListPage<T>> fetch = _ahead ?? FetchAsync(url, _token);
                _ahead = null;
                ListPage<T> page = await fetch.ConfigureAwait(false);

                int offset = received;
                received = checked(received + page.ItemCount);
                pageNumber++;
                equalPages = page.ItemCount > 0 && last == (page.ItemCount, page.Fingerprint) ? equalPages + 1 : 1;
                last = (page.ItemCount, page.Fingerprint);
                url = NextUrl(page, url, received, pageNumber, links);
                if (url is not null && (equalPages >= MaxEqualPages || received > MaxItems))
                {
                    throw new AlloyScanException(
                        ErrorKind.InvalidData,
                        "EndlessList",
                        string.Create(CultureInfo.InvariantCulture, $"{what}: the site gives the same page again and again, or a list without end ({received} items so far, {url})."),
                        advice: "Check the paging of the API profile: the site may not know the parameter that asks for the next page.");
                }

                _next = url;
                yield return new PlacedPage<T>(page, offset);
            }
        }
        finally
        {
            // The consumer may stop in the middle; the page that was asked for ahead is then called off, and its end is seen to.
            _next = null;
            if (_ahead is { } ahead)
            {
                await abandoned.CancelAsync().ConfigureAwait(false);
                await ahead.ContinueWith(static t => _ = t.Exception, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default).ConfigureAwait(false);
            }
        }
    }

    private Task<ListPage<T>> FetchAsync(string url, CancellationToken cancellationToken) =>
        caller.ReadAsync(
            new CallInfo(Method.Get, url, what) { NotFoundAdvice = notFoundAdvice },
            (ref BodyReader reader) => new ListReader<T>(compiled, itemReader(), cancellationToken).Read(ref reader),
            cancellationToken);

    private string FirstUrl()
    {
        ApiPaging paging = profile.Paging;
        return paging.Style switch
        {
            PagingStyle.Offset => Url((paging.OffsetParameter, 0)),
            PagingStyle.PageNumber => Url((paging.PageParameter, paging.FirstPage)),
            _ => Url(),
        };
    }

    private string? NextUrl(ListPage<T> page, string url, int received, int pageNumber, HashSet<string> links)
    {
        ApiPaging paging = profile.Paging;
        if (paging.Style == PagingStyle.NextLink)
        {
            return page.NextLink is { } link ? NextLink(link, url, links) : null;
        }

        if (page.ItemCount == 0 || received >= page.Total)
        {
            return null;
        }

        return paging.Style == PagingStyle.Offset ? Url((paging.OffsetParameter, received)) : Url((paging.PageParameter, pageNumber));
    }

    private string NextLink(string link, string url, HashSet<string> links)
    {
        if (!Uri.TryCreate(new Uri(url), link, out Uri? next))
        {
            throw new AlloyScanException(ErrorKind.InvalidData, "InvalidNextLink", $"{what}: the address of the next page cannot be understood.");
        }

        if (!address.IsOwn(next))
        {
            throw new AlloyScanException(
                ErrorKind.InvalidData, "NextLinkLeavesSite", $"{what}: the next page is said to be on {next.GetComponents(UriComponents.SchemeAndServer, UriFormat.UriEscaped)}, and the token is sent to {address.Origin} only.");
        }

        string text = next.GetComponents(UriComponents.HttpRequestUrl, UriFormat.UriEscaped);
        if (!links.Add(text) || text == url)
        {
            throw new AlloyScanException(ErrorKind.InvalidData, "EndlessList", $"{what}: the addresses of the next pages go in a circle ({next.AbsolutePath}).");
        }

        return text;
    }

    private string Url(params ReadOnlySpan<(string Name, int Value)> position)
    {
        string url = address.Url(path);
        char separator = url.Contains('?', StringComparison.Ordinal) ? '&' : '?';
        Add(profile.Paging.LimitParameter, profile.Paging.PageSize.ToString(CultureInfo.InvariantCulture));
        foreach ((string name, int value) in position)
        {
            Add(name, value.ToString(CultureInfo.InvariantCulture));
        }

        foreach ((string name, string value) in filters)
        {
            Add(name, value);
        }

        return url;

        void Add(string name, string value)
        {
            url += $"{separator}{Uri.EscapeDataString(name)}={Uri.EscapeDataString(value)}";
            separator = '&';
        }
    }
}
