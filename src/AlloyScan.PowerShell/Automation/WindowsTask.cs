using System.Text;
using System.Xml.Linq;

namespace AlloyScan.PowerShell.Automation;

/// <summary>The Automation Server as a task of the Windows Task Scheduler.</summary>
internal static class WindowsTask
{
    public const string Manager = "TaskScheduler";

    private const string NetworkService = "S-1-5-20";
    private static readonly XNamespace s_task = "http://schemas.microsoft.com/windows/2004/02/mit/task";

    /// <summary>Where the description of a task is kept from which it was made.</summary>
    public static string Folder(AutomationScope scope) => Path.Combine(
        Environment.GetFolderPath(scope == AutomationScope.System ? Environment.SpecialFolder.CommonApplicationData : Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify),
        "AlloyScan", "automation");

    public static AutomationPlan Plan(AutomationRequest request, string currentUser)
    {
        request.Check();
        if (request.SecretFiles.Count > 0 || request.EnvironmentFile is not null)
            throw AutomationRequest.Invalid("The Task Scheduler hands out no secrets and reads no file with variables.", null, "Jobs keep their secrets encrypted for the account that runs them, or name a file that only it may read.");
        if (request.User is not null && request.Scope == AutomationScope.User)
            throw AutomationRequest.Invalid("A user's own task runs as that user and no other.", request.User, "Leave -User out, or register with -Scope System.");
        if (request.User is { } user && !user.EndsWith('$') && !user.StartsWith("NT AUTHORITY\\", StringComparison.OrdinalIgnoreCase) && user != "SYSTEM")
            throw AutomationRequest.Invalid($"A task that runs as '{user}' would need its password.", user, "Give a managed service account (its name ends in $), or NT AUTHORITY\\NETWORK SERVICE or LOCAL SERVICE.");

        var name = "\\AlloyScan\\" + request.Name;
        var path = Path.Combine(Folder(request.Scope), request.Name + ".xml");
        List<IReadOnlyList<string>> register = [["schtasks", "/Create", "/TN", name, "/XML", path, "/F"]];
        if (request.Start)
            register.Add(["schtasks", "/Run", "/TN", name]);
        return new AutomationPlan(Manager, path, Text(request, currentUser), register, [["schtasks", "/End", "/TN", name], ["schtasks", "/Delete", "/TN", name, "/F"]], []);
    }

    public static IReadOnlyList<string> StateCommand(string name) => ["schtasks", "/Query", "/TN", "\\AlloyScan\\" + name, "/FO", "CSV", "/NH"];

    private static string Text(AutomationRequest request, string currentUser)
    {
        var isSystem = request.Scope == AutomationScope.System;
        var account = request.User ?? (isSystem ? NetworkService : currentUser);
        var logon = !isSystem ? "InteractiveToken" : account.EndsWith('$') ? "Password" : "ServiceAccount";
        XElement principal = new(s_task + "Principal", new XAttribute("id", "Author"), E("UserId", account));
        // Accounts of the system have no kind of logon.
        if (logon != "ServiceAccount")
            principal.Add(E("LogonType", logon));
        principal.Add(E("RunLevel", "LeastPrivilege"));
        var trigger = isSystem ? E("BootTrigger", E("Enabled", "true")) : E("LogonTrigger", E("Enabled", "true"), E("UserId", currentUser));
        var task = new XElement(
            s_task + "Task", new XAttribute("version", "1.2"),
            E("RegistrationInfo", E("Description", $"{AutomationRequest.Marker}; Unregister-AlloyScanAutomation removes it.")),
            E("Triggers", trigger),
            E("Principals", principal),
            E(
                "Settings", E("MultipleInstancesPolicy", "IgnoreNew"), E("DisallowStartIfOnBatteries", "false"), E("StopIfGoingOnBatteries", "false"), E("StartWhenAvailable", "true"),
                E("RunOnlyIfNetworkAvailable", "false"), E("Enabled", "true"), E("ExecutionTimeLimit", "PT0S"), E("RestartOnFailure", E("Interval", "PT1M"), E("Count", "999"))),
            new XElement(s_task + "Actions", new XAttribute("Context", "Author"), E("Exec", E("Command", request.Program), E("Arguments", CommandLine(request.Arguments)))));
        return "<?xml version=\"1.0\" encoding=\"UTF-16\"?>\r\n" + task.ToString().ReplaceLineEndings("\r\n") + "\r\n";

        static XElement E(string name, params object[] content) => new(s_task + name, content);
    }

    /// <summary>Arguments in one line, quoted as programs of Windows take them apart again.</summary>
    internal static string CommandLine(IEnumerable<string> arguments) => string.Join(' ', arguments.Select(Quote));

    private static string Quote(string argument)
    {
        if (argument.Length > 0 && !argument.Any(c => c is ' ' or '"'))
            return argument;

        var quoted = new StringBuilder("\"");
        var backslashes = 0;
        foreach (var c in argument)
        {
            if (c == '\\')
            {
                backslashes++;
                continue;
            }

            // Backslashes count as such unless a quotation mark follows.
            quoted.Append('\\', c == '"' ? (2 * backslashes) + 1 : backslashes).Append(c);
            backslashes = 0;
        }

        return quoted.Append('\\', 2 * backslashes).Append('"').ToString();
    }
}
