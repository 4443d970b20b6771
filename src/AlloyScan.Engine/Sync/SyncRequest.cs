using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Site;

namespace AlloyScan.Engine.Sync;

/// <summary>What a run does with its changes.</summary>
public enum SyncMode
{
    /// <summary>Applies them.</summary>
    Apply,

    /// <summary>Saves them as a plan that can be applied later.</summary>
    SavePlan,

    /// <summary>Shows them and writes nothing to the store.</summary>
    WhatIf,
}

/// <summary>One execution asked for.</summary>
public sealed record SyncRequest
{
    /// <summary>The job, saved or not.</summary>
    public required SyncJob Job { get; init; }

    /// <summary>What happens to the changes.</summary>
    public SyncMode Mode { get; init; }

    /// <summary>Reads every device and snapshot, moved or not.</summary>
    public bool Full { get; init; }

    /// <summary>Reads only the devices that failed in earlier runs of the site, parked ones too. Nothing is taken for absent, and such a run is never complete.</summary>
    public bool ErrorsOnly { get; init; }

    /// <summary>With <see cref="ErrorsOnly"/>: of those devices only the ones that failed in this run; <see langword="null"/> for all.</summary>
    public long? ErrorsOfRun { get; init; }

    /// <summary>Most API calls of this run; <see langword="null"/> for no limit. The run stops cleanly when they are spent.</summary>
    public int? MaxApiCalls { get; init; }

    /// <summary>Rows of a saved plan to apply instead of reading the site anew.</summary>
    public PlanSelection? Selection { get; init; }

    /// <summary>What sort of run that is.</summary>
    internal SyncRunKind Kind => ErrorsOnly ? SyncRunKind.Replay : Selection is { Approved: true } ? SyncRunKind.Approve : SyncRunKind.Sync;

    /// <summary>Reads from here instead of the job's site, for tests.</summary>
    public IInventorySource? Source { get; init; }

    /// <summary>Transport for the job's site, for tests.</summary>
    public HttpMessageHandler? Transport { get; init; }
}

/// <summary>Rows of one saved plan.</summary>
/// <param name="PlanId">Number of the plan.</param>
/// <param name="Rows">Row numbers; empty for all.</param>
public sealed record PlanSelection(long PlanId, IReadOnlyCollection<int> Rows)
{
    /// <summary>Whether a person approved what the guard holds back of them; then nothing else of the plan is applied.</summary>
    public bool Approved { get; init; }
}
