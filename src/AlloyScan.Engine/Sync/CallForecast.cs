using System.Globalization;

namespace AlloyScan.Engine.Sync;

/// <summary>The API calls that a real run makes, as foreseen when the device list was staged, or as a rehearsal counted them.</summary>
public sealed record CallForecast
{
    /// <summary>Requests for a token: one, unless one that is good is at hand.</summary>
    public long Token { get; init; }

    /// <summary>Pages of the device list.</summary>
    public long Pages { get; init; }

    /// <summary>Pages of the software catalog; 0 unless a choice of software groups needs it.</summary>
    public long Catalog { get; init; }

    /// <summary>Devices read one by one.</summary>
    public long Details { get; init; }

    /// <summary>Audit snapshots.</summary>
    public long Snapshots { get; init; }

    /// <summary>Devices that are asked for to confirm that they are gone, and to prove that such an answer can be believed.</summary>
    public long Confirmations { get; init; }

    /// <summary>Devices deleted in AlloyScan.</summary>
    public long Deletions { get; init; }

    /// <summary>All calls together.</summary>
    public long Total => Token + Pages + Catalog + Details + Snapshots + Confirmations + Deletions;

    /// <summary>Whether details and snapshots were counted and not only estimated: an estimate is the most that it can be, retries aside.</summary>
    public bool IsCounted { get; init; }

    /// <summary>Calls that the run has made when this was foreseen. For a rehearsal: what the planning itself cost.</summary>
    public long Spent { get; init; }

    /// <summary>Budget of the run; <see langword="null"/> for no limit.</summary>
    public long? RunBudget { get; init; }

    /// <summary>What is left of the run's budget; <see langword="null"/> without one.</summary>
    public long? RunLeft => RunBudget is { } budget ? Math.Max(0, budget - Spent) : null;

    /// <summary>Monthly budget of the app registration; <see langword="null"/> for none.</summary>
    public long? MonthlyBudget { get; init; }

    /// <summary>What is left of the month; <see langword="null"/> without a monthly budget.</summary>
    public long? MonthLeft { get; init; }

    /// <summary>When the month's budget is renewed, UTC; <see langword="null"/> without a monthly budget.</summary>
    public DateTimeOffset? RechargesAt { get; init; }

    /// <summary>Whether a real run of its own, with the same budget, gets through; <see langword="null"/> without a budget.</summary>
    public bool? Fits => RunBudget is null && MonthLeft is null ? null : !(Total > RunBudget) && !(Total > MonthLeft);

    /// <summary>Whether a rehearsal gave it: then <see cref="Spent"/> is what the planning cost.</summary>
    public bool IsRehearsal { get; init; }

    /// <summary>The calls and what they are for, in words.</summary>
    public string Calls
    {
        get
        {
            var parts = new List<string>();
            Add(Token, "token", "tokens");
            Add(Catalog, "page of the software catalog", "pages of the software catalog");
            Add(Pages, "page of the device list", "pages of the device list");
            Add(Details, "device", "devices");
            Add(Snapshots, "snapshot", "snapshots");
            Add(Confirmations, "confirmation", "confirmations");
            Add(Deletions, "deletion", "deletions");
            var text = string.Create(CultureInfo.InvariantCulture, $"{(IsCounted ? string.Empty : "up to ")}{Total:N0} API {(Total == 1 ? "call" : "calls")}");
            return parts.Count == 0 ? text : $"{text} ({string.Join(", ", parts)})";

            void Add(long count, string one, string many)
            {
                if (count > 0)
                    parts.Add(string.Create(CultureInfo.InvariantCulture, $"{count:N0} {(count == 1 ? one : many)}"));
            }
        }
    }

    /// <inheritdoc/>
    public override string ToString() => Sentence;

    /// <summary>Forecast and budgets as a sentence or two, for people.</summary>
    public string Sentence
    {
        get
        {
            var text = IsRehearsal
                ? string.Create(CultureInfo.InvariantCulture, $"A real run makes {Calls}; planning it cost {Spent:N0}.")
                : string.Create(CultureInfo.InvariantCulture, $"The run makes {Calls}, of which {Spent:N0} {(Spent == 1 ? "was" : "were")} made when the device list was read.");
            if (RunBudget is { } run)
                text += string.Create(CultureInfo.InvariantCulture, $" The run's budget is {run:N0}, of which {RunLeft:N0} {(RunLeft == 1 ? "is" : "are")} left.");
            if (MonthlyBudget is { } month)
                text += string.Create(CultureInfo.InvariantCulture, $" The month's budget is {month:N0}, of which {MonthLeft:N0} {(MonthLeft == 1 ? "is" : "are")} left until it recharges on {RechargesAt:yyyy-MM-dd}.");
            return text;
        }
    }
}
