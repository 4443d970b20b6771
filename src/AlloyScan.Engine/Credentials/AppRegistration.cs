using System.Globalization;

namespace AlloyScan.Engine.Credentials;

/// <summary>
/// An app registration as a record of the store: who it is at its site, where its secret is, how long it is good for, and what it may spend.
/// Site and client ID identify it.
/// </summary>
public sealed record AppRegistration
{
    /// <summary>Number in the store; 0 for one that is not saved.</summary>
    public long Id { get; init; }

    /// <summary>Name, unique without case.</summary>
    public required string Name { get; init; }

    /// <summary>The site's address.</summary>
    public required Uri SiteUrl { get; init; }

    /// <summary>Name of the site record; set by the store.</summary>
    public string Site { get; init; } = string.Empty;

    /// <summary>Client ID that the site issued.</summary>
    public required string ClientId { get; init; }

    /// <summary>Where the client secret is. Never the secret itself in readable form.</summary>
    public required SecretReference ClientSecret { get; init; }

    /// <summary>The day on which it expires; <see langword="null"/> when that is not known.</summary>
    public DateTime? ExpirationDate { get; init; }

    /// <summary>Most API calls from one recharge day to the next; <see langword="null"/> for no limit.</summary>
    public long? MonthlyBudget { get; init; }

    /// <summary>Day of the month, UTC, on which the budget is renewed; in a month without that day, its last one.</summary>
    public int RechargeDay { get; init; } = 1;

    /// <summary>How long it is still good for.</summary>
    public RegistrationState State { get; init; }

    /// <summary>Days until it expires, negative when it has; <see langword="null"/> without a date.</summary>
    public int? DaysLeft { get; init; }

    /// <summary>Names of the jobs that use its client ID on its site.</summary>
    public IReadOnlyList<string> Jobs { get; init; } = [];

    /// <summary>When it was added, UTC.</summary>
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it was last changed, UTC.</summary>
    public DateTimeOffset UpdatedAt { get; init; }

    internal long SiteId { get; init; }

    /// <inheritdoc/>
    public override string ToString() => Name;

    /// <summary>What a person should know of the date; <see langword="null"/> when there is nothing.</summary>
    public string? Warning => State switch
    {
        RegistrationState.Expired => string.Create(
            CultureInfo.InvariantCulture, $"The app registration '{Name}' expired on {ExpirationDate:yyyy-MM-dd}, by the date that the store keeps. Renew it in AlloyScan, and give the new date with Set-AlloyScanAppRegistration -ExpirationDate."),
        RegistrationState.ExpiringIn7Days or RegistrationState.ExpiringIn30Days => string.Create(
            CultureInfo.InvariantCulture, $"The app registration '{Name}' expires {(DaysLeft == 0 ? "today" : DaysLeft == 1 ? "tomorrow" : $"in {DaysLeft} days")}, on {ExpirationDate:yyyy-MM-dd}. Renew it in AlloyScan, and give the new date with Set-AlloyScanAppRegistration -ExpirationDate."),
        _ => null,
    };

    /// <summary>Fetches the client secret.</summary>
    /// <exception cref="AlloyScanException">This account cannot have it here (<c>SecretNotFound</c>, <c>SecretProtectionFailed</c>, <c>VaultNeedsPowerShell</c>); the message names the registration.</exception>
    public Secret ResolveSecret() => ClientSecret.Resolve(SecretFailure);

    /// <summary>The failure to have the client secret, told as one of this registration.</summary>
    /// <param name="cause">What was wrong with the secret.</param>
    public AlloyScanException SecretFailure(AlloyScanException cause)
    {
        ArgumentNullException.ThrowIfNull(cause);
        return SecretReference.Failure(cause, $"the app registration '{Name}'", ClientId, Name, "Set-AlloyScanAppRegistration");
    }

    internal AppRegistration At(DateTime today)
    {
        if (ExpirationDate is not { } date)
            return this;

        var days = (int)(date.Date - today.Date).TotalDays;
        return this with
        {
            DaysLeft = days,
            State = days switch
            {
                < 0 => RegistrationState.Expired,
                <= 7 => RegistrationState.ExpiringIn7Days,
                <= 30 => RegistrationState.ExpiringIn30Days,
                _ => RegistrationState.Active,
            },
        };
    }
}
