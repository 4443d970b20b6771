using System.Management.Automation;
using AlloyScan.Engine;
using AlloyScan.Engine.Inventory;
using AlloyScan.PowerShell.Abstractions;
using AlloyScan.PowerShell.Connections;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Reads audit snapshots of devices: hardware, operating system, network, user and software.</summary>
[Cmdlet(VerbsCommon.Get, "AlloyScanSnapshot", DefaultParameterSetName = DeviceIdSet)]
[OutputType(typeof(AuditSnapshot))]
public sealed class GetAlloyScanSnapshotCommand : SiteCmdlet
{
    private const string DeviceSet = "Device";
    private const string DeviceIdSet = "DeviceId";
    private const string AuditSet = "AuditId";

    // Reads in flight, in the order of the input, so that a pipeline of devices does not wait for each answer in turn.
    private readonly Queue<Pending> _pending = new();

    /// <summary>Devices whose newest snapshot is read.</summary>
    [Parameter(Mandatory = true, ValueFromPipeline = true, ParameterSetName = DeviceSet)]
    [ValidateNotNullOrEmpty]
    public Device[] Device { get; set; } = null!;

    /// <summary>IDs of devices whose newest snapshot is read.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true, ParameterSetName = DeviceIdSet)]
    [Alias("Id")]
    [ValidateNotNullOrEmpty]
    public string[] DeviceId { get; set; } = null!;

    /// <summary>IDs of snapshots.</summary>
    [Parameter(Mandatory = true, ParameterSetName = AuditSet)]
    [ValidateNotNullOrEmpty]
    public string[] AuditId { get; set; } = null!;

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        var connection = ResolveConnection();
        switch (ParameterSetName)
        {
            case DeviceSet:
                foreach (var device in Device)
                    await AddAsync(connection, ReadAsync(connection, device.Id, device, cancellationToken)).ConfigureAwait(false);
                break;
            case DeviceIdSet:
                foreach (var id in DeviceId)
                    await AddAsync(connection, ReadAsync(connection, id, null, cancellationToken)).ConfigureAwait(false);
                break;
            default:
                foreach (var id in AuditId)
                    await AddAsync(connection, ReadAsync(connection, id, cancellationToken)).ConfigureAwait(false);
                break;
        }
    }

    /// <inheritdoc/>
    protected override async Task EndAsync(CancellationToken cancellationToken)
    {
        while (_pending.Count > 0)
            await EmitNextAsync().ConfigureAwait(false);
    }

    private async Task AddAsync(AlloyScanConnection connection, Task<AuditSnapshot> read)
    {
        _pending.Enqueue(new Pending(connection, read));
        while (_pending.Count > 0 && (_pending.Count >= connection.ThrottleLimit || _pending.Peek().Read.IsCompleted))
            await EmitNextAsync().ConfigureAwait(false);
    }

    private async Task EmitNextAsync()
    {
        var (connection, read) = _pending.Dequeue();
        try
        {
            EmitFrom(connection, await read.ConfigureAwait(false));
        }
        catch (AlloyScanException e) when (!IsFatal(e))
        {
            Fail(e);
        }
    }

    private static async Task<AuditSnapshot> ReadAsync(AlloyScanConnection connection, string deviceId, Device? known, CancellationToken cancellationToken)
    {
        // A row of the list does not say which audit is the newest.
        var device = known?.AuditId is not null
            ? known
            : await connection.Client.ReadDeviceAsync(deviceId, cancellationToken).ConfigureAwait(false) ?? throw Errors.DeviceNotFound(deviceId);
        var auditId = device.AuditId ?? throw Errors.DeviceNotAudited(device.DisplayName, device);
        return await connection.Client.ReadSnapshotAsync(auditId, cancellationToken).ConfigureAwait(false) ?? throw Errors.SnapshotNotFound(auditId, device);
    }

    private static async Task<AuditSnapshot> ReadAsync(AlloyScanConnection connection, string auditId, CancellationToken cancellationToken) =>
        await connection.Client.ReadSnapshotAsync(auditId, cancellationToken).ConfigureAwait(false) ?? throw Errors.SnapshotNotFound(auditId, auditId);

    private readonly record struct Pending(AlloyScanConnection Connection, Task<AuditSnapshot> Read);
}
