using System.Management.Automation;
using AlloyScan.Engine;
using AlloyScan.Engine.Jobs;
using AlloyScan.PowerShell.Abstractions;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Sets how long a store keeps its history. What is not named stays as it is.</summary>
[Cmdlet(VerbsCommon.Set, "AlloyScanStore", SupportsShouldProcess = true)]
[OutputType(typeof(StoreInfo))]
public sealed class SetAlloyScanStoreCommand : StoreCmdlet
{
    /// <summary>Days for which runs, their changes and their errors are kept; 400 unless set. A job's newest ten runs stay whatever their age.</summary>
    [Parameter]
    [ValidateRange(1, Retention.MostDays)]
    public int KeepRunDays { get; set; }

    /// <summary>Days for which plans are kept; 30 unless set.</summary>
    [Parameter]
    [ValidateRange(1, Retention.MostDays)]
    public int KeepPlanDays { get; set; }

    /// <summary>Emits the store.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        int? runs = IsGiven(nameof(KeepRunDays)) ? KeepRunDays : null;
        int? plans = IsGiven(nameof(KeepPlanDays)) ? KeepPlanDays : null;
        if (runs is null && plans is null)
            throw new AlloyScanException(ErrorKind.InvalidArgument, "NothingToSet", "Nothing to change was given.", advice: "Name what is to change, for example -KeepRunDays 90.");

        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        var action = string.Join(" and ", new[] { runs is null ? null : $"runs for {runs} days", plans is null ? null : $"plans for {plans} days" }.OfType<string>());
        if (!await ConfirmAsync(store.Location.ToString(), $"Keep {action}", cancellationToken).ConfigureAwait(false))
            return;

        await OffThread(() => store.Retention.Set(runs, plans), cancellationToken).ConfigureAwait(false);
        if (PassThru)
            EmitFrom(store, await OffThread(store.Retention.Describe, cancellationToken).ConfigureAwait(false));
    }
}
