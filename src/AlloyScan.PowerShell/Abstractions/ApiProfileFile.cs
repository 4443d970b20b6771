using System.Management.Automation;
using AlloyScan.Engine.Site;

namespace AlloyScan.PowerShell.Abstractions;

/// <summary>Reads -ApiProfilePath.</summary>
internal static class ApiProfileFile
{
    /// <summary>Reads overrides of the API profile and checks that they are understood.</summary>
    /// <returns>The JSON text; <see langword="null"/> when no path was given.</returns>
    /// <exception cref="Engine.AlloyScanException">The file cannot be read (<c>ApiProfileUnreadable</c>) or is no profile (<c>InvalidApiProfile</c>).</exception>
    public static string? Read(PSCmdlet cmdlet, string? path)
    {
        if (path is null)
            return null;

        var full = cmdlet.GetUnresolvedProviderPathFromPSPath(path);
        try
        {
            var json = File.ReadAllText(full);
            _ = ApiProfile.Parse(json);
            return json;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Errors.ApiProfileUnreadable(full, e);
        }
    }

    public static ApiProfile Parse(string? json) => json is null ? ApiProfile.Default : ApiProfile.Parse(json);
}
