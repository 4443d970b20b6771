using System.Text.RegularExpressions;
using AlloyScan.Engine;

namespace AlloyScan.PowerShell.Automation;

/// <summary>What Register-AlloyScanAutomation is asked for.</summary>
internal sealed partial record AutomationRequest
{
    /// <summary>Stands in the file that describes a registration, so that no other's is taken for ours.</summary>
    public const string Marker = "Made by Register-AlloyScanAutomation";

    public required string Name { get; init; }

    public required AutomationScope Scope { get; init; }

    /// <summary>The program.</summary>
    public required string Program { get; init; }

    /// <summary>Its arguments.</summary>
    public required IReadOnlyList<string> Arguments { get; init; }

    /// <summary>What is to start it; <see langword="null"/> for what the system has.</summary>
    public string? Manager { get; init; }

    /// <summary>The account; <see langword="null"/> for the default one.</summary>
    public string? User { get; init; }

    /// <summary>Secrets that systemd hands to the server as files, by name.</summary>
    public IReadOnlyDictionary<string, string> SecretFiles { get; init; } = new Dictionary<string, string>();

    /// <summary>File with environment variables that systemd reads.</summary>
    public string? EnvironmentFile { get; init; }

    /// <summary>Whether it is started at once.</summary>
    public bool Start { get; init; }

    /// <exception cref="AlloyScanException">A name or path cannot stand in such a file (<c>InvalidAutomation</c>).</exception>
    public void Check()
    {
        if (!NameForm().IsMatch(Name))
            throw Invalid($"The name '{Name}' can't be that of a service.", Name, "Use up to 60 letters, digits, dots, hyphens and underscores, beginning with a letter.");
        foreach (var text in Arguments.Append(Program).Concat(SecretFiles.Values).Append(EnvironmentFile ?? string.Empty).Append(User ?? string.Empty))
        {
            if (text.Any(char.IsControl))
                throw Invalid("A path, argument or account has a control character in it.", null, "Give it without line breaks and tabs.");
        }

        foreach (var name in SecretFiles.Keys.Where(n => !NameForm().IsMatch(n)))
            throw Invalid($"'{name}' can't be the name of a secret.", name, "Use letters, digits, dots, hyphens and underscores, beginning with a letter.");
    }

    public static AlloyScanException Invalid(string message, object? target, string advice) => new(ErrorKind.InvalidArgument, "InvalidAutomation", message, target, advice);

    [GeneratedRegex("^[A-Za-z][A-Za-z0-9._-]{0,59}$", RegexOptions.CultureInvariant)]
    private static partial Regex NameForm();
}

/// <summary>A file to write and commands to run. Commands are a program with its arguments, never a line for a shell.</summary>
internal sealed record AutomationPlan(string Manager, string Path, string Text, IReadOnlyList<IReadOnlyList<string>> Register, IReadOnlyList<IReadOnlyList<string>> Stop, IReadOnlyList<IReadOnlyList<string>> Removed)
{
    /// <summary>A command as a person would type it.</summary>
    public static string Line(IReadOnlyList<string> command) =>
        string.Join(' ', command.Select(part => part.Length > 0 && part.All(c => char.IsLetterOrDigit(c) || "-_./\\:@=".Contains(c, StringComparison.Ordinal)) ? part : $"'{part.Replace("'", "''", StringComparison.Ordinal)}'"));
}
