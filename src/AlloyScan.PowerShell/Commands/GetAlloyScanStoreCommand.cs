using System.Management.Automation;
using AlloyScan.Engine.Jobs;
using AlloyScan.PowerShell.Abstractions;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Shows what a store is, what it holds and how long it keeps its history.</summary>
[Cmdlet(VerbsCommon.Get, "AlloyScanStore")]
[OutputType(typeof(StoreInfo))]
public sealed class GetAlloyScanStoreCommand : StoreCmdlet
{
    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        EmitFrom(store, await OffThread(store.Retention.Describe, cancellationToken).ConfigureAwait(false));
    }
}
