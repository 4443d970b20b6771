using System.Data.Common;

namespace AlloyScan.Engine.Sync;

/// <summary>Why one device failed, as its error row says it.</summary>
/// <param name="Stage">Stage that failed: Read, Identify, Map, Plan, Apply.</param>
/// <param name="ErrorId">Stable identifier of the kind of error.</param>
/// <param name="Message">What was wrong.</param>
internal readonly record struct DeviceFailure(string Stage, string ErrorId, string Message)
{
    /// <summary>Whether a failure is the run's and no single device's: it is to stop, or the store is the trouble: locked, full, gone, or a newer version's.</summary>
    public static bool IsOfRun(Exception e) =>
        e is LeaseLostException or OperationCanceledException or DbException or AlloyScanException { Kind: not ErrorKind.Unspecified, InnerException: DbException } or AlloyScanException { ErrorId: "StoreLocked" or "StoreVanished" or "StoreTooNew" or "StoreUnavailable" or "StoreTimeout" or "StoreOutcomeUnknown" };

    /// <summary>A device that could not be read.</summary>
    public static DeviceFailure Read(Exception e) => Of(e, "Read");

    /// <summary>A device that failed in a stage, unless the exception knows better.</summary>
    public static DeviceFailure Of(Exception e, string stage)
    {
        if (e is StageException { InnerException: { } cause } known)
            return Of(cause, known.Stage);

        var errorId = e is AlloyScanException { Kind: not ErrorKind.Unspecified } ours ? ours.ErrorId : stage switch
        {
            "Apply" => "ChangeFailed",
            _ => stage + "Failed",
        };
        return new DeviceFailure(stage, errorId, e.Message);
    }
}

/// <summary>Says in which stage of the work on a device something failed.</summary>
internal sealed class StageException(string stage, Exception cause) : Exception(cause.Message, cause)
{
    public string Stage => stage;

    /// <summary>Does work of a stage. Failures that are not the device's pass as they are.</summary>
    public static T In<T>(string stage, Func<T> work)
    {
        try
        {
            return work();
        }
        catch (Exception e) when (e is not StageException && !DeviceFailure.IsOfRun(e))
        {
            throw new StageException(stage, e);
        }
    }
}
