using System.Management.Automation;
using AlloyScan.Engine;
using AlloyScan.Engine.Jobs;
using AlloyScan.PowerShell.Abstractions;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Chooses which software groups of a site are tracked, that is, imported into the CMDB.</summary>
[Cmdlet(VerbsCommon.Set, "AlloyScanSoftwareGroup", SupportsShouldProcess = true)]
[OutputType(typeof(SoftwareGroupChoice))]
public sealed class SetAlloyScanSoftwareGroupCommand : SoftwareGroupCmdlet
{
    /// <summary>Software groups to track or not.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    [ValidateSet("Required", "Forbidden", "Regular")]
    public string[] SoftwareGroup { get; set; } = null!;

    /// <summary>Whether products of the groups are imported. One group at least stays tracked.</summary>
    [Parameter(Mandatory = true, Position = 1)]
    public bool Tracked { get; set; }

    /// <summary>Emits the changed groups.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        var named = await EachSiteAsync(store, async site =>
        {
            var action = $"{(Tracked ? "Track" : "Stop tracking")} the software {(SoftwareGroup.Length == 1 ? "group" : "groups")} {string.Join(", ", SoftwareGroup)}";
            if (!await ConfirmAsync(site, action, cancellationToken).ConfigureAwait(false))
                return;

            var changed = await OffThread(() => store.SoftwareGroups.Set(site, SoftwareGroup, Tracked), cancellationToken).ConfigureAwait(false);
            foreach (var choice in PassThru ? changed : [])
                EmitFrom(store, choice);
        }, cancellationToken).ConfigureAwait(false);
        if (!named)
            throw new AlloyScanException(ErrorKind.InvalidArgument, "SiteNotNamed", "No site was named whose software groups to set.", advice: "Name one with -Site, or a job of it with -Job.");
    }
}
