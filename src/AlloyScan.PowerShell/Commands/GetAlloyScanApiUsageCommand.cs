using System.Management.Automation;
using AlloyScan.Engine.Credentials;
using AlloyScan.PowerShell.Abstractions;
using AlloyScan.PowerShell.Completion;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Shows what app registrations have spent on API calls this month, what is left of their budget, and until when.</summary>
[Cmdlet(VerbsCommon.Get, "AlloyScanApiUsage", DefaultParameterSetName = RegistrationSets.AppRegistration)]
[OutputType(typeof(ApiUsage))]
public sealed class GetAlloyScanApiUsageCommand : StoreCmdlet
{
    /// <summary>Names of app registrations, with wildcards. Without them all are shown, and those as well that only a job knows.</summary>
    [Parameter(Position = 0, ParameterSetName = RegistrationSets.AppRegistration)]
    [ArgumentCompleter(typeof(AppRegistrationNameCompleter))]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public string[]? AppRegistration { get; set; }

    /// <summary>Jobs, or their names, whose registration is shown.</summary>
    [Parameter(Mandatory = true, ValueFromPipeline = true, ParameterSetName = RegistrationSets.Job)]
    [ArgumentCompleter(typeof(JobNameCompleter))]
    [ValidateNotNullOrEmpty]
    public JobName[] Job { get; set; } = null!;

    /// <summary>How many days back are listed one by one, from 1 to 400.</summary>
    [Parameter]
    [ValidateRange(1, 400)]
    public int Days { get; set; } = 31;

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        if (ParameterSetName == RegistrationSets.Job)
        {
            await EachAsync(Job, job => EmitAllAsync(store, store.AppRegistrations.Usage(job: job.Name, days: Days), cancellationToken)).ConfigureAwait(false);
            return;
        }

        await EachAsync(AppRegistration ?? [null!], async name =>
        {
            // A name without wildcards that is not there is a mistake; a pattern that fits none is not.
            if (name is not null && !WildcardPattern.ContainsWildcardCharacters(name))
                await OffThread(() => store.AppRegistrations.Get(name), cancellationToken).ConfigureAwait(false);
            await EmitAllAsync(store, store.AppRegistrations.Usage(name, days: Days), cancellationToken).ConfigureAwait(false);
        }).ConfigureAwait(false);
    }
}
