namespace AlloyScan.Engine.Credentials;

/// <summary>The month of a budget: from one recharge day to the next, UTC.</summary>
/// <param name="Start">Its first day.</param>
/// <param name="Next">The first day of the next one.</param>
internal readonly record struct BudgetMonth(DateOnly Start, DateOnly Next)
{
    /// <summary>The month that a day is in.</summary>
    /// <param name="day">The day.</param>
    /// <param name="rechargeDay">Day of the calendar month, 1 to 31; in a month without it, the last one.</param>
    public static BudgetMonth Of(DateOnly day, int rechargeDay)
    {
        var here = In(day.Year, day.Month, rechargeDay);
        var first = new DateOnly(day.Year, day.Month, 1);
        var start = day >= here ? first : first.AddMonths(-1);
        var next = start.AddMonths(1);
        return new BudgetMonth(In(start.Year, start.Month, rechargeDay), In(next.Year, next.Month, rechargeDay));
    }

    /// <summary>When the next one begins.</summary>
    public DateTimeOffset RechargesAt => new(Next.ToDateTime(TimeOnly.MinValue), TimeSpan.Zero);

    /// <summary>Days as the store counts them, from 1970 on.</summary>
    public static long NumberOf(DateOnly day) => day.DayNumber - s_epoch.DayNumber;

    /// <summary>The day of a number.</summary>
    public static DateOnly DayOf(long number) => s_epoch.AddDays((int)number);

    private static readonly DateOnly s_epoch = new(1970, 1, 1);

    private static DateOnly In(int year, int month, int day) => new(year, month, Math.Min(day, DateTime.DaysInMonth(year, month)));
}
