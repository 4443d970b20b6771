using System.Management.Automation;
using System.Security;
using AlloyScan.Engine.Credentials;
using AlloyScan.Engine.Site;
using AlloyScan.Engine.Store;
using AlloyScan.PowerShell.Abstractions;
using AlloyScan.PowerShell.Completion;
using AlloyScan.PowerShell.Connections;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Tests step by step whether an AlloyScan site can be used, and says which step fails and what to try.</summary>
[Cmdlet(VerbsDiagnostic.Test, "AlloyScanConnection", DefaultParameterSetName = RegistrationSets.Connection)]
[OutputType(typeof(ConnectionTestResult), typeof(ConnectionCheck))]
public sealed class TestAlloyScanConnectionCommand : StoreCmdlet
{
    private CallBudget? _budget;

    /// <summary>The connection to test, or its name. Without it the current connection is tested.</summary>
    [Parameter(ValueFromPipeline = true, ParameterSetName = RegistrationSets.Connection)]
    [ArgumentCompleter(typeof(ConnectionNameCompleter))]
    [ValidateNotNull]
    public ConnectionReference? Connection { get; set; }

    /// <summary>Address of a site to test without connecting.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = RegistrationSets.Credential)]
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = RegistrationSets.ClientSecret)]
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = RegistrationSets.ClientSecretVariable)]
    public Uri SiteUrl { get; set; } = null!;

    /// <summary>The app registration: client ID as user name, client secret as password.</summary>
    [Parameter(Mandatory = true, Position = 1, ParameterSetName = RegistrationSets.Credential)]
    [Credential]
    public PSCredential Credential { get; set; } = null!;

    /// <summary>Client ID of the app registration.</summary>
    [Parameter(Mandatory = true, ParameterSetName = RegistrationSets.ClientSecret)]
    [Parameter(Mandatory = true, ParameterSetName = RegistrationSets.ClientSecretVariable)]
    [ValidateNotNullOrEmpty]
    public string ClientId { get; set; } = null!;

    /// <summary>Client secret of the app registration.</summary>
    [Parameter(Mandatory = true, ParameterSetName = RegistrationSets.ClientSecret)]
    public SecureString ClientSecret { get; set; } = null!;

    /// <summary>Name of the environment variable that holds the client secret.</summary>
    [Parameter(Mandatory = true, ParameterSetName = RegistrationSets.ClientSecretVariable)]
    [ValidateNotNullOrEmpty]
    public string ClientSecretVariable { get; set; } = null!;

    /// <summary>Name of a sync job whose site and registration are tested.</summary>
    [Parameter(Mandatory = true, ParameterSetName = RegistrationSets.Job)]
    [ArgumentCompleter(typeof(JobNameCompleter))]
    [ValidateNotNullOrEmpty]
    public string Job { get; set; } = null!;

    /// <summary>Name of an app registration of the store to test.</summary>
    [Parameter(Mandatory = true, ParameterSetName = RegistrationSets.AppRegistration)]
    [ArgumentCompleter(typeof(AppRegistrationNameCompleter))]
    [ValidateNotNullOrEmpty]
    public string AppRegistration { get; set; } = null!;

    /// <summary>Emits one object a step instead of one for the whole test.</summary>
    [Parameter]
    public SwitchParameter Detailed { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        if (ParameterSetName == RegistrationSets.Connection)
        {
            var connection = Connection?.Resolve() ?? ConnectionTable.OfThisRunspace.Current ?? throw Errors.NotConnected();
            if (connection.RegistrationWarning is { } warning)
                Warn(warning);
            await TestAsync(connection.Client, cancellationToken).ConfigureAwait(false);
            connection.Client.Options.Budget?.Settle();
            return;
        }

        using var client = new SiteClient(await OptionsAsync(cancellationToken).ConfigureAwait(false) with { Trace = Tell });
        using var budget = _budget;
        await TestAsync(client, cancellationToken).ConfigureAwait(false);
    }

    private async Task<SiteConnectionOptions> OptionsAsync(CancellationToken cancellationToken)
    {
        switch (ParameterSetName)
        {
            case RegistrationSets.ClientSecret:
                return Registration.From(ClientId, ClientSecret).At(SiteUrl);
            case RegistrationSets.ClientSecretVariable:
                return new Registration(ClientId, SecretReference.FromEnvironment(ClientSecretVariable)).At(SiteUrl);
            case RegistrationSets.Credential:
                return Registration.From(Credential).At(SiteUrl);
            case RegistrationSets.AppRegistration:
                AlloyStore kept = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
                var registration = await WithSecretAsync(await OffThread(() => kept.AppRegistrations.Get(AppRegistration), cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
                return new SiteConnectionOptions { SiteUrl = registration.SiteUrl, ClientId = registration.ClientId, ClientSecret = registration.ResolveSecret(), Budget = Counted(kept, registration.SiteUrl, registration.ClientId) };
            default:
                AlloyStore store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
                var job = await WithSecretAsync(await OffThread(() => store.Jobs.Get(Job), cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
                return new SiteConnectionOptions
                {
                    SiteUrl = job.SiteUrl,
                    ClientId = job.ClientId,
                    ClientSecret = job.ResolveSecret(),
                    Profile = ApiProfileFile.Parse(job.ApiProfile),
                    Budget = Counted(store, job.SiteUrl, job.ClientId),
                };
        }
    }

    /// <summary>Counts what the test spends, and warns of a registration that is about to expire. A test is not refused: it may be about just that.</summary>
    private CallBudget Counted(AlloyStore store, Uri siteUrl, string clientId)
    {
        if (store.AppRegistrations.Find(siteUrl, clientId)?.Warning is { } warning)
            Warn(warning);
        return _budget = store.AppRegistrations.Budget(siteUrl, clientId, refuses: false);
    }

    private async Task TestAsync(SiteClient client, CancellationToken cancellationToken)
    {
        var result = await client.TestAsync(cancellationToken).ConfigureAwait(false);
        if (!Detailed)
        {
            Emit(result);
            return;
        }

        foreach (var step in result.Steps)
            Emit(step);
    }
}
