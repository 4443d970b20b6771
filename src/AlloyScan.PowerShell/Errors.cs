using System.Management.Automation;
using AlloyScan.Engine;

namespace AlloyScan.PowerShell;

/// <summary>The one place where failures become error records.</summary>
internal static class Errors
{
    /// <summary>An error record with the exception's stable ID, an honest category, the user's item and the advice.</summary>
    public static ErrorRecord ToErrorRecord(this AlloyScanException exception, object? target = null) =>
        new(exception, exception.ErrorId, Category(exception.Kind), exception.Target ?? target)
        {
            ErrorDetails = new ErrorDetails(exception.Message) { RecommendedAction = exception.Advice },
        };

    public static AlloyScanException NotConnected() => new(
        ErrorKind.Connection, "NotConnected", "There is no connection to an AlloyScan site in this session.",
        advice: "Run Connect-AlloyScan first, or name a connection with -Connection.");

    public static AlloyScanException ConnectionNotFound(string name, IEnumerable<string> known)
    {
        var names = string.Join(", ", known);
        return new AlloyScanException(
            ErrorKind.NotFound, "ConnectionNotFound", $"There is no connection named '{name}' in this session.", name,
            names.Length == 0 ? "Run Connect-AlloyScan first." : $"The connections are: {names}.");
    }

    public static AlloyScanException DeviceNotFound(string deviceId) => new(
        ErrorKind.NotFound, "DeviceNotFound", $"The site has no device with the ID '{deviceId}'.", deviceId,
        "Find the device with Get-AlloyScanDevice -Search.");

    public static AlloyScanException DeviceNotAudited(string device, object target) => new(
        ErrorKind.NotFound, "DeviceNotAudited", $"The device '{device}' has no audit snapshot yet.", target,
        "Audit it in AlloyScan, or wait for its next audit.");

    public static AlloyScanException SnapshotNotFound(string auditId, object target) => new(
        ErrorKind.NotFound, "SnapshotNotFound", $"The site has no audit snapshot with the ID '{auditId}'.", target,
        "The site may have replaced it by a newer one: ask for the snapshot of the device.");

    public static AlloyScanException RecordNotFound(string className, string what, string value) => new(
        ErrorKind.NotFound, "RecordNotFound", $"The CMDB has no {className} with the {what} '{value}'.", value,
        "Patterns with * and ? find similar ones.");

    public static AlloyScanException JobNeeded(IEnumerable<string> names) => new(
        ErrorKind.InvalidArgument, "JobNeeded", "The store has jobs of several sites, and a device belongs to one of them.", null,
        $"Name the job with -Job: {string.Join(", ", names.Select(name => $"'{name}'"))}.");

    public static AlloyScanException NoJob(string? site) => new(
        ErrorKind.NotFound, "JobNotFound", string.IsNullOrEmpty(site) ? "The store has no jobs." : $"The store has no job of the site '{site}'.", site,
        "Make one with New-AlloyScanSyncJob.");

    public static AlloyScanException UnknownPlatform(string value) => new(
        ErrorKind.InvalidArgument, "UnknownPlatform", $"'{value}' is not a platform that software can be imported for.", value,
        "Use All, None, or one or more of Windows, Linux, MacOS.");

    public static AlloyScanException ApiProfileUnreadable(string path, Exception cause) => new(
        ErrorKind.InvalidArgument, "ApiProfileUnreadable", $"The API profile '{path}' cannot be read: {cause.Message}", path,
        "Give the path of a JSON file.", cause);

    private static ErrorCategory Category(ErrorKind kind) => kind switch
    {
        ErrorKind.InvalidArgument => ErrorCategory.InvalidArgument,
        ErrorKind.NotFound => ErrorCategory.ObjectNotFound,
        ErrorKind.AlreadyExists => ErrorCategory.ResourceExists,
        ErrorKind.Connection => ErrorCategory.ConnectionError,
        ErrorKind.Authentication => ErrorCategory.AuthenticationError,
        ErrorKind.PermissionDenied => ErrorCategory.PermissionDenied,
        ErrorKind.LimitsExceeded => ErrorCategory.LimitsExceeded,
        ErrorKind.InvalidData => ErrorCategory.InvalidData,
        ErrorKind.Timeout => ErrorCategory.OperationTimeout,
        ErrorKind.ResourceUnavailable => ErrorCategory.ResourceUnavailable,
        ErrorKind.ResourceBusy => ErrorCategory.ResourceBusy,
        _ => ErrorCategory.NotSpecified,
    };
}
