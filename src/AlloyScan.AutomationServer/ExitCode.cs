namespace AlloyScan.AutomationServer;

/// <summary>What the program tells the script that called it. 0, 2, 3, 4 and 5 are also the codes of a run, see <see cref="Engine.Sync.SyncRun.ExitCode"/>.</summary>
internal static class ExitCode
{
    /// <summary>All was done.</summary>
    public const int Done = 0;

    /// <summary>Some of it could not be done; the rest was.</summary>
    public const int Partial = 2;

    /// <summary>It could not be done, or a check failed.</summary>
    public const int Failed = 4;

    /// <summary>Stopped from outside; what was committed stays.</summary>
    public const int Canceled = 5;

    /// <summary>The call itself is wrong; nothing was begun.</summary>
    public const int Usage = 64;
}
