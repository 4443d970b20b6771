using System.Globalization;
using System.Runtime.CompilerServices;
using AlloyScan.Engine.Credentials;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Site;
using AlloyScan.Engine.Store;
using AlloyScan.Engine.Sync.Apply;
using AlloyScan.Engine.Sync.Map;

namespace AlloyScan.Engine.Sync.Verify;

/// <summary>Compares what the site lists with what the CMDB holds. Reads both and writes neither.</summary>
internal sealed class Verifier(RunContext context, IInventorySource source)
{
    private readonly StoreSession _session = context.Session;

    // What to call next stands in every advice, ready to be pasted.
    private string Run => $"Invoke-AlloyScanSync {Quote(context.Job.Name)}";

    public async IAsyncEnumerable<VerificationCheck> RunAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        yield return LastRun();

        _session.Execute("CREATE TEMP TABLE listed (device_id TEXT PRIMARY KEY, class INTEGER, last_seen INTEGER) WITHOUT ROWID");
        var (total, skipped, failure) = await ReadListAsync(cancellationToken).ConfigureAwait(false);
        yield return Token(failure);
        yield return Registration();
        if (failure is not null)
        {
            yield return new VerificationCheck("Site: device list", "the device list", failure.MessageWithAdvice, Verdict.Failed, "Test-AlloyScanConnection says which step fails.");
        }
        else
        {
            foreach (var check in Devices(total, skipped))
                yield return check;
        }

        foreach (var check in Platforms())
            yield return check;
        foreach (var check in Software())
            yield return check;
        foreach (var check in Records())
            yield return check;
        foreach (var check in Conflicts())
            yield return check;
        foreach (var check in Fields())
            yield return check;
        foreach (var check in Failing())
            yield return check;
    }

    private VerificationCheck LastRun()
    {
        using var reader = _session.Prepare("SELECT id, status, message FROM runs WHERE target_id = @p0 AND site_id = @p1 AND kind = 'Sync' ORDER BY id DESC LIMIT 1").Set(0, context.TargetId).Set(1, context.SiteId).Read();
        if (!reader.Read())
            return new VerificationCheck("Last run", nameof(SyncRunStatus.Succeeded), "never run", Verdict.Failed, $"Run the job: {Run}.");

        var status = Enum.Parse<SyncRunStatus>(reader.GetString(1));
        var verdict = status switch
        {
            SyncRunStatus.Succeeded => Verdict.Passed,
            SyncRunStatus.Running or SyncRunStatus.PartiallySucceeded or SyncRunStatus.Canceled => Verdict.Warning,
            _ => Verdict.Failed,
        };
        var id = reader.GetInt64(0).ToString(CultureInfo.InvariantCulture);
        var advice = $"{reader.Text(2) ?? "It said nothing more."} See Get-AlloyScanSyncRun -RunId {id} and Get-AlloyScanSyncError {id}.";
        return new VerificationCheck("Last run", nameof(SyncRunStatus.Succeeded), status.ToString(), verdict, verdict == Verdict.Passed ? null : advice);
    }

    /// <summary>Whether the site gave a token: it did if it gave the list, and it may have without.</summary>
    private VerificationCheck Token(AlloyScanException? failure)
    {
        const string expected = "a token";
        if (failure is null || source is SiteClient { TokenExpiresAt: not null })
            return new VerificationCheck("Token", expected, "given", Verdict.Passed, null);

        return failure.Kind == ErrorKind.Authentication
            ? new VerificationCheck("Token", expected, failure.Message, Verdict.Failed, $"{failure.Advice ?? "The client ID or secret is wrong, or the app registration is disabled or has expired."} Then give the job the right one with Set-AlloyScanSyncJob {Quote(context.Job.Name)}.")
            : new VerificationCheck("Token", expected, "the site was not reached", Verdict.NotChecked, "Test-AlloyScanConnection says which step fails.");
    }

    /// <summary>How long the registration is good for, by the date that the store keeps: the API does not tell.</summary>
    private VerificationCheck Registration()
    {
        const string check = "Registration expiry";
        const string expected = "more than 30 days";
        var registration = AppRegistrations.Find(_session, context.SiteId, context.Job.ClientId, context.TimeProvider);
        if (registration?.ExpirationDate is not { } date)
        {
            return new VerificationCheck(
                check, expected, "not known", Verdict.NotChecked,
                registration is null
                    ? "The API does not tell when the app registration expires, and the store has no record of it: look the date up in AlloyScan, and keep it with Add-AlloyScanAppRegistration -ExpirationDate. Test-AlloyScanConnection says when it has expired."
                    : $"The API does not tell when the app registration expires: look the date up in AlloyScan, and keep it with Set-AlloyScanAppRegistration {Quote(registration.Name)} -ExpirationDate.") { IsRequired = false };
        }

        var actual = string.Create(CultureInfo.InvariantCulture, $"{date:yyyy-MM-dd}, {registration.DaysLeft} {(Math.Abs(registration.DaysLeft ?? 0) == 1 ? "day" : "days")}");
        return registration.State switch
        {
            RegistrationState.Active => new VerificationCheck(check, expected, actual, Verdict.Passed, null),
            RegistrationState.Expired => new VerificationCheck(check, expected, actual, Verdict.Failed, registration.Warning),
            _ => new VerificationCheck(check, expected, actual, Verdict.Warning, registration.Warning),
        };
    }

    private IEnumerable<VerificationCheck> Devices(int? total, int skipped)
    {
        var distinct = Number("SELECT count(*) FROM temp.listed");
        yield return total is null
            ? new VerificationCheck("Site: device list", "a total", "none given", Verdict.NotChecked, "The site gives no total, so that the list is complete cannot be shown; a profile that names where it stands goes to the job with Set-AlloyScanSyncJob -ApiProfilePath.")
            : Equal("Site: device list", total.Value, distinct + skipped, "The list moved while it was read, or is incomplete; call Test-AlloyScanSync again.");

        foreach (var recordClass in new[] { RecordClass.Computer, RecordClass.Hardware })
        {
            var expected = Number(
                """
                SELECT count(*) FROM temp.listed d LEFT JOIN links l ON l.target_id = @p0 AND l.site_id = @p1 AND l.device_id = d.device_id AND l.state IN (1, 2)
                WHERE coalesce(l.class, d.class) = @p2
                    AND NOT EXISTS (SELECT 1 FROM conflicts c WHERE c.target_id = @p0 AND c.site_id = @p1 AND c.device_id = d.device_id AND c.kind = 'Unlinked' AND c.state IN ('Open', 'Ignored'))
                    AND NOT (d.last_seen IS NOT NULL AND d.last_seen <= @p3 AND EXISTS (SELECT 1 FROM links t WHERE t.target_id = @p0 AND t.site_id = @p1 AND t.device_id = d.device_id AND t.state = 3 AND t.closed_reason = 'TakenOver'))
                """, context.TargetId, context.SiteId, (int)recordClass, context.StaleSince ?? long.MinValue);
            // A device that is back has a link that is still missing while somebody keeps its CI retired.
            var actual = Number(
                """
                SELECT count(*) FROM links l JOIN temp.listed d ON d.device_id = l.device_id JOIN records r ON r.id = l.record
                WHERE l.target_id = @p0 AND l.site_id = @p1 AND l.class = @p2 AND (l.state = 1 OR (l.state = 2 AND l.retired_at IS NULL AND lower(coalesce(r.status, '')) = 'retired'))
                """, context.TargetId, context.SiteId, (int)recordClass);
            yield return Equal(
                recordClass == RecordClass.Computer ? "Devices linked: computers" : "Devices linked: hardware", expected, actual,
                $"Run the job: {Run}. If it stays, Get-AlloyScanSyncError shows which devices failed.");
        }

        var untyped = Number("SELECT count(*) FROM temp.listed d WHERE d.class IS NULL AND NOT EXISTS (SELECT 1 FROM links l WHERE l.target_id = @p0 AND l.site_id = @p1 AND l.device_id = d.device_id)", context.TargetId, context.SiteId);
        if (untyped > 0)
            yield return new VerificationCheck("Devices without type", "0 unlinked", $"{untyped} unlinked", Verdict.Warning, $"Their snapshots decide what they are: {Run}. Set-AlloyScanSyncJob -TypeMap settles types that the site makes up.");

        yield return None(
            "Live links without device",
            Number(
                "SELECT count(*) FROM links l WHERE l.target_id = @p0 AND l.site_id = @p1 AND l.state = 1 AND NOT EXISTS (SELECT 1 FROM temp.listed d WHERE d.device_id = l.device_id)",
                context.TargetId, context.SiteId),
            $"The next run confirms each absence and marks the links missing: {Run}.");
    }

    /// <summary>What the CMDB holds of the devices' software, subject to the choice of platforms and groups.</summary>
    private IEnumerable<VerificationCheck> Software()
    {
        yield return Equal(
            "Discovered installations",
            Number("SELECT coalesce(sum(l.software_count), 0) FROM links l JOIN records r ON r.id = l.record WHERE l.target_id = @p0 AND l.site_id = @p1 AND l.state IN (1, 2)", context.TargetId, context.SiteId),
            Number("SELECT count(*) FROM links l JOIN installations i ON i.record = l.record WHERE l.target_id = @p0 AND l.site_id = @p1 AND l.state IN (1, 2)", context.TargetId, context.SiteId),
            $"Read the software of every computer again: {Run} -Full.");

        // With no import nothing is touched, so whatever is there may stay.
        if (context.Job.ImportSoftware != SoftwarePlatforms.None)
        {
            yield return None(
                "Installations not chosen", OutsideThePlatforms() + OutsideTheGroups(),
                $"The next run removes what the choice of platforms and groups leaves out: {Run} -WhatIf shows it. Get-AlloyScanSoftwareGroup shows the groups.");
        }

        yield return Equal(
            "Software catalog: installations counted",
            Number("SELECT count(*) FROM installations"), Number("SELECT coalesce(sum(uses), 0) FROM products"),
            $"Read the software of every computer again: {Run} -Full.");
        yield return None("Products without installation", Number("SELECT count(*) FROM products WHERE uses <= 0"), $"A run drops them when it next removes a product: {Run} -Full.");
    }

    private long OutsideThePlatforms()
    {
        long outside = 0;
        using var reader = _session.Prepare("""
            SELECT l.platform, sum(l.software_count) FROM links l JOIN records r ON r.id = l.record
            WHERE l.target_id = @p0 AND l.site_id = @p1 AND l.state = 1 AND lower(coalesce(r.status, '')) <> 'retired' GROUP BY l.platform
            """).Set(0, context.TargetId).Set(1, context.SiteId).Read();
        while (reader.Read())
            outside += context.ImportsSoftware(reader.Text(0)) ? 0 : reader.GetInt64(1);
        return outside;
    }

    private long OutsideTheGroups() => !context.SoftwareGroups.IsFiltering ? 0 : Number(
        """
        SELECT count(*) FROM links l JOIN records r ON r.id = l.record JOIN installations i ON i.record = l.record JOIN products p ON p.id = i.product
        WHERE l.target_id = @p0 AND l.site_id = @p1 AND l.state = 1 AND lower(coalesce(r.status, '')) <> 'retired'
            AND coalesce(p.software_group, 'Regular') IN (SELECT software_group FROM untracked_groups WHERE site_id = @p1)
        """, context.TargetId, context.SiteId);

    private IEnumerable<VerificationCheck> Records()
    {
        yield return None(
            "CIs edited since the last run",
            Number(
                "SELECT count(*) FROM links l JOIN records r ON r.id = l.record WHERE l.target_id = @p0 AND l.site_id = @p1 AND l.state = 1 AND r.version <> l.record_version AND lower(coalesce(r.status, '')) <> 'retired'",
                context.TargetId, context.SiteId),
            $"The next run looks at them again, each field by its replacement mode: {Run} -WhatIf shows what it would set back. Set-AlloyScanServiceAction changes the modes.");
        yield return None(
            "Linked CIs deleted from the CMDB",
            Number("SELECT count(*) FROM links l WHERE l.target_id = @p0 AND l.site_id = @p1 AND l.state IN (1, 2) AND NOT EXISTS (SELECT 1 FROM records r WHERE r.id = l.record)", context.TargetId, context.SiteId),
            context.Job.DeletedRecord == DeletedRecord.Recreate
                ? $"The next run makes the CIs of listed devices anew: {Run}."
                : $"The next run closes their links and asks what to do: {Run}, then Get-AlloyScanConflict. Set-AlloyScanSyncJob -DeletedRecord Recreate has them made anew.");
        var missing = Number("SELECT count(*) FROM links WHERE target_id = @p0 AND site_id = @p1 AND state = 2", context.TargetId, context.SiteId);
        var retired = Number(
            "SELECT count(*) FROM links l JOIN records r ON r.id = l.record WHERE l.target_id = @p0 AND l.site_id = @p1 AND l.state = 2 AND l.retired_at IS NOT NULL AND lower(coalesce(r.status, '')) = 'retired'",
            context.TargetId, context.SiteId);
        yield return None(
            "Missing devices", missing - retired,
            context.Job.MissingDevice == MissingDevice.Retire
                ? $"Their CIs are retired after {context.Job.RetireAfterRuns} complete runs and {context.Job.RetireAfterDays} days; Get-AlloyCmdbComputer | Where-Object MissingSince shows them."
                : "Get-AlloyCmdbComputer | Where-Object MissingSince shows them. Set-AlloyScanSyncJob -MissingDevice Retire has them retired in time.");
        // No trouble, but somebody who wonders where a CI went finds it here.
        yield return new VerificationCheck("CIs retired for absence", "any number", retired.ToString(CultureInfo.InvariantCulture), Verdict.Passed, null);
    }

    private IEnumerable<VerificationCheck> Conflicts()
    {
        foreach (var (kind, check, advice) in new[]
        {
            ("Unlinked", "Open conflicts", "Get-AlloyScanConflict names reason and candidates of each; Resolve-AlloyScanConflict links, creates or ignores."),
            ("RestsOnJunk", "Open conflicts: rests on junk", "Get-AlloyScanConflict shows the links; Split-AlloyScanLink takes a wrong one apart, Resolve-AlloyScanConflict keeps a right one."),
        })
        {
            var open = _session.Prepare("SELECT count(*) FROM conflicts WHERE target_id = @p0 AND site_id = @p1 AND state = 'Open' AND kind = @p2")
                .Set(0, context.TargetId).Set(1, context.SiteId).Set(2, kind).Number() ?? 0;
            yield return None(check, open, advice);
        }
    }

    private IEnumerable<VerificationCheck> Fields()
    {
        foreach (var (problem, check, advice) in new[]
        {
            (UnsettledFields.NotSettled, "Fields that do not settle", "Something in the CMDB changes them as they are written; Get-AlloyScanSyncChange -RecordId shows how, Set-AlloyScanServiceAction changes the mapping."),
            (UnsettledFields.Flapping, "Fields that go back and forth", "Get-AlloyScanSyncChange -RecordId shows how. Two sources or people may disagree; a mode of Set-AlloyScanServiceAction such as UnlessEdited ends it."),
        })
        {
            var names = new List<string>();
            long count = 0;
            using (var reader = _session.Prepare("SELECT class, number, field, detail, count(*) OVER () FROM unsettled_fields WHERE target_id = @p0 AND site_id = @p1 AND problem = @p2 ORDER BY class, number, field LIMIT 5")
                .Set(0, context.TargetId).Set(1, context.SiteId).Set(2, problem).Read())
            {
                while (reader.Read())
                {
                    names.Add($"{reader.GetString(2)} of {RunContext.RecordId((RecordClass)reader.GetInt32(0), reader.GetInt64(1))} ({reader.Text(3)})");
                    count = reader.GetInt64(4);
                }
            }

            yield return None(check, count, $"{string.Join("; ", names)}{(count > names.Count ? "; ..." : string.Empty)}. {advice}");
        }
    }

    private IEnumerable<VerificationCheck> Failing()
    {
        var failing = new FailingDevices(context, byHand: false);
        var parked = context.Job.ParkAfter == 0 ? 0 : Number("SELECT count(*) FROM failing_devices WHERE site_id = @p0 AND attempts >= @p1", context.SiteId, context.Job.ParkAfter);
        yield return None("Failing devices", failing.Count() - parked, $"Every run tries them; Get-AlloyScanSyncError shows why they fail. {Run} -ErrorsOnly tries them alone.");
        yield return None(
            "Parked devices", parked,
            $"They failed {context.Job.ParkAfter} runs in a row and are left alone until they change; Get-AlloyScanSyncError -Parked shows why. {Run} -ErrorsOnly tries them again.");
    }

    private async Task<(int? Total, int Skipped, AlloyScanException? Failure)> ReadListAsync(CancellationToken cancellationToken)
    {
        int? total = null;
        var skipped = 0;
        var insert = _session.Prepare("INSERT INTO temp.listed (device_id, class, last_seen) VALUES (@p0, @p1, @p2) ON CONFLICT DO NOTHING");
        try
        {
            await foreach (var page in source.ReadDevicePagesAsync(cancellationToken).ConfigureAwait(false))
            {
                total = page.Total;
                _session.BeginRead();
                foreach (var device in page.Devices)
                {
                    context.NoteSeen(Clock.Milliseconds(device.LastSeen));
                    var meaning = context.MeaningOf(device.Type);
                    if (meaning == DeviceTypes.Meaning.CloudResource)
                        skipped++;
                    else
                        insert.Set(0, device.Id).Set(1, meaning == DeviceTypes.Meaning.Untyped ? (long?)null : (long)DeviceFacts.ClassOf(meaning, false)!.Value).Set(2, Clock.Milliseconds(device.LastSeen)).Execute();
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
            FROM links l JOIN records r ON r.id = l.record WHERE l.target_id = @p0 AND l.site_id = @p1 AND l.state = 1 AND l.class = 1 AND lower(coalesce(r.status, '')) <> 'retired' GROUP BY 1 ORDER BY 1
            """).Set(0, context.TargetId).Set(1, context.SiteId).Read();
        while (reader.Read())
            result.Add(Equal($"Computers: {reader.GetString(0)}", reader.GetInt64(1), reader.GetInt64(2), $"Somebody changed the platform of a CI, which {Run} sets right, or the mapping does not write it, which Get-AlloyScanServiceAction shows."));
        return result;
    }

    private static string Quote(string name) => name.Length > 0 && name.All(static c => char.IsLetterOrDigit(c) || c is '-' or '_') ? name : $"'{name.Replace("'", "''", StringComparison.Ordinal)}'";

    private static VerificationCheck None(string check, long actual, string advice) =>
        new(check, "0", actual.ToString(CultureInfo.InvariantCulture), actual == 0 ? Verdict.Passed : Verdict.Warning, actual == 0 ? null : advice);

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
