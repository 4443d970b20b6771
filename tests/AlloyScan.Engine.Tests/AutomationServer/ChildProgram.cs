using System.Diagnostics;

namespace AlloyScan.Engine.Tests.AutomationServer;

/// <summary>One of our programs in a process of its own.</summary>
internal static class ChildProgram
{
    public static Process Start(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath is { } host && Path.GetFileNameWithoutExtension(host) == "dotnet" ? host : "dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            ArgumentList = { "exec", Path.Combine(AppContext.BaseDirectory, program) },
        };
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        var process = Process.Start(start)!;
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    /// <summary>Waits until something is so, or the process has ended.</summary>
    public static async Task UntilAsync(Func<bool> condition, Process process)
    {
        var watch = Stopwatch.StartNew();
        while (!condition() && !process.HasExited && watch.Elapsed < TimeSpan.FromMinutes(2))
            await Task.Delay(1);
    }

    /// <summary>Sends a signal, on systems that have them.</summary>
    public static async Task SignalAsync(Process process, string signal)
    {
        using var kill = Process.Start("kill", ["-" + signal, process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync();
    }
}
