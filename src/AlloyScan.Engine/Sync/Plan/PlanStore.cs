using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Store;
using AlloyScan.Engine.Sync.Guard;
using AlloyScan.Engine.Sync.Map;

namespace AlloyScan.Engine.Sync.Plan;

/// <summary>A row of a saved plan, as it is applied.</summary>
internal sealed record PlanRow(int Row, ChangeAction Action, string DeviceId, long? Record, long? RecordVersion, long? LastSeen, DeviceFacts? Facts, GuardKinds Kinds, GuardSlice Slice, ShownRow Shown);

/// <summary>Which rows of a plan.</summary>
internal enum PlanRows
{
    All,
    Held,
    NotHeld,

    /// <summary>Held rows that no approval has come to yet.</summary>
    Waiting,
}

/// <summary>Saves plans and reads them back. A run under way keeps its spooled rows under its own number, negative, so that no plan is made unless something is held back.</summary>
internal sealed class PlanStore(StoreSession session)
{
    /// <summary>Plans of a job that are kept; older ones go when a new one is made.</summary>
    private const int KeptPlans = 10;

    /// <summary>Where the rows of a run under way stand.</summary>
    public static long SpoolOf(long runId) => -runId;

    /// <summary>Begins a plan that is made to be looked at.</summary>
    public long Begin(RunContext context)
    {
        long id = 0;
        session.InTransactionDo(() => id = Insert(context, PlanState.Saved, null));
        return id;
    }

    private long Insert(RunContext context, PlanState state, long? runId)
    {
        var now = context.TimeProvider.NowMilliseconds();
        var id = session.Prepare("INSERT INTO plans (job_id, job, target_id, site_id, created_at, fingerprint, state, run_id) VALUES (@p0, @p1, @p2, @p3, @p4, @p5, @p6, @p7) RETURNING id")
            .Set(0, context.Job.Id).Set(1, context.Job.Name).Set(2, context.TargetId).Set(3, context.SiteId).Set(4, now).Set(5, context.PlanFingerprint).Set(6, state.ToString()).Set(7, runId)
            .Number() ?? throw new InvalidOperationException("The plan was not written.");
        // An unsaved job has no number of its own, and shares none of its plans with another.
        session.Execute(
            "DELETE FROM plans WHERE created_at < @p0 OR (job_id = @p1 AND job = @p3 AND id NOT IN (SELECT id FROM plans WHERE job_id = @p1 AND job = @p3 ORDER BY id DESC LIMIT @p2))",
            now - Retention.Milliseconds(Retention.Days(session).Plans), context.Job.Id, KeptPlans, context.Job.Name);
        session.Execute("DELETE FROM plan_rows WHERE plan_id > 0 AND plan_id NOT IN (SELECT id FROM plans)");
        session.Execute("DELETE FROM plan_slices WHERE plan_id NOT IN (SELECT id FROM plans)");
        return id;
    }

    public void Add(long planId, SyncChange change, DeviceFacts? facts, long? record, long? recordVersion) =>
        session.Prepare("""
            INSERT INTO plan_rows (plan_id, row, action, device_id, record, record_version, last_seen, facts, kinds, class, platform, shown)
            VALUES (@p0, @p1, @p2, @p3, @p4, @p5, @p6, @p7, @p8, @p9, @p10, @p11)
            """)
            .Set(0, planId).Set(1, change.Row).Set(2, change.Action.ToString()).Set(3, change.DeviceId).Set(4, record).Set(5, recordVersion)
            .Set(6, facts?.LastSeen).Set(7, facts?.ToJson() ?? string.Empty).Set(8, (int)change.Kind).Set(9, (int)change.Class).Set(10, change.Platform).Set(11, ShownRow.Of(change).ToJson()).Execute();

    /// <summary>Drops the rows of a run that ended, or of all runs of the target that died. Call when the lease is held.</summary>
    public void DropSpool(long targetId, long? runId = null)
    {
        if (session.Prepare("SELECT 1 FROM plan_rows WHERE plan_id < 0 LIMIT 1").Number() is null)
            return;

        if (runId is { } run)
            session.Execute("DELETE FROM plan_rows WHERE plan_id = @p0", SpoolOf(run));
        else
            session.Execute("DELETE FROM plan_rows WHERE plan_id < 0 AND -plan_id IN (SELECT id FROM runs WHERE target_id = @p0)", targetId);
    }

    /// <summary>Voids the plans of a job that are older than what was planned just now.</summary>
    /// <param name="context">The run.</param>
    /// <param name="newest">The plan that stays.</param>
    public void VoidOthers(RunContext context, long? newest) =>
        session.Prepare("UPDATE plans SET state = 'Void' WHERE job_id = @p0 AND job = @p1 AND state IN ('Saved', 'Blocked') AND id <> @p2")
            .Set(0, context.Job.Id).Set(1, context.Job.Name).Set(2, newest ?? 0).Execute();

    /// <summary>Notes which rows the guard holds back. Call inside a transaction.</summary>
    /// <param name="planId">The plan, or the spool of a run.</param>
    /// <param name="findings">What the guard found.</param>
    /// <param name="kindsOf">What a row is to the guard.</param>
    /// <param name="chosen">The rows that are looked at; <see langword="null"/> for all.</param>
    /// <returns>Their numbers.</returns>
    public List<int> Hold(long planId, GuardFindings findings, Func<PlanRow, GuardKinds> kindsOf, IReadOnlySet<int>? chosen = null)
    {
        var result = new List<int>();
        if (findings.Held == GuardKinds.None)
            return result;

        var update = session.Prepare("UPDATE plan_rows SET held = 1, kinds = @p2 WHERE plan_id = @p0 AND row = @p1");
        foreach (var row in Rows(planId, PlanRows.All, withFacts: false))
        {
            if (chosen is not null && !chosen.Contains(row.Row))
                continue;

            var kinds = kindsOf(row);
            // That a value is set on too many CIs shows only now.
            if (findings.Values.Count > 0 && row.Shown.Sets(findings.Values))
                kinds |= GuardKinds.Update;
            if ((kinds & findings.Held) == GuardKinds.None)
                continue;

            update.Set(0, planId).Set(1, row.Row).Set(2, (int)kinds).Execute();
            result.Add(row.Row);
        }

        return result;
    }

    /// <summary>Makes the held rows of a run a plan that waits for approval. Call inside a transaction.</summary>
    public long Keep(RunContext context, GuardFindings findings)
    {
        var id = Insert(context, PlanState.Blocked, context.RunId);
        session.Execute("UPDATE plan_rows SET plan_id = @p1 WHERE plan_id = @p0 AND held = 1", SpoolOf(context.RunId), id);
        Seal(id, findings);
        return id;
    }

    /// <summary>Writes what a plan has in each slice, and the hash over what it holds. Call inside a transaction.</summary>
    public void Seal(long planId, GuardFindings findings)
    {
        session.Execute("DELETE FROM plan_slices WHERE plan_id = @p0", planId);
        var position = 0;
        foreach (var slice in findings.Slices)
        {
            session.Execute(
                "INSERT INTO plan_slices (plan_id, position, kind, class, platform, field, value, changes, base, most_changes, most_share, tripped) VALUES (@p0, @p1, @p2, @p3, @p4, @p5, @p6, @p7, @p8, @p9, @p10, @p11)",
                planId, ++position, (int)slice.Kind, (int)slice.Class, slice.Platform, slice.Field, slice.Value, slice.Changes, slice.Of, slice.Limit.Count, (long)Math.Round(slice.Limit.Share * 1_000_000), slice.Tripped ? 1 : 0);
        }

        session.Execute("UPDATE plans SET hash = @p1 WHERE id = @p0", planId, Hash(planId));
    }

    /// <summary>A hash over the held rows of a plan and what they are applied to.</summary>
    public string Hash(long planId)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using (var plan = session.Prepare("SELECT job_id, target_id, site_id, fingerprint FROM plans WHERE id = @p0").Set(0, planId).Read())
        {
            if (plan.Read())
                Append(string.Create(CultureInfo.InvariantCulture, $"{plan.GetInt64(0)} {plan.GetInt64(1)} {plan.GetInt64(2)} {plan.GetInt64(3)}"));
        }

        using var reader = session.Prepare("""
            SELECT row, action, device_id, record, record_version, last_seen, facts, kinds, class, platform, shown FROM plan_rows WHERE plan_id = @p0 AND held = 1 ORDER BY row
            """).Set(0, planId).Read();
        while (reader.Read())
        {
            for (var column = 0; column < 11; column++)
                Append(reader.IsDBNull(column) ? null : Convert.ToString(reader.GetValue(column), CultureInfo.InvariantCulture));
        }

        return Convert.ToHexString(hash.GetHashAndReset());

        void Append(string? value)
        {
            // With its length before it, no value runs into the next.
            var bytes = Encoding.UTF8.GetBytes(value ?? string.Empty);
            hash.AppendData(BitConverter.GetBytes(value is null ? -1 : bytes.Length));
            hash.AppendData(bytes);
        }
    }

    /// <summary>Checks that a plan exists, belongs to the job and was made with the job's present settings.</summary>
    /// <param name="selection">The plan and its rows.</param>
    /// <param name="context">The run.</param>
    /// <param name="settled">Whether all that shapes links is known; before the site's software catalog was read it may not be.</param>
    /// <exception cref="AlloyScanException">
    /// It does not (<c>PlanNotFound</c>, <c>PlanOfOtherJob</c>, <c>PlanOutdated</c>), has no such row (<c>PlanRowNotFound</c>), or cannot be approved
    /// (<c>PlanAlreadyApplied</c>, <c>PlanNotBlocked</c>, <c>PlanRowNotHeld</c>, <c>PlanChanged</c>).
    /// </exception>
    public void Check(PlanSelection selection, RunContext context, bool settled)
    {
        var id = selection.PlanId;
        string? hash;
        using (var reader = session.Prepare("SELECT job_id, job, fingerprint, state, approved_by, hash FROM plans WHERE id = @p0").Set(0, id).Read())
        {
            if (!reader.Read())
                throw NotFound(id);
            if (reader.GetInt64(0) != context.Job.Id || (context.Job.Id == 0 && reader.GetString(1) != context.Job.Name))
                throw new AlloyScanException(ErrorKind.InvalidArgument, "PlanOfOtherJob", $"Plan {id} is of the job '{reader.GetString(1)}', not of '{context.Job.Name}'.", id);

            var state = Enum.Parse<PlanState>(reader.GetString(3));
            if (state == PlanState.Approved)
            {
                throw new AlloyScanException(
                    ErrorKind.InvalidArgument, "PlanAlreadyApplied", $"Plan {id} was approved already, by run {reader.Number(4)}; a plan is approved once.", id,
                    $"What that run did is in Get-AlloyScanSyncChange -RunId {reader.Number(4)}. What was left out is planned anew by the next run of the job.");
            }

            if (state == PlanState.Void)
            {
                throw new AlloyScanException(
                    ErrorKind.InvalidArgument, "PlanOutdated", $"Plan {id} is void: the job '{context.Job.Name}' was planned anew since.", id,
                    "Look at the newest with Get-AlloyScanSyncPlan -Blocked, or make a new one.");
            }

            if (settled && reader.GetInt64(2) != context.PlanFingerprint)
            {
                throw new AlloyScanException(
                    ErrorKind.InvalidArgument, "PlanOutdated", $"The settings of the job '{context.Job.Name}' have changed since plan {id} was made.", id,
                    "Make a new plan.");
            }

            if (state == PlanState.Blocked && !selection.Approved)
            {
                throw new AlloyScanException(
                    ErrorKind.InvalidArgument, "PlanBlocked", $"Plan {id} holds what the guard held back; it is applied with an approval only.", id, "Use Approve-AlloyScanSyncPlan.");
            }

            hash = reader.Text(5);
        }

        foreach (var row in selection.Rows)
        {
            var held = session.Prepare("SELECT held FROM plan_rows WHERE plan_id = @p0 AND row = @p1").Set(0, id).Set(1, row).Number();
            if (held is null)
                throw new AlloyScanException(ErrorKind.NotFound, "PlanRowNotFound", $"Plan {id} has no row {row}.", row, "Pipe rows as Get-AlloyScanSyncPlan gave them.");
            if (selection.Approved && held != 1)
                throw new AlloyScanException(ErrorKind.InvalidArgument, "PlanRowNotHeld", $"Row {row} of plan {id} needs no approval.", row, "Apply it with Invoke-AlloyScanSync.");
        }

        if (!selection.Approved)
            return;

        var isChanged = hash is not null && hash != Hash(id);
        if (!isChanged && session.Prepare("SELECT 1 FROM plan_rows WHERE plan_id = @p0 AND held = 1 LIMIT 1").Set(0, id).Number() is null)
            throw new AlloyScanException(ErrorKind.InvalidArgument, "PlanNotBlocked", $"Plan {id} has nothing that the guard holds back.", id, "Apply its rows with Invoke-AlloyScanSync.");
        if (isChanged || hash is null)
        {
            throw new AlloyScanException(
                ErrorKind.InvalidData, "PlanChanged", $"Plan {id} is not in the store any more as it was saved: somebody changed its rows. Nothing was applied.", id,
                "Run the job again; what it holds back then can be approved.");
        }
    }

    public static AlloyScanException NotFound(long id) =>
        new(ErrorKind.NotFound, "PlanNotFound", $"There is no saved plan {id}.", id, "Make a new one with Get-AlloyScanSyncPlan.");

    /// <summary>Notes that an approval has come to a row, applied or not. Call in the batch that does.</summary>
    public void SetDone(long planId, int row) => session.Prepare("UPDATE plan_rows SET done = 1 WHERE plan_id = @p0 AND row = @p1").Set(0, planId).Set(1, row).Execute();

    /// <summary>Notes that a plan was approved, and by which run. Call inside a transaction.</summary>
    public void SetApproved(long planId, long runId) => session.Execute("UPDATE plans SET state = 'Approved', approved_by = @p1 WHERE id = @p0", planId, runId);

    /// <summary>The rows of a plan in their order, read in chunks.</summary>
    /// <param name="planId">The plan, or the spool of a run.</param>
    /// <param name="which">Which of them.</param>
    /// <param name="withFacts">Whether what is known of the devices is read as well.</param>
    public IEnumerable<PlanRow> Rows(long planId, PlanRows which = PlanRows.All, bool withFacts = true)
    {
        var after = 0;
        while (Next(planId, after, which, withFacts) is { Count: > 0 } rows)
        {
            foreach (var row in rows)
                yield return row;
            after = rows[^1].Row;
        }
    }

    private List<PlanRow> Next(long planId, int after, PlanRows which, bool withFacts)
    {
        var rows = new List<PlanRow>();
        var condition = which switch
        {
            PlanRows.Held => " AND held = 1",
            PlanRows.NotHeld => " AND held = 0",
            PlanRows.Waiting => " AND held = 1 AND done = 0",
            _ => string.Empty,
        };
        using var reader = session.Prepare($"""
            SELECT row, action, device_id, record, record_version, last_seen, kinds, class, platform, shown{(withFacts ? ", facts" : string.Empty)}
            FROM plan_rows WHERE plan_id = @p0 AND row > @p1{condition} ORDER BY row LIMIT 100
            """).Set(0, planId).Set(1, after).Read();
        while (reader.Read())
        {
            var facts = withFacts ? reader.GetString(10) : string.Empty;
            rows.Add(new PlanRow(
                reader.GetInt32(0), Enum.Parse<ChangeAction>(reader.GetString(1)), reader.GetString(2), reader.Number(3), reader.Number(4), reader.Number(5),
                facts.Length == 0 ? null : DeviceFacts.FromJson(facts), (GuardKinds)reader.GetInt32(6), new GuardSlice((RecordClass)(reader.Number(7) ?? 1), reader.Text(8)), ShownRow.FromJson(reader.Text(9))));
        }

        return rows;
    }
}
