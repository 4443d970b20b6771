using System.Runtime.InteropServices;
using AlloyScan.AutomationServer;

// The first Ctrl+C or SIGTERM asks the work to stop, so that what is committed stays and the run's record says
// Canceled. A second one ends the process at once.
using var stop = new CancellationTokenSource();
using var onInterrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var onTerminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
return await AlloyScanProgram.RunAsync(args, Console.Out, Console.Error, stop.Token);

void Stop(PosixSignalContext context)
{
    if (stop.IsCancellationRequested)
        return;

    context.Cancel = true;
    stop.Cancel();
}
