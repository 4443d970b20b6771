using System.Text;

namespace AlloyScan.SampleSite;

/// <summary>Puts a short text together in a buffer on the stack, as UTF-8, which is what goes over the wire.</summary>
internal ref struct Utf8Text(Span<byte> buffer)
{
    private readonly Span<byte> _buffer = buffer;
    private int _length;

    public readonly ReadOnlySpan<byte> Written => _buffer[.._length];

    public void Append(byte value) => _buffer[_length++] = value;

    public void Append(scoped ReadOnlySpan<byte> value)
    {
        value.CopyTo(_buffer[_length..]);
        _length += value.Length;
    }

    public void Append(string value) => _length += Encoding.UTF8.GetBytes(value, _buffer[_length..]);

    public void AppendNumber(long value, int minDigits = 1)
    {
        var digits = 1;
        for (var rest = value; rest >= 10; rest /= 10)
            digits++;

        var length = Math.Max(digits, minDigits);
        for (var i = _length + length - 1; i >= _length; i--)
        {
            _buffer[i] = (byte)('0' + (value % 10));
            value /= 10;
        }

        _length += length;
    }

    public void AppendHex(ulong value, int digits, bool lower = false)
    {
        var letters = lower ? "0123456789abcdef"u8 : "0123456789ABCDEF"u8;
        for (var shift = (digits - 1) * 4; shift >= 0; shift -= 4)
            _buffer[_length++] = letters[(int)(value >> shift) & 15];
    }

    public readonly void ToLower(int start)
    {
        foreach (ref var c in _buffer[start.._length])
        {
            if (c is >= (byte)'A' and <= (byte)'Z')
                c |= 0x20;
        }
    }

    /// <summary>ISO 8601 in UTC, whole seconds.</summary>
    public void AppendTime(DateTime value)
    {
        AppendDate(value);
        Append((byte)'T');
        AppendNumber(value.Hour, 2);
        Append((byte)':');
        AppendNumber(value.Minute, 2);
        Append((byte)':');
        AppendNumber(value.Second, 2);
        Append((byte)'Z');
    }

    public void AppendDate(DateTime value)
    {
        AppendNumber(value.Year, 4);
        Append((byte)'-');
        AppendNumber(value.Month, 2);
        Append((byte)'-');
        AppendNumber(value.Day, 2);
    }

    public override readonly string ToString() => Encoding.UTF8.GetString(Written);
}
