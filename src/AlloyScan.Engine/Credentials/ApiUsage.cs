namespace AlloyScan.Engine.Credentials;

/// <summary>What an app registration spent on API calls.</summary>
public sealed record ApiUsage
{
    /// <summary>Name of the registration; <see langword="null"/> when the store has no record of it.</summary>
    public string? AppRegistration { get; init; }

    /// <summary>Name of the site.</summary>
    public required string Site { get; init; }

    /// <summary>The client ID.</summary>
    public required string ClientId { get; init; }

    /// <summary>Names of the jobs that use it.</summary>
    public IReadOnlyList<string> Jobs { get; init; } = [];

    /// <summary>First day of the present month of the budget, UTC.</summary>
    public DateTime Since { get; init; }

    /// <summary>Calls since then, token requests and retries included.</summary>
    public long Calls { get; init; }

    /// <summary>Bytes of answers since then.</summary>
    public long BytesReceived { get; init; }

    /// <summary>Monthly budget; <see langword="null"/> for no limit.</summary>
    public long? MonthlyBudget { get; init; }

    /// <summary>What is left of it; <see langword="null"/> without one.</summary>
    public long? Left => MonthlyBudget is { } budget ? Math.Max(0, budget - Calls) : null;

    /// <summary>When the next month of the budget begins, UTC.</summary>
    public DateTimeOffset RechargesAt { get; init; }

    /// <summary>The days on which something was spent.</summary>
    public IReadOnlyList<ApiUsageDay> Days { get; init; } = [];

    /// <inheritdoc/>
    public override string ToString() => $"{AppRegistration ?? ClientId}: {Calls} calls";
}

/// <summary>What was spent on one day.</summary>
/// <param name="Date">The day, UTC.</param>
/// <param name="Calls">Calls.</param>
/// <param name="BytesReceived">Bytes of answers.</param>
public sealed record ApiUsageDay(DateTime Date, long Calls, long BytesReceived)
{
    /// <inheritdoc/>
    public override string ToString() => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Date:yyyy-MM-dd}: {Calls}");
}
