using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace AlloyScan.PowerShell.Automation;

/// <summary>The Automation Server as a systemd unit.</summary>
internal static partial class SystemdUnit
{
    public const string Manager = "systemd";

    /// <summary>The folder for units of a scope.</summary>
    public static string Folder(AutomationScope scope) => scope == AutomationScope.System
        ? "/etc/systemd/system"
        : Path.Combine(
            Environment.GetEnvironmentVariable("XDG_CONFIG_HOME") is { Length: > 0 } configured ? configured : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".config"),
            "systemd", "user");

    public static AutomationPlan Plan(AutomationRequest request)
    {
        request.Check();
        if (request.User is { } user && (request.Scope == AutomationScope.User || !UserForm().IsMatch(user)))
        {
            throw request.Scope == AutomationScope.User
                ? AutomationRequest.Invalid("A user's own unit runs as that user and no other.", user, "Leave -User out, or register with -Scope System.")
                : AutomationRequest.Invalid($"'{user}' can't be the name of an account.", user, "Give the name of a local account.");
        }

        var unit = request.Name + ".service";
        string[] control = request.Scope == AutomationScope.User ? ["systemctl", "--user"] : ["systemctl"];
        return new AutomationPlan(
            Manager, Path.Combine(Folder(request.Scope), unit), Text(request),
            [[.. control, "daemon-reload"], request.Start ? [.. control, "enable", "--now", unit] : [.. control, "enable", unit]],
            [[.. control, "disable", "--now", unit]],
            [[.. control, "daemon-reload"]]);
    }

    public static IReadOnlyList<string> StateCommand(AutomationScope scope, string name) =>
        scope == AutomationScope.User ? ["systemctl", "--user", "is-active", name + ".service"] : ["systemctl", "is-active", name + ".service"];

    private static string Text(AutomationRequest request)
    {
        var isSystem = request.Scope == AutomationScope.System;
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"# {AutomationRequest.Marker}; Unregister-AlloyScanAutomation removes it.\n[Unit]\nDescription=AlloyScan Automation Server ({request.Name})\n");
        if (isSystem)
            text.Append("Wants=network-online.target\nAfter=network-online.target\n");
        text.Append("\n[Service]\nType=notify\nExecStart=").AppendJoin(' ', request.Arguments.Prepend(request.Program).Select(Word)).Append('\n');
        if (request.User is not null)
            text.Append(CultureInfo.InvariantCulture, $"User={request.User}\n");
        foreach (var (name, path) in request.SecretFiles.OrderBy(s => s.Key, StringComparer.Ordinal))
            text.Append(CultureInfo.InvariantCulture, $"LoadCredential={name}:{Plain(path)}\n");
        if (request.EnvironmentFile is not null)
            text.Append(CultureInfo.InvariantCulture, $"EnvironmentFile={Plain(request.EnvironmentFile)}\n");
        // It says when it is ready, which after an update it is when it has brought the store up to date; and it gives its runs half a minute to end.
        text.Append("Restart=on-failure\nRestartSec=10\nTimeoutStartSec=15min\nTimeoutStopSec=60\n");
        if (isSystem)
            text.Append("NoNewPrivileges=yes\nUMask=0077\n");
        return text.Append(CultureInfo.InvariantCulture, $"\n[Install]\nWantedBy={(isSystem ? "multi-user.target" : "default.target")}\n").ToString();
    }

    /// <summary>A word of a command line: quoted where it has to be, and % and $ stand for themselves.</summary>
    internal static string Word(string word)
    {
        var plain = word.Replace("%", "%%", StringComparison.Ordinal).Replace("$", "$$", StringComparison.Ordinal);
        return word.Length > 0 && word.All(c => char.IsAsciiLetterOrDigit(c) || "-_./:@=+,%$".Contains(c, StringComparison.Ordinal))
            ? plain
            : $"\"{plain.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";
    }

    /// <summary>A path that is the whole value of a setting: not quoted, but % stands for itself.</summary>
    private static string Plain(string path) => path.Replace("%", "%%", StringComparison.Ordinal);

    [GeneratedRegex(@"^[A-Za-z_][A-Za-z0-9_.-]{0,30}\$?$", RegexOptions.CultureInvariant)]
    private static partial Regex UserForm();
}
