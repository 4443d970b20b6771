using System.Management.Automation;
using System.Security;
using AlloyScan.Engine.Credentials;
using AlloyScan.Engine.Site;
using AlloyScan.PowerShell.Abstractions;
using AlloyScan.PowerShell.Completion;
using AlloyScan.PowerShell.Connections;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Connects to an AlloyScan site and makes it the current connection of the session.</summary>
[Cmdlet(VerbsCommunications.Connect, "AlloyScan", DefaultParameterSetName = RegistrationSets.Credential)]
[OutputType(typeof(AlloyScanConnection))]
public sealed class ConnectAlloyScanCommand : StoreCmdlet
{
    /// <summary>The site's address, with or without slug, for example https://eu.alloyscan.com/contoso. HTTPS, except on the local host.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true, ParameterSetName = RegistrationSets.Credential)]
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true, ParameterSetName = RegistrationSets.ClientSecret)]
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true, ParameterSetName = RegistrationSets.ClientSecretVariable)]
    public Uri SiteUrl { get; set; } = null!;

    /// <summary>The app registration: client ID as user name, client secret as password.</summary>
    [Parameter(Mandatory = true, Position = 1, ValueFromPipelineByPropertyName = true, ParameterSetName = RegistrationSets.Credential)]
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

    /// <summary>Name of an app registration of the store, whose site, client ID and secret are used. What the connection spends is counted there, and its monthly budget holds.</summary>
    [Parameter(Mandatory = true, ParameterSetName = RegistrationSets.AppRegistration)]
    [ArgumentCompleter(typeof(AppRegistrationNameCompleter))]
    [ValidateNotNullOrEmpty]
    public string AppRegistration { get; set; } = null!;

    /// <summary>Name of the connection, for -Connection of other cmdlets. Without it the site's address without scheme. A connection of the same name is replaced.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Name { get; set; }

    /// <summary>Most requests at once, from 1 to 64. Fewer are used while the site is slow or asks for patience.</summary>
    [Parameter]
    [ValidateRange(1, 64)]
    public int ThrottleLimit { get; set; } = SiteConnectionOptions.DefaultThrottleLimit;

    /// <summary>Seconds that one request may take.</summary>
    [Parameter]
    [ValidateRange(1, 3600)]
    public int TimeoutSec { get; set; } = (int)SiteConnectionOptions.DefaultTimeout.TotalSeconds;

    /// <summary>JSON file with overrides of the API profile, for a site whose API differs from the documented one.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? ApiProfilePath { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        var profile = ApiProfileFile.Read(this, ApiProfilePath);
        // The table belongs to the runspace, which only the pipeline thread knows.
        var table = ConnectionTable.OfThisRunspace;
        var siteUrl = SiteUrl;
        CallBudget? budget = null;
        AppRegistration? kept = null;
        var registration = ParameterSetName switch
        {
            RegistrationSets.AppRegistration => null,
            RegistrationSets.ClientSecret => Registration.From(ClientId, ClientSecret),
            RegistrationSets.ClientSecretVariable => new Registration(ClientId, SecretReference.FromEnvironment(ClientSecretVariable)),
            _ => Registration.From(Credential),
        };
        if (registration is null)
        {
            var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
            kept = await WithSecretAsync(await OffThread(() => store.AppRegistrations.Get(AppRegistration), cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
            if (kept.Warning is { } warning)
                Warn(warning);
            registration = new Registration(kept.ClientId, SecretReference.FromMemory(kept.ResolveSecret()));
            siteUrl = kept.SiteUrl;
            budget = store.AppRegistrations.Budget(siteUrl, kept.ClientId);
        }

        var options = registration.At(siteUrl) with
        {
            Budget = budget,
            Profile = ApiProfileFile.Parse(profile),
            ThrottleLimit = ThrottleLimit,
            Timeout = TimeSpan.FromSeconds(TimeoutSec),
        };
        var connection = new AlloyScanConnection(Name ?? DefaultName(siteUrl), options, profile) { AppRegistration = kept?.Name, RegistrationWarning = kept?.Warning };
        try
        {
            await connection.Client.AuthenticateAsync(cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            connection.Dispose();
            throw;
        }

        budget?.Settle();
        table.Add(connection);
        Emit(connection);
    }

    private static string DefaultName(Uri siteUrl) =>
        siteUrl.IsAbsoluteUri ? (siteUrl.Authority + siteUrl.AbsolutePath).TrimEnd('/') : siteUrl.ToString();
}
