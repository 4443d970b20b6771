namespace AlloyScan.Engine.Sync.Conflicts;

/// <summary>What a person decides on a conflict.</summary>
public enum ConflictResolution
{
    /// <summary>The device is the named CI.</summary>
    Link,

    /// <summary>The device is none of the CIs: it gets one of its own.</summary>
    Create,

    /// <summary>The device is left alone, now and in later runs.</summary>
    Ignore,

    /// <summary>An ignored conflict is to be decided after all.</summary>
    Reopen,
}
