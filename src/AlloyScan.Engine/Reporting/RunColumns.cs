using System.Globalization;
using System.Text.Json;
using AlloyScan.Engine.Sync;

namespace AlloyScan.Engine.Reporting;

/// <summary>A run as members of a JSON object, with the names of the columns of the view <c>sync_runs</c>: the one form for whatever writes runs as JSON.</summary>
public static class RunColumns
{
    /// <summary>Writes the members into an object that was begun.</summary>
    /// <param name="json">The writer.</param>
    /// <param name="run">The run. Without a number its <c>id</c> is null.</param>
    public static void Write(Utf8JsonWriter json, SyncRun run)
    {
        ArgumentNullException.ThrowIfNull(json);
        ArgumentNullException.ThrowIfNull(run);
        if (run.Id == 0)
            json.WriteNull("id");
        else
            json.WriteNumber("id", run.Id);
        json.WriteString("job", run.Job);
        json.WriteString("target", run.Target);
        json.WriteString("site", run.Site);
        WriteTime(json, "started_at", run.StartedAt);
        WriteTime(json, "ended_at", run.EndedAt);
        json.WriteString("status", run.Status.ToString());
        json.WriteNumber("exit_code", run.ExitCode);
        json.WriteBoolean("complete", run.Complete);
        json.WriteNumber("devices_read", run.DevicesRead);
        json.WriteNumber("created", run.Created);
        json.WriteNumber("updated", run.Updated);
        json.WriteNumber("unchanged", run.Unchanged);
        json.WriteNumber("conflicts", run.Conflicts);
        json.WriteNumber("missing", run.Missing);
        json.WriteNumber("retired", run.Retired);
        json.WriteNumber("deleted_in_alloyscan", run.DeletedInAlloyScan);
        json.WriteNumber("installations_added", run.InstallationsAdded);
        json.WriteNumber("installations_removed", run.InstallationsRemoved);
        json.WriteNumber("errors", run.Errors);
        json.WriteNumber("api_calls", run.ApiCalls);
    }

    /// <summary>Writes a time as the views do: UTC, ISO 8601, ending in Z.</summary>
    /// <param name="json">The writer.</param>
    /// <param name="name">Name of the member.</param>
    /// <param name="time">The time.</param>
    public static void WriteTime(Utf8JsonWriter json, string name, DateTimeOffset? time)
    {
        ArgumentNullException.ThrowIfNull(json);
        json.WriteString(name, time?.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture));
    }
}
