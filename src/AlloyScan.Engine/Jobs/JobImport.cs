using AlloyScan.Engine.Credentials;

namespace AlloyScan.Engine.Jobs;

/// <summary>How an exported job is imported.</summary>
public sealed record JobImportOptions
{
    /// <summary>Name of the job; <see langword="null"/> for the name in the file.</summary>
    public string? Name { get; init; }

    /// <summary>Client ID; <see langword="null"/> for the one in the file.</summary>
    public string? ClientId { get; init; }

    /// <summary>Where the client secret is; <see langword="null"/> for the reference in the file, or the secret of the job that is overwritten.</summary>
    public SecretReference? ClientSecret { get; init; }

    /// <summary>Name of an app registration of the store, from which the job has site, client ID and secret; <see langword="null"/> for those of the file.</summary>
    public string? AppRegistration { get; init; }

    /// <summary>Whether a job of that name, and settings of the store that jobs share, may be overwritten.</summary>
    public bool Overwrite { get; init; }

    /// <summary>What a new address of an overwritten job is; see <see cref="SyncJobs.Update"/>.</summary>
    public SiteChange? SiteChange { get; init; }

    /// <summary>Whether everything is done, checked and taken back.</summary>
    public bool Rehearse { get; init; }
}

/// <summary>What an import did, or would do.</summary>
/// <param name="Job">The job as saved.</param>
/// <param name="Steps">What was made or changed, one sentence each.</param>
/// <param name="Warnings">What a person should look at.</param>
public sealed record JobImport(SyncJob Job, IReadOnlyList<string> Steps, IReadOnlyList<string> Warnings);
