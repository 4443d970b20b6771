namespace AlloyScan.Engine.Inventory;

/// <summary>Class of a configuration item.</summary>
public enum RecordClass
{
    /// <summary>Computers of every kind, virtual machines, hypervisor hosts and cloud instances.</summary>
    Computer = 1,

    /// <summary>Printers, network gear and other devices.</summary>
    Hardware = 2,
}

/// <summary>Operating system families that software import tells apart.</summary>
[Flags]
public enum SoftwarePlatforms
{
    /// <summary>No software is imported.</summary>
    None = 0,

    /// <summary>Windows computers.</summary>
    Windows = 1,

    /// <summary>Linux computers.</summary>
    Linux = 2,

    /// <summary>macOS computers.</summary>
    MacOS = 4,

    /// <summary>Computers whose platform is none of the three or unknown; part of <see cref="All"/> only.</summary>
    Other = 8,

    /// <summary>All platforms.</summary>
    All = Windows | Linux | MacOS | Other,
}
