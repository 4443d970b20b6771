using System.Globalization;
using System.Management.Automation;
using AlloyScan.Engine.Store;
using AlloyScan.PowerShell.Abstractions;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Copies a SQLite store with all that it holds into an empty PostgreSQL store. The SQLite store stays as it is.</summary>
[Cmdlet(VerbsCommon.Copy, "AlloyScanStore", SupportsShouldProcess = true)]
[OutputType(typeof(StoreCopyResult))]
public sealed class CopyAlloyScanStoreCommand : StoreCmdlet
{
    /// <summary>Connection string of the PostgreSQL database, without a password: postgresql://user@host/database. The tables go into the schema alloyscan, or into that of <c>?schema=name</c>.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    [ValidateNotNullOrEmpty]
    public string Destination { get; set; } = null!;

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        var location = StoreLocation.Resolve(StoreLocation.IsConnectionString(Destination) ? Destination : GetUnresolvedProviderPathFromPSPath(Destination));
        var source = await OpenStoreAsync(cancellationToken).ConfigureAwait(false);
        source.CheckCopyTo(location);
        var rows = await OffThread(source.CountRows, cancellationToken).ConfigureAwait(false);
        // Says whether the server lets us in, also in a rehearsal, which makes nothing there.
        await OffThread(() => AlloyStore.Exists(location, cancellationToken), cancellationToken).ConfigureAwait(false);
        if (!await ConfirmAsync(location.ToString(), string.Create(CultureInfo.InvariantCulture, $"Copy {rows} rows from the store '{source.Location}'"), cancellationToken).ConfigureAwait(false))
            return;

        var result = await OffThread(
            () =>
            {
                using var destination = AlloyStore.Open(location, cancellationToken: cancellationToken);
                return source.CopyTo(destination, Show, cancellationToken);
            },
            cancellationToken).ConfigureAwait(false);
        Emit(result);
        if (result.Cleaned > 0)
            Warn($"{result.Cleaned} texts held the character 0, which PostgreSQL cannot hold; it was left out of them.");
        if (result.JobsWithProtectedSecret.Count > 0)
            Warn($"The secrets of {string.Join(", ", result.JobsWithProtectedSecret.Select(j => $"'{j}'"))} are protected for this account of this machine: other hosts need an environment variable or a file, set with Set-AlloyScanSyncJob.");
        Warn($"Jobs still run on '{result.Source}' wherever nothing else is said: set {StoreLocation.EnvironmentVariable} to {result.Destination} for every account and host that works with the store, and put the old file away when all do.");
    }

    private void Show(StoreCopyProgress progress) => Report(
        "Copying the store", string.Create(CultureInfo.InvariantCulture, $"{progress.Table}: {progress.Rows} rows {(progress.Verifying ? "compared" : "written")}"), (progress.Number - 1) * 100 / progress.Tables);
}
