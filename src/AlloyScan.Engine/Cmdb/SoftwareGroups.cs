using System.Globalization;
using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Store;

namespace AlloyScan.Engine.Cmdb;

/// <summary>
/// Which software groups of a site are tracked, and which products the site has put into a group. Only the products that people
/// have classified are held: whatever is neither required nor forbidden is regular, as the site itself has it.
/// </summary>
internal sealed class SoftwareGroups
{
    public const string Required = "Required";
    public const string Forbidden = "Forbidden";
    public const string Regular = "Regular";

    /// <summary>All groups; a product that the site names in several counts to the first.</summary>
    public static readonly IReadOnlyList<string> All = [Required, Forbidden, Regular];

    private readonly HashSet<string> _untracked;
    private readonly Dictionary<string, string> _classified = new(StringComparer.Ordinal);
    private readonly HashSet<uint> _exceptions = [];

    public SoftwareGroups(IEnumerable<string> untracked) => _untracked = new HashSet<string>(untracked, StringComparer.OrdinalIgnoreCase);

    /// <summary>Whether some group is left out, so that the site's catalog has to be known.</summary>
    public bool IsFiltering => _untracked.Count > 0;

    /// <summary>Products that are neither in the default group nor treated like it. With the choice of groups they say all about what is left out.</summary>
    public int ExceptionCount => _exceptions.Count;

    public bool TracksRegular => !_untracked.Contains(Regular);

    public static SoftwareGroups Load(StoreSession session, long siteId)
    {
        var untracked = new List<string>();
        using var reader = session.Prepare("SELECT software_group FROM untracked_groups WHERE site_id = @p0").Set(0, siteId).Read();
        while (reader.Read())
            untracked.Add(reader.GetString(0));
        return new SoftwareGroups(untracked);
    }

    /// <summary>The spelling of a group, or <see langword="null"/> for what is none.</summary>
    public static string? Find(string? group) => All.FirstOrDefault(g => string.Equals(g, group?.Trim(), StringComparison.OrdinalIgnoreCase));

    /// <summary>The form in which products of the site's catalog are compared: it knows name and version, not the publisher.</summary>
    public static string? Key(string? name, string? version) => Identifiers.Collapse(name) is { } clean ? $"{clean}\u001F{Identifiers.Collapse(version)}" : null;

    /// <summary>Takes in a product of the site's catalog.</summary>
    public void Add(CatalogProduct product)
    {
        if (Find(product.SoftwareGroup) is not { } group || group == Regular || Key(product.Name, product.Version) is not { } key)
            return;

        // Spellings that we do not tell apart may stand in two groups; what is required is never lost.
        if (_classified.TryGetValue(key, out var before) && before == Required)
            return;

        _classified[key] = group;
        if (IsTracked(key) == TracksRegular)
            _exceptions.Remove(Hash(key));
        else
            _exceptions.Add(Hash(key));
    }

    public string GroupOf(string key) => _classified.GetValueOrDefault(key, Regular);

    public bool IsTracked(string key) => !_untracked.Contains(GroupOf(key));

    /// <summary>Whether one of the products that were left out before, by their packed hashes, is tracked now.</summary>
    public bool TracksAnyOf(string? packed)
    {
        for (var i = 0; packed is not null && i + 8 <= packed.Length; i += 8)
        {
            var hash = uint.Parse(packed.AsSpan(i, 8), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            if (_exceptions.Contains(hash) != TracksRegular)
                return true;
        }

        return false;
    }

    /// <summary>A hash of the choice and of the products that it leaves out, the same whatever the order of the catalog.</summary>
    public void AddTo(ref StableHash hash)
    {
        if (!IsFiltering)
            return;

        foreach (var group in All)
            hash.Add(_untracked.Contains(group) ? group : null);
        foreach (var exception in _exceptions.Order())
            hash.Add(exception);
    }

    /// <summary>A product in 32 bits, for remembering what was left out of a computer.</summary>
    public static uint Hash(string key)
    {
        var hash = new StableHash();
        hash.Add(key);
        return unchecked((uint)(hash.Value ^ (hash.Value >> 32)));
    }

    /// <summary>Hashes as one text, in order and each once; <see langword="null"/> for none.</summary>
    public static string? Pack(IReadOnlyCollection<uint> hashes) =>
        hashes.Count == 0 ? null : string.Concat(hashes.Distinct().Order().Select(h => h.ToString("X8", CultureInfo.InvariantCulture)));

    public static IEnumerable<uint> Unpack(string? packed)
    {
        for (var i = 0; packed is not null && i + 8 <= packed.Length; i += 8)
            yield return uint.Parse(packed.AsSpan(i, 8), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
    }
}
