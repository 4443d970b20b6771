using System.Globalization;
using System.Runtime.CompilerServices;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Site;
using AlloyScan.Engine.Store;
using AlloyScan.Engine.Sync.Map;

namespace AlloyScan.Engine.Sync.Verify;

/// <summary>Compares what the site lists with what the CMDB holds. Reads both and writes neither.</summary>
internal sealed class Verifier(RunContext context, IInventorySource source)
{
    private readonly StoreSession _session = context.Session;

    public async IAsyncEnumerable<VerificationCheck> RunAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var lastRun = LastRun();
        yield return lastRun.Check;

        _session.Execute("CREATE TEMP TABLE listed (device_id TEXT PRIMARY KEY, class INTEGER) WITHOUT ROWID");
        var (total, skipped, failure) = await ReadListAsync(cancellationToken).ConfigureAwait(false);
        if (failure is not null)
        {
            yield return new VerificationCheck("Site", "the device list", failure.Message, Verdict.Failed, failure.Advice ?? "Test the connection of the job.");
        }
        else
        {
            var distinct = Number("SELECT count(*) FROM temp.listed");
            yield return total is null
                ? new VerificationCheck("Site: device list", "a total", "none given", Verdict.NotChecked, "The site gives no total, so that the list is complete cannot be shown.")
                : Equal("Site: device list", total.Value, distinct + skipped, "The list moved while it was read, or is incomplete; verify again.");

            foreach (var recordClass in new[] { RecordClass.Computer, RecordClass.Hardware })
            {
                var expected = Number(
                    """
                    SELECT count(*) FROM temp.listed d LEFT JOIN links l ON l.target_id = @p0 AND l.site_id = @p1 AND l.device_id = d.device_id AND l.state IN (1, 2)
                    WHERE coalesce(l.class, d.class) = @p2
                        AND NOT EXISTS (SELECT 1 FROM conflicts c WHERE c.target_id = @p0 AND c.site_id = @p1 AND c.device_id = d.device_id AND c.kind = 'Unlinked' AND c.state IN ('Open', 'Ignored'))
                    """, context.TargetId, context.SiteId, (int)recordClass);
                var actual = Number(
                    """
                    SELECT count(*) FROM links l JOIN temp.listed d ON d.device_id = l.device_id JOIN records r ON r.id = l.record
                    WHERE l.target_id = @p0 AND l.site_id = @p1 AND l.class = @p2 AND l.state = 1
                    """, context.TargetId, context.SiteId, (int)recordClass);
                yield return Equal(
                    recordClass == RecordClass.Computer ? "Devices linked: computers" : "Devices linked: hardware", expected, actual,
                    "Run the job; if it stays, look at the errors of its last run.");
            }

            var untyped = Number("SELECT count(*) FROM temp.listed d WHERE d.class IS NULL AND NOT EXISTS (SELECT 1 FROM links l WHERE l.target_id = @p0 AND l.site_id = @p1 AND l.device_id = d.device_id)", context.TargetId, context.SiteId);
            if (untyped > 0)
                yield return new VerificationCheck("Devices without type", "0 unlinked", $"{untyped} unlinked", Verdict.Warning, "Run the job: their snapshots decide what they are.");

            var gone = Number(
                "SELECT count(*) FROM links l WHERE l.target_id = @p0 AND l.site_id = @p1 AND l.state = 1 AND NOT EXISTS (SELECT 1 FROM temp.listed d WHERE d.device_id = l.device_id)",
                context.TargetId, context.SiteId);
            yield return gone == 0
                ? new VerificationCheck("Live links without device", "0", "0", Verdict.Passed, null)
                : new VerificationCheck("Live links without device", "0", gone.ToString(CultureInfo.InvariantCulture), Verdict.Warning, "Run the job: it confirms each absence and marks the links missing.");
        }

        foreach (var check in Platforms())
            yield return check;

        yield return Equal(
            "Discovered installations",
            Number("SELECT coalesce(sum(l.software_count), 0) FROM links l JOIN records r ON r.id = l.record WHERE l.target_id = @p0 AND l.site_id = @p1 AND l.state IN (1, 2)", context.TargetId, context.SiteId),
            Number("SELECT count(*) FROM links l JOIN installations i ON i.record = l.record WHERE l.target_id = @p0 AND l.site_id = @p1 AND l.state IN (1, 2)", context.TargetId, context.SiteId),
            "Run the job with -Full: it reads the software of every computer again.");

        yield return Equal(
            "Software catalog: installations counted",
            Number("SELECT count(*) FROM installations"), Number("SELECT coalesce(sum(uses), 0) FROM products"),
            "Run the job with -Full.");

        var edited = Number(
            "SELECT count(*) FROM links l JOIN records r ON r.id = l.record WHERE l.target_id = @p0 AND l.site_id = @p1 AND l.state = 1 AND r.version <> l.record_version AND lower(coalesce(r.status, '')) <> 'retired'",
            context.TargetId, context.SiteId);
        yield return edited == 0
            ? new VerificationCheck("CIs edited since the last run", "0", "0", Verdict.Passed, null)
            : new VerificationCheck("CIs edited since the last run", "0", edited.ToString(CultureInfo.InvariantCulture), Verdict.Warning, "The next run looks at them again, each field by its replacement mode.");

        var deleted = Number(
            "SELECT count(*) FROM links l WHERE l.target_id = @p0 AND l.site_id = @p1 AND l.state IN (1, 2) AND NOT EXISTS (SELECT 1 FROM records r WHERE r.id = l.record)", context.TargetId, context.SiteId);
        yield return deleted == 0
            ? new VerificationCheck("Linked CIs deleted from the CMDB", "0", "0", Verdict.Passed, null)
            : new VerificationCheck("Linked CIs deleted from the CMDB", "0", deleted.ToString(CultureInfo.InvariantCulture), Verdict.Warning, "The next run closes their links and asks what to do.");

        var conflicts = Number("SELECT count(*) FROM conflicts WHERE target_id = @p0 AND site_id = @p1 AND state = 'Open'", context.TargetId, context.SiteId);
        yield return conflicts == 0
            ? new VerificationCheck("Open conflicts", "0", "0", Verdict.Passed, null)
            : new VerificationCheck("Open conflicts", "0", conflicts.ToString(CultureInfo.InvariantCulture), Verdict.Warning, "Look at the view sync_conflicts: each row names its reason and candidates.");
    }

    private (VerificationCheck Check, long Id) LastRun()
    {
        using var reader = _session.Prepare("SELECT id, status, message FROM runs WHERE target_id = @p0 AND site_id = @p1 AND kind = 'Sync' ORDER BY id DESC LIMIT 1").Set(0, context.TargetId).Set(1, context.SiteId).Read();
        if (!reader.Read())
            return (new VerificationCheck("Last run", nameof(SyncRunStatus.Succeeded), "never run", Verdict.Failed, "Run the job."), 0);

        var status = Enum.Parse<SyncRunStatus>(reader.GetString(1));
        var verdict = status switch
        {
            SyncRunStatus.Succeeded => Verdict.Passed,
            SyncRunStatus.Running or SyncRunStatus.PartiallySucceeded or SyncRunStatus.Canceled => Verdict.Warning,
            _ => Verdict.Failed,
        };
        return (new VerificationCheck("Last run", nameof(SyncRunStatus.Succeeded), status.ToString(), verdict, verdict == Verdict.Passed ? null : reader.Text(2) ?? "Run the job again."), reader.GetInt64(0));
    }

    private async Task<(int? Total, int Skipped, AlloyScanException? Failure)> ReadListAsync(CancellationToken cancellationToken)
    {
        int? total = null;
        var skipped = 0;
        var insert = _session.Prepare("INSERT INTO temp.listed (device_id, class) VALUES (@p0, @p1) ON CONFLICT DO NOTHING");
        try
        {
            await foreach (var page in source.ReadDevicePagesAsync(cancellationToken).ConfigureAwait(false))
            {
                total = page.Total;
                _session.BeginRead();
                foreach (var device in page.Devices)
                {
                    var meaning = context.MeaningOf(device.Type);
                    if (meaning == DeviceTypes.Meaning.CloudResource)
                        skipped++;
                    else
                        insert.Set(0, device.Id).Set(1, meaning == DeviceTypes.Meaning.Untyped ? (long?)null : (long)DeviceFacts.ClassOf(meaning, false)!.Value).Execute();
                }

                skipped += page.Unreadable.Count;
                _session.Commit();
            }

            return (total, skipped, null);
        }
        catch (AlloyScanException e)
        {
            _session.Rollback();
            return (total, skipped, e);
        }
    }

    /// <summary>Computers by operating system family: what the audits said against what the CIs hold.</summary>
    private List<VerificationCheck> Platforms()
    {
        var result = new List<VerificationCheck>();
        using var reader = _session.Prepare("""
            SELECT coalesce(l.platform, 'no platform'), count(*), sum(CASE WHEN coalesce(r.os_platform, '') = coalesce(l.platform, '') THEN 1 ELSE 0 END)
            FROM links l JOIN records r ON r.id = l.record WHERE l.target_id = @p0 AND l.site_id = @p1 AND l.state = 1 AND l.class = 1 GROUP BY 1 ORDER BY 1
            """).Set(0, context.TargetId).Set(1, context.SiteId).Read();
        while (reader.Read())
            result.Add(Equal($"Computers: {reader.GetString(0)}", reader.GetInt64(1), reader.GetInt64(2), "Somebody changed the platform of a CI, or the mapping does not write it."));
        return result;
    }

    private static VerificationCheck Equal(string check, long expected, long actual, string advice) => new(
        check, expected.ToString(CultureInfo.InvariantCulture), actual.ToString(CultureInfo.InvariantCulture),
        expected == actual ? Verdict.Passed : Verdict.Failed, expected == actual ? null : advice);

    private long Number(string sql, params long[] arguments)
    {
        var statement = _session.Prepare(sql);
        for (var i = 0; i < arguments.Length; i++)
            statement.Set(i, arguments[i]);
        return statement.Number() ?? 0;
    }
}
