using System.Globalization;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace AlloyScan.Engine.Jobs.Schedules;

/// <summary>The JSON of a schedule: read strictly, so that a slip of the pen never becomes another schedule.</summary>
internal static class ScheduleJson
{
    private const int MostCharacters = 10_000;

    private static readonly string[] s_timeFormats = ["HH:mm", "H:mm", "HH:mm:ss"];

    public static string Write(Schedule schedule)
    {
        var json = new JObject { ["occurs"] = schedule.Occurs.ToString() };
        if (schedule.Every != 1)
            json["every"] = schedule.Every;
        if (schedule.Weekdays.Count > 0)
            json["weekdays"] = new JArray(schedule.Weekdays.Select(d => d.ToString()));
        Add("day", schedule.Day);
        Add("week", schedule.Week?.ToString());
        if (schedule.Months.Count > 0)
            json["months"] = new JArray(schedule.Months.Select(m => m.ToString()));
        Add("at", schedule.At?.ToString("HH:mm", CultureInfo.InvariantCulture));
        Add("everyMinutes", schedule.EveryMinutes);
        Add("startingAt", schedule.StartingAt?.ToString("HH:mm", CultureInfo.InvariantCulture));
        Add("endingAt", schedule.EndingAt?.ToString("HH:mm", CultureInfo.InvariantCulture));
        Add("startDate", schedule.StartDate?.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture));
        Add("endDate", schedule.EndDate?.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture));
        Add("timeZone", schedule.TimeZone.Length == 0 ? null : schedule.TimeZone);
        return json.ToString(Formatting.None);

        void Add(string name, object? value)
        {
            if (value is not null)
                json[name] = new JValue(value);
        }
    }

    public static Schedule Parse(string json)
    {
        if (json.Length > MostCharacters)
            throw NotASchedule("it is too long");

        JObject text;
        try
        {
            using var reader = new JsonTextReader(new StringReader(json)) { DateParseHandling = DateParseHandling.None, Culture = CultureInfo.InvariantCulture, MaxDepth = 8 };
            text = JObject.Load(reader, new JsonLoadSettings { DuplicatePropertyNameHandling = DuplicatePropertyNameHandling.Error });
            if (reader.Read())
                throw new JsonReaderException("Something stands behind its end.");
        }
        catch (JsonException e)
        {
            throw NotASchedule(e.Message.TrimEnd('.'), e);
        }

        return Read(text);
    }

    public static Schedule Read(JObject text)
    {
        var given = new Dictionary<string, JToken>(StringComparer.OrdinalIgnoreCase);
        foreach (var property in text.Properties())
        {
            var name = property.Name.ToUpperInvariant() switch
            {
                // One day or one month reads better without the s.
                "WEEKDAY" => "weekdays",
                "MONTH" => "months",
                _ => property.Name,
            };
            if (property.Value.Type != JTokenType.Null && !given.TryAdd(name, property.Value))
                throw NotASchedule($"'{property.Name}' is there twice");
        }

        var occurs = Take("occurs", v => Word<ScheduleOccurs>("occurs", v));
        var minutes = Take("everyMinutes", v => (int?)Whole("everyMinutes", v));
        if (Take("everyHours", v => (int?)Whole("everyHours", v)) is { } hours)
        {
            if (minutes is not null)
                throw NotASchedule("both 'everyMinutes' and 'everyHours' are there");
            minutes = hours is > 0 and < 24 ? hours * 60 : throw Wrong("everyHours", "a whole number from 1 to 23");
        }

        var schedule = new Schedule
        {
            Occurs = occurs ?? throw NotASchedule("'occurs' is missing; it is Daily, Weekly, Monthly or Yearly"),
            Every = Take("every", v => (int?)Whole("every", v)) ?? 1,
            Weekdays = Take("weekdays", v => (IReadOnlyList<DayOfWeek>)[.. Items(v).Select(i => Word<DayOfWeek>("weekdays", i)!.Value)]) ?? [],
            Day = Take("day", v => (int?)Whole("day", v)),
            Week = Take("week", v => Word<WeekOfMonth>("week", v)),
            Months = Take("months", v => (IReadOnlyList<ScheduleMonth>)[.. Items(v).Select(Month)]) ?? [],
            At = Take("at", v => Time("at", v)),
            EveryMinutes = minutes,
            StartingAt = Take("startingAt", v => Time("startingAt", v)),
            EndingAt = Take("endingAt", v => Time("endingAt", v)),
            StartDate = Take("startDate", v => Date("startDate", v)),
            EndDate = Take("endDate", v => Date("endDate", v)),
            TimeZone = Take("timeZone", v => Text("timeZone", v)) ?? string.Empty,
        };
        if (given.Keys.FirstOrDefault() is { } unknown)
        {
            throw new AlloyScanException(
                ErrorKind.InvalidData, "UnknownScheduleMember", $"The schedule holds '{Shown(unknown)}', which this version does not know.", unknown,
                "A schedule has occurs, every, weekdays, day, week, months, at, everyMinutes (or everyHours), startingAt, endingAt, startDate, endDate and timeZone.");
        }

        return schedule;

        T? Take<T>(string name, Func<JToken, T> read) => given.Remove(name, out var value) ? read(value) : default;
    }

    private static JArray Items(JToken value) => value as JArray ?? [value];

    private static ScheduleMonth Month(JToken value) => value.Type == JTokenType.Integer
        ? (ScheduleMonth)Whole("months", value)
        : Word<ScheduleMonth>("months", value)!.Value;

    private static T? Word<T>(string name, JToken value)
        where T : struct, Enum
    {
        var text = Text(name, value).Trim();
        // Enum.Parse would take numbers and lists too.
        return Enum.GetNames<T>().FirstOrDefault(n => n.Equals(text, StringComparison.OrdinalIgnoreCase)) is { } word
            ? Enum.Parse<T>(word)
            : throw Wrong(name, $"one of {string.Join(", ", Enum.GetNames<T>())}");
    }

    private static int Whole(string name, JToken value) =>
        value is JValue { Type: JTokenType.Integer, Value: long number } && number is > int.MinValue and < int.MaxValue ? (int)number : throw Wrong(name, "a whole number");

    private static TimeOnly? Time(string name, JToken value) =>
        TimeOnly.TryParseExact(Text(name, value).Trim(), s_timeFormats, CultureInfo.InvariantCulture, DateTimeStyles.None, out var time) ? time : throw Wrong(name, "a time such as 02:30");

    private static DateOnly? Date(string name, JToken value) =>
        DateOnly.TryParseExact(Text(name, value).Trim(), "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var date) ? date : throw Wrong(name, "a date such as 2026-03-01");

    private static string Text(string name, JToken value) => value.Type == JTokenType.String ? (string)value! : throw Wrong(name, "text");

    private static string Shown(string text) => text.Length <= 60 ? text : text[..60] + "...";

    private static AlloyScanException Wrong(string name, string expected) =>
        new(ErrorKind.InvalidArgument, "InvalidSchedule", $"'{name}' of the schedule is not {expected}.", name, "Correct it.");

    private static AlloyScanException NotASchedule(string problem, Exception? inner = null) =>
        new(ErrorKind.InvalidData, "NotASchedule", $"The text is no schedule: {problem}.", null, "New-AlloyScanSchedule makes one; its ToJson() shows the form.", inner);
}
