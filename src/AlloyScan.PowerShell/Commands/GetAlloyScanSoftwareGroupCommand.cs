using System.Management.Automation;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Store;
using AlloyScan.PowerShell.Abstractions;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Shows which software groups of a site are tracked, that is, imported into the CMDB.</summary>
[Cmdlet(VerbsCommon.Get, "AlloyScanSoftwareGroup")]
[OutputType(typeof(SoftwareGroupChoice))]
public sealed class GetAlloyScanSoftwareGroupCommand : SoftwareGroupCmdlet
{
    /// <summary>Software groups to show; all by default.</summary>
    [Parameter(Position = 0)]
    [ValidateSet("Required", "Forbidden", "Regular")]
    public string[]? SoftwareGroup { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        if (!await EachSiteAsync(store, site => ShowAsync(store, site, cancellationToken), cancellationToken).ConfigureAwait(false))
            await ShowAsync(store, null, cancellationToken).ConfigureAwait(false);
    }

    private async Task ShowAsync(AlloyStore store, string? site, CancellationToken cancellationToken)
    {
        foreach (var choice in await OffThread(() => store.SoftwareGroups.List(site), cancellationToken).ConfigureAwait(false))
        {
            if (SoftwareGroup is null || SoftwareGroup.Contains(choice.SoftwareGroup, StringComparer.OrdinalIgnoreCase))
                EmitFrom(store, choice);
        }
    }
}
