using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace AlloyScan.SampleSite;

/// <summary>A product with all its releases, each with its piece of JSON made in advance.</summary>
internal sealed class SoftwareProduct
{
    /// <summary>Releases 0 to 5 are out on day 0; upgrades go on from there.</summary>
    public const int ReleasesAtStart = 6;

    public const int MaxReleases = 24;

    public SoftwareProduct(int number, int family, string name, string publisher, string version, int movingPart, string distribution, HashSet<string> flags)
    {
        (Number, Family, Name, Publisher) = (number, family, name, publisher);
        HasInstallKey = flags.Contains("key");
        HasSerialNumber = flags.Contains("serial");
        Group = flags.Contains("required") ? SoftwareGroups.Required : flags.Contains("forbidden") ? SoftwareGroups.Forbidden : SoftwareGroups.Regular;
        Host = Enum.GetValues<Hosts>().FirstOrDefault(h => flags.Contains(h.ToString().ToLowerInvariant()));
        NameJson = DataFile.Encode(name);
        PublisherJson = DataFile.Encode(publisher);
        var releases = movingPart < 0 ? 1 : MaxReleases;
        Versions = new string[releases];
        RowHeads = new byte[releases][];
        for (var release = 0; release < releases; release++)
        {
            Versions[release] = Version(version, movingPart, release - (ReleasesAtStart - 1), Hash.Of((ulong)number, Trait.Version, release), distribution);
            RowHeads[release] = Encoding.UTF8.GetBytes($"{{\"name\":\"{NameJson}\",\"version\":\"{Versions[release]}\",\"publisher\":\"{PublisherJson}\"");
        }
    }

    public int Number { get; }

    /// <summary>The number of the first product of this name: distributions package the same product each in its way.</summary>
    public int Family { get; }

    public string Name { get; }

    public string Publisher { get; }

    public JsonEncodedText NameJson { get; }

    public JsonEncodedText PublisherJson { get; }

    /// <summary>The machines that can have it.</summary>
    public Hosts Host { get; }

    public string[] Versions { get; }

    /// <summary>The start of a software row of a snapshot, up to the publisher, without a closing brace.</summary>
    public byte[][] RowHeads { get; }

    public bool HasInstallKey { get; }

    public bool HasSerialNumber { get; }

    public string Group { get; }

    /// <summary>
    /// The version some releases before or after the one in the table: one part moves by one each release, and parts
    /// after it look as if they moved too.
    /// </summary>
    private static string Version(string version, int movingPart, int distance, ulong hash, string distribution)
    {
        var suffix = distribution switch
        {
            "D" => string.Create(CultureInfo.InvariantCulture, $"-0ubuntu{1 + (hash % 9)}"),
            "R" => string.Create(CultureInfo.InvariantCulture, $"-{1 + (hash % 40)}.el9"),
            _ => "",
        };
        if (movingPart < 0)
            return version + suffix;

        var parts = version.Split('.');
        movingPart = Math.Min(movingPart, parts.Length - 1);
        for (var i = movingPart; i < parts.Length; i++)
        {
            var value = long.Parse(parts[i], CultureInfo.InvariantCulture);
            if (i == movingPart)
                value = Math.Max(value, ReleasesAtStart - 1) + distance;
            else if (distance != 0 && value != 0)
                value = 1 + ((value + (long)(hash >> (8 * (i - movingPart)) & 0xFFFF)) % Math.Max(9, value * 5 / 4));

            parts[i] = value.ToString(parts[i][0] == '0' ? "D" + parts[i].Length : "D", CultureInfo.InvariantCulture);
        }

        return string.Join('.', parts) + suffix;
    }
}

internal static class SoftwareGroups
{
    public const string Regular = "Regular";
    public const string Required = "Required";
    public const string Forbidden = "Forbidden";

    public static string? Find(string? name) => name?.ToUpperInvariant() switch
    {
        "REGULAR" => Regular,
        "REQUIRED" => Required,
        "FORBIDDEN" => Forbidden,
        _ => null,
    };
}

/// <summary>The products that computers with one kind of operating system can have, and how popular each is.</summary>
internal sealed class SoftwarePool
{
    /// <summary>Some computers have much software and some have little.</summary>
    private static readonly double[] s_appetites = [0.6, 0.8, 1.0, 1.2, 1.4];

    private readonly uint[][] _thresholds;

    public SoftwarePool(List<(SoftwareProduct Product, double Share)> items, int average)
    {
        Products = [.. items.Select(i => i.Product)];
        var shares = items.Select(i => i.Share).ToArray();
        var machines = items.Select(i => ShareOf(i.Product.Host)).ToArray();

        // The factor that makes the average right; bisection, since shares can't exceed one.
        double low = 0, high = 1e6;
        for (var step = 0; step < 100; step++)
        {
            var middle = (low + high) / 2;
            if (s_appetites.Average(a => shares.Zip(machines, (s, m) => m * Math.Min(1, s * middle * a)).Sum()) < average)
                low = middle;
            else
                high = middle;
        }

        _thresholds = Array.ConvertAll(s_appetites, a => Array.ConvertAll(shares, s => (uint)(Math.Min(1, s * high * a) * 65536)));
    }

    public SoftwareProduct[] Products { get; }

    /// <summary>Roughly the share of computers that are such machines.</summary>
    private static double ShareOf(Hosts host) => host switch
    {
        Hosts.Dell => 0.31,
        Hosts.Hp => 0.24,
        Hosts.Lenovo => 0.2,
        Hosts.Hpe => 0.1,
        Hosts.VMware => 0.45,
        Hosts.Qemu => 0.01,
        Hosts.Physical => 0.6,
        _ => 1,
    };

    /// <summary>For each product, how many of 65536 computers have it.</summary>
    public uint[] Thresholds(ulong hash) => _thresholds[Hash.Pick(hash, _thresholds.Length)];
}

/// <summary>All products of a site.</summary>
internal sealed class SoftwareCatalog
{
    private static readonly ConcurrentDictionary<int, SoftwareCatalog> s_catalogs = new();

    private static readonly string[] s_languages = "ar bg cs da de el es et fi fr he hi hr hu id it ja ko lt lv nb nl pl pt ro ru sk sl sr sv th tr uk vi zh".Split(' ');
    private static readonly string[] s_linuxFamilies = "language-pack hunspell libreoffice-l10n aspell tesseract-ocr thunderbird-locale firefox-locale wbritish mythes manpages kde-l10n gnome-user-docs texlive-lang libreoffice-help task-desktop glibc-langpack gimp-help vim-spell mailman-locale tlwg education-lang".Split(' ');

    private readonly Dictionary<string, SoftwarePool> _pools = [];
    private readonly List<SoftwareProduct> _products = [];
    private readonly Dictionary<string, int> _families = [];

    private SoftwareCatalog(int softwarePerComputer)
    {
        var pools = new Dictionary<string, List<(SoftwareProduct, double)>> { ["W"] = [], ["S"] = [], ["D"] = [], ["R"] = [], ["M"] = [] };
        var publisher = "";
        foreach (var line in DataFile.Lines("software.txt"))
        {
            if (line[0] == '[')
            {
                publisher = line[1..^1];
                continue;
            }

            var cells = line.Split(' ', 5);
            var brace = cells[4].LastIndexOf(" {", StringComparison.Ordinal);
            var flags = brace < 0 ? [] : cells[4][(brace + 2)..^1].Split(',').ToHashSet();
            var name = brace < 0 ? cells[4] : cells[4][..brace];
            var share = int.Parse(cells[1], CultureInfo.InvariantCulture) / 100.0;
            var movingPart = cells[2] == "-" ? -1 : int.Parse(cells[2], CultureInfo.InvariantCulture);

            // A package has its own version in each distribution, but a Windows product is the same on clients and servers.
            foreach (var distribution in cells[0].Replace("L", "DR", StringComparison.Ordinal).Replace("WS", "W", StringComparison.Ordinal))
            {
                var letter = distribution.ToString();
                var maker = publisher != "Linux distribution" ? publisher : letter == "D" ? "Ubuntu Developers" : "Red Hat, Inc.";
                var product = Add(name, maker, cells[3], movingPart, letter, flags);
                pools[letter].Add((product, share));
                if (letter == "W" && cells[0].Contains('S', StringComparison.Ordinal))
                    pools["S"].Add((product, share));
            }
        }

        foreach (var (letter, items) in pools)
        {
            Pad(letter, items, softwarePerComputer * 5 / 2);
            _pools[letter] = new SoftwarePool(items, softwarePerComputer);
        }
    }

    public IReadOnlyList<SoftwareProduct> Products => _products;

    /// <summary>The catalog is the same for every seed, so one serves all sites of a process.</summary>
    public static SoftwareCatalog For(int softwarePerComputer) => s_catalogs.GetOrAdd(softwarePerComputer, static count => new SoftwareCatalog(count));

    public SoftwarePool Pool(string letter) => _pools[letter];

    /// <summary>Computers with very much software have updates (Windows) and language packs (elsewhere).</summary>
    private void Pad(string letter, List<(SoftwareProduct, double)> items, int count)
    {
        for (var i = 0; items.Count < count; i++)
        {
            var language = s_languages[i % s_languages.Length];
            var family = i / s_languages.Length;
            var product = letter switch
            {
                "W" or "S" => Add($"Security Update for Microsoft Windows (KB{(letter == "W" ? 5000802 : 5000835) + (i * 97)})", "Microsoft Corporation", "1", -1, letter, []),
                "M" => Add(family == 0 ? $"Dictionary {language}.dictionary" : $"{language} Voice {family}.speech", "Apple Inc.", "2.0.1", 2, letter, []),
                _ => Add(s_linuxFamilies[family % s_linuxFamilies.Length] + (family < s_linuxFamilies.Length ? "-" : $"{family / s_linuxFamilies.Length}-") + language,
                    letter == "D" ? "Ubuntu Developers" : "Red Hat, Inc.", "24.4.12", 2, letter, []),
            };
            items.Add((product, 0.2));
        }
    }

    private SoftwareProduct Add(string name, string publisher, string version, int movingPart, string distribution, HashSet<string> flags)
    {
        var number = _products.Count;
        _families.TryAdd(name, number);
        var product = new SoftwareProduct(number, _families[name], name, publisher, version, movingPart, distribution, flags);
        _products.Add(product);
        return product;
    }
}
