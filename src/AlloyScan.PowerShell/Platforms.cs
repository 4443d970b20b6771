using AlloyScan.Engine;
using AlloyScan.Engine.Inventory;

namespace AlloyScan.PowerShell;

/// <summary>Reads the platform choice as users write it.</summary>
internal static class Platforms
{
    public static IReadOnlyList<string> Words { get; } = ["All", "None", "Windows", "Linux", "MacOS"];

    /// <summary>Understands <c>All</c>, <c>None</c>, or one or more platforms.</summary>
    /// <exception cref="AlloyScanException">Another word (<c>UnknownPlatform</c>), or <c>All</c> or <c>None</c> beside others (<c>InvalidPlatformChoice</c>).</exception>
    public static SoftwarePlatforms Parse(IEnumerable<string> values)
    {
        var words = values
            .SelectMany(value => value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            .ToArray();
        var choice = SoftwarePlatforms.None;
        foreach (var word in words)
        {
            if (!Words.Contains(word, StringComparer.OrdinalIgnoreCase))
                throw Errors.UnknownPlatform(word);

            var platform = Enum.Parse<SoftwarePlatforms>(word, ignoreCase: true);
            if (words.Length > 1 && platform is SoftwarePlatforms.All or SoftwarePlatforms.None)
            {
                throw new AlloyScanException(
                    ErrorKind.InvalidArgument, "InvalidPlatformChoice", $"'{word}' stands alone; it cannot be given together with other platforms.", word,
                    "Use All, None, or one or more of Windows, Linux, MacOS.");
            }

            choice |= platform;
        }

        return choice;
    }
}
