using System.Buffers.Binary;

namespace AlloyScan.SampleSite;

/// <summary>What an ID of the site stands for.</summary>
internal enum IdKind
{
    Device = 1,
    Snapshot = 2,
    Product = 3,
    Tag = 4,
    Segment = 5,
    AuditService = 6,
    Agent = 7,
}

/// <summary>
/// Turns a kind, a number and a detail (a day, a release) into a UUID of version 4 and back, so that a lookup needs no
/// table. 64 of the UUID's 122 free bits carry the content, the other 58 check it: no ID of another seed, and no made-up one, is taken.
/// </summary>
internal sealed class FleetIds(int seed)
{
    public const int MaxDetail = (1 << 24) - 1;

    private const ulong CheckMask = (1UL << 58) - 1;

    private readonly ulong _key = Hash.Of((uint)seed, Trait.Identifier);
    private readonly ulong _checkKey = Hash.Of((uint)seed, Trait.IdentifierCheck);

    public Guid Encode(IdKind kind, int number, int detail = 0)
    {
        var content = Hash.Mix((((ulong)kind << 56) | ((ulong)(uint)detail << 32) | (uint)number) ^ _key);
        var check = Hash.Mix(content ^ _checkKey) & CheckMask;
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, (content & 0xFFFF_FFFF_FFFF_0000) | 0x4000 | ((content >> 4) & 0xFFF));
        BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], (2UL << 62) | ((content & 0xF) << 58) | check);
        return new Guid(bytes, bigEndian: true);
    }

    public bool TryDecode(Guid id, IdKind kind, out int number, out int detail)
    {
        Span<byte> bytes = stackalloc byte[16];
        id.TryWriteBytes(bytes, bigEndian: true, out _);
        var high = BinaryPrimitives.ReadUInt64BigEndian(bytes);
        var low = BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]);
        var content = (high & 0xFFFF_FFFF_FFFF_0000) | ((high & 0xFFF) << 4) | ((low >> 58) & 0xF);
        var plain = Hash.Unmix(content) ^ _key;
        number = (int)(uint)plain;
        detail = (int)(plain >> 32) & MaxDetail;
        return ((high >> 12) & 0xF) == 4
            && low >> 62 == 2
            && (low & CheckMask) == (Hash.Mix(content ^ _checkKey) & CheckMask)
            && (IdKind)(plain >> 56) == kind
            && number >= 0;
    }
}
