namespace AlloyScan.Engine.Site;

/// <summary>How lists are asked for.</summary>
public sealed record ApiPaging
{
    /// <summary>Default of <see cref="PageSize"/>.</summary>
    public const int DefaultPageSize = 200;

    /// <summary>Largest <see cref="PageSize"/>.</summary>
    public const int MaxPageSize = 10_000;

    /// <summary>How the next page is asked for. Default <see cref="PagingStyle.Offset"/>.</summary>
    public PagingStyle Style { get; init; }

    /// <summary>Items asked for at once; the site may give fewer. From 1 to 10000, default 200.</summary>
    public int PageSize { get; init; } = DefaultPageSize;

    /// <summary>Query parameter of the page size.</summary>
    public string LimitParameter { get; init; } = "limit";

    /// <summary>Query parameter of the number of items to skip.</summary>
    public string OffsetParameter { get; init; } = "offset";

    /// <summary>Query parameter of the page number.</summary>
    public string PageParameter { get; init; } = "page";

    /// <summary>Number of the first page. Default 1.</summary>
    public int FirstPage { get; init; } = 1;
}
