using System.Globalization;
using System.Text;

namespace AlloyScan.SampleSite;

/// <summary>A way in which a site misbehaves.</summary>
public enum FaultKind
{
    /// <summary>Waits <see cref="Fault.Amount"/> milliseconds (500) before the answer.</summary>
    Latency,

    /// <summary>429, with what <see cref="Fault.RetryAfter"/> says.</summary>
    TooManyRequests,

    /// <summary>429 for all above <see cref="Fault.Amount"/> requests (20) in a second.</summary>
    Ceiling,

    /// <summary>Status <see cref="Fault.Amount"/> (503) with a text in place of JSON.</summary>
    ServerError,

    /// <summary>403 with the site's own words.</summary>
    Forbidden,

    /// <summary>Cuts the connection in the middle of the body.</summary>
    Reset,

    /// <summary>Half of the body, as if it were the whole.</summary>
    Truncated,

    /// <summary>A web page with status 200.</summary>
    Html,

    /// <summary>A list without items and a total of 0.</summary>
    EmptyList,

    /// <summary>At most <see cref="Fault.Amount"/> items (3) of the page.</summary>
    ShortPage,

    /// <summary>A total of <see cref="Fault.Amount"/> (1), whatever it is.</summary>
    TotalCollapses,

    /// <summary>Pages after the first begin <see cref="Fault.Amount"/> items (1) later, as if items before them had gone; below zero, as if some had come.</summary>
    Shift,

    /// <summary>The first <see cref="Fault.Amount"/> items (2) of a page are in it twice.</summary>
    Duplicates,

    /// <summary>All tokens end at once.</summary>
    TokensRevoked,

    /// <summary>Sends <see cref="Fault.Amount"/> bytes (2000) a second.</summary>
    Drip,

    /// <summary>302 to another host.</summary>
    Redirect,

    /// <summary>One record, or the item at <see cref="Fault.Amount"/> (0) of a page, has values of the wrong types.</summary>
    WrongTypes,

    /// <summary>An unknown field of <see cref="Fault.Amount"/> bytes (10 000 000) in the body.</summary>
    Large,

    /// <summary>Arrays nested <see cref="Fault.Amount"/> deep (10 000) in an unknown field.</summary>
    Nested,

    /// <summary>Status <see cref="Fault.Amount"/> (400) and all the credentials that came with the request, in many forms, in body and headers.</summary>
    Echo,

    /// <summary>A web page with status 200 that shows the credentials.</summary>
    EchoPage,

    /// <summary>302 to another host with the credentials in the address.</summary>
    EchoRedirect,
}

/// <summary>What a fault concerns.</summary>
public enum FaultTarget
{
    /// <summary>All calls of the API, the token endpoint too.</summary>
    Any,

    /// <summary>The token endpoint.</summary>
    Token,

    /// <summary>The device list.</summary>
    List,

    /// <summary>One device.</summary>
    Device,

    /// <summary>One snapshot.</summary>
    Snapshot,

    /// <summary>The software catalog.</summary>
    Software,
}

/// <summary>What a 429 says about when to come again.</summary>
public enum FaultRetryAfter
{
    /// <summary>Seconds.</summary>
    Seconds,

    /// <summary>An HTTP date.</summary>
    Date,

    /// <summary>Nothing.</summary>
    None,
}

/// <summary>One fault of a plan, such as <c>ServerError:on=device,rate=0.05</c>.</summary>
public sealed record Fault
{
    /// <summary>What goes wrong.</summary>
    public required FaultKind Kind { get; init; }

    /// <summary>For which calls.</summary>
    public FaultTarget On { get; init; }

    /// <summary>Matching calls that go well first.</summary>
    public int After { get; init; }

    /// <summary>Calls that it strikes at most; <see langword="null"/> for no end.</summary>
    public int? Times { get; init; }

    /// <summary>Share of the matching calls that it strikes.</summary>
    public double Rate { get; init; } = 1;

    /// <summary>Size of the fault, see <see cref="FaultKind"/>.</summary>
    public double? Amount { get; init; }

    /// <summary>For <see cref="FaultKind.TooManyRequests"/>.</summary>
    public FaultRetryAfter RetryAfter { get; init; }

    /// <summary>Sticks to the first path that it strikes, so that the same item is bad each time and no other is.</summary>
    public bool Sticky { get; init; }

    /// <summary>Reads <c>Kind</c> or <c>Kind:key=value,...</c>, with the keys on, after, times, rate, amount, retry and sticky.</summary>
    /// <param name="text">The text, without regard to case.</param>
    /// <exception cref="FormatException">The text is no fault; the message says why.</exception>
    public static Fault Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        var fault = new Fault { Kind = Named<FaultKind>(colon < 0 ? text : text[..colon], text) };
        if (colon < 0)
            return fault;

        foreach (var part in text[(colon + 1)..].Split(',', StringSplitOptions.TrimEntries))
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            if (equals < 1)
                throw new FormatException($"'{part}' in the fault '{text}' is not of the form key=value.");

            var value = part[(equals + 1)..].Trim();
            fault = part[..equals].Trim().ToLowerInvariant() switch
            {
                "on" => fault with { On = Named<FaultTarget>(value, text) },
                "after" => fault with { After = Whole(value, text) },
                "times" => fault with { Times = Whole(value, text) },
                "rate" => Number(value, text) is >= 0 and <= 1 and var rate ? fault with { Rate = rate } : throw new FormatException($"The rate of the fault '{text}' is not between 0 and 1."),
                "amount" => fault with { Amount = Number(value, text) },
                "retry" => fault with { RetryAfter = Named<FaultRetryAfter>(value, text) },
                "sticky" => fault with { Sticky = bool.TryParse(value, out var sticky) ? sticky : throw new FormatException($"sticky in the fault '{text}' is true or false, not '{value}'.") },
                var key => throw new FormatException($"The fault '{text}' has the unknown key '{key}'; known are on, after, times, rate, amount, retry and sticky."),
            };
        }

        return fault;
    }

    /// <inheritdoc/>
    public override string ToString()
    {
        var text = new StringBuilder(Kind.ToString());
        var separator = ':';
        Add("on", On == FaultTarget.Any ? null : On.ToString());
        Add("after", After == 0 ? null : After.ToString(CultureInfo.InvariantCulture));
        Add("times", Times?.ToString(CultureInfo.InvariantCulture));
        Add("rate", Rate == 1 ? null : Rate.ToString(CultureInfo.InvariantCulture));
        Add("amount", Amount?.ToString(CultureInfo.InvariantCulture));
        Add("retry", RetryAfter == FaultRetryAfter.Seconds ? null : RetryAfter.ToString());
        Add("sticky", Sticky ? "true" : null);
        return text.ToString();

        void Add(string key, string? value)
        {
            if (value is null)
                return;

            text.Append(separator).Append(key).Append('=').Append(value);
            separator = ',';
        }
    }

    private static T Named<T>(string name, string text)
        where T : struct, Enum =>
        Enum.TryParse<T>(name.Trim(), ignoreCase: true, out var value) && Enum.IsDefined(value) && !int.TryParse(name, out _)
            ? value
            : throw new FormatException($"'{name.Trim()}' in the fault '{text}' is none of {string.Join(", ", Enum.GetNames<T>())}.");

    private static int Whole(string value, string text) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : throw new FormatException($"'{value}' in the fault '{text}' is not a whole number.");

    private static double Number(string value, string text) =>
        double.TryParse(value, NumberStyles.AllowDecimalPoint | NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw new FormatException($"'{value}' in the fault '{text}' is not a number.");
}
