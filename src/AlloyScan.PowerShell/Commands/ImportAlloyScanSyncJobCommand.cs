using System.Management.Automation;
using System.Text;
using AlloyScan.Engine;
using AlloyScan.Engine.Credentials;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Store;
using AlloyScan.PowerShell.Abstractions;
using AlloyScan.PowerShell.Completion;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Brings sync jobs that Export-AlloyScanSyncJob wrote into a store, with all that they use. Each comes as a whole or not at all.</summary>
// No default set: with one, PowerShell would take piped text for an object without path.
[Cmdlet(VerbsData.Import, "AlloyScanSyncJob", SupportsShouldProcess = true)]
[OutputType(typeof(SyncJob))]
public sealed class ImportAlloyScanSyncJobCommand : StoreCmdlet
{
    private const string PathSet = "Path";
    private const string TextSet = "Text";

    private readonly StringBuilder _text = new();

    /// <summary>Paths of the files.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true, ParameterSetName = PathSet)]
    [Alias("FullName", "PSPath")]
    [ValidateNotNullOrEmpty]
    public string[] Path { get; set; } = [];

    /// <summary>The JSON, whole or line by line.</summary>
    [Parameter(Mandatory = true, ValueFromPipeline = true, ParameterSetName = TextSet)]
    [AllowEmptyString]
    public string[] InputObject { get; set; } = [];

    /// <summary>Name of the job, in place of the one in the file.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Name { get; set; }

    /// <summary>The app registration: client ID as user name, client secret as password. The job keeps the secret encrypted for this account of this machine.</summary>
    [Parameter]
    [Credential]
    public PSCredential? Credential { get; set; }

    /// <summary>Name of the environment variable that holds the client secret when the job runs.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? ClientSecretVariable { get; set; }

    /// <summary>Path of the file that holds the client secret when the job runs.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? ClientSecretFile { get; set; }

    /// <summary>Name of the secret in a vault of SecretManagement, asked for with Get-Secret when it is needed. Only PowerShell can open it: the Automation Server cannot.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? VaultSecret { get; set; }

    /// <summary>Name of the vault. Without it SecretManagement looks in all.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Vault { get; set; }

    /// <summary>Name of an app registration of this store, from which the job has site, client ID and secret.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(AppRegistrationNameCompleter))]
    [ValidateNotNullOrEmpty]
    public string? AppRegistration { get; set; }

    /// <summary>What a new address of an overwritten job is: SameSite, or OtherSite.</summary>
    [Parameter]
    public SiteChange? SiteChange { get; set; }

    /// <summary>Overwrites a job of that name, and service actions, rules, junk identifiers and software groups that the store has otherwise.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        if (ParameterSetName == TextSet)
        {
            foreach (var line in InputObject)
                _text.AppendLine(line);
            return;
        }

        var options = Options();
        var files = Path.Select(GetUnresolvedProviderPathFromPSPath).ToArray();
        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        await EachAsync(files, async file =>
        {
            foreach (var json in SyncJobs.SplitExports(await ReadAsync(file, cancellationToken).ConfigureAwait(false)))
                await ImportAsync(store, json, options, cancellationToken).ConfigureAwait(false);
        }).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    protected override async Task EndAsync(CancellationToken cancellationToken)
    {
        if (ParameterSetName != TextSet)
            return;

        var options = Options();
        var store = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        // Lines of a text and whole texts come the same way, so only the end shows what there is.
        await EachAsync(
            [_text.ToString()],
            text => EachAsync(SyncJobs.SplitExports(text), json => ImportAsync(store, json, options, cancellationToken))).ConfigureAwait(false);
    }

    private async Task ImportAsync(AlloyStore store, string json, JobImportOptions options, CancellationToken cancellationToken)
    {
        var rehearsed = await OffThread(() => store.Jobs.Import(json, options with { Rehearse = true }), cancellationToken).ConfigureAwait(false);
        if (!await ConfirmAsync(rehearsed.Job.Name, $"Import the sync job: {string.Join(", ", rehearsed.Steps)}", cancellationToken).ConfigureAwait(false))
            return;

        var import = await OffThread(() => store.Jobs.Import(json, options), cancellationToken).ConfigureAwait(false);
        foreach (var step in import.Steps)
            Tell($"{import.Job.Name}: {step}.");
        foreach (var warning in import.Warnings)
            Warn(warning);
        if (import.Job.UnattendedProblem is { } problem)
            Warn(problem);
        EmitFrom(store, import.Job);
    }

    private JobImportOptions Options()
    {
        if (new object?[] { Credential, ClientSecretVariable, ClientSecretFile, VaultSecret, AppRegistration }.Count(given => given is not null) > 1)
        {
            throw new AlloyScanException(
                ErrorKind.InvalidArgument, "SecretAmbiguous", "The client secret is given in more than one way.", advice: "Give one of -Credential, -ClientSecretVariable, -ClientSecretFile, -VaultSecret and -AppRegistration.");
        }

        if (Vault is not null && VaultSecret is null)
            throw new AlloyScanException(ErrorKind.InvalidArgument, "CredentialMissing", $"The vault '{Vault}' is given without the name of a secret in it.", Vault, "Name the secret with -VaultSecret.");

        var registration = Credential is null ? null : Registration.From(Credential);
        return new JobImportOptions
        {
            Name = Name,
            ClientId = registration?.ClientId,
            ClientSecret = registration?.Secret
                ?? (ClientSecretVariable is not null ? SecretReference.FromEnvironment(ClientSecretVariable)
                : ClientSecretFile is not null ? SecretInFile(ClientSecretFile)
                : VaultSecret is not null ? SecretReference.FromVault(VaultSecret, Vault)
                : null),
            AppRegistration = AppRegistration,
            SiteChange = SiteChange,
            Overwrite = Force,
        };
    }

    private static async Task<string> ReadAsync(string file, CancellationToken cancellationToken)
    {
        try
        {
            return await File.ReadAllTextAsync(file, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AlloyScanException(ErrorKind.NotFound, "FileUnreadable", $"The file '{file}' cannot be read: {e.Message}", file, "Check the path and its permissions.", e);
        }
    }
}
