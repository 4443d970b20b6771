using System.ComponentModel;
using AlloyScan.Engine;
using AlloyScan.Engine.Store;
using AlloyScan.Engine.Sync;

namespace AlloyScan.PowerShell.Abstractions;

/// <summary>Base of the cmdlets that execute a job, for real or as a rehearsal.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public abstract class SyncCmdlet : StoreCmdlet
{
    /// <summary>One job's broken site says nothing about the next job.</summary>
    private protected override bool IsFatal(AlloyScanException exception) =>
        exception.Kind is not (ErrorKind.Connection or ErrorKind.Authentication or ErrorKind.LimitsExceeded) && base.IsFatal(exception);

    /// <summary>Executes a job; its changes are emitted as they come when they are not applied.</summary>
    private protected async Task<SyncRun> ExecuteAsync(AlloyStore store, SyncRequest request, CancellationToken cancellationToken)
    {
        request = request with { Job = await WithSecretAsync(request.Job, cancellationToken).ConfigureAwait(false) };
        var observer = new Observer(this, store, request);
        var run = await OffThread(() => store.Sync.ExecuteAsync(request, observer, cancellationToken), cancellationToken).Unwrap().ConfigureAwait(false);
        if (request.Mode != SyncMode.Apply && run.Forecast is { } forecast)
            Show(forecast);
        return run;
    }

    /// <summary>Says how a run ended, when it did not simply succeed.</summary>
    private protected void Judge(SyncRun run, bool rehearsal)
    {
        var reason = run.Message is null ? string.Empty : " " + run.Message;
        var rows = run.Id > 0 && !rehearsal ? $" See Get-AlloyScanSyncError -RunId {run.Id}." : string.Empty;
        switch (run.Status)
        {
            case SyncRunStatus.Failed:
                Fail(new AlloyScanException(
                    ErrorKind.Unspecified, "SyncFailed", $"The run of the job '{run.Job}' failed.{reason}", run.Job,
                    "What was done before stays, and the next run goes on from there. Test-AlloyScanConnection -Job checks the way to the site."));
                break;
            case SyncRunStatus.Canceled:
                Fail(new AlloyScanException(
                    ErrorKind.ResourceBusy, "SyncCanceled", $"The run of the job '{run.Job}' was cancelled.{reason}", run.Job,
                    "What was done before stays, and the next run goes on from there."));
                break;
            case SyncRunStatus.Blocked:
                Warn($"The run of the job '{run.Job}' {(rehearsal ? "would be" : "was")} blocked by a guard.{reason}");
                break;
            case SyncRunStatus.Succeeded when run.Parked > 0:
                Warn($"The run of the job '{run.Job}' succeeded.{reason}");
                break;
            case SyncRunStatus.PartiallySucceeded:
                var failed = run.Errors == 0 ? string.Empty : run.Errors == 1 ? $" One device failed.{rows}" : $" {run.Errors} devices failed.{rows}";
                Warn($"The run of the job '{run.Job}' succeeded in part.{failed}{reason}");
                break;
        }
    }

    /// <summary>Passes what a run says to the pipeline.</summary>
    private sealed class Observer(SyncCmdlet cmdlet, AlloyStore store, SyncRequest request) : ISyncObserver
    {
        private readonly string _activity = request.Mode == SyncMode.Apply ? $"Synchronising '{request.Job.Name}'" : $"Planning '{request.Job.Name}'";

        public void OnProgress(SyncProgress progress)
        {
            var total = progress.Total is > 0 and var t ? t : (int?)null;
            cmdlet.Report(
                _activity,
                total is null ? $"{progress.Stage}: {progress.Done} devices" : $"{progress.Stage}: {progress.Done} of {total} devices",
                total is null ? -1 : (int)Math.Clamp(100L * progress.Done / total.Value, 0, 100));
        }

        public void OnChange(SyncChange change)
        {
            // The changes of a real run are in the journal; its output is the run.
            if (request.Mode != SyncMode.Apply)
                cmdlet.EmitFrom(store, change);
        }

        public void OnError(SyncError error) => cmdlet.Tell($"{error.Stage}: {error.DeviceName ?? error.DeviceId ?? "device without ID"}: {error.Message} ({error.ErrorId})");

        public void OnWarning(string message) => cmdlet.Warn(message);

        public void OnVerbose(string message) => cmdlet.Tell(message);
    }
}
