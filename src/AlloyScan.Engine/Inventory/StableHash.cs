namespace AlloyScan.Engine.Inventory;

/// <summary>
/// A 64-bit FNV-1a hash over texts that is the same in every process, unlike <see cref="string.GetHashCode()"/>.
/// An absent text and an empty one differ.
/// </summary>
internal struct StableHash
{
    private const ulong Prime = 1099511628211;
    private ulong _state;

    public StableHash() => _state = 14695981039346656037;

    public void Add(string? text)
    {
        var state = _state;
        if (text is null)
        {
            state = (state ^ 0xFFFF) * Prime;
        }
        else
        {
            foreach (var c in text)
                state = (state ^ c) * Prime;

            state = (state ^ 0xFFFE) * Prime;
        }

        _state = state;
    }

    public void Add(long number)
    {
        var state = _state;
        for (var shift = 0; shift < 64; shift += 16)
            state = (state ^ (ushort)(number >> shift)) * Prime;

        _state = state;
    }

    /// <summary>The hash as the signed number that the store keeps.</summary>
    public readonly long Value => unchecked((long)_state);
}
