using AlloyScan.Engine.Inventory;
using AlloyScan.Engine.Store;

namespace AlloyScan.Engine.Sync.Identify;

/// <summary>The administrator's junk, read once for a run.</summary>
internal sealed class OwnJunk
{
    private readonly HashSet<Identifier> _values = [];

    private OwnJunk()
    {
    }

    public static OwnJunk Load(StoreSession session)
    {
        var result = new OwnJunk();
        using var reader = session.Prepare("SELECT kind, value FROM junk_identifiers").Read();
        while (reader.Read())
            result._values.Add(new Identifier((IdentifierKind)reader.GetInt32(0), reader.GetString(1)));
        return result;
    }

    /// <summary>The values, in the form in which they are compared.</summary>
    public IEnumerable<Identifier> All => _values.Concat(_values.Where(v => v.Kind == IdentifierKind.MacAddress).Select(v => v with { Kind = IdentifierKind.WeakMacAddress }));

    /// <summary>Whether a value, in the form in which it is compared, counts as blank. A weak address is an address.</summary>
    public bool Contains(Identifier identifier) =>
        _values.Count > 0
        && _values.Contains(identifier.Kind == IdentifierKind.WeakMacAddress ? identifier with { Kind = IdentifierKind.MacAddress } : identifier);
}
