namespace AlloyScan.Engine.Cmdb;

/// <summary>Statuses that the synchronisation knows; a CI may have any other.</summary>
internal static class RecordStatus
{
    /// <summary>Given to CIs that a synchronisation creates.</summary>
    public const string AutoAdded = "Auto-Added";

    /// <summary>A retired CI is not updated.</summary>
    public const string Retired = "Retired";

    public static bool IsRetired(string? status) => string.Equals(status, Retired, StringComparison.OrdinalIgnoreCase);
}
