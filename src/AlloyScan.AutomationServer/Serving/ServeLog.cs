using AlloyScan.Engine.Sync;
using Microsoft.Extensions.Logging;

namespace AlloyScan.AutomationServer.Serving;

/// <summary>All that the server logs: events with a number, a text and named values.</summary>
internal static partial class ServeLog
{
    [LoggerMessage(1, LogLevel.Information, "Serving the store {Store}, {Jobs} jobs with a schedule")]
    public static partial void Serving(this ILogger logger, string store, int jobs);

    [LoggerMessage(2, LogLevel.Information, "Health page at {Address}")]
    public static partial void HealthPage(this ILogger logger, string address);

    [LoggerMessage(3, LogLevel.Information, "Stopping: runs are canceled and what they committed stays")]
    public static partial void Stopping(this ILogger logger);

    [LoggerMessage(4, LogLevel.Information, "Stopped")]
    public static partial void Stopped(this ILogger logger);

    [LoggerMessage(5, LogLevel.Warning, "{Runs} runs did not end within {Seconds} s and are left to the next start")]
    public static partial void StoppedWithRuns(this ILogger logger, int runs, double seconds);

    [LoggerMessage(6, LogLevel.Critical, "The server ends: {ErrorId}: {Message}")]
    public static partial void CannotGoOn(this ILogger logger, string errorId, string message);

    [LoggerMessage(10, LogLevel.Information, "Job '{Job}' runs next at {Due:yyyy-MM-dd HH:mm:ss}Z: {Schedule}")]
    public static partial void Armed(this ILogger logger, string job, DateTimeOffset due, string schedule);

    [LoggerMessage(11, LogLevel.Information, "Job '{Job}' is not run by its schedule: it is {Why}")]
    public static partial void Disarmed(this ILogger logger, string job, string why);

    [LoggerMessage(12, LogLevel.Error, "Job '{Job}' is not run: {Problem}")]
    public static partial void UnusableSchedule(this ILogger logger, string job, string problem);

    [LoggerMessage(13, LogLevel.Warning, "Job '{Job}' was settled until {Until:yyyy-MM-dd HH:mm:ss}Z, far in the future, by a clock that was wrong; its schedule counts from now")]
    public static partial void ClockCorrected(this ILogger logger, string job, DateTimeOffset until);

    [LoggerMessage(20, LogLevel.Information, "Job '{Job}' is due since {Due:yyyy-MM-dd HH:mm:ss}Z and starts")]
    public static partial void Starting(this ILogger logger, string job, DateTimeOffset due);

    [LoggerMessage(21, LogLevel.Information, "Job '{Job}' was missed at {Due:yyyy-MM-dd HH:mm:ss}Z and catches up")]
    public static partial void CatchingUp(this ILogger logger, string job, DateTimeOffset due);

    [LoggerMessage(22, LogLevel.Information, "Job '{Job}' waits: {Reason}")]
    public static partial void Waiting(this ILogger logger, string job, string reason);

    [LoggerMessage(23, LogLevel.Error, "Job '{Job}' did not start: {ErrorId}: {Message}")]
    public static partial void NotStarted(this ILogger logger, string job, string errorId, string message);

    [LoggerMessage(24, LogLevel.Warning, "Job '{Job}' was taken over by another host and is stopped here")]
    public static partial void ClaimLost(this ILogger logger, string job);

    [LoggerMessage(27, LogLevel.Information, "Job '{Job}' is run once more, since the store broke off")]
    public static partial void OnceMore(this ILogger logger, string job);

    /// <summary>A run ended.</summary>
    public static void Ended(this ILogger logger, LogLevel level, SyncRun run) => Ended(
        logger, level, run.Job, run.Id, run.Status, (run.Duration ?? TimeSpan.Zero).TotalSeconds, run.DevicesRead, run.Created, run.Updated, run.Errors, run.ApiCalls, run.Message ?? string.Empty);

    [LoggerMessage(EventId = 25, Message = "Job '{Job}', run {Run}: {Status} in {Seconds:0.0} s; read {Read}, created {Created}, updated {Updated}, errors {Errors}, API calls {ApiCalls}. {Message}")]
    private static partial void Ended(
        ILogger logger, LogLevel level, string job, long run, SyncRunStatus status, double seconds, int read, int created, int updated, int errors, long apiCalls, string message);

    [LoggerMessage(26, LogLevel.Warning, "Job '{Job}' was stopped before its run began")]
    public static partial void StoppedEarly(this ILogger logger, string job);

    [LoggerMessage(30, LogLevel.Warning, "Job '{Job}': {Message}")]
    public static partial void RunWarned(this ILogger logger, string job, string message);

    [LoggerMessage(31, LogLevel.Debug, "Job '{Job}': {Message}")]
    public static partial void RunSaid(this ILogger logger, string job, string message);

    [LoggerMessage(32, LogLevel.Warning, "Job '{Job}', {Stage}: {Message}")]
    public static partial void DeviceFailed(this ILogger logger, string job, string stage, string message);

    [LoggerMessage(40, LogLevel.Error, "{ErrorId}: {Message}")]
    public static partial void ServingFailed(this ILogger logger, string errorId, string message);

    [LoggerMessage(41, LogLevel.Information, "The store can be used again")]
    public static partial void ServingAgain(this ILogger logger);
}
