namespace AlloyScan.Engine.Site;

/// <summary>How a site's lists are read in pages.</summary>
public enum PagingStyle
{
    /// <summary>By the number of items to skip; the documented style.</summary>
    Offset,

    /// <summary>By the number of the page.</summary>
    PageNumber,

    /// <summary>By the address of the next page, which each page carries.</summary>
    NextLink,
}
