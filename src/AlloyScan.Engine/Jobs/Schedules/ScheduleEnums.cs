namespace AlloyScan.Engine.Jobs.Schedules;

/// <summary>On which days a schedule occurs.</summary>
public enum ScheduleOccurs
{
    /// <summary>Every day, or every n days.</summary>
    Daily,

    /// <summary>On weekdays of every week, or of every n weeks.</summary>
    Weekly,

    /// <summary>On one day of months: by its number, or as the first, second, third, fourth or last of a weekday.</summary>
    Monthly,

    /// <summary>On one day of a month, every year or every n years.</summary>
    Yearly,
}

/// <summary>Which of the days of a month that fall on a weekday is meant.</summary>
public enum WeekOfMonth
{
    /// <summary>The first.</summary>
    First = 1,

    /// <summary>The second.</summary>
    Second,

    /// <summary>The third.</summary>
    Third,

    /// <summary>The fourth.</summary>
    Fourth,

    /// <summary>The last, be it the fourth or the fifth.</summary>
    Last,
}

/// <summary>A month by its name. Its number works too.</summary>
public enum ScheduleMonth
{
    /// <summary>January.</summary>
    January = 1,

    /// <summary>February.</summary>
    February,

    /// <summary>March.</summary>
    March,

    /// <summary>April.</summary>
    April,

    /// <summary>May.</summary>
    May,

    /// <summary>June.</summary>
    June,

    /// <summary>July.</summary>
    July,

    /// <summary>August.</summary>
    August,

    /// <summary>September.</summary>
    September,

    /// <summary>October.</summary>
    October,

    /// <summary>November.</summary>
    November,

    /// <summary>December.</summary>
    December,
}
