using System.Globalization;
using AlloyScan.Engine.Inventory;

namespace AlloyScan.Engine.Sync;

/// <summary>
/// Foresees what the run costs once the list is staged, says so when that does not fit into the budget, and shares the budget out:
/// whatever it is, linked and unlinked devices both get on.
/// </summary>
internal sealed class Forecaster(RunScope scope)
{
    /// <summary>Calls that a device takes at most.</summary>
    private const int CallsForDevice = 2;

    /// <summary>Calls that prove that the path of devices answers, before and after a confirmation.</summary>
    private const int CallsForProof = 2;

    private readonly long? _budget = scope.Budget.Left;
    private long _confirmationCalls;
    private long _unlinked;

    /// <summary>The forecast that was made; <see langword="null"/> before the list is staged.</summary>
    public CallForecast? Forecast { get; private set; }

    /// <summary>Most calls for linked devices.</summary>
    public long LinkedShare { get; private set; } = long.MaxValue;

    /// <summary>Foresees. Call when the list is staged and stale devices are set aside.</summary>
    /// <param name="confirms">Whether absences will be confirmed.</param>
    public void Foresee(bool confirms)
    {
        if (!scope.Budget.IsLimited && !scope.Context.Applying)
            return;

        var linked = CallsForDevice * (Linked() + Recreated());
        var unlinked = CallsForDevice * Unlinked();
        _unlinked = unlinked;
        var needed = linked + unlinked;
        var absent = confirms ? Absent() : 0;
        var asked = scope.Source.Asked;
        var spent = scope.Budget.Spent;
        Forecast = scope.WithBudgets(new CallForecast
        {
            Token = scope.Source.IsGated || spent <= asked.Pages + asked.Products + asked.Devices ? 0 : 1,
            Pages = asked.Pages,
            Catalog = asked.Products,
            Details = needed / CallsForDevice,
            Snapshots = needed / CallsForDevice,
            Confirmations = absent == 0 ? 0 : absent + CallsForProof,
            Deletions = scope.Context.Applying ? scope.Staging.Count(StagedKind.Retired) : 0,
            Spent = spent,
        });
        scope.Context.Observer.OnVerbose($"Foreseen: {Forecast.Calls}.");
        if (scope.Budget.Left is not { } left || needed <= left)
            return;

        // One device has to get on, if only one can: an unlinked one, since those come to an end and linked ones move again and again.
        LinkedShare = unlinked == 0 ? left
            : left < 2 * CallsForDevice ? 0
            : Math.Clamp((long)((decimal)left * linked / needed), CallsForDevice, left - CallsForDevice);
        var devices = left / CallsForDevice;
        scope.Context.Observer.OnWarning(string.Create(
            CultureInfo.InvariantCulture,
            $"This run needs up to {needed:N0} more API calls for {needed / CallsForDevice:N0} devices, and the budget leaves {left:N0}: about {devices:N0} {(devices == 1 ? "device is" : "devices are")} done now, and the next runs go on from there."));
    }

    /// <summary>What a real run of its own costs, from what a rehearsal asked for.</summary>
    public CallForecast Counted()
    {
        var asked = scope.Source.Asked;
        var devices = Math.Max(0, asked.Devices - _confirmationCalls);
        var whole = !scope.WasCut;
        // A rehearsal that its budget cut short has counted a part only.
        return scope.WithBudgets(new CallForecast
        {
            Token = scope.Source.IsGated ? 0 : 1,
            Pages = asked.Pages,
            Catalog = asked.Products,
            Details = whole ? devices : Math.Max(devices, Forecast?.Details ?? 0),
            Snapshots = whole ? asked.Snapshots : Math.Max(asked.Snapshots, Forecast?.Snapshots ?? 0),
            Confirmations = whole ? _confirmationCalls : Math.Max(_confirmationCalls, Forecast?.Confirmations ?? 0),
            Deletions = scope.Context.Counts.DeletedInAlloyScan,
            IsCounted = whole,
            IsRehearsal = true,
            Spent = scope.Budget.Spent,
        });
    }

    /// <summary>Notes device calls that were made to confirm absences.</summary>
    public void NoteConfirmations(int calls) => _confirmationCalls += calls;

    /// <summary>
    /// How many absences may be confirmed: a tenth of the budget goes into it, and so that a small one gets on as well, one if nothing else
    /// wants the calls. Each time two more calls are needed for the proof that the answers can be believed.
    /// </summary>
    /// <param name="confirmed">Confirmations of this run.</param>
    /// <param name="retiring">Whether it is about CIs to retire, which comes after everything else.</param>
    public long ConfirmationsAllowed(int confirmed, bool retiring)
    {
        if (_budget is not { } budget || scope.Budget.Left is not { } left)
            return long.MaxValue;

        var wanted = retiring ? 0 : _unlinked;
        var tenth = (budget / 10) - confirmed;
        if (tenth < 1 && confirmed == 0 && left >= wanted + 1 + CallsForProof)
            tenth = 1;
        return Math.Max(0, Math.Min(tenth, left - CallsForProof - Math.Min(wanted, CallsForDevice)));
    }

    private long Linked() => scope.Session.Prepare("""
        SELECT count(*) FROM temp.staged s JOIN links l ON l.id = s.link
        WHERE s.kind IN (1, 10) AND (@p0 = 1 OR s.last_seen IS NULL OR l.last_seen IS NULL OR s.last_seen <> l.last_seen OR l.fingerprint = 0
            OR (l.fingerprint <> @p1 AND l.class = @p2 AND l.software_imported = 0 AND @p3 <> 0))
        """).Set(0, scope.Request.Full ? 1 : 0).Set(1, scope.Context.Fingerprint).Set(2, (int)RecordClass.Computer).Set(3, (long)scope.Context.Job.ImportSoftware).Number() ?? 0;

    private long Recreated() => scope.Context.Job.DeletedRecord == Jobs.DeletedRecord.Recreate ? scope.Staging.Count(StagedKind.RecordDeleted) : 0;

    private long Unlinked() => scope.Session.Prepare("""
        SELECT count(*) FROM temp.staged s
        LEFT JOIN conflicts c ON c.target_id = @p0 AND c.site_id = @p1 AND c.device_id = s.device_id AND c.kind = 'Unlinked'
        LEFT JOIN waiting_devices w ON w.target_id = @p0 AND w.site_id = @p1 AND w.device_id = s.device_id
        WHERE s.kind = 2 AND coalesce(c.state, '') <> 'Ignored'
            AND (@p2 = 1 OR s.last_seen IS NULL OR ((c.id IS NULL OR c.list_hash <> s.list_hash OR coalesce(c.last_seen, -1) <> s.last_seen)
                AND (w.device_id IS NULL OR w.list_hash <> s.list_hash OR coalesce(w.last_seen, -1) <> s.last_seen)))
        """).Set(0, scope.Context.TargetId).Set(1, scope.Context.SiteId).Set(2, scope.Request.Full ? 1 : 0).Number() ?? 0;

    /// <summary>Live links that the list does not name; those that are missing already are not asked for again.</summary>
    private long Absent() => Math.Max(0, scope.Guard.LiveLinks - scope.Staging.SeenLinks);
}
