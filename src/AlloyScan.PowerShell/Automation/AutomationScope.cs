namespace AlloyScan.PowerShell.Automation;

/// <summary>For whom the Automation Server is started.</summary>
public enum AutomationScope
{
    /// <summary>For one user: it runs as that user, from log-on (systemd: from the start of the user's own manager).</summary>
    User,

    /// <summary>For the machine: it runs from the start on, under an account of its own.</summary>
    System,
}
