using System.Management.Automation;
using AlloyScan.Engine.Site;
using AlloyScan.PowerShell.Abstractions;
using AlloyScan.PowerShell.Completion;
using AlloyScan.PowerShell.Connections;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Holds an API profile against what a site answers: reads one page, one device and one audit snapshot, and says of each location whether it was found.</summary>
[Cmdlet(VerbsDiagnostic.Test, "AlloyScanApiProfile", DefaultParameterSetName = RegistrationSets.Connection)]
[OutputType(typeof(ApiProfileCheck))]
public sealed class TestAlloyScanApiProfileCommand : StoreCmdlet
{
    /// <summary>Names of sync jobs whose profiles are tested with their sites. What comes of it is kept: on a profile that has not passed, a job marks nothing missing.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true, ParameterSetName = RegistrationSets.Job)]
    [ArgumentCompleter(typeof(JobNameCompleter))]
    [ValidateNotNullOrEmpty]
    public string[] Name { get; set; } = null!;

    /// <summary>The connection whose profile is tested, or its name. Without it that of the current connection is tested.</summary>
    [Parameter(ParameterSetName = RegistrationSets.Connection)]
    [ArgumentCompleter(typeof(ConnectionNameCompleter))]
    [ValidateNotNull]
    public ConnectionReference? Connection { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        if (ParameterSetName == RegistrationSets.Connection)
        {
            var connection = Connection?.Resolve() ?? ConnectionTable.OfThisRunspace.Current ?? throw Errors.NotConnected();
            Show(await connection.Client.TestProfileAsync(cancellationToken).ConfigureAwait(false), $"of the connection '{connection.Name}'", string.Empty);
            connection.Client.Options.Budget?.Settle();
            return;
        }

        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        await EachAsync(Name, async name =>
        {
            var job = await WithSecretAsync(await OffThread(() => store.Jobs.Get(name), cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
            using var budget = store.AppRegistrations.Budget(job.SiteUrl, job.ClientId);
            using var client = new SiteClient(new SiteConnectionOptions
            {
                SiteUrl = job.SiteUrl,
                ClientId = job.ClientId,
                ClientSecret = job.ResolveSecret(),
                Profile = ApiProfileFile.Parse(job.ApiProfile),
                Budget = budget,
                Trace = Tell,
            });
            var result = await client.TestProfileAsync(cancellationToken).ConfigureAwait(false);
            await OffThread(() => store.Jobs.SetProfilePassed(job.Name, result.Passed), cancellationToken).ConfigureAwait(false);
            Show(result, $"of the job '{job.Name}'", job.ApiProfile is null ? string.Empty : " The job marks nothing missing on its word.");
        }).ConfigureAwait(false);
    }

    private void Show(ApiProfileTestResult result, string whose, string consequence)
    {
        foreach (var check in result.Checks)
            Emit(check);
        if (result.Passed)
            Tell($"The API profile {whose} passed.");
        else
            Warn($"The API profile {whose} did not pass. {result.Message}{consequence}");
    }
}
