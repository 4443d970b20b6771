using System.Collections;
using System.Globalization;
using System.Management.Automation;
using AlloyScan.Engine;
using AlloyScan.Engine.Store;
using AlloyScan.PowerShell.Abstractions;
using AlloyScan.PowerShell.Automation;

namespace AlloyScan.PowerShell.Commands;

/// <summary>Lets this machine start the Automation Server by itself: as a systemd unit, a launchd agent, a task of the Windows Task Scheduler, or a service of Windows.</summary>
[Cmdlet(VerbsLifecycle.Register, "AlloyScanAutomation", SupportsShouldProcess = true)]
[OutputType(typeof(AlloyScanAutomation))]
public sealed class RegisterAlloyScanAutomationCommand : StoreCmdlet
{
    /// <summary>Name of the unit, agent, task or service. Without it alloyscan.</summary>
    [Parameter(Position = 0)]
    [ValidateNotNullOrEmpty]
    public string Name { get; set; } = "alloyscan";

    /// <summary>Path of the program alloyscan. Without it the one on the PATH is taken.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Path { get; set; }

    /// <summary>User (starts for this user) or System (starts with the machine). Without it System for administrators, else User.</summary>
    [Parameter]
    public AutomationScope? Scope { get; set; }

    /// <summary>What starts the server. On Windows TaskScheduler, the default, or WindowsService for a service of the machine; elsewhere systemd or launchd, whichever the system has.</summary>
    [Parameter]
    [ValidateSet("systemd", "launchd", "TaskScheduler", "WindowsService")]
    public string? Manager { get; set; }

    /// <summary>Account under which a server of the machine runs. Without it root with systemd and launchd, and NETWORK SERVICE on Windows.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? User { get; set; }

    /// <summary>Most runs at the same time.</summary>
    [Parameter]
    [ValidateRange(1, 64)]
    public int? MaxConcurrent { get; set; }

    /// <summary>Port of /health and /metrics on 127.0.0.1: a number, 0 for any free one, or off.</summary>
    [Parameter]
    [ValidatePattern("^([0-9]{1,5}|off)$")]
    public string? HealthPort { get; set; }

    /// <summary>Path of the log file. Without it the log goes where the manager keeps it.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? LogFile { get; set; }

    /// <summary>Files with secrets that systemd hands to the server, by name: @{ hq = '/etc/alloyscan/hq.secret' }. Never the secrets themselves.</summary>
    [Parameter]
    [ValidateNotNull]
    public Hashtable SecretFile { get; set; } = [];

    /// <summary>File with environment variables, such as secrets that jobs take from variables, that systemd reads when the server starts. Without -Store it may name the store too, as ALLOYSCAN_STORE.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? EnvironmentFile { get; set; }

    /// <summary>Starts the server at once.</summary>
    [Parameter]
    public SwitchParameter Start { get; set; }

    /// <summary>Writes the file and runs no command, as for an image of a machine.</summary>
    [Parameter]
    public SwitchParameter NoCommand { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancellationToken)
    {
        var request = Request();
        var plan = AutomationManager.Plan(request);
        if (!await ConfirmAsync(plan.Path, $"Write the file{Environment.NewLine}{plan.Text}", cancellationToken).ConfigureAwait(false))
        {
            await CommandsAsync(plan, cancellationToken).ConfigureAwait(false);
            return;
        }

        await OffThread(() => AutomationManager.Write(plan), cancellationToken).ConfigureAwait(false);
        await CommandsAsync(plan, cancellationToken).ConfigureAwait(false);
        var automation = new AlloyScanAutomation { Name = Name, Scope = request.Scope, Manager = plan.Manager, Path = plan.Path, Text = plan.Text };
        Emit(automation with { State = NoCommand ? "unknown" : await AutomationManager.StateAsync(automation, cancellationToken).ConfigureAwait(false) });
        if (plan.Manager == SystemdUnit.Manager && request.Scope == AutomationScope.User)
            Warn($"A user's units run while the user is logged on. 'loginctl enable-linger {Environment.UserName}' keeps them running.");
        if (plan.Manager == WindowsService.Manager && LogFile is null)
            Warn("A service has no console. Without -LogFile only warnings and errors are kept, in the application log of Windows.");
    }

    private async Task CommandsAsync(AutomationPlan plan, CancellationToken cancellationToken)
    {
        if (NoCommand)
            return;

        foreach (var command in plan.Register)
        {
            if (await ConfirmAsync(AutomationPlan.Line(command), "Run the command", cancellationToken).ConfigureAwait(false))
                await AutomationManager.ExecuteAsync(command, cancellationToken).ConfigureAwait(false);
        }
    }

    private AutomationRequest Request()
    {
        List<string> arguments = ["serve"];
        var environmentFile = EnvironmentFile is null ? null : GetUnresolvedProviderPathFromPSPath(EnvironmentFile);
        if (Store is not null || environmentFile is null || !NamesStore(environmentFile))
            arguments.AddRange(["--store", Locate().ToString()]);
        if (MaxConcurrent is { } most)
            arguments.AddRange(["--max-concurrent", most.ToString(CultureInfo.InvariantCulture)]);
        if (HealthPort is not null)
            arguments.AddRange(["--health-port", HealthPort]);
        if (LogFile is not null)
            arguments.AddRange(["--log-file", GetUnresolvedProviderPathFromPSPath(LogFile)]);
        return new AutomationRequest
        {
            Name = Name,
            Scope = Scope ?? AutomationManager.DefaultScope,
            Program = Program(),
            Arguments = arguments,
            Manager = Manager,
            User = User,
            SecretFiles = SecretFile.Cast<DictionaryEntry>().ToDictionary(
                e => Convert.ToString(e.Key, CultureInfo.InvariantCulture)!, e => GetUnresolvedProviderPathFromPSPath(Convert.ToString(e.Value, CultureInfo.InvariantCulture)!), StringComparer.Ordinal),
            EnvironmentFile = environmentFile,
            Start = Start,
        };
    }

    /// <summary>Whether the server learns its store from a file with variables, which is then the one place where it stands. One that cannot be read here is taken to name it.</summary>
    private static bool NamesStore(string environmentFile)
    {
        try
        {
            return File.ReadLines(environmentFile).Any(line => line.TrimStart().StartsWith(StoreLocation.EnvironmentVariable + "=", StringComparison.Ordinal));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return true;
        }
    }

    private string Program()
    {
        if (Path is not null)
        {
            var path = GetUnresolvedProviderPathFromPSPath(Path);
            return File.Exists(path) ? path : throw NotFound($"There is no program '{path}'.", path);
        }

        var file = OperatingSystem.IsWindows() ? "alloyscan.exe" : "alloyscan";
        return (Environment.GetEnvironmentVariable("PATH") ?? string.Empty)
            .Split(System.IO.Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Where(System.IO.Path.IsPathFullyQualified)
            .Select(folder => System.IO.Path.Combine(folder, file))
            .FirstOrDefault(File.Exists)
            ?? throw NotFound("The program alloyscan is not on the PATH, and the module does not bring it along.", null);
    }

    private static AlloyScanException NotFound(string message, string? path) => new(
        ErrorKind.NotFound, "AutomationProgramNotFound", message, path, "Make it with 'dotnet publish src/AlloyScan.AutomationServer -o FOLDER' and name it with -Path.");
}
