using AlloyScan.Engine.Inventory;

namespace AlloyScan.Engine.Site;

/// <summary>One page of the device list.</summary>
public sealed record DevicePage
{
    /// <summary>The devices of the page, as read, with those left out that could not be understood.</summary>
    public required IReadOnlyList<Device> Devices { get; init; }

    /// <summary>Devices on the page that could not be understood, with the reason.</summary>
    public IReadOnlyList<UnreadableDevice> Unreadable { get; init; } = [];

    /// <summary>Position of the first item of the page in the list.</summary>
    public int Offset { get; init; }

    /// <summary>Items on the page as the site sent them, readable or not.</summary>
    public int ItemCount { get; init; }

    /// <summary>The site's own total at the time of this page; <see langword="null"/> when it gives none.</summary>
    public int? Total { get; init; }

    /// <summary>Whether the page says itself that it is the last: the place of the next page's address is there, and empty. Lists by offset or page number never say so.</summary>
    public bool IsLast { get; init; }
}
