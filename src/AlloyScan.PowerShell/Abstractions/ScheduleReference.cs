using System.Collections;
using System.Globalization;
using System.Management.Automation;
using AlloyScan.Engine;
using AlloyScan.Engine.Jobs.Schedules;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace AlloyScan.PowerShell.Abstractions;

/// <summary>
/// A schedule as users give it: an object of New-AlloyScanSchedule or of a job, a hashtable, JSON text, or an object made from JSON. It is
/// read only when the cmdlet runs, so that what is wrong with it is said in our words.
/// </summary>
public sealed class ScheduleReference
{
    private readonly object _value;

    /// <summary>Takes what the user gave.</summary>
    /// <param name="value">The schedule.</param>
    public ScheduleReference(object value)
    {
        ArgumentNullException.ThrowIfNull(value);
        _value = value;
    }

    /// <summary>Reads and checks the schedule.</summary>
    /// <exception cref="AlloyScanException">It is none, or is refused.</exception>
    internal Schedule Resolve() => RuleConditions.Bare(_value) switch
    {
        Schedule schedule => schedule.Check(TimeProvider.System),
        string text => Schedule.Parse(text, TimeProvider.System),
        IDictionary table => Parse(table.Cast<DictionaryEntry>().Select(e => (Convert.ToString(e.Key, CultureInfo.InvariantCulture) ?? string.Empty, e.Value))),
        PSObject other => Parse(other.Properties.Select(p => (p.Name, (object?)p.Value))),
        _ => throw new AlloyScanException(
            ErrorKind.InvalidArgument, "NotASchedule", $"'{_value}' is no schedule.", _value, "Make one with New-AlloyScanSchedule, or give a hashtable or JSON text."),
    };

    private static Schedule Parse(IEnumerable<(string Name, object? Value)> members)
    {
        var json = new JObject();
        foreach (var (name, value) in members)
            json.Add(name, Token(name, RuleConditions.Bare(value)));
        return Schedule.Parse(json.ToString(Formatting.None), TimeProvider.System);
    }

    private static JToken Token(string name, object? value) => value switch
    {
        null => JValue.CreateNull(),
        string text => text,
        bool truth => truth,
        Enum word => word.ToString(),
        // What PowerShell makes of '02:30' and '2026-03-01' when somebody says which type it is to be.
        TimeSpan time => time.ToString(@"hh\:mm\:ss", CultureInfo.InvariantCulture),
        TimeOnly time => time.ToString("HH:mm:ss", CultureInfo.InvariantCulture),
        DateOnly date => date.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
        DateTime moment => moment.ToString(name.EndsWith("Date", StringComparison.OrdinalIgnoreCase) ? "yyyy-MM-dd" : "HH:mm:ss", CultureInfo.InvariantCulture),
        IEnumerable items => new JArray(items.Cast<object?>().Select(item => Token(name, RuleConditions.Bare(item)))),
        IConvertible number => Number(number),
        _ => value.ToString(),
    };

    private static JValue Number(IConvertible number)
    {
        var value = number.ToDouble(CultureInfo.InvariantCulture);
        return Math.Abs(value) < int.MaxValue && value == Math.Floor(value) ? new JValue((long)value) : new JValue(value);
    }

    /// <inheritdoc/>
    public override string ToString() => Convert.ToString(_value, CultureInfo.InvariantCulture) ?? string.Empty;
}
