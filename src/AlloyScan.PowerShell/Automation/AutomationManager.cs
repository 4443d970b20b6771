using System.ComponentModel;
using System.Diagnostics;
using System.Text;
using AlloyScan.Engine;

namespace AlloyScan.PowerShell.Automation;

/// <summary>What starts servers on this machine: makes plans for it, reads what is registered, and runs its commands.</summary>
internal static class AutomationManager
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    /// <summary>The default scope: the machine for administrators, else the user.</summary>
    public static AutomationScope DefaultScope => Environment.IsPrivilegedProcess ? AutomationScope.System : AutomationScope.User;

    /// <exception cref="AlloyScanException">The request cannot be met, or not by a manager of this system (<c>InvalidAutomation</c>).</exception>
    public static AutomationPlan Plan(AutomationRequest request)
    {
        var plan = !OperatingSystem.IsWindows() ? OperatingSystem.IsMacOS() ? LaunchdAgent.Plan(request) : SystemdUnit.Plan(request)
            : request.Manager == WindowsService.Manager ? WindowsService.Plan(request, List().Any(a => a.Manager == WindowsService.Manager && a.Name == request.Name))
            : WindowsTask.Plan(request, $"{Environment.UserDomainName}\\{Environment.UserName}");
        return request.Manager is null || request.Manager.Equals(plan.Manager, StringComparison.OrdinalIgnoreCase)
            ? plan
            : throw AutomationRequest.Invalid($"This machine has no {request.Manager}; it has {plan.Manager}.", request.Manager, "Leave -Manager out.");
    }

    /// <summary>Writes the file of a plan.</summary>
    /// <exception cref="AlloyScanException">It cannot be written (<c>AutomationUnwritable</c>), or a file of somebody else stands there (<c>NotOurAutomation</c>).</exception>
    public static void Write(AutomationPlan plan)
    {
        if (File.Exists(plan.Path))
            CheckOurs(plan.Path);
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(plan.Path)!);
            File.WriteAllText(plan.Path, plan.Text, plan.Manager is WindowsTask.Manager or WindowsService.Manager ? Encoding.Unicode : new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AlloyScanException(
                ErrorKind.PermissionDenied, "AutomationUnwritable", $"'{plan.Path}' cannot be written: {e.Message}", plan.Path, "Run as administrator (root) for -Scope System, or use -Scope User.", e);
        }
    }

    /// <summary>Removes the file of a registration.</summary>
    /// <exception cref="AlloyScanException">It cannot be removed (<c>AutomationUnwritable</c>).</exception>
    public static void Delete(string path)
    {
        CheckOurs(path);
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AlloyScanException(ErrorKind.PermissionDenied, "AutomationUnwritable", $"'{path}' cannot be removed: {e.Message}", path, "Run as administrator (root).", e);
        }
    }

    /// <summary>What is registered on this machine, without its state.</summary>
    public static IEnumerable<AlloyScanAutomation> List()
    {
        foreach (var scope in Enum.GetValues<AutomationScope>())
        {
            var (manager, folder, pattern) = OperatingSystem.IsWindows() ? (WindowsTask.Manager, WindowsTask.Folder(scope), "*.xml")
                : OperatingSystem.IsMacOS() ? (LaunchdAgent.Manager, LaunchdAgent.Folder(scope), "*.plist")
                : (SystemdUnit.Manager, SystemdUnit.Folder(scope), "*.service");
            foreach (var path in Files(folder, pattern))
            {
                if (Read(path) is not { } text || !text.Contains(AutomationRequest.Marker, StringComparison.Ordinal))
                    continue;

                var (name, by) = manager == LaunchdAgent.Manager ? (LaunchdAgent.NameOf(path), manager)
                    : manager == WindowsTask.Manager && WindowsService.NameOf(path) is { } service ? (service, WindowsService.Manager)
                    : (Path.GetFileNameWithoutExtension(path), manager);
                if (name is not null)
                    yield return new AlloyScanAutomation { Name = name, Scope = scope, Manager = by, Path = path, Text = text };
            }
        }
    }

    /// <summary>Asks the manager for the state of a registration.</summary>
    public static async Task<string> StateAsync(AlloyScanAutomation automation, CancellationToken cancellationToken)
    {
        var command = automation.Manager switch
        {
            WindowsTask.Manager => WindowsTask.StateCommand(automation.Name),
            WindowsService.Manager => WindowsService.StateCommand(automation.Name),
            LaunchdAgent.Manager => LaunchdAgent.StateCommand(automation.Name),
            _ => SystemdUnit.StateCommand(automation.Scope, automation.Name),
        };
        try
        {
            var (exitCode, output, _) = await RunAsync(command, cancellationToken).ConfigureAwait(false);
            return automation.Manager switch
            {
                // The state is the last of three columns.
                WindowsTask.Manager => exitCode == 0 ? output.Trim().Split(',')[^1].Trim('"').ToLowerInvariant() : "not registered",
                WindowsService.Manager => WindowsService.StateOf(exitCode, output),
                LaunchdAgent.Manager => exitCode != 0 ? "not loaded" : output.Contains("\"PID\"", StringComparison.Ordinal) ? "active" : "inactive",
                // One word. Where there is no manager to ask, it says so on the error stream and nothing here.
                _ => output.Trim() is { Length: > 0 } word && !word.Contains(' ', StringComparison.Ordinal) && word != "unknown" ? word : "unknown",
            };
        }
        catch (AlloyScanException)
        {
            return "unknown";
        }
    }

    /// <summary>Runs a command that has to succeed.</summary>
    /// <exception cref="AlloyScanException">It is not there or fails (<c>AutomationCommandFailed</c>).</exception>
    public static async Task ExecuteAsync(IReadOnlyList<string> command, CancellationToken cancellationToken)
    {
        var (exitCode, output, error) = await RunAsync(command, cancellationToken).ConfigureAwait(false);
        if (exitCode != 0 && !WindowsService.IsSoAlready(command, exitCode))
        {
            var words = (error.Trim() is { Length: > 0 } said ? said : output.Trim()).ReplaceLineEndings(" ");
            throw Failed(command, $"it ended with {exitCode}: {(words.Length > 500 ? words[..500] + "..." : words)}");
        }
    }

    private static async Task<(int ExitCode, string Output, string Error)> RunAsync(IReadOnlyList<string> command, CancellationToken cancellationToken)
    {
        using var process = new Process { StartInfo = new ProcessStartInfo(command[0], command.Skip(1)) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false, CreateNoWindow = true } };
        try
        {
            process.Start();
        }
        catch (Exception e) when (e is Win32Exception or IOException)
        {
            throw Failed(command, e.Message, e);
        }

        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(s_patience);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(patience.Token);
            var error = process.StandardError.ReadToEndAsync(patience.Token);
            await process.WaitForExitAsync(patience.Token).ConfigureAwait(false);
            return (process.ExitCode, await output.ConfigureAwait(false), await error.ConfigureAwait(false));
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            process.Kill(entireProcessTree: true);
            throw Failed(command, "it did not end within a minute");
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }

    private static AlloyScanException Failed(IReadOnlyList<string> command, string why, Exception? inner = null) => new(
        ErrorKind.ResourceUnavailable, "AutomationCommandFailed", $"'{AutomationPlan.Line(command)}' failed: {why}", AutomationPlan.Line(command),
        "Files that were written stay. Correct the cause and run the command, or call again; -NoCommand leaves the commands to you.", inner);

    private static void CheckOurs(string path)
    {
        if (Read(path) is not { } text || !text.Contains(AutomationRequest.Marker, StringComparison.Ordinal))
            throw new AlloyScanException(ErrorKind.AlreadyExists, "NotOurAutomation", $"'{path}' was not made by this module and is left alone.", path, "Choose another -Name.");
    }

    private static string[] Files(string folder, string pattern)
    {
        try
        {
            return Directory.Exists(folder) ? [.. Directory.GetFiles(folder, pattern).Order(StringComparer.Ordinal)] : [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private static string? Read(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
