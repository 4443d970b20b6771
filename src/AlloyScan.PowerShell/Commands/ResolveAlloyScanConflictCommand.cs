using System.Management.Automation;
using AlloyScan.Engine.Sync.Conflicts;
using AlloyScan.PowerShell.Abstractions;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Decides conflicts: links the device to a CI, creates a CI for it, or leaves it alone. The decision is remembered.</summary>
[Cmdlet(VerbsDiagnostic.Resolve, "AlloyScanConflict", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Medium)]
[OutputType(typeof(SyncConflict))]
public sealed class ResolveAlloyScanConflictCommand : StoreCmdlet
{
    private const string LinkSet = "Link";
    private const string CreateSet = "Create";
    private const string IgnoreSet = "Ignore";
    private const string ReopenSet = "Reopen";

    /// <summary>The conflicts: their numbers, or the objects of Get-AlloyScanConflict.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    [Alias("Id")]
    [ValidateNotNullOrEmpty]
    public ConflictReference[] Conflict { get; set; } = null!;

    /// <summary>ID of the CI that the device is, for example C000001. For a link that rests on junk, the CI that it has: it is right.</summary>
    [Parameter(Mandatory = true, ParameterSetName = LinkSet)]
    [ValidateNotNullOrEmpty]
    public string Link { get; set; } = null!;

    /// <summary>Creates a CI for the device. A link that rests on junk is split, see Split-AlloyScanLink.</summary>
    [Parameter(Mandatory = true, ParameterSetName = CreateSet)]
    public SwitchParameter Create { get; set; }

    /// <summary>Leaves the device alone, now and in later runs.</summary>
    [Parameter(Mandatory = true, ParameterSetName = IgnoreSet)]
    public SwitchParameter Ignore { get; set; }

    /// <summary>Opens an ignored conflict again.</summary>
    [Parameter(Mandatory = true, ParameterSetName = ReopenSet)]
    public SwitchParameter Reopen { get; set; }

    /// <summary>Emits the conflicts as they are now.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        var (resolution, action) = ParameterSetName switch
        {
            LinkSet => (ConflictResolution.Link, $"Link the device to {Link}"),
            CreateSet => (ConflictResolution.Create, "Create a CI for the device"),
            IgnoreSet => (ConflictResolution.Ignore, "Leave the device alone from now on"),
            _ => (ConflictResolution.Reopen, "Open the conflict again"),
        };
        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        await EachAsync(Conflict, async reference =>
        {
            var conflict = await OffThread(() => store.Conflicts.Get(reference.Id), cancellationToken).ConfigureAwait(false);
            if (!await ConfirmAsync($"{conflict.DeviceName} (conflict {conflict.Id})", action, cancellationToken).ConfigureAwait(false))
                return;

            var resolved = await OffThread(() => store.Conflicts.Resolve(conflict.Id, resolution, ParameterSetName == LinkSet ? Link : null, Warn), cancellationToken).ConfigureAwait(false);
            if (PassThru)
                EmitFrom(store, resolved);
        }).ConfigureAwait(false);
    }
}
