namespace AlloyScan.Engine.Sync.Guard;

/// <summary>Kinds of change that the guard holds back when there are too many at once. One change can be of two kinds.</summary>
[Flags]
public enum GuardKinds
{
    /// <summary>The guard does not look at it.</summary>
    None = 0,

    /// <summary>A CI is created, after the first load.</summary>
    Creation = 1,

    /// <summary>An update that tells of a mix-up rather than of a change: of a name, serial number, asset tag, MAC address or BIOS UUID, of a field that the job names, a field set blank, or one value set on many CIs.</summary>
    Update = 2,

    /// <summary>A computer loses software, and no other version of it comes.</summary>
    Removal = 4,

    /// <summary>A CI is retired because its device is gone.</summary>
    Retirement = 8,

    /// <summary>A device is deleted in AlloyScan because its CI is retired.</summary>
    Deletion = 16,
}
