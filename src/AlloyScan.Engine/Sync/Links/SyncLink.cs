using AlloyScan.Engine.Inventory;

namespace AlloyScan.Engine.Sync.Links;

/// <summary>What ties a device of a site to a CI.</summary>
public sealed record SyncLink
{
    /// <summary>Name of the target.</summary>
    public string Target { get; init; } = string.Empty;

    /// <summary>Name of the site.</summary>
    public string Site { get; init; } = string.Empty;

    /// <summary>ID of the device in the site.</summary>
    public string DeviceId { get; init; } = string.Empty;

    /// <summary>Name that the device had when it was read last.</summary>
    public string DeviceName { get; init; } = string.Empty;

    /// <summary>Class of the CI.</summary>
    public RecordClass Class { get; init; }

    /// <summary>ID of the CI, for example <c>C000001</c>.</summary>
    public string RecordId { get; init; } = string.Empty;

    /// <summary>State of the link.</summary>
    public LinkState State { get; init; }

    /// <summary>Why a closed link was closed; <see langword="null"/> for others.</summary>
    public string? ClosedReason { get; init; }

    /// <summary>The rule that made the link; <see langword="null"/> when the CI was created for the device or a person decided.</summary>
    public string? Rule { get; init; }

    /// <summary>When the link was made, UTC.</summary>
    public DateTimeOffset FirstSeen { get; init; }

    /// <summary>When the site saw the device last, UTC.</summary>
    public DateTimeOffset? LastSeen { get; init; }

    /// <summary>Since when the device is gone from the site, UTC; <see langword="null"/> when it is there.</summary>
    public DateTimeOffset? MissingSince { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"{DeviceName} - {RecordId} ({State})";
}

/// <summary>Which links are asked for. What is not given does not limit.</summary>
public sealed record LinkFilter
{
    /// <summary>Name of a site, or a pattern.</summary>
    public string? Site { get; init; }

    /// <summary>ID of a device.</summary>
    public string? DeviceId { get; init; }

    /// <summary>ID of a CI.</summary>
    public string? RecordId { get; init; }

    /// <summary>State.</summary>
    public LinkState? State { get; init; }

    /// <summary>Class.</summary>
    public RecordClass? Class { get; init; }
}
