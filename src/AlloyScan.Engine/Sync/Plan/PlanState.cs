namespace AlloyScan.Engine.Sync.Plan;

/// <summary>What has become of a plan.</summary>
internal enum PlanState
{
    /// <summary>Made to be looked at; its rows can be applied, and what the guard would hold of them approved.</summary>
    Saved,

    /// <summary>A run kept in it what its guard held back.</summary>
    Blocked,

    /// <summary>What it held was approved and applied.</summary>
    Approved,

    /// <summary>The job was planned anew since.</summary>
    Void,
}
