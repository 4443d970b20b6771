namespace AlloyScan.PowerShell.SampleSites;

/// <summary>The faults that a sample site can be given by name.</summary>
internal static class SampleFaults
{
    /// <summary>The names, as the site knows them.</summary>
    public static readonly string[] Names =
    [
        "bad-snapshot", "ceiling", "collapsed-total", "drip", "duplicates", "echo", "echo-list", "echo-token", "empty", "empty-once", "forbidden", "forbidden-details", "html", "large-page", "nested",
        "redirect", "reset", "revoked", "shaky", "shifting", "shifting-back", "short-pages", "slow", "throttled-date", "throttled-seconds", "throttled-silent", "truncated", "wrong-types",
    ];

    /// <summary>A fault as the site's command line takes it: one of the names, or a fault in full.</summary>
    /// <param name="fault">What the user gave.</param>
    public static string Argument(string fault)
    {
        var given = fault.Trim();
        return Names.Contains(given, StringComparer.OrdinalIgnoreCase) ? "preset " + given : given;
    }
}
