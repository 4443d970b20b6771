using AlloyScan.Engine;

namespace AlloyScan.AutomationServer.Serving;

/// <summary>How a part of the server ends the whole of it.</summary>
internal sealed class ServeEnd
{
    private readonly TaskCompletionSource<AlloyScanException> _failed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Ends, with what was wrong, once the server cannot go on.</summary>
    public Task<AlloyScanException> Failed => _failed.Task;

    /// <summary>Says that the server cannot go on. The first to say so is heard.</summary>
    /// <param name="why">What is wrong.</param>
    public void Fail(AlloyScanException why) => _failed.TrySetResult(why);
}
