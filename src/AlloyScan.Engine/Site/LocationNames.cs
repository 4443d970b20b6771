namespace AlloyScan.Engine.Site;

/// <summary>Under which names a field of a profile may stand elsewhere than the profile says.</summary>
internal static class LocationNames
{
    /// <summary>Names that stand in many places, and tell nothing.</summary>
    private static readonly HashSet<string> s_common = new(StringComparer.Ordinal) { "id", "name", "version", "build", "platform", "source", "model", "type", "domain", "login", "email", "virtual", "publisher" };

    /// <summary>The names of a field: its own, and that of the end of its location, if they are no names of all sorts of things.</summary>
    internal static HashSet<string> Of(string field, string location)
    {
        HashSet<string> names = new(StringComparer.Ordinal) { Plain(field), Plain(ApiProfileJson.SplitLocation("location", location)[^1]) };
        names.ExceptWith(s_common);
        return names;
    }

    /// <summary>A name without case and without what parts its words.</summary>
    internal static string Plain(string name) => name.Replace("_", string.Empty, StringComparison.Ordinal).Replace("-", string.Empty, StringComparison.Ordinal).ToLowerInvariant();
}
