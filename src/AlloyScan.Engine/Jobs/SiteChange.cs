namespace AlloyScan.Engine.Jobs;

/// <summary>What a new site address or registration of a job means.</summary>
public enum SiteChange
{
    /// <summary>The same site under another address or with another registration: its links go on.</summary>
    SameSite,

    /// <summary>Another site: its devices have no links yet.</summary>
    OtherSite,
}
