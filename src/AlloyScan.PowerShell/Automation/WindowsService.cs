using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace AlloyScan.PowerShell.Automation;

/// <summary>The Automation Server as a service of Windows, which its Service Control Manager starts, stops in good order, and starts again after a failure.</summary>
internal static partial class WindowsService
{
    public const string Manager = "WindowsService";

    private const string FileEnd = ".service.xml";
    private const int AlreadyRunning = 1056;
    private const int NotStarted = 1062;

    /// <summary>What the file says of the service is for people and for Get-AlloyScanAutomation: the Service Control Manager keeps its own record.</summary>
    public static string Folder => WindowsTask.Folder(AutomationScope.System);

    /// <summary>The name of the service. With a beginning of its own, so that no other's service is ever taken for ours.</summary>
    public static string ServiceName(string name) => "AlloyScan-" + name;

    /// <summary>The name of a registration whose file this is; <see langword="null"/> for other files.</summary>
    public static string? NameOf(string path) => Path.GetFileName(path) is var file && file.EndsWith(FileEnd, StringComparison.OrdinalIgnoreCase) ? file[..^FileEnd.Length] : null;

    /// <param name="request">What is asked for.</param>
    /// <param name="isThere">Whether the service was registered before and is changed.</param>
    public static AutomationPlan Plan(AutomationRequest request, bool isThere)
    {
        request.Check();
        if (request.Scope == AutomationScope.User)
            throw AutomationRequest.Invalid("A service is one of the machine, not of a user.", request.Name, "Register it with -Scope System, or take the Task Scheduler for a user.");
        if (request.SecretFiles.Count > 0 || request.EnvironmentFile is not null)
            throw AutomationRequest.Invalid("The Service Control Manager hands out no secrets and reads no file with variables.", null, "Jobs keep their secrets encrypted for the account that runs them, or name a file that only it may read.");

        var account = Account(request.User);
        var service = ServiceName(request.Name);
        var commandLine = WindowsTask.CommandLine(request.Arguments.Prepend(request.Program));
        // It waits a little after the start of the machine, until the network is there.
        List<IReadOnlyList<string>> register =
        [
            ["sc.exe", isThere ? "config" : "create", service, "binPath=", commandLine, "start=", "delayed-auto", "obj=", account, "DisplayName=", $"AlloyScan Automation Server ({request.Name})"],
            ["sc.exe", "description", service, "Runs the sync jobs of a store on their schedules."],
            // After a failure it is started again, also when it ended by itself and said so.
            ["sc.exe", "failure", service, "reset=", "86400", "actions=", "restart/10000/restart/60000/restart/60000"],
            ["sc.exe", "failureflag", service, "1"],
        ];
        if (account.EndsWith('$'))
            register.Add(["sc.exe", "managedaccount", service, "true"]);
        if (request.Start)
            register.Add(["sc.exe", "start", service]);
        return new AutomationPlan(Manager, Path.Combine(Folder, request.Name + FileEnd), Text(request, service, commandLine, account), register, [["sc.exe", "stop", service], ["sc.exe", "delete", service]], []);
    }

    public static IReadOnlyList<string> StateCommand(string name) => ["sc.exe", "query", ServiceName(name)];

    /// <summary>The state in one word. The labels of the answer are in the language of Windows, the numbers are not.</summary>
    public static string StateOf(int exitCode, string answer) => exitCode != 0 ? "not registered" : State().Match(answer).Groups[1].Value switch
    {
        "1" => "stopped",
        "2" => "starting",
        "3" => "stopping",
        "4" => "running",
        "5" or "6" or "7" => "paused",
        _ => "unknown",
    };

    /// <summary>Whether a command that failed asked for what is so already.</summary>
    public static bool IsSoAlready(IReadOnlyList<string> command, int exitCode) =>
        command is ["sc.exe", "stop", ..] ? exitCode == NotStarted : command is ["sc.exe", "start", ..] && exitCode == AlreadyRunning;

    private static string Account(string? user)
    {
        if (user is null)
            return @"NT AUTHORITY\NetworkService";
        if (user.Equals("SYSTEM", StringComparison.OrdinalIgnoreCase) || user.Equals(@"NT AUTHORITY\SYSTEM", StringComparison.OrdinalIgnoreCase))
            return "LocalSystem";
        // The Service Control Manager writes NETWORK SERVICE and LOCAL SERVICE as one word.
        if (user.StartsWith(@"NT AUTHORITY\", StringComparison.OrdinalIgnoreCase))
            return @"NT AUTHORITY\" + user[@"NT AUTHORITY\".Length..].Replace(" ", string.Empty, StringComparison.Ordinal);
        if (user.EndsWith('$') || user.StartsWith(@"NT SERVICE\", StringComparison.OrdinalIgnoreCase))
            return user;

        throw AutomationRequest.Invalid(
            $"A service that runs as '{user}' would need its password.", user, @"Give a managed service account (its name ends in $), NT SERVICE\ and the name of the service, or NT AUTHORITY\NETWORK SERVICE or LOCAL SERVICE.");
    }

    private static string Text(AutomationRequest request, string service, string commandLine, string account) =>
        "<?xml version=\"1.0\" encoding=\"UTF-16\"?>\r\n" + new XElement(
            "Service", new XComment($" {AutomationRequest.Marker}; Unregister-AlloyScanAutomation removes it. "), new XElement("Name", service), new XElement("DisplayName", $"AlloyScan Automation Server ({request.Name})"),
            new XElement("CommandLine", commandLine), new XElement("Account", account), new XElement("Start", "Automatic (delayed)")).ToString().ReplaceLineEndings("\r\n") + "\r\n";

    [GeneratedRegex(@":\s+([1-7])\s+[A-Z_]+", RegexOptions.CultureInvariant)]
    private static partial Regex State();
}
