using System.Xml.Linq;

namespace AlloyScan.PowerShell.Automation;

/// <summary>The Automation Server as an agent or daemon of macOS's launchd.</summary>
internal static class LaunchdAgent
{
    public const string Manager = "launchd";

    private const string LabelStart = "com.alloyscan.";

    public static string Folder(AutomationScope scope) => scope == AutomationScope.System
        ? "/Library/LaunchDaemons"
        : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), "Library", "LaunchAgents");

    public static string FileName(string name) => LabelStart + name + ".plist";

    public static string? NameOf(string path) =>
        Path.GetFileName(path) is var file && file.StartsWith(LabelStart, StringComparison.Ordinal) && file.EndsWith(".plist", StringComparison.Ordinal) ? file[LabelStart.Length..^".plist".Length] : null;

    public static AutomationPlan Plan(AutomationRequest request)
    {
        request.Check();
        if (request.SecretFiles.Count > 0 || request.EnvironmentFile is not null)
            throw AutomationRequest.Invalid("launchd hands out no secrets and reads no file with variables.", null, "Let the jobs name files with their secrets that only the account may read: Set-AlloyScanSyncJob -ClientSecretFile.");
        if (request.User is not null && request.Scope == AutomationScope.User)
            throw AutomationRequest.Invalid("A user's own agent runs as that user and no other.", request.User, "Leave -User out, or register with -Scope System.");

        var path = Path.Combine(Folder(request.Scope), FileName(request.Name));
        return new AutomationPlan(Manager, path, Text(request), [["launchctl", "load", "-w", path]], [["launchctl", "unload", "-w", path]], []);
    }

    public static IReadOnlyList<string> StateCommand(string name) => ["launchctl", "list", LabelStart + name];

    private static string Text(AutomationRequest request)
    {
        var entries = new List<object>
        {
            new XElement("key", "Label"), new XElement("string", LabelStart + request.Name),
            new XElement("key", "ProgramArguments"), new XElement("array", request.Arguments.Prepend(request.Program).Select(a => new XElement("string", a))),
            new XElement("key", "RunAtLoad"), new XElement("true"),
            new XElement("key", "KeepAlive"), new XElement("dict", new XElement("key", "SuccessfulExit"), new XElement("false")),
            new XElement("key", "ExitTimeOut"), new XElement("integer", 60),
        };
        if (request.User is not null)
            entries.AddRange([new XElement("key", "UserName"), new XElement("string", request.User)]);
        var document = new XDocument(
            new XDocumentType("plist", "-//Apple//DTD PLIST 1.0//EN", "http://www.apple.com/DTDs/PropertyList-1.0.dtd", null!),
            new XComment($" {AutomationRequest.Marker}; Unregister-AlloyScanAutomation removes it. "),
            new XElement("plist", new XAttribute("version", "1.0"), new XElement("dict", entries)));
        return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + document.ToString().ReplaceLineEndings("\n") + "\n";
    }
}
