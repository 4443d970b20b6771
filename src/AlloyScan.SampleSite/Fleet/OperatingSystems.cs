using System.Globalization;
using System.Text;
using System.Text.Json;

namespace AlloyScan.SampleSite;

/// <summary>One release of an operating system; builds move within it, and <see cref="Next"/> follows it.</summary>
internal sealed class OperatingSystemRelease(string name, string version, string build, long patch, long step, Platform platform, string softwarePool)
{
    public string Name => name;

    public string Version => version;

    public Platform Platform => platform;

    /// <summary>Name of the pool that its software comes from; empty for a hypervisor, which lists none.</summary>
    public string SoftwarePool => softwarePool;

    public JsonEncodedText NameJson { get; } = DataFile.Encode(name);

    public JsonEncodedText VersionJson { get; } = DataFile.Encode(version);

    public byte[] BuildHead { get; } = Encoding.ASCII.GetBytes(build[..build.IndexOf('{', StringComparison.Ordinal)]);

    public byte[] BuildTail { get; } = Encoding.ASCII.GetBytes(build[(build.IndexOf('}', StringComparison.Ordinal) + 1)..]);

    public OperatingSystemRelease? Next { get; set; }

    public ReadOnlySpan<byte> FormatBuild(int months, Span<byte> buffer)
    {
        var text = new Utf8Text(buffer);
        text.Append(BuildHead);
        text.AppendNumber(patch + (step * months));
        text.Append(BuildTail);
        return text.Written;
    }
}

internal static class OperatingSystems
{
    private static readonly Dictionary<string, WeightedTable<OperatingSystemRelease>> s_pools = Read();

    public static readonly WeightedTable<OperatingSystemRelease> WindowsClients = s_pools["WC"];
    public static readonly WeightedTable<OperatingSystemRelease> WindowsServers = s_pools["WS"];
    public static readonly WeightedTable<OperatingSystemRelease> Linux = s_pools["L"];
    public static readonly WeightedTable<OperatingSystemRelease> MacOS = s_pools["M"];
    public static readonly WeightedTable<OperatingSystemRelease> Hypervisors = s_pools["HV"];

    public static string? PlatformName(Platform platform) => platform == Platform.None ? null : platform.ToString() is "MacOS" ? "macOS" : platform.ToString();

    private static Dictionary<string, WeightedTable<OperatingSystemRelease>> Read()
    {
        var releases = new Dictionary<string, (OperatingSystemRelease Release, string[] Cells)>();
        foreach (var line in DataFile.Lines("systems.txt"))
        {
            var cells = line.Split('|');
            var platform = cells[3].Length == 0 ? Platform.None : Enum.Parse<Platform>(cells[3], ignoreCase: true);
            releases[cells[0]] = (new OperatingSystemRelease(cells[4], cells[5], cells[6],
                long.Parse(cells[7], CultureInfo.InvariantCulture), long.Parse(cells[8], CultureInfo.InvariantCulture), platform, cells[10]), cells);
        }

        foreach (var (release, cells) in releases.Values)
            release.Next = cells[9].Length == 0 ? null : releases[cells[9]].Release;

        return releases.Values.GroupBy(r => r.Cells[1]).ToDictionary(
            pool => pool.Key,
            pool => new WeightedTable<OperatingSystemRelease>([.. pool.Select(r => (r.Release, int.Parse(r.Cells[2], CultureInfo.InvariantCulture)))]));
    }
}
