using AlloyScan.Engine.Sync.Guard;
using AlloyScan.Engine.Sync.Plan;

namespace AlloyScan.Engine.Sync;

/// <summary>Judges what a run has planned, keeps what is too much for a person to approve, and writes the rest.</summary>
internal sealed class GuardStage(RunScope scope)
{
    private GuardFindings _findings = new([], GuardKinds.None, new HashSet<(string, string)>());

    /// <summary>The kinds of which nothing is applied.</summary>
    public GuardKinds Held => _findings.Held;

    /// <summary>Counts the last of what was planned and decides what is held back. Call when all devices are planned.</summary>
    public void Judge()
    {
        scope.Batch.Flush();
        _findings = scope.Guard.Judge();
    }

    /// <summary>Keeps what is held back, and voids what was planned before. Call when all that is held stands among the planned rows.</summary>
    /// <param name="isWhole">Whether the job was planned anew, and not only some of its devices. A plan that somebody asked for takes the place of older ones in any case.</param>
    public void Settle(bool isWhole = true)
    {
        scope.Batch.Flush();
        if (scope.Context.Mode == SyncMode.WhatIf)
        {
            if (_findings.Held != GuardKinds.None)
                Say(scope, _findings, 0, null);
            return;
        }

        var spool = scope.PlanId ?? PlanStore.SpoolOf(scope.Context.RunId);
        scope.Write(() =>
        {
            var held = scope.Plans.Hold(spool, _findings, row => row.Kinds).Count;
            if (isWhole || !scope.Context.Applying)
                scope.Plans.VoidOthers(scope.Context, scope.PlanId);
            if (scope.Context.Applying)
            {
                scope.Context.Counts.Held = held;
                if (held > 0)
                {
                    scope.PlanId = scope.Plans.Keep(scope.Context, _findings);
                    KeepDevices(scope.PlanId.Value);
                }
            }
            else
            {
                scope.Plans.Seal(spool, _findings);
            }

            if (_findings.Held != GuardKinds.None)
                Say(scope, _findings, held, scope.PlanId);
        });
    }

    /// <summary>Devices whose CIs wait for approval are not read again by every run until somebody has looked at them.</summary>
    private void KeepDevices(long plan)
    {
        foreach (var row in scope.Plans.Rows(plan, PlanRows.Held))
        {
            if (row is { Action: ChangeAction.Create or ChangeAction.Update, Facts: { LastSeen: not null } facts })
                scope.Staging.Keep(facts);
        }
    }

    /// <summary>Writes what was spooled and is not held back, in the order in which it was planned. No call is made.</summary>
    public void Apply(CancellationToken cancellationToken)
    {
        scope.Guard.Phase = GuardPhase.Applying;
        scope.Identification.Index.ClearPlanned();
        scope.Context.MuteMappers();
        var skipped = 0;
        var rows = new PlannedRows(scope, (row, reason) =>
        {
            skipped++;
            scope.Context.Observer.OnVerbose($"{row.Action} {row.Shown.DeviceName ?? row.DeviceId} was planned and left out: {reason}.");
        });
        scope.Done = 0;
        var spool = PlanStore.SpoolOf(scope.Context.RunId);
        foreach (var row in scope.Plans.Rows(spool))
        {
            cancellationToken.ThrowIfCancellationRequested();
            scope.Batch.Add(row.DeviceId, row.Shown.DeviceName ?? row.DeviceId, () => rows.Apply(row), row.Facts);
            scope.Progress("Apply", ++scope.Done, null);
        }

        scope.Batch.Flush();
        scope.Write(() => scope.Plans.DropSpool(scope.Context.TargetId, scope.Context.RunId));
        scope.Guard.Phase = GuardPhase.Off;
        if (skipped > 0)
            scope.Context.Observer.OnVerbose($"{skipped} planned {(skipped == 1 ? "change was" : "changes were")} left out, because what they rest on had changed or is held back; the next run plans them anew.");
    }

    /// <summary>Ends the run as blocked and says why.</summary>
    /// <param name="scope">The run.</param>
    /// <param name="findings">What the guard found.</param>
    /// <param name="held">Changes that are held back.</param>
    /// <param name="plan">The plan that keeps them; <see langword="null"/> when none does.</param>
    public static void Say(RunScope scope, GuardFindings findings, int held, long? plan)
    {
        scope.Blocked = true;
        var kinds = string.Join(", ", GuardLimit.Kinds.Where(k => findings.Held.HasFlag(k)));
        var job = scope.Context.Job;
        scope.Say(plan is { } id
            ? $"Too many changes at once: {findings.Words}. Nothing of the kind {kinds} {(scope.Context.Applying ? "was" : "would be")} applied; {held} {(held == 1 ? "change waits" : "changes wait")} for approval in plan {id}. {How()}"
            : $"Too many changes at once: {findings.Words}. Nothing of the kind {kinds} would be applied without approval.");

        string How() => job.Id == 0
            ? "Save these settings as a job with New-AlloyScanSyncJob to approve them."
            : $"Get-AlloyScanSyncPlan '{job.Name}' -Blocked shows them, Approve-AlloyScanSyncPlan '{job.Name}' applies them once.";
    }
}
