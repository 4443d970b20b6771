using System.ComponentModel;
using System.Management.Automation;
using AlloyScan.Engine.Credentials;

namespace AlloyScan.PowerShell.Abstractions;

/// <summary>Base of the cmdlets that write app registrations.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public abstract class AppRegistrationCmdlet : RegistrationCmdlet
{
    /// <summary>The day on which the registration expires, as AlloyScan shows it.</summary>
    [Parameter]
    [AllowNull]
    public DateTime? ExpirationDate { get; set; }

    /// <summary>Most API calls from one recharge day to the next, 1 or more; $null for no limit.</summary>
    [Parameter]
    [AllowNull]
    public long? MonthlyBudget { get; set; }

    /// <summary>Day of the month, UTC, on which the budget is renewed, from 1 to 31; in a month without that day, its last one. New registrations use 1.</summary>
    [Parameter]
    [ValidateRange(1, 31)]
    public int RechargeDay { get; set; }

    /// <summary>The registration with the settings that the user gave; the others stay. On the pipeline thread.</summary>
    private protected Func<AppRegistration, AppRegistration> Given(string? clientId)
    {
        var given = MyInvocation.BoundParameters;
        var (hasDate, hasBudget, hasDay) = (given.ContainsKey(nameof(ExpirationDate)), given.ContainsKey(nameof(MonthlyBudget)), given.ContainsKey(nameof(RechargeDay)));
        var registration = GivenRegistration(clientId);
        return before => before with
        {
            // Without a client ID it is the secret alone that changes.
            ClientId = registration is { ClientId.Length: > 0 } ? registration.ClientId : before.ClientId,
            ClientSecret = registration?.Secret ?? before.ClientSecret,
            ExpirationDate = hasDate ? ExpirationDate?.Date : before.ExpirationDate,
            MonthlyBudget = hasBudget ? MonthlyBudget : before.MonthlyBudget,
            RechargeDay = hasDay ? RechargeDay : before.RechargeDay,
        };
    }
}
