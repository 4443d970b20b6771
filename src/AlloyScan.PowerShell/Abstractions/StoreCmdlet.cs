using System.ComponentModel;
using System.Management.Automation;
using AlloyScan.Engine;
using AlloyScan.Engine.Credentials;
using AlloyScan.Engine.Jobs;
using AlloyScan.Engine.Store;

namespace AlloyScan.PowerShell.Abstractions;

/// <summary>Base of cmdlets that work on the store.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public abstract class StoreCmdlet : AsyncCmdlet
{
    private AlloyStore? _store;
    private string? _openedFor;

    /// <summary>
    /// The store: path of its SQLite file, or address of a PostgreSQL database (about_AlloyScan_Store). Without it the environment variable ALLOYSCAN_STORE decides, else a file in the user's data folder.
    /// </summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public string? Store { get; set; }

    /// <summary>Whether the user gave a parameter, whatever its value: only then it changes something.</summary>
    private protected bool IsGiven(string parameter) => MyInvocation.BoundParameters.ContainsKey(parameter);

    /// <summary>Says what stands between a job and its next run by the Automation Server.</summary>
    private protected void WarnOf(SyncJob job)
    {
        if (job.UnattendedProblem is { } problem)
            Warn(problem);
    }

    /// <summary>Opens the store of the current record. Records of one store share it.</summary>
    /// <exception cref="AlloyScanException">The store cannot be used.</exception>
    private protected async Task<AlloyStore> OpenStoreAsync(CancellationToken cancellationToken)
    {
        if (_store is not null && _openedFor == Store)
            return _store;

        _store?.Dispose();
        _store = null;
        var location = Locate();
        _store = await OffThread(() => AlloyStore.Open(location, cancellationToken: cancellationToken), cancellationToken).ConfigureAwait(false);
        _openedFor = Store;
        return _store;
    }

    /// <summary>The job with its secret at hand, if that is in a vault, which only PowerShell can open.</summary>
    /// <exception cref="AlloyScanException">The vault does not give it.</exception>
    private protected async Task<SyncJob> WithSecretAsync(SyncJob job, CancellationToken cancellationToken) => job.ClientSecret.Kind == SecretKind.Vault
        ? job with { ClientSecret = await OpenVaultAsync(job.ClientSecret, job.SecretFailure, cancellationToken).ConfigureAwait(false) }
        : job;

    /// <summary>The registration with its secret at hand, if that is in a vault.</summary>
    /// <exception cref="AlloyScanException">The vault does not give it.</exception>
    private protected async Task<AppRegistration> WithSecretAsync(AppRegistration registration, CancellationToken cancellationToken) => registration.ClientSecret.Kind == SecretKind.Vault
        ? registration with { ClientSecret = await OpenVaultAsync(registration.ClientSecret, registration.SecretFailure, cancellationToken).ConfigureAwait(false) }
        : registration;

    private async Task<SecretReference> OpenVaultAsync(SecretReference reference, Func<AlloyScanException, AlloyScanException> failure, CancellationToken cancellationToken)
    {
        try
        {
            return await OnPipelineAsync(() => VaultSecrets.Open(this, reference), cancellationToken).ConfigureAwait(false);
        }
        catch (AlloyScanException e)
        {
            throw failure(e);
        }
    }

    /// <summary>Where a secret file is: a bare name that is no file here is looked for in the folder that CREDENTIALS_DIRECTORY names when the job runs.</summary>
    private protected SecretReference SecretInFile(string given)
    {
        var path = GetUnresolvedProviderPathFromPSPath(given);
        return SecretReference.IsBareName(given) && !File.Exists(path) ? SecretReference.FromCredentialsDirectory(given) : SecretReference.FromFile(path);
    }

    /// <summary>Emits an object together with the store it is from, so that it finds it again down the pipeline.</summary>
    private protected void EmitFrom(AlloyStore store, object value) => Emit(WithOrigin(store, value));

    /// <summary>Emits what a query finds, off the pipeline thread, and says whether there was anything.</summary>
    private protected Task<bool> EmitAllAsync<T>(AlloyStore store, IEnumerable<T> query, CancellationToken cancellationToken)
        where T : notnull => EmitAllAsync(query, item => WithOrigin(store, item), cancellationToken);

    private static PSObject WithOrigin(AlloyStore store, object value)
    {
        var tagged = PSObject.AsPSObject(value);
        // No look for a property of that name: types that come from a store have none, and installations come in millions.
        tagged.Properties.Add(new PSNoteProperty(nameof(Store), store.Location.Path), preValidated: true);
        return tagged;
    }

    /// <summary>A store that cannot be used helps no record.</summary>
    private protected override bool IsFatal(AlloyScanException exception) =>
        _store is null || exception.Kind == ErrorKind.ResourceUnavailable || base.IsFatal(exception);

    /// <summary>Where the store is, without opening it.</summary>
    private protected StoreLocation Locate()
    {
        // Refuses passwords and network paths in the words that the user gave.
        var location = StoreLocation.Resolve(Store);
        // A relative path is relative to the session's location, which is not the process's directory.
        return string.IsNullOrWhiteSpace(Store) || location.IsPostgres ? location : StoreLocation.Resolve(GetUnresolvedProviderPathFromPSPath(Store));
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        _store?.Dispose();
    }
}
