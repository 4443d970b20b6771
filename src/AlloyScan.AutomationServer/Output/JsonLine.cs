using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Reporting;
using AlloyScan.Engine.Sync;

namespace AlloyScan.AutomationServer.Output;

/// <summary>
/// What <c>--json</c> writes: one object a line, with names as in the store's views, times as in the views
/// (UTC, ISO 8601, ending in Z), numbers without separators.
/// </summary>
internal static class JsonLine
{
    // The line goes to a pipe, not into a web page: names with umlauts stay readable.
    private static readonly JsonWriterOptions s_options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The record of a run: the columns of <c>sync_runs</c> and what else the run counted.</summary>
    /// <param name="run">The run.</param>
    /// <param name="whatIf">Whether it was a rehearsal, whose <c>id</c> is null.</param>
    public static string Of(SyncRun run, bool whatIf = false) => Write(json =>
    {
        RunColumns.Write(json, whatIf ? run with { Id = 0 } : run);
        json.WriteString("kind", run.Kind.ToString());
        WriteNumber(json, "undoes", run.Undoes);
        WriteNumber(json, "undone_by", run.UndoneBy);
        json.WriteBoolean("what_if", whatIf);
        json.WriteString("message", run.Message);
        json.WriteNumber("products_added", run.ProductsAdded);
        json.WriteNumber("products_removed", run.ProductsRemoved);
        json.WriteNumber("skipped", run.Skipped);
        json.WriteNumber("parked", run.Parked);
        json.WriteNumber("held", run.Held);
        WriteNumber(json, "plan_id", run.PlanId);
        json.WriteNumber("bytes_received", run.BytesReceived);
        json.WriteBoolean("stopped_by_budget", run.StoppedByBudget);
        WriteForecast(json, run.Forecast);
        json.WriteStartObject("stage_seconds");
        foreach (var (stage, seconds) in run.StageSeconds)
            json.WriteNumber(stage, Math.Round(seconds, 3));

        json.WriteEndObject();
    });

    /// <summary>The calls of a real run, as foreseen or as a rehearsal counted them; null for a run that is read back.</summary>
    private static void WriteForecast(Utf8JsonWriter json, CallForecast? forecast)
    {
        if (forecast is null)
        {
            json.WriteNull("forecast");
            return;
        }

        json.WriteStartObject("forecast");
        json.WriteNumber("api_calls", forecast.Total);
        json.WriteBoolean("counted", forecast.IsCounted);
        json.WriteNumber("token", forecast.Token);
        json.WriteNumber("catalog", forecast.Catalog);
        json.WriteNumber("pages", forecast.Pages);
        json.WriteNumber("details", forecast.Details);
        json.WriteNumber("snapshots", forecast.Snapshots);
        json.WriteNumber("confirmations", forecast.Confirmations);
        json.WriteNumber("deletions", forecast.Deletions);
        json.WriteNumber("spent", forecast.Spent);
        WriteNumber(json, "run_budget", forecast.RunBudget);
        WriteNumber(json, "run_left", forecast.RunLeft);
        WriteNumber(json, "monthly_budget", forecast.MonthlyBudget);
        WriteNumber(json, "month_left", forecast.MonthLeft);
        RunColumns.WriteTime(json, "recharges_at", forecast.RechargesAt);
        if (forecast.Fits is { } fits)
            json.WriteBoolean("fits", fits);
        else
            json.WriteNull("fits");
        json.WriteEndObject();
    }

    /// <summary>A run that never began: the same names, as far as they have a value, and what was wrong.</summary>
    /// <param name="job">The job that was asked for.</param>
    /// <param name="status">Failed or Canceled.</param>
    /// <param name="exitCode">The program's exit code.</param>
    /// <param name="errorId">Stable identifier of the failure.</param>
    /// <param name="message">The failure in words.</param>
    public static string OfFailure(string? job, SyncRunStatus status, int exitCode, string errorId, string message) => Write(json =>
    {
        json.WriteNull("id");
        json.WriteString("job", job);
        json.WriteString("status", status.ToString());
        json.WriteNumber("exit_code", exitCode);
        json.WriteString("error_id", errorId);
        json.WriteString("message", message);
    });

    /// <summary>A job, without its secret.</summary>
    /// <param name="job">The job.</param>
    public static string Of(SyncJob job) => Write(json =>
    {
        json.WriteNumber("id", job.Id);
        json.WriteString("name", job.Name);
        json.WriteBoolean("enabled", job.Enabled);
        json.WriteString("site_url", job.SiteUrl.AbsoluteUri);
        json.WriteString("site", job.Site);
        json.WriteString("client_id", job.ClientId);
        json.WriteString("target", job.Target);
        json.WriteString("import_software", Words.Platforms(job.ImportSoftware));
        json.WriteString("retired_original", job.RetiredOriginal.ToString());
        json.WriteString("missing_device", job.MissingDevice.ToString());
        json.WriteString("deleted_record", job.DeletedRecord.ToString());
        json.WriteStartArray("guard");
        foreach (var limit in job.Guard)
            json.WriteStringValue(limit);
        json.WriteEndArray();
        json.WriteString("last_run_status", job.LastRunStatus);
        RunColumns.WriteTime(json, "last_run_at", job.LastRunAt);
        json.WriteString("schedule", job.Schedule?.ToString());
        json.WriteString("schedule_problem", job.ScheduleProblem);
        RunColumns.WriteTime(json, "next_run_at", job.NextRunAt);
        RunColumns.WriteTime(json, "created_at", job.CreatedAt);
        RunColumns.WriteTime(json, "updated_at", job.UpdatedAt);
    });

    /// <summary>A row of a verification.</summary>
    /// <param name="check">The row.</param>
    public static string Of(VerificationCheck check) => Write(json =>
    {
        json.WriteString("job", check.Job);
        json.WriteString("check", check.Check);
        json.WriteString("expected", check.Expected);
        json.WriteString("actual", check.Actual);
        json.WriteString("verdict", check.Verdict.ToString());
        json.WriteString("advice", check.Advice);
    });

    /// <summary>A row of the journal: the columns of <c>sync_changes</c>.</summary>
    /// <param name="change">The row.</param>
    public static string Of(JournalEntry change) => Write(json =>
    {
        json.WriteNumber("run_id", change.RunId);
        json.WriteString("target", change.Target);
        json.WriteString("class", change.Class.ToString());
        json.WriteString("record_id", change.RecordId);
        json.WriteString("action", change.Action);
        json.WriteString("field", change.Field);
        json.WriteString("old_value", change.OldValue);
        json.WriteString("new_value", change.NewValue);
    });

    /// <summary>A device that failed: the columns of <c>sync_errors</c>.</summary>
    /// <param name="error">The row.</param>
    public static string Of(SyncError error) => Write(json =>
    {
        json.WriteNumber("run_id", error.RunId);
        json.WriteString("device_id", error.DeviceId);
        json.WriteString("device_name", error.DeviceName);
        json.WriteString("stage", error.Stage);
        json.WriteString("error_id", error.ErrorId);
        json.WriteString("message", error.Message);
        json.WriteNumber("attempts", error.Attempts);
    });

    private static void WriteNumber(Utf8JsonWriter json, string name, long? value)
    {
        if (value is { } number)
            json.WriteNumber(name, number);
        else
            json.WriteNull(name);
    }

    private static string Write(Action<Utf8JsonWriter> members)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, s_options))
        {
            json.WriteStartObject();
            members(json);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
