namespace AlloyScan.PowerShell.Automation;

/// <summary>An Automation Server that this machine starts by itself.</summary>
public sealed record AlloyScanAutomation
{
    /// <summary>Name of the unit, agent, task or service.</summary>
    public required string Name { get; init; }

    /// <summary>For whom it is started.</summary>
    public required AutomationScope Scope { get; init; }

    /// <summary>What starts it: systemd, launchd, TaskScheduler or WindowsService.</summary>
    public required string Manager { get; init; }

    /// <summary>State as the manager says it; unknown when the manager cannot be asked.</summary>
    public string State { get; init; } = "unknown";

    /// <summary>The file that describes it.</summary>
    public required string Path { get; init; }

    /// <summary>The text of that file.</summary>
    public required string Text { get; init; }

    /// <inheritdoc/>
    public override string ToString() => Name;
}
