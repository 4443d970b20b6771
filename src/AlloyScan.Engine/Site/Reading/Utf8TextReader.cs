using System.Text;

namespace AlloyScan.Engine.Site.Reading;

/// <summary>
/// Decodes UTF-8 bytes straight into the buffer that the JSON reader hands over, without a buffer of its own. A <see cref="StreamReader"/>
/// over a memory stream would copy everything twice more.
/// </summary>
internal sealed class Utf8TextReader : TextReader
{
    private readonly Decoder _decoder = Encoding.UTF8.GetDecoder();
    private ReadOnlyMemory<byte> _rest;

    internal Utf8TextReader(ReadOnlyMemory<byte> utf8)
    {
        _rest = utf8.Span.StartsWith("\uFEFF"u8) ? utf8[3..] : utf8;
    }

    /// <summary>Whether the consumer asked for more than there is: a parser does that only when the text stops too early, or at its end.</summary>
    internal bool EndWasRead { get; private set; }

    public override int Read(char[] buffer, int index, int count) => Read(buffer.AsSpan(index, count));

    public override int Read(Span<char> buffer)
    {
        int written = 0;
        while (written == 0 && !_rest.IsEmpty && !buffer.IsEmpty)
        {
            _decoder.Convert(_rest.Span, buffer, flush: true, out int used, out written, out _);
            _rest = _rest[used..];
        }

        EndWasRead |= written == 0;
        return written;
    }
}
