namespace AlloyScan.Engine.Sync;

/// <summary>State of a link. The numbers are those that the store keeps.</summary>
public enum LinkState
{
    /// <summary>Device and CI belong together.</summary>
    Live = 1,

    /// <summary>The device is gone from the site.</summary>
    Missing = 2,

    /// <summary>The CI went to another device, or the device was deleted on purpose.</summary>
    Closed = 3,

    /// <summary>The CI is gone from the CMDB.</summary>
    RecordDeleted = 4,
}

/// <summary>Why a link was closed.</summary>
internal static class ClosedReason
{
    public const string TakenOver = "TakenOver";
    public const string DeletedInAlloyScan = "DeletedInAlloyScan";
}
