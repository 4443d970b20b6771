namespace AlloyScan.PowerShell;

/// <summary>Where Get-Help -Online leads.</summary>
internal static class HelpLinks
{
    public const string Base = "https://github.com/AlloyScan/AlloyScan.PowerShell/blob/main/docs/";
}
