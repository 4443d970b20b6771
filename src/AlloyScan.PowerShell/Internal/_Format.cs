using System.ComponentModel;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Management.Automation;
using System.Text;
using AlloyScan.Engine;
using AlloyScan.Engine.Cmdb;
using AlloyScan.Engine.Credentials;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Jobs.Schedules;
using AlloyScan.Engine.Sync;
using AlloyScan.Engine.Sync.Guard;
using AlloyScan.Engine.Sync.Identify;
using AlloyScan.Engine.Sync.Undo;

namespace AlloyScan.PowerShell.Internal;

/// <summary>Cells of the table views. Public, because the format file calls it; of no use elsewhere.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
[SuppressMessage("Naming", "CA1707", Justification = "The name tells those who find it by completion to leave it alone, as other modules do.")]
[SuppressMessage("Style", "IDE1006", Justification = "As above.")]
public static class _Format
{
    private const string Mask = "********";

    /// <summary>A cell as it is, but for a text: on one line, and without characters that would drive the terminal. The property itself keeps them.</summary>
    /// <param name="value">The value.</param>
    public static object? Plain(object? value) => (value is PSObject wrapped ? wrapped.BaseObject : value) is string text ? PlainText.Line(text) : value;

    /// <summary>Names and values, one a line.</summary>
    /// <param name="pairs">The names and values.</param>
    public static string? Pairs(IReadOnlyDictionary<string, string?>? pairs) =>
        pairs is not { Count: > 0 } ? null : string.Join('\n', pairs.Select(pair => $"{PlainText.Line(pair.Key)} = {PlainText.Line(pair.Value)}"));

    /// <summary>A time in the viewer's zone, in one width that sorts.</summary>
    /// <param name="time">The time.</param>
    public static string? Time(DateTimeOffset? time) => time?.ToLocalTime().ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);

    /// <summary>A time in the zone that it carries, with its offset.</summary>
    /// <param name="time">The time.</param>
    public static string? ZonedTime(DateTimeOffset? time) => time?.ToString("ddd yyyy-MM-dd HH:mm zzz", CultureInfo.InvariantCulture);

    /// <summary>A time in UTC.</summary>
    /// <param name="time">The time.</param>
    public static string? UtcTime(DateTimeOffset? time) => time?.UtcDateTime.ToString("yyyy-MM-dd HH:mm'Z'", CultureInfo.InvariantCulture);

    /// <summary>A schedule, or that of a job, in words.</summary>
    /// <param name="value">The schedule or the job.</param>
    public static string? ScheduleWords(object? value) => value switch
    {
        SyncJob { ScheduleProblem: not null } => "(cannot be used)",
        SyncJob job => job.Schedule?.ToString(),
        _ => value?.ToString(),
    };

    /// <summary>The times of the day of a schedule.</summary>
    /// <param name="schedule">The schedule.</param>
    public static string? Times(Schedule? schedule) => schedule switch
    {
        null => null,
        { At: { } at } => at.ToString("HH:mm", CultureInfo.InvariantCulture),
        _ => string.Create(CultureInfo.InvariantCulture, $"{schedule.StartingAt:HH:mm}-{schedule.EndingAt:HH:mm}/{schedule.EveryMinutes}m"),
    };

    /// <summary>A date.</summary>
    /// <param name="date">The date.</param>
    public static string? Date(DateOnly? date) => date?.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    /// <summary>A day, as it is and not in the viewer's zone.</summary>
    /// <param name="day">The day.</param>
    public static string? Day(DateTime? day) => day?.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    /// <summary>The day of a time, UTC.</summary>
    /// <param name="time">The time.</param>
    public static string? UtcDay(DateTimeOffset? time) => time?.ToUniversalTime().ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    /// <summary>What an app registration goes by: its name, else its client ID.</summary>
    /// <param name="usage">What it spent.</param>
    public static string? Registration(ApiUsage? usage) => PlainText.Line(usage?.AppRegistration ?? usage?.ClientId);

    /// <summary>A duration in few characters.</summary>
    /// <param name="duration">The duration.</param>
    public static string? Duration(TimeSpan? duration) => duration switch
    {
        null => null,
        { TotalMilliseconds: < 1000 } short_ => string.Create(CultureInfo.InvariantCulture, $"{short_.TotalMilliseconds:0} ms"),
        { TotalSeconds: < 60 } seconds => string.Create(CultureInfo.InvariantCulture, $"{seconds.TotalSeconds:0.0} s"),
        { TotalHours: < 1 } minutes => minutes.ToString(@"m\:ss", CultureInfo.InvariantCulture),
        { } hours => string.Create(CultureInfo.InvariantCulture, $"{(int)hours.TotalHours}:{hours:mm\\:ss}"),
    };

    /// <summary>A size in the unit that fits.</summary>
    /// <param name="bytes">The size.</param>
    public static string? Size(long? bytes) => bytes switch
    {
        null => null,
        >= 1L << 30 => string.Create(CultureInfo.InvariantCulture, $"{bytes.Value / (double)(1L << 30):0.#} GB"),
        >= 1L << 20 => string.Create(CultureInfo.InvariantCulture, $"{bytes.Value / (double)(1L << 20):0.#} MB"),
        >= 1L << 10 => string.Create(CultureInfo.InvariantCulture, $"{bytes.Value / (double)(1L << 10):0.#} KB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes.Value} B"),
    };

    /// <summary>A licence key or licence serial number, of which only the end is shown.</summary>
    /// <param name="value">The text.</param>
    public static string? Masked(string? value) => value switch
    {
        null or "" => null,
        { Length: > 8 } => Mask + value[^4..],
        _ => Mask,
    };

    /// <summary>What a change does, in one line.</summary>
    /// <param name="change">The change.</param>
    public static string? Change(SyncChange? change)
    {
        if (change is null)
            return null;

        var parts = new List<string>();
        if (change.Action != ChangeAction.Create && change.Fields.Count > 0)
            parts.Add(string.Join(", ", change.Fields));
        else if (change.Fields.Count > 0)
            parts.Add($"{change.Fields.Count} fields");

        if (change.SoftwareAdded + change.SoftwareRemoved > 0)
            parts.Add("software" + (change.SoftwareAdded > 0 ? $" +{change.SoftwareAdded}" : string.Empty) + (change.SoftwareRemoved > 0 ? $" -{change.SoftwareRemoved}" : string.Empty));

        if (change.Reason is not null)
            parts.Add(change.Reason);

        return PlainText.Line(string.Join("; ", parts));
    }

    /// <summary>What a run did, in one line: the counts that are not zero.</summary>
    /// <param name="run">The run.</param>
    public static string? Counts(SyncRun? run)
    {
        if (run is null)
            return null;

        (int Count, string Word)[] counts =
        [
            (run.Created, "created"), (run.Updated, "updated"), (run.Unchanged, "unchanged"), (run.Conflicts, "conflicts"), (run.Missing, "missing"),
            (run.Retired, "retired"), (run.DeletedInAlloyScan, "deleted in AlloyScan"), (run.Held, "held for approval"), (run.Errors, "errors"),
        ];
        var parts = counts.Where(count => count.Count > 0).Select(count => string.Create(CultureInfo.InvariantCulture, $"{count.Count} {count.Word}"));
        var kind = run switch
        {
            { Undoes: { } undone } => string.Create(CultureInfo.InvariantCulture, $"undo of run {undone}"),
            { Kind: not SyncRunKind.Sync } => run.Kind.ToString(),
            _ => string.Empty,
        };
        var done = string.Join(", ", parts);
        var undoneBy = run.UndoneBy is { } undo ? string.Create(CultureInfo.InvariantCulture, $" (undone by run {undo})") : string.Empty;
        return kind + (kind.Length > 0 && done.Length > 0 ? ": " : string.Empty) + done + undoneBy;
    }

    /// <summary>The changes of a slice beside what they are a share of, with the field and value when they are about one.</summary>
    /// <param name="slice">The slice of a plan.</param>
    public static string? Share(SyncPlanSlice? slice) => slice is null
        ? null
        : string.Create(CultureInfo.InvariantCulture, $"{slice.Changes} of {slice.Of}") + (slice.Field is null ? string.Empty : PlainText.Line($": {slice.Field} = {slice.Value}"));

    /// <summary>What became of a change that was taken back, in one line.</summary>
    /// <param name="change">The change.</param>
    public static string? Undone(UndoneChange? change) => change switch
    {
        null => null,
        { Reason: not null } => PlainText.Line(change.Reason),
        { Outcome: UndoOutcome.Removed } => "created by the run",
        _ => PlainText.Line($"{change.OldValue ?? "(empty)"} -> {change.NewValue ?? "(empty)"}"),
    };

    /// <summary>Conditions of an identification rule, in words.</summary>
    /// <param name="rule">The rule.</param>
    public static string? Conditions(IdentificationRule? rule) => rule switch
    {
        null => null,
        { IsSystem: true, Name: IdentificationRule.EqualId } => "(the device has a link)",
        { IsSystem: true } => "(no rule fitted)",
        _ => PlainText.Line(string.Join(", ", rule.Conditions)),
    };

    /// <summary>Why a value is junk, in one line.</summary>
    /// <param name="junk">The value.</param>
    public static string? Junk(JunkIdentifier? junk) => junk switch
    {
        null => null,
        { Source: JunkSource.Learned, GoodRuns: > 0 and var runs } => string.Create(CultureInfo.InvariantCulture, $"{junk.Carriers} devices at {PlainText.Line(junk.Site)}; {runs} good runs since"),
        { Source: JunkSource.Learned } => string.Create(CultureInfo.InvariantCulture, $"{junk.Carriers} devices at {PlainText.Line(junk.Site)}"),
        _ => PlainText.Line(junk.Note),
    };

    /// <summary>What a step of an identification came to; in parentheses what does not happen because something else decides.</summary>
    /// <param name="step">The step.</param>
    public static string? Step(IdentificationStep? step) => step switch
    {
        null => null,
        { Decides: true } or { Result: StepResult.PassedOver or StepResult.NotTried } => step.Result.ToString(),
        _ => $"({step.Result})",
    };

    /// <summary>A text in lines that break between words, since a table breaks anywhere.</summary>
    /// <param name="text">The text.</param>
    /// <param name="width">Most characters of a line; a longer word stands alone.</param>
    public static string? Lines(string? text, int width)
    {
        text = PlainText.Of(text);
        if (text is null || text.Length <= width)
            return text;

        var lines = new StringBuilder();
        var length = 0;
        foreach (var word in text.Split(' '))
        {
            if (length > 0 && length + 1 + word.Length > width)
            {
                lines.Append('\n');
                length = 0;
            }
            else if (length > 0)
            {
                lines.Append(' ');
                length++;
            }

            lines.Append(word);
            length += word.Length;
        }

        return lines.ToString();
    }

    /// <summary>Name of an audited machine.</summary>
    /// <param name="snapshot">The audit.</param>
    public static string? Host(AuditSnapshot? snapshot) => PlainText.Line(snapshot?.Network?.HostName ?? snapshot?.DeviceId);

    /// <summary>Operating system of an audited machine.</summary>
    /// <param name="snapshot">The audit.</param>
    public static string? OperatingSystem(AuditSnapshot? snapshot) => PlainText.Line(snapshot?.OperatingSystem?.Name ?? snapshot?.OperatingSystem?.Platform);

    /// <summary>Maker and model of an audited machine.</summary>
    /// <param name="snapshot">The audit.</param>
    public static string? Model(AuditSnapshot? snapshot) =>
        snapshot?.Hardware is { } hardware ? PlainText.Line($"{hardware.Manufacturer} {hardware.Model}".Trim()) : null;

    /// <summary>Where a service action comes from.</summary>
    /// <param name="action">The action.</param>
    public static string? Origin(ServiceAction? action) => action switch
    {
        null => null,
        { IsEdited: true } => "Edited",
        { IsDefault: true } => "Default",
        _ => "Own",
    };

    /// <summary>The source of a mapping as its short form writes it.</summary>
    /// <param name="mapping">The mapping.</param>
    public static string? Source(FieldMapping? mapping) =>
        mapping is null ? null : PlainText.Line((mapping with { Field = string.Empty, Mode = null, AllowEmpty = false }).ToString().TrimStart(' ', '='));

    /// <summary>The mappings of a service action, one a line.</summary>
    /// <param name="action">The action.</param>
    public static string? Mappings(ServiceAction? action) => action is null ? null : string.Join('\n', action.Mappings.Select(mapping => PlainText.Line(mapping.ToString())));

    /// <summary>The initial values of a service action, one a line.</summary>
    /// <param name="action">The action.</param>
    public static string? InitialValues(ServiceAction? action) => action is null ? null : string.Join('\n', action.InitialValues.Select(pair => PlainText.Line($"{pair.Key} = {pair.Value}")));
}
